"""How good the agency's own records are, by service, and how old its feeds are."""

from dataclasses import asdict
from typing import Any

from node.store.tables import NodeTables
from node.views.withheld import withheld_value


def unconfirmed_value(tables: NodeTables, months: int | None, now: int) -> list[dict[str, Any]]:
    """Work that nothing has confirmed for so many months of 30 days; None: nothing is asked."""
    if months is None:
        return []
    found = tables.records.unconfirmed(now, now - months * 30 * 86_400)
    return [
        {
            "client": local_id,
            "type": item.type,
            "label": item.label,
            "team": item.team,
            "confirmed_at": item.confirmed_at,
        }
        for local_id, item in found
    ]


def status_value(tables: NodeTables, months: int | None, now: int) -> dict[str, Any]:
    """Counts by service, the age of each feed in seconds, and how much is to be looked at."""
    return {
        "services": [asdict(one) for one in tables.figures.by_service(now)],
        "unconfirmed": len(unconfirmed_value(tables, months, now)),
        "withheld_due": sum(
            item["due"] for item in withheld_value(tables, now) if item["in_force"]
        ),
        "feeds": [
            {
                "title": feed.title,
                "rows": feed.rows,
                "age": max(0, now - feed.at),
                "stopped": feed.stopped,
            }
            for feed in tables.imports.feeds()
        ],
    }
