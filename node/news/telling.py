"""Lines of news: who is told, in the transaction of what happens (specs/11-news.md §2)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from node.store.news import OF_TEAMS, NewsKind, NewsLevel, NewsRow
from node.store.people import Person, PersonKind
from node.store.tables import NodeTables

STANDING_IN = (PersonKind.DUTY_WORKER, PersonKind.MANAGER, PersonKind.GOVERNANCE_LEAD)
"""Who is told where nobody works with a client: the first of these kinds that there is."""


@dataclass(frozen=True)
class Event:
    """Something that happened about a client of ours (a row id). `subject`: the id of the link or
    request, or `work` and its row's id; `item`: which of it, where there are several.

    `people`: who is told (row ids); nobody named, or nobody of them here any more: whoever works
    with the client now, and if nobody does, the duty workers of their team, of any, or managers. Of
    a team whose client nobody has work with any more nobody is told.
    """

    kind: NewsKind
    client: int
    subject: str
    item: str = ""
    level: NewsLevel = NewsLevel.NOTICE
    people: tuple[int, ...] = ()


def tell(tables: NodeTables, hub_id: str, events: Sequence[Event], now: int) -> None:
    """Put events onto people's lists. The same event again is on none of them twice.

    A few statements, however many events there are.
    """
    if not events:
        return
    here = {person.id: person for person in tables.people.all() if person.is_active}
    named = [tuple(one for one in event.people if one in here) for event in events]
    unnamed = {event.client for event, people in zip(events, named, strict=True) if not people}
    working = tables.people.who_work_with(unnamed, now)
    alone = _Alone(tables, here, unnamed - working.keys(), now)
    tables.news.put(
        NewsRow(
            hub_id, person, event.client, event.kind, event.subject, event.item, event.level, now
        )
        for event, people in zip(events, named, strict=True)
        for person in people or working.get(event.client) or alone.stand_in(event)
    )


def tell_of_client(tables: NodeTables, client: int, colleague: int, now: int) -> None:
    """Tell a colleague that a client was handed over to them. It stands with our first hub, as all
    that is about no hub; before there is one nobody has a list.
    """
    for hub in tables.hubs.all()[:1]:
        event = Event(
            NewsKind.HANDED_OVER, client, f"client {client}", str(now), people=(colleague,)
        )
        tell(tables, hub.hub_id, [event], now)


def clients_behind(tables: NodeTables, hub_id: str, stub_ids: Collection[str]) -> dict[str, int]:
    """The clients (row ids) behind stubs of ours, those too of a publication whose answer is still
    to come.
    """
    found = tables.stubs.clients_of(hub_id, stub_ids)
    missing = set(stub_ids) - found.keys()
    pending = tables.publications.pending(hub_id) if missing else None
    for effect in pending.effects if pending else ():
        if effect.stub.stub_id in missing:
            found[effect.stub.stub_id] = effect.stub.client
    return found


class _Alone:
    """Clients with whom nobody works who is here, and who is told in their place. `here`: our
    people by row id.
    """

    def __init__(
        self, tables: NodeTables, here: Mapping[int, Person], clients: Collection[int], now: int
    ) -> None:
        self._here = here
        self._teams = dict[int, set[str]]()
        self._going_on = set[int]()
        for work in tables.records.involvements(clients) if clients else ():
            self._teams.setdefault(work.client, set()).add(work.team or "")
            if not work.is_over(now):
                self._going_on.add(work.client)

    def stand_in(self, event: Event) -> list[int]:
        """The people (row ids)."""
        if event.kind in OF_TEAMS and event.client not in self._going_on:
            return []
        teams = self._teams.get(event.client, set())
        for kind in STANDING_IN:
            found = [person for person in self._here.values() if person.kind is kind]
            if found:
                own = [person for person in found if person.team and person.team in teams]
                return [person.id for person in own or found]
        return []
