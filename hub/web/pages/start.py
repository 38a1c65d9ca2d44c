"""The first page: what waits for the operator, what is amiss, and whether contact details move."""

from typing import Any

from hub.log.quorum_status import quorum_status
from hub.members import registers
from hub.members.accounts import OPERATOR
from hub.members.charter_changes import signatories
from hub.members.holidays import holidays_warning
from hub.members.office import waiting_rotations
from hub.members.registers import Standing
from hub.members.wishes import wishes
from hub.store.members import ApplicantState
from hub.store.tables import HubTables
from hub.web.pages.desk import HubPage, HubVisit
from web.site import Answer, Shown


async def show(visit: HubVisit) -> Answer:
    """Show what waits and what is amiss."""
    now, ahead = visit.here.now, visit.here.hub.ahead()

    def look(tables: HubTables) -> dict[str, Any]:
        directory = tables.directory.current()
        found = registers.members(tables, now)
        silent = [row for row in found if row.standing is Standing.SILENT]
        return {
            "applicants": len(tables.members.applicants(ApplicantState.WAITING))
            + len(waiting_rotations(tables)),
            "quorum": quorum_status(tables, now, ahead),
            "faults": tables.office.alarms(),
            "holidays": holidays_warning(directory.charter.answering, now),
            "silent": silent,
            "unsigned": sum(not one.bound for one in signatories(directory)),
            "wishes": wishes(tables),
        }

    return Shown("start.html", await visit.here.read(look))


PAGES = [HubPage("/", OPERATOR, show, nav="start.page.nav")]
