"""Administration: who may sign in, what a new client gets, and how the node is."""

import secrets
from typing import Any

from aiohttp import web

from node.actions.clients import put_preset
from node.membership.charter import confirm_months
from node.records import accounts
from node.records.accounts import NewAccount, Role
from node.service import NodeService
from node.store.merges import Preset
from node.store.tables import NodeTables
from node.views.accounts import accounts_value
from node.views.bases import presettable
from node.views.details import details_value
from node.views.inbox import alarms_value
from node.views.status import status_value
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
NAME = 80
MOST_DAYS = 3_660


async def show_accounts(visit: NodeVisit) -> Answer:
    """Show who may sign in, and who could be let in."""
    now = visit.here.now

    def look(tables: NodeTables) -> dict[str, Any]:
        found = accounts_value(tables, now)
        known = {one["person"] for one in found if one["state"] != "closed"}
        people = [one.title for one in tables.people.all() if one.is_active]
        return {"accounts": found, "people": [name for name in people if name not in known]}

    return Shown("administration/accounts.html", await visit.here.read(look))


async def invite(visit: NodeVisit) -> Answer:
    """Let somebody in: the link is shown once."""
    person = visit.form.text("person", missing="administration.wrong.person")
    name = visit.form.text("name", most=NAME)
    said = NewAccount(person, name, visit.form.raw("administrator") == "yes")
    secret, now = secrets.token_urlsafe(24), visit.here.now
    try:
        account = await visit.here.engine.write(
            lambda tables: accounts.invite(tables, said, secret, now)
        )
    except LocalError as error:
        if error.code is ErrorCode.CONFLICT:
            raise InvalidForm({"name": "administration.wrong.taken"}) from None
        raise InvalidForm({"person": "administration.wrong.person"}) from None
    address = visit.here.settings.web_address or f"http://{visit.request.host}"
    link = f"{address}/welcome/{secret}"
    return Shown(
        "administration/invited.html", {"name": account.name, "link": link, "person": person}
    )


async def show_account(visit: NodeVisit) -> Answer:
    """Show one account, and what can be done with it."""
    return Shown("administration/account.html", {"account": await _account(visit)})


async def change_account(visit: NodeVisit) -> Answer:
    """Sign somebody out everywhere, or let them in no longer."""
    account, now = await _account(visit), visit.here.now
    name = str(account["name"])
    what = visit.form.one_of("what", ("out", "close"), "administration.wrong.what")
    own = visit.account is not None and visit.account.id == account["id"]
    if own and what == "close":
        raise InvalidForm({"what": "administration.wrong.yourself"})

    def work(tables: NodeTables) -> None:
        if what == "close":
            accounts.shut(tables, name, now)
        else:
            accounts.sign_out(tables, name)

    await visit.here.engine.write(work)
    return Go("/administration")


async def _account(visit: NodeVisit) -> dict[str, Any]:
    number, now = visit.number("account"), visit.here.now
    found = await visit.here.read(lambda tables: accounts_value(tables, now))
    for one in found:
        if one["id"] == number:
            return one
    raise web.HTTPNotFound


async def show_presets(visit: NodeVisit) -> Answer:
    """Show what a new client can get, and ask for another."""
    service = visit.here.hubs.any()
    types, bases = await service.read(presettable)
    presets = await visit.here.read(lambda tables: tables.merges.presets())
    values = {"presets": presets, "types": types, "bases": bases}
    return Shown("administration/presets.html", values)


async def add_preset(visit: NodeVisit) -> Answer:
    """Keep what a new client gets."""
    service = visit.here.hubs.any()
    types, bases = await service.read(presettable)
    kind = visit.form.one_of("type", types, "administration.wrong.type")
    basis = visit.form.one_of("basis", bases, "administration.wrong.basis")
    days = visit.form.text("days", missing="administration.wrong.days", most=5)
    if not days.isascii() or not days.isdigit() or not 0 < int(days) <= MOST_DAYS:
        raise InvalidForm({"days": "administration.wrong.days"})
    name = visit.form.text("called", most=NAME) or types[kind]
    await put_preset(service, Preset(name, kind, None, None, basis, int(days)))
    return Go("/administration/new-clients")


async def show_health(visit: NodeVisit) -> Answer:
    """Show how the node is: hubs, alarms, feeds, and how good the records are."""
    hubs = [
        {
            "name": service.membership.hub.name,
            "alarms": await service.oversee(alarms_value),
            "details": await _details(service),
        }
        for service in visit.here.services
    ]
    now = visit.here.now

    def look(tables: NodeTables) -> dict[str, Any]:
        return status_value(tables, confirm_months(tables), now)

    return Shown(
        "administration/health.html", {"hubs": hubs, "status": await visit.here.read(look)}
    )


async def _details(service: NodeService) -> dict[str, str] | None:
    """What the log says of us; None where we are no active member now."""
    try:
        return await service.oversee(details_value)
    except LocalError:
        return None


PAGES = [
    NodePage(
        "/administration",
        ADMINISTRATOR,
        show_accounts,
        invite,
        nav="administration.accounts.nav",
        again=True,
    ),
    NodePage(
        "/administration/accounts/{account}",
        ADMINISTRATOR,
        show_account,
        change_account,
        again=True,
    ),
    NodePage(
        "/administration/new-clients",
        ADMINISTRATOR,
        show_presets,
        add_preset,
        nav="administration.presets.nav",
    ),
    NodePage("/administration/health", ADMINISTRATOR, show_health, nav="administration.health.nav"),
]
