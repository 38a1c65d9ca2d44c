"""What is withheld, as values: for those who decide about it, and for nobody else."""

from datetime import UTC, datetime
from typing import Any

from node.records import withholding
from node.store.tables import NodeTables


def withheld_value(tables: NodeTables, now: int) -> list[dict[str, Any]]:
    """All that is proposed or in force, the oldest first; `due`: it is to be looked at."""
    today = datetime.fromtimestamp(now, UTC).date()
    people = {person.id: person.title for person in tables.people.all()}
    return [
        {
            "id": one.id,
            "client": one.local_id,
            "reason": one.reason,
            "in_force": one.agreed_at is not None,
            "expires_at": one.expires_at,
            "review_on": one.review_on,
            "due": withholding.is_due(one, today),
            "proposed_by": people.get(one.proposed_by or 0),
            "agreed_by": people.get(one.agreed_by or 0),
            "ending_by": people.get(one.ending_by or 0),
        }
        for one in withholding.standing(tables, now)
    ]
