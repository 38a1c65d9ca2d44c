"""Who works with a client at one hub, and what somebody of ours can do next, as their page shows
it. No hub is asked.
"""

from typing import Any

from node.links.team import label_of, team_of
from node.membership.hub import HubMembership
from node.news.reading import Current, current
from node.records.families import relatives
from node.store.news import ON_PAGES
from node.store.records import Client
from node.store.tables import NodeTables
from node.views.asked import asked_values
from node.views.attention import attention_value
from node.views.team import team_value


def around_value(
    tables: NodeTables, membership: HubMembership, client: Client, person: int
) -> dict[str, Any]:
    """The team around a client; of each of the others (`others`) our newest request over that
    link, or None. `hindered`: why nobody of ours can ask there now (`no_member`, `unsigned`), or
    None. `changes`: what is new to a person (a row's id), with the numbers of its lines.
    Raises LocalError.
    """
    hub_id = membership.hub.hub_id
    team = team_of(tables, membership, client.local_id)
    requests = tables.sent_requests.of_client(hub_id, client.id)
    asked = asked_values(tables, membership, {client.id: client}, requests)
    value = team_value(team)
    for other in value["others"]:
        found = (one for one in asked if one["link_id"] == other["link_id"])
        other["request"] = next(found, None)
    return {
        **value,
        "hub": membership.hub.name,
        "hub_id": hub_id,
        "hindered": _hindered(membership),
        "changes": _changes(tables, membership, client, person),
        "attention": [
            one for one in attention_value(tables, membership) if one["client"] == client.local_id
        ],
        "may_raise": membership.charter.attention is not None and value["published"],
        "may_invite": membership.charter.quotas.invites_per_day is not None,
    }


def _hindered(membership: HubMembership) -> str | None:
    """Why nothing is found or asked at a hub by anybody of ours just now, if so."""
    if membership.directory.active(membership.hub.party_id) is None:
        return "no_member"
    return "unsigned" if membership.unaccepted() else None


def relatives_value(
    tables: NodeTables, membership: HubMembership, client: Client
) -> list[dict[str, Any]]:
    """The family of a client as far as they are clients too, each with who works with them. Raises
    LocalError.
    """
    found = relatives(tables, client.local_id)
    known = {one.id: one for one in tables.records.clients_by_row([one.client for one in found])}
    return [
        {
            "row": one.client,
            "client": one.local_id,
            "given": known[one.client].record.given,
            "family": known[one.client].record.family,
            "relation": one.relation,
            "of_them": one.of_them,
            "others": team_value(team_of(tables, membership, one.local_id))["others"],
        }
        for one in found
        if one.client in known
    ]


def _changes(
    tables: NodeTables, membership: HubMembership, client: Client, person: int
) -> list[dict[str, Any]]:
    hub_id, now = membership.hub.hub_id, membership.env.clock()
    lines = [
        line
        for line in tables.news.of_person(person, unseen=True)
        if (line.hub_id, line.client) == (hub_id, client.id) and line.kind in ON_PAGES
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
