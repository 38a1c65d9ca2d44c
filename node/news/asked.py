"""Requests and cards as news: who hears that one came or was answered (specs/11-news.md §2)."""

from node.membership.hub import HubMembership
from node.news.telling import Event, tell
from node.store.news import NewsKind
from node.store.requests import ReceivedRequest, SentRequest
from node.store.tables import NodeTables


def tell_asked(tables: NodeTables, membership: HubMembership, request: ReceivedRequest) -> None:
    """A request to us, which the hub passed on: whoever does the work that it asks about is told.
    Of work that is not here any more nobody is.
    """
    work = tables.records.involvement(request.involvement)
    if work is None:
        return
    people = tuple(person.id for person in tables.people.working_on(work.id))
    event = Event(NewsKind.ASKED, work.client, request.request_id, people=people)
    tell(tables, request.hub_id, [event], membership.env.clock())


def tell_asker(
    tables: NodeTables, membership: HubMembership, kind: NewsKind, *requests: SentRequest
) -> None:
    """Whoever asked is told what became of it."""
    events = [
        Event(
            kind,
            request.client,
            request.request_id,
            people=(request.practitioner,) if request.practitioner is not None else (),
        )
        for request in requests
    ]
    tell(tables, membership.hub.hub_id, events, membership.env.clock())
