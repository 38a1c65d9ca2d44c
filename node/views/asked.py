"""Requests of ours as their page shows them: where they are now, in one word, and whom to call."""

from collections.abc import Mapping, Sequence
from typing import Any

from node.membership.hub import HubMembership
from node.store.drafts import Draft
from node.store.records import Client
from node.store.requests import SentRequest, SentState
from node.store.tables import NodeTables
from node.views.inbox import UNFINISHED, is_over, sent_value

LATE = "late"
WRONG_PERSON = "wrong_person"
RENEWED = "renewed"
BY_THEM = "recalled_by_them"


def asked_values(
    tables: NodeTables,
    membership: HubMembership,
    clients: Mapping[int, Client],
    requests: Sequence[SentRequest],
) -> list[dict[str, Any]]:
    """Requests of ours about these clients, by their rows' ids. `stands`: its state, or what of it
    matters more to who asked; `draft`: what it can be asked anew from, or None.
    """
    kept = [one for _, one in tables.drafts.of_hub(membership.hub.hub_id)] if requests else []
    drafts = {(one.request_id, one.practitioner): one.id for one in kept}
    return [
        {
            **_asked(tables, membership, clients[one.client], one),
            "draft": drafts.get((one.request_id, one.practitioner or 0)),
        }
        for one in requests
    ]


def _asked(
    tables: NodeTables, membership: HubMembership, client: Client, request: SentRequest
) -> dict[str, Any]:
    now = membership.env.clock()
    member = membership.directory.member(request.holder)
    is_wrong = request.wrong_person is not None or (
        tables.governance.recall(request.hub_id, request.request_id) is not None
    )
    return {
        **sent_value(membership, client.local_id, request, now),
        "stands": WRONG_PERSON if is_wrong else _stands(request, now),
        "row": client.id,
        "given": client.record.given,
        "family": client.record.family,
        "practitioner": request.practitioner,
        "link_id": request.link_id,
        "asked_at": request.asked_at,
        "expires": request.expires,
        "duty_line": member.body.duty_line if member else None,
        "duty_hours": member.body.duty_hours if member else None,
        "desk": membership.charter.duty_desk.model_dump(),
    }


def asked_by(
    tables: NodeTables, membership: HubMembership, person: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What somebody (a row's id) asked at a hub, the newest first; and what they have begun."""
    hub_id = membership.hub.hub_id
    requests = tables.sent_requests.of_practitioner(hub_id, person)
    drafts = [one for _, one in tables.drafts.of_hub(hub_id) if one.practitioner == person]
    rows = {one.client for one in requests} | {one.client for one in drafts}
    known = {client.id: client for client in tables.records.clients_by_row(rows)}
    kept = {item.request_id for item in requests}
    return (
        asked_values(tables, membership, known, requests),
        [
            _begun(membership, known[one.client], one)
            for one in drafts
            if one.request_id not in kept
        ],
    )


def _begun(membership: HubMembership, client: Client, draft: Draft) -> dict[str, Any]:
    member = membership.directory.member(draft.holder)
    return {
        "draft": draft.id,
        "given": client.record.given,
        "family": client.record.family,
        "agency": member.body.name if member else None,
        "saved_at": draft.saved_at,
    }


def _stands(request: SentRequest, now: int) -> str:
    state = request.state
    if request.expires <= now and state in UNFINISHED:
        return LATE
    if is_over(request, now):
        return SentState.EXPIRED.value
    if state is SentState.RECALLED and request.recalled_by == request.holder:
        return BY_THEM
    if state is SentState.OPENED and request.renewed_at is not None:
        return RENEWED
    return state.value
