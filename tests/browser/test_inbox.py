"""Answering a request in a browser: look, allow; refuse and say why; pass on; two at once."""

from playwright.async_api import Browser

from node.records import people
from node.records.people import Appointment
from node.store.people import PersonKind
from tests.browser.screen import at_screen, pages_of
from tests.sim.federation import SimFederation, SimNode


async def asked(linked: SimFederation, care: SimNode) -> str:
    """Social care asks health visiting for Amira's health visitor; it waits for a person there."""
    (member,) = (await care.team("c1")).others
    request_id = await care.ask("c1", member.involvement_id)
    await linked.settle()
    return request_id


async def colleague(health: SimNode, name: str, team: str = "East") -> None:
    said = Appointment(name, team, PersonKind.WORKER, {})
    await health.write(lambda tables: people.appoint(tables, said, 1))


async def test_a_request_is_allowed_on_two_pages(
    browser: Browser, linked: SimFederation, health: SimNode, care: SimNode
) -> None:
    request_id = await asked(linked, care)
    async with pages_of(health, visitor="H. Visitor") as address, at_screen(browser, address) as me:
        await me.sign_in("visitor")
        await me.click("Inbox")
        await me.sees("Waiting for you")
        me.counted.pages = 0
        await me.click("Amira Hassan")
        assert await me.heading() == "Social care asks for contact details"
        for said in (
            "Their duty line",
            "07700 900123",
            "w@agency.example",
            "They can keep it until",
        ):
            await me.sees(said)
        shown = await me.page.inner_text("main")
        assert "Social worker, Social care" in shown
        assert "Informed" in shown, "a fact in words, not as it travels"
        form = {
            name: await me.page.locator(f"main input[name={name}]").input_value()
            for name in ("csrf", "once")
        }
        await me.choose("Share these contact details")
        await me.click("Continue")
        await me.sees("Answered by")
        assert me.counted.pages == 2
        again = await me.page.request.post(
            f"{address}/inbox/{request_id}",
            headers={"Origin": address},
            form={**form, "answer": "refuse"},
        )
        assert "Answered by" in await again.text(), "sent again, it leads where it led"
        await me.page.go_back()
        await me.sees("Answered by")
        await linked.settle()
        await me.click("Inbox")
        await me.sees("You answered")
        await me.sees("They have your contact details")
    assert (await care.sent(request_id))["state"] == "opened"
    assert len(await linked.entries("decision")) == 1


async def test_a_refusal_says_why_and_a_colleague_can_take_a_request(
    browser: Browser, linked: SimFederation, health: SimNode, care: SimNode
) -> None:
    request_id = await asked(linked, care)
    await colleague(health, "C. Olleague")
    await colleague(health, "W. Est", "West")
    names = {"visitor": "H. Visitor", "colleague": "C. Olleague", "west": "W. Est"}
    async with (
        pages_of(health, **names) as address,
        at_screen(browser, address) as me,
        at_screen(browser, address) as other,
        at_screen(browser, address) as stranger,
    ):
        await me.sign_in("visitor")
        await me.open(f"/inbox/{request_id}")
        await stranger.sign_in("west")
        await stranger.open(f"/inbox/{request_id}")
        assert await stranger.heading() == "Page not found"
        await stranger.open("/inbox")
        await stranger.lacks("Amira")
        await stranger.click("Say when you will be away")
        last = stranger.page.get_by_role("group", name="Last day")
        for label, text in (("Day", "31"), ("Month", "12"), ("Year", "2099")):
            await last.get_by_label(label).fill(text)
        await stranger.page.get_by_label("Who covers").select_option("C. Olleague (East)")
        await stranger.click("Save")
        await stranger.sees("C. Olleague (East) covers.")
        await stranger.click("I am here again (21 September 2026 to 31 December 2099)")
        await stranger.lacks("covers.")
        await me.choose("Pass it to a colleague")
        await me.click("Continue")
        await me.click("Pass it on")
        assert "Error" in await me.page.title()
        await me.page.get_by_label("Choose a colleague").select_option("C. Olleague (East)")
        await me.click("Pass it on")
        await me.sees("C. Olleague (East)")
        await me.sees("Passed on by")

        await other.sign_in("colleague")
        await other.click("Inbox")
        await other.click("Amira Hassan")
        await other.choose("Refuse")
        await other.click("Continue")
        await other.fill("Your reason in writing (optional)", "<script>alert(1)</script> עברית")
        await other.click("Refuse the request")
        await other.sees("Choose why you refuse")
        await other.choose("Sharing is not proportionate to what they need")
        await me.choose("Share these contact details")
        await other.click("Refuse the request")
        await other.sees("<script>alert(1)</script> עברית")
        await me.click("Continue")
        await me.sees("Somebody else answered this request meanwhile")
        await linked.settle()
    assert (await care.sent(request_id))["state"] == "refused"
