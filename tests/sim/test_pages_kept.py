"""What pages keep from whom: another team's clients, sessions that go on, input that is none."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from node.actions.clients import close_work
from node.records import caseload, people
from node.records.accounts import NewAccount, Role, invite, shut
from node.records.people import Appointment
from node.store.merges import Preset
from node.store.people import PersonKind
from node.store.resync import Cause
from node.store.tables import NodeTables
from storage.accounts import hashed
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_raise_attention import raised, seen_by
from tests.sim.test_stolen_node import ordered
from tests.sim.visitors import SIGNED_IN, Visitor, path_of, visiting
from web.sessions import SessionKeeper

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
    joined = {"words": "h2", "relation": "brother", "relative": str(second)}
    answer = await worker.post(f"/clients/{first}/family", **joined)
    assert answer.headers["Location"] == f"/clients/{second}/reason"
    assert "Samir" not in await (await worker.get(f"/clients/{first}/family")).text()
    await worker.post(f"/clients/{second}/reason", reason="duty")
    await worker.post(f"/clients/{first}/family", **joined)
    assert "Samir" in await (await worker.get(f"/clients/{first}/family")).text()


async def test_of_a_client_of_others_no_more_is_found_than_tells_them_apart(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    """Name, year of birth and team: the birth date and the service once why is said."""
    health, _ = agencies
    me, row = visitors[Role.PRACTITIONER], await row_of(health, "h1")
    work = {"team": "Team Five", "label": "Sleep clinic"}
    await health.write(lambda t: t.tx.update("involvement", work, {"client": row}))
    form = {"family": "Hassan", "given": "Amira", "date_of_birth": "15/03/2022", "preset": "Usual"}
    usual = Preset("Usual", "health_visiting", None, None, "UK-HSCA12-S251B", 90)
    await health.write(lambda t: t.merges.put_preset(usual))

    async def said(path: str, **fields: str) -> tuple[bool, ...]:
        page = await (await me.post(path, **fields)).text()
        assert "Amira Hassan" in page
        return "2022" in page, "Team Five" in page, "14 March" in page, "Sleep clinic" in page

    family = {"words": "amira hassan", "relation": "sister"}
    words = {"words": "amira 14/3/2022"}
    assert await said("/clients/find", **words) == (True, True, False, False)
    assert (await said("/clients/add", **form))[:3] == (True, True, False)
    await me.post(f"/clients/{await row_of(health, 'h2')}/reason", reason="duty")
    path = f"/clients/{await row_of(health, 'h2')}/family"
    assert (await said(path, **family))[:3] == (True, True, False)
    await me.post(f"/clients/{row}/reason", reason="duty")
    assert (await said("/clients/find", **words))[2:] == (True, True)
    assert (await said("/clients/add", **form))[2]


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


async def test_a_page_that_is_left_open_keeps_nobody_signed_in(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    """An inbox that asks for what is new by itself is no click."""
    health, _ = agencies
    worker, key = visitors[Role.PRACTITIONER], hashed(Role.PRACTITIONER.value)
    before = health.service.membership.env.clock() - 600
    await health.write(lambda t: t.sessions.seen(key, before))

    async def seen() -> int:
        session = await health.read(lambda t: t.sessions.get(key))
        assert session is not None
        return session.seen_at

    assert (await worker.get("/inbox/latest")).status == 200
    assert await seen() == before
    assert (await worker.get("/inbox")).status == 200
    assert await seen() > before


async def test_an_account_that_was_closed_comes_back_with_nothing_of_what_it_had(
    agencies: tuple[SimNode, SimNode],
) -> None:
    """Closed because somebody else knew the password: invited again, it opens by the link alone."""
    health, _ = agencies
    env = health.service.membership.env
    person = await health.write(
        lambda t: people.appoint(t, Appointment("S. Back", "West", PersonKind.WORKER, {}), 1)
    )
    said = NewAccount(person.title, "back", administrator=True)
    await health.write(lambda t: invite(t, said, "link", env.clock()))
    keeper = SessionKeeper(health.service.membership.engine, env, 1800)
    assert await keeper.choose_password("link", "known to others", "")
    await health.write(lambda t: shut(t, "back", env.clock()))
    again = NewAccount(person.title, "back")
    account = await health.write(lambda t: invite(t, again, "another", env.clock()))
    assert not account.administrator
    assert await keeper.sign_in("back", "known to others", "") is None
    assert await keeper.choose_password("another", "known to nobody", "")


async def test_whoever_takes_on_a_client_of_others_says_why_first(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    health, _ = agencies
    worker, row = visitors[Role.PRACTITIONER], await row_of(health, "h1")
    answer = await worker.post("/clients", client=str(row))
    assert (answer.status, answer.headers["Location"]) == (303, f"/clients/{row}/reason")
    await worker.post(f"/clients/{row}/reason", reason="covering")
    answer = await worker.post("/clients", client=str(row))
    assert "Amira" in await (await worker.get("/clients")).text()


async def test_whoever_worked_with_a_client_says_why_they_look_again(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    health, _ = agencies
    worker, row = visitors[Role.PRACTITIONER], await row_of(health, "h1")
    person = await health.read(lambda t: people.acting(t, "P. Practitioner (West)"))
    (work,) = await health.read(lambda t: t.records.involvements([row]))
    await health.write(lambda t: t.people.put_on([work.id], person.id))
    assert (await worker.get(f"/clients/{row}")).status == 200
    await close_work(health.service, "h1", 1, person.id)
    answer = await worker.get(f"/clients/{row}")
    assert (answer.status, answer.headers.get("Location")) == (303, f"/clients/{row}/reason")


async def test_two_who_end_the_same_work_at_once_are_each_answered_with_a_page(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    """The client is nobody's by then: the second is asked why they look."""
    health, _ = agencies
    worker, row = visitors[Role.PRACTITIONER], await row_of(health, "h1")
    person = await health.read(lambda t: people.acting(t, "P. Practitioner (West)"))
    (work,) = await health.read(lambda t: t.records.involvements([row]))
    await health.write(lambda t: t.people.put_on([work.id], person.id))
    path = f"/clients/{row}/close"
    answers = await asyncio.gather(*(worker.post(path, work="1") for _ in range(2)))
    assert {answer.status for answer in answers} == {303}


