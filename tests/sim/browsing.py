"""A browser without a screen: it keeps its cookies and sends the forms of a node's pages."""

import re
from typing import Any

from node.records.accounts import NewAccount, invite
from tests.sim.federation import SimNode
from web.sessions import SessionKeeper

PASSWORD = "four plain words here"


class Browser:
    """One browser at the pages of one node."""

    def __init__(self, client: Any, agent: str = "") -> None:
        self.client, self.agent = client, agent
        self.cookies: dict[str, str] = {}
        self.html = self.went = self.csrf = ""

    @property
    def origin(self) -> str:
        return f"http://{self.client.server.host}:{self.client.port}"

    async def get(self, path: str) -> int:
        return await self._keep(await self.client.get(path, **self._how()))

    async def post(self, path: str, **fields: str) -> int:
        data = {"csrf": self.csrf, **fields}
        return await self._keep(await self.client.post(path, data=data, **self._how()))

    async def sign_in(self, name: str, password: str = PASSWORD) -> int:
        self.cookies.pop("patchwork", None)
        await self.get("/sign-in")
        return await self.post("/sign-in", name=name, password=password)

    def _how(self) -> dict[str, Any]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Origin": self.origin, "Cookie": cookie, "User-Agent": self.agent}
        return {"headers": headers, "allow_redirects": False}

    async def _keep(self, answer: Any) -> int:
        self.cookies |= {name: morsel.value for name, morsel in answer.cookies.items()}
        self.html, self.went = await answer.text(), answer.headers.get("Location", "")
        csrf = re.search(r'name="csrf" value="([^"]+)"', self.html)
        self.csrf = csrf.group(1) if csrf else self.csrf
        return int(answer.status)


async def opened(node: SimNode, person: str, name: str) -> None:
    """Give somebody of the node an account with a password."""
    env = node.service.membership.env
    secret = await invited(node, person, name)
    keeper = SessionKeeper(node.service.membership.engine, env, 60)
    assert await keeper.choose_password(secret, PASSWORD, "")


async def invited(node: SimNode, person: str, name: str) -> str:
    """Make a one-time link for somebody of the node; its secret."""
    env, said = node.service.membership.env, NewAccount(person, name)
    secret = f"link-{name}-{env.clock()}"
    await node.write(lambda t: invite(t, said, secret, env.clock()))
    return secret
