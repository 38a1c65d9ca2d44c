"""The chapters after the first: what agencies' ordinary days are like.

Each tells of other people than the first, so that it can be played after it or alone. All invented.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from demo.council import (
    CHARITY,
    CHILD,
    HEALTH,
    LEXBRIDGE,
    NEIGHBOUR,
    RECOVERY,
    WEXCOMBE,
    Agency,
    Site,
    found,
    join,
    key_ceremony,
    make_hub,
    make_key_holders,
    make_node,
)
from demo.days import S17, Days, Why
from demo.front_door import FrontDoor
from demo.local_api import ask_node
from demo.logins import Logins
from demo.pages import Pages
from demo.protection import Protection
from demo.stage import ROOT, Stage, free_port
from demo.story import Story

MARIGOLD = ("Marigold", "Finch", "2021-05-09", "LX4 2QA")
ROWAN = ("Rowan", "Ashdown", "2019-11-02", "LX5 8RT")
SORREL = ("Sorrel", "Lindqvist", "1993-08-30", "LX6 1PW")
BRYONY = ("Bryony", "Castellane", "1988-04-19", "LX8 5NB")
OLEANDER = ("Oleander", "Quist", "2018-12-12", "LX7 3TG")
OUR_TYPES = ("health_visiting", "school_nursing", "community_nursing", "talking_therapies")
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
ID = re.compile(rb"[0-9a-f]{32,128}")


class Chapters(Days):
    """The steps of the other chapters."""

    # Records

    def a_charity_types_its_clients(self) -> None:
        """Three people without a file: a preset once, then a client in one go."""
        if not CHARITY.folder.exists():
            self._story.join_late()
        self._add(CHILD, "m-child", MARIGOLD, "child_in_need")
        self._story.node(CHARITY, "people add", CHARITY.person, "--kind", "worker")
        self._story.serve(CHARITY)
        self._add(CHARITY, "m-charity", MARIGOLD, "youth_work", "--consent", "today")
        self._sees(CHILD, "m-child", ["Youth work"])
        self._tell(
            "A youth worker types a name, a birth date and a postcode, and that they agreed. In "
            "the next round social care sees: Youth work, Wexcombe Family Link."
        )

    def a_second_service(self) -> None:
        """Two files of one agency add up: a new service replaces none."""
        self._import(HEALTH, "visits.csv")
        self._import(HEALTH, "nursing.csv")
        self._story.node(HEALTH, "publish")
        self._sees(CHILD, "m-child", ["Health visiting", "School nursing", "Youth work"])
        self._tell(
            "Health visiting has Marigold in one file and school nursing in another. Social care "
            "sees both, and the charity."
        )

    def work_ends(self) -> None:
        """A piece of work is closed by a person, and gone at once; no file begins it again."""
        self._story.node(HEALTH, "clients close", "m-health", "--work", "1", "--as", HEALTH.person)
        self._sees(CHILD, "m-child", ["School nursing", "Youth work"])
        again = self._import(HEALTH, "visits.csv")
        self._story.expect("stays ended" in again, "no file begins it again")
        self._tell("Health visiting closes its work. It is gone from the team, and stays gone.")

    # Consent

    def consent_is_given(self) -> None:
        """To whom and for what is written down, and obeyed."""
        self._add_all(
            (HEALTH, "r-health", ROWAN, "health_visiting", "--consent", "today"),
            (CHILD, "r-child", ROWAN, "child_in_need"),
        )
        mother = ("--by", "parental_responsibility", "--wording", "Family form 3")
        self._story.all_nodes(
            _agreed(HEALTH, "r-health", "childrens_social_care", *mother),
            _agreed(CHILD, "r-child", "health_provider", *mother),
        )
        self._sees(CHILD, "r-child", ["Health visiting"])
        self._tell(
            "Rowan's mother agrees, at both: each may tell the other, to help early, until January "
            "2030. Who said so, how and when is kept, with a receipt for her."
        )

    def consent_is_used(self) -> None:
        """The request takes its facts from the record; nobody types them."""
        card = self._asks_and_gets(CHILD, "r-child", Why("social_worker", "UK-CONSENT"))
        self._tell(
            "Social care asks on consent. Date, who gave it and the form come from its own record; "
            f"health visiting's record has to cover it too. The card opens: {card['practitioner']}."
        )

    def consent_is_withdrawn(self) -> None:
        """As easy as giving; it reaches the card that is out."""
        self._story.node(HEALTH, "consent withdraw", "r-health", "--as", HEALTH.person)
        self._sees(CHILD, "r-child", [])
        self._stage.until(
            lambda: self._last(CHILD, "r-child")["state"] == "recalled", "the card is recalled"
        )
        self._story.expect(self._last(CHILD, "r-child")["card"] is None, "the card is gone")
        self._tell("She takes it back at health visiting. The card at social care is deleted.")

    # Sensitive

    def a_sensitive_service_reaches_out(self) -> None:
        """It is seen by nobody, sees the others, asks, and is answered."""
        if not CHARITY.folder.exists():
            self._story.join_late()
        self._story.admit(RECOVERY)
        self._story.node(RECOVERY, "people add", RECOVERY.person, "--kind", "worker")
        self._story.serve(RECOVERY)
        self._add_all(
            (HEALTH, "s-health", SORREL, "health_visiting", "--consent", "today"),
            (RECOVERY, "s-recovery", SORREL, "drug_and_alcohol", "--consent", "today"),
        )
        self._sees(RECOVERY, "s-recovery", ["Health visiting"])
        self._story.expect(self._labels(HEALTH, "s-health") == [], "nobody sees it")
        card = self._asks_and_gets(RECOVERY, "s-recovery", S17)
        self._story.expect(self._labels(HEALTH, "s-health") == [], "nor afterwards")
        self._tell(
            "The recovery service sees the health visitor and is seen by nobody. It asks; a person "
            f"at health visiting learns of it with the request, and answers: {card['phone']}."
        )

        self._story.node(
            HEALTH, "raise-attention", "s-health", "moved_home", "--role", "health_visitor",
            "--yes", "--as", HEALTH.person,
        )  # fmt: skip
        (told,) = self._stage.until(
            lambda: self._story.inbox(RECOVERY)["attention"], "attention reaches the service"
        )
        self._story.expect(told["client"] == "s-recovery", "it is about Sorrel")
        (raised,) = self._story.inbox(HEALTH)["raised"]
        self._tell(
            f"Health visiting, whose screen shows nobody, raises attention: {told['title']}. The "
            f"service is told all the same; health visiting reads: {raised['state_text']}."
        )

    def two_sensitive_services_meet(self) -> None:
        """Both clients' consents name the other; unnamed until one asks, and a person answers."""
        self._add_all(
            (HEALTH, "b-health", BRYONY, "talking_therapies", "--consent", "today"),
            (RECOVERY, "b-recovery", BRYONY, "drug_and_alcohol", "--consent", "today"),
        )
        herself = ("--by", "client", "--wording", "Form 7")
        self._story.all_nodes(
            _agreed(HEALTH, "b-health", "health_provider", *herself),
            _agreed(RECOVERY, "b-recovery", "health_provider", *herself),
        )
        found = self._stage.until(
            lambda: self._story.team(RECOVERY, "b-recovery")["services"], "a service can be reached"
        )
        self._story.expect(self._labels(RECOVERY, "b-recovery") == [], "nobody is named")
        self._story.node(
            RECOVERY, "introduce", "b-recovery", found[0]["reference"], "--role", "health_visitor",
            "--purpose", "early_help", "--basis", "UK-CONSENT", "--yes", "--as", RECOVERY.person,
        )  # fmt: skip
        self._sees(RECOVERY, "b-recovery", ["Talking therapies"])
        asked = self._stage.until(lambda: self._story.inbox(HEALTH)["introduced"], "it is told")
        self._story.expect(asked[0]["agency"] == RECOVERY.name, "and by whom")
        card = self._asks_and_gets(RECOVERY, "b-recovery", Why("health_visitor", "UK-CONSENT"))
        self._story.expect(self._labels(HEALTH, "b-health") == [], "who asked is still unseen")
        self._tell(
            "Bryony agreed at her talking therapist's and at the recovery service that each may "
            "know of the other. Each is told that such a service can be reached, and no name. One "
            "asks; the other learns at once who did, and a person there answers: "
            f"{card['phone']}."
        )

    # Moving

    def a_second_council(self) -> None:
        """Another council, with key holders and witnesses of its own."""
        make_hub(self._stage, LEXBRIDGE)
        holders = make_key_holders(self._stage, LEXBRIDGE)
        key_ceremony(self._stage, holders, LEXBRIDGE)
        found(self._stage, holders, LEXBRIDGE)
        make_node(self._stage, NEIGHBOUR)
        join(self._stage, NEIGHBOUR, at=LEXBRIDGE)
        self._story.node(NEIGHBOUR, "people add", NEIGHBOUR.person, "--kind", "worker")
        self._story.serve(NEIGHBOUR)
        with (HEALTH.folder / "node.toml").open("a", encoding="utf-8") as file:
            ours = ", ".join(f'{code} = "{code}"' for code in OUR_TYPES)
            file.write(f'[hubs."{WEXCOMBE.name}"]\ntypes = {{ {ours} }}\n')
            file.write(f'[hubs."{LEXBRIDGE.name}"]\n')
            file.write('types = { visiting_lex = "health_visiting" }\n')
        self._stage.stop(f"node-{HEALTH.key}")
        join(self._stage, HEALTH, at=LEXBRIDGE)
        self._story.serve(HEALTH)
        self._tell(
            "Health visiting works in both councils: one node, one set of records, two hubs."
        )

    def a_child_moves(self) -> None:
        """Gone at one council, found at the other; nothing is the same at both."""
        self._add(CHILD, "o-child", OLEANDER, "child_in_need")
        self._import(HEALTH, "before.csv")
        self._story.node(HEALTH, "publish")
        self._sees(CHILD, "o-child", ["Health visiting"])
        self._add(NEIGHBOUR, "o-neighbour", OLEANDER, "child_in_need")
        self._import(HEALTH, "after.csv")
        self._story.node(HEALTH, "clients close", "o-health", "--work", "1", "--as", HEALTH.person)
        self._story.node(HEALTH, "publish")
        self._sees(CHILD, "o-child", [])
        self._sees(NEIGHBOUR, "o-neighbour", ["Health visiting"])
        first, second = self._ids_at(WEXCOMBE), self._ids_at(LEXBRIDGE)
        self._story.expect(min(len(first), len(second)) > 100, "there are many ids")
        self._story.expect(not first & second, "no id, key or token is at both hubs")
        self._tell(
            "Oleander moves. Wexcombe no longer sees the health visitor, Lexbridge does, and no "
            "id, key or token is the same at both."
        )

    # News

    def mail_says_that_there_is_news(self) -> None:
        """A real mail server, which keeps a mailbox, gets a mail with not a word of what is new."""
        port, box = free_port(), ROOT / "mailbox"
        self._stage.start(
            "mailbox", "aiosmtpd", "-n", "-d", "-l", f"127.0.0.1:{port}",
            "-c", "aiosmtpd.handlers.Mailbox", str(box),
        )  # fmt: skip
        with (HEALTH.folder / "node.toml").open("a", encoding="utf-8") as file:
            file.write(MAIL.format(port=port))
        self._stage.stop(f"node-{HEALTH.key}")
        self._story.serve(HEALTH)
        found = self._stage.until(
            lambda: [path for path in (box / "new").glob("*") if b"h.whitcombe@" in read(path)],
            "the health visitor gets a mail",
        )
        mail = read(found[0])
        for word in (b"Amira", b"Hassan", b"h-0001", CHILD.name.encode(), b"found", b"Whitcombe,"):
            self._story.expect(word not in mail, "the mail says nothing of it")
        lines = mail.decode("ascii").splitlines()
        self._tell("\n".join(line for line in lines if not line.startswith("X-")))

    def news_is_read(self) -> None:
        """A universal service is a number a day; everything else a line."""

        def digest() -> list[dict[str, Any]]:
            whose = {"practitioner": CHILD.person, "all": True, "seen": False}
            lines: list[dict[str, Any]] = ask_node(CHILD.folder, "/v1/news", whose)["news"]
            return [line for line in lines if "of your clients were found by" in line["says"]]

        found = self._stage.until(digest, "social care reads a number")
        line = max(found, key=lambda line: int(line["count"]))
        said = self._story.node(CHILD, "news", "--all", "--as", CHILD.person)
        self._story.expect(line["says"] in said, "the command says it in the same words")
        self._tell(
            f"At social care A. Okafor signs in and reads: {line['says']} For the health visitor "
            "each is a line of its own, as the sharing agreement says of social care's work."
        )

    def _ids_at(self, site: Site) -> set[bytes]:
        """Every long hexadecimal text in a hub's files, without those of the charter: councils have
        name tables in common.
        """
        files = [path for path in site.hub.rglob("*") if path.is_file()]
        found = {text for path in files for text in ID.findall(_content(path))}
        charter = self._stage.run(
            "patchwork-hub", "charter", "show", "--json", "--dir", str(site.hub)
        )
        return found - set(ID.findall(charter.encode()))


