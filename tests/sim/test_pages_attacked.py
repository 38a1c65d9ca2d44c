"""What somebody tries at the pages who means harm, or who is careless as nobody foresaw."""

import asyncio
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from node.records import people
from node.records.accounts import Role
from node.records.people import Appointment
from node.store.people import PersonKind
from node.store.tables import NodeTables
from node.store.team_roles import TeamRole
from tests.sim.browsing import PASSWORD, Browser, opened
from tests.sim.federation import SimNode
from tests.sim.visitors import Visitor, visiting

Visitors = dict[Role | None, Visitor]
NO_FORMS = {
    "a name that is no text": b'Content-Disposition: form-data; name="\xff"',
    "a header without a colon": b"Content Disposition form",
    "a header with a zero": b'Content-Disposition: form-data; name="a\x00"',
    "a header of many kilobytes": b'Content-Disposition: form-data; name="' + b"a" * 20_000 + b'"',
    "thousands of headers": b"\r\n".join(b"X-%d: 1" % number for number in range(5_000)),
}


async def test_a_link_from_another_site_ends_nobody_s_session(
    agencies: tuple[SimNode, SimNode],
) -> None:
    """A browser that follows it brings no strict cookie, and is shown the sign-in page."""
    health, _ = agencies
    await opened(health, "H. Visitor", "visitor")
    async with visiting(health) as visitors:
        me = Browser(visitors[None].client)
        await me.sign_in("visitor")
        mine = me.cookies["patchwork"]
        for path in ("/clients", "/sign-in", "/help", "/no-such-page"):
            me.cookies.pop("patchwork")
            await me.get(path)
            me.cookies = {"patchwork": mine} | me.cookies
            assert await me.get("/clients") == 200, path
        me.cookies.pop("patchwork")
        await me.get("/sign-in")
        me.cookies["patchwork"] = mine
        assert await me.post("/sign-in", name="visitor", password=PASSWORD) == 303
        assert me.cookies["patchwork"] != mine  # the form that stood there works, too
        assert await me.get("/clients") == 200
        stranger = Browser(visitors[None].client)
        await stranger.get("/sign-in")
        me.cookies |= stranger.cookies
        assert await me.post("/clients/find", csrf=stranger.csrf, words="Amira") == 403


@pytest.mark.parametrize("head", NO_FORMS.values(), ids=NO_FORMS)
async def test_bytes_that_are_no_form_are_the_sender_s_fault(
    visitors: Visitors, head: bytes
) -> None:
    manager = visitors[Role.MANAGER]
    token = b'Content-Disposition: form-data; name="csrf"\r\n\r\n' + manager.csrf.encode()
    body = b"--B\r\n" + token + b"\r\n--B\r\n" + head + b"\r\n\r\nx\r\n--B--\r\n"
    for path in ("/import", "/clients/find"):
        assert await sent(manager, path, body) == 400, path
    half = b"--B\r\n" + token + b"\r\n--B\r\nContent-Disp"
    assert await sent(manager, "/import", half) == 400


async def test_whoever_was_gone_and_is_here_again_has_nothing_of_what_they_signed_in_with(
    agencies: tuple[SimNode, SimNode],
) -> None:
    """An administrator leaves, and comes back as a worker."""
    health, _ = agencies
    await opened(health, "H. Visitor", "visitor")
    account = await health.read(lambda t: t.accounts.named("visitor"))
    assert account is not None
    await health.write(lambda t: t.accounts.set_administrator(account.id, administrator=True))
    async with visiting(health) as visitors:
        me, again = Browser(visitors[None].client), Browser(visitors[None].client)
        await me.sign_in("visitor")
        assert await me.get("/administration") == 200
        back = Appointment("H. Visitor", None, PersonKind.WORKER, {})
        await health.write(lambda t: people.close(t, "H. Visitor", "", 5))
        await health.write(lambda t: people.appoint(t, back, 6))
        assert await me.get("/administration") == 303
        assert await again.sign_in("visitor") == 400
        found = await health.read(lambda t: t.accounts.get(account.id))
        assert found is not None
        assert not found.administrator


