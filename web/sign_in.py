"""The pages by which somebody comes in and goes out, the same at every program."""

from urllib.parse import quote

from web.forms import Form, InvalidForm
from web.sessions import LEAST_PASSWORD, MOST_PASSWORD, SignedIn
from web.site import Answer, Go, Own, Page, Shown, Visit, shut_out

NAME_LIMIT = 80


def sign_in_pages() -> list[Page[Own]]:
    """The table's rows."""
    return [
        Page("/sign-in", None, show_sign_in, sign_in),
        Page("/sign-out", None, show_sign_out, sign_out),
        Page("/welcome/{secret}", None, show_welcome, choose_password),
    ]


async def show_sign_in(visit: Visit[Own]) -> Answer:
    """Ask for name and password."""
    if visit.own is not None and not visit.form:
        return Go("/")
    return Shown("sign_in.html", {"then": then_of(visit), "passkey": passkey_asked(visit)})


def passkey_asked(visit: Visit[Own]) -> str:
    """What a browser is asked for to sign in by a passkey, as JSON; "" where there are none."""
    domain = visit.site.place.domain(visit.request)
    return visit.site.passkeys.asking(domain) if domain and visit.site.keeper.rules else ""


async def sign_in(visit: Visit[Own]) -> Answer:
    """Let somebody in. What is wrong is not told apart: names and locks are nobody's business."""
    name = visit.form.text("name", missing="sign_in.wrong.name", most=NAME_LIMIT)
    password = visit.form.raw("password")
    if not password:
        raise InvalidForm({"password": "sign_in.wrong.password"})
    browser, known = where(visit)
    found = await visit.site.keeper.sign_in(name, password, browser, known)
    if found is None:
        raise InvalidForm({"name": "sign_in.wrong.neither"})
    return await let_in(visit, found, then_of(visit))


async def show_sign_out(visit: Visit[Own]) -> Answer:
    """Ask whether to sign out."""
    return Shown("signed_out.html" if visit.session is None else "sign_out.html")


async def sign_out(visit: Visit[Own]) -> Answer:
    """Let somebody out."""
    if visit.session is not None:
        await visit.site.keeper.sign_out(visit.session)
    return Go("/sign-out", session="")


async def show_welcome(visit: Visit[Own]) -> Answer:
    """Ask somebody with a one-time link for a password."""
    account = await visit.site.keeper.invited(visit.place["secret"])
    if account is None:
        return Shown("link_over.html", status=404)
    values = {"name": account.name, "least": LEAST_PASSWORD, "secret": visit.place["secret"]}
    return Shown("welcome.html", values)


async def choose_password(visit: Visit[Own]) -> Answer:
    """Take the password that somebody chose, and let them in."""
    browser, known = where(visit)
    password = new_password(visit.form)
    secret = visit.place["secret"]
    found = await visit.site.keeper.choose_password(secret, password, browser, known)
    if found is None:
        return Shown("link_over.html", status=404)
    return await let_in(visit, found, "/")


def where(visit: Visit[Own]) -> tuple[str, str]:
    """What a browser calls itself, and what it is known by if somebody signed in there before."""
    agent = visit.request.headers.get("User-Agent", "").encode("ascii", "replace").decode()
    return agent, visit.site.known_by(visit.request)


def new_password(form: Form) -> str:
    """A password as it was typed twice. Raises InvalidForm."""
    password = form.raw("password")
    if len(password) < LEAST_PASSWORD:
        raise InvalidForm({"password": "sign_in.wrong.short"}, least=LEAST_PASSWORD)
    if len(password) > MOST_PASSWORD:
        raise InvalidForm({"password": "site.wrong.too_long"}, most=MOST_PASSWORD)
    if password != form.raw("again"):
        raise InvalidForm({"again": "sign_in.wrong.again"})
    return password


async def let_in(visit: Visit[Own], found: SignedIn, path: str) -> Answer:
    """Whoever was signed in there before is no more: the browser forgets that id. Somebody who is
    to show more goes where that is asked; who may not come in is told why.
    """
    if visit.session is not None:
        await visit.site.keeper.sign_out(visit.session)
    if found.waits:
        return Go(f"/sign-in/code?then={path}", session=found.session)
    barred = await visit.site.barred(found.account)
    if barred is not None:
        await visit.site.keeper.sign_out_by(found.session)
        return shut_out(barred)
    return Go(path, session=found.session, browser=found.browser)


def then_of(visit: Visit[Own]) -> str:
    """Where somebody wanted to go: a path of ours, and nothing else."""
    wanted = visit.form.raw("then") or visit.request.query.get("then", "")
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and len(wanted) < 200
    return quote(wanted, safe="/") if plain else "/"
