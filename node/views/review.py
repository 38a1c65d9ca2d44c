"""The review queue and identity checks as values, with what each means in plain English.

Shows client data to the agency's own people; nothing here is logged.
"""

from dataclasses import asdict
from typing import Any

from node.identity_checks.initiating import shown
from node.links.review import Reviewing, Waiting
from node.membership.hub import HubMembership
from node.records.duplicates import Duplicate
from node.store.checks import ReceivedCheck, ReceivedCheckState, SentCheck, SentCheckState
from node.store.records import Client
from node.store.tables import NodeTables
from protocol.errors import ERROR_TEXTS, ErrorCode
from protocol.requests.refusals import sentence

FIELDS = {
    "given": "Given name",
    "family": "Family name",
    "date_of_birth": "Date of birth",
    "postcode": "Postcode",
}
STATES = {
    "sending": "on its way to the council's hub",
    "waiting": "the hub is deciding",
    "allowed": "allowed; the details leave when enough witnesses have seen that",
    "sending_details": "allowed; the details are leaving",
    "compared": "with the other organisation, which compares",
    "answered": "answered",
    "refused": "refused",
    "failed": "could not be sent",
    "stopped": "stopped: the link, the permission or the time has ended",
    "asks_person": "waits for your answer",
    "arrived": "arriving",
    "expired": "expired; nothing was compared",
}
ANSWERS = {
    "same": "They say: the same person. Look again, and give your own answer.",
    "not_same": "They say: not the same person. Look again, and give your own answer.",
    "cannot_say": "They cannot say whether it is the same person.",
    "refused": "They did not compare.",
}


def queue_value(tables: NodeTables, membership: HubMembership) -> dict[str, Any]:
    """What waits for people, for scripts."""
    hub_id = membership.hub.hub_id
    received = tables.received_checks.to_answer(hub_id)
    return {
        "queue": [_waiting(item) for item in Reviewing(membership).queue(tables)],
        "to_compare": [received_value(tables, membership, check) for check in received],
        "asked": [
            asked_value(tables, membership, check)
            for check in tables.received_checks.without_details(hub_id)
        ],
        "checks": [check_value(membership, item) for item in tables.sent_checks.of_hub(hub_id)],
    }


def other_end(tables: NodeTables, membership: HubMembership, link_id: str) -> str:
    """Who is asked by an identity check over a link, as far as anybody here may know."""
    link = tables.links.get(membership.hub.hub_id, link_id)
    member = membership.directory.member(link.agency_id) if link and link.agency_id else None
    return member.body.name if member else "whom the hub names when it allows the check"


def check_value(membership: HubMembership, check: SentCheck) -> dict[str, Any]:
    """One of our own identity checks, for scripts; `agency` once the hub has said who it is."""
    member = membership.directory.member(check.holder) if check.holder else None
    refused = check.state in {SentCheckState.REFUSED, SentCheckState.FAILED}
    return {
        "check_id": check.check_id,
        "link_id": check.link_id,
        "agency": member.body.name if member else None,
        "state": check.state.value,
        "state_text": STATES.get(check.state, check.state.value),
        "answer": check.answer,
        "code": check.code,
        "sentence": sentence(check.code, check.field) if refused and check.code else None,
    }


def duplicates_value(found: list[Duplicate]) -> list[dict[str, Any]]:
    """Duplicates for scripts."""
    return [asdict(item) for item in found]


def _waiting(item: Waiting) -> dict[str, Any]:
    if item.state == "match":
        labels = ", ".join(item.labels) or "an involvement"
        text = f"somebody doubts that this is the client of {item.agency} ({labels}). Look again."
    else:
        text = "perhaps another organisation works with the same person. Is it the same?"
    problem = ERROR_TEXTS[ErrorCode(item.problem)].title if item.problem else None
    return {**asdict(item), "text": text, "problem": problem}


def asked_value(
    tables: NodeTables, membership: HubMembership, check: ReceivedCheck
) -> dict[str, Any]:
    """An identity check of which no details have come: who was told that the client is here."""
    return {
        **_check(membership, check, _client(tables, check)),
        "asked_at": check.received_at,
        "over": check.state is not ReceivedCheckState.ARRIVED,
    }


def received_value(
    tables: NodeTables, membership: HubMembership, check: ReceivedCheck
) -> dict[str, Any]:
    """An identity check to answer: their details beside ours."""
    client = _client(tables, check)
    theirs = check.details.model_dump() if check.details else {}
    return {
        **_check(membership, check, client),
        "practitioner": check.practitioner,
        "facts": dict(check.facts),
        "theirs": {field: theirs.get(field) for field in FIELDS},
        "ours": {
            field: shown(getattr(client.record, field)) if client else None for field in FIELDS
        },
    }


def _client(tables: NodeTables, check: ReceivedCheck) -> Client | None:
    link = tables.links.get(check.hub_id, check.link_id)
    return tables.stubs.client_of(check.hub_id, link.stub_id) if link else None


def _check(
    membership: HubMembership, check: ReceivedCheck, client: Client | None
) -> dict[str, Any]:
    """Who asks about whom, and why."""
    member = membership.directory.member(check.requester)
    basis = membership.charter.lawful_basis(check.basis)
    return {
        "check_id": check.check_id,
        "client": client.local_id if client else None,
        "agency": member.body.name if member else "an organisation that has left",
        "role": check.role.replace("_", " "),
        "purpose": check.purpose,
        "basis": f"{basis.title} ({basis.code})" if basis else check.basis,
        "expires": check.expires,
    }
