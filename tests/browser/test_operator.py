"""The operator's office in a browser: coming in, comparing words, a wave, take-up, suspending."""

import re

from playwright.async_api import Browser

from hub.members import accounts
from tests.browser.screen import PASSWORD, WIDE, Screen, at_screen
from tests.sim.federation import SimFederation, SimNode
from tests.sim.office import office_of
from tests.sim.test_operator_pages import applied
from transport.server import listening

LINK = "a-link-that-was-handed-over"


async def test_an_operator_lets_somebody_in_opens_a_wave_and_stops_a_member(
    browser: Browser, linked: SimFederation, health: SimNode, care: SimNode
) -> None:
    site = await office_of(linked)
    await linked.hub_write(lambda t: accounts.invite(t, "Olive", LINK, linked.clock()))
    _, words = await applied(linked)
    (member,) = (await care.team("c1")).others
    for _ in range(5):
        await care.ask("c1", member.involvement_id)
    await linked.hub.jobs.daily()
    async with (
        listening(site.application(), "127.0.0.1", 0) as port,
        at_screen(browser, f"http://127.0.0.1:{port}") as me,
    ):
        await me.open(f"/welcome/{LINK}")
        await me.fill("Password", PASSWORD)
        await me.fill("The same password again", PASSWORD)
        await me.click("Save and sign in")
        assert await me.heading() == "Overview"
        await me.sees("Nothing is amiss.")
        await me.click("1 organisation waits until its words are compared")
        await me.click("Housing")
        await me.sees(words)
        await me.click("The words are the same: approve")
        await me.click("Approve")
        await me.sees("Enter the words as you heard them")
        await me.fill("The words as you heard them", words)
        await me.click("Approve")
        await linked.hub.jobs.admit()
        await wave_of(me)
        await looks_around(me)
        await me.click("Members")
        await me.click("Social care")
        await me.click("Suspend")
        await me.fill("Why do you suspend Social care?", "A laptop was lost")
        await me.click("Continue")
        assert await me.heading() == "Suspend Social care?"
        await me.click("Suspend now")
        await me.sees("It is to be suspended.")
        await linked.hub.jobs.admit()
        await me.page.reload()
        await me.click("Let it go on")
        await me.click("Let it go on")
        await me.sees("It is to go on.")
        await me.click("Sign out")
        await me.open("/members")
        assert await me.heading() == "Sign in"


async def wave_of(me: Screen) -> None:
    """A wave of two is begun, one is invited, one trained."""
    await me.click("Waves")
    await me.click("Begin a wave")
    await me.click("Save")
    await me.sees("Enter the day on which they go live")
    await me.fill("Name", "North")
    for part, text in (("Day", "14"), ("Month", "3"), ("Year", "2027")):
        await me.fill(part, text)
    await me.fill("Organisations", "Housing\nPolice")
    await me.click("Save")
    await me.sees("0 of 2 are ready to open.")
    await me.choose("Police")
    await me.choose("Make an invitation for each")
    await me.click("Continue")
    await me.sees("It is not shown again.")
    async with me.page.expect_download() as waiting:
        await me.page.get_by_role("button", name=re.compile("Save invitation")).click()
    assert (await waiting.value).suggested_filename.startswith("invitation-")
    await me.open("/waves/1")
    await me.choose("Housing")
    await me.choose("Write down that their people were trained, today")
    await me.click("Continue")
    await me.sees("its first publication; its opening")


async def looks_around(me: Screen) -> None:
    """Every other place of the navigation, and every chart with its table."""
    for place in ("Overview", "Invitations", "Back", "Key holders", "Agreement", "Take-up"):
        await me.click(place)
    tables = await me.page.locator("details").count()
    assert tables == 7
    drawn = await me.page.locator("svg > desc").count()
    assert drawn == tables - 5, "organisations and requests; of the others there are too few"
    for number in range(tables):
        await me.page.locator("summary").nth(number).click()
    await me.page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    await me.examine()
    await me.click("Social care")
    assert await me.heading() == "Take-up at Social care"
