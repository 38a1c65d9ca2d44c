"""Consents of the agency's own clients over the local interface. No id is in an address.

specs/07-transport.md §1. Like commands: what is done, is done in somebody's name.
"""

from typing import Annotated, Literal

from pydantic import Field

from node.actions import consents as acts
from node.actions.records import still_findable, withdraw_now
from node.actions.register import who_acts
from node.records.agreements import Given
from node.service import NodeService
from node.store.consents import How
from node.store.objections import SaidBy
from node.web.calls import Act, Answer, LocalId, Number, Person, Text
from node.web.own_clients import ClientIn
from protocol.fields import BasisCode, Code, Count, WireModel

WorkNumber = Annotated[int, Field(ge=1, le=10_000)]
Codes = Annotated[list[Code], Field(max_length=50)]


class GiveIn(WireModel):
    """What was agreed; `work` null is all that goes on, no classes or purposes are all. `on`: a
    day as typed, `today`, or `now` where it was given this minute; `until`: its last day. `basis`
    may be left out where there is only one.
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
    practitioner: Person


class WithdrawIn(WireModel):
    """Whose permission is withdrawn; `work` null is all."""

    client: LocalId
    work: WorkNumber | None = None
    practitioner: Person


class ReceiptIn(WireModel):
    """Of which consent the client is given a receipt, by its number."""

    consent: Number


class NumberedOut(Answer):
    """A piece of work by its number, in words."""

    number: Count
    title: str


class CodeOut(Answer):
    """A code of the sharing agreement, in words."""

    code: str
    title: str


class ConsentBasisOut(Answer):
    """A lawful basis on consent, and for what one may share on it."""

    code: str
    title: str
    purposes: list[CodeOut]


class ConsentChoicesOut(Answer):
    """What a consent of a client can say: the work that goes on, lawful bases, and classes of
    agency.
    """

    works: list[NumberedOut]
    bases: list[ConsentBasisOut]
    classes: list[CodeOut]


class GivenOut(Answer):
    """The consent's number for each piece of work."""

    consents: list[Count]


class ConsentOut(Answer):
    """A consent as it was recorded, and what stands of it. No classes or purposes are all."""

    consent: Count
    state: Literal["in_force", "withdrawn", "replaced", "expired"]
    basis: str
    given_by: SaidBy
    how: How
    given_on: str
    until: str
    wording: str
    classes: list[str]
    purposes: list[str]
    evidence: str | None
    recorded_by: str | None
    recorded_at: Count
    withdrawn_by: str | None
    withdrawn_at: Count | None


class ConsentWorkOut(Answer):
    """A piece of work, and what was agreed of it, the newest first."""

    number: Count
    type: str
    label: str | None
    team: str | None
    withdrawn_at: Count | None
    consents: list[ConsentOut]


class ConsentsOut(Answer):
    """All that was ever agreed of a client's work."""

    client: str
    work: list[ConsentWorkOut]


class WithdrawnOut(Answer):
    """To how many pieces of work it was withdrawn, and the kinds that stay findable by law."""

    withdrawn: Count
    still_findable: list[str]


class PurposeOut(Answer):
    """A purpose, as ISO/IEC TS 27560 names its parts."""

    purpose: str
    purpose_type: str


class PiiOut(Answer):
    """What is told of the client."""

    pii_type: str


class ProcessingOut(Answer):
    """Why, on which basis, what and until when; a receipt's fields of ISO/IEC TS 27560."""

    privacy_notice: str
    language: str
    purposes: list[PurposeOut]
    lawful_basis: str
    pii_information: list[PiiOut]
    pii_controllers: list[str]
    collection_method: str
    storage_locations: list[str]
    retention_period: str
    jurisdiction: list[str]
    recipient_third_parties: list[str]
    withdrawal_method: str


class PartyOut(Answer):
    """A party of the receipt; only the agency itself has a telephone."""

    party_id: str
    party_name: str
    party_address: str | None
    party_phone: str | None = None
    party_contact: str | None
    party_role: str
    party_type: str


class EventOut(Answer):
    """That a consent was given or withdrawn."""

    event_time: str
    validity_duration: str
    entity_id: str
    event_type: str
    event_state: Literal["given", "withdrawn"]


class ReceiptFieldsOut(Answer):
    """A receipt by the fields of ISO/IEC TS 27560:2023."""

    schema_version: str
    receipt_id: str
    record_id: str
    pii_principal_id: str
    pii_processing: list[ProcessingOut]
    party_identification: list[PartyOut]
    events: list[EventOut]


class ReceiptOut(Answer):
    """The receipt: by its fields, and as a page to read."""

    receipt: ReceiptFieldsOut
    text: str


async def offered(service: NodeService, body: ClientIn) -> ConsentChoicesOut:
    """Show what a consent of a client can say: from what to choose."""
    found = await acts.consent_choices(service, body.client)
    return ConsentChoicesOut(
        works=[NumberedOut(number=number, title=title) for number, title in found.works.items()],
        bases=[
            ConsentBasisOut(code=code, title=title, purposes=_codes(found.purposes[code]))
            for code, title in found.bases.items()
        ],
        classes=_codes(found.classes),
    )


async def give(service: NodeService, body: GiveIn) -> GivenOut:
    """Record that a client agreed, and publish at once."""
    person = await who_acts(service, body.practitioner)
    values = body.model_dump(exclude={"practitioner", "basis"})
    given = Given(**values, basis=body.basis or "")
    return GivenOut(consents=await acts.give_consent(service, given, person))


async def show(service: NodeService, body: ClientIn) -> ConsentsOut:
    """Show what a client agreed to, and what became of it."""
    return ConsentsOut.of(await acts.show_consents(service, body.client))


async def withdraw(service: NodeService, body: WithdrawIn) -> WithdrawnOut:
    """Withdraw it, and tell the hub at once."""
    person = await who_acts(service, body.practitioner)
    count = await withdraw_now(service, body.client, person, body.work)
    findable = await still_findable(service, body.client)
    return WithdrawnOut(withdrawn=count, still_findable=findable)


async def receipt(service: NodeService, body: ReceiptIn) -> ReceiptOut:
    """Make a client's receipt: by its fields, and as a page."""
    made = await acts.receipt_of(service, body.consent)
    return ReceiptOut.of({"receipt": made.value, "text": made.text})


def _codes(titles: dict[str, str]) -> list[CodeOut]:
    return [CodeOut(code=code, title=title) for code, title in titles.items()]


CALLS: dict[str, Act] = {
    "/v1/clients/consent/offered": offered,
    "/v1/clients/consent/give": give,
    "/v1/clients/consent/show": show,
    "/v1/clients/consent/withdraw": withdraw,
    "/v1/clients/consent/receipt": receipt,
}
"""What may be posted where."""
