"""Every page with every role: who may, may; nobody else, whatever is in the address or the form."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from node.records import caseload, people
from node.records.accounts import NewAccount, Role, invite
from node.records.people import Appointment
from node.store.people import PersonKind
from node.store.resync import Cause
from node.store.tables import NodeTables
from node.web.pages.site import PAGES, node_site
from storage.accounts import Session, hashed
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_raise_attention import raised, seen_by
from tests.sim.test_stolen_node import ordered
from web.sessions import SessionKeeper

KINDS = {
    Role.PRACTITIONER: PersonKind.WORKER,
    Role.DUTY: PersonKind.DUTY_WORKER,
    Role.MANAGER: PersonKind.MANAGER,
    Role.GOVERNANCE_LEAD: PersonKind.GOVERNANCE_LEAD,
    Role.ADMINISTRATOR: PersonKind.ADMINISTRATOR,
}
ORIGIN = {"Origin": "http://127.0.0.1"}
PLACES = {"client": "1", "request": "0" * 32, "secret": "none", "link": "0" * 32}
SIGNED_IN = [page for page in PAGES if page.roles is not None]
LONG = "a" * 3_000
RUDE = (
    "", " ", LONG, "<script>alert(1)</script>", "\u202egnol", "\u0000", "مرحبا بك", "{{ 7 * 7 }}",
    "../../etc/passwd", "1 OR 1=1", "🙂" * 50,
)  # fmt: skip

URLENCODED, PARTS = "application/x-www-form-urlencoded", "multipart/form-data"
ODD_BODIES = (
    (URLENCODED, b"name=\xff\xfe"),
    (f"{URLENCODED}; charset=nothing", b"name=a"),
    (f"{URLENCODED}; charset=utf-7", b"csrf=+2AA-"),
    (PARTS, b"name=a"),
    (f"{PARTS}; boundary=x", b"--x\r\nContent-Disposition: form-data"),
    (f"{PARTS}; boundary=x", b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n'),
)  # fmt: skip


State = Callable[[SimFederation, SimNode], Awaitable[None]]


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


@pytest.fixture
async def visitors(agencies: tuple[SimNode, SimNode]) -> AsyncIterator[dict[Role | None, Visitor]]:
    """Somebody of each role at health visiting, and somebody who has not signed in."""
    health, _ = agencies
    async with visiting(health) as found:
        yield found


@asynccontextmanager
async def visiting(health: SimNode) -> AsyncIterator[dict[Role | None, Visitor]]:
    """The pages of a node as it is now, with somebody of each role, and nobody."""
    service = health.service
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
    yield found
    await client.close()


def path_of(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda found: PLACES.get(found.group(1), "1"), path)


async def test_a_page_opens_for_its_roles_and_for_nobody_else(
    visitors: dict[Role | None, Visitor],
) -> None:
    for page in SIGNED_IN:
        assert page.roles is not None
        for role, visitor in visitors.items():
            answer = await visitor.get(path_of(page.path))
            where = (page.path, role, answer.status)
            if role is None:
                assert answer.status == 303, where
                assert answer.headers["Location"].startswith("/sign-in?then="), where
            elif role in page.roles:
                assert answer.status in {200, 303, 404}, where
            else:
                assert answer.status == 403, where
            assert answer.headers["Cache-Control"] == "no-store", where
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"], where
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], where


async def test_a_form_does_nothing_in_another_role_or_without_its_token(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    health, _ = agencies
    before = await health.read(lambda t: (t.count("act"), t.count("outbox"), t.count("client")))
    for page in SIGNED_IN:
        if page.act is None or page.roles is None:
            continue
        for role, visitor in visitors.items():
            answer = await visitor.post(path_of(page.path), csrf="0" * 64)
            assert answer.status in ({303} if role is None else {403}), (page.path, role)
            if role is not None and role not in page.roles:
                answer = await visitor.post(path_of(page.path))
                assert answer.status == 403, (page.path, role)
    after = await health.read(lambda t: (t.count("act"), t.count("outbox"), t.count("client")))
    assert after == before


async def test_whatever_is_typed_is_answered_with_a_page(
    visitors: dict[Role | None, Visitor],
) -> None:
    """Empty, huge, script-laden, bidi and right-to-left input in every field of every form."""
    for page in SIGNED_IN:
        if page.act is None or page.roles is None:
            continue
        visitor = next(visitors[role] for role in Role if role in page.roles)
        names = await fields_of(visitor, path_of(page.path))
        for text in RUDE:
            fields = dict.fromkeys(names, text)
            answer = await visitor.post(path_of(page.path), **fields)
            said = await answer.text()
            assert answer.status in {200, 303, 400, 403, 404, 409, 413}, (page.path, text[:20])
            assert "<script>alert" not in said
            assert ">49<" not in said


async def fields_of(visitor: Visitor, path: str) -> list[str]:
    """The names of what can be filled in on a page."""
    html = await (await visitor.get(path)).text()
    return [name for name in re.findall(r'name="([a-z_-]+)"', html) if name not in ("csrf", "once")]


async def test_a_session_that_was_ended_opens_nothing(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    health, _ = agencies
    worker = visitors[Role.PRACTITIONER]
    assert (await worker.get("/clients")).status == 200
    await health.write(lambda t: t.sessions.end(hashed(Role.PRACTITIONER.value)))
    assert (await worker.get("/clients")).status == 303
    assert (await visitors[Role.MANAGER].get("/clients")).status == 200
    await health.write(lambda t: people.close(t, "P. Manager (West)", "", 2))
    assert (await visitors[Role.MANAGER].get("/clients")).status == 303


async def test_what_is_no_number_and_no_text_is_answered_with_a_page(
    visitors: dict[Role | None, Visitor],
) -> None:
    """Numbers that nothing can count, and bytes that are no text, from people and from nobody."""
    worker = visitors[Role.PRACTITIONER]
    for number in ("9" * 20, "9" * 5_000):
        for path, fields in (
            ("/clients", {"client": number}),
            ("/news", {"line": number}),
        ):
            answer = await worker.post(path, **fields)
            assert answer.status in {303, 400, 403}, (path, len(number))
    for path in ("/sign-in", "/clients"):
        for kind, body in ODD_BODIES:
            headers = {**worker.sent_here(), "Content-Type": kind}
            answer = await worker.client.post(path, data=body, headers=headers)
            assert answer.status in {400, 403}, (path, kind, body)
    for name in ("Cookie", "Host"):
        answer = await raw_get(worker, f"{name}: patchwork=\udcff\udcfe")
        assert b" 500 " not in answer.splitlines()[0], answer


async def test_a_reason_holds_for_a_day_at_work(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    """Who said why goes on with the same client, and does not tomorrow."""
    health, _ = agencies
    assert visitors
    person = await health.read(lambda t: people.acting(t, "P. Practitioner (West)"))
    client, now = await row_of(health, "h1"), health.service.membership.env.clock()

    def looks(tables: NodeTables, at: int) -> bool:
        may = caseload.may_look(tables, person, client, at)
        if may:
            caseload.look(tables, person, client, at, None)
        return may

    await health.write(lambda t: caseload.look(t, person, client, now, "duty"))
    hours = (0.1, 1, 2, 8, 24)
    found = [await health.write(partial(looks, at=now + int(hour * 3600))) for hour in hours]
    assert found == [True, True, True, True, False]


async def test_nobody_learns_of_a_client_of_others_through_the_family_of_theirs(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    """Who joins somebody to a family sees them and their team from then on: why is said first."""
    health, _ = agencies
    worker, first, second = (
        visitors[Role.PRACTITIONER], await row_of(health, "h1"), await row_of(health, "h2")
    )  # fmt: skip
    await worker.post(f"/clients/{first}/reason", reason="duty")
    joined = {"number": "h2", "relation": "brother"}
    answer = await worker.post(f"/clients/{first}/family", **joined)
    assert answer.headers["Location"] == f"/clients/{second}/reason"
    assert "Samir" not in await (await worker.get(f"/clients/{first}/family")).text()
    await worker.post(f"/clients/{second}/reason", reason="duty")
    await worker.post(f"/clients/{first}/family", **joined)
    assert "Samir" in await (await worker.get(f"/clients/{first}/family")).text()


async def suspended(federation: SimFederation, node: SimNode) -> None:
    await ordered(federation, node, "suspended")
    await node.membership.follow()


async def put_back(_federation: SimFederation, node: SimNode) -> None:
    hub_id = node.membership.hub.hub_id
    await node.write(lambda t: t.resyncs.begin(hub_id, next(iter(Cause)), 1))


@pytest.mark.parametrize("state", [suspended, put_back])
async def test_pages_are_served_whatever_has_become_of_the_membership(
    federation: SimFederation, agencies: tuple[SimNode, SimNode], state: State
) -> None:
    """Where a page has nothing to show it says so; work on our own clients goes on."""
    health, _ = agencies
    await state(federation, health)
    async with visiting(health) as found:
        await found[Role.PRACTITIONER].post("/clients/1/reason", reason="duty")
        for page in SIGNED_IN:
            visitor = next(found[role] for role in Role if role in (page.roles or ()))
            answer = await visitor.get(path_of(page.path))
            assert answer.status != 500, page.path


async def test_passwords_tried_all_at_once_are_no_more_than_passwords_tried_one_by_one(
    agencies: tuple[SimNode, SimNode],
) -> None:
    """Six wrong ones are on their way when the right one comes: the account waits by then."""
    health, _ = agencies
    env = health.service.membership.env
    said = Appointment("S. Tried", "West", PersonKind.WORKER, {})
    person = await health.write(lambda t: people.appoint(t, said, 1))
    await health.write(lambda t: invite(t, NewAccount(person.title, "tried"), "link", env.clock()))
    keeper = SessionKeeper(health.service.membership.engine, env, 1800)
    assert await keeper.choose_password("link", "the right password", "")
    guesses = [*(f"a wrong password {n}" for n in range(6)), "the right password"]
    found = await asyncio.gather(*(keeper.sign_in("tried", one, "") for one in guesses))
    assert found == [None] * 7


async def test_whoever_signs_in_gets_a_new_id_and_the_one_before_is_over(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    """Another person at the same computer: nobody goes on as the one who sat there before."""
    health, _ = agencies
    before, now = visitors[Role.MANAGER], health.service.membership.env.clock()
    said = NewAccount("P. Duty (West)")
    await health.write(lambda t: invite(t, said, "link", now))
    password = "four plain words here"
    answer = await before.post("/welcome/link", password=password, again=password)
    session = answer.cookies["patchwork"].value
    assert answer.status == 303
    assert session not in ("", before.session)
    assert (await Visitor(before.client, session, "").get("/clients")).status == 200
    assert (await before.get("/clients")).status == 303


async def test_attention_is_seen_to_on_the_page_of_the_client_whose_it_is(
    visitors: dict[Role | None, Visitor],
    federation: SimFederation,
    agencies: tuple[SimNode, SimNode],
) -> None:
    """Nobody makes it disappear from a client whom they may not look at."""
    health, care = agencies
    worker, hub_id = visitors[Role.PRACTITIONER], health.membership.hub.hub_id
    first, second = await row_of(health, "h1"), await row_of(health, "h2")
    await raised(care, "c1")
    await federation.hub.jobs.alert()
    await federation.checkpoint()
    await health.service.receive(wait=0)
    (waiting,) = await health.read(lambda t: t.attention.unseen(hub_id))
    number = str(waiting.received.id)
    await worker.post(f"/clients/{second}/reason", reason="duty")
    await worker.post(f"/clients/{second}/attention/{hub_id}/seen", attention=number)
    assert await seen_by(health)
    await worker.post(f"/clients/{first}/reason", reason="duty")
    await worker.post(f"/clients/{first}/attention/{hub_id}/seen", attention=number)
    assert not await seen_by(health)


async def row_of(node: SimNode, local_id: str) -> int:
    """The number of a client in addresses."""
    client = await node.read(lambda t: t.records.client(local_id))
    assert client is not None
    return client.id


async def raw_get(visitor: Visitor, header: str) -> bytes:
    """What a request with one header of odd bytes is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", visitor.client.port)
    host = "" if header.startswith("Host") else f"Host: 127.0.0.1:{visitor.client.port}\r\n"
    sent = f"GET /sign-in HTTP/1.1\r\n{host}{header}\r\nConnection: close\r\n\r\n"
    writer.write(sent.encode("utf-8", "surrogateescape"))
    answer = await reader.read()
    writer.close()
    return answer
