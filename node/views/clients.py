"""Own clients and the work with them, as values: for the screen, scripts and the browser."""

from collections.abc import Collection, Sequence
from typing import Any

from node.store.records import RECORD_FIELDS, Client, Involvement
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError


def clients_value(tables: NodeTables, found: Sequence[Client], now: int) -> list[dict[str, object]]:
    """Clients, each with how much work goes on."""
    works: dict[int, int] = {}
    for item in tables.records.involvements([client.id for client in found]):
        works[item.client] = works.get(item.client, 0) + (not item.is_over(now))
    return [
        {"client": client.local_id, **_record(client), "going_on": works.get(client.id, 0)}
        for client in found
    ]


def client_value(tables: NodeTables, local_id: str, now: int) -> dict[str, object]:
    """A client with all work, numbered as `close` and `reopen` take it. Raises LocalError."""
    client = tables.records.client(local_id)
    if client is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no client has that id here")
    works = tables.records.involvements([client.id])
    held = tables.held.of(client.id) is not None
    findable = tables.findable.anywhere()
    return {
        "client": client.local_id,
        **_record(client),
        "held": held,
        "withheld": tables.withheld.is_withheld(client.id, now),
        "work": [
            {
                "number": number,
                **_work(tables, item, now),
                "permission": _permission(item, findable, now),
            }
            for number, item in enumerate(works, 1)
        ],
    }


def _record(client: Client) -> dict[str, Any]:
    return {name: getattr(client.record, name) for name in RECORD_FIELDS}


def _work(tables: NodeTables, item: Involvement, now: int) -> dict[str, object]:
    going_on = "waiting" if item.is_waiting else "open"
    return {
        "type": item.type,
        "label": item.label,
        "team": item.team,
        "state": "closed" if item.is_over(now) else going_on,
        "started_on": item.started_on,
        "ended_at": item.ended_at,
        "ended_by": item.ended_by,
        "last_contact": item.last_contact,
        "next_visit": item.next_visit,
        "permission_basis": item.permission_basis,
        "valid_until": item.valid_until,
        "workers": [person.title for person in tables.people.working_on(item.id)],
    }


def _permission(item: Involvement, findable: Collection[str], now: int) -> str:
    """What stands of the permission, in one word."""
    if item.type in findable and not item.is_over(now):
        return "by_law"
    if item.permission_basis is None:
        return "none"
    if item.withdrawn_at is not None:
        return "withdrawn"
    return "in_force" if item.is_permitted(now) else "expired"
