"""For the lead for information governance: who asked in a span of days, and who did far more than
usual.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

from node.oversight.floods import TIMES
from node.views.who_asked import (
    GROUPS,
    LEAST_ASKED,
    LEAST_OPENED,
    REFUSED,
    floods_value,
    gathered_by,
    who_asked,
)
from node.web.pages.desk import NodePage, NodeVisit
from node.web.pages.governance import LEAD
from web.forms import InvalidForm
from web.sheets import sheet
from web.site import Answer, Download, Go, Shown

USUAL, LONGEST = timedelta(days=28), timedelta(days=366)
MOST_SHOWN = 200
YEARS = range(1970, 9000)
"""Of which every day has a time, and a day after it."""
BY = (*GROUPS, REFUSED)
COLUMNS = (
    "at", "direction", "what", "agency", "practitioner", "client", "purpose", "basis", "outcome",
    "why", "by",
)  # fmt: skip


@dataclass(frozen=True)
class Span:
    """Whole days where the agency is, both included, and by what requests are gathered."""

    first: date
    last: date
    by: str

    @classmethod
    def of(cls, visit: NodeVisit) -> "Span":
        """As an address has it; the last four weeks where it has none that can be read."""
        query = visit.request.query
        today = _day_of(visit, visit.here.now)
        by = query.get("by", "agency")
        try:
            first, last = (date.fromisoformat(query[name]) for name in ("from", "until"))
        except (KeyError, ValueError):
            first, last = today - USUAL, today
        if not _is_span(first, last):
            first, last = today - USUAL, today
        return cls(first, last, by if by in BY else "agency")

    @property
    def query(self) -> str:
        """As an address has it."""
        return f"from={self.first}&until={self.last}&by={self.by}"

    def times(self, visit: NodeVisit) -> tuple[int, int]:
        """Its first second, and the first one after it."""
        zone = visit.here.services[0].zone
        first = datetime.combine(self.first, time(), zone)
        after = datetime.combine(self.last, time(), zone) + timedelta(days=1)
        return int(first.timestamp()), int(after.timestamp())


async def show(visit: NodeVisit) -> Answer:
    """Show who asked, gathered as somebody wants it."""
    span = Span.of(visit)
    found = await _found(visit, span)
    groups = gathered_by(found, span.by) if span.by in GROUPS else []
    values = {
        "span": span,
        "ways": BY,
        "groups": groups[:MOST_SHOWN],
        "rows": found[:MOST_SHOWN],
        "is_more": max(len(found), len(groups)) > MOST_SHOWN,
        "several": len(visit.here.services) > 1,
    }
    return Shown("asked/list.html", values)


async def choose(visit: NodeVisit) -> Answer:
    """Go to another span of days, or gather otherwise."""
    form, wrong = visit.form, "asked.wrong.day"
    first, last = form.day("from", wrong, wrong), form.day("until", wrong, wrong)
    by = form.one_of("by", BY, "asked.wrong.by")
    if first is None or last is None or not _is_span(first, last):
        raise InvalidForm({"until": "asked.wrong.span"})
    return Go(f"/governance/asked?{Span(first, last, by).query}")


async def export(visit: NodeVisit) -> Answer:
    """The same as a file for a spreadsheet."""
    say, span = visit.site.say, Span.of(visit)
    found = await _found(visit, span)

    async def pages() -> AsyncIterator[list[list[str]]]:
        yield [[_cell(visit, name, one) for name in COLUMNS] for one in found]

    head = [say(f"asked.column.{name}") for name in COLUMNS]
    return Download(sheet(head, pages()), "asked.csv", "text/csv")


async def show_unusual(visit: NodeVisit) -> Answer:
    """Show days on which somebody opened or asked far more than usual."""
    now = visit.here.now
    since = now - int(USUAL.total_seconds())
    found = await visit.here.read(lambda tables: floods_value(tables, since, now + 1))
    return Shown(
        "asked/unusual.html",
        {"floods": found, "least_opened": LEAST_OPENED, "least_asked": LEAST_ASKED, "times": TIMES},
    )


async def _found(visit: NodeVisit, span: Span) -> list[dict[str, Any]]:
    since, until = span.times(visit)
    view = partial(who_asked, since=since, until=until)
    found = [one for service in visit.here.services for one in await service.oversee(view)]
    chosen = [one for one in found if span.by in GROUPS or one["outcome"] == REFUSED]
    return sorted(chosen, key=lambda one: -int(one["at"]))


def _cell(visit: NodeVisit, name: str, one: Mapping[str, Any]) -> str:
    say = visit.site.say
    if name == "at":
        return datetime.fromtimestamp(one["at"], UTC).isoformat()
    if name == "direction":
        return say("asked.direction.ours" if one["ours"] else "asked.direction.theirs")
    if name in ("what", "outcome", "why") and one[name]:
        return say(f"asked.{name}.{one[name]}")
    return str(one[name] or "")


def _is_span(first: date, last: date) -> bool:
    return timedelta() <= last - first <= LONGEST and {first.year, last.year} <= {*YEARS}


def _day_of(visit: NodeVisit, now: int) -> date:
    return datetime.fromtimestamp(now, visit.here.services[0].zone).date()


PAGES = [
    NodePage("/governance/asked", LEAD, show, choose, nav="asked.list.nav"),
    NodePage("/governance/asked.csv", LEAD, export, again=True),
    NodePage(
        "/governance/unusual", LEAD, show_unusual, nav="asked.unusual.nav", room="/governance"
    ),
]
