"""Requests to us, as news: whoever has one hears of it, and what becomes of it (specs/11-news.md).

§2 there says who is told of what; whose a request is says node/requests/whose.py.
"""

from node.membership.hub import HubMembership
from node.news.telling import Event, tell
from node.requests.whose import whose_request
from node.store.news import NewsKind
from node.store.requests import ReceivedRequest, ReceivedState
from node.store.tables import NodeTables


class HandingOn:
    """Requests whose time with somebody is over, at one hub: whoever has them then is told."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    async def step(self) -> None:
        """Tell whoever has a request by now. Raises LocalError."""
        await self._membership.check_synced()
        await self._membership.engine.write(self._tell)

    def _tell(self, tables: NodeTables) -> None:
        hub_id, now = self._membership.hub.hub_id, self._membership.env.clock()
        tell_asked(tables, self._membership, *tables.received_requests.waiting(hub_id, now))


def tell_asked(tables: NodeTables, membership: HubMembership, *requests: ReceivedRequest) -> None:
    """Requests to us: whoever has one that waits for a person is told, and of another whoever does
    the work. Whoever has it in a later step is told then: the running node looks once in a while.
    """
    events = [
        event for request in requests if (event := _asked(tables, membership, request)) is not None
    ]
    tell(tables, membership.hub.hub_id, events, membership.env.clock())


def tell_holder(
    tables: NodeTables,
    membership: HubMembership,
    kind: NewsKind,
    request: ReceivedRequest,
    to: int | None = None,
) -> None:
    """One of ours (a row's id), or whoever has a request to us, is told what became of it."""
    work = tables.records.involvement(request.involvement)
    if work is not None:
        found = whose_request(tables, membership, request)
        people = (to,) if to is not None else found.people
        item = str(request.passed_at or "") if kind is NewsKind.PASSED_ON else ""
        event = Event(kind, work.client, request.request_id, item, people=people)
        tell(tables, request.hub_id, [event], membership.env.clock())


def _asked(tables: NodeTables, membership: HubMembership, request: ReceivedRequest) -> Event | None:
    """None of work that is not here any more, nor of what is with whom it was passed on to: they
    were told. Whoever has it again after that is told again.
    """
    work = tables.records.involvement(request.involvement)
    if work is None:
        return None
    item = ""
    if request.state is ReceivedState.ASKS_PERSON:
        found = whose_request(tables, membership, request)
        people = found.people
        if found.is_passed:
            people = tuple(one for one in people if one != request.passed_to)
            if not people:
                return None
        elif request.passed_at is not None:
            item = str(request.passed_at)
    else:
        people = tuple(person.id for person in tables.people.working_on(work.id))
    return Event(NewsKind.ASKED, work.client, request.request_id, item, people=people)
