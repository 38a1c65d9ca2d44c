"""Coming in and going out, as people do it in a browser."""

import time
from urllib.parse import parse_qs

import pyotp
from playwright.async_api import Browser, expect

from node.web.pages.site import node_site
from tests.browser.screen import PASSWORD, at_screen, pages_of, served
from tests.sim.browsing import invited
from tests.sim.federation import SimNode
from tests.sim.oidc_provider import running_provider
from transport.client import HttpClient
from web.oidc import Provider, ProviderRules


async def test_somebody_signs_in_sees_their_clients_and_signs_out(
    browser: Browser, health: SimNode
) -> None:
    async with pages_of(health, visitor="H. Visitor") as address, at_screen(browser, address) as me:
        await me.open("/")
        assert await me.heading() == "Sign in"
        await me.click("Sign in")
        await me.sees("Enter your sign-in name")
        await me.fill("Your sign-in name", "visitor")
        await me.fill("Password", "a wrong password")
        await me.click("Sign in")
        await me.sees("do not match an account")
        await me.sign_in("visitor")
        assert await me.heading() == "Clients you work with"
        await me.sees("Amira Hassan")
        await me.click("Sign out")
        assert await me.heading() == "You are signed out"
        await me.open("/clients")
        assert await me.heading() == "Sign in"


async def test_what_no_page_of_ours_sent_is_not_done(browser: Browser, health: SimNode) -> None:
    """Another site's form, a form without its token, another host's name, a session that ended."""
    async with pages_of(health, visitor="H. Visitor") as address, at_screen(browser, address) as me:
        await me.sign_in("visitor")
        posts = me.page.request.post
        here = {"Origin": address}
        elsewhere = {"Origin": "https://evil.example"}
        assert (await posts(f"{address}/sign-out", headers=elsewhere)).status == 403
        assert (await posts(f"{address}/sign-out", headers={"Origin": "null"})).status == 403
        assert (await posts(f"{address}/sign-out", headers=here)).status == 403
        wrong: dict[str, str | float | bool] = {"csrf": "0" * 64}
        assert (await posts(f"{address}/sign-out", headers=here, form=wrong)).status == 403
        rebound = {"Host": "evil.example"}
        assert (await me.page.request.get(f"{address}/clients", headers=rebound)).status == 421
        await me.open("/clients")
        assert await me.heading() == "Clients you work with"
        await health.write(lambda t: t.tx.run("UPDATE session SET seen_at = 0, started_at = 0"))
        await me.open("/clients")
        assert await me.heading() == "Sign in"


async def test_a_link_in_a_mail_leads_whoever_is_signed_in_where_it_says(
    browser: Browser, health: SimNode
) -> None:
    """A browser keeps the session's cookie back at first; and nothing of the session is lost."""
    async with pages_of(health, visitor="H. Visitor") as address, at_screen(browser, address) as me:
        await me.sign_in("visitor")
        mail = await me.page.context.new_page()
        link = f'<a href="{address}/news">There is news</a>'
        await mail.route(
            "https://mail.example/",
            lambda route: route.fulfill(body=link, content_type="text/html"),
        )
        await mail.goto("https://mail.example/")
        await mail.click("a")
        await expect(mail.locator("h1")).to_have_text("What is new")
        await me.open("/clients")
        assert await me.heading() == "Clients you work with"


async def test_guessing_a_password_is_slowed_down(browser: Browser, health: SimNode) -> None:
    async with pages_of(health, visitor="H. Visitor") as address, at_screen(browser, address) as me:
        await me.page.goto(f"{address}/sign-in")
        for _ in range(5):
            await me.page.get_by_label("Your sign-in name").fill("visitor")
            await me.page.get_by_label("Password").fill("guessed by somebody")
            await me.page.get_by_role("button", name="Sign in").click()
            await me.sees("do not match an account")
        await me.fill("Your sign-in name", "visitor")
        await me.fill("Password", PASSWORD)
        await me.click("Sign in")
        await me.sees("too many tries")
        health.membership.env.clock.now += 61  # type: ignore[attr-defined]
        await me.sign_in("visitor")
        assert await me.heading() == "Clients you work with"


