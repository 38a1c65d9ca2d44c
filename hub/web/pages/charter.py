"""The charter in force in words, a change that waits, and who has agreed to what."""

from functools import partial
from typing import Any

from hub.log.quorum_status import quorum_status
from hub.members.accounts import OPERATOR
from hub.members.charter_changes import charter_status, signatories
from hub.members.holidays import holidays_warning
from hub.store.tables import HubTables
from hub.web.pages.desk import HubPage, HubVisit
from protocol.governance.changes import Differences, differences
from protocol.governance.charter_words import charter_in_words, with_titles
from web.site import Answer, Shown


async def show(visit: HubVisit) -> Answer:
    """Show what is agreed, by whom, and what changed last."""
    now, ahead = visit.here.now, visit.here.hub.ahead()

    def look(tables: HubTables) -> dict[str, Any]:
        status = charter_status(tables)
        directory, charter = status.directory, status.directory.charter
        versions = directory.charters
        last: Differences | None = None
        if len(versions) > 1:
            last = differences(versions[-2].charter, charter)
        return {
            "version": charter.version,
            "since": versions[-1].issued_at,
            "sections": charter_in_words(charter),
            "titled": partial(with_titles, status.change or charter),
            "signatories": signatories(directory),
            "last": last,
            "waiting": differences(charter, status.change) if status.change else None,
            "quorum": quorum_status(tables, now, ahead),
            "holidays": holidays_warning(charter.answering, now),
        }

    return Shown("charter.html", await visit.here.read(look))


PAGES = [HubPage("/charter", OPERATOR, show, nav="charter.page.nav")]
