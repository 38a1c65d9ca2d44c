"""The operator's pages: nobody comes in unasked, whatever is typed is answered, each act is written
down with who did it, and no page holds anything of a client.
"""

import asyncio
import re
import socket
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import ClientSession

from hub.config import HubSettings
from hub.members import take_up
from hub.members.enrolment import enrolment_of
from hub.server.routes import HubApp
from hub.server.service import HubService
from hub.store.members import ApplicantState
from hub.store.office import ActKind
from hub.store.tables import HubTables
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64
from protocol.governance.fingerprint import fingerprint_words
from protocol.wire import Invitation, parse_wire
from runtime.environment import Environment
from runtime.version import version
from storage.accounts import hashed
from tests.sim.federation import ON_BOTH_ENGINES, SimFederation, SimNode
from tests.sim.office import SIGNED_IN, at_office
from tests.sim.test_hub_processes import until
from tests.sim.test_pages import RUDE, fields_of
from tests.sim.test_poll import posted
from tests.sim.visitors import Visitor
from transport.client import HttpClient
from transport.server import listening

Agencies = tuple[SimNode, SimNode]
DAY = 86_400


def address(path: str, party: str) -> str:
    places = {"party": party, "wave": "1", "reference": "0" * 8}
    return re.sub(r"{(\w+)}", lambda found: places[found.group(1)], path)


async def says(visitor: Visitor, path: str) -> str:
    answer = await visitor.get(path)
    assert answer.status == 200, (path, answer.status)
    return plain(await answer.text())


def plain(html: str) -> str:
    """What is read on a page, without what it is made of."""
    text = re.sub(r"<head>.*?</head>|<svg.*?</svg>|<[^>]+>", " ", html, flags=re.DOTALL)
    return " ".join(text.replace("&#39;", "'").replace("&lt;", "<").split())


async def applied(federation: SimFederation, name: str = "Housing") -> tuple[str, str]:
    """Somebody who has applied and waits: its id, and the words that it reads out."""
    invitation = await federation.invite(federation.random(32))
    joining, engine = federation.joining(name, "housing")
    membership, words = await joining.apply(engine, invitation)
    await engine.close()
    return membership.hub.party_id, words


