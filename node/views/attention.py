"""Attention as values: what others raised about our clients, and what became of ours."""

import json
from typing import Any

from node.links.team import label_of
from node.membership.hub import HubMembership
from node.store.attention import RaisedState
from node.store.links import LinkedInvolvement
from node.store.tables import NodeTables

STATES = {
    RaisedState.SENDING: "on its way to the council's hub",
    RaisedState.SENT: "sent to the team around the client",
    RaisedState.FAILED: "not taken by the council's hub: nobody is told",
    RaisedState.LOG_LOST: "ended: the council's log was lost and has a successor; raise it again",
}


def attention_value(tables: NodeTables, membership: HubMembership) -> list[dict[str, Any]]:
    """What nobody of us has seen to, oldest first: by whom whose work we are shown now."""
    found = []
    for item in tables.attention.unseen(membership.hub.hub_id):
        received = item.received
        member = membership.directory.active(received.agency_id)
        works = (LinkedInvolvement(**one) for one in json.loads(item.involvements))
        labels = [label_of(work) for work in works if not work.is_past]
        if member is None or not labels:
            continue
        found.append(
            {
                "attention": received.id,
                "client": item.local_id,
                "agency": member.body.name,
                "works": labels,
                "role": received.role.replace("_", " "),
                "kind": received.kind,
                "title": title_of(membership, received.kind),
                "raised_at": received.raised_at,
                "duty_line": member.body.duty_line,
                "duty_hours": member.body.duty_hours,
            }
        )
    return found


def raised_value(tables: NodeTables, membership: HubMembership) -> list[dict[str, Any]]:
    """What our people raised, oldest first. To whom it went is told to nobody."""
    return [
        {
            "client": client,
            "kind": raised.kind,
            "title": title_of(membership, raised.kind),
            "raised_at": raised.raised_at,
            "state": raised.state.value,
            "state_text": STATES[raised.state],
        }
        for client, raised in tables.attention.all_raised(membership.hub.hub_id)
    ]


def title_of(membership: HubMembership, kind: str) -> str:
    """What people read of a kind of attention; one that the charter has no more, as its code."""
    terms = membership.charter.attention
    known = terms.kind(kind) if terms else None
    return known.title if known else kind.replace("_", " ")
