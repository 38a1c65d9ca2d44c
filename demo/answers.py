"""The chapters about requests: who answers, in whose time, and what people hear of it.

They tell of other people than the others. All invented.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from demo.chapters import S17, Chapters
from demo.council import CHILD, HEALTH, Agency
from demo.stage import ROOT, free_port

FERN = ("Fern", "Okonjo", "2020-03-03", "LX3 9DP")
TANSY = ("Tansy", "Vaszary", "2016-07-21", "LX9 1RW")
COLLEAGUE = "N. Ndlovu"
WHY = "The family court has sealed this part of the record. Please ask the court."
FRONT_DOOR = """
[enquiry]
classes = ["childrens_social_care"]
bases = ["UK-CA89-S47"]
days = 14
per_person_day = 10
per_agency_day = 60
[[involvement_types]]
code = "enquiry"
title = "Enquiry"
openness = "open"
visible_to = ["childrens_social_care", "health_provider", "housing", "school"]
labels = ["Enquiry"]
"""
MAIL = """
[mail]
host = "127.0.0.1"
port = {port}
tls = "none"
sender = "patchwork@community-health.example"
web_address = "https://patchwork.community-health.example/"
usual = "at-once"
quiet_seconds = 1
"""


class Answers(Chapters):
    """Tells these chapters, and those before."""

    def refused_in_writing(self) -> None:
        """A request goes from hand to hand; only who asked can read why it is refused."""
        self.add(HEALTH, "f-health", FERN, "health_visiting", "--consent", "today")
        self.add(CHILD, "f-child", FERN, "child_in_need")
        self.sees(CHILD, "f-child", ["Health visiting"])
        self.story.node(HEALTH, "people add", COLLEAGUE, "--kind", "worker")
        waiting = self.asks(CHILD, "f-child", S17)
        self.story.node(HEALTH, "pass", waiting, "--to", COLLEAGUE, "--as", HEALTH.person)
        self.story.node(
            HEALTH, "answer", waiting, "--refuse", "excluded_information", "--reason", WHY,
            "--as", COLLEAGUE,
        )  # fmt: skip
        self.stage.until(
            lambda: self.last(CHILD, "f-child")["state"] == "refused", "the refusal arrives"
        )
        said = self.last(CHILD, "f-child")
        self.story.expect(said["reason"] == WHY, "with its reason")
        self.tell(
            f"{HEALTH.person} passes the request on; {COLLEAGUE} refuses, and writes why, which "
            f"only {CHILD.name} can read: {said['reason']}"
        )

    def nobody_answers(self) -> None:
        """What nobody answers in time is overdue: the hub says so to both, and an answer counts."""
        change, hub = ROOT / "at-once.toml", str(ROOT / "hub")
        change.write_text(
            "[answering]\nurgent_duty_hours = 0\nurgent_manager_hours = 0\n", encoding="utf-8"
        )
        self.stage.run("patchwork-hub", "charter", "change", str(change), "--yes", "--dir", hub)
        plan = self.story.team(HEALTH, "j-health")["others"][0]["reference"]
        self.story.node(
            HEALTH, "ask", "j-health", plan, "--as", HEALTH.person, "--role", "health_visitor",
            "--purpose", "safeguarding_child", "--basis", "UK-VITAL",
            "--fact", "break_glass_reason=child", "--fact", "danger=Nobody opens the door",
        )  # fmt: skip
        self.stage.until(
            lambda: (self.last(HEALTH, "j-health")["clock"] or {}).get("overdue"),
            "the hub says that it is overdue",
        )
        waiting = self.story.inbox(CHILD)["received"][-1]
        self.tell(
            "For life or death hours count day and night, and in this demo the charter gives none. "
            f"The hub says in the log that it is late. {CHILD.name} reads: "
            f"{waiting['clock']['says']}."
        )
        self.story.expect(waiting["clock"]["overdue"], "both sides are told")
        self.story.node(CHILD, "answer", waiting["request_id"], "--allow", "--as", CHILD.person)
        self.stage.until(
            lambda: self.last(HEALTH, "j-health")["state"] == "opened", "the card opens"
        )
        says = self.last(HEALTH, "j-health")["clock"]["says"]
        self.tell(f"An answer still counts. The card opens, and the request {says}.")

    def the_front_door_enquires(self) -> None:
        """Somebody who is not on the caseload: found, and whoever works with her sees who asks."""
        change, hub = ROOT / "front-door.toml", str(ROOT / "hub")
        change.write_text(FRONT_DOOR, encoding="utf-8")
        self.stage.run("patchwork-hub", "charter", "change", str(change), "--yes", "--dir", hub)
        for agency in (HEALTH, CHILD):
            self.stage.until(partial(self._signs, agency), "it is signed")
        self.add(HEALTH, "t-health", TANSY, "health_visiting", "--consent", "today")
        given, family, born, postcode = TANSY
        said = self.story.node(
            CHILD, "enquire new", "--given", given, "--family", family, "--born", born,
            "--postcode", postcode, "--role", "social_worker", "--purpose", "safeguarding_child",
            "--basis", "UK-CA89-S47", "--fact", "enquiry_reference=MASH-12", "--fact",
            "informed=informed", "--yes", "--json", "--as", CHILD.person,
        )  # fmt: skip
        enquiry = str(json.loads(said)["enquiry"])
        self.sees(CHILD, enquiry, ["Health visiting"])
        self.sees(HEALTH, "t-health", ["Enquiry"])
        self.tell(
            "Somebody calls about Tansy, whom children's services do not know. They enquire, for a "
            "fortnight at most, and find her health visitor, who sees that they do."
        )
        self.story.node(CHILD, "enquire close", enquiry, "--as", CHILD.person)
        self.sees(HEALTH, "t-health", [])

    def _signs(self, agency: Agency) -> bool:
        """An agency's person signs the new sharing agreement, once its node has seen it."""
        said = self.story.node(agency, "charter accept", "--yes", "--as", agency.person)
        return "signed" in said.lower()

    # News

    def mail_says_that_there_is_news(self) -> None:
        """A real mail server, which keeps a mailbox, gets a mail with not a word of what is new."""
        port, box = free_port(), ROOT / "mailbox"
        self.stage.start(
            "mailbox", "aiosmtpd", "-n", "-d", "-l", f"127.0.0.1:{port}",
            "-c", "aiosmtpd.handlers.Mailbox", str(box),
        )  # fmt: skip
        with (HEALTH.folder / "node.toml").open("a", encoding="utf-8") as file:
            file.write(MAIL.format(port=port))
        self.stage.stop(f"node-{HEALTH.key}")
        self.story.serve(HEALTH)
        found = self.stage.until(
            lambda: [path for path in (box / "new").glob("*") if b"h.whitcombe@" in read(path)],
            "the health visitor gets a mail",
        )
        mail = read(found[0])
        for word in (b"Amira", b"Hassan", b"h-0001", CHILD.name.encode(), b"found", b"Whitcombe,"):
            self.story.expect(word not in mail, "the mail says nothing of it")
        lines = mail.decode("ascii").splitlines()
        self.tell("\n".join(line for line in lines if not line.startswith("X-")))

    def news_is_read(self) -> None:
        """A universal service is a number a day; everything else a line."""

        def digest() -> list[dict[str, Any]]:
            said = self.story.node(CHILD, "news", "--all", "--json", "--as", CHILD.person)
            lines: list[dict[str, Any]] = json.loads(said)
            return [line for line in lines if "of your clients were found by" in line["says"]]

        found = self.stage.until(digest, "social care reads a number")
        line = max(found, key=lambda line: int(line["count"]))
        self.tell(
            f"At social care A. Okafor signs in and reads: {line['says']} For the health visitor "
            "each is a line of its own, as the sharing agreement says of social care's work."
        )


