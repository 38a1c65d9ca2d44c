"""The chapter of somebody who calls about a child whom nobody there knows. All invented."""

import json

from demo.council import CHILD, HEALTH
from demo.days import Days
from demo.stage import ROOT

IN_FORCE = '"event": "charter_in_force"'
TANSY = ("Tansy", "Vaszary", "2016-07-21", "LX9 1RW")
TERMS = """
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


class FrontDoor(Days):
    """The steps of the chapter."""

    def the_agreement_allows_it(self) -> None:
        """The council changes the sharing agreement, and both agencies sign."""
        change, hub = ROOT / "front-door.toml", str(ROOT / "hub")
        change.write_text(TERMS, encoding="utf-8")
        before = len(self._stage.said("hub", IN_FORCE))
        self._stage.run("patchwork-hub", "charter", "change", str(change), "--yes", "--dir", hub)
        self._stage.wait_for("hub", IN_FORCE, before + 1)
        accept = ("charter accept", "--yes", "--as")
        for said in self._story.all_nodes(
            *((agency, *accept, agency.person) for agency in (HEALTH, CHILD))
        ):
            self._story.expect("Signed version" in said, "it is signed")
        self._tell(
            "The council lets children's services enquire about people whom they do not know, on "
            "one lawful basis and for fourteen days. Both agencies sign."
        )

    def somebody_calls(self) -> None:
        """She is found, and whoever works with her sees who enquires."""
        self._add(HEALTH, "t-health", TANSY, "health_visiting", "--consent", "today")
        given, family, born, postcode = TANSY
        said = self._story.node(
            CHILD, "enquire new", "--given", given, "--family", family, "--born", born,
            "--postcode", postcode, "--role", "social_worker", "--purpose", "safeguarding_child",
            "--basis", "UK-CA89-S47", "--fact", "enquiry_reference=MASH-12", "--fact",
            "informed=informed", "--yes", "--json", "--as", CHILD.person,
        )  # fmt: skip
        enquiry = str(json.loads(said)["enquiry"])
        self._sees(CHILD, enquiry, ["Health visiting"])
        self._sees(HEALTH, "t-health", ["Enquiry"])
        self._tell(
            "Somebody calls about Tansy, whom children's services do not know. They enquire, and "
            "find her health visitor, who sees that they do."
        )
        self._story.node(CHILD, "enquire close", enquiry, "--as", CHILD.person)
        self._sees(HEALTH, "t-health", [])
