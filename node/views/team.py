"""The team around a client, as values."""

from dataclasses import asdict
from typing import Any

from node.links.team import Team, team_of
from node.membership.hub import HubMembership
from node.records.families import relatives
from node.store.tables import NodeTables


def team_value(team: Team) -> dict[str, Any]:
    """The team for scripts."""
    return {
        "own": list(team.own),
        "others": [asdict(member) for member in team.others],
        "possible": team.possible,
        "duty_desk": team.duty_desk.model_dump(),
        "published": team.published,
        "unpublished": team.unpublished,
        "compared": team.compared,
        "next_round": team.next_round,
        "overdue": team.overdue,
        "waiting": team.waiting,
        "services": [asdict(service) for service in team.services],
        "desk_hints": list(team.desk_hints),
        "ring": [asdict(line) for line in team.ring],
        "publishers": [
            {
                "agency": one.agency,
                "said_at": one.said_at,
                "figures": one.figures.model_dump() if one.figures else None,
            }
            for one in team.publishers
        ],
    }


def family_of(
    tables: NodeTables, membership: HubMembership, local_id: str
) -> list[tuple[str, str, Team]]:
    """A client's own team and those of the relatives whom we know, each with id and relation. The
    hub is asked nothing. Raises LocalError.
    """
    found = [(local_id, "", team_of(tables, membership, local_id))]
    for one in relatives(tables, local_id):
        relation = f"{local_id} is their {one.relation}" if one.of_them else one.relation
        found.append((one.local_id, relation, team_of(tables, membership, one.local_id)))
    return found
