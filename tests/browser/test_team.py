"""From one's own clients to a colleague's number: the team, the request, the card."""

from playwright.async_api import Browser

from tests.browser.screen import Screen, at_screen, pages_of
from tests.sim.federation import SimFederation, SimNode

SOCIAL_CARE = "01632 960100"


async def ask(me: Screen) -> str:
    """From the team's page to "sent"; the request's id."""
    await me.click("Ask for contact details", exact=False)
    await me.choose("Safeguard or promote the welfare of a child")
    await me.click("Continue")
    await me.choose("Co-operation to improve well-being")
    await me.click("Continue")
    await me.choose("Health visitor")
    await me.click("Continue")
    await me.fill("Why is it necessary?", "New worries since the last visit")
    await me.click("Continue")
    await me.sees("Child in need")
    await me.choose("Tomorrow")
    await me.click("Send request")
    return me.page.url.rpartition("/")[2]


async def test_from_my_clients_to_a_colleagues_number(
    browser: Browser, linked: SimFederation, health: SimNode, care: SimNode
) -> None:
    async with pages_of(health, visitor="H. Visitor") as address, at_screen(browser, address) as me:
        await me.sign_in("visitor")
        await me.click("Amira Hassan")
        await me.sees("Social care works with them too: Child in need.")
        line = me.page.get_by_role("link", name=f"Social care: {SOCIAL_CARE}").first
        assert await line.get_attribute("href") == "tel:01632960100"
        assert me.counted.clicks == 1  # and the second one dials

        me.counted.pages = 0
        request = await ask(me)
        assert me.counted.pages <= 6
        assert await me.heading() == "Your request is with Social care"
        await me.sees("with the worker until")
        await me.page.go_back()
        await me.page.go_back()
        await linked.settle()
        assert len(await linked.entries("request")) == 1

        await care.answer(request)
        await linked.settle()
        await me.open(f"/requests/{request}")
        assert await me.heading() == "Contact details from Social care"
        await me.sees("S. Worker")
        number = me.page.get_by_role("link", name="07700 900123")
        assert await number.get_attribute("href") == "tel:07700900123"
        await me.sees("You may keep this until")
        await me.click("Go to this client’s page")
        await me.sees("S. Worker")
        await me.lacks("New since you last looked")
        await me.click("See contact details", exact=False)

        await me.click("This is about the wrong person")
        await me.click("Yes, it is the wrong person")
        assert await me.heading() == "It was the wrong person"
        await me.lacks("07700 900123")
        await me.click("Requests I sent")
        await me.sees("It was the wrong person")
