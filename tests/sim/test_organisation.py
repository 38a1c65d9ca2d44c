"""Coming in by an organisation's own sign-in: a provider runs as a process of its own."""

import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest_asyncio
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from node.records import accounts
from node.web.pages.site import node_site
from tests.sim.browsing import Browser, invited, opened
from tests.sim.federation import SimNode
from tests.sim.oidc_provider import running_provider
from transport.client import HttpClient
from web.oidc import Provider, ProviderRules

BACK = "/sign-in/organisation/back"


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[str]:
    """Its address."""
    async with running_provider() as address:
        yield address


@pytest_asyncio.fixture
async def pages(agencies: tuple[SimNode, SimNode], provider: str) -> AsyncIterator[Any]:
    """The pages of health visiting, beside that provider; the clock is of today, as its tokens."""
    health, _ = agencies
    service = health.service
    env = service.membership.env
    env.clock.now = int(time.time())  # type: ignore[attr-defined]
    site = node_site(service.membership.engine, [service], service.settings, env)
    rules = ProviderRules(provider, "our-client", "secret", "Agency account", "our-tenant")
    async with HttpClient(allow_private=True) as http:
        site.provider = Provider(rules, http, env)
        client: Any = TestClient(TestServer(site.application()), cookie_jar=DummyCookieJar())
        await client.start_server()
        try:
            yield client
        finally:
            await client.close()


async def at_provider(address: str, sub: str) -> str:
    """What the provider sends a browser back to, once somebody signed in there."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(address, data={"sub": sub}, allow_redirects=False) as answer,
    ):
        assert answer.status == 302, await answer.text()
        back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


async def test_an_account_is_linked_by_a_one_time_link_and_comes_in_by_it(
    agencies: tuple[SimNode, SimNode], pages: Any
) -> None:
    health, _ = agencies
    secret = await invited(health, "H. Visitor", "visitor")
    me = Browser(pages)
    assert await me.get(f"/welcome/{secret}") == 200
    assert "Sign in with Agency account" in me.html
    assert await me.get(f"/sign-in/organisation/link/{secret}") == 303
    assert await me.get(await at_provider(me.went, "visitor-at-home")) == 200
    assert "You are signed in" in me.html
    assert await me.get("/clients") == 200
    assert await me.get("/administration") == 403  # what the token says of roles is nothing to us
    assert await me.get(f"/sign-in/organisation/link/{secret}") == 404

    other = Browser(pages)
    assert await other.get("/sign-in/organisation?then=/news") == 303
    assert await other.get(back := await at_provider(other.went, "visitor-at-home")) == 200
    assert 'content="0; url=/news"' in other.html
    assert await other.get("/news") == 200
    assert await other.get(back) == 403
    assert "used already" in other.html

    await health.write(lambda t: accounts.shut(t, "visitor", 2))
    assert await other.get("/clients") == 303
    assert await other.get("/sign-in/organisation") == 303
    assert await other.get(await at_provider(other.went, "visitor-at-home")) == 403


async def test_whoever_is_linked_to_nothing_and_whoever_takes_a_code_along_is_refused(
    agencies: tuple[SimNode, SimNode], pages: Any
) -> None:
    health, _ = agencies
    secret = await invited(health, "H. Visitor", "visitor")
    me, stranger, thief = Browser(pages), Browser(pages), Browser(pages)
    assert await me.get(f"/sign-in/organisation/link/{secret}") == 303
    begun = me.went
    back = await at_provider(begun, "visitor-at-home")
    assert await thief.get(back) == 403  # another browser than the one that began
    assert "did not begin this sign-in" in thief.html
    assert await thief.get("/sign-in/organisation") == 303
    state = dict(part.split("=") for part in urlsplit(thief.went).query.split("&"))["state"]
    code = back.partition("code=")[2].partition("&")[0]
    assert await thief.get(f"{BACK}?code={code}&state={state}") == 403  # bound to its nonce
    assert "another attempt" in thief.html or "did not accept the code" in thief.html
    assert await me.get(await at_provider(begun, "visitor-at-home")) == 200

    assert await stranger.get("/sign-in/organisation") == 303
    assert await stranger.get(await at_provider(stranger.went, "visitor-elsewhere")) == 403
    assert "account of another organisation" in stranger.html


async def test_whoever_has_no_password_shows_it_there_again(
    agencies: tuple[SimNode, SimNode], pages: Any
) -> None:
    health, _ = agencies
    secret = await invited(health, "H. Visitor", "visitor")
    me = Browser(pages)
    await me.get(f"/sign-in/organisation/link/{secret}")
    await me.get(await at_provider(me.went, "visitor-at-home"))
    await health.write(lambda t: t.tx.run("UPDATE session SET started_at = started_at - 901"))
    path = "/your-sign-ins/second-factor"
    assert await me.get(path) == 200
    assert "opens in a new tab" in me.html
    assert await me.post(path, confirm="", what="app") == 400
    kept = me.html
    assert await me.get("/sign-in/organisation/again") == 303
    assert "prompt=login" in me.went
    assert "max_age=0" in me.went
    again = await at_provider(me.went, "visitor-at-home")
    me.cookies, mine = {"patchwork-away": me.cookies["patchwork-away"]}, me.cookies
    assert await me.get(again) == 200  # a browser sends no strict cookie from there
    assert "You have shown that it is you" in me.html
    me.cookies, me.html = mine | me.cookies, kept
    assert await me.post(path, confirm="", what="app") == 303
    assert me.went == f"{path}/app"


async def test_whoever_has_a_second_factor_does_not_show_a_password_in_its_place(
    agencies: tuple[SimNode, SimNode], pages: Any
) -> None:
    health, _ = agencies
    secret = await invited(health, "H. Visitor", "visitor")
    me, path = Browser(pages), "/your-sign-ins/second-factor"
    await me.get(f"/sign-in/organisation/link/{secret}")
    await me.get(await at_provider(me.went, "visitor-at-home"))
    account = await health.read(lambda t: t.accounts.named("visitor"))
    assert account is not None
    await health.write(lambda t: t.factors.begin_app(account.id, "A" * 32))
    await health.write(lambda t: t.factors.confirm_app(account.id, "A" * 32, 1, 1))
    await health.write(lambda t: t.tx.run("UPDATE session SET started_at = started_at - 901"))
    assert await me.get(path) == 200
    assert await me.get("/sign-in/organisation/again") == 303
    assert await me.get(await at_provider(me.went, "visitor-at-home")) == 403
    assert "show it with a code or a passkey" in me.html
    assert await me.get(path) == 200
    assert "Show that it is you" in me.html


async def test_without_a_provider_there_is_no_such_page(
    agencies: tuple[SimNode, SimNode],
) -> None:
    health, _ = agencies
    await opened(health, "H. Visitor", "visitor")
    service = health.service
    env = service.membership.env
    site = node_site(service.membership.engine, [service], service.settings, env)
    client: Any = TestClient(TestServer(site.application()), cookie_jar=DummyCookieJar())
    await client.start_server()
    try:
        browser = Browser(client)
        for path in ("", "/again", "/back", "/link/x"):
            assert await browser.get(f"/sign-in/organisation{path}") == 404
    finally:
        await client.close()
