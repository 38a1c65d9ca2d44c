"""Lines of news as they are now: of the other side they show what the team shows, and no more.

specs/11-news.md. What a line told may be over: a link ended, a question was answered, work
was confirmed. Such a line is shown no more, whoever ended it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from node.news.teams import shown
from node.store.links import Link, LinkedInvolvement, LinkState, Review, ReviewState
from node.store.news import OF_TEAMS, NewsKind, NewsLine
from node.store.records import Involvement
from node.store.requests import ReceivedRequest, SentRequest
from node.store.tables import NodeTables

CONFIRM, CONSENT = "confirm", "consent"
"""What is due of work: that it goes on, or that a permission ends. An item begins with it."""


@dataclass(frozen=True)
class Current:
    """A line, and what it is of: whom the team shows, a request, or work of ours."""

    line: NewsLine
    agency_id: str | None = None
    involvement: LinkedInvolvement | None = None
    request: SentRequest | ReceivedRequest | None = None
    work: Involvement | None = None


def subject_of(work: int) -> str:
    """The subject of lines about work (a row id)."""
    return f"work {work}"


def current(tables: NodeTables, lines: Sequence[NewsLine], now: int) -> list[Current]:
    """Those of these lines that still hold, in their order. A few statements, however many."""
    found: dict[int, Current] = {}
    for hub_id in {line.hub_id for line in lines}:
        here = _Here(tables, hub_id, [line for line in lines if line.hub_id == hub_id], now)
        found.update((item.line.id, item) for item in here.current(now))
    return [found[line.id] for line in lines if line.id in found]


class _Here:
    """What lines of one hub are of, as it is now."""

    def __init__(
        self, tables: NodeTables, hub_id: str, lines: Sequence[NewsLine], now: int
    ) -> None:
        handed = {line.client for line in lines if line.kind is NewsKind.HANDED_OVER}
        self._working = tables.people.who_work_with(handed, now)
        subjects = {line.subject for line in lines}
        self._lines = lines
        self._links = tables.links.of_ids(hub_id, subjects)
        self._reviews = tables.reviews.of_links(hub_id, subjects)
        self._requests: dict[str, SentRequest | ReceivedRequest] = {
            **tables.received_requests.of_ids(hub_id, subjects),
            **tables.sent_requests.of_ids(hub_id, subjects),
        }
        self._raised = tables.attention.unseen_of(hub_id, subjects)
        works = {int(one.partition(" ")[2]) for one in subjects if one.startswith("work ")}
        self._works = {subject_of(one): work for one, work in tables.records.by_row(works).items()}

    def current(self, now: int) -> Iterable[Current]:
        for line in self._lines:
            found = self._one(line, now)
            if found is not None:
                yield found

    def _one(self, line: NewsLine, now: int) -> Current | None:
        if line.kind is NewsKind.HANDED_OVER:
            return Current(line) if line.person in self._working.get(line.client, ()) else None
        if line.kind in OF_TEAMS:
            return _of_team(line, self._links.get(line.subject))
        if line.kind is NewsKind.REVIEW_DUE and line.subject.startswith("work "):
            work = self._works.get(line.subject)
            is_due = work is not None and _is_due(line, work, now)
            return Current(line, work=work) if is_due else None
        if line.kind is NewsKind.REVIEW_DUE:
            link, review = self._links.get(line.subject), self._reviews.get(line.subject)
            return Current(line) if _waits(line, link, review) else None
        if line.kind is NewsKind.ATTENTION:
            return Current(line) if line.subject in self._raised else None
        request = self._requests.get(line.subject)
        return Current(line, request=request) if _holds(line, request) else None


def _of_team(line: NewsLine, link: Link | None) -> Current | None:
    """Who is in the team; who left is named only where the team shows that the work is past."""
    item = shown(link).get(line.item)
    if item is not None and link is not None:
        left_and_back = line.kind is NewsKind.LEFT and not item.is_past
        return None if left_and_back else Current(line, link.agency_id, item)
    return Current(line) if line.kind is NewsKind.LEFT else None


def _holds(line: NewsLine, request: SentRequest | ReceivedRequest | None) -> bool:
    """Of a card that was recalled: unless another has come in its place."""
    is_recalled = line.kind is NewsKind.RECALLED
    return request is not None and not (is_recalled and line.item not in ("", request.release_id))


def _waits(line: NewsLine, link: Link | None, review: Review | None) -> bool:
    return (
        link is not None
        and link.state is not LinkState.ENDED
        and review is not None
        and review.state is ReviewState.ASKED
        and review.question == line.item
    )


def _is_due(line: NewsLine, work: Involvement, now: int) -> bool:
    """Whether nobody has confirmed the work since, or the permission still ends on that day."""
    if work.is_over(now):
        return False
    what, _, said = line.item.partition(" ")
    if what == CONFIRM:
        return confirmed(work) == said
    return work.withdrawn_at is None and str(work.valid_until) == said


def confirmed(work: Involvement) -> str:
    """By whom and when work was confirmed last, for an item: an import or a person."""
    return f"{work.import_id or 0}/{work.confirmed_at or 0}"
