"""Consents as values, and what one can say: for the screen, scripts and the browser."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from node.membership.hub import HubMembership
from node.records import by_hand
from node.records.agreements import offered
from node.store.consents import Consent
from node.store.tables import NodeTables
from protocol.governance.involvement_types import InvolvementType


@dataclass(frozen=True)
class Choices:
    """Titles by code, or by number as `show` has it: of the work that goes on, of lawful bases on
    consent with the purposes of each, and of the classes that somebody may be of.
    """

    works: dict[int, str]
    bases: dict[str, str]
    purposes: dict[str, dict[str, str]]
    classes: dict[str, str]


def choices(tables: NodeTables, membership: HubMembership, local_id: str) -> Choices:
    """What a consent of a client can say. Raises LocalError."""
    charter, now = membership.charter, membership.env.clock()
    kinds = {own: item.title for own, item in membership.agreement.types.items()}
    there = by_hand.works(tables, local_id, None)
    titles = {item.code: item.title for item in charter.purposes}
    bases = offered(charter, membership.me().body.member_class)
    seeing = {code for basis in bases for code in basis.requester_classes + basis.holder_classes}
    return Choices(
        works={
            number: item.label or kinds.get(item.type, item.type)
            for number, item in enumerate(there, 1)
            if not item.is_over(now)
        },
        bases={basis.code: basis.title for basis in bases},
        purposes={basis.code: {code: titles[code] for code in basis.purposes} for basis in bases},
        classes={item.code: item.title for item in charter.classes if item.code in seeing},
    )


def recipients(
    membership: HubMembership, kind: InvolvementType | None, classes: Collection[str]
) -> dict[str, str]:
    """The classes that may be told of work of a kind by a consent that names these; none named: of
    work that is shown at all, whomever the charter lets see it. Titles by code.
    """
    everybody = not classes and kind is not None and kind.openness != "sensitive"
    return {
        item.code: item.title
        for item in membership.charter.classes
        if kind is not None and item.code in kind.may_know and (everybody or item.code in classes)
    }


def consents_value(tables: NodeTables, local_id: str, now: int) -> dict[str, Any]:
    """All that was ever agreed of a client's work, the newest first. Raises LocalError."""
    there = by_hand.works(tables, local_id, None)
    said = tables.consents.of(item.id for item in there)
    newest = {item.involvement: item.id for item in said}
    return {
        "client": local_id,
        "work": [
            {
                "number": number,
                "type": item.type,
                "label": item.label,
                "team": item.team,
                "withdrawn_at": item.withdrawn_at,
                "consents": [
                    _consent(tables, one, state_of(one, newest[item.id], now))
                    for one in reversed(said)
                    if one.involvement == item.id
                ],
            }
            for number, item in enumerate(there, 1)
        ],
    }


def state_of(consent: Consent, newest: int, now: int) -> str:
    """What stands of a record, in one word; `newest`: the number of the last one of its work."""
    if consent.withdrawn_at is not None:
        return "withdrawn"
    if consent.id != newest:
        return "replaced"
    return "in_force" if consent.is_in_force(now) else "expired"


def last_day(consent: Consent) -> str:
    """The last day of a consent, as yyyy-mm-dd."""
    return day_before(consent.valid_until)


def day_before(ends: int) -> str:
    """The last day of what ends then (its first second, Unix), as yyyy-mm-dd."""
    return datetime.fromtimestamp(ends - 1, UTC).date().isoformat()


def _consent(tables: NodeTables, item: Consent, state: str) -> dict[str, Any]:
    people = (item.recorded_by, item.withdrawn_by)
    by, ended_by = (tables.people.get(person) if person is not None else None for person in people)
    return {
        "consent": item.id,
        "state": state,
        "basis": item.basis,
        "given_by": item.given_by.value,
        "how": item.how.value,
        "given_on": item.given_on,
        "until": last_day(item),
        "wording": item.wording,
        "classes": list(item.classes),
        "purposes": list(item.purposes),
        "evidence": item.evidence,
        "recorded_by": by.title if by else None,
        "recorded_at": item.recorded_at,
        "withdrawn_by": ended_by.title if ended_by else None,
        "withdrawn_at": item.withdrawn_at,
    }
