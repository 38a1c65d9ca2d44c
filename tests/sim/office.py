"""An operator at the pages of a hub with a browser, and somebody who has not signed in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from hub.members import accounts
from hub.web.pages.desk import Desk, Hub
from hub.web.pages.site import PAGES, hub_site
from storage.accounts import Session, hashed
from tests.sim.federation import SimFederation
from tests.sim.visitors import Visitor
from web.site import Site

SIGNED_IN = [page for page in PAGES if page.roles is not None]


@dataclass
class AtOffice:
    """Who is at the pages: an operator and nobody; the site, to make more."""

    operator: Visitor
    nobody: Visitor
    site: Site[Desk]


async def office_of(federation: SimFederation) -> Site[Desk]:
    """The operator's site of a hub that serves."""
    folder = federation.folder / "hub"
    if not (folder / "genesis").exists():
        (folder / "genesis").write_text(federation.genesis, encoding="utf-8")
    database = federation.hub.settings.database
    settings = 'public_url = "https://hub.example"\n'
    if database:
        settings += f'database = "{database}"\n'
    (folder / "hub.toml").write_text(settings, encoding="utf-8")
    ahead = federation.services.publisher.cosignatures
    env, engine = federation.hub.env, federation.services.engine
    hub = Hub(engine, folder, federation.hub.settings, env, lambda: ahead.ahead)
    return await hub_site(hub)


@asynccontextmanager
async def at_office(federation: SimFederation, name: str = "olive") -> AsyncIterator[AtOffice]:
    """The operator's pages of a hub as it is now."""
    site = await office_of(federation)
    now = federation.clock()
    account = await federation.hub_write(lambda t: accounts.invite(t, name, f"link-{name}", now))
    row = Session(hashed(name), account.id, now, now, "")
    await federation.hub_write(lambda t: t.sessions.start(row))
    client: Any = TestClient(TestServer(site.application()), cookie_jar=DummyCookieJar())
    await client.start_server()
    try:
        visitor = Visitor(client, name, site.keeper.form_token(name))
        yield AtOffice(visitor, Visitor(client, "", ""), site)
    finally:
        await client.close()
