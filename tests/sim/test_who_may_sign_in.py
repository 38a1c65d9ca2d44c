"""Who may use the pages: days that must hold, people who left, and what is done to accounts."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from node.records import people
from node.records.accounts import Role
from node.records.clearance import set_dates
from node.store.account_acts import By
from tests.sim.browsing import PASSWORD, Browser, opened
from tests.sim.federation import SimNode
from tests.sim.visitors import visiting

OVER = "You cannot sign in at the moment"


@pytest.fixture
def clock(agencies: tuple[SimNode, SimNode]) -> Any:
    return agencies[0].service.membership.env.clock


def day_of(clock: Any) -> date:
    return datetime.fromtimestamp(clock(), UTC).date()


async def dated(node: SimNode, person: str, **days: date | None) -> None:
    await node.write(lambda t: set_dates(t, person, days, By(system_user="root"), 1))


async def test_whoever_lacks_what_is_required_is_told_whom_to_ask_and_signed_out_at_once(
    agencies: tuple[SimNode, SimNode], clock: Any
) -> None:
    health, _ = agencies
    await opened(health, "H. Visitor", "visitor")
    health.service.settings.web_required = ["training", "vetting"]
    async with visiting(health) as visitors:
        me = Browser(visitors[None].client)
        assert await me.sign_in("visitor", "a wrong password") == 400
        assert OVER not in me.html  # a stranger learns nothing of it
        assert await me.sign_in("visitor") == 403
        assert OVER in me.html
        assert "requires training" in me.html
        assert "Ask whoever manages accounts" in me.html
        assert await me.get("/clients") == 303
        today = day_of(clock)
        await dated(health, "H. Visitor", training=today, vetting=today + timedelta(days=400))
        assert await me.sign_in("visitor") == 303
        assert await me.get("/clients") == 200
        clock.now += 36 * 3600
        assert await me.sign_in("visitor") == 403
        assert "Your training held until" in me.html
        await dated(health, "H. Visitor", training=today + timedelta(days=400))
        assert await me.sign_in("visitor") == 303
        await dated(health, "H. Visitor", vetting=None)
        assert await me.get("/clients") == 403
        assert "requires vetting" in me.html
        assert await me.get("/clients") == 303


async def test_an_administrator_sees_what_runs_out_and_sets_it(
    agencies: tuple[SimNode, SimNode], clock: Any
) -> None:
    health, _ = agencies
    await opened(health, "H. Visitor", "visitor")
    today = day_of(clock)
    async with visiting(health) as visitors:
        everybody = await health.read(lambda t: [one.title for one in t.people.all()])
        for person in everybody:
            await dated(health, person, training=today + timedelta(days=31))
        await dated(health, "H. Visitor", training=today + timedelta(days=30))
        health.service.settings.web_required = ["training"]
        admin = Browser(visitors[None].client)
        admin.cookies = {"patchwork": Role.ADMINISTRATOR.value}
        assert await admin.get("/administration/accounts") == 200
        soon = admin.html.partition("What runs out")[2].partition("Let somebody in")[0]
        assert "H. Visitor" in soon
        assert "P. Manager" not in soon
        account = await health.read(lambda t: t.accounts.named("visitor"))
        assert account is not None
        path = f"/administration/accounts/{account.id}/dates"
        assert await admin.get(path) == 200
        wrong = {"training-day": "31", "training-month": "2", "training-year": "2030"}
        assert await admin.post(path, **wrong) == 400
        right = {"training-day": "28", "training-month": "2", "training-year": "2040"}
        assert await admin.post(path, **right) == 303
        assert await admin.get(path) == 200
        assert 'value="2040"' in admin.html
        own = await health.read(lambda t: t.accounts.named("p.administrator"))
        assert own is not None
        path = f"/administration/accounts/{own.id}/dates"
        await admin.get(path)
        assert await admin.post(path) == 400  # nobody locks themselves out
        assert "lock yourself out" in admin.html


async def test_nobody_takes_an_account_over_unseen(
    agencies: tuple[SimNode, SimNode], clock: Any
) -> None:
    health, _ = agencies
    await opened(health, "H. Visitor", "visitor")
    async with visiting(health) as visitors:
        admin, lead, me = (Browser(visitors[None].client) for _ in range(3))
        admin.cookies = {"patchwork": Role.ADMINISTRATOR.value}
        lead.cookies = {"patchwork": Role.GOVERNANCE_LEAD.value}
        account = await health.read(lambda t: t.accounts.named("visitor"))
        assert account is not None
        path = f"/administration/accounts/{account.id}"
        await admin.get(path)
        assert await admin.post(path, what="link") == 200
        assert "/welcome/" in admin.html
        await admin.get(path)
        assert await admin.post(path, what="administrator") == 303
        assert await me.sign_in("visitor") == 303
        assert await me.get("/administration/accounts") == 200
        await admin.get(path)
        assert "Take their second factor away" not in admin.html
        assert await admin.post(path, what="administrator") == 400
        assert await admin.post(path, what="no_administrator") == 303
        assert await me.get("/administration/accounts") == 403
        assert await admin.post(path, what="out") == 303
        assert await me.get("/clients") == 303
        assert await admin.post(path, what="close") == 303
        assert await me.sign_in("visitor") == 400
        assert await lead.get("/governance/accounts") == 200
        for done in ("Made a link", "Made them an administrator", "no administrator any more",
                     "Signed them out", "Closed the account"):  # fmt: skip
            assert done in lead.html
        assert lead.html.count("P. Administrator (West)") >= 5
        assert "at the machine that Patchwork runs on" in lead.html


async def test_a_new_link_does_not_get_past_the_second_factor_of_whose_account_it_is(
    agencies: tuple[SimNode, SimNode], clock: Any
) -> None:
    """Nor does taking it away go unseen."""
    health, _ = agencies
    await opened(health, "H. Visitor", "visitor")
    account = await health.read(lambda t: t.accounts.named("visitor"))
    assert account is not None

    async with visiting(health) as visitors:
        admin, thief = Browser(visitors[None].client), Browser(visitors[None].client)
        await health.write(lambda t: t.factors.begin_app(account.id, "A" * 32))
        await health.write(lambda t: t.factors.confirm_app(account.id, "A" * 32, 1, 1))
        admin.cookies = {"patchwork": Role.ADMINISTRATOR.value}
        path = f"/administration/accounts/{account.id}"
        await admin.get(path)
        assert await admin.post(path, what="link") == 200
        link = admin.html.partition("/welcome/")[2].partition("<")[0]
        await thief.get(f"/welcome/{link}")
        new = "five other plain words"
        assert await thief.post(f"/welcome/{link}", password=new, again=new) == 303
        assert thief.went == "/sign-in/code?then=/"
        assert await thief.get("/clients") == 303
        await admin.get(path)
        assert await admin.post(path, what="factors") == 303
        acts = await health.read(lambda t: t.account_acts.newest(2**40, 3))
        assert acts[0].what == "factor_taken"
        assert acts[0].by.person is not None


async def test_whoever_left_is_told_so(agencies: tuple[SimNode, SimNode]) -> None:
    health, _ = agencies
    async with visiting(health) as visitors:
        await opened(health, "P. Manager", "manager")
        await health.write(lambda t: people.close(t, "P. Manager (West)", "", 2))
        me = Browser(visitors[None].client)
        assert await me.sign_in("p.manager") == 403
        assert "somebody who has left" in me.html
        assert await me.sign_in("p.manager", f"{PASSWORD}!") == 400
