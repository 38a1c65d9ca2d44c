"""How long things are kept and what goes next, and backups that somebody makes here."""

import asyncio

from node.actions.backup import backup_now, backups_made
from node.records.accounts import Role
from node.store.people import Act, Deed
from node.store.tables import NodeTables
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError
from runtime.logs import log
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
MOST_SHOWN = 10


async def show(visit: NodeVisit) -> Answer:
    """Show for how long things are kept, and what would go now."""
    report = await visit.here.services[0].forgetting.run(dry_run=True)
    return Shown("keeping/retention.html", {"report": report})


async def show_backups(visit: NodeVisit) -> Answer:
    """Show where backups lie, and when the last ones were made."""
    settings, made, is_broken = visit.here.settings, [], False
    try:
        made = await asyncio.to_thread(backups_made, settings)
    except LocalError as error:
        if error.code is not ErrorCode.STORAGE:
            raise
        is_broken = True
    values = {"folder": settings.backup_folder, "made": made[:MOST_SHOWN], "is_broken": is_broken}
    return Shown("keeping/backups.html", values)


async def back_up(visit: NodeVisit) -> Answer:
    """Make a backup now."""
    here = visit.here
    membership = here.services[0].membership
    try:
        name = await asyncio.to_thread(backup_now, membership.folder, here.settings, membership.env)
    except LocalError as error:
        keys = {
            ErrorCode.NOT_READY: "keeping.wrong.not_set",
            ErrorCode.CONFLICT: "keeping.wrong.just",
        }
        log.warning("backup_failed", code=error.code.value)
        raise InvalidForm({"": keys.get(error.code, "keeping.wrong.not_written")}) from None
    me, now = here.person.id, here.now

    def work(tables: NodeTables) -> None:
        tables.people.acted(Act(me, Deed.MADE_BACKUP, name, now))

    await here.engine.write(work)
    return Go("/administration/backups")


PAGES = [
    NodePage(
        "/administration/keeping",
        ADMINISTRATOR,
        show,
        nav="keeping.retention.nav",
        room="/administration",
    ),
    NodePage(
        "/administration/backups",
        ADMINISTRATOR,
        show_backups,
        back_up,
        nav="keeping.backups.nav",
        room="/administration",
        again=True,
    ),
]
