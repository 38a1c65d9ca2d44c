"""Who looked at which client on the pages, as values for the lead for information governance."""

from collections.abc import Sequence
from typing import Any

from node.store.openings import Opening
from node.store.tables import NodeTables


def openings_value(tables: NodeTables, found: Sequence[Opening]) -> list[dict[str, Any]]:
    """Openings with the names that they are of: a client by our own id. `code`: the reason as it
    was chosen; `reason`: what was written beside it, or the choice.
    """
    clients = {
        client.id: client.local_id
        for client in tables.records.clients_by_row({one.client for one in found})
    }
    people = {one.person: tables.people.get(one.person) for one in found}
    values = []
    for one in found:
        code, _, more = (one.reason or "").partition(": ")
        person = people[one.person]
        values.append(
            {
                "number": one.id,
                "at": one.at,
                "person": person.title if person is not None else None,
                "client": clients.get(one.client),
                "row": one.client,
                "code": code or None,
                "reason": more or code or None,
            }
        )
    return values
