"""An operator decides over members: what they show besides a password, and when it is asked for."""

from typing import Any

import pyotp

from hub.members import accounts
from tests.sim.browsing import PASSWORD, Browser
from tests.sim.federation import ON_BOTH_ENGINES, SimFederation, SimNode
from tests.sim.office import AtOffice, at_office
from tests.sim.test_second_factor import CONFIRM, with_app

Agencies = tuple[SimNode, SimNode]


async def newcomer(federation: SimFederation, office: AtOffice, name: str = "olga") -> Browser:
    """Somebody who has just chosen a password."""
    now = federation.clock()
    await federation.hub_write(lambda t: accounts.invite(t, name, f"secret-{name}", now))
    browser = Browser(office.nobody.client)
    await browser.get(f"/welcome/secret-{name}")
    await browser.post(f"/welcome/secret-{name}", password=PASSWORD, again=PASSWORD)
    return browser


@ON_BOTH_ENGINES
async def test_an_operator_shows_a_code_to_come_in_and_before_an_agency_is_stopped(
    federation: SimFederation, agencies: Agencies
) -> None:
    clock: Any = federation.hub.env.clock
    path = f"/members/{agencies[1].party_id}/suspend"
    async with at_office(federation) as office:
        me = await newcomer(federation, office)
        app, codes = await with_app(me, clock)
        thief = Browser(office.nobody.client)
        await thief.sign_in("olga")
        assert thief.went == "/sign-in/code?then=/"
        assert await thief.get("/members") == 303, "a password alone opens nothing"
        clock.now += 20 * 60
        assert await me.get(path) == 200
        assert CONFIRM in me.html
        order = {"reason": "Keys on a lost laptop", "sure": "yes"}
        assert await me.post(path, **order, confirm="000000") == 400
        assert await federation.hub_read(lambda t: t.members.orders()) == []
        assert await me.post(path, **order, confirm=app.at(clock())) == 303
        assert len(await federation.hub_read(lambda t: t.members.orders())) == 1
        await federation.hub_write(lambda t: accounts.take_factors(t, "olga"))
        assert await me.get("/members") == 303
        await me.sign_in("olga")
        assert me.went == "/"
        await me.get("/your-sign-ins")
        assert "You sign in with a password alone" in me.html
    assert len(codes) == 8
    assert isinstance(app, pyotp.TOTP)


async def test_a_hub_may_ask_every_operator_for_one(federation: SimFederation) -> None:
    federation.hub.settings.web_second_factor = "everybody"
    async with at_office(federation) as office:
        me = await newcomer(federation, office)
        assert await me.get("/members") == 303
        assert me.went == "/your-sign-ins/second-factor"
        await with_app(me, federation.hub.env.clock)
        assert await me.get("/members") == 200


async def test_a_stranger_s_wrong_passwords_do_not_keep_an_operator_out(
    federation: SimFederation,
) -> None:
    async with at_office(federation) as office:
        me, stranger = await newcomer(federation, office), Browser(office.nobody.client)
        for _ in range(6):
            assert await stranger.sign_in("olga", "not the password") == 400
        assert await stranger.sign_in("olga") == 400, "nothing is compared now"
        assert await me.sign_in("olga") == 303
        assert me.went == "/"
