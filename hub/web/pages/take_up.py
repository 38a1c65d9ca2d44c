"""Take-up by week and by agency, each chart with its table; numbers under five are "<5"."""

from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web
from markupsafe import Markup

from hub.members import take_up
from hub.members.accounts import OPERATOR
from hub.members.small_numbers import Shown as Number
from hub.members.take_up import Week
from hub.store.tables import HubTables
from hub.web.pages.desk import HubPage, HubVisit
from web.look import day_text
from web.pictures import Bars, Caption, bar_picture, count_axis
from web.site import Answer, Shown

Value = Callable[[Week], int | Number | None]
ALL: dict[str, Value] = {
    "agencies": lambda week: week.agencies,
    "practitioners": lambda week: week.practitioners,
    "involvements": lambda week: week.involvements,
    "links": lambda week: week.links,
    "requests": lambda week: week.requests,
    "connections": lambda week: week.connections,
    "hours": lambda week: week.hours,
}
OF_ONE = [name for name in ALL if name not in ("agencies", "practitioners")]


async def show(visit: HubVisit) -> Answer:
    """Show the council week by week, and every agency."""
    now = visit.here.now

    def look(tables: HubTables) -> tuple[list[Week], list[take_up.OfAgency]]:
        return take_up.weeks(tables, now), take_up.by_agency(tables, now)

    weeks, agencies = await visit.here.read(look)
    values = {"charts": [_chart(visit, name, weeks) for name in ALL], "agencies": agencies}
    return Shown("take_up/all.html", values)


async def show_one(visit: HubVisit) -> Answer:
    """Show one agency week by week."""
    now, party_id = visit.here.now, visit.place["party"]

    def look(tables: HubTables) -> tuple[str, list[Week]]:
        name = take_up.agencies(tables).get(party_id)
        if name is None:
            raise web.HTTPNotFound
        return name, take_up.weeks(tables, now, party_id)

    name, weeks = await visit.here.read(look)
    charts = [_chart(visit, one, weeks) for one in OF_ONE]
    return Shown("take_up/one.html", {"name": name, "charts": charts})


def _chart(visit: HubVisit, name: str, weeks: Sequence[Week]) -> dict[str, Any]:
    """A picture and the same as rows of a table: the week, and the number as it may be shown."""
    say, value = visit.site.say, ALL[name]
    none = say("take_up.chart.few") if name == "hours" else say("take_up.chart.not_noted")
    rows = [(day_text(week.begins), _text(value(week), none)) for week in weeks]
    drawn = [_drawn(value(week)) for week in weeks]
    title = say(f"take_up.title.{name}")
    says = "; ".join(f"{day}: {number}" for day, number in rows)
    picture = bar_picture(
        Caption(say("take_up.chart.by_week", title=title), says),
        Bars(say("take_up.chart.week"), [f"{week.begins:%-d %b}" for week in weeks]),
        count_axis(say(f"take_up.axis.{name}"), max(drawn)),
        {title: drawn},
    )
    drawing = Markup(picture)  # noqa: S704 - made of numbers and of what web/pictures.py escapes
    found = drawing if any(drawn) else None  # an empty picture says less than a sentence
    return {"name": name, "title": title, "rows": rows, "picture": found}


def _text(value: int | Number | None, none: str) -> str:
    if value is None:
        return none
    return value.text if isinstance(value, Number) else f"{value:,}"


def _drawn(value: int | Number | None) -> int:
    return value.floor if isinstance(value, Number) else value or 0


PAGES = [
    HubPage("/take-up", OPERATOR, show, nav="take_up.page.nav"),
    HubPage("/take-up/{party}", OPERATOR, show_one),
]
