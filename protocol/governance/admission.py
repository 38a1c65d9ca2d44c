"""Who comes late, and who is large: endorsements and cooling time (specs/02-charter.md §6). Pure.

A hub that lets in members of its own making could have guesses evaluated in their names. So after
the founding days a member under other control must answer for a newcomer, and key holders wait.
"""

from dataclasses import dataclass, replace

from protocol.fields import from_base64
from protocol.governance.charter import Admission
from protocol.governance.directory import Directory
from protocol.governance.fingerprint import fingerprint
from protocol.governance.limits import DAY
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


def admission(directory: Directory) -> Admission | None:
    """The terms in force. A later charter can end the founding days sooner, never later."""
    terms = directory.charter.admission
    if terms is None:
        return None
    stated = (item.charter.admission for item in directory.charters)
    until = min(item.founding_until for item in stated if item is not None)
    return terms.model_copy(update={"founding_until": until})


def needs_endorsement(directory: Directory, newcomer: Newcomer, joined: int) -> bool:
    """Whether somebody that joins then (Unix seconds) must have an endorsement, and has none."""
    terms = admission(directory)
    if terms is None:
        return False
    if joined <= terms.founding_until and newcomer.clients <= terms.largest_member:
        return False
    return not any(
        said.control_domain != newcomer.control_domain
        and said.body.name == newcomer.name
        and said.body.clients >= newcomer.clients
        for said in directory.endorsements.get(newcomer.fingerprint, ())
    )


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


def served_from(directory: Directory, party_id: str, joined: int) -> int | None:
    """From when key holders serve a member that joined then; None while it lacks an endorsement."""
    first = Newcomer.of(directory.members[party_id][0].body)
    newcomer = replace(first, clients=directory.clients_of(party_id))
    if needs_endorsement(directory, newcomer, joined):
        return None
    terms = admission(directory)
    if terms is None or joined <= terms.founding_until:
        return joined
    return joined + terms.cooling_days * DAY
