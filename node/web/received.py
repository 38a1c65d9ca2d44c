"""Requests from other agencies over the local interface: answered, passed on, and cards recalled,
kept, let go; and what a decision went by.

specs/07-transport.md §1. A request's id says at which hub it is. Like commands: what is done, is
done in somebody's name.
"""

from typing import Annotated

from pydantic import Field

from node.actions import cards
from node.actions import people as acts
from node.actions import requests as requesting
from node.actions.register import who_acts
from node.requests.answering import Answer as Answered
from node.requests.without_quorum import Urgent
from node.service import NodeService
from node.web.calls import Act, Answer, Hubs, Person, Text
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import Hex16, WireModel
from protocol.requests.decide import Refuse
from protocol.requests.disclosure import Disclosure, Override
from protocol.requests.refusals import RefusalCode
from protocol.requests.sealing import FACT_LIMIT


class RequestIn(WireModel):
    """A request, by its id."""

    request_id: Hex16
    practitioner: Person


class AnswerIn(WireModel):
    """A person's answer: `refusal` is the code of a refusal, null to allow; `reason` what they
    write if they refuse, `override` why they allow it though the client objects.
    """

    request_id: Hex16
    refusal: Annotated[RefusalCode, Field(strict=False)] | None
    reason: Annotated[str, Field(max_length=FACT_LIMIT)] = ""
    override: Override | None = None
    practitioner: Person


class PassIn(WireModel):
    """To whom a request is passed on, by name."""

    request_id: Hex16
    to: Text
    practitioner: Person


class DiscloseIn(WireModel):
    """Which decision to open; `with_reason`: with the reason in writing, which may name a
    client.
    """

    request_id: Hex16
    with_reason: bool = False
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


class AnsweredOut(Answer):
    """The request's id, and the code of the refusal: the rules' own where nobody may allow it."""

    request_id: Hex16
    refusal: RefusalCode | None


class PassedOut(Answer):
    """The request's id, and who has it."""

    request_id: Hex16
    with_: Annotated[str, Field(alias="with")]


async def answer(hubs: Hubs, body: AnswerIn) -> AnsweredOut:
    """Answer a request that waits for a person."""
    service, person = await _received(hubs, body.request_id, body.practitioner)
    said = Answered(body.request_id, person, body.refusal, body.override, body.reason)
    decision = await requesting.answer_now(service, said)
    code = decision.code if isinstance(decision, Refuse) else None
    return AnsweredOut(request_id=body.request_id, refusal=code)


async def pass_on(hubs: Hubs, body: PassIn) -> PassedOut:
    """Pass a request on to a colleague."""
    service, person = await _received(hubs, body.request_id, body.practitioner)
    to = await requesting.pass_on_now(service, body.request_id, person, body.to)
    return PassedOut.of({"request_id": body.request_id, "with": to})


async def disclose(hubs: Hubs, body: DiscloseIn) -> Disclosure:
    """Show what we went by when we answered another agency's request, for an auditor."""
    service, person = await _received(hubs, body.request_id, body.practitioner)
    return await requesting.disclose(service, body.request_id, person, with_reason=body.with_reason)


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
    "/v1/requests/answer": answer,
    "/v1/requests/pass": pass_on,
    "/v1/requests/disclosure": disclose,
    "/v1/requests/recall": recall,
    "/v1/requests/release-now": release_now,
    "/v1/requests/wrong-person": wrong_person,
}
"""What may be posted where."""
