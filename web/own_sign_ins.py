"""Your sign-ins: where you are signed in, your password, and what you show besides it."""

import io
from collections.abc import Mapping
from functools import partial
from typing import Any

import segno
from aiohttp import web

from storage.accounts import Account, Session
from web.devices import device_of
from web.forms import InvalidForm
from web.second_factor import SecondFactors
from web.sessions import LEAST_PASSWORD
from web.sign_in import (
    let_in,
    new_password,
    passkey_asked,
    show_sign_in,
    then_of,
    where,
)
from web.site import FIRST_PAGE, OWN_PAGE, Answer, Go, Own, Page, Picture, Shown, Visit

NAME_OF_SESSION = 16  # characters of the hash of its id: enough to tell one's own apart


def own_sign_in_pages(roles: frozenset[str]) -> list[Page[Own]]:
    """The table's rows; `roles`: all there are."""
    early = partial(Page[Own], roles=roles, early=True)
    return [
        Page("/sign-in/code", None, show_step, take_step),
        Page("/sign-in/passkey", None, show_sign_in, take_passkey),
        early(OWN_PAGE, show=show_own, act=sign_out_elsewhere),
        early(f"{OWN_PAGE}/password", show=show_password, act=change_password),
        early(FIRST_PAGE, show=show_second, act=change_second, again=True),
        early(f"{FIRST_PAGE}/app", show=show_app, act=confirm_app, again=True),
        early(f"{FIRST_PAGE}/app.svg", show=draw_app),
        early(f"{OWN_PAGE}/passkeys", show=show_passkeys, act=change_passkeys, again=True),
    ]


async def show_step(visit: Visit[Own]) -> Answer:
    """Ask somebody whose password was right for a code."""
    account = await visit.site.factors.waiting(visit.site.cookie(visit.request))
    if account is None:
        return Go("/" if visit.own is not None else "/sign-in")
    return Shown("sign_in_step.html", {"then": then_of(visit), "passkey": passkey_asked(visit)})


async def take_step(visit: Visit[Own]) -> Answer:
    """Let somebody in whose password was right before, if the code is."""
    cookie = visit.site.cookie(visit.request)
    if await visit.site.factors.waiting(cookie) is None:
        return Go("/sign-in")
    code = visit.form.raw("code")
    if not code:
        raise InvalidForm({"code": "second_factor.wrong.empty"})
    found = await visit.site.factors.finish(cookie, code, *where(visit))
    if found is None:
        raise InvalidForm({"code": "again.wrong.code"})
    return await let_in(visit, found, then_of(visit))


async def take_passkey(visit: Visit[Own]) -> Answer:
    """Let somebody in who showed a passkey."""
    origin = visit.site.place.origin(visit.request)
    given = visit.form.raw("passkey")
    found = await visit.site.passkeys.sign_in(given, origin, where(visit))
    if found is None:
        raise InvalidForm({"": "passkeys.wrong.sign_in"})
    return await let_in(visit, found, then_of(visit))


async def show_own(visit: Visit[Own]) -> Answer:
    """Show where somebody is signed in, and what they sign in with."""
    account, here = _mine(visit)
    sessions = [
        _session(session, here) for session in await visit.site.keeper.signed_in(account.id)
    ]
    values = {"sessions": sessions, "stands": await visit.site.factors.standing(account.id)}
    return Shown("own/sign_ins.html", {**values, "name": account.name})


async def sign_out_elsewhere(visit: Visit[Own]) -> Answer:
    """End one session, or all but this one."""
    account, here = _mine(visit)
    wanted = visit.form.raw("which")
    if wanted == "others":
        await visit.site.keeper.end_others(here)
        return Go(f"{OWN_PAGE}?signed_out")
    for session in await visit.site.keeper.signed_in(account.id):
        if wanted and session.id_hash[:NAME_OF_SESSION] == wanted:
            await visit.site.keeper.end_others(here, session.id_hash)
            return Go(f"{OWN_PAGE}?signed_out")
    raise InvalidForm({"": "own.wrong.session"})


async def show_password(visit: Visit[Own]) -> Answer:
    """Ask for the old password and a new one."""
    account, _ = _mine(visit)
    if account.password is None:
        raise web.HTTPNotFound
    return Shown("own/password.html", {"name": account.name, "least": LEAST_PASSWORD})


async def change_password(visit: Visit[Own]) -> Answer:
    """Take the new password; they are signed out everywhere else."""
    _, here = _mine(visit)
    old = visit.form.raw("old")
    if not old:
        raise InvalidForm({"old": "sign_in.wrong.password"})
    new = new_password(visit.form)
    _, known = where(visit)
    if not await visit.site.keeper.change_password(here, old, new, known):
        raise InvalidForm({"old": "again.wrong.password"})
    return Shown("own/password_changed.html", done_at=OWN_PAGE)


async def show_second(visit: Visit[Own]) -> Answer:
    """Show what somebody has besides a password, and what can be changed."""
    account, _ = _mine(visit)
    return Shown("own/second_factor.html", await _second(visit, account))


