"""The chapters after the first: what agencies' ordinary days are like.

Each tells of other people than the first, so that it can be played after it or alone. All invented.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from demo.council import (
    CHARITY,
    CHILD,
    HEALTH,
    LEXBRIDGE,
    NEIGHBOUR,
    PEOPLE,
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
from demo.stage import Stage
from demo.story import Story

MARIGOLD = ("Marigold", "Finch", "2021-05-09", "LX4 2QA")
ROWAN = ("Rowan", "Ashdown", "2019-11-02", "LX5 8RT")
JUNIPER = ("Juniper", "Thorne", "2017-02-17", "LX2 6HB")
SORREL = ("Sorrel", "Lindqvist", "1993-08-30", "LX6 1PW")
BRYONY = ("Bryony", "Castellane", "1988-04-19", "LX8 5NB")
OLEANDER = ("Oleander", "Quist", "2018-12-12", "LX7 3TG")
BASES = {
    "health_visiting": "UK-CONSENT",
    "child_in_need": "UK-CA89-S17",
    "youth_work": "UK-CONSENT",
    "drug_and_alcohol": "UK-CONSENT",
    "talking_therapies": "UK-CONSENT",
}
OUR_TYPES = ("health_visiting", "school_nursing", "community_nursing", "talking_therapies")
ID = re.compile(rb"[0-9a-f]{32,128}")


@dataclass(frozen=True)
class Why:
    """In which role and on which basis somebody asks to help early, with the facts it demands."""

    role: str
    basis: str
    facts: tuple[str, ...] = ()


S17 = Why(
    "health_visitor", "UK-CA89-S17", ("views=sought", "proportionality=No less intrusive way")
)


class Chapters:
    """Tells the chapters through the commands of the programs."""

    def __init__(self, stage: Stage, story: Story, tell: Callable[[str], None]) -> None:
        self.stage = stage
        self.story = story
        self.tell = tell

    # Records

    def a_charity_types_its_clients(self) -> None:
        """Three people without a file: a preset once, then a client in one go."""
        if not CHARITY.folder.exists():
            self.story.join_late()
        self.add(CHILD, "m-child", MARIGOLD, "child_in_need")
        self.story.node(CHARITY, "people add", CHARITY.person, "--kind", "worker")
        self.story.serve(CHARITY)
        self.add(CHARITY, "m-charity", MARIGOLD, "youth_work", "--consent", "today")
        self.sees(CHILD, "m-child", ["Youth work"])
        self.tell(
            "A youth worker types a name, a birth date and a postcode, and that they agreed. In "
            "the next round social care sees: Youth work, Wexcombe Family Link."
        )

    def a_second_service(self) -> None:
        """Two files of one agency add up: a new service replaces none."""
        self.take_in(HEALTH, "visits.csv")
        self.take_in(HEALTH, "nursing.csv")
        self.story.node(HEALTH, "publish")
        self.sees(CHILD, "m-child", ["Health visiting", "School nursing", "Youth work"])
        self.tell(
            "Health visiting has Marigold in one file and school nursing in another. Social care "
            "sees both, and the charity."
        )

    def work_ends(self) -> None:
        """A piece of work is closed by a person, and gone at once; no file begins it again."""
        self.story.node(HEALTH, "clients close", "m-health", "--work", "1", "--as", HEALTH.person)
        self.sees(CHILD, "m-child", ["School nursing", "Youth work"])
        again = self.take_in(HEALTH, "visits.csv")
        self.story.expect("they stay ended" in again, "no file begins it again")
        self.tell("Health visiting closes its work. It is gone from the team, and stays gone.")

    # Consent

    def consent_is_given(self) -> None:
        """To whom and for what is written down, and obeyed."""
        self.add(HEALTH, "r-health", ROWAN, "health_visiting", "--consent", "today")
        self.add(CHILD, "r-child", ROWAN, "child_in_need")
        for agency, client, to in (
            (HEALTH, "r-health", "childrens_social_care"),
            (CHILD, "r-child", "health_provider"),
        ):
            self.story.node(
                agency, "consent give", client, "--work", "all", "--by", "parental_responsibility",
                "--how", "in_person", "--on", "now", "--until", "2030-01-31", "--wording",
                "Family form 3", "--to", to, "--purpose", "early_help", "--as", agency.person,
            )  # fmt: skip
        self.sees(CHILD, "r-child", ["Health visiting"])
        self.tell(
            "Rowan's mother agrees, at both: each may tell the other, to help early, until January "
            "2030. Who said so, how and when is kept, with a receipt for her."
        )

    def consent_is_used(self) -> None:
        """The request takes its facts from the record; nobody types them."""
        card = self.asks_and_gets(CHILD, "r-child", Why("social_worker", "UK-CONSENT"))
        self.tell(
            "Social care asks on consent. Date, who gave it and the form come from its own record; "
            f"health visiting's record has to cover it too. The card opens: {card['practitioner']}."
        )

    def consent_is_withdrawn(self) -> None:
        """As easy as giving; it reaches the card that is out."""
        self.story.node(HEALTH, "consent withdraw", "r-health", "--as", HEALTH.person)
        self.sees(CHILD, "r-child", [])
        self.stage.until(
            lambda: self.last(CHILD, "r-child")["state"] == "recalled", "the card is recalled"
        )
        self.story.expect(self.last(CHILD, "r-child")["card"] is None, "the card is gone")
        self.tell("She takes it back at health visiting. The card at social care is deleted.")

    # Always findable

    def a_plan_is_found(self) -> None:
        """A child protection plan is found whatever the importing clerk left blank."""
        said = self.take_in(CHILD, "plan.csv")
        self.story.expect("findable by law" in said, "the import says so")
        self.story.node(CHILD, "publish")
        self.add(HEALTH, "j-health", JUNIPER, "health_visiting", "--consent", "today")
        self.sees(HEALTH, "j-health", ["Child protection plan"])
        self.tell(
            "The clerk left the columns of permission blank. The law says that a child protection "
            "plan is found, so the health visitor sees it."
        )
        said = self.story.node(CHILD, "withdraw", "j-child", "--as", CHILD.person)
        self.story.expect("Still found by others" in said, "it is said what stays")
        self.tell(said.strip().splitlines()[-1])

    # Sensitive

    def a_sensitive_service_reaches_out(self) -> None:
        """It is seen by nobody, sees the others, asks, and is answered."""
        if not CHARITY.folder.exists():
            self.story.join_late()
        self.story.admit(RECOVERY)
        self.story.node(RECOVERY, "people add", RECOVERY.person, "--kind", "worker")
        self.story.serve(RECOVERY)
        self.add(HEALTH, "s-health", SORREL, "health_visiting", "--consent", "today")
        self.add(RECOVERY, "s-recovery", SORREL, "drug_and_alcohol", "--consent", "today")
        self.sees(RECOVERY, "s-recovery", ["Health visiting"])
        self.story.expect(self.labels(HEALTH, "s-health") == [], "nobody sees it")
        card = self.asks_and_gets(RECOVERY, "s-recovery", S17)
        self.story.expect(self.labels(HEALTH, "s-health") == [], "nor afterwards")
        self.tell(
            "The recovery service sees the health visitor and is seen by nobody. It asks; a person "
            f"at health visiting learns of it with the request, and answers: {card['phone']}."
        )

        self.story.node(
            HEALTH, "raise-attention", "s-health", "moved_home", "--role", "health_visitor",
            "--yes", "--as", HEALTH.person,
        )  # fmt: skip
        (told,) = self.stage.until(
            lambda: self.story.inbox(RECOVERY)["attention"], "attention reaches the service"
        )
        self.story.expect(told["client"] == "s-recovery", "it is about Sorrel")
        (raised,) = self.story.inbox(HEALTH)["raised"]
        self.tell(
            f"Health visiting, whose screen shows nobody, raises attention: {told['title']}. The "
            f"service is told all the same; health visiting reads: {raised['state_text']}."
        )

    def two_sensitive_services_meet(self) -> None:
        """Both clients' consents name the other; unnamed until one asks, and a person answers."""
        for agency, client, service in (
            (HEALTH, "b-health", "talking_therapies"),
            (RECOVERY, "b-recovery", "drug_and_alcohol"),
        ):
            self.add(agency, client, BRYONY, service, "--consent", "today")
            self.story.node(
                agency, "consent give", client, "--work", "all", "--by", "client", "--how",
                "in_person", "--on", "now", "--until", "2030-01-31", "--wording", "Form 7", "--to",
                "health_provider", "--purpose", "early_help", "--as", agency.person,
            )  # fmt: skip
        found = self.stage.until(
            lambda: self.story.team(RECOVERY, "b-recovery")["services"], "a service can be reached"
        )
        self.story.expect(self.labels(RECOVERY, "b-recovery") == [], "nobody is named")
        self.story.node(
            RECOVERY, "introduce", "b-recovery", found[0]["reference"], "--role", "health_visitor",
            "--purpose", "early_help", "--basis", "UK-CONSENT", "--yes", "--as", RECOVERY.person,
        )  # fmt: skip
        self.sees(RECOVERY, "b-recovery", ["Talking therapies"])
        asked = self.stage.until(lambda: self.story.inbox(HEALTH)["introduced"], "it is told")
        self.story.expect(asked[0]["agency"] == RECOVERY.name, "and by whom")
        card = self.asks_and_gets(RECOVERY, "b-recovery", Why("health_visitor", "UK-CONSENT"))
        self.story.expect(self.labels(HEALTH, "b-health") == [], "who asked is still unseen")
        self.tell(
            "Bryony agreed at her talking therapist's and at the recovery service that each may "
            "know of the other. Each is told that such a service can be reached, and no name. One "
            "asks; the other learns at once who did, and a person there answers: "
            f"{card['phone']}."
        )

    # Moving

    def a_second_council(self) -> None:
        """Another council, with key holders and witnesses of its own."""
        make_hub(self.stage, LEXBRIDGE)
        holders = make_key_holders(self.stage, LEXBRIDGE)
        key_ceremony(self.stage, holders, LEXBRIDGE)
        found(self.stage, holders, LEXBRIDGE)
        make_node(self.stage, NEIGHBOUR)
        join(self.stage, NEIGHBOUR, at=LEXBRIDGE)
        self.story.node(NEIGHBOUR, "people add", NEIGHBOUR.person, "--kind", "worker")
        self.story.serve(NEIGHBOUR)
        with (HEALTH.folder / "node.toml").open("a", encoding="utf-8") as file:
            ours = ", ".join(f'{code} = "{code}"' for code in OUR_TYPES)
            file.write(f'[hubs."{WEXCOMBE.name}"]\ntypes = {{ {ours} }}\n')
            file.write(f'[hubs."{LEXBRIDGE.name}"]\n')
            file.write('types = { visiting_lex = "health_visiting" }\n')
        self.stage.stop(f"node-{HEALTH.key}")
        join(self.stage, HEALTH, at=LEXBRIDGE)
        self.story.serve(HEALTH)
        self.tell("Health visiting works in both councils: one node, one set of records, two hubs.")

    def a_child_moves(self) -> None:
        """Gone at one council, found at the other; nothing is the same at both."""
        self.add(CHILD, "o-child", OLEANDER, "child_in_need")
        self.take_in(HEALTH, "before.csv")
        self.story.node(HEALTH, "publish")
        self.sees(CHILD, "o-child", ["Health visiting"])
        self.add(NEIGHBOUR, "o-neighbour", OLEANDER, "child_in_need")
        self.take_in(HEALTH, "after.csv")
        self.story.node(HEALTH, "clients close", "o-health", "--work", "1", "--as", HEALTH.person)
        self.story.node(HEALTH, "publish")
        self.sees(CHILD, "o-child", [])
        self.sees(NEIGHBOUR, "o-neighbour", ["Health visiting"])
        first, second = self.ids_at(WEXCOMBE), self.ids_at(LEXBRIDGE)
        self.story.expect(min(len(first), len(second)) > 100, "there are many ids")
        self.story.expect(not first & second, "no id, key or token is at both hubs")
        self.tell(
            "Oleander moves. Wexcombe no longer sees the health visitor, Lexbridge does, and no "
            "id, key or token is the same at both."
        )

    def add(
        self, agency: Agency, client: str, who: Sequence[str], service: str, *more: str
    ) -> None:
        """Somebody adds a client by hand."""
        self.story.node(
            agency, "clients preset", service, "--service", service, "--basis", BASES[service]
        )
        given, family, born, postcode = who
        consent = more if BASES[service] == "UK-CONSENT" else ()
        self.story.node(
            agency, "clients add", "--id", client, "--given", given, "--family", family, "--born",
            born, "--postcode", postcode, "--preset", service, "--as", agency.person, *consent,
        )  # fmt: skip

    def take_in(self, agency: Agency, file: str) -> str:
        """Import one of the demo's files."""
        path = PEOPLE / file
        mapping = path.with_suffix(".mapping.toml")
        return self.story.node(agency, "import", str(path), "--mapping", str(mapping), "--yes")

    def labels(self, agency: Agency, client: str) -> list[str]:
        """What others do with a client, as an agency sees it."""
        found = self.story.team(agency, client)
        if isinstance(found, list):
            return sorted(one["label"] for team in found for one in team["others"])
        return sorted(one["label"] for one in found["others"])

    def sees(self, agency: Agency, client: str, labels: list[str]) -> None:
        """Wait until an agency sees just this work of others with a client."""
        what = f"{agency.name} sees {labels}"
        self.stage.until(lambda: self.labels(agency, client) == labels, what)

    def asks_and_gets(self, asker: Agency, client: str, why: Why) -> dict[str, Any]:
        """An agency asks health visiting for a worker, whose person allows it; the card."""
        waiting = self.asks(asker, client, why)
        self.story.node(HEALTH, "answer", waiting, "--allow", "--as", HEALTH.person)
        card: dict[str, Any] = self.stage.until(
            lambda: self.last(asker, client)["card"], "the card arrives and opens"
        )
        return card

    def asks(self, asker: Agency, client: str, why: Why) -> str:
        """An agency asks health visiting for a worker; the request's id, once it waits there."""
        reference = self.story.team(asker, client)["others"][0]["reference"]
        stated = [text for fact in why.facts for text in ("--fact", fact)]
        self.story.node(
            asker, "ask", client, reference, "--as", asker.person, "--role", why.role,
            "--purpose", "early_help", "--basis", why.basis, *stated,
        )  # fmt: skip
        waiting = self.stage.until(
            lambda: [
                item["request_id"]
                for item in self.story.inbox(HEALTH)["received"]
                if item["state"] == "asks_person"
            ],
            f"the request reaches {HEALTH.name}",
        )
        return str(waiting[0])

    def ids_at(self, site: Site) -> set[bytes]:
        """Every long hexadecimal text in a hub's files, without those of the charter: councils have
        name tables in common.
        """
        files = [path for path in site.hub.rglob("*") if path.is_file()]
        found = {text for path in files for text in ID.findall(path.read_bytes())}
        charter = self.stage.run(
            "patchwork-hub", "charter", "show", "--json", "--dir", str(site.hub)
        )
        return found - set(ID.findall(charter.encode()))

    def last(self, agency: Agency, client: str) -> dict[str, Any]:
        """An agency's last request about a client."""
        sent = self.story.inbox(agency)["sent"]
        return [item for item in sent if item["client"] == client][-1]
