"""What concerns the hub, over the local interface: publish, agreement, details, alarms, alerts.

specs/07-transport.md §1.
"""

from typing import Annotated

from pydantic import Field

from node.actions.membership import NewDetails, newest_agreement, say_details, sign_agreement
from node.actions.people import mark_alerts_seen
from node.actions.records import publish_now
from node.actions.register import who_acts
from node.actions.upkeep import acknowledge_now
from node.service import NodeService
from node.views.agreement import agreement_of
from node.views.details import details_value
from node.views.governance import governance_value
from node.views.inbox import alarms_value
from node.web.calls import Act, Answer, NothingIn, Number, Person
from node.web.shown_requests import AlarmsOut, AlertsOut
from protocol.contact import Hours, Phone
from protocol.errors import ErrorCode, LocalError
from protocol.fields import Count, Name, WireModel


class AcceptIn(WireModel):
    """The version that somebody has read: that one is signed, or none."""

    version: Annotated[int, Field(ge=1, le=2**40)]
    practitioner: Person


class DetailsIn(WireModel):
    """What everybody is to see of our agency; null stays as it is."""

    name: Name | None = None
    duty_line: Phone | None = None
    duty_hours: Hours | None = None
    practitioner: Person


class AlarmIn(WireModel):
    """An alarm that a person has dealt with, by its number."""

    alarm: Number
    practitioner: Person


class SeenIn(WireModel):
    """Who has seen them."""

    practitioner: Person


class PublishedOut(Answer):
    """What a publication did at a hub, in counts; `insufficient_identifiers` has the ids of clients
    who cannot be found, `held` of those whom the charter's limits make wait.
    """

    hub: str
    changed: Count
    retired: Count
    unchanged: Count
    without_permission: Count
    evaluated: Count
    insufficient_identifiers: list[str]
    held: list[str]


class PublishedListOut(Answer):
    """What was published, at each hub."""

    published: list[PublishedOut]


class SectionOut(Answer):
    """One part of the agreement, in words."""

    title: str
    lines: list[str]


class AgreementOut(Answer):
    """The sharing agreement in force, the version that our agency signed, what it says and how the
    two differ, in words, and whether it binds us.
    """

    hub: str
    version: Count
    signed: Count | None
    says: list[SectionOut]
    loosened: list[str]
    tightened: list[str]
    neutral: list[str]
    binds: bool


class SignedOut(Answer):
    """The version that is signed."""

    version: Count


class AgencyOut(Answer):
    """What everybody sees of our agency."""

    name: str
    duty_line: str
    duty_hours: str


class SeenOut(Answer):
    """How many alerts were new."""

    seen: Count


async def publish(service: NodeService, _body: NothingIn) -> PublishedListOut:
    """Publish the clients that may be published, at every hub; only what changed is sent."""
    reports = await publish_now(service, lambda _step: None)
    return PublishedListOut.of({"published": [{"hub": hub, **vars(done)} for hub, done in reports]})


async def agreement(service: NodeService, _body: NothingIn) -> AgreementOut:
    """Show what the sharing agreement says, and how it differs from the one that we signed."""
    await newest_agreement(service)
    found = await service.oversee(agreement_of)
    return AgreementOut.of({**vars(found), "says": [vars(part) for part in found.says]})


async def accept(service: NodeService, body: AcceptIn) -> SignedOut:
    """Sign the agreement in force for our agency; another version is refused (`conflict`)."""
    person = await who_acts(service, body.practitioner)
    charter = await newest_agreement(service)
    if charter.version != body.version:
        raise LocalError(ErrorCode.CONFLICT, f"version {charter.version} is in force: read that")
    found = await service.oversee(agreement_of)
    if found.signed == found.version:
        return SignedOut(version=found.version)
    return SignedOut(version=await sign_agreement(service, person))


async def details(service: NodeService, _body: NothingIn) -> AgencyOut:
    """Show what everybody sees of our agency."""
    return AgencyOut.of(await service.read(details_value))


async def change_details(service: NodeService, body: DetailsIn) -> AgencyOut:
    """Change what everybody sees of our agency."""
    said = NewDetails(body.name, body.duty_line, body.duty_hours)
    if said == NewDetails(None, None, None):
        raise LocalError(ErrorCode.MALFORMED, "say a name, a duty line or its hours")
    before = await service.read(details_value)
    await say_details(service, said, await who_acts(service, body.practitioner))
    return AgencyOut.of(before | {name: text for name, text in vars(said).items() if text})


async def alarms(service: NodeService, _body: NothingIn) -> AlarmsOut:
    """Show what this node has noticed of the hub, its log and this program."""
    return AlarmsOut.of({"alarms": await service.oversee(alarms_value)})


async def acknowledge(service: NodeService, body: AlarmIn) -> AlarmsOut:
    """Put an alarm away that a person has dealt with; what is left."""
    person = await who_acts(service, body.practitioner)
    await acknowledge_now(service, body.alarm, person)
    return AlarmsOut.of({"alarms": await service.oversee(alarms_value)})


async def alerts(service: NodeService, _body: NothingIn) -> AlertsOut:
    """Show what the lead for information governance must know."""
    return AlertsOut.of({"alerts": await service.read(governance_value)})


async def see_alerts(service: NodeService, body: SeenIn) -> SeenOut:
    """Say that the lead has seen all alerts."""
    person = await who_acts(service, body.practitioner)
    return SeenOut(seen=await mark_alerts_seen(service, person))


CALLS: dict[str, Act] = {
    "/v1/publish": publish,
    "/v1/charter": agreement,
    "/v1/charter/accept": accept,
    "/v1/details": details,
    "/v1/details/change": change_details,
    "/v1/alarms": alarms,
    "/v1/alarms/acknowledge": acknowledge,
    "/v1/alerts": alerts,
    "/v1/alerts/seen": see_alerts,
}
"""What may be posted where."""