def _agreed(agency: Agency, client: str, to: str, *by: str) -> tuple[Agency, *tuple[str, ...]]:
    """The words with which it is written down that agencies of a class may be told, to help early:
    who has agreed, and to what form.
    """
    words = (
        "consent give", client, "--work", "all", "--how", "in_person", "--on", "now",
        "--until", "2030-01-31", "--to", to, "--purpose", "early_help", "--as", agency.person, *by,
    )  # fmt: skip
    return (agency, *words)


def read(path: Path) -> bytes:
    """A mail as it lies in a mailbox."""
    return path.read_bytes()


def chapters(
    stage: Stage, story: Story, logins: Logins, tell: Callable[[str], None]
) -> dict[str, list[tuple[str, Callable[[], None]]]]:
    """The steps of each chapter, by its name."""
    told, protection = Chapters(stage, story, tell), Protection(stage, story, tell)
    front_door, pages = FrontDoor(stage, story, tell), Pages(stage, logins, tell)
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
        "protection": [
            ("A child protection plan is found", protection.a_plan_is_found),
            ("A life is in danger, and nobody answers", protection.nobody_answers),
            ("A request is passed on, and refused in writing", protection.a_colleague_refuses),
        ],
        "sensitive": [
            ("A sensitive service reaches out", told.a_sensitive_service_reaches_out),
            ("Two sensitive services meet", told.two_sensitive_services_meet),
        ],
        "front-door": [
            ("The sharing agreement lets a front door enquire", front_door.the_agreement_allows_it),
            ("Somebody calls about a child", front_door.somebody_calls),
        ],
        "moving": [
            ("A second council", told.a_second_council),
            ("A child moves", told.a_child_moves),
        ],
        "pages": [
            ("People get logins", pages.people_get_logins),
            ("A child is added, asked for, and somebody answers, in windows", pages.people_meet),
        ],
        "news": [
            ("Mail says that there is news", told.mail_says_that_there_is_news),
            ("What is new is read where one signs in", told.news_is_read),
        ],
    }


def _content(path: Path) -> bytes:
    """What is in a file of a hub that runs: one that was renamed meanwhile is found by its name."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