@pytest.mark.parametrize("written", ["\u202egnol", "a\u0000b", "a" * 5_000])
async def test_a_reason_that_reads_otherwise_than_it_is_leaves_for_nobody(
    visitors: dict[Role | None, Visitor],
    federation: SimFederation,
    agencies: tuple[SimNode, SimNode],
    written: str,
) -> None:
    """What is written to another organisation is as plain as every other field."""
    health, care = agencies
    (theirs,) = (await care.team("c1")).others
    request_id = await care.ask("c1", theirs.involvement_id)
    await federation.checkpoint()
    await health.service.receive(wait=0)
    worker, row = visitors[Role.PRACTITIONER], await row_of(health, "h1")
    person = await health.read(lambda t: people.acting(t, "P. Practitioner (West)"))
    (work,) = await health.read(lambda t: t.records.involvements([row]))
    await health.write(lambda t: t.people.put_on([work.id], person.id))
    fields = {"code": "not_proportionate", "reason": written}
    answer = await worker.post(f"/inbox/{request_id}/refuse", **fields)
    assert (answer.status, "reason-error" in await answer.text()) == (400, True)
    assert "Refused" not in await (await worker.get(f"/inbox/{request_id}")).text()


async def test_who_was_not_added_is_not_taken_for_whoever_was_added_before(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    """A basis that the council has taken out of the agreement since."""
    health, _ = agencies
    worker = visitors[Role.PRACTITIONER]
    for name, basis in (("good", "UK-CA04-S10-S11"), ("gone", "UK-NO-MORE")):
        kept = Preset(name, "health_visiting", None, None, basis, 365)
        await health.write(lambda t, kept=kept: t.merges.put_preset(kept))  # type: ignore[misc]
    born = {"date_of_birth": "1 2 2019"}
    answer = await worker.post("/clients/add", given="Anna", family="Bell", preset="good", **born)
    assert answer.headers["Location"] == "/clients/3"
    answer = await worker.post("/clients/add", given="Carl", family="Dunn", preset="gone", **born)
    assert (answer.status, "Carl" in await answer.text()) == (409, True)


@pytest.mark.parametrize("state", [suspended, put_back])
async def test_what_was_done_here_is_never_called_not_done(
    federation: SimFederation, agencies: tuple[SimNode, SimNode], state: State
) -> None:
    """The hub takes nothing from us now; our own record is right, and our work is over."""
    health, _ = agencies
    row = await row_of(health, "h1")
    await state(federation, health)
    async with visiting(health) as found:
        worker = found[Role.PRACTITIONER]
        await worker.post(f"/clients/{row}/reason", reason="duty")
        values = {"given": "Aminah", "family": "Hassan", "date_of_birth": "2022-03-14"}
        answer = await worker.post(f"/clients/{row}/correct", **values)
        assert (answer.status, answer.headers.get("Location")) == (303, f"/clients/{row}?corrected")
        answer = await worker.post(f"/clients/{row}/close", work="1")
        assert (answer.status, answer.headers["Location"]) == (303, "/clients?work_closed")


async def test_the_lead_comes_to_every_opening_though_many_are_of_one_second(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    health, _ = agencies
    lead, row = visitors[Role.GOVERNANCE_LEAD], await row_of(health, "h1")
    person = await health.read(lambda t: people.acting(t, "P. Practitioner (West)"))

    def looked(tables: NodeTables) -> None:
        for number in range(150):
            caseload.look(tables, person, row, 1_790_000_000, f"another: look {number:03}")

    await health.write(looked)
    first = await (await lead.get("/governance/openings")).text()
    (older,) = re.findall(r'href="(\?before=[0-9]+)"', first)
    second = await (await lead.get(f"/governance/openings{older}")).text()
    found = re.findall(r"look ([0-9]{3})", first + second)
    assert sorted(found) == [f"{number:03}" for number in range(150)]


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
