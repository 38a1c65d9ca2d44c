"""A client agrees, one question a page; has their own copy on paper; and takes it back."""

import json

from playwright.async_api import Browser

from tests.browser.screen import Screen, at_screen, pages_of
from tests.sim.federation import AMIRA, SimFederation, SimNode, row
from tests.sim.test_consents import card_of, works_of

OTHERS = "What they agreed to: record, receipt, take back"


async def youth_project(linked: SimFederation) -> SimNode:
    """A charity that works with Amira, who has not agreed yet that others know."""
    charity = await linked.join("Lea Youth", "charity")
    await charity.take_in(row("y1", AMIRA, "youth_work", None, "Y. Worker"))
    await charity.publish()
    return charity


async def record(me: Screen, wording: str) -> None:
    """From the first question to the last page."""
    await me.sees("Say this first, in your own words")
    await me.click("Continue")
    await me.sees("Tick at least one thing that they agree to")
    await me.choose("Coordinate early help for a family")
    await me.click("Continue")
    await me.choose("Health provider")
    await me.click("Continue")
    await me.fill("Which wording did they agree to?", wording)
    await me.click("Continue")
    await me.choose("The young person, who understands what it means (Gillick-competent)")
    await me.click("Continue")
    await me.choose("In person, by word of mouth")
    await me.click("Continue")
    await me.choose("Just now")
    await me.click("Continue")
    await me.choose("For 12 months")
    await me.click("Continue")
    await me.click("Continue")  # nobody says where the proof is kept


async def test_a_consent_is_recorded_given_on_paper_and_taken_back(
    browser: Browser, linked: SimFederation, health: SimNode
) -> None:
    charity, odd = await youth_project(linked), "<script>alert(1)</script> \u05d0\u05d1\u05d2"
    async with (
        pages_of(charity, worker="Y. Worker") as address,
        at_screen(browser, address) as me,
    ):
        await me.sign_in("worker")
        await me.click("Amira Hassan")
        await me.click(OTHERS)
        await me.sees("Nobody is shown this work: nothing in the record lets others know of it.")
        await me.click("Record a consent")
        await record(me, odd)
        assert await me.heading() == "Check and record this consent"
        await me.sees("can find out that Lea Youth does, and ask how to reach your worker")
        await me.sees(odd)
        await me.page.go_back()
        assert await me.page.title() == "Where do you keep the proof? – Lea Youth – Patchwork"
        await me.page.go_forward()
        me.looks = False
        await me.click("Change Wording", exact=False)
        await me.fill("Which wording did they agree to?", "Form 4")
        await me.click("Continue")
        me.looks = True
        await me.click("Record consent")
        await me.sees("The consent is recorded. Give them their copy")
        await me.sees("In force")
        assert await me.page.get_by_text("21 September 2027").count() == 2, "one last day"

        await me.click("Receipt to print", exact=False)
        await on_paper(me)
        await linked.round()
        await health.membership.sync()
        assert await works_of(health, "h1") == {"Youth work"}
        await health.agree("h1", classes=["charity"])
        request_id = await card_of(linked, (charity, health), purpose="early_help")

        await me.click("Back")
        await me.click("They take it back")
        await me.sees("Nobody finds out any more that Lea Youth works with them: Youth work.")
        await me.sees("Contact details that left because of it are called back and deleted: Health")
        await me.sees("What somebody has read they have read.")
        await me.click("Take it back now")
        await me.sees("It is taken back.")
        await me.sees("Taken back")
        await linked.settle()
    assert await works_of(health, "h1") == set()
    assert (await health.sent(request_id))["state"] == "recalled"
    assert await charity.read(lambda t: (t.count("consent"), t.count("consent_draft"))) == (1, 0)


async def on_paper(me: Screen) -> None:
    """The receipt on the screen, on paper and as a file."""
    says = "Lea Youth may let others know that it works with you (Youth work)"
    await me.sees(says)
    assert await me.named("Print").is_visible()
    await me.page.emulate_media(media="print")
    for name in ("Print", "Sign out", "Back", "Inbox"):
        assert not await me.named(name).first.is_visible(), name
    assert await me.page.get_by_text(says, exact=False).is_visible()
    await me.page.emulate_media(media="screen")
    path = await me.named("Save as a file", exact=False).get_attribute("href")
    answer = await me.page.request.get(me.address + str(path))
    receipt = json.loads(await answer.text())
    (processing,) = receipt["pii_processing"]
    assert processing["privacy_notice"] == "Form 4"
    assert processing["recipient_third_parties"] == ["health_provider"]
