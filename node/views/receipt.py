"""A consent's receipt for the client: the fields of ISO/IEC TS 27560:2023, and a page to read.

Field names and which are mandatory: W3C DPVCG, "Consent Records and Receipts as per ISO/IEC TS
27560:2023 using DPV" (w3id.org/dpv/guides/consent-27560). specs/10-consent.md §5. It is made from
the agency's own database, for its own client; nothing of it is sent anywhere.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from node.membership.hub import HubMembership
from node.store.consents import Consent
from node.store.records import Client
from node.store.tables import NodeTables
from node.views.consents import last_day, recipients
from protocol.errors import ErrorCode, LocalError
from protocol.governance.charter import LawfulBasis
from protocol.messages.bodies import MemberBody

SCHEMA = "ISO/IEC TS 27560:2023"
GIVEN_BY = {
    "client": "you",
    "parental_responsibility": "somebody with parental responsibility for you",
    "young_person": "you, as a young person who understands what it means",
    "attorney": "your attorney",
}
HOW = {
    "in_writing": "in writing",
    "in_person": "in person",
    "by_telephone": "by telephone",
    "by_video": "by video",
    "online": "online",
}


@dataclass(frozen=True)
class Said:
    """What a receipt tells of: a consent to a service working with a client, and who may be told,
    for what (titles by code). `permission`: the basis on which the work is shown now.
    """

    consent: Consent
    client: Client
    agency: MemberBody
    service: str
    basis: LawfulBasis | None
    permission: LawfulBasis | None
    jurisdictions: list[str]
    recipients: dict[str, str]
    purposes: dict[str, str]


def receipt_value(said: Said, receipt_id: str) -> dict[str, Any]:
    """The receipt of a consent as JSON has it."""
    agency, consent = said.agency, said.consent
    processing = {
        "privacy_notice": consent.wording,
        "language": "en",
        "purposes": [
            {"purpose": code, "purpose_type": title} for code, title in said.purposes.items()
        ],
        "lawful_basis": said.basis.source if said.basis else consent.basis,
        "pii_information": [
            {"pii_type": f"that the service works with you: {said.service}"},
            {"pii_type": "how to reach your worker and the duty line"},
        ],
        "pii_controllers": [agency.party_id],
        "collection_method": HOW[consent.how],
        "storage_locations": [f"{agency.name}, on its own computers"],
        "retention_period": f"until {last_day(consent)}, or until it is withdrawn",
        "jurisdiction": said.jurisdictions,
        "recipient_third_parties": [*said.recipients],
        "withdrawal_method": f"tell your worker, or call {agency.duty_line} ({agency.duty_hours})",
    }
    return {
        "schema_version": SCHEMA,
        "receipt_id": receipt_id,
        "record_id": consent.record_id,
        "pii_principal_id": said.client.local_id,
        "pii_processing": [processing],
        "party_identification": [_controller(agency), *map(_recipient, said.recipients.items())],
        "events": _events(consent),
    }


def receipt_text(said: Said) -> str:
    """The same for people to read: one page of plain English."""
    consent, agency = said.consent, said.agency
    names = " ".join(name for name in (said.client.record.given, said.client.record.family) if name)
    lines = [
        f"Your consent, for {names or said.client.local_id}",
        "",
        f"What was agreed: {agency.name} may let others know that it works with you",
        f"({said.service}), and how to reach your worker. No notes about you are shared.",
        "",
        "With whom: only organisations of these kinds, and only where they work with you too:",
        *(f"  - {title}" for title in said.recipients.values()),
        "",
        "For what:",
        *(f"  - {title}" for title in said.purposes.values()),
        "",
        f"From {_day(consent.given_on)} until {_day(last_day(consent))}.",
        f"Given by {GIVEN_BY[consent.given_by]}, {HOW[consent.how]}. Wording: {consent.wording}.",
        *_ended(consent),
        *_duty(said.permission),
        "",
        "How to take it back: at any time, without saying why, and as easily as it was given.",
        f"Tell your worker, or call {agency.name}: {agency.duty_line} ({agency.duty_hours}).",
        "From then on nobody is shown it, nothing that waits is answered, and contact details",
        "that left because of it are called back. What somebody has read they have read.",
        "",
        f"Record {consent.record_id}",
    ]
    return "\n".join(lines) + "\n"


def receipt_on_page(said: Said) -> dict[str, Any]:
    """The same for a page, which has words of its own: names, titles and days (yyyy-mm-dd)."""
    consent, agency = said.consent, said.agency
    record = said.client.record
    over = consent.withdrawn_at
    by_law = said.permission is not None and said.permission.permission_class != "consent"
    return {
        "number": consent.id,
        "record_id": consent.record_id,
        "name": " ".join(name for name in (record.given, record.family) if name),
        "service": said.service,
        "recipients": list(said.recipients.values()),
        "purposes": list(said.purposes.values()),
        "wording": consent.wording,
        "given_by": consent.given_by.value,
        "how": consent.how.value,
        "given_on": consent.given_on,
        "until": last_day(consent),
        "withdrawn_at": over,
        "law": said.permission.title if said.permission is not None and by_law else "",
        "agency": agency.name,
        "duty_line": agency.duty_line,
        "duty_hours": agency.duty_hours,
    }


def said_of(tables: NodeTables, membership: HubMembership, number: int) -> Said:
    """What the receipt of a consent, by its number, tells. Raises LocalError."""
    consent = tables.consents.get(number)
    work = tables.records.involvement(consent.involvement) if consent else None
    if consent is None or work is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no consent of that number is here")
    (client,) = tables.records.clients_by_row([work.client])
    charter, agreement = membership.charter, membership.agreement
    kind, basis = agreement.types.get(work.type), agreement.basis(consent.basis)
    wanted = consent.purposes or tuple(basis.purposes if basis else ())
    return Said(
        consent=consent,
        client=client,
        agency=membership.me().body,
        service=kind.title if kind is not None else work.type,
        basis=basis,
        permission=agreement.basis(work.permission_basis),
        jurisdictions=[basis.jurisdiction] if basis else charter.jurisdictions,
        recipients=recipients(membership, kind, consent.classes),
        purposes={item.code: item.title for item in charter.purposes if item.code in wanted},
    )


def _controller(agency: MemberBody) -> dict[str, Any]:
    """The agency. Its postal address is none that a federation knows."""
    return {
        "party_id": agency.party_id,
        "party_name": agency.name,
        "party_address": None,
        "party_phone": agency.duty_line,
        "party_contact": f"{agency.duty_line} ({agency.duty_hours})",
        "party_role": "PII controller",
        "party_type": agency.member_class,
    }


def _recipient(item: tuple[str, str]) -> dict[str, Any]:
    code, title = item
    return {
        "party_id": code,
        "party_name": title,
        "party_address": None,
        "party_contact": None,
        "party_role": "third party",
        "party_type": code,
    }


def _events(consent: Consent) -> list[dict[str, Any]]:
    """That it was given, and that it was withdrawn if it was."""
    days = date.fromisoformat(last_day(consent)) - date.fromisoformat(consent.given_on)
    given = {
        "event_time": consent.given_on,
        "validity_duration": f"P{days.days + 1}D",
        "entity_id": consent.given_by.value,
        "event_type": "explicit",
        "event_state": "given",
    }
    if consent.withdrawn_at is None:
        return [given]
    at = datetime.fromtimestamp(consent.withdrawn_at, UTC)
    ended = {"event_time": at.isoformat(), "validity_duration": "P0D", "event_state": "withdrawn"}
    return [given, {**given, **ended}]


def _ended(consent: Consent) -> list[str]:
    if consent.withdrawn_at is None:
        return []
    day = datetime.fromtimestamp(consent.withdrawn_at, UTC).date()
    return [f"It was taken back on {_day(day.isoformat())}."]


def _duty(basis: LawfulBasis | None) -> list[str]:
    """That the law lets it be shared without consent too, where that is so."""
    if basis is None or basis.permission_class == "consent":
        return []
    return ["", f"The law lets it be shared on another ground too: {basis.title} ({basis.source})."]


def _day(text: str) -> str:
    return f"{date.fromisoformat(text):%-d %B %Y}"
