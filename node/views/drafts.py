"""Drafts of requests as values: what somebody can go on with."""

from typing import Any

from node.membership.hub import HubMembership
from node.store.tables import NodeTables
from protocol.requests.refusals import sentence


def drafts_value(tables: NodeTables, membership: HubMembership) -> list[dict[str, Any]]:
    """All drafts at a hub, oldest first; `why` is what the hub said to the last attempt."""
    hub_id, found = membership.hub.hub_id, []
    for client, draft in tables.drafts.of_hub(hub_id):
        member = membership.directory.member(draft.holder)
        person = tables.people.get(draft.practitioner)
        request = tables.sent_requests.get(hub_id, draft.request_id) if draft.request_id else None
        found.append(
            {
                "draft": draft.id,
                "client": client,
                "agency": member.body.name if member else "an organisation that has left",
                "practitioner": person.name if person else "",
                "role": draft.role,
                "purpose": draft.purpose,
                "basis": draft.basis,
                "facts": dict(draft.facts),
                "needed_by": draft.needed_by,
                "saved_at": draft.saved_at,
                "why": sentence(request.code, request.field) if request and request.code else None,
            }
        )
    return found
