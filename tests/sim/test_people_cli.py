"""What a person types and reads: the queue, answers, recalled cards, duplicates, too little."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner, Result

from node.cli.main import app
from node.service import NodeService
from protocol.matchkeys.records import ClientRecord
from protocol.messages.bodies import RequestBody
from tests.sim.federation import AMIRA, DUTY, SimFederation, not_sure, row, two_agencies
from tests.sim.test_recall import released
from tests.sim.test_review import queue
from tests.sim.test_unwitnessed_card import allowed

Run = Callable[..., Result]
WORKERS = {"Health visiting": "H. Visitor", "Social care": "S. Worker"}


class Town:
    """A federation that commands of one node at a time are typed into."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, founded: SimFederation
    ) -> None:
        self.federation = SimFederation(folder)
        self._runner = asyncio.Runner()
        self.now(self.federation.resume(founded))
        self._who: NodeService | None = None

        @asynccontextmanager
        async def opened(
            _folder: Path, _hub: str, *, own: bool = False
        ) -> AsyncIterator[NodeService]:
            assert self._who is not None
            yield self._who

        for module in (
            "people",
            "records",
            "requests",
            "asking",
            "attention",
            "monitor",
            "charter",
            "membership",
            "objections",
            "withholding",
            "consents",
            "introductions",
            "news",
            "enquiries",
        ):
            monkeypatch.setattr(f"node.cli.{module}.open_service", opened)

    def now(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def types(
        self, name: str, *arguments: str, who: str | None = None, typed: str | None = None
    ) -> Result:
        """What a command says to somebody whose own profile names them; `who` "": nobody."""
        self._who = self.federation.nodes[name].service
        env = {"PATCHWORK_NODE_AS": WORKERS.get(name, "") if who is None else who}
        result = CliRunner().invoke(app, list(arguments), env=env, input=typed)
        structlog.reset_defaults()  # a command logs to a screen that is gone now
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result

    def close(self) -> None:
        self.now(self.federation.close())
        self._runner.close()


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, founded: SimFederation) -> Iterator[Town]:
    made = Town(tmp_path, monkeypatch, founded)
    yield made
    made.close()


async def unsure(federation: SimFederation) -> str:
    await federation.begin(not_sure)
    _, care = federation.nodes.values()
    return (await queue(care))[0].link_id


