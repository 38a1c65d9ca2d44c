"""A second factor: set up, asked for, used once, asked for again, and who is kept out by it."""

import re
from typing import Any

import pyotp
import pytest

from node.records.accounts import Role
from storage.accounts import hashed
from tests.sim.browsing import PASSWORD, Browser, opened
from tests.sim.federation import SimNode
from tests.sim.visitors import Visitor, visiting

CONFIRM = "Show that it is you"


@pytest.fixture
def clock(agencies: tuple[SimNode, SimNode]) -> Any:
    return agencies[0].service.membership.env.clock


async def with_app(browser: Browser, clock: Any) -> tuple[pyotp.TOTP, list[str]]:
    """Set an app up; it and the recovery codes."""
    path = "/your-sign-ins/second-factor"
    assert await browser.get(path) == 200
    assert await browser.post(path, what="app") == 303
    assert await browser.get(f"{path}/app") == 200
    found = re.search(r'<strong class="pw-name">([A-Z2-7 ]+)</strong>', browser.html)
    assert found is not None
    app = pyotp.TOTP(found.group(1).replace(" ", ""))
    assert await browser.post(f"{path}/app", code="000000") == 400
    assert await browser.post(f"{path}/app", code=app.at(clock())) == 200
    return app, re.findall(r"<code[^>]*>([a-z2-7-]+)</code>", browser.html)


async def test_an_app_s_code_is_asked_for_and_is_taken_once(
    agencies: tuple[SimNode, SimNode], clock: Any
) -> None:
    health, _ = agencies
    await opened(health, "H. Visitor", "visitor")
    async with visiting(health) as visitors:
        client = visitors[None].client
        me = Browser(client)
        await me.sign_in("visitor")
        assert me.went == "/"
        app, codes = await with_app(me, clock)
        assert len(set(codes)) == 8
        assert await me.get("/your-sign-ins/second-factor") == 200
        assert codes[0] not in me.html

        clock.now += 60
        other = Browser(client)
        await other.sign_in("visitor")
        assert other.went == "/sign-in/code?then=/"
        assert await other.get("/clients") == 303  # a password alone opens nothing
        await other.get("/sign-in/code")
        assert await other.post("/sign-in/code", code="") == 400
        assert await other.post("/sign-in/code", code="12345") == 400
        code = app.at(clock())
        assert await other.post("/sign-in/code", code=f"{code[:3]} {code[3:]}") == 303
        assert await other.get("/clients") == 200

        thief = Browser(client)
        await thief.sign_in("visitor")
        await thief.get("/sign-in/code")
        assert await thief.post("/sign-in/code", code=code) == 400  # looked over a shoulder
        assert await thief.post("/sign-in/code", code=codes[1].upper()) == 303
        again = Browser(client)
        await again.sign_in("visitor")
        await again.get("/sign-in/code")
        assert await again.post("/sign-in/code", code=codes[1]) == 400
        kept = await health.read(lambda t: [row["code_hash"] for row in t.tx.rows(
            "SELECT code_hash FROM recovery_code")])  # fmt: skip
        assert hashed(codes[0].replace("-", "")) in kept
        assert len(kept) == 7


async def test_codes_are_guessed_no_faster_than_passwords(
    agencies: tuple[SimNode, SimNode], clock: Any
) -> None:
    health, _ = agencies
    await opened(health, "H. Visitor", "visitor")
    async with visiting(health) as visitors:
        me, thief = Browser(visitors[None].client), Browser(visitors[None].client)
        await me.sign_in("visitor")
        app, _ = await with_app(me, clock)
        clock.now += 60
        await thief.sign_in("visitor")
        await thief.get("/sign-in/code")
        for number in range(5):
            assert await thief.post("/sign-in/code", code=f"00000{number}") == 400
        assert await thief.post("/sign-in/code", code=app.at(clock())) == 400
        clock.now += 601
        assert await thief.post("/sign-in/code", code=app.at(clock())) == 303
        assert thief.went == "/sign-in"  # the password was too long ago


async def test_who_must_have_one_sets_it_up_before_anything_else(
    agencies: tuple[SimNode, SimNode], clock: Any
) -> None:
    health, _ = agencies
    health.service.settings.web_second_factor = "leads"
    async with visiting(health) as visitors:
        lead, worker = visitors[Role.GOVERNANCE_LEAD], visitors[Role.PRACTITIONER]
        assert (await worker.get("/clients")).status == 200
        answer = await lead.get("/governance")
        assert answer.status == 303
        assert answer.headers["Location"] == "/your-sign-ins/second-factor"
        assert (await lead.post("/governance")).status == 303
        browser = Browser(lead.client)
        browser.cookies = {"patchwork": lead.session}
        await with_app(browser, clock)
        assert (await lead.get("/governance")).status == 200
        path = "/your-sign-ins/second-factor"
        await browser.get(path)
        assert await browser.post(path, what="drop") == 400
        assert "not take it away" in browser.html
        assert (await lead.get("/governance")).status == 200


