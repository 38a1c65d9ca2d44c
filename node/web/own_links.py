"""Links that wait for a person, and identity checks, over the local interface.

specs/07-transport.md §1, 06-requests.md §5 and §6. The id of a link or check says at which hub it
is.
"""

from typing import Annotated, Literal

from pydantic import Field

from node.actions import people as acts
from node.actions.register import who_acts
from node.identity_checks.comparing import Comparison
from node.identity_checks.initiating import IdentityCheckRequest
from node.links.review import Opinion
from node.store.checks import SentCheckState
from node.views.review import check_value, queue_value
from node.web.calls import Act, Answer, Hubs, NothingIn, Person
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import BasisCode, Code, Count, Hex16, WireModel
from protocol.requests.refusals import RefusalCode
from protocol.requests.sealing import FACT_LIMIT

FactText = Annotated[str, Field(min_length=1, max_length=FACT_LIMIT)]


class VerdictIn(WireModel):
    """A person's answer about a link, and what it rests on."""

    link_id: Hex16
    answer: Literal["same", "not_same"]
    rests_on: Literal["records", "identity_check"]
    practitioner: Person


class CheckIn(WireModel):
    """An identity check to ask for; facts as typed: committed ones leave only sealed.

    `other_side_is_told` must be true: whoever asks knows that the organisation at the other end is
    told at once who asks, about which of its clients, and why.
    """

    link_id: Hex16
    role: Code
    purpose: Code
    basis: BasisCode
    facts: Annotated[dict[Code, FactText], Field(max_length=12)]
    practitioner: Person
    other_side_is_told: bool = False


class CheckIdIn(WireModel):
    """One of our own identity checks, by its id."""

    check_id: Hex16


class ComparisonIn(WireModel):
    """What a person found; `refusal` is the code where they do not answer, else null."""

    check_id: Hex16
    answer: Literal["same", "not_same", "cannot_say"]
    refusal: Annotated[RefusalCode, Field(strict=False)] | None
    practitioner: Person


class WaitingOut(Answer):
    """A link that waits for a person: our client, and what we may know of the other side.
    `problem`: what became of the last answer.
    """

    link_id: str
    client: str
    state: str
    agency: str | None
    labels: list[str]
    asked_at: Count
    problem: str | None
    text: str


class DetailsOut(Answer):
    """What is compared: name, birth date and postcode."""

    given: str | None
    family: str | None
    date_of_birth: str | None
    postcode: str | None


class CheckAskedOut(Answer):
    """An identity check of which no details have come. `over`: none will come."""

    check_id: str
    client: str | None
    agency: str
    role: str
    purpose: str
    basis: str
    expires: Count
    asked_at: Count
    over: bool


class ToCompareOut(Answer):
    """An identity check to answer: their details beside ours."""

    check_id: str
    client: str | None
    agency: str
    role: str
    purpose: str
    basis: str
    expires: Count
    practitioner: str | None
    facts: dict[str, str]
    theirs: DetailsOut
    ours: DetailsOut


class CheckOut(Answer):
    """One of our own identity checks; `agency` once the hub has said who it is."""

    check_id: str
    link_id: str
    agency: str | None
    state: SentCheckState
    state_text: str
    answer: str | None
    code: str | None
    sentence: str | None


class QueueOut(Answer):
    """What waits for people at one hub, by its name."""

    hub: str
    queue: list[WaitingOut]
    to_compare: list[ToCompareOut]
    asked: list[CheckAskedOut]
    checks: list[CheckOut]


class QueuesOut(Answer):
    """What waits for people, for each hub."""

    hubs: list[QueueOut]


class VerdictOut(Answer):
    """The link, and what was said of it."""

    link_id: Hex16
    answer: Literal["same", "not_same"]


class CheckIdOut(Answer):
    """The check's id."""

    check_id: Hex16


class ComparisonOut(Answer):
    """The check, and what was said."""

    check_id: Hex16
    answer: Literal["same", "not_same", "cannot_say", "refused"]


async def review(hubs: Hubs, _body: NothingIn) -> QueuesOut:
    """Show what waits for people, for each hub."""
    found = [
        {"hub": service.membership.hub.name, **await service.read(queue_value)}
        for service in hubs.services
    ]
    return QueuesOut.of({"hubs": found})


async def say(hubs: Hubs, body: VerdictIn) -> VerdictOut:
    """Say whether the two of a link are one person."""
    service, _ = await hubs.find(lambda tables, hub_id: tables.links.get(hub_id, body.link_id))
    person = await who_acts(service, body.practitioner)
    await acts.say_now(service, Opinion(body.link_id, body.answer, person, body.rests_on))
    return VerdictOut(link_id=body.link_id, answer=body.answer)


async def ask(hubs: Hubs, body: CheckIn) -> CheckIdOut:
    """Have name, birth date and postcode compared by the organisation at the other end, which is
    told at once who asks and why.
    """
    if not body.other_side_is_told:
        raise RemoteError(
            ErrorCode.MALFORMED,
            "other_side_is_told must be true: the organisation at the other end is told at "
            "once who asks, about which of its clients, and why",
        )
    service, _ = await hubs.find(lambda tables, hub_id: tables.links.get(hub_id, body.link_id))
    person = await who_acts(service, body.practitioner)
    why = (body.purpose, body.basis, body.facts)
    asked = IdentityCheckRequest(body.link_id, person, body.role, *why)
    return CheckIdOut(check_id=await acts.check_now(service, asked))


async def show(hubs: Hubs, body: CheckIdIn) -> CheckOut:
    """Show how far one of our identity checks is, and what came of it."""
    service, check = await hubs.find(
        lambda tables, hub_id: tables.sent_checks.get(hub_id, body.check_id)
    )
    return CheckOut.of(check_value(service.membership, check))


async def answer(hubs: Hubs, body: ComparisonIn) -> ComparisonOut:
    """Answer another agency's identity check, after a person compared their details with ours."""
    service, _ = await hubs.find(
        lambda tables, hub_id: tables.received_checks.get(hub_id, body.check_id)
    )
    person = await who_acts(service, body.practitioner)
    await acts.answer_now(service, Comparison(body.check_id, person, body.answer, body.refusal))
    said = "refused" if body.refusal is not None else body.answer
    return ComparisonOut(check_id=body.check_id, answer=said)


CALLS: dict[str, Act] = {
    "/v1/review": review,
    "/v1/review/answer": say,
    "/v1/identity-checks/ask": ask,
    "/v1/identity-checks/show": show,
    "/v1/identity-checks/answer": answer,
}
"""What may be posted where."""
