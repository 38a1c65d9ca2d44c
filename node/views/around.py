"""Who works with a client at one hub, and what somebody of ours can do next, as their page shows
it. No hub is asked.
"""

from typing import Any

from node.links.team import label_of, team_of
from node.membership.hub import HubMembership
from node.news.reading import Current, current
from node.store.news import NewsKind
from node.store.records import Client
from node.store.tables import NodeTables
from node.views.asked import asked_value
from node.views.team import team_value

NEWS_OF_TEAMS = frozenset(
    {NewsKind.FOUND_BY, NewsKind.JOINED, NewsKind.LEFT, NewsKind.ATTENTION, NewsKind.RECALLED}
)


def around_value(
    tables: NodeTables, membership: HubMembership, client: Client, person: int
) -> dict[str, Any]:
    """The team around a client; of each of the others (`others`) our newest request over that
    link, or None. `changes`: what is new to a person (a row's id), with the numbers of its lines.
    Raises LocalError.
    """
    hub_id = membership.hub.hub_id
    team = team_of(tables, membership, client.local_id)
    asked = [
        asked_value(tables, membership, client, request)
        for request in tables.sent_requests.of_client(hub_id, client.id)
    ]
    value = team_value(team)
    for other in value["others"]:
        found = (one for one in asked if one["link_id"] == other["link_id"])
        other["request"] = next(found, None)
    return {
        **value,
        "hub": membership.hub.name,
        "hub_id": hub_id,
        "asked": asked,
        "changes": _changes(tables, membership, client, person),
    }


def _changes(
    tables: NodeTables, membership: HubMembership, client: Client, person: int
) -> list[dict[str, Any]]:
    hub_id, now = membership.hub.hub_id, membership.env.clock()
    lines = [
        line
        for line in tables.news.of_person(person, unseen=True)
        if (line.hub_id, line.client) == (hub_id, client.id) and line.kind in NEWS_OF_TEAMS
    ]
    return [_change(membership, item) for item in current(tables, lines, now)]


def _change(membership: HubMembership, item: Current) -> dict[str, Any]:
    member = membership.directory.active(item.agency_id) if item.agency_id else None
    label = label_of(item.involvement) if item.involvement else None
    return {
        "kind": item.line.kind.value,
        "at": item.line.at,
        "agency": member.body.name if member else None,
        "label": label,
        "number": item.line.id,
    }
