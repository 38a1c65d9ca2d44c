"""Families: lists of an agency's own clients, for its own people. No hub is asked about one.

specs/09-imports.md §10.
"""

from node.records.by_hand import known
from node.store.families import Relative
from node.store.records import Client
from node.store.tables import NodeTables
from protocol.contact import read_name
from protocol.errors import ErrorCode, LocalError

MOST_RELATIVES = 30
"""Of one client: so many teams are read together."""


def join(tables: NodeTables, local_id: str, relative: str, relation: str) -> None:
    """Say what one client is of another one. Raises LocalError."""
    client, other = (known(tables, _here(tables, one).local_id) for one in (local_id, relative))
    said = read_name(relation)
    if client.id == other.id:
        raise LocalError(ErrorCode.CONFLICT, "nobody is a relative of their own")
    if said is None:
        raise LocalError(ErrorCode.MALFORMED, "say the relation in a few words, such as sister")
    if len(tables.families.of(client.id)) >= MOST_RELATIVES:
        raise LocalError(ErrorCode.CONFLICT, f"a client has at most {MOST_RELATIVES} relatives")
    tables.families.put(client.id, other.id, said)


def leave(tables: NodeTables, local_id: str, relative: str) -> None:
    """Say it no longer. Raises LocalError."""
    client, other = _here(tables, local_id), _here(tables, relative)
    if not tables.families.remove(client.id, other.id):
        raise LocalError(ErrorCode.NOT_FOUND, "these two are no family here")


def relatives(tables: NodeTables, local_id: str) -> list[Relative]:
    """The family of a client; nobody's of whom somebody only enquires about. Raises LocalError."""
    return tables.families.of(_here(tables, local_id).id)


def _here(tables: NodeTables, local_id: str) -> Client:
    client = tables.records.client(local_id)
    if client is None:
        raise LocalError(ErrorCode.NOT_FOUND, "only your own clients are a family: no such id here")
    return client
