"""How the node is: alarms, feeds, and how good the records are, in words of the pages.

What an alarm says to a terminal names commands that nobody here has: each has its own words.
"""

from typing import Any

from node.actions.upkeep import acknowledge_now
from node.alarms import FOR_THE_LEAD, Severity
from node.membership.charter import confirm_months
from node.records.accounts import Role
from node.service import NodeService
from node.store.tables import NodeTables
from node.views.details import details_value
from node.views.inbox import alarms_value
from node.views.status import status_value
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

ADMINISTRATOR, LEAD = frozenset({Role.ADMINISTRATOR}), frozenset({Role.GOVERNANCE_LEAD})


async def show_health(visit: NodeVisit) -> Answer:
    """Show how the node is: hubs, alarms, feeds, and how good the records are."""
    hubs = [{**hub, "details": await _details(service)} for service, hub in await _alarms(visit)]
    now = visit.here.now

    def look(tables: NodeTables) -> dict[str, Any]:
        return status_value(tables, confirm_months(tables), now)

    status = await visit.here.read(look)
    return Shown("health/administrator.html", {"hubs": hubs, "status": status})


async def show_alarms(visit: NodeVisit) -> Answer:
    """Show the lead what is amiss."""
    return Shown("health/lead.html", {"hubs": [hub for _, hub in await _alarms(visit)]})


async def put_away(visit: NodeVisit) -> Answer:
    """Put an alarm away that somebody has dealt with."""
    number, hub_id = visit.form.text("alarm", most=12), visit.form.text("hub")
    for service, hub in await _alarms(visit):
        may = {str(one["id"]) for one in hub["alarms"] if one["may"]}
        if hub_id == hub["hub_id"] and number in may:
            await acknowledge_now(service, int(number), visit.here.person.id)
            return Go(visit.request.path)
    raise InvalidForm({"": "alarms.wrong.gone"})


async def _alarms(visit: NodeVisit) -> list[tuple[NodeService, dict[str, Any]]]:
    """Each hub with its alarms; `may`: whoever looks may put it away."""
    found = []
    for service in visit.here.services:
        alarms = await service.oversee(alarms_value)
        shown = [{**one, "may": _may(one), "lead": one["code"] in FOR_THE_LEAD} for one in alarms]
        hub = service.membership.hub
        found.append((service, {"name": hub.name, "hub_id": hub.hub_id, "alarms": shown}))
    return found


def _may(alarm: dict[str, Any]) -> bool:
    """Of what is missing no putting away helps; what is the lead's goes with the alerts."""
    is_missing = alarm["severity"] == Severity.MISSING.name.lower()
    return not is_missing and alarm["code"] not in FOR_THE_LEAD


async def _details(service: NodeService) -> dict[str, str] | None:
    """What the log says of us; None where we are no active member now."""
    try:
        return await service.oversee(details_value)
    except LocalError as error:
        if error.code is not ErrorCode.NOT_READY:
            raise
        return None


PAGES = [
    NodePage(
        "/administration/health", ADMINISTRATOR, show_health, put_away,
        nav="administration.health.nav",
        room="/administration",
    ),
    NodePage("/governance/alarms", LEAD, show_alarms, put_away, nav="alarms.list.nav"),
]  # fmt: skip