async def test_what_needs_it_asks_again_and_keeps_what_was_typed(
    agencies: tuple[SimNode, SimNode], clock: Any
) -> None:
    """Whoever finds an open browser cannot let somebody in; whoever has the app loses nothing."""
    health, _ = agencies
    async with visiting(health) as visitors:
        admin: Visitor = visitors[Role.ADMINISTRATOR]
        browser = Browser(admin.client)
        browser.cookies = {"patchwork": admin.session}
        app, _ = await with_app(browser, clock)
        assert await browser.get("/administration/accounts") == 200
        clock.now += 15 * 60
        fields = {"person": "H. Visitor (East)", "name": '"><b>h', "once": "once-1"}
        assert await browser.post("/administration/accounts", **fields) == 200
        assert CONFIRM in browser.html
        assert "&#34;&gt;&lt;b&gt;h" in browser.html
        assert await browser.post("/administration/accounts", **fields, confirm="000000") == 400
        assert await health.read(lambda t: t.accounts.named("h")) is None
        fields["name"] = "typed.before"
        assert (
            await browser.post("/administration/accounts", **fields, confirm=app.at(clock())) == 200
        )
        assert "/welcome/" in browser.html
        assert await health.read(lambda t: t.accounts.named("typed.before")) is not None
        assert await browser.get("/administration/accounts") == 200
        assert CONFIRM not in browser.html
        clock.now += 15 * 60
        assert await browser.get("/administration/accounts") == 200
        assert CONFIRM in browser.html
        assert "typed.before" not in browser.html
        only = {"confirm-only": "yes", "confirm": app.at(clock())}
        assert await browser.post("/administration/accounts", **only) == 303
        assert browser.went == "/administration/accounts"


async def test_without_a_second_factor_the_password_is_asked_for_again(
    agencies: tuple[SimNode, SimNode], clock: Any
) -> None:
    health, _ = agencies
    await opened(health, "H. Visitor", "visitor")
    async with visiting(health) as visitors:
        me = Browser(visitors[None].client)
        await me.sign_in("visitor")
        clock.now += 15 * 60
        path = "/your-sign-ins/second-factor"
        assert await me.get(path) == 200
        assert CONFIRM in me.html
        assert await me.post(path, what="app", confirm="a wrong password") == 400
        assert await me.post(path, what="app", confirm=PASSWORD) == 303
        assert me.went == f"{path}/app"


async def test_own_sign_ins_are_seen_and_ended_and_a_password_changed(
    agencies: tuple[SimNode, SimNode], clock: Any
) -> None:
    health, _ = agencies
    await opened(health, "H. Visitor", "visitor")
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"
    async with visiting(health) as visitors:
        client = visitors[None].client
        me, mine, lost = Browser(client), Browser(client, phone), Browser(client)
        for browser in (lost, mine, me):
            await browser.sign_in("visitor")
            clock.now += 1
        await me.get("/your-sign-ins")
        assert "Safari, iPhone" in me.html
        which = re.findall(r'name="which" value="([0-9a-f]+)"', me.html)
        assert len(which) == 3  # the one in which the password was chosen, too
        assert await visitors[Role.MANAGER].client.get("/") is not None
        assert await me.post("/your-sign-ins", which=which[0]) == 303
        assert await mine.get("/clients") == 303
        assert await lost.get("/clients") == 200
        await me.get("/your-sign-ins")
        assert await me.post("/your-sign-ins", which="0" * 16) == 400
        path = "/your-sign-ins/password"
        assert await me.get(path) == 200
        new = {"password": "five other plain words", "again": "five other plain words"}
        assert await me.post(path, old="a wrong password", **new) == 400
        assert await lost.get("/clients") == 200
        assert await me.post(path, old=PASSWORD, **new) == 200
        assert await lost.get("/clients") == 303
        assert await me.get("/clients") == 200
        assert await lost.sign_in("visitor") == 400
        assert await lost.sign_in("visitor", new["password"]) == 303


async def test_a_stranger_s_guesses_do_not_lock_out_whoever_was_there_before(
    agencies: tuple[SimNode, SimNode], clock: Any
) -> None:
    health, _ = agencies
    await opened(health, "H. Visitor", "visitor")
    async with visiting(health) as visitors:
        me, stranger = Browser(visitors[None].client), Browser(visitors[None].client)
        await me.sign_in("visitor")
        for _ in range(6):
            assert await stranger.sign_in("visitor", "guessed by somebody") == 400
        assert await stranger.sign_in("visitor") == 400
        assert await me.sign_in("visitor") == 303
        for _ in range(5):
            assert await me.sign_in("visitor", "guessed by somebody") == 400
        assert await me.sign_in("visitor") == 400  # a browser that was found open guesses no faster
        copied = dict(me.cookies)
        await health.write(lambda t: t.tx.run("UPDATE account SET failures=0, locked_until=0"))
        stranger.cookies = {"patchwork-known": "0" * 43}
        assert await stranger.sign_in("visitor") == 303
        assert stranger.cookies["patchwork-known"] not in {"0" * 43, copied["patchwork-known"]}