async def test_who_somebody_is_here_is_changed_by_whoever_shows_again_that_it_is_them(
    visitors: Visitors, agencies: tuple[SimNode, SimNode]
) -> None:
    """A role is worth as much as an account; and nobody gives one to themselves."""
    health, _ = agencies
    me, home = visitors[Role.ADMINISTRATOR], "/administration/people"
    own = await health.read(lambda t: people.acting(t, "P. Administrator (West)"))
    for said in ({"manager": "*"}, {"duty": "West"}):
        answer = await me.post(f"{home}/{own.id}", kind="administrator", **said)
        assert answer.status == 400
        assert "Somebody else has to change what you are" in await answer.text()
    await health.write(lambda t: t.tx.run("UPDATE session SET started_at = started_at - 901"))
    for path in (home, f"{home}/1", f"{home}/1/leave"):
        assert "Show that it is you" in await (await me.post(path, kind="administrator")).text()
    person = await health.read(lambda t: t.people.get(1))
    assert person is not None
    assert person.is_active
    assert person.kind is PersonKind.WORKER


async def test_a_manager_of_one_team_moves_no_duty_of_another(
    visitors: Visitors, agencies: tuple[SimNode, SimNode]
) -> None:
    """Whoever covers for somebody answers their requests, and sees whom they are about."""
    health, _ = agencies
    east = Appointment("P. Manager", "West", None, {TeamRole.MANAGER: ["East"]})
    await health.write(lambda t: people.appoint(t, east, 1))
    away = {"cover": "P. Manager (West)", "last-day": "31", "last-month": "12"}
    away |= {"last-year": "2026"}
    manager = visitors[Role.MANAGER]
    answer = await manager.post("/duty", name="P. Duty (West)", **away)
    assert answer.status == 400
    assert "not in a team that you manage" in await answer.text()
    assert (await manager.post("/duty", name="H. Visitor (East)", **away)).status == 303
    duty = {"name": "P. Duty (West)"} | away | {"cover": ""}
    assert (await visitors[Role.ADMINISTRATOR].post("/duty", **duty)).status == 303
    assert (await manager.post("/duty", back="P. Duty (West)")).status == 400


async def test_everybody_says_that_they_are_away_themselves_and_of_nobody_else(
    visitors: Visitors, agencies: tuple[SimNode, SimNode]
) -> None:
    health, _ = agencies
    worker, days = visitors[Role.PRACTITIONER], {"last-day": "31", "last-month": "12"}
    days |= {"last-year": "2026", "cover": "P. Duty (West)", "name": "P. Manager (West)"}
    assert (await worker.post("/duty", **days)).status == 403
    assert (await worker.post("/away", **days)).status == 303

    def who(tables: NodeTables) -> list[tuple[str, bool]]:
        now = health.membership.env.clock()
        here = {one.id: one.title for one in tables.people.all()}
        return [(here[one.person], one.cover is not None) for one in tables.absences.from_on(now)]

    assert await health.read(who) == [("P. Practitioner (West)", True)], (
        "whatever else the form says"
    )
    page = await (await worker.get("/away")).text()
    assert "P. Duty (West) covers." in page
    answer = await worker.post("/away", **days)
    assert answer.status == 400
    assert "Some of these days were said before" in await answer.text()
    later = days | {"first-day": "1", "first-month": "2", "first-year": "2027"}
    later |= {"last-day": "3", "last-month": "2", "last-year": "2027"}
    namesake = Appointment("P. Practitioner (West)", "", PersonKind.WORKER, {})
    await health.write(lambda t: people.appoint(t, namesake, 1))
    assert (await worker.post("/away", **later)).status == 303, "whoever else has that name"
    page = await (await worker.get("/away")).text()
    first, second = re.findall(r'name="begins" value="(\d+)"', page)
    assert (await worker.post("/away", back="P. Duty (West)", begins=first)).status == 303
    assert len(await health.read(who)) == 1, "the days to come stay"
    assert (await worker.post("/away", back="1", begins=second)).status == 303
    assert await health.read(who) == []


