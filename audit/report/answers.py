"""How long agencies take to answer, by agency and lawful basis: specs/08-audit.md §8.

Of requests that the hub passed on. Counts and times of logged facts only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from audit.report.figures import Audited
from audit.rules.history import Asked, History
from web.markup import paragraph, section, table


@dataclass(frozen=True)
class Answers:
    """What became of the requests to one agency on one basis. `median` and `longest` are seconds
    from asking to the answer, of those that were answered; `said_after` is how long the hub took at
    most to say that one was overdue.
    """

    asked: int
    answered: int
    median: float | None
    longest: int | None
    overdue: int
    said_after: int | None


def answers(history: History) -> dict[tuple[str, str], Answers]:
    """(asked agency, lawful basis) to how it answers."""
    found: dict[tuple[str, str], list[Asked]] = {}
    for item in history.asked.values():
        if item.kind == "request" and item.hub_outcome in {"allow", "refer"}:
            found.setdefault((item.answerer or "", item.basis), []).append(item)
    return {key: _answers(items) for key, items in sorted(found.items())}


def _answers(items: Sequence[Asked]) -> Answers:
    times = [item.answered_at - item.asked_at for item in items if item.answered_at is not None]
    late = [item.overdue_for for item in items if item.overdue_for is not None]
    return Answers(
        asked=len(items),
        answered=len(times),
        median=median(times) if times else None,
        longest=max(times, default=None),
        overdue=len(late),
        said_after=max(late, default=None),
    )


def answers_section(audited: Audited) -> str:
    """The section of the page."""
    says = (
        "From asking to the answer, day and night, by when both were signed. The charter gives "
        "time in working days, or in hours where a lawful basis is urgent. What was not answered "
        "by then the hub has to say: this audit has reckoned it again."
    )
    rows = list(_rows(audited))
    heads = (
        "Is asked", "Lawful basis", "Requests", "Answered", "Median, hours", "Longest, hours",
        "Overdue", "Said by the hub within, minutes",
    )  # fmt: skip
    made = table("How long agencies take to answer", heads, rows) if rows else ""
    none = "" if rows else " There were no requests."
    return section("answers", "Times to answer", paragraph(says + none), made)


def _rows(audited: Audited) -> Iterator[tuple[object, ...]]:
    for (agency, basis), found in answers(audited.history).items():
        yield (
            audited.name(agency), basis, found.asked, found.answered, _in(3600, found.median),
            _in(3600, found.longest), found.overdue, _in(60, found.said_after),
        )  # fmt: skip


def _in(unit: int, seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds / unit:.1f}"
