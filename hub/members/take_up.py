"""Take-up by agency and week, as the operator may see it: specs/02-charter.md §10.

What stands is noted once a day; requests are counted from their times. Weeks begin on Mondays, UTC.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from hub.members.small_numbers import Shown, at_least, shown, usual_hours
from hub.store.tables import HubTables
from hub.store.take_up import AskedAt, WeekFigure

DAY = 86_400
WEEKS = 12
_MONDAY = 3  # the first of January 1970 was a Thursday
_LEAST = {
    "5_to_9": 5, "10_to_24": 10, "25_to_49": 25, "50_to_99": 50, "100_to_249": 100,
    "250_or_more": 250,
}  # fmt: skip


@dataclass(frozen=True)
class Week:
    """One week, of one agency or of all: `practitioners` at least; `hours` is the median time to
    answer, None where fewer than five were answered. None: not noted in that week.
    """

    begins: date
    agencies: int | None
    practitioners: int | None
    involvements: Shown | None
    links: Shown | None
    requests: Shown
    connections: Shown
    hours: int | None


@dataclass(frozen=True)
class OfAgency:
    """One agency: what was noted of it last, and what it asked and answered in the weeks shown.
    `practitioners` is a band, or empty: not said.
    """

    party_id: str
    name: str
    practitioners: str
    involvements: Shown
    links: Shown
    requests: Shown
    connections: Shown
    hours: int | None


def note(tables: HubTables, day: int) -> None:
    """Note what stands at each active agency on a day (since 1970)."""
    directory = tables.directory.current()
    work, links = tables.take_up.involvements(), tables.take_up.links()
    figures = []
    for party_id in agencies(tables):
        said = directory.figures.get(party_id)
        practitioners = said.body.practitioners if said else ""
        counted = (work.get(party_id, 0), links.get(party_id, 0))
        figures.append(WeekFigure(week_of(day), party_id, day, *counted, practitioners))
    tables.take_up.note(figures)


def agencies(tables: HubTables) -> dict[str, str]:
    """The active agencies, auditors not among them: id to name, by name."""
    directory = tables.directory.current()
    found = {body.party_id: body.name for body in directory.bodies()
             if body.status == "active" and body.member_class != "auditor"}  # fmt: skip
    return dict(sorted(found.items(), key=lambda item: item[1].casefold()))


def week_of(day: int) -> int:
    """The number of the week that a day (since 1970) is in."""
    return (day + _MONDAY) // 7


def begin_of(week: int) -> date:
    """The Monday of a week."""
    return date(1970, 1, 1) + timedelta(days=7 * week - _MONDAY)


def weeks(tables: HubTables, now: int, of: str | None = None) -> list[Week]:
    """The last weeks, the present one last; `of`: one agency, else all of them."""
    this = week_of(now // DAY)
    first = this - WEEKS + 1
    noted = [one for one in tables.take_up.weeks(first) if of in (None, one.agency)]
    asked = _asked(tables, first)
    return [_week(week, noted, asked, of) for week in range(first, this + 1)]


def by_agency(tables: HubTables, now: int) -> list[OfAgency]:
    """Every active agency in the same weeks."""
    first = week_of(now // DAY) - WEEKS + 1
    newest = {one.agency: one for one in tables.take_up.weeks(first)}
    asked = _asked(tables, first)
    found = []
    for party_id, name in agencies(tables).items():
        stood = newest.get(party_id)
        own = [one for one in asked if one.requester == party_id]
        found.append(
            OfAgency(
                party_id,
                name,
                stood.practitioners if stood else "",
                shown(stood.involvements if stood else 0),
                shown(stood.links if stood else 0),
                at_least([*Counter(week_of(one.asked_at // DAY) for one in own).values()]),
                at_least([*_connections(own).values()]),
                usual_hours(_times(asked, {party_id})),
            )
        )
    return found


def _asked(tables: HubTables, first: int) -> Sequence[AskedAt]:
    since = datetime.combine(begin_of(first), datetime.min.time(), UTC)
    return tables.take_up.requests(int(since.timestamp()))


def _week(week: int, noted: Sequence[WeekFigure], asked: Sequence[AskedAt], of: str | None) -> Week:
    stood = [one for one in noted if one.week == week]
    said = [one for one in stood if one.practitioners]
    mine = [one for one in asked if of in (None, one.requester)]
    requests = Counter(one.requester for one in mine if week_of(one.asked_at // DAY) == week)
    connected = [number for (_, at), number in _connections(mine).items() if at == week]
    answered = [
        one for one in asked
        if one.answered_at is not None and week_of(one.answered_at // DAY) == week
    ]  # fmt: skip
    answering = {one.holder for one in answered} if of is None else {of}
    return Week(
        begin_of(week),
        len(stood) or None,
        sum(_LEAST.get(one.practitioners, 0) for one in said) if said else None,
        at_least([one.involvements for one in stood]) if stood else None,
        at_least([one.links for one in stood]) if stood else None,
        at_least([*requests.values()]),
        at_least(connected),
        usual_hours(_times(answered, answering)),
    )


def _connections(asked: Sequence[AskedAt]) -> Counter[tuple[str, int]]:
    """How many first cards came to whom, by agency and week."""
    return Counter(
        (one.requester, week_of(one.connected_at // DAY))
        for one in asked
        if one.connected_at is not None
    )


def _times(asked: Sequence[AskedAt], holders: Collection[str]) -> list[int]:
    return [
        one.answered_at - one.asked_at
        for one in asked
        if one.answered_at is not None and one.holder in holders
    ]
