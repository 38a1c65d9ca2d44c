"""Administration: who may sign in."""

import secrets
from typing import Any

from aiohttp import web

from node.records import accounts
from node.records.accounts import NewAccount, Role
from node.store.tables import NodeTables
from node.views.accounts import accounts_value
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
NAME = 80


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


PAGES = [
    NodePage(
        "/administration", ADMINISTRATOR, show_accounts, invite, nav="administration.accounts.nav"
    ),
    NodePage("/administration/accounts/{account}", ADMINISTRATOR, show_account, change_account),
]
