"""Pages of consents, matches and checks: whose they are, what is typed, a hub that is away."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from node.records import caseload, people
from node.records.accounts import Role
from node.records.people import Appointment
from node.store.people import PersonKind
from node.views.due import due_consents
from tests.sim.federation import AMIRA, DUTY, NOT_SURE, SimFederation, SimNode, row
from tests.sim.test_charter_change import amend, follow
from tests.sim.test_identity_check import check, received
from tests.sim.test_pages import RUDE
from tests.sim.test_pages_kept import put_back, row_of
from tests.sim.visitors import SIGNED_IN, Visitor, path_of, visiting

Found = dict[Role | None, Visitor]
Two = tuple[SimNode, SimNode]
ANSWERS: dict[str, dict[str, str]] = {
    "purposes": {"purposes": "early_help"},
    "classes": {"classes": "all"},
    "wording": {"another": "Form 4"},
    "given_by": {"given_by": "client"},
    "how": {"how": "in_person"},
    "on": {"on": "now"},
    "until": {"until": "another", "day-day": "1", "day-month": "9", "day-year": "2028"},
    "evidence": {"evidence": ""},
}


def in_days(federation: SimFederation, days: int) -> str:
    """A day to come, as yyyy-mm-dd."""
    at = datetime.fromtimestamp(federation.clock.now, UTC) + timedelta(days)
    return at.date().isoformat()


async def test_every_page_of_a_client_asks_why_whoever_is_of_no_team_of_theirs(
    visitors: Found,
) -> None:
    reason = "/clients/1/reason"
    for page in SIGNED_IN:
        if "{client}" not in page.path or page.path in {
            "/clients/{client}/reason", "/clients/{client}/attention/{hub}/seen",
        }:  # fmt: skip
            continue
        answer = await visitors[Role.PRACTITIONER].get(path_of(page.path))
        assert answer.headers.get("Location") == reason, page.path
        if page.act is not None:
            answer = await visitors[Role.PRACTITIONER].post(path_of(page.path))
            assert answer.headers.get("Location") == reason, page.path


async def test_a_consent_is_recorded_by_answers_and_by_nothing_else(
    visitors: Found, agencies: Two
) -> None:
    """Whatever is typed is answered with a page; what does not fit is no answer."""
    health, _ = agencies
    manager = visitors[Role.MANAGER]
    base = f"/clients/{await row_of(health, 'h1')}/consent/new"
    for step, answers in ANSWERS.items():
        shown = await manager.get(base)
        assert shown.headers["Location"] == f"{base}/{step}"
        for text in RUDE:
            if step in {"wording", "evidence"} and text.strip() and len(text) <= 200:
                continue  # words of theirs, which are taken as they are
            answer = await manager.post(f"{base}/{step}", **dict.fromkeys(answers, text))
            assert answer.status in {303, 400}, (step, text[:20])
            if step != "evidence":
                assert answer.status == 400, (step, text[:20])
        await manager.post(f"{base}/{step}", **answers)
    assert (await manager.get(base)).headers["Location"] == f"{base}/check"
    late = {"on": "earlier", "day-day": "1", "day-month": "1", "day-year": "2031"}
    answer = await manager.post(f"{base}/on", **late)
    assert "The day must be today or in the past" in await answer.text()
    assert (await manager.get(f"{base}/nothing")).status == 404
    answer = await manager.post(f"{base}/check")
    assert answer.headers["Location"].endswith("/consent?recorded")
    (consent,) = await health.read(lambda t: t.consents.of([1]))
    assert (consent.purposes, consent.classes, consent.wording) == (("early_help",), (), "Form 4")
    assert (await manager.get(f"/clients/2/consent/{consent.id}")).status == 404, (
        "of another client"
    )


async def test_what_is_taken_back_while_the_hub_is_away_is_told_when_it_is_there(
    federation: SimFederation, agencies: Two
) -> None:
    health, care = agencies
    row_id = await row_of(health, "h1")
    async with visiting(health) as found:
        federation.network.hub_down = True
        path = f"/clients/{row_id}/consent/withdraw/all"
        said = await (await found[Role.MANAGER].get(path)).text()
        assert "Nobody finds out any more that Health visiting works with them" in said
        answer = await found[Role.MANAGER].post(path)
        assert answer.headers["Location"] == f"/clients/{row_id}/consent?withdrawn"
        said = await (await found[Role.MANAGER].get(answer.headers["Location"])).text()
        assert "It is taken back." in said
        assert "They take it back" not in said, "there is nothing left to take back"
    (work,) = await health.read(lambda t: t.records.involvements([row_id]))
    assert work.withdrawn_at is not None
    federation.network.hub_down = False
    assert len((await care.team("c1")).others) == 1
    await health.service.tell_owed()  # as the running node does
    await federation.settle()
    assert (await care.team("c1")).others == ()
    assert not health.membership.owed


async def test_a_consent_is_taken_back_at_a_node_that_came_back_from_a_backup(
    federation: SimFederation, agencies: Two
) -> None:
    health, _ = agencies
    row_id = await row_of(health, "h1")
    await put_back(federation, health)
    async with visiting(health) as found:
        path = f"/clients/{row_id}/consent/withdraw/all"
        assert (await found[Role.MANAGER].get(path)).status == 200
        assert (await found[Role.MANAGER].post(path)).status == 303
    (work,) = await health.read(lambda t: t.records.involvements([row_id]))
    assert work.withdrawn_at is not None


async def test_what_is_not_ready_is_not_called_a_missing_consent(
    federation: SimFederation, agencies: Two
) -> None:
    """A sharing agreement that nobody here has read yet stops a request on consent too."""
    health, _ = agencies
    await health.agree("h1")
    other = (await health.team("h1")).others[0]
    hub_id = health.membership.hub.hub_id
    row_id = await row_of(health, "h1")
    async with visiting(health) as found:
        me = found[Role.MANAGER]

        async def asks() -> str:
            path = f"/clients/{row_id}/ask/{hub_id}/{other.reference}"
            began = await me.post(path, purpose="early_help")
            draft = began.headers["Location"].rpartition("/")[0]
            await me.post(f"{draft}/basis", basis="UK-CONSENT")
            await me.post(f"{draft}/role", role="health_visitor")
            sent = await me.post(f"{draft}/check", needed_by="no_hurry")
            return str(await sent.text())

        await amend(federation, {"request_lifetime_days": 60})
        await follow(health)
        assert health.membership.unaccepted(), "the test is about an agreement that waits"
        said = await asks()
        assert "no record of consent" not in said
        assert "This is not possible at the moment" in said


async def test_who_answers_a_request_about_a_client_of_others_is_written_down(
    federation: SimFederation, agencies: Two
) -> None:
    """A request that was passed on shows a name: an opening, and no way to a page of theirs."""
    health, care = agencies
    row_id = await row_of(health, "h1")
    (member,) = (await care.team("c1")).others
    request_id = await care.ask("c1", member.involvement_id)
    await federation.settle()
    async with visiting(health) as found:
        worker, manager = found[Role.PRACTITIONER], found[Role.MANAGER]
        assert (await worker.get(f"/inbox/{request_id}")).status == 404
        answer = await manager.post(f"/inbox/{request_id}/pass", to="P. Practitioner (West)")
        assert answer.status == 303
        before = await health.read(lambda t: t.count("opening"))
        for _ in range(2):  # twice in a row is one look
            assert "Amira" in await (await worker.get(f"/inbox/{request_id}")).text()
        (last, *_) = await health.read(lambda t: t.openings.newest(1_000, 10, with_reason=False))
        who = await health.read(lambda t: people.acting(t, "P. Practitioner (West)"))
        assert (last.person, last.client, last.reason) == (who.id, row_id, None)
        assert await health.read(lambda t: t.count("opening")) == before + 1
        assert (await worker.get(f"/clients/{row_id}")).headers["Location"].endswith("/reason")


async def test_the_inbox_has_what_waits_for_ones_own_clients_alone(
    federation: SimFederation, unsure: Two
) -> None:
    health, care = unsure
    await health.agree("h1", until=in_days(federation, 10))
    check_id = await check(care)
    await federation.settle()
    row_id = await row_of(health, "h1")
    async with visiting(health) as found:
        manager, worker = found[Role.MANAGER], found[Role.PRACTITIONER]
        mine = await (await manager.get("/inbox")).text()
        assert f'href="/checks/{check_id}"' in mine
        assert f"/clients/{row_id}/matches/" in mine
        assert "Possible matches to compare" in mine
        assert "Amira" not in await (await worker.get("/inbox")).text()
        marks = [
            (await (await one.get("/inbox/latest")).json())["mark"] for one in (manager, worker)
        ]
        assert marks[0]
        assert marks[1] == ""
        answer = await worker.get(f"/checks/{check_id}")
        assert answer.headers["Location"] == f"/clients/{row_id}/reason"
        answer = await manager.post(f"/checks/{check_id}", answer="refuse")
        assert answer.headers["Location"] == f"/checks/{check_id}/refuse"
        await manager.post(f"/checks/{check_id}/refuse", code="objection")
        await manager.post(f"/checks/{check_id}", answer="same")  # the second is too late
        said = await (await manager.get(f"/checks/{check_id}")).text()
        assert "Not compared. Their details are deleted here." in said
        later = (await (await manager.get("/inbox/latest")).json())["mark"]
        assert later != marks[0]
    assert (await received(health, check_id))["code"] == "objection"


async def test_a_match_of_another_client_and_one_that_is_over_open_nothing(unsure: Two) -> None:
    health, _ = unsure
    await health.take_in(row("h9", NOT_SURE, "health_visiting", DUTY, "H. Visitor"))
    (one,) = await health.read(health.service.dispatcher.reviewing.queue)
    hub_id, other = health.membership.hub.hub_id, await row_of(health, "h9")
    async with visiting(health) as found:
        manager = found[Role.MANAGER]
        path = f"/matches/{hub_id}/{one.link_id}"
        assert (await manager.get(f"/clients/{other}{path}")).status == 404
        mine = f"/clients/{await row_of(health, 'h1')}{path}"
        assert (await manager.get(mine)).status == 200
        answer = await manager.post(mine, answer="not_same")
        assert answer.headers["Location"] == "/inbox?said"
        assert (await manager.get(mine)).status == 404, "it is shown here no more"


async def test_somebody_says_for_themselves_when_they_want_mail(
    visitors: Found, agencies: Two
) -> None:
    health, _ = agencies
    me = visitors[Role.PRACTITIONER]

    async def wish() -> tuple[str | None, str | None]:
        one = await health.read(lambda t: people.acting(t, "P. Practitioner (West)"))
        return one.mail_wish, one.mail_to

    assert (await me.post("/mail", wish="daily", to="")).status == 400, "no address is known"
    assert (await me.post("/mail", wish="daily", to="nobody")).status == 400
    assert (await me.post("/mail", wish="hourly", to="p@west.example")).status == 400
    assert await wish() == (None, None)
    assert (await me.post("/mail", wish="at-once", to="p@west.example")).status == 303
    assert await wish() == ("at-once", "p@west.example")
    assert "p@west.example" in await (await me.get("/mail")).text()


@pytest.mark.parametrize(("days", "shown"), [(10, True), (400, False)])
async def test_a_consent_that_ends_soon_waits_for_whoever_works_with_them(
    federation: SimFederation, days: int, shown: bool
) -> None:
    charity = await federation.join("Lea Youth", "charity")
    await charity.take_in(row("y1", AMIRA, "youth_work", None, "Y. Worker"))
    said = Appointment("Y. Worker", "East", PersonKind.WORKER, {})
    await charity.write(lambda t: people.appoint(t, said, 1))
    until = in_days(federation, days)
    await charity.agree("y1", until=until)
    person = await charity.read(lambda t: people.acting(t, "Y. Worker (East)"))
    due = await charity.service.read(partial(due_consents, person=person, days=28))
    assert [(one["until"], one["is_over"]) for one in due] == [(until, False)] * shown


async def test_a_team_of_theirs_is_found_for_many_as_for_one(agencies: Two) -> None:
    health, _ = agencies
    person = await health.read(lambda t: people.acting(t, "H. Visitor (East)"))
    now, clients = health.membership.env.clock(), {1, 2, 99}
    found = await health.read(lambda t: caseload.theirs(t, person, clients, now))
    assert found == {1, 2}
