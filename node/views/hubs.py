"""How an agency stands at a hub, and its sharing agreement before and now, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from node.membership.hub import HubMembership
from node.store.tables import NodeTables
from protocol.governance.charter_words import Section, charter_in_words


def standing_value(_tables: NodeTables, membership: HubMembership) -> dict[str, Any]:
    """Whether we are a member and since when, what everybody sees of us, and which version of the
    agreement is in force and signed. `since`, `seen` None: the council has not approved us yet.
    """
    hub, directory, charter = membership.hub, membership.directory, membership.charter
    states = directory.members.get(hub.party_id, ())
    body = states[-1].body if states else None
    return {
        "hub": hub.name,
        "hub_id": hub.hub_id,
        "status": body.status if body else None,
        "since": states[0].issued_at if states else None,
        "seen": body.model_dump(include={"name", "duty_line", "duty_hours"}) if body else None,
        "version": charter.version,
        "signed": directory.accepted.get(hub.party_id),
        "binds": not membership.unaccepted(),
    }


@dataclass(frozen=True)
class Part:
    """A part of an agreement in which two versions differ: what only the one or the other says."""

    title: str
    before: tuple[str, ...]
    now: tuple[str, ...]


def parts_of(_tables: NodeTables, membership: HubMembership) -> tuple[Part, ...]:
    """Where the agreement that we signed and the one in force differ, part by part, in words."""
    clients = membership.directory.clients_of(membership.hub.party_id) or None
    signed = membership.directory.accepted_charter(membership.hub.party_id)
    before = charter_in_words(signed, clients) if signed is not None else ()
    return beside(before, charter_in_words(membership.charter, clients))


def beside(before: Sequence[Section], now: Sequence[Section]) -> tuple[Part, ...]:
    """Two agreements in words beside each other, where they differ, by the titles of parts."""
    old, new = ({one.title: one.lines for one in side} for side in (before, now))
    parts = [
        Part(
            title,
            _without(old.get(title, ()), new.get(title, ())),
            _without(new.get(title, ()), old.get(title, ())),
        )
        for title in {**new, **old}
    ]
    return tuple(part for part in parts if part.before or part.now)


def _without(lines: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    return tuple(line for line in lines if line not in others)
