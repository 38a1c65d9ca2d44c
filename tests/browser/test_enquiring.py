"""A front door enquires about a child whom it does not know, and finds who works with her."""

from pathlib import Path

from playwright.async_api import Browser

from tests.browser.screen import at_screen, pages_of
from tests.sim import front_door
from tests.sim.federation import DUTY, SAMIR, row, simulated


async def test_the_front_door_finds_who_works_with_a_child_whom_it_does_not_know(
    browser: Browser, tmp_path: Path
) -> None:
    async with simulated(tmp_path) as federation:
        door = await front_door.built(federation)
        await door.care.take_in(row("c7", SAMIR, "child_in_need", DUTY, "S. Worker"))
        async with (
            pages_of(door.care, door="Dana Door") as address,
            at_screen(browser, address) as me,
        ):
            await me.sign_in("door")
            me.looks = False
            await me.click("Find")
            me.looks = True
            await me.click("Not one of your clients? Ask who works with them")
            await me.sees("There are no enquiries of yours.")
            await me.click("Enquire about somebody")
            await me.sees("For 14 days whoever works with them sees that Lexbridge Children asks")
            await me.fill("First names", "Amira")
            await me.fill("Last name", "Hassan")
            await me.click("Continue")
            await me.sees("Enter a name with a date of birth, or an NHS number")
            me.looks = False
            said = {
                "First names": "Samir", "Last name": "Hassan", "Day": "14", "Month": "3",
                "Year": "2022", "Postcode": "LX3 4AB",
            }  # fmt: skip
            for label, text in said.items():
                await me.fill(label, text)
            me.looks = True
            await me.click("Continue")
            assert await me.heading() == "Is it one of your own clients?"
            await me.sees("Lexbridge Children works with them already.")
            me.looks = False
            await me.click("Back")
            for label, text in {**said, "First names": "Amira"}.items():
                await me.fill(label, text)
            await me.click("Continue")
            await me.sees("Lexbridge Children knows somebody very like them.")
            await me.click("It is none of these: go on")
            await me.choose("Safeguard or promote the welfare of a child")
            await me.click("Continue")
            await me.choose("Social worker")
            await me.click("Continue")
            await me.fill("Enquiry reference", "Caller of Monday")
            await me.click("Continue")
            await me.choose("Informed")
            me.looks = True
            await me.click("Continue")
            assert await me.heading() == "Check and enquire"
            me.looks = False
            await me.click("Enquire")
            assert await me.heading() == "Amira Hassan"
            await federation.round()
            await me.open(me.page.url.removeprefix(address))
            await me.sees("Housing tenancy")
            await me.lacks("Drug")
            me.looks = True
            await me.open("/enquiries")
            await me.sees("The hub allowed it.")
            me.looks = False
            await me.click("End it now", exact=False)
            await me.sees("It is over.")
        await federation.settle()
        assert (await door.housing.team("t1")).others == ()
        assert await door.decisions() == [("allow", None)]