async def test_who_manages_one_team_sees_nobody_withheld_of_another(
    visitors: Visitors, agencies: tuple[SimNode, SimNode]
) -> None:
    """Of all clients these are the ones that a curious colleague may not know of."""
    health, _ = agencies
    wish = {"client": "h1", "reason": "Fled from home"}
    for name, (day, year) in {"until": ("9", "2026"), "review": ("8", "2026")}.items():
        wish |= {f"{name}-day": day, f"{name}-month": "12", f"{name}-year": year}
    assert (await visitors[Role.MANAGER].post("/withheld/propose", **wish)).status == 303
    worker = visitors[Role.PRACTITIONER]
    for team, seen in (("West", False), ("East", True)):
        said = Appointment("P. Practitioner", "West", None, {TeamRole.MANAGER: [team]})
        await health.write(lambda t, said=said: people.appoint(t, said, 1))  # type: ignore[misc]
        answer = await worker.get("/withheld")
        assert (answer.status, "Fled from home" in await answer.text()) == (200, seen)
        assert (await worker.get("/withheld/1")).status == (200 if seen else 404)


async def test_a_reason_that_nobody_sees_is_none(
    visitors: Visitors, agencies: tuple[SimNode, SimNode]
) -> None:
    health, _ = agencies
    worker = visitors[Role.PRACTITIONER]
    for unseen in ("\u200b", "\u3164 \u2800", "\ufe0f\u00ad"):
        answer = await worker.post("/clients/1/reason", reason="another", more=unseen)
        assert answer.status == 400, ascii(unseen)
    assert not await health.read(lambda t: t.openings.newest(2**40, 1, with_reason=True))


async def test_a_page_that_is_shown_once_is_done_once(
    visitors: Visitors, agencies: tuple[SimNode, SimNode]
) -> None:
    """Whoever loads it anew does not end the link that they have just read out."""
    health, _ = agencies
    await opened(health, "H. Visitor", "visitor")
    account = await health.read(lambda t: t.accounts.named("visitor"))
    assert account is not None
    me, path = visitors[Role.ADMINISTRATOR], f"/administration/accounts/{account.id}"
    answer = await me.post(path, what="link", once="a form")
    (link,) = re.findall('/welcome/([^<"]+)', await answer.text())
    answer = await me.post(path, what="link", once="a form")
    assert (answer.status, answer.headers["Location"]) == (303, "/administration")
    assert (await visitors[None].get(f"/welcome/{link}")).status == 200

    worker, path = Browser(me.client), "/your-sign-ins/second-factor"
    await worker.sign_in("visitor")
    await health.write(lambda t: t.factors.begin_app(account.id, "A" * 32))
    await health.write(lambda t: t.factors.confirm_app(account.id, "A" * 32, 1, 1))
    await worker.get(path)
    assert await worker.post(path, what="codes", once="a form") == 200
    assert len(re.findall(r"<code", worker.html)) >= 8
    kept = await codes_of(health)
    assert await worker.post(path, what="codes", once="a form") == 303
    assert await codes_of(health) == kept


async def codes_of(node: SimNode) -> list[str]:
    sql = "SELECT code_hash FROM recovery_code ORDER BY code_hash"
    return await node.read(lambda t: [str(row["code_hash"]) for row in t.tx.rows(sql)])


async def test_what_a_browser_calls_itself_may_be_no_text(
    agencies: tuple[SimNode, SimNode],
) -> None:
    health, _ = agencies
    await opened(health, "H. Visitor", "visitor")
    async with visiting(health) as visitors:
        me = Browser(visitors[None].client)
        await me.get("/sign-in")
        body = urlencode({"csrf": me.csrf, "name": "visitor", "password": PASSWORD}).encode()
        host = me.origin.partition("://")[2]
        head = (
            f"POST /sign-in HTTP/1.1\r\nHost: {host}\r\nOrigin: {me.origin}\r\n"
            f"Cookie: patchwork-form={me.cookies['patchwork-form']}\r\nConnection: close\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\nUser-Agent: "
        )
        reader, writer = await asyncio.open_connection(*host.split(":"))
        writer.write(head.encode() + b"\xff\r\n\r\n" + body)
        assert (await reader.readline()).split()[1] == b"303"
        writer.close()
        await writer.wait_closed()


async def sent(visitor: Visitor, path: str, body: bytes) -> int:
    headers = {**visitor.sent_here(), "Content-Type": "multipart/form-data; boundary=B"}
    answer: Any = await visitor.client.post(path, data=body, headers=headers)
    return int(answer.status)