async def change_second(visit: Visit[Own]) -> Answer:
    """Begin an app, or change what is there."""
    account, _ = _mine(visit)
    factors, stands = visit.site.factors, await _second(visit, account)
    what = visit.form.one_of("what", stands["choices"], "own.wrong.what")
    if what == "app":
        await factors.begin_app(account.id)
        return Go(f"{FIRST_PAGE}/app")
    if what == "codes":
        return _codes(await factors.renew_codes(account.id))
    if stands["required"] and not stands["stands"].has_passkeys:
        raise InvalidForm({"what": "own.wrong.required"})
    await factors.drop_app(account.id)
    return Go(f"{FIRST_PAGE}?no_app")


async def show_app(visit: Visit[Own]) -> Answer:
    """Show the secret for an app as a picture to scan and as text to type."""
    account, _ = _mine(visit)
    begun = await visit.site.factors.begun_app(account)
    if begun is None:
        return Go(FIRST_PAGE)
    secret = " ".join(begun[0][at : at + 4] for at in range(0, len(begun[0]), 4))
    return Shown("own/app.html", {"secret": secret, "name": account.name})


async def draw_app(visit: Visit[Own]) -> Answer:
    """The picture to scan."""
    account, here = _mine(visit)
    begun = await visit.site.factors.begun_app(account)
    if begun is None or not await visit.site.factors.is_fresh(here):
        raise web.HTTPNotFound
    drawn = io.BytesIO()
    segno.make(begun[1], error="m").save(drawn, kind="svg", scale=5, xmldecl=False, light="#fff")
    return Picture(drawn.getvalue())


async def confirm_app(visit: Visit[Own]) -> Answer:
    """The app counts from now on, if the code is its; recovery codes are shown once."""
    account, here = _mine(visit)
    factors = visit.site.factors
    if await factors.begun_app(account) is None:
        return Go(FIRST_PAGE)
    code = visit.form.raw("code")
    if not code:
        raise InvalidForm({"code": "second_factor.wrong.empty"})
    codes = await factors.confirm_app(account.id, code)
    if codes is None:
        raise InvalidForm({"code": "second_factor.wrong.first"})
    await visit.site.keeper.end_others(here)
    return _codes(codes) if codes else Go(f"{FIRST_PAGE}?other_app")


async def show_passkeys(visit: Visit[Own]) -> Answer:
    """Show somebody's passkeys, and ask the browser for another."""
    account, _ = _mine(visit)
    domain, passkeys = visit.site.place.domain(visit.request), visit.site.passkeys
    adding = await passkeys.adding(account, domain) if domain else ""
    found = await passkeys.of_account(account.id)
    return Shown("own/passkeys.html", {"passkeys": found, "adding": adding})


async def change_passkeys(visit: Visit[Own]) -> Answer:
    """Keep a new passkey under a name, or take one no more."""
    account, here = _mine(visit)
    path, passkeys = f"{OWN_PAGE}/passkeys", visit.site.passkeys
    if visit.form.raw("drop"):
        (number, *_) = visit.form.numbers("drop") or {0}
        stands = await _second(visit, account)
        only = len(await passkeys.of_account(account.id)) == 1 and not stands["stands"].app_since
        if stands["required"] and only:
            raise InvalidForm({"": "own.wrong.required"})
        await passkeys.drop(account.id, number)
        return Go(path)
    name = visit.form.text("name", missing="passkeys.wrong.name", most=40)
    origin = visit.site.place.origin(visit.request)
    if not await passkeys.add(account.id, visit.form.raw("passkey"), origin, name):
        raise InvalidForm({"": "passkeys.wrong.add"})
    await visit.site.keeper.end_others(here)
    if (await visit.site.factors.standing(account.id)).codes_left:
        return Go(path)
    return _codes(await visit.site.factors.renew_codes(account.id))


def _codes(codes: list[str]) -> Shown:
    """Recovery codes, once: who reloads the page keeps those that they wrote down."""
    return Shown("own/codes.html", {"codes": codes}, done_at=FIRST_PAGE)


def _mine(visit: Visit[Own]) -> tuple[Account, Session]:
    """Whose page it is. On pages of roles somebody always is."""
    if visit.account is None or visit.session is None:
        raise web.HTTPForbidden
    return visit.account, visit.session


async def _second(visit: Visit[Own], account: Account) -> dict[str, Any]:
    factors: SecondFactors = visit.site.factors
    stands = await factors.standing(account.id)
    required = bool(factors.rules.required_of & visit.roles)
    choices = ["app"] + ["codes"] * stands.has_any + ["drop"] * (stands.app_since is not None)
    return {"stands": stands, "required": required, "choices": choices}


def _session(session: Session, here: Session) -> Mapping[str, object]:
    browser, system = device_of(session.browser)
    return {
        "which": session.id_hash[:NAME_OF_SESSION],
        "browser": browser, "system": system,
        "since": session.started_at, "seen": session.seen_at,
        "here": session.id_hash == here.id_hash,
    }  # fmt: skip
