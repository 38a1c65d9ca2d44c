"""A front door, and who else there is: what scenarios of enquiries begin with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from node.actions.asking import Grounds
from node.actions.enquiries import NewEnquiry, enquire
from node.records.people import register
from node.store.people import PersonKind
from protocol.messages.enquiries import EnquiryDecisionBody
from protocol.messages.statement import parse_statement
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.test_charter_change import accept, amend

SEEN_BY = ["childrens_social_care", "health_provider", "housing"]
KIND = {
    "code": "enquiry", "title": "Enquiry", "openness": "open", "visible_to": SEEN_BY,
    "labels": ["Enquiry"],
}  # fmt: skip
RULE: dict[str, Any] = {
    "classes": ["childrens_social_care"],
    "bases": ["UK-CA89-S47"],
    "days": 14,
    "per_person_day": 12,
    "per_agency_day": 15,
}
CHILD: Mapping[str, str] = {
    "given": "Amira", "middle": "Noor", "family": "Hassan", "date_of_birth": "14/3/2022",
    "sex": "F", "address": "12 Rowan Road", "postcode": "LX3 4AB",
}  # fmt: skip
WHY = Grounds(
    "safeguarding_child", "UK-CA89-S47",
    {"enquiry_reference": "Caller of Monday", "informed": "informed"},
)  # fmt: skip


@dataclass
class Door:
    """Children's social care with its front door, housing with a tenancy that goes on, a drug
    service, and who is at the door (row ids).
    """

    federation: SimFederation
    care: SimNode
    housing: SimNode
    clinic: SimNode
    people: Mapping[str, int]

    @classmethod
    async def of(cls, federation: SimFederation) -> "Door":
        """The same in a federation that goes on."""
        care, housing, clinic = federation.nodes.values()
        rows = await care.read(lambda t: t.tx.rows("SELECT id, name FROM practitioner"))
        people = {item["name"].partition(" ")[0]: item["id"] for item in rows}
        return cls(federation, care, housing, clinic, people)

    async def bounded(self, **rule: int) -> None:
        """The charter says less from now on; that binds at once."""
        await amend(self.federation, {"enquiry": {**RULE, **rule}})

    async def enquires(self, who: str = "Dana", **change: Any) -> str:
        """Dana enquires about the child; the enquiry's id here."""
        typed, grounds = change.pop("typed", CHILD), change.pop("grounds", WHY)
        new = NewEnquiry(typed, change.pop("role", "social_worker"), grounds, **change)
        value = await enquire(self.care.service, new, self.people[who])
        return str(value["enquiry"])

    async def stubs(self, node: SimNode) -> list[Mapping[str, Any]]:
        """What the hub has of an agency's stubs."""
        sql = "SELECT * FROM stub WHERE agency = ? ORDER BY stub_id"
        return await self.federation.hub_read(lambda t: t.tx.rows(sql, node.party_id))

    async def decisions(self) -> list[tuple[str, str | None]]:
        """What the hub has decided on enquiries, as the log has it."""
        entries = await self.federation.entries("enquiry_decision")
        bodies = [
            parse_statement(item["envelope"]).expect(EnquiryDecisionBody).body for item in entries
        ]
        return [(body.outcome, body.code) for body in bodies]


async def built(federation: SimFederation) -> Door:
    """Found it: everybody has signed a charter that allows enquiries."""
    care = await federation.join("Lexbridge Children", "childrens_social_care")
    housing = await federation.join("Lexbridge Homes", "housing")
    clinic = await federation.join("Lea Recovery", "health_provider")
    types = (await federation.charter()).to_value()["involvement_types"]
    change: Any = {"enquiry": RULE, "involvement_types": [*types, KIND]}
    await amend(federation, change)
    await accept(federation, care, housing, clinic)
    await housing.take_in(row("t1", AMIRA, "housing_tenancy", DUTY, "T. Enancy"))
    await clinic.take_in(row("x1", AMIRA, "drug_and_alcohol", DUTY, "D. Worker"))
    for node in (housing, clinic):
        await node.publish()
    for name in ("Dana Door", "Dele Door"):
        await care.write(
            lambda t, name=name: register(t, name, "", PersonKind.WORKER, federation.clock())  # type: ignore[misc]
        )
    await federation.round()
    return await Door.of(federation)
