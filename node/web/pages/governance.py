"""For the lead for information governance: who looked at whom and why, and what they must know."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import web

from node.actions.people import mark_alerts_seen
from node.records.accounts import Role
from node.store.tables import NodeTables
from node.views.account_acts import account_acts_value, acts_value
from node.views.governance import governance_value
from node.views.openings import openings_value
from node.web.pages.desk import NodePage, NodeVisit
from web.sheets import sheet
from web.site import Answer, Download, Go, Shown

LEAD = frozenset({Role.GOVERNANCE_LEAD})
A_PAGE, A_STEP = 100, 5_000


async def show(visit: NodeVisit) -> Answer:
    """Show what the lead must know, and how much was looked at."""
    alerts = [
        {"hub": service.membership.hub.name, "practitioner": None, **item, "told": told(item)}
        for service in visit.here.services
        for item in await service.oversee(governance_value)
    ]
    openings = await _openings(visit, A_PAGE, only_with_reason=True)
    values = {"alerts": alerts, "new": any(not item["seen"] for item in alerts)}
    return Shown("governance/start.html", {**values, "openings": openings})


def told(item: Mapping[str, Any]) -> str:
    """What is known of an alert, as a key of words."""
    if item["what"] == "wrong_person":
        if item["we_asked"]:
            return "we_held"
        return "they_held" if item["recalled_at"] is None else "they_deleted"
    if item["what"] == "unwitnessed":
        return "came" if item["we_asked"] else "left"
    others = {
        "card_after_withdrawal": "decide",
        "identity_unsent": "ask_why",
        "questions_held": "call",
    }
    return others.get(item["what"], "")


async def seen(visit: NodeVisit) -> Answer:
    """The lead has seen the alerts."""
    for service in visit.here.services:
        await mark_alerts_seen(service, visit.here.person.id)
    return Go("/governance")


async def show_openings(visit: NodeVisit) -> Answer:
    """Show who looked at which client, the newest first."""
    found = await _openings(visit, A_PAGE, before=_before(visit))
    return Shown("governance/openings.html", {"openings": found, "more": _more(found)})


async def show_accounts(visit: NodeVisit) -> Answer:
    """Show what was done to accounts, the newest first."""
    before = _before(visit)
    found = await visit.here.read(lambda tables: account_acts_value(tables, before, A_PAGE))
    return Shown("governance/accounts.html", {"acts": found, "more": _more(found)})


async def show_acts(visit: NodeVisit) -> Answer:
    """Show what was done in whose name, the newest first."""
    before = _before(visit)
    found = await visit.here.read(lambda tables: acts_value(tables, before, A_PAGE))
    return Shown("governance/acts.html", {"acts": found, "more": _more(found)})


def _before(visit: NodeVisit) -> int:
    """From where on older ones are asked for. Raises HTTPNotFound."""
    before = visit.request.query.get("before", "")
    if before and not re.fullmatch("[0-9]{1,12}", before):
        raise web.HTTPNotFound
    return int(before or 2**40)


def _more(found: list[dict[str, Any]]) -> int | None:
    """From where on there may be older ones."""
    return int(found[-1]["number"]) if len(found) == A_PAGE else None


async def export(visit: NodeVisit) -> Answer:
    """The same as a file for a spreadsheet, all of it, in which nothing is a formula."""
    names = ("at", "person", "client", "reason")

    async def pages() -> AsyncIterator[list[list[str]]]:
        before = 2**40
        while found := await _openings(visit, A_STEP, before=before):
            yield [[one[name] for name in names] for one in found]
            before = found[-1]["number"]

    head = [visit.site.say(f"governance.openings.{name}") for name in names]
    return Download(sheet(head, pages()), "openings.csv", "text/csv")


async def _openings(
    visit: NodeVisit, most: int, *, before: int = 2**40, only_with_reason: bool = False
) -> list[dict[str, Any]]:
    def look(tables: NodeTables) -> list[dict[str, Any]]:
        return openings_value(
            tables, tables.openings.newest(before, most, with_reason=only_with_reason)
        )

    return await visit.here.read(look)


PAGES = [
    NodePage("/governance", LEAD, show, seen, nav="governance.start.nav"),
    NodePage("/governance/openings", LEAD, show_openings, nav="governance.openings.nav"),
    NodePage(
        "/governance/accounts",
        LEAD,
        show_accounts,
        nav="governance.accounts.nav",
        room="/governance",
    ),
    NodePage("/governance/acts", LEAD, show_acts, nav="governance.acts.nav", room="/governance"),
    NodePage("/governance/openings.csv", LEAD, export, again=True),
]
