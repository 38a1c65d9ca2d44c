"""Administration: where it begins, and who may sign in."""

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aiohttp import web

from node.records import accounts
from node.records.accounts import NewAccount, Role
from node.records.clearance import KINDS, runs_out, set_dates
from node.store.account_acts import By
from node.store.tables import NodeTables
from node.views.accounts import accounts_value
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError
from storage.accounts import Account
from web.forms import InvalidForm
from web.site import Answer, Go, Shown

ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
NAME = 80
ACCOUNTS = "/administration/accounts"


async def show(visit: NodeVisit) -> Answer:
    """Show what there is to administer."""
    return Shown("administration/start.html", {})


async def show_accounts(visit: NodeVisit) -> Answer:
    """Show who may sign in, and who could be let in."""
    now = visit.here.now

    required, today = visit.here.settings.web_required, visit.here.today

    def look(tables: NodeTables) -> dict[str, Any]:
        found = accounts_value(tables, now)
        known = {one["person"] for one in found if one["state"] != "closed"}
        people = [one.title for one in tables.people.all() if one.is_active]
        soon = [
            (one.title, kind, until, until is not None and until >= today)
            for one in tables.people.all()
            if one.is_active and one.title in known
            for kind, until in runs_out(tables, one.id, required, today).items()
        ]
        people = [name for name in people if name not in known]
        return {"accounts": found, "people": people, "soon": soon}

    return Shown("administration/accounts.html", await visit.here.read(look))


async def invite(visit: NodeVisit) -> Answer:
    """Let somebody in: the link is shown once."""
    person = visit.form.text("person", missing="administration.wrong.person")
    name = visit.form.text("name", most=NAME)
    said = NewAccount(person, name, visit.form.raw("administrator") == "yes")
    secret, now = secrets.token_urlsafe(24), visit.here.now
    try:
        account = await visit.here.engine.write(
            lambda tables: accounts.invite(tables, said, secret, now, _by(visit))
        )
    except LocalError as error:
        if error.code is ErrorCode.CONFLICT:
            raise InvalidForm({"name": "administration.wrong.taken"}) from None
        raise InvalidForm({"person": "administration.wrong.person"}) from None
    return _link(visit, account, secret, person)


def _link(visit: NodeVisit, account: Account, secret: str, person: str) -> Shown:
    address = visit.here.settings.web_address or f"http://{visit.request.host}"
    values = {"name": account.name, "link": f"{address}/welcome/{secret}", "person": person}
    return Shown("administration/invited.html", values, done_at="/administration")


async def show_account(visit: NodeVisit) -> Answer:
    """Show one account, and what can be done with it."""
    account = await _account(visit)
    return Shown("administration/account.html", {"account": account, "choices": _choices(account)})


async def change_account(visit: NodeVisit) -> Answer:
    """Sign somebody out everywhere, let them in anew or no longer, or change what they may."""
    account, now, by = await _account(visit), visit.here.now, _by(visit)
    name, secret = str(account["name"]), secrets.token_urlsafe(24)
    what = visit.form.one_of("what", _choices(account), "administration.wrong.what")
    own = visit.account is not None and visit.account.id == account["id"]
    if own and what in {"close", "no_administrator"}:
        raise InvalidForm({"what": "administration.wrong.yourself"})

    def work(tables: NodeTables) -> Account | None:
        if what == "link":
            said = NewAccount(str(account["person"]))
            return accounts.invite(tables, said, secret, now, by)
        DOES[what](tables, name, now, by)
        return None

    made = await visit.here.engine.write(work)
    if made is not None:
        return _link(visit, made, secret, str(account["person"]))
    return Go(f"{ACCOUNTS}?account_changed")


DOES: Mapping[str, Callable[[NodeTables, str, int, By], object]] = {
    "out": accounts.sign_out,
    "close": accounts.shut,
    "factors": accounts.take_factors,
    "administrator": partial(accounts.set_administrator, administrator=True),
    "no_administrator": partial(accounts.set_administrator, administrator=False),
}


def _choices(account: Mapping[str, Any]) -> list[str]:
    """What can be done with an account now."""
    if account["person"] is None:
        return ["out", "close"]
    if account["state"] == "closed":
        return ["link"]
    return [
        "out", "link", *(["factors"] * account["has_factors"]),
        "no_administrator" if account["administrator"] else "administrator", "close",
    ]  # fmt: skip


def _by(visit: NodeVisit) -> By:
    return By(person=visit.here.person.id)


async def show_dates(visit: NodeVisit) -> Answer:
    """Show until when somebody may use the pages."""
    account = await _account(visit)
    dates = await visit.here.read(lambda tables: tables.clearances.of(account["row"]))
    shown = {
        f"{kind}-{part}": getattr(until, part)
        for kind, until in dates.items()
        for part in ("day", "month", "year")
    }
    required = visit.here.settings.web_required
    values = {"account": account, "kinds": KINDS, "required": required, "dates": shown}
    return Shown("administration/dates.html", values)


async def change_dates(visit: NodeVisit) -> Answer:
    """Keep until when somebody may use the pages."""
    account, now, by = await _account(visit), visit.here.now, _by(visit)
    if account["person"] is None:
        raise web.HTTPNotFound
    dates = {kind: visit.form.day(kind, "", "administration.wrong.date") for kind in KINDS}
    own = visit.account is not None and visit.account.id == account["id"]
    for kind in visit.here.settings.web_required if own else ():
        if (until := dates[kind]) is None or until < visit.here.today:
            raise InvalidForm({kind: "administration.wrong.own_date"})
    person = str(account["person"])
    await visit.here.engine.write(lambda tables: set_dates(tables, person, dates, by, now))
    return Go(f"{ACCOUNTS}/{account['id']}")


async def _account(visit: NodeVisit) -> dict[str, Any]:
    number, now = visit.number("account"), visit.here.now
    found = await visit.here.read(lambda tables: accounts_value(tables, now))
    for one in found:
        if one["id"] == number:
            return one
    raise web.HTTPNotFound


PAGES = [
    NodePage("/administration", ADMINISTRATOR, show, nav="administration.start.nav"),
    NodePage(
        ACCOUNTS,
        ADMINISTRATOR,
        show_accounts,
        invite,
        nav="administration.accounts.nav",
        room="/administration",
        again=True,
    ),
    NodePage(
        f"{ACCOUNTS}/{{account}}",
        ADMINISTRATOR,
        show_account,
        change_account,
        again=True,
    ),
    NodePage(
        f"{ACCOUNTS}/{{account}}/dates",
        ADMINISTRATOR,
        show_dates,
        change_dates,
        again=True,
    ),
]