def read(path: Path) -> bytes:
    """A mail as it lies in a mailbox."""
    return path.read_bytes()


def chapters(told: Answers) -> dict[str, list[tuple[str, Callable[[], None]]]]:
    """The steps of each chapter, by its name."""
    return {
        "records": [
            ("A charity types its clients", told.a_charity_types_its_clients),
            ("A second service, in a file of its own", told.a_second_service),
            ("A piece of work ends", told.work_ends),
        ],
        "consent": [
            ("Consent is given, to somebody and for something", told.consent_is_given),
            ("Consent is used", told.consent_is_used),
            ("Consent is taken back, and the card with it", told.consent_is_withdrawn),
        ],
        "protection": [("A child protection plan is found", told.a_plan_is_found)],
        "sensitive": [
            ("A sensitive service reaches out", told.a_sensitive_service_reaches_out),
            ("Two sensitive services meet", told.two_sensitive_services_meet),
        ],
        "moving": [
            ("A second council", told.a_second_council),
            ("A child moves", told.a_child_moves),
        ],
        "answers": [
            ("A request is passed on, and refused with its reason", told.refused_in_writing),
            ("A life is in danger, and nobody answers", told.nobody_answers),
            ("The front door enquires", told.the_front_door_enquires),
        ],
        "news": [
            ("Mail says that there is news", told.mail_says_that_there_is_news),
            ("What is new is read where one signs in", told.news_is_read),
        ],
    }
