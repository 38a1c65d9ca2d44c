"""What became of our own requests, as news: who asked is told (specs/11-news.md §2)."""

from node.membership.hub import HubMembership
from node.news.telling import Event, tell
from node.store.news import NewsKind
from node.store.requests import SentRequest
from node.store.tables import NodeTables


def tell_asker(
    tables: NodeTables, membership: HubMembership, kind: NewsKind, *requests: SentRequest
) -> None:
    """Whoever asked is told what became of it, and of which card: one may take another's place."""
    events = [
        Event(
            kind,
            request.client,
            request.request_id,
            request.release_id or "",
            people=(request.practitioner,) if request.practitioner is not None else (),
        )
        for request in requests
    ]
    tell(tables, membership.hub.hub_id, events, membership.env.clock())
