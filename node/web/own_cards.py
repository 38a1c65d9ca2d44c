"""Cards over the local interface: recalled, kept, let go, and what a decision went by.

specs/07-transport.md §1, 06-requests.md §2.6, §7 and §8. A request's id says at which hub it is.
"""

from node.actions import cards
from node.actions import people as acts
from node.actions import requests as requesting
from node.actions.register import who_acts
from node.requests.without_quorum import Urgent
from node.service import NodeService
from node.web.calls import Act, Answer, Hubs, Person
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import Hex16, WireModel
from protocol.requests.disclosure import Disclosure


class RequestIn(WireModel):
    """A request, by its id."""

    request_id: Hex16
    practitioner: Person


class RecallIn(WireModel):
    """Whether a card that left is to be deleted, or may stay though permission was withdrawn."""

    request_id: Hex16
    keep: bool
    practitioner: Person


class ReleaseNowIn(WireModel):
    """An allowed request whose card is let go now. `life_or_death` must be true: witnesses have not
    signed, and both leads for information governance are told.
    """

    request_id: Hex16
    life_or_death: bool
    practitioner: Person


class RequestOut(Answer):
    """The request's id."""

    request_id: Hex16


class RecalledOut(Answer):
    """The request's id, and whether the card stays."""

    request_id: Hex16
    kept: bool


class DisclosureOut(Answer):
    """What opens the commitment of the decision on a request, for an auditor."""

    disclosure: Disclosure


async def disclose(hubs: Hubs, body: RequestIn) -> DisclosureOut:
    """Show what we went by when we answered another agency's request, for an auditor."""
    service, person = await _received(hubs, body.request_id, body.practitioner)
    opened = await requesting.disclose(service, body.request_id, person)
    return DisclosureOut(disclosure=opened)


async def recall(hubs: Hubs, body: RecallIn) -> RecalledOut:
    """Have a card deleted that we released, without saying why; or say that it stays."""
    service, person = await _received(hubs, body.request_id, body.practitioner)
    do = cards.keep_now if body.keep else cards.take_back_now
    await do(service, body.request_id, person)
    return RecalledOut(request_id=body.request_id, kept=body.keep)


async def release_now(hubs: Hubs, body: ReleaseNowIn) -> RequestOut:
    """Life or death, and witnesses are away: let an allowed card go before they have signed."""
    if not body.life_or_death:
        raise RemoteError(
            ErrorCode.MALFORMED,
            "life_or_death must be true: no witness has signed, and both leads for information "
            "governance are told",
        )
    service, person = await _received(hubs, body.request_id, body.practitioner)
    await acts.let_go_now(service, Urgent(body.request_id, person))
    return RequestOut(request_id=body.request_id)


async def wrong_person(hubs: Hubs, body: RequestIn) -> RequestOut:
    """Say that a card was about the wrong person: it is recalled and the link ends."""
    request_id = body.request_id
    service, _ = await hubs.find(
        lambda tables, hub_id: (
            tables.sent_requests.get(hub_id, request_id)
            or tables.received_requests.get(hub_id, request_id)
        )
    )
    person = await who_acts(service, body.practitioner)
    await acts.recall_now(service, request_id, person)
    return RequestOut(request_id=request_id)


async def _received(hubs: Hubs, request_id: str, name: str) -> tuple[NodeService, int]:
    """At which hub a request came to us, and who acts there (a row's id). Raises LocalError,
    RemoteError.
    """
    service, _ = await hubs.find(
        lambda tables, hub_id: tables.received_requests.get(hub_id, request_id)
    )
    return service, await who_acts(service, name)


CALLS: dict[str, Act] = {
    "/v1/requests/disclosure": disclose,
    "/v1/requests/recall": recall,
    "/v1/requests/release-now": release_now,
    "/v1/requests/wrong-person": wrong_person,
}
"""What may be posted where."""