def test_the_queue_is_shown_and_answered(town: Town) -> None:
    link_id = town.now(unsure(town.federation))
    shown = town.types("Social care", "review")
    assert shown.exit_code == 0
    assert f"{link_id}  about c1" in shown.output
    assert "Health" not in shown.output, "it does not say who"
    value = json.loads(town.types("Social care", "review", "--json").output)
    assert [item["link_id"] for item in value["queue"]] == [link_id]
    assert "patchwork-node review" in town.types("Social care", "team", "c1").output
    said = town.types("Social care", "review", link_id, "--same")
    assert (said.exit_code, "in the council's log" in said.output) == (0, True)
    assert "No link waits for you" in town.types("Social care", "review").output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["review", "LINK"], "exactly one of"),
        (["review", "LINK", "--same", "--not-same"], "exactly one of"),
        (["review", "0" * 32, "--same"], "no link with that id"),
        (["review", "LINK", "--same", "--as", "Nobody"], "nobody here has that name"),
        (["identity-answer", "0" * 32], "exactly one of"),
        (["identity-answer", "0" * 32, "--same"], "no identity check with that id"),
        (["wrong-person", "0" * 32], "no card was released"),
        (
            [
                "identity-check", "0" * 32, "--role", "social_worker", "--basis", "UK-CA89-S47",
                "--purpose", "safeguarding_child", "--fact", "informed=informed", "--yes",
            ],
            "no open link",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_a_sentence(
    town: Town, arguments: list[str], says: str
) -> None:
    link_id = town.now(unsure(town.federation))
    typed = [link_id if word == "LINK" else word for word in arguments]
    result = town.types("Social care", *typed)
    assert result.exit_code == 1
    assert says in result.output
    assert town.now(town.federation.entries("verdict")) == []


def test_who_asks_is_warned_first_and_a_no_sends_nothing(town: Town) -> None:
    link_id = town.now(unsure(town.federation))
    asked = town.types(
        "Social care", "identity-check", link_id, "--role", "social_worker",
        "--basis", "UK-CA89-S47", "--purpose", "safeguarding_child",
        "--fact", "informed=informed", "--fact", "enquiry_reference=S47-1",
    )  # fmt: skip
    assert asked.exit_code == 1
    assert "is told at once that yours asks" in asked.output
    assert "Ask now?" in asked.output
    assert town.now(town.federation.entries("identity_request")) == []


def test_who_was_named_reads_at_once_who_asked_about_whom(town: Town) -> None:
    link_id = town.now(unsure(town.federation))
    town.federation.network.tamper["/v1/proofs/"] = lambda _proof: b"no proof"
    town.types(
        "Social care", "identity-check", link_id, "--role", "social_worker",
        "--basis", "UK-CA89-S47", "--purpose", "safeguarding_child",
        "--fact", "informed=informed", "--fact", "enquiry_reference=S47-1", "--yes",
    )  # fmt: skip
    town.now(town.federation.settle())
    shown = town.types("Health visiting", "review").output
    assert "Social care (social worker) asked about h1." in shown
    assert "No details have come so far." in shown
    assert "LX9 9ZZ" not in shown


def test_an_identity_check_on_two_screens(town: Town) -> None:
    link_id = town.now(unsure(town.federation))
    asked = town.types(
        "Social care", "identity-check", link_id, "--role", "social_worker",
        "--basis", "UK-CA89-S47", "--purpose", "safeguarding_child",
        "--fact", "informed=informed", "--fact", "enquiry_reference=S47-1", "--yes",
    )  # fmt: skip
    assert asked.exit_code == 0, asked.output
    before, *warning, said, _ = asked.output.split("\n")
    assert before == "This goes to whom the hub names when it allows the check."
    assert "is told at once" in warning[0]
    assert "has 20 of these" in " ".join(warning)
    check_id = said.split()[2].rstrip(":")
    town.now(town.federation.settle())
    assert ", to Health visiting: with the other" in town.types("Social care", "review").output
    shown = town.types("Health visiting", "review").output
    assert "Postcode: theirs LX9 9ZZ; yours LX3 4AB" in shown
    answered = town.types("Health visiting", "identity-answer", check_id, "--cannot-say")
    assert "deleted here" in answered.output
    assert "LX9 9ZZ" not in town.types("Health visiting", "review").output
    town.now(town.federation.settle())
    assert "cannot say" in town.types("Social care", "review").output


def test_a_wrong_person_is_told_to_both_leads_in_plain_words(town: Town) -> None:
    agencies = town.now(two_agencies(town.federation))
    request_id = town.now(released(town.federation, agencies))
    said = town.types("Health visiting", "wrong-person", request_id)
    assert (said.exit_code, "alerts" in said.output) == (0, True)
    before = town.types("Health visiting", "alerts").output
    assert "has not said yet" in before
    town.now(town.federation.settle())
    holder = town.types("Health visiting", "alerts").output
    assert "states that its node deleted the card" in holder
    assert "not a proof" in holder
    asker = town.types("Social care", "alerts", "--seen").output
    assert "NEW" in asker
    assert "what was read or copied" in asker
    assert "NEW" not in town.types("Social care", "alerts").output
    inbox = town.types("Social care", "inbox").output
    assert "recalled: it was the wrong person" in inbox
    assert "07700" not in inbox
    again = town.types("Health visiting", "wrong-person", request_id)
    assert (again.exit_code, "recalled already" in again.output) == (1, True)


def test_a_card_without_witnesses_is_let_go_by_a_person_who_was_told(town: Town) -> None:
    agencies = town.now(two_agencies(town.federation))
    early = town.types("Health visiting", "release-now", "0" * 32)
    assert (early.exit_code, "no allowed request" in early.output) == (1, True)
    request_id = town.now(allowed(town.federation, agencies))
    town.now(agencies[0].service.monitor.look())
    inbox = town.types("Health visiting", "inbox").output
    assert f"patchwork-node release-now {request_id}" in inbox
    declined = town.types("Health visiting", "release-now", request_id)
    assert "nobody outside the" in declined.output
    assert declined.exit_code == 1, "nobody said yes"
    assert town.now(town.federation.entries("provisional")) == []
    gone = town.types("Health visiting", "release-now", request_id, "--yes")
    assert (gone.exit_code, "on its way" in gone.output) == (0, True)
    assert (
        "H. Visitor let a card go to Social care" in town.types("Health visiting", "alerts").output
    )
    town.now(town.federation.settle())
    asker = town.types("Social care", "alerts", "--seen").output
    assert "NEW  request" in asker
    assert "a card came from Health visiting before witnesses had signed" in asker
    assert "07700 900123" in town.types("Social care", "inbox").output
    assert "release-now" not in town.types("Health visiting", "inbox").output


def test_duplicates_and_too_little_are_said(town: Town) -> None:
    async def set_up() -> None:
        health = await town.federation.join("Health visiting", "health_provider")
        await town.federation.join("Housing", "housing")
        little = ClientRecord(None, "Amira", None, None, None, None, None, None)
        await health.take_in(
            row("h1", AMIRA, "health_visiting", DUTY),
            row("h2", AMIRA, "health_visiting", DUTY),
            row("h3", little, "health_visiting", DUTY),
        )
        await health.publish()

    town.now(set_up())
    assert "h1 and h2" in town.types("Health visiting", "duplicates").output
    (found,) = json.loads(town.types("Health visiting", "duplicates", "--json").output)
    assert (found["first"], found["second"]) == ("h1", "h2")
    team = town.types("Health visiting", "team", "h3").output
    assert "cannot be found by others, and cannot find them, because" in team
    assert "Housing: 01632 960100" in team
    assert "Somebody to call now" in team


def test_what_was_set_aside_is_named_and_tried_again(town: Town) -> None:
    _, care = town.now(two_agencies(town.federation))
    handlers = town.federation.nodes["Health visiting"].service.dispatcher._incoming
    real = handlers[RequestBody]

    def throws(*_: object) -> None:
        raise KeyError("Amira Hassan, 9990000026")

    handlers[RequestBody] = throws
    others = town.now(care.team("c1")).others
    town.now(care.ask("c1", others[0].involvement_id))
    town.now(town.federation.settle())
    assert "patchwork-node retry" in town.types("Health visiting", "alarms").stdout
    said = town.types("Health visiting", "retry")
    assert said.exit_code == 4
    assert "KeyError at node.dispatch:" in said.stdout
    assert "not_found" not in said.stdout, "its decision waits for it"
    assert "waits for one before it" in said.stdout
    assert "Amira" not in said.output
    shown = json.loads(town.types("Health visiting", "retry", "--json").stdout)
    assert [item["what"] for item in shown] == ["message", "message"]
    handlers[RequestBody] = real
    done = town.types("Health visiting", "retry")
    assert (done.exit_code, done.stdout) == (0, "Nothing is set aside.\n")
    assert "waits for your answer" in town.types("Health visiting", "inbox").stdout
    assert town.types("Health visiting", "alarms").stdout == "Nothing is amiss.\n"
