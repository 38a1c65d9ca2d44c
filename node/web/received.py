"""Requests from other agencies over the local interface: answered, passed on, disclosed, recalled.

specs/07-transport.md §1. Like commands: what is done, is done in somebody's name.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import Field

from node.actions.cards import keep_now, take_back_now
from node.actions.register import who_acts
from node.actions.requests import answer_now, disclose, pass_on_now
from node.requests.answering import Answer
from node.service import NodeService
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import Code, WireModel
from protocol.requests.decide import Refuse
from protocol.requests.disclosure import Override
from protocol.requests.refusals import RefusalCode

PersonName = Annotated[str, Field(max_length=200)]


class AnswerIn(WireModel):
    """A person's answer: `refusal` is the code of a refusal, null to allow; `reason` what they
    write if they refuse, `override` why they allow it though the client objects.
    """

    refusal: Code | None
    reason: str = ""
    override: Override | None = None
    practitioner: PersonName


class PassIn(WireModel):
    """To whom a request is passed on, by name."""

    to: PersonName
    practitioner: PersonName


class DiscloseIn(WireModel):
    """Who opens it, by name; `with_reason`: with the reason in writing, which may name a client."""

    with_reason: bool = False
    practitioner: PersonName


class RecallIn(WireModel):
    """Whether a card that left is to be deleted, or may stay though permission was withdrawn."""

    keep: bool
    practitioner: PersonName


async def answer(service: NodeService, request_id: str, body: AnswerIn) -> dict[str, Any]:
    """Answer it; what was decided, which is the rules' refusal where nobody may allow it."""
    try:
        refusal = RefusalCode(body.refusal) if body.refusal else None
    except ValueError:
        raise RemoteError(ErrorCode.MALFORMED, "refusal is not a code") from None
    person = await who_acts(service, body.practitioner)
    said = Answer(request_id, person, refusal, body.override, body.reason)
    decision = await answer_now(service, said)
    code = decision.code.value if isinstance(decision, Refuse) else None
    return {"request_id": request_id, "refusal": code}


async def pass_on(service: NodeService, request_id: str, body: PassIn) -> dict[str, Any]:
    """Pass it on to a colleague."""
    person = await who_acts(service, body.practitioner)
    to = await pass_on_now(service, request_id, person, body.to)
    return {"request_id": request_id, "with": to}


async def open_up(service: NodeService, request_id: str, body: DiscloseIn) -> dict[str, Any]:
    """What we went by when we answered it, for an auditor."""
    person = await who_acts(service, body.practitioner)
    opened = await disclose(service, request_id, person, with_reason=body.with_reason)
    return opened.model_dump()


async def recall(service: NodeService, request_id: str, body: RecallIn) -> dict[str, Any]:
    """Have the card deleted that we released, or say that it stays."""
    person = await who_acts(service, body.practitioner)
    await (keep_now if body.keep else take_back_now)(service, request_id, person)
    return {"request_id": request_id, "kept": body.keep}


Call = Callable[[NodeService, str, Any], Awaitable[dict[str, Any]]]
CALLS: dict[str, tuple[type[WireModel], Call]] = {
    "answer": (AnswerIn, answer),
    "pass": (PassIn, pass_on),
    "disclosure": (DiscloseIn, open_up),
    "recall": (RecallIn, recall),
}
"""What may be posted to a request under /v1/requests/{request}/: the body, and what answers it."""
