"""The story: health visiting and children's social care both know Amira, and not of each other.

Every step is done by the programs themselves, over HTTP, and checked by what they print. The
people are invented.
"""

import json
import shutil
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from demo.council import CHARITY, CHILD, HEALTH, PEOPLE, Agency, Council, enrol
from demo.local_api import ask_node, has_local_api, listens
from demo.narrator import findings_in_short, indented, report_in_short
from demo.stage import ROOT, DemoError, Stage

AMIRA_HEALTH, AMIRA_CHILD, TWIN = "h-0001", "c-0001", "h-0002"

Tell = Callable[[str], None]


class Story:
    """Tells the story through the commands of the programs."""

    def __init__(self, stage: Stage, council: Council, tell: Tell) -> None:
        self._stage = stage
        self._council = council
        self._tell = tell
        self.presets: set[tuple[Agency, str]] = set()  # what agencies have said of a service

    def bring_files(self) -> None:
        """Both agencies take in their own CSV files."""
        both = (HEALTH, CHILD)
        commands = [
            (
                "patchwork-node", "import", str(PEOPLE / f"{agency.key}.csv"), "--mapping",
                str(PEOPLE / f"{agency.key}.mapping.toml"), "--dir", str(agency.folder), "--yes",
            )
            for agency in both
        ]  # fmt: skip
        for agency, output in zip(both, self._stage.run_all(*commands), strict=True):
            self._tell(f"{agency.name} brings its file:\n{indented(output)}")
        for output in self._stage.run_all(*commands):
            same = "0 new, 0 changed" in output
            self.expect(same, "a second import of the file changes nothing")
        notes = (HEALTH.folder / "health.notes.csv").read_text(encoding="utf-8")
        self.expect("450,nhs_number" in notes, "what could not be read is written to a file")

    def publish(self) -> None:
        """Both publish what they may, and serve."""
        both = (HEALTH, CHILD)
        said = self.all_nodes(*((agency, "publish") for agency in both))
        for agency, output in zip(both, said, strict=True):
            self._tell(f"{agency.name} publishes:\n{indented(output)}")
        self.serve(*both)

    def serve(self, *agencies: Agency) -> None:
        """Agencies' nodes run."""
        self._stage.start_all(
            {
                f"node-{agency.key}": ("patchwork-node", "serve", "--dir", str(agency.folder))
                for agency in agencies
            },
            until="serving",
        )
        for agency in filter(lambda agency: has_local_api(agency.folder), agencies):
            self._stage.until(partial(listens, agency.folder), f"{agency.name} can be asked")

    def find_each_other(self) -> None:
        """Each is told that somebody works with Amira; nobody is told of her twin."""
        child = self._wait_team(CHILD, AMIRA_CHILD)
        health = self._wait_team(HEALTH, AMIRA_HEALTH)
        self.expect(child[0]["agency"] == HEALTH.name, "social care sees health visiting")
        self.expect(health[0]["agency"] == CHILD.name, "health visiting sees social care")
        said = json.loads(self.node(CHILD, "team", AMIRA_CHILD, "--json"))
        self.expect(said["others"] == child, "a command says the same as the local interface")
        self.expect(child[0]["duty_line"] == HEALTH.duty_line, "with its duty line")
        twin = self.team(HEALTH, TWIN)
        self.expect(not twin["others"] and not twin["possible"], "the twin is not matched")
        self.expect(bool(twin["duty_desk"]["phone"]), "no match still gives somebody to ring")
        self._tell(
            f"Social care now sees: {child[0]['label']}, {child[0]['agency']}, duty line "
            f"{child[0]['duty_line']}. Health visiting sees: {health[0]['label']}, "
            f"{health[0]['agency']}, duty line {health[0]['duty_line']}."
        )
        self._tell("Amira's twin brother is not matched with anybody. That tells nobody anything.")

    def join_late(self) -> None:
        """The founding days end; a charity needs another organisation's word as well."""
        change, hub = ROOT / "end-of-founding.toml", str(ROOT / "hub")
        change.write_text(f"[admission]\nfounding_until = {int(time.time())}\n", encoding="utf-8")
        self._stage.run("patchwork-hub", "charter", "change", str(change), "--yes", "--dir", hub)
        self.admit(CHARITY)
        self._tell(
            f"The council approved; {HEALTH.name} answered for it too, in the log for all to see."
        )
        self._tell("Key holders would serve it after 7 days. In this demo the charter says 0.")

    def admit(self, agency: Agency) -> None:
        """An agency joins late: another one answers for it, and hears the same words."""

        def answer_for(words: str) -> None:
            self.node(
                HEALTH, "endorse", words, "--name", agency.name, "--clients",
                str(agency.clients), "--as", HEALTH.person,
            )  # fmt: skip

        enrol(self._stage, agency, answer_for)

    def refuse_without_facts(self) -> None:
        """A request without the facts that its code demands is refused, and told why."""
        output = self._ask("UK-CA89-S47", ["informed=unsafe_to_inform"], expect=1)
        self.expect("missing: enquiry_reference" in output, "the sentence names what is missing")
        self._tell("Social care forgets the enquiry reference. " + output.splitlines()[-2])

    def ask_and_answer(self) -> None:
        """Asked properly, answered by a person, and the card opens."""
        request_id = self.asked("S47-2026-0117")
        self._tell("Social care asks again, with purpose, lawful basis and reference.")
        request = next(
            item for item in self.inbox(HEALTH)["received"] if item["request_id"] == request_id
        )
        self.expect(request["client"] == AMIRA_HEALTH, "it is about Amira")
        self.expect(request_id in self.node(HEALTH, "inbox"), "and is in the inbox")
        self._tell(
            f"Health visiting reads: {request['practitioner']} of {request['agency']} asks. "
            f"Purpose: {request['purpose']}. Basis: {request['basis']}."
        )
        self.allow(request_id)
        card = self.opened(request_id)
        self.expect(bool(card["practitioner"] and card["phone"]), "the card names whom to ring")
        self._tell(
            "Health visiting allows. The decision is in the log and a quorum of witnesses has "
            f"signed; only now the card opens: {card['practitioner']}, {card['phone']}, "
            f"{card['email']}."
        )
        self._stage.until(
            lambda: any(item["state"] == "opened" for item in self.inbox(HEALTH)["received"]),
            "the receipt comes back",
        )

    def asked(self, reference: str) -> str:
        """Ask as the law wants it; the request's id, once it waits for a person."""
        facts = [f"enquiry_reference={reference}", "informed=unsafe_to_inform"]
        return self.asked_on("UK-CA89-S47", facts)

    def asked_on(self, basis: str, facts: list[str]) -> str:
        """Ask on a lawful basis; the request's id, once it waits for a person."""
        self._ask(basis, facts)
        waiting = self._stage.until(
            lambda: [
                item["request_id"]
                for item in self.inbox(HEALTH)["received"]
                if item["state"] == "asks_person"
            ],
            "the request reaches health visiting",
        )
        return str(waiting[0])

    def allow(self, request_id: str) -> None:
        """A person at health visiting allows a request."""
        self.node(HEALTH, "answer", request_id, "--allow", "--as", HEALTH.person)

    def release_now(self, request_id: str, expect: int = 0) -> str:
        """A person at health visiting lets a card go without witnesses; what is said."""
        arguments = ("--yes", "--as", HEALTH.person)
        return self.node(HEALTH, "release-now", request_id, *arguments, expect=expect)

    def leads_are_told(self) -> bool:
        """Whether both leads for information governance have a card without witnesses to see."""
        told = [ask_node(agency.folder, "/v1/alerts", {})["alerts"] for agency in (HEALTH, CHILD)]
        return all(item["what"] == "unwitnessed" for alerts in told for item in alerts) and all(
            told
        )

    def state(self, request_id: str) -> dict[str, Any]:
        """How a request stands at social care."""
        sent = self.inbox(CHILD)["sent"]
        return next(item for item in sent if item["request_id"] == request_id)

    def opened(self, request_id: str) -> dict[str, Any]:
        """The card of a request, once it has opened."""
        card: dict[str, Any] = self._stage.until(
            lambda: self.state(request_id)["card"], "the card arrives and opens"
        )
        return card

    def withdraw(self) -> None:
        """The family withdraws its consent; the next request is refused."""
        reference = self._reference()
        self.node(HEALTH, "withdraw", AMIRA_HEALTH, "--as", HEALTH.person)
        facts = ["enquiry_reference=S47-2026-0118", "informed=informed"]
        output = self._ask("UK-CA89-S47", facts, reference, expect=1)
        self.expect("Call the duty line" in output, "the refusal says what to do")
        self._tell(
            "The family withdraws its consent at health visiting. Social care asks again: refused."
        )
        self._tell(output.splitlines()[-2])

    def audit(self) -> None:
        """The auditor fetches, verifies and decides everything again; then one byte is changed."""
        case = str(ROOT / "case")
        self._audit("fetch", self._council.hub_url, "--out", case, "--genesis",
                    self._council.genesis, "--dir", str(ROOT / "auditor"),
                    "--allow-private-addresses")  # fmt: skip
        output = self._audit("verify", case)
        self._tell("The auditor copies the log and verifies it:")
        self._tell(report_in_short(output))
        output = self._audit("open", case)
        self._tell(
            "With the payloads, every signature is checked by the key the log held at that moment "
            "and every decision is made again:"
        )
        self._tell(report_in_short(output))
        tampered = ROOT / "case-tampered"
        shutil.copytree(case, tampered)
        bundle = next(path for path in sorted((tampered / "log/tile/entries").rglob("*"))
                      if path.is_file())  # fmt: skip
        data = bytearray(bundle.read_bytes())
        data[-1] ^= 1
        bundle.write_bytes(bytes(data))
        output = self._audit("verify", str(tampered), expect=1)
        self.expect("entries" in output, "the auditor says where")
        self._tell("One byte of the copy is changed on purpose. The auditor says where:")
        self._tell(findings_in_short(output))

    def _ask(
        self, basis: str, facts: list[str], reference: str | None = None, expect: int = 0
    ) -> str:
        stated = [text for fact in facts for text in ("--fact", fact)]
        output = self.node(
            CHILD, "ask", AMIRA_CHILD, reference or self._reference(), "--as", CHILD.person,
            "--role", "social_worker", "--purpose", "safeguarding_child", "--basis", basis,
            *stated, expect=expect,
        )  # fmt: skip
        self.expect(f"This goes to {HEALTH.name}" in output, "it is said to whom it goes")
        return output

    def _reference(self) -> str:
        """How social care refers to the health visitor in Amira's team."""
        return str(self._wait_team(CHILD, AMIRA_CHILD)[0]["reference"])

    def _wait_team(self, agency: Agency, client: str) -> list[dict[str, Any]]:
        others: list[dict[str, Any]] = self._stage.until(
            lambda: self.team(agency, client)["others"], f"{agency.name} finds the other"
        )
        return others

    def team(self, agency: Agency, client: str) -> dict[str, Any]:
        """A client's team, as a program reads it."""
        if has_local_api(agency.folder):
            (team,) = ask_node(agency.folder, "/v1/team", {"client": client})["teams"]
            return dict(team)
        return dict(json.loads(self.node(agency, "team", client, "--json")))

    def inbox(self, agency: Agency) -> dict[str, list[dict[str, Any]]]:
        """An agency's requests, those to it and its own, likewise."""
        if has_local_api(agency.folder):
            return ask_node(agency.folder, "/v1/inbox", {})
        return dict(json.loads(self.node(agency, "inbox", "--json")))

    def node(self, agency: Agency, command: str, *arguments: str, expect: int = 0) -> str:
        """What an agency's command prints; `command` may be two words."""
        return self._stage.run(*_words(agency, command, *arguments), expect=expect)

    def all_nodes(self, *commands: tuple[Agency, *tuple[str, ...]]) -> list[str]:
        """The same of commands that do not depend on each other, in order."""
        return self._stage.run_all(*(_words(*command) for command in commands))

    def _audit(self, command: str, *arguments: str, expect: int = 0) -> str:
        return self._stage.run("patchwork-audit", command, *arguments, expect=expect)

    def expect(self, truth: bool, what: str) -> None:
        """Stop the story unless something is so."""
        if not truth:
            raise DemoError(f"not so: {what}")


def _words(agency: Agency, command: str, *arguments: str) -> tuple[str, ...]:
    return ("patchwork-node", *command.split(), *arguments, "--dir", str(agency.folder))
