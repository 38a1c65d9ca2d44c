"""The sharing agreement as its signers are shown it (specs/02-charter.md §7)."""

from dataclasses import dataclass

from node.membership.charter import waiting_differences
from node.membership.hub import HubMembership
from node.store.tables import NodeTables


@dataclass(frozen=True)
class Agreement:
    """The agreement in force: its version, the one this agency signed, how they differ in words,
    and whether it binds the agency.
    """

    hub: str
    version: int
    signed: int | None
    loosened: tuple[str, ...]
    tightened: tuple[str, ...]
    neutral: tuple[str, ...]
    binds: bool


def agreement_of(_tables: NodeTables, membership: HubMembership) -> Agreement:
    """The agreement in force at a hub."""
    charter, found = membership.charter, waiting_differences(membership)
    return Agreement(
        hub=charter.hub.name,
        version=charter.version,
        signed=membership.directory.accepted.get(membership.hub.party_id),
        loosened=tuple(found.loosened),
        tightened=tuple(found.tightened),
        neutral=found.neutral,
        binds=not membership.unaccepted(),
    )
