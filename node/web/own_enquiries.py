"""Enquiries over the local interface: specs/07-transport.md §1. No name or id is in an address."""

from typing import Annotated

from pydantic import Field

from node.actions import enquiries as acts
from node.actions.asking import Grounds
from node.actions.enquiries import NewEnquiry
from node.actions.register import who_acts
from node.service import NodeService
from node.store.enquiries import EnquiryState
from node.views.enquiries import enquiries_value
from node.web.calls import Act, Answer, LocalId, NothingIn, Person
from node.web.own_clients import TypedIn
from protocol.fields import BasisCode, Code, Count, WireModel
from protocol.requests.sealing import FACT_LIMIT


class EnquireIn(WireModel):
    """Whom to enquire about, in which role and why; facts as typed: committed ones leave only
    sealed. `is_new`: a person has looked at who is alike.
    """

    typed: TypedIn
    role: Code
    purpose: Code
    basis: BasisCode
    facts: Annotated[
        dict[Code, Annotated[str, Field(min_length=1, max_length=FACT_LIMIT)]], Field(max_length=12)
    ]
    is_new: bool = False
    practitioner: Person


class CloseEnquiryIn(WireModel):
    """An enquiry that is to end, by its id here."""

    enquiry: LocalId
    practitioner: Person


class EnquiryMadeOut(Answer):
    """That it was made: by whom, when, on what, and what the hub said."""

    by: str | None
    at: Count
    basis: str
    purpose: str
    state: EnquiryState
    code: str | None
    says: str | None


class EnquiryOut(Answer):
    """Somebody who is enquired about, by its id here. `goes_on`: others are shown it now, or as
    soon as the hub has it; until when at most.
    """

    enquiry: str
    given: str | None
    family: str | None
    date_of_birth: str | None
    goes_on: bool
    published: bool
    until: Count
    asked: list[EnquiryMadeOut]


class EnquiriesOut(Answer):
    """All of them at this hub."""

    enquiries: list[EnquiryOut]


class EnquiryIdOut(Answer):
    """Its id here."""

    enquiry: str


async def enquire(service: NodeService, body: EnquireIn) -> EnquiryOut:
    """Enquire about somebody."""
    person = await who_acts(service, body.practitioner)
    grounds = Grounds(body.purpose, body.basis, body.facts)
    new = NewEnquiry(body.typed.model_dump(), body.role, grounds, body.is_new)
    return EnquiryOut.of(await acts.enquire(service, new, person))


async def listed(service: NodeService, _body: NothingIn) -> EnquiriesOut:
    """Show whom we enquire about."""
    return EnquiriesOut.of({"enquiries": await service.read(enquiries_value)})


async def close(service: NodeService, body: CloseEnquiryIn) -> EnquiryIdOut:
    """End an enquiry before its time."""
    person = await who_acts(service, body.practitioner)
    await acts.close_enquiry(service, body.enquiry, person)
    return EnquiryIdOut(enquiry=body.enquiry)


CALLS: dict[str, Act] = {
    "/v1/enquiries/new": enquire,
    "/v1/enquiries/list": listed,
    "/v1/enquiries/close": close,
}
"""What may be posted where."""
