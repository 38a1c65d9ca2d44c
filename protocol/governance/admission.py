"""Who comes late, and who is large: endorsements and cooling time (specs/02-charter.md §6). Pure.

A hub that lets in members of its own making could have guesses evaluated in their names. So after
the founding days a member under other control must answer for a newcomer, and key holders wait.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from protocol.fields import from_base64
from protocol.governance.directory import Directory
from protocol.governance.fingerprint import fingerprint
from protocol.governance.limits import DAY
from protocol.governance.numbers import Admission
from protocol.messages.bodies import EnrolmentBody, MemberBody
from protocol.messages.statement import parse_statement


@dataclass(frozen=True)
class Newcomer:
    """Who joins, as others can know it: by the fingerprint of its first keys."""

    fingerprint: str
    name: str
    control_domain: str
    clients: int

    @classmethod
    def of(cls, body: EnrolmentBody | MemberBody) -> "Newcomer":
        """Somebody that applies, or that a member's first leaf lets in."""
        known_by = fingerprint(body.party_id, body.keys)
        return cls(known_by, body.name, body.control_domain, body.clients or 0)


Came = Callable[[str], int]
"""When a member joined, in Unix seconds, by its id: as whoever asks has seen it."""


def admission(directory: Directory, at: int | None = None) -> Admission | None:
    """The terms that hold at a log index (None: now): the strictest of the charter in force and of
    every one that a member still goes by. One that says nothing leaves them as they are: a hub's
    own word loosens nothing.

    The founding days can end sooner, never later.
    """
    stated = [
        item
        for item in directory.charters
        if item.charter.admission is not None and (at is None or item.index <= at)
    ]
    if not stated:
        return None
    oldest = _oldest_in_use(directory)
    held = [item for item in stated if item.charter.version >= oldest] or stated[-1:]
    before = [item for item in stated if item.charter.version <= oldest][-1:]
    terms = [item.charter.admission for item in (*before, *held) if item.charter.admission]
    every = (item.charter.admission for item in stated)
    return Admission(
        founding_until=min(item.founding_until for item in every if item is not None),
        cooling_days=max(item.cooling_days for item in terms),
        largest_member=min(item.largest_member for item in terms),
    )


def _oldest_in_use(directory: Directory) -> int:
    """The oldest charter version that an active member outside the hub's control goes by."""
    hub = directory.charter.hub.control_domain
    accepted = [
        version
        for party_id, version in directory.accepted.items()
        if (member := directory.active(party_id)) and member.body.control_domain != hub
    ]
    return min(accepted, default=directory.charters[0].charter.version)


def needs_endorsement(
    directory: Directory,
    newcomer: Newcomer,
    joined: int,
    came: Came | None = None,
    at: int | None = None,
) -> bool:
    """Whether somebody that joins then (Unix seconds) must have an endorsement, and has none.

    One by a member that joined late counts if that member was answered for itself, and so on back
    to a founder. `came` None: by the hub's word. `at`: by the terms at that log index.
    """
    terms = admission(directory, at)
    if terms is None:
        return False
    if joined <= terms.founding_until and newcomer.clients <= terms.largest_member:
        return False
    founders = partial(_is_founder, directory, came or partial(joined_at, directory))
    return not _is_answered_for(directory, newcomer, founders, frozenset())


def _is_founder(directory: Directory, came: Came, party_id: str) -> bool:
    terms = admission(directory, directory.members[party_id][0].index)
    return terms is None or came(party_id) <= terms.founding_until


def _is_answered_for(
    directory: Directory,
    newcomer: Newcomer,
    is_founder: Callable[[str], bool],
    asked: frozenset[str],
) -> bool:
    """Whether a chain of endorsements leads to a founder; those `asked` about are left out."""
    for said in directory.endorsements.get(newcomer.fingerprint, ()):
        fits = (
            said.control_domain != newcomer.control_domain
            and said.body.name == newcomer.name
            and said.body.clients >= newcomer.clients
        )
        if not fits or said.party_id in asked:
            continue
        if is_founder(said.party_id):
            return True
        theirs = Newcomer.of(directory.members[said.party_id][0].body)
        if _is_answered_for(directory, theirs, is_founder, asked | {said.party_id}):
            return True
    return False


def joined_at(directory: Directory, party_id: str) -> int:
    """When a member joined, in Unix seconds, by the word of the hub: 0 for one that a successor of
    a lost log names again. Whether it was a member there, those know who followed that log.
    """
    first = directory.members[party_id][0]
    if directory.succession is not None:
        own = parse_statement(from_base64(first.body.enrolment))
        if own.preamble.log_origin != directory.charter.log.origin:
            return 0
    return first.issued_at


def served_from(directory: Directory, party_id: str, came: Came) -> int | None:
    """From when key holders serve a member; None while it lacks an endorsement.

    By the terms when it came, and for its size by those when it said so: a stricter charter does
    not cut off whom it finds there.
    """
    history, joined = directory.members[party_id], came(party_id)
    first, clients = Newcomer.of(history[0].body), directory.clients_of(party_id)
    if needs_endorsement(directory, first, joined, came, history[0].index):
        return None
    sized = next(item.index for item in history if (item.body.clients or 0) == clients)
    grown = replace(first, clients=clients)
    if clients > first.clients and needs_endorsement(directory, grown, 0, came, sized):
        return None
    terms = admission(directory, history[0].index)
    if terms is None or joined <= terms.founding_until:
        return joined
    return joined + terms.cooling_days * DAY
