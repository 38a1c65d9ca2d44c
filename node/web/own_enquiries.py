"""Enquiries over the local interface: specs/07-transport.md §1. No name or id is in an address."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import Field

from node.actions import enquiries as acts
from node.actions.asking import Grounds
from node.actions.enquiries import NewEnquiry
from node.actions.register import who_acts
from node.service import NodeService
from node.views.enquiries import enquiries_value
from node.web.own_clients import LocalId, NothingIn, Text, TypedIn
from protocol.fields import BasisCode, Code, WireModel


class EnquireIn(WireModel):
    """Whom to enquire about, as `NewEnquiry`; `practitioner` is who does, by name."""

    typed: TypedIn
    role: Code
    purpose: Code
    basis: BasisCode
    facts: Annotated[
        dict[Code, Annotated[str, Field(min_length=1, max_length=2000)]], Field(max_length=12)
    ]
    is_new: bool = False
    practitioner: Text


class CloseIn(WireModel):
    """An enquiry that is to end, by its id here."""

    enquiry: LocalId
    practitioner: Text


async def enquire(service: NodeService, body: EnquireIn) -> dict[str, object]:
    """Enquire about somebody."""
    person = await who_acts(service, body.practitioner)
    grounds = Grounds(body.purpose, body.basis, body.facts)
    new = NewEnquiry(body.typed.model_dump(), body.role, grounds, body.is_new)
    return await acts.enquire(service, new, person)


async def listed(service: NodeService, _body: NothingIn) -> dict[str, object]:
    """Whom we enquire about."""
    return {"enquiries": await service.read(enquiries_value)}


async def close(service: NodeService, body: CloseIn) -> dict[str, object]:
    """End an enquiry before its time."""
    person = await who_acts(service, body.practitioner)
    await acts.close_enquiry(service, body.enquiry, person)
    return {"enquiry": body.enquiry}


CALLS: dict[str, tuple[type[WireModel], Callable[[NodeService, Any], Awaitable[Any]]]] = {
    "/v1/enquiries/new": (EnquireIn, enquire),
    "/v1/enquiries/list": (NothingIn, listed),
    "/v1/enquiries/close": (CloseIn, close),
}
"""What may be posted where: the body, and what answers it."""
