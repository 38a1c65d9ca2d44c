"""Somebody of each role at the pages of a node with a browser each, and somebody of none."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from node.records import people
from node.records.accounts import NewAccount, Role, invite
from node.records.people import Appointment
from node.store.people import PersonKind
from node.web.pages.site import PAGES, node_site
from storage.accounts import Session, hashed
from tests.sim.federation import SimNode

KINDS = {
    Role.PRACTITIONER: PersonKind.WORKER,
    Role.DUTY: PersonKind.DUTY_WORKER,
    Role.MANAGER: PersonKind.MANAGER,
    Role.GOVERNANCE_LEAD: PersonKind.GOVERNANCE_LEAD,
    Role.ADMINISTRATOR: PersonKind.ADMINISTRATOR,
}
PLACES = {
    "client": "1", "request": "0" * 32, "secret": "none", "link": "0" * 32, "list": "rejected",
}  # fmt: skip
SIGNED_IN = [page for page in PAGES if page.roles is not None]


@dataclass
class Visitor:
    """Somebody with a browser, in one role."""

    client: Any
    session: str
    csrf: str

    async def get(self, path: str) -> Any:
        return await self.client.get(path, headers=self._cookie(), allow_redirects=False)

    async def post(self, path: str, **fields: str) -> Any:
        data = {"csrf": self.csrf, **fields}
        headers = self.sent_here()
        return await self.client.post(path, data=data, headers=headers, allow_redirects=False)

    def sent_here(self) -> dict[str, str]:
        origin = f"http://{self.client.server.host}:{self.client.port}"
        return {**self._cookie(), "Origin": origin}

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": f"patchwork={self.session}"} if self.session else {}


@asynccontextmanager
async def visiting(health: SimNode) -> AsyncIterator[dict[Role | None, Visitor]]:
    """The pages of a node as it is now, with somebody of each role, and nobody."""
    service = health.service
    PLACES["hub"] = service.membership.hub.hub_id
    env = service.membership.env
    site = node_site(service.membership.engine, [service], service.settings, env)
    client: Any = TestClient(TestServer(site.application()), cookie_jar=DummyCookieJar())
    await client.start_server()
    found: dict[Role | None, Visitor] = {None: Visitor(client, "", "")}
    for role, kind in KINDS.items():
        said = Appointment(f"P. {role.value.capitalize().replace('_', ' ')}", "West", kind, {})
        person = await health.write(lambda t, said=said: people.appoint(t, said, 1))  # type: ignore[misc]
        account = await health.write(
            lambda t, p=person: invite(t, NewAccount(p.title), f"s{p.id}", env.clock())  # type: ignore[misc]
        )
        row = Session(hashed(role.value), account.id, env.clock(), env.clock(), "")
        await health.write(lambda t, row=row: t.sessions.start(row))  # type: ignore[misc]
        found[role] = Visitor(client, role.value, site.keeper.form_token(role.value))
    try:
        yield found
    finally:
        await client.close()


def path_of(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda found: PLACES.get(found.group(1), "1"), path)
