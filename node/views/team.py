"""The team around a client, as values."""

from dataclasses import asdict
from typing import Any

from node.links.team import Team


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
        "ring": [asdict(line) for line in team.ring],
    }
