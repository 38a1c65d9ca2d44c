"""A new charter at this node: how it differs, and signing it (specs/02-charter.md §7).

What loosens nothing binds at once; anything else waits for `charter accept`. Not trusted with the
decision to sign: that is a person's.
"""

from node.membership.hub import HubMembership, followed_charters
from node.store.tables import NodeTables
from protocol.governance.changes import Differences, differences
from protocol.messages.bodies import CharterAcceptBody


def waiting_differences(membership: HubMembership) -> Differences:
    """How the charter in force differs from the one that this agency signed last."""
    accepted = membership.directory.accepted_charter(membership.hub.party_id)
    if accepted is None:
        return Differences(tuple(membership.unaccepted()), ())
    return differences(accepted, membership.charter)


def confirm_months(tables: NodeTables) -> int | None:
    """After how many months of 30 days work is asked about: the fewest of our charters."""
    said = (charter.confirm_months for _, charter in followed_charters(tables))
    return min((months for months in said if months is not None), default=None)


async def accept_charter(membership: HubMembership) -> None:
    """Sign the charter in force in the agency's name; a public leaf. Raises RemoteError."""
    charter = membership.charter
    if membership.directory.accepted.get(membership.hub.party_id) == charter.version:
        return
    document_hash = charter.document_hash
    await membership.say(CharterAcceptBody(version=charter.version, document_hash=document_hash))
