"""Importing a file in a browser: each page of it, with what can go wrong on the way."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, expect

from node.records import people
from node.records.people import Appointment
from node.store.people import PersonKind
from tests.browser.screen import at_screen, pages_of
from tests.sim.federation import SimNode

HEAD = "Client Id,First name,Surname,DoB,Postcode,Service\n"
ROWS = (
    "x1,Erin,Plattworth,23/06/2019,LX4 2BD,HV\n"
    "x2,Erin,Plattworth,23/06/2019,LX4 2BE,HV\n"
    ",Nobody,Orr,,,HV\n"
    "x4,Ren?e,Orr,31/02/2018,LX3,HV\n"
)


@pytest_asyncio.fixture(loop_scope="session")
async def office(health: SimNode) -> AsyncIterator[str]:
    """The pages of health visiting, where M. Anager imports; their address."""
    (health.folder / "node.toml").touch()
    said = Appointment("M. Anager", "East", PersonKind.MANAGER, {})
    await health.write(lambda tables: people.appoint(tables, said, 1))
    async with pages_of(health, manager="M. Anager") as address:
        yield address


async def test_a_file_is_brought_looked_at_and_imported(
    browser: Browser, office: str, health: SimNode
) -> None:
    async with at_screen(browser, office) as me:
        me.looks = False
        await me.sign_in("manager")
        me.looks = True
        await me.click("Import")
        await me.click("Continue")
        await me.sees("Choose a file")
        me.looks = False
        await me.bring("File", "a letter.csv", "Dear all\n")
        await me.click("Continue")
        await me.sees("The first lines have one column only")
        await me.bring("File", "a very long name of a file of the north team 2026.csv", HEAD + ROWS)
        me.looks = True
        await me.click("Continue")
        assert await me.heading() == "Which column is what?"
        await me.sees("Plattworth")
        column = me.page.get_by_label("What is the column Client Id?")
        await column.select_option("Not used")
        await me.click("Continue")
        await me.sees("Choose the column that has your own number of the client")
        await column.select_option("Your own number")
        await me.click("Continue")
        assert await me.heading() == "What do the words in the file mean?"
        await me.click("See what would happen")
        await me.sees("Choose what this means")
        await me.page.get_by_label("What does HV mean?").select_option("Health visiting")
        basis = me.page.get_by_label("On what lawful basis may others find out")
        await basis.select_option("Co-operation to improve well-being")
        for label, text in (("Day", "31"), ("Month", "12"), ("Year", "2027")):
            await me.fill(label, text)
        await me.click("See what would happen")
        assert await me.heading() == "This would happen"
        await me.sees("Lines 2, 3: looks like one client under two numbers")
        await me.sees("Rows that are left out")
        await me.click("Import this file")
        await expect(me.page.locator("[data-module=error-summary]")).to_be_focused()
        await me.choose("I have looked at what speaks against the file, and it is right")
        await me.click("Import this file")
        assert await me.heading() == "The file was imported"
        await me.sees("Other organisations can find those who may be found.")
        async with me.page.expect_download() as kept:
            await me.page.get_by_text("All rows that are left out, as a file").click()
        file = await (await kept.value).path()
        assert "Your own number" in file.read_text("utf-8-sig")
        assert await health.read(lambda t: len(t.people.acts())) == 1
        await me.open("/import")
        await me.sees("a very long name of a file")


async def test_a_file_is_imported_without_a_script(
    browser: Browser, office: str, health: SimNode
) -> None:
    async with at_screen(browser, office, java_script_enabled=False) as me:
        me.looks = False
        await me.sign_in("manager")
        await me.click("Import")
        await me.bring("File", "x.csv", HEAD + "x9,Ann,Bell,1/2/2018,LX4 2BD,health_visiting\n")
        await me.click("Continue")
        await me.click("Continue")
        basis = me.page.get_by_label("On what lawful basis may others find out")
        await basis.select_option("None yet: nobody else finds out")
        await me.click("See what would happen")
        await me.click("Import this file")
        await me.sees("The file was imported")
    assert await health.read(lambda t: t.records.client("x9") is not None)
