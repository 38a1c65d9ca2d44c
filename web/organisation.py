"""The pages by which somebody comes in by their organisation's own sign-in, and links an account.

Somebody comes back from another site, and a browser sends no strict cookie then: who came back is
told by the sealed cookie, and the page that follows leads on from an address of ours.
"""

from aiohttp import web

from runtime.logs import log
from storage.accounts import Account
from storage.engine import NotUniqueError
from storage.identities import Identity
from web.answers import Cookies
from web.oidc import Away, NotSignedInError, Provider
from web.sessions import HasIdentities, SessionKeeper, SignedIn, is_open
from web.sign_in import then_of, where
from web.site import Answer, Go, Own, Page, Shown, Visit, shut_out

START, BACK = "/sign-in/organisation", "/sign-in/organisation/back"


def organisation_pages() -> list[Page[Own]]:
    """The table's rows."""
    return [
        Page(START, None, send_away),
        Page(f"{START}/link/{{secret}}", None, send_invited),
        Page(f"{START}/again", None, send_again),
        Page(BACK, None, come_back),
    ]


async def send_away(visit: Visit[Own]) -> Answer:
    """Send somebody to their organisation's sign-in."""
    return await _sent(visit, _provider(visit).leave(then_of(visit)))


async def send_invited(visit: Visit[Own]) -> Answer:
    """Send somebody there who has a one-time link: who comes back is whose account it is."""
    provider = _provider(visit)
    secret = visit.place["secret"]
    if await visit.site.keeper.invited(secret) is None:
        return Shown("link_over.html", status=404)
    return await _sent(visit, provider.leave("/", invite=secret))


async def send_again(visit: Visit[Own]) -> Answer:
    """Send somebody there who is signed in and is to show that it is them."""
    provider = _provider(visit)
    if visit.session is None:
        return Go("/sign-in")
    return await _sent(visit, provider.leave("/", session=visit.session.id_hash))


async def come_back(visit: Visit[Own]) -> Answer:
    """Somebody comes back: let in whoever it is, or say why not."""
    provider, site = _provider(visit), visit.site
    sealed = site.away_by(visit.request)
    query = {name: value for name, value in visit.request.query.items() if len(value) < 4_000}
    try:
        away, who = await provider.came_back(sealed, query, _back(visit))
        if away.session:
            await _shown_again(site.keeper, away, who)
            return Shown("shown_again.html")
        found = await _let_in(site.keeper, away, who, where(visit))
    except NotSignedInError as error:
        log.info("oidc_refused", why=error.why)
        values = {"why": error.why, "provider": provider.rules.called}
        return Shown("organisation_refused.html", values, status=403)
    barred = None if found.waits else await site.barred(found.account)
    if barred is not None:
        await site.keeper.sign_out_by(found.session)
        return shut_out(barred)
    path = f"/sign-in/code?then={away.then}" if found.waits else away.then
    return Shown(
        "organisation_in.html", {"then": path}, cookies=Cookies(found.session, found.browser)
    )


async def _let_in(
    keeper: SessionKeeper, away: Away, who: Identity, browser: tuple[str, str]
) -> SignedIn:
    now = keeper.env.clock()

    def work(tables: HasIdentities) -> SignedIn:
        account = _linked(tables, away, who, now)
        if account is None or account.closed_at is not None:
            raise NotSignedInError("unknown")
        return keeper.more_or_start(tables, account, browser, now)

    return await keeper.engine.write(work)


def _linked(tables: HasIdentities, away: Away, who: Identity, now: int) -> Account | None:
    """Whose account it is; a one-time link makes it theirs, and is over with that."""
    if not away.invite:
        known = tables.identities.account(who)
        return tables.accounts.get(known) if known is not None else None
    account = tables.accounts.invited(away.invite)
    if account is None or not is_open(account, now):
        raise NotSignedInError("link")
    try:
        tables.identities.pin(account.id, who, now)
    except NotUniqueError:
        raise NotSignedInError("another") from None
    tables.accounts.end_invitation(account.id)
    tables.sessions.end_all(account.id)
    return account


async def _shown_again(keeper: SessionKeeper, away: Away, who: Identity) -> None:
    now = keeper.env.clock()

    def work(tables: HasIdentities) -> None:
        session, account = tables.sessions.get(away.session), tables.identities.account(who)
        if session is None or session.account != account:
            raise NotSignedInError("another")
        if tables.factors.has_any(session.account):
            raise NotSignedInError("second_factor")  # who has one shows that, as when they came in
        tables.sign_in_steps.checked(away.session, now)

    await keeper.engine.write(work)


async def _sent(visit: Visit[Own], away: Away) -> Answer:
    provider = _provider(visit)
    try:
        address = await provider.address(away, _back(visit))
    except NotSignedInError as error:
        log.warning("oidc_unreachable", why=error.why)
        values = {"why": error.why, "provider": provider.rules.called}
        return Shown("organisation_refused.html", values, status=502)
    return Go(address, away=provider.sealed(away))


def _back(visit: Visit[Own]) -> str:
    return f"{visit.site.place.origin(visit.request)}{BACK}"


def _provider(visit: Visit[Own]) -> Provider:
    if visit.site.provider is None:
        raise web.HTTPNotFound
    return visit.site.provider
