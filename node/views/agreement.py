"""The sharing agreement as its signers are shown it (specs/02-charter.md §7)."""

from dataclasses import dataclass

from node.membership.charter import waiting_differences
from node.membership.hub import HubMembership
from node.store.tables import NodeTables
from protocol.governance.charter_words import Section, charter_in_words


@dataclass(frozen=True)
class Agreement:
    """The agreement in force: its version, the one this agency signed, what it says and how the two
    differ, in words, and whether it binds the agency.
    """

    hub: str
    version: int
    signed: int | None
    says: tuple[Section, ...]
    loosened: tuple[str, ...]
    tightened: tuple[str, ...]
    neutral: tuple[str, ...]
    binds: bool


def agreement_of(_tables: NodeTables, membership: HubMembership) -> Agreement:
    """The agreement in force at a hub."""
    charter, found = membership.charter, waiting_differences(membership)
    clients = membership.directory.clients_of(membership.hub.party_id)
    return Agreement(
        hub=charter.hub.name,
        version=charter.version,
        signed=membership.directory.accepted.get(membership.hub.party_id),
        says=charter_in_words(charter, clients or None),
        loosened=tuple(found.loosened),
        tightened=tuple(found.tightened),
        neutral=found.neutral,
        binds=not membership.unaccepted(),
    )