async def test_somebody_sets_up_a_second_factor_and_sees_their_sign_ins(
    browser: Browser, health: SimNode
) -> None:
    clock = health.membership.env.clock
    async with pages_of(health, visitor="H. Visitor") as address, at_screen(browser, address) as me:
        await me.sign_in("visitor")
        await me.click("Signed in as H. Visitor (East)")
        assert await me.heading() == "Your sign-ins"
        await me.sees("This one")
        await me.click("Second factor")
        await me.click("Set up an app for codes")
        drawn = me.page.get_by_alt_text("A QR code that the app reads.", exact=False)
        assert await drawn.evaluate("(picture) => picture.naturalWidth") > 100
        secret = (await me.page.locator("strong.pw-name").inner_text()).replace(" ", "")
        await me.fill("Code that the app shows", "000000")
        await me.click("Finish")
        await me.sees("This is not the code that the app shows now")
        await me.fill("Code that the app shows", pyotp.TOTP(secret).at(clock()))
        await me.click("Finish")
        assert await me.heading() == "Your recovery codes"
        await me.click("I have kept them: go on")
        await me.click("Sign out")
        clock.now += 60  # type: ignore[attr-defined]
        await me.open("/sign-in?then=/news")
        await me.fill("Your sign-in name", "visitor")
        await me.fill("Password", PASSWORD)
        await me.click("Sign in")
        assert await me.heading() == "Enter a code"
        await me.click("Continue")
        await me.sees("Enter a code")
        await me.fill("Code", pyotp.TOTP(secret).at(clock()))
        await me.click("Continue")
        assert me.page.url == f"{address}/news"
        clock.now += 16 * 60  # type: ignore[attr-defined]
        await me.open("/your-sign-ins/second-factor")
        assert await me.heading() == "Show that it is you"
        await me.fill("Code", pyotp.TOTP(secret).at(clock()))
        await me.click("Continue")
        await me.choose("Use no app for codes any more")
        await me.click("Continue")
        await me.open("/your-sign-ins")
        await me.sees("You sign in with a password alone.")
        await me.click("Change your password")
        await me.fill("The password you have now", PASSWORD)
        await me.fill("New password", "five other plain words")
        await me.fill("The new password again", "five other plain words")
        await me.click("Change password")
        assert await me.heading() == "Your password is changed"


async def test_a_passkey_signs_in_and_is_taken_once(browser: Browser, health: SimNode) -> None:
    """Chromium's own authenticator. What it answered once opens nothing, nor elsewhere."""
    clock = health.membership.env.clock
    async with pages_of(health, visitor="H. Visitor") as numbers:
        address = numbers.replace("127.0.0.1", "localhost")
        async with at_screen(browser, address) as me:
            tools = await me.page.context.new_cdp_session(me.page)
            await tools.send("WebAuthn.enable")
            options = {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                "hasUserVerification": True, "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }  # fmt: skip
            await tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
            await me.sign_in("visitor")
            await me.open("/your-sign-ins/passkeys")
            await me.sees("You have no passkey.")
            await me.click("Add a passkey of this device")
            await me.sees("Enter a name by which you will know it again")
            await me.fill("What you call it", "work <telephone>")
            await me.click("Add a passkey of this device")
            assert await me.heading() == "Your recovery codes"
            await me.click("I have kept them: go on")
            await me.click("Sign out")
            sent: list[str] = []
            me.page.on("request", lambda request: sent.append(request.post_data or ""))
            await me.open("/sign-in")
            await me.click("Sign in with a passkey")
            assert await me.heading() == "Clients you work with"
            (used,) = {parse_qs(one)["passkey"][0] for one in sent if "passkey=%7B" in one}

            clock.now += 16 * 60  # type: ignore[attr-defined]
            await me.open("/your-sign-ins/passkeys")
            assert await me.heading() == "Show that it is you"
            await me.click("Use a passkey")
            await me.sees("work <telephone>")
            await me.click("Sign out")
            await me.open("/sign-in")
            for _ in range(2):  # what was taken down on the way, and again
                await me.page.evaluate(
                    """(used) => { const form = document.querySelector("[data-passkey]").form;
                    form.elements.passkey.value = used; }""",
                    used,
                )
                async with me.page.expect_navigation():
                    await me.page.evaluate(
                        """() => document.querySelector("[data-passkey]").form.requestSubmit()"""
                    )
                await me.sees("This passkey is not known here")
            await me.fill("Your sign-in name", "visitor")
            await me.fill("Password", PASSWORD)
            await me.click("Sign in")
            assert await me.heading() == "Enter a code"
            await me.click("Sign in with a passkey")
            assert await me.heading() == "Clients you work with"
            await me.open("/your-sign-ins/passkeys")
            await me.click("Remove work <telephone>")
            await me.sees("You have no passkey.")
            await me.click("Sign out")
            await me.open("/sign-in")
            await me.click("Sign in with a passkey")
            await me.sees("This passkey is not known here")


async def test_somebody_comes_in_by_their_organisation_s_own_sign_in(
    browser: Browser, health: SimNode
) -> None:
    """From another site, and no strict cookie goes along: that is what only a browser shows."""
    clock = health.membership.env.clock
    clock.now = int(time.time())  # type: ignore[attr-defined]
    secret = await invited(health, "H. Visitor", "visitor")
    async with running_provider() as home, HttpClient(allow_private=True) as http:
        rules = ProviderRules(home, "our-client", "secret", "Agency account", "our-tenant")
        service = health.service
        engine, env = service.membership.engine, service.membership.env
        site = node_site(engine, [service], service.settings, env)
        site.provider = Provider(rules, http, env)
        async with (
            served(site) as address,
            at_screen(browser, address) as me,
        ):
            await me.open(f"/welcome/{secret}")
            me.looks = False
            for again in (False, True):
                if again:
                    await me.click("Sign out")
                    await me.open("/sign-in")
                await me.click("Sign in with Agency account")
                assert me.page.url.startswith(home)
                await me.page.locator("input[name=sub]").first.fill("visitor-at-home")
                await me.page.get_by_role("button", name="Authorize").first.click()
                await me.page.wait_for_url(f"{address}/clients")
                await me.sees("Amira Hassan")
            me.asked.clear()
            me.looks = True
            await me.open("/sign-in/organisation/back?code=none")
            await me.sees("did not begin this sign-in")
