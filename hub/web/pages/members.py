"""Members: how each stands and which agreement it signed; one of them, suspended or let go on."""

from typing import Any

from aiohttp import web

from hub.members import office, registers
from hub.members.accounts import OPERATOR
from hub.members.invitations import InvitationState, invited
from hub.members.registers import MemberRow, Standing
from hub.store.members import MemberStatus
from hub.store.office import ActKind
from hub.store.tables import HubTables
from hub.web.pages.desk import HubPage, HubVisit
from protocol.errors import ErrorCode, LocalError
from protocol.governance.directory import Member
from web.site import Answer, Go, Shown

REASON, MOST_ACTS = 500, 50


async def show(visit: HubVisit) -> Answer:
    """Show all members, and how many are invited."""
    now = visit.here.now

    def look(tables: HubTables) -> dict[str, Any]:
        directory = tables.directory.current()
        open_ones = [one for one in invited(tables, now) if one.state is InvitationState.WAITING]
        return {
            "members": registers.members(tables, now),
            "titles": {item.code: item.title for item in directory.charter.classes},
            "version": directory.charter.version,
            "invited": len(open_ones),
        }

    return Shown("members/list.html", await visit.here.read(look))


async def show_one(visit: HubVisit) -> Answer:
    """Show one member: what the log says of it, and what was done about it here."""
    party_id, now = visit.place["party"], visit.here.now

    def look(tables: HubTables) -> dict[str, Any]:
        row, directory = _row(tables, party_id, now), tables.directory.current()
        titles = {item.code: item.title for item in directory.charter.classes}
        said = directory.figures.get(party_id)
        return {
            "stands": row,
            "body": row.member.body,
            "kind": titles.get(row.member.body.member_class, row.member.body.member_class),
            "version": directory.charter.version,
            "said": said,
            "history": _history(directory.members[party_id]),
            "acts": tables.office.acts(party_id, MOST_ACTS),
            "may_suspend": may_suspend(row),
            "may_resume": may_resume(row),
        }

    return Shown("members/one.html", await visit.here.read(look))


def _history(states: tuple[Member, ...]) -> list[tuple[int, str]]:
    """When a member became what: each change of its status."""
    found: list[tuple[int, str]] = []
    for state in states:
        if not found or found[-1][1] != state.body.status:
            found.append((state.issued_at, state.body.status))
    return found


def may_suspend(row: MemberRow) -> bool:
    """Whether a member is active, and nothing else is ordered."""
    return row.standing in (Standing.ACTIVE, Standing.SILENT) and row.ordered is None


def may_resume(row: MemberRow) -> bool:
    """Whether a member is suspended, and nothing else is ordered."""
    return row.standing is Standing.SUSPENDED and row.ordered is None


async def show_suspension(visit: HubVisit) -> Answer:
    """Ask why."""
    row = await _find(visit)
    if not may_suspend(row):
        return Go(f"/members/{row.member.body.party_id}")
    return Shown("members/suspend.html", {"row": row})


async def suspend(visit: HubVisit) -> Answer:
    """First say what follows; then order it."""
    row = await _find(visit)
    reason = visit.form.text("reason", missing="members.wrong.reason", most=REASON)
    if may_suspend(row):
        if visit.form.raw("sure") != "yes":
            return Shown("members/suspend_check.html", {"row": row, "reason": reason})
        await _order(visit, MemberStatus.SUSPENDED, ActKind.SUSPENDED, reason)
    return Go(f"/members/{row.member.body.party_id}")


async def show_resumption(visit: HubVisit) -> Answer:
    """Say what follows."""
    row = await _find(visit)
    if not may_resume(row):
        return Go(f"/members/{row.member.body.party_id}")
    return Shown("members/resume.html", {"row": row})


async def resume(visit: HubVisit) -> Answer:
    """Order that a member goes on."""
    row = await _find(visit)
    if may_resume(row):
        await _order(visit, MemberStatus.ACTIVE, ActKind.RESUMED, "")
    return Go(f"/members/{row.member.body.party_id}")


async def _order(visit: HubVisit, status: MemberStatus, kind: ActKind, reason: str) -> None:
    party_id, now = visit.place["party"], visit.here.now
    may = may_suspend if status is MemberStatus.SUSPENDED else may_resume

    def work(tables: HubTables) -> None:
        if not may(_row(tables, party_id, now)):
            raise LocalError(ErrorCode.CONFLICT, "another operator was first")
        office.order(tables, party_id, status)

    try:
        await visit.here.act(work, kind, party_id, reason)
    except LocalError as error:
        if error.code is not ErrorCode.CONFLICT:
            raise


async def _find(visit: HubVisit) -> MemberRow:
    party_id, now = visit.place["party"], visit.here.now
    return await visit.here.read(lambda tables: _row(tables, party_id, now))


def _row(tables: HubTables, party_id: str, now: int) -> MemberRow:
    found = registers.member_row(tables, party_id, now)
    if found is None:
        raise web.HTTPNotFound
    return found


PAGES = [
    HubPage("/members", OPERATOR, show, nav="members.list.nav"),
    HubPage("/members/{party}", OPERATOR, show_one),
    HubPage("/members/{party}/suspend", OPERATOR, show_suspension, suspend, again=True),
    HubPage("/members/{party}/resume", OPERATOR, show_resumption, resume, again=True),
]
