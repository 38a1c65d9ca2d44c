"""How good the agency's own records are, by service, and how old its feeds are."""

from dataclasses import asdict
from typing import Any

from node.store.tables import NodeTables
from node.views.withheld import withheld_value


def status_value(tables: NodeTables, now: int) -> dict[str, Any]:
    """Counts by service, and the age of each feed in seconds."""
    return {
        "services": [asdict(one) for one in tables.figures.by_service(now)],
        "withheld_due": sum(
            item["due"] for item in withheld_value(tables, now) if item["in_force"]
        ),
        "feeds": [
            {"title": feed.title, "rows": feed.rows, "age": max(0, now - feed.at)}
            for feed in tables.imports.feeds()
        ],
    }
