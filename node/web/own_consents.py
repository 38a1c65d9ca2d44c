"""Consents of the agency's own clients over the local interface. No id is in an address.

specs/07-transport.md §1. Like commands: what is done, is done in somebody's name.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import Field

from node.actions import consents as acts
from node.actions.records import still_findable, withdraw_now
from node.actions.register import who_acts
from node.records.agreements import Given
from node.service import NodeService
from node.store.consents import How
from node.store.objections import SaidBy
from protocol.fields import BasisCode, Code, WireModel

Text = Annotated[str, Field(max_length=200)]
LocalId = Annotated[str, Field(min_length=1, max_length=80)]
WorkNumber = Annotated[int, Field(ge=1, le=10_000)]
Codes = Annotated[list[Code], Field(max_length=50)]


class GiveIn(WireModel):
    """What was agreed, as `Given`; `work` null is all that goes on, no classes or purposes are all.
    `practitioner` is who records it, by name.
    """

    client: LocalId
    work: WorkNumber | None
    given_by: Annotated[SaidBy, Field(strict=False)]
    how: Annotated[How, Field(strict=False)]
    on: Text
    until: Text
    wording: Text
    classes: Codes
    purposes: Codes
    evidence: Text = ""
    basis: BasisCode | None = None
    practitioner: Text


class ShowIn(WireModel):
    """Whose consents to show."""

    client: LocalId


class WithdrawIn(WireModel):
    """Whose permission is withdrawn; `work` null is all."""

    client: LocalId
    work: WorkNumber | None = None
    practitioner: Text


class ReceiptIn(WireModel):
    """Of which consent the client is given a receipt, by its number."""

    consent: Annotated[int, Field(ge=1, le=2**40)]


async def give(service: NodeService, body: GiveIn) -> dict[str, object]:
    """Record a consent and publish at once."""
    person = await who_acts(service, body.practitioner)
    values = body.model_dump(exclude={"practitioner", "basis"})
    given = Given(**values, basis=body.basis or "")
    return {"consents": await acts.give_consent(service, given, person)}


async def show(service: NodeService, body: ShowIn) -> dict[str, Any]:
    """What a client agreed to."""
    return await acts.show_consents(service, body.client)


async def withdraw(service: NodeService, body: WithdrawIn) -> dict[str, object]:
    """Withdraw it, and tell the hub at once; what stays findable by law."""
    person = await who_acts(service, body.practitioner)
    count = await withdraw_now(service, body.client, person, body.work)
    return {"withdrawn": count, "still_findable": await still_findable(service, body.client)}


async def receipt(service: NodeService, body: ReceiptIn) -> dict[str, object]:
    """The receipt: by its fields, and as a page."""
    made = await acts.receipt_of(service, body.consent)
    return {"receipt": made.value, "text": made.text}


CALLS: dict[str, tuple[type[WireModel], Callable[[NodeService, Any], Awaitable[Any]]]] = {
    "/v1/clients/consent/give": (GiveIn, give),
    "/v1/clients/consent/show": (ShowIn, show),
    "/v1/clients/consent/withdraw": (WithdrawIn, withdraw),
    "/v1/clients/consent/receipt": (ReceiptIn, receipt),
}
"""What may be posted where: the body, and what answers it."""