@ON_BOTH_ENGINES
async def test_a_page_opens_for_an_operator_and_for_nobody_else(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    party, _ = await applied(federation)
    async with at_office(federation) as office:
        await office.operator.post("/waves/new", **wave("North", "Housing"))
        opened = 0
        for page in SIGNED_IN:
            for one in (party, health.party_id, "0" * 32, "%00"):
                path = address(page.path, one)
                answer = await office.operator.get(path)
                assert answer.status in {200, 303, 404}, path
                opened += answer.status == 200
                assert answer.headers["Cache-Control"] == "no-store", path
                assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
                away = await office.nobody.get(path)
                assert away.status == 303, path
                assert away.headers["Location"].startswith("/sign-in?then="), path
        assert opened > len(SIGNED_IN) * 2


@ON_BOTH_ENGINES
async def test_a_form_does_nothing_without_its_token_or_its_operator(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    party, _ = await applied(federation)

    def state(tables: HubTables) -> Any:
        return (
            tables.log.next_index(), tables.members.orders(), tables.members.invitations(),
            tables.waves.all(), [one.state for one in tables.members.applicants(*ApplicantState)],
        )  # fmt: skip

    async with at_office(federation) as office:
        await office.operator.post("/waves/new", **wave("North", "Housing"))
        before = await federation.hub_read(state)
        for page in SIGNED_IN:
            if page.act is None:
                continue
            for one in (party, health.party_id):
                path = address(page.path, one)
                assert (await office.operator.post(path, csrf="0" * 64)).status == 403, path
                assert (await office.nobody.post(path)).status in {303, 403}, path
        assert await federation.hub_read(state) == before


@ON_BOTH_ENGINES
async def test_whatever_is_typed_is_answered_with_a_page(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    party, _ = await applied(federation)
    async with at_office(federation) as office:
        await office.operator.post("/waves/new", **wave("North", "Housing"))
        for page in SIGNED_IN:
            if page.act is None or page.path == "/invitations":
                continue
            for one in (party, health.party_id):
                path = address(page.path, one)
                names = [*await fields_of(office.operator, path), "once"]
                for text in RUDE:
                    fields = {**dict.fromkeys(names, text), "sure": "no", "forget": "no"}
                    answer = await office.operator.post(path, **fields)
                    said = await answer.text()
                    assert answer.status in {200, 303, 400, 404, 413}, (path, text[:20])
                    assert "<script>alert" not in said
                    assert ">49<" not in said
        assert await federation.hub_read(lambda t: t.members.orders()) == []


async def test_an_applicant_is_approved_by_the_words_alone(federation: SimFederation) -> None:
    party, words = await applied(federation)
    other = fingerprint_words(
        "0" * 32, (await federation.hub_read(lambda t: enrolment_of(_of(t, party)))).keys
    )
    async with at_office(federation) as office:
        me = office.operator
        assert "Housing" in await says(me, "/applicants")
        assert words in await says(me, f"/applicants/{party}")
        assert words not in await says(me, f"/applicants/{party}/approve"), "typed as heard"
        for wrong, why in (
            ("", "Enter the words"),
            ("no words at all", "no word of the list"),
            (other, "do not approve"),
        ):
            answer = await me.post(f"/applicants/{party}/approve", words=wrong)
            assert (answer.status, why in plain(await answer.text())) == (400, True)
        assert (await federation.hub_read(lambda t: _of(t, party))).state == "waiting"
        answer = await me.post(f"/applicants/{party}/approve", words=words.upper())
        assert answer.headers["Location"] == "/applicants"
        await federation.hub.jobs.admit()
        assert "Housing" in await says(me, "/members")
        assert (await me.get(f"/applicants/{party}")).status == 404
        assert "olive Approved" in await says(me, f"/members/{party}")


async def test_who_is_refused_is_turned_down_and_may_apply_again(
    federation: SimFederation,
) -> None:
    party, _ = await applied(federation)
    async with at_office(federation) as office:
        me = office.operator
        answer = await me.post(f"/applicants/{party}/refuse", reason=" ")
        assert answer.status == 400
        await me.post(f"/applicants/{party}/refuse", reason="Nobody there knows of it")
        assert "Housing: refused. It may apply again." in await says(me, "/applicants")
        assert (await me.post(f"/applicants/{party}/approve", words="x")).status == 404
    (act,) = await federation.hub_read(lambda t: t.office.acts(party, 9))
    assert (act.who, act.act, act.reason) == (
        "olive", ActKind.REFUSED, "Nobody there knows of it",
    )  # fmt: skip


def _of(tables: HubTables, party: str) -> Any:
    return tables.members.applicant(party)


async def test_a_member_is_suspended_in_two_steps_and_goes_on_again(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    here = f"/members/{care.party_id}"
    async with at_office(federation) as office:
        me = office.operator
        assert (await me.post(f"{here}/suspend", reason="", sure="yes")).status == 400
        answer = await me.post(f"{here}/suspend", reason="Keys on a lost <b>laptop</b>")
        said = await answer.text()
        assert "Suspend Social care?" in plain(said)
        assert "lost &lt;b&gt;laptop" in said
        assert await federation.hub_read(lambda t: t.members.orders()) == [], "asked, not ordered"
        answer = await me.post(f"{here}/suspend", reason="Keys on a lost laptop", sure="yes")
        assert answer.headers["Location"] == here
        assert "It is to be suspended." in await says(me, here)
        assert (await me.get(f"{here}/suspend")).status == 303, "ordered already"
        await federation.hub.jobs.admit()
        page = await says(me, here)
        assert "olive Suspended Keys on a lost laptop" in page
        assert (await me.get(f"{here}/suspend")).status == 303
        await me.post(f"{here}/resume")
        await federation.hub.jobs.admit()
        member = await federation.hub_read(lambda t: t.directory.current().member(care.party_id))
        assert member is not None
        assert member.body.status == "active"
        assert "olive Let go on" in await says(me, here)
    assert b"lost laptop" not in b"".join(federation.network.captured), "the reason stays here"


async def test_of_two_operators_who_suspend_at_once_one_is_written_down(
    federation: SimFederation, agencies: Agencies
) -> None:
    path = f"/members/{agencies[0].party_id}"
    async with at_office(federation) as office:
        order = {"reason": "Asked by the council", "sure": "yes"}
        answers = await asyncio.gather(
            *(office.operator.post(f"{path}/suspend", **order) for _ in range(3))
        )
        assert [answer.headers["Location"] for answer in answers] == [path] * 3
    acts = await federation.hub_read(lambda t: t.office.acts(agencies[0].party_id, 9))
    assert len(acts) == 1


async def test_who_is_not_heard_of_for_days_is_silent(
    federation: SimFederation, agencies: Agencies
) -> None:
    async with at_office(federation) as office:
        assert "Silent" not in (await says(office.operator, "/members")).replace("is silent", "")
    federation.clock.now += 4 * DAY
    async with at_office(federation, "later") as office:
        page = await says(office.operator, "/members")
        assert page.count(" Silent ") == 2
        assert "2 members have not been heard of" in await says(office.operator, "/")


async def test_a_member_says_which_version_it_runs(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    app = HubApp(federation.services).application()
    async with listening(app, "127.0.0.1", 0) as port, HttpClient(allow_private=True) as http:
        url = f"http://127.0.0.1:{port}/v1/polls"
        await http.post(url, body_of(posted(health, 0, "11" * 16)))
        async with ClientSession(headers={"User-Agent": "<script>"}) as other:
            await other.post(url, data=body_of(posted(care, 0, "11" * 16)))
    federation.clock.now += 2 * DAY
    async with at_office(federation) as office:
        page = await says(office.operator, "/members")
    assert f"Health provider Active 21 September 2026 at 3:13pm {version()} Signed" in page
    assert "social care Active 21 September 2026 at 3:13pm Not said Signed" in page


def body_of(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


async def test_an_invitation_is_shown_once_listed_and_taken_back(
    federation: SimFederation,
) -> None:
    async with at_office(federation) as office:
        me = office.operator
        page = await (await me.post("/invitations")).text()
        (text,) = re.findall(r'pw-name">([A-Za-z0-9+/=]+)<', page)
        (reference,) = re.findall(r'name="reference" value="([0-9a-f]{8})"', page)
        file = await me.post("/invitations/file", invitation=text, reference=reference)
        assert await file.text() == f"{text}\n"
        assert reference in file.headers["Content-Disposition"]
        listed = await (await me.get("/invitations")).text()
        assert reference in listed
        assert text not in listed
        invitation = parse_wire(Invitation, from_base64(text))
        await me.post(f"/invitations/{reference}/cancel")
        assert reference not in await (await me.get("/invitations")).text()
        assert (await me.get(f"/invitations/{reference}/cancel")).status == 404
        answer = await me.post(f"/invitations/{reference}/cancel")
        assert answer.status == 404
        joining, engine = federation.joining("Housing", "housing")
        with pytest.raises(RemoteError) as caught:
            await joining.apply(engine, invitation)
        await engine.close()
        assert caught.value.code is ErrorCode.INVITATION
        for wrong in ("", "<script>", "x" * 5000):
            answer = await me.post("/invitations/file", invitation=wrong, reference=reference)
            assert answer.status == 303, "nothing of it is given back as a file"


def wave(name: str, organisations: str, day: str = "14-3-2027") -> dict[str, str]:
    parts = dict(zip(("day-day", "day-month", "day-year"), day.split("-"), strict=True))
    return {"name": name, "organisations": organisations, **parts}


async def test_a_wave_says_what_each_of_its_organisations_lacks(
    federation: SimFederation, agencies: Agencies
) -> None:
    async with at_office(federation) as office:
        me = office.operator
        for fields, why in (
            (wave("", "Housing"), "Enter a name"),
            (wave("North", ""), "one a line"),
            (wave("North", "a" * 200), "Write one name a line"),
            (wave("North", "Housing", "31-2-2027"), "Enter a real day"),
        ):
            answer = await me.post("/waves/new", **fields)
            assert (answer.status, why in plain(await answer.text())) == (400, True), fields
        answer = await me.post("/waves/new", **wave("North", "Housing\r\nhealth  VISITING\r\n\r\n"))
        here = answer.headers["Location"]
        assert (await me.post("/waves/new", **wave("North", "Other"))).status == 400
        page = await says(me, here)
        assert "Goes live on 14 March 2027. 0 of 2 are ready to open." in page
        assert "Housing No No No an invitation; its application; its membership" in page
        assert "health VISITING Yes No No training; its opening" in page
        answer = await me.post(here, chosen="Housing", what="invite")
        (text,) = re.findall(r'pw-name">([A-Za-z0-9+/=]+)<', await answer.text())
        assert "Housing Yes No No its application" in await says(me, here)
        joining, engine = federation.joining("Housing Association", "housing")
        membership, words = await joining.apply(engine, parse_wire(Invitation, from_base64(text)))
        await engine.close()
        party = membership.hub.party_id
        assert "Housing Yes No No its membership" in await says(me, here), "by its invitation"
        await me.post(f"/applicants/{party}/approve", words=words)
        await federation.hub.jobs.admit()
        assert "Housing Yes No No its signature" in await says(me, here)
        for fields in ({"what": "trained"}, {"chosen": "Housing"}, {"chosen": "No", "what": "x"}):
            assert (await me.post(here, **fields)).status == 400
        await me.post(here, chosen="health VISITING", what="trained")
        assert "1 of 2 is ready to open." in await says(me, here)
        await me.post(here, chosen="health VISITING", what="opened")
        assert "21 September 2026 Nothing" in await says(me, here)
        await me.post(f"{here}/change", **wave("North-west", "Police", "15-3-2027"))
        page = await says(me, here)
        assert "North-west Goes live on 15 March 2027. 1 of 3 is ready" in page
        await me.post(here, chosen="Police", what="take_out")
        assert "Police" not in await says(me, here)
        await me.post(f"{here}/change", forget="yes")
        assert (await me.get(here)).status == 404


async def test_the_agreement_says_who_has_agreed(
    federation: SimFederation, agencies: Agencies
) -> None:
    async with at_office(federation) as office:
        page = await says(office.operator, "/charter")
    assert "Version 1 is in force since 21 September 2026" in page
    assert "Health visiting Version 1 Yes" in page
    assert "3 of 3 must sign the log; signed its newest state: 3." in page
    assert "Co-operation to improve well-being: duty" in page
    assert "childrens_social_care" not in page, "codes are for programs"


async def test_what_is_amiss_is_said(federation: SimFederation, agencies: Agencies) -> None:
    async with at_office(federation) as office:
        me = office.operator
        assert "Nothing is amiss." in await says(me, "/")
        for witness in federation.network.witnesses.values():
            witness.asleep = True
        federation.clock.now += 1200
        await federation.hub.jobs.watch()
        page = await says(me, "/")
        assert "Contact details cannot move" in page
        assert "Missing: w1.example, w2.example, w3.example." in page
        broken = federation.hub.jobs

        async def fails() -> None:
            raise ZeroDivisionError

        await broken._apart("round", fails)
        page = await says(me, "/")
        assert "A part of the hub does not do its work (round). ZeroDivisionError in" in page
        await broken._apart("round", broken.round)
        assert "(round)" not in await says(me, "/")


async def test_key_holders_meters_are_read_from_their_counts(
    federation: SimFederation, agencies: Agencies
) -> None:
    async with at_office(federation) as office:
        assert "Holder 1 Domain 1 Not yet" in await says(office.operator, "/key-holders")
    federation.clock.now += DAY
    for holder in federation.network.holders.values():
        await holder.report(federation.network)  # type: ignore[arg-type]
    async with at_office(federation, "later") as office:
        page = await says(office.operator, "/key-holders")
    assert re.search(r"Holder 1 Domain 1 \d+ September 2026 \d+ ", page)
    assert re.search(r"Health visiting (\d+|<5) (\d+|<5) (\d+|<5) [\d,]+", page)


async def test_no_page_and_no_address_has_anything_of_a_client(
    federation: SimFederation, agencies: Agencies, capsys: pytest.CaptureFixture[str]
) -> None:
    health, care = agencies
    (member,) = (await care.team("c1")).others
    await care.ask("c1", member.involvement_id)
    await federation.settle()
    day = federation.clock() // DAY
    await federation.hub_write(lambda t: take_up.note(t, day))
    stubs = await federation.hub_read(lambda t: t.tx.rows("SELECT stub_id FROM stub"))
    links = await federation.hub_read(lambda t: t.tx.rows("SELECT link_id FROM link"))
    secret = [row["stub_id"] for row in stubs] + [row["link_id"] for row in links]
    secret += ["Amira", "Ameera", "Hassan", "9990000026", "S47-1", "H. Visitor", "07700"]
    async with at_office(federation) as office:
        for page in SIGNED_IN:
            for one in (health.party_id, care.party_id):
                html = await (await office.operator.get(address(page.path, one))).text()
                assert [text for text in secret if text in html] == [], page.path
        html = await (await office.operator.get("/members")).text()
        assert "Health visiting" in html
    assert [text for text in secret if text in capsys.readouterr().out] == []


@ON_BOTH_ENGINES
async def test_take_up_shows_no_number_under_five(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    (member,) = (await care.team("c1")).others
    for _ in range(6):
        await care.ask("c1", member.involvement_id)
    await federation.hub.jobs.daily()
    async with at_office(federation) as office:
        page = await says(office.operator, "/take-up")
        assert "Health visiting Not said <5 <5 <5 <5 Too few" in page
        assert "Social care Not said <5 <5 5 <5 Too few" in page
        one = await (await office.operator.get(f"/take-up/{care.party_id}")).text()
    assert one.count("<desc>") == 1, "of the others there is nothing to draw"
    assert one.count("<table") == 5
    assert "21 September 2026: 5" in one
    assert "21 September 2026: 6" not in one


async def test_two_processes_over_one_database_share_who_is_signed_in(
    federation: SimFederation,
) -> None:
    async with at_office(federation) as first, at_office(federation, "other") as second:
        there = Visitor(second.operator.client, first.operator.session, first.operator.csrf)
        assert (await there.get("/members")).status == 200
        await federation.hub_write(lambda t: t.sessions.end(hashed(first.operator.session)))
        assert (await there.get("/members")).status == 303
        assert (await first.operator.get("/members")).status == 303
        await federation.hub_write(lambda t: t.accounts.close(2, 1))
        assert (await second.operator.get("/members")).status == 303


async def test_a_hub_that_serves_has_its_pages_at_a_port_of_their_own(
    federation: SimFederation,
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        web_port = probe.getsockname()[1]
    settings = HubSettings(host="127.0.0.1", port=0, web_port=web_port)
    folder, ready = federation.folder / "hub", asyncio.get_running_loop().create_future()
    service = HubService(folder, settings, Environment())
    running = asyncio.create_task(service.run(ready.set_result))
    port = await ready
    await until(lambda: listens(web_port))
    async with ClientSession() as visitor:
        page = await _asked(visitor, f"http://127.0.0.1:{web_port}/members")
        assert page == (200, True, f"http://127.0.0.1:{web_port}/sign-in?then=/members")
        assert await _status(visitor, f"http://127.0.0.1:{web_port}/v1/status") == 404
        assert await _status(visitor, f"http://127.0.0.1:{port}/members") == 404, "not for members"
        assert await _status(visitor, f"http://127.0.0.1:{port}/register") == 200
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def listens(port: int) -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


async def _asked(visitor: ClientSession, url: str) -> tuple[int, bool, str]:
    async with visitor.get(url) as answer:
        return answer.status, "Your sign-in name" in await answer.text(), str(answer.url)


async def _status(visitor: ClientSession, url: str) -> int:
    async with visitor.get(url) as answer:
        return answer.status
