"""Public holidays for a charter, from the library `holidays`: specs/02-charter.md §11.

Only a beginning for the operator, who checks them: what counts is what stands in the charter.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from hub.members.template import template
from protocol.errors import ErrorCode, LocalError
from protocol.governance.answering import Answering
from protocol.governance.charter import Charter

YEARS = 6
"""For how many years a list is made, this one counted: a later one needs every agency's word."""
WARN_DAYS = 180
_PLACES = {
    "england": ("GB", "ENG"),
    "northern_ireland": ("GB", "NIR"),
    "scotland": ("GB", "SCT"),
    "wales": ("GB", "WLS"),
    "australian_capital_territory": ("AU", "ACT"),
    "new_south_wales": ("AU", "NSW"),
    "northern_territory": ("AU", "NT"),
    "queensland": ("AU", "QLD"),
    "south_australia": ("AU", "SA"),
    "tasmania": ("AU", "TAS"),
    "victoria": ("AU", "VIC"),
    "western_australia": ("AU", "WA"),
}
SATURDAY = 5


def public_holidays(places: Iterable[str], years: Iterable[int]) -> list[str]:
    """The days from Monday to Friday that are a public holiday in any of these places, as
    yyyy-mm-dd, in order. Raises LocalError(NOT_FOUND) for a place that is not known.
    """
    from holidays import country_holidays

    found: set[date] = set()
    for place in places:
        if place not in _PLACES:
            known = ", ".join(_PLACES)
            raise LocalError(ErrorCode.NOT_FOUND, f"holidays are known of {known}, and no other")
        country, part = _PLACES[place]
        found.update(country_holidays(country, subdiv=part, years=[*years]))
    return [day.isoformat() for day in sorted(found) if day.weekday() < SATURDAY]


def years_from(now: int) -> range:
    """The years of which a list that is made now (Unix seconds) holds the holidays."""
    first = datetime.fromtimestamp(now, UTC).year
    return range(first, first + YEARS)


def with_holidays(charter: Charter, days: Iterable[str], first_year: int) -> dict[str, Any]:
    """The charter's terms for answering with these days beside those that it lists itself from a
    year on; those of the template where it has none.
    """
    held = charter.answering
    terms = held.model_dump() if held else template()["answering"]
    listed = (day for day in terms["holidays"] if day >= f"{first_year}-")
    return {**terms, "holidays": sorted({*listed, *days})}


def holidays_warning(answering: Answering | None, now: int) -> str | None:
    """What to tell the operator when the charter's list comes to its end; None while it lasts."""
    if answering is None:
        return None
    until, today = answering.holidays_until, datetime.fromtimestamp(now, UTC).date()
    if until is not None and (until - today).days > WARN_DAYS:
        return None
    ends = f"only up to {until:%-d %B %Y}" if until else "not at all"
    return (
        f"The charter lists public holidays {ends}; other weekdays count as working days, and who "
        "is asked has less time. Add some: patchwork-hub charter holidays."
    )
