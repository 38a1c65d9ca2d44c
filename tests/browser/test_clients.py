"""Own clients in a browser: the list, finding, adding in thirty seconds, and looking at others'."""

from playwright.async_api import Browser

from node.records import people
from node.records.people import Appointment
from node.store.merges import Preset
from node.store.people import PersonKind
from tests.browser.screen import at_screen, pages_of
from tests.sim.federation import SimFederation, SimNode

USUAL = Preset("usual", "health_visiting", None, "East", "UK-CA04-S10-S11", 365)


async def test_a_client_is_added_on_three_pages_with_four_fields(
    browser: Browser, linked: SimFederation, health: SimNode
) -> None:
    async with pages_of(health, visitor="H. Visitor") as address, at_screen(browser, address) as me:
        await me.sign_in("visitor")
        await me.click("Add a client")
        await me.sees("Nobody has set up yet")
        await health.write(lambda tables: tables.merges.put_preset(USUAL))
        await me.open("/clients")
        me.counted.pages = me.counted.fields = me.counted.clicks = 0
        await me.click("Add a client")
        await me.fill("First names", "Ruby-Mae Aoife")
        await me.fill("Last name", "O'Neil-Wrzeszczynska")
        await me.fill("Date of birth", "9 8 2017")
        await me.fill("Postcode (if you know it)", "LX3 4AB")
        await me.click("Add")
        assert (me.counted.pages, me.counted.fields, me.counted.clicks) == (2, 4, 2)
        await me.sees("Ruby-Mae Aoife O'Neil-Wrzeszczynska")
        await me.page.go_back()
        await me.open("/clients")
        assert await me.page.get_by_text("O'Neil-Wrzeszczynska").count() == 1
        assert await health.read(lambda t: len(t.people.acts())) == 1


async def test_somebody_alike_is_shown_before_anything_is_added(
    browser: Browser, health: SimNode
) -> None:
    await health.write(lambda tables: tables.merges.put_preset(USUAL))
    async with pages_of(health, visitor="H. Visitor") as address, at_screen(browser, address) as me:
        await me.sign_in("visitor")
        await me.click("Add a client")
        await me.click("Add")
        await me.sees("Enter a name")
        await me.fill("First names", "Amirah")
        await me.fill("Last name", "Hassan")
        await me.fill("Date of birth", "31 2 2022")
        await me.click("Add")
        await me.sees("Enter a real date of birth")
        assert await me.page.get_by_label("First names").input_value() == "Amirah"
        await me.fill("Date of birth", "14/3/2022")
        await me.click("Add")
        assert await me.heading() == "Is it one of these?"
        await me.click("Add as a new client")
        await me.sees("Amirah Hassan")
        found = await health.read(lambda t: len(t.records.clients_after(0, 10)))
        assert found == 3


async def test_looking_at_somebody_elses_client_asks_why_and_is_written_down(
    browser: Browser, health: SimNode
) -> None:
    said = Appointment("W. Est", "West", PersonKind.WORKER, {})
    west = await health.write(lambda tables: people.appoint(tables, said, 1))
    async with pages_of(health, west="W. Est") as address, at_screen(browser, address) as me:
        await me.sign_in("west")
        await me.sees("You work with no clients yet")
        await me.click("Find")
        await me.fill("Name, date of birth, postcode or number", "hasan amira")
        await me.page.get_by_role("button", name="Find").click()
        await me.click("Amira Hassan")
        assert await me.heading() == "Why do you open this client’s page?"
        assert await health.read(lambda t: t.openings.newest(2**40, 9, with_reason=False)) == []
        await me.click("Open the page")
        await me.sees("Choose why you open the page")
        await me.choose("Another reason: say it below")
        await me.fill("In a few words", "The school rang about a bruise")
        await me.click("Open the page")
        assert "Amira" in await me.page.inner_text("main")
        (looked,) = await health.read(lambda t: t.openings.newest(2**40, 9, with_reason=True))
        assert looked.person == west.id
        assert looked.reason == "another: The school rang about a bruise"


async def test_a_record_is_corrected_work_is_closed_and_a_client_handed_over(
    browser: Browser, health: SimNode
) -> None:
    said = Appointment("C. Olleague", "East", PersonKind.WORKER, {})
    await health.write(lambda tables: people.appoint(tables, said, 1))
    row = await health.read(lambda t: t.records.client("h1").id)  # type: ignore[union-attr]
    names = {"visitor": "H. Visitor", "colleague": "C. Olleague"}
    async with (
        pages_of(health, **names) as address,
        at_screen(browser, address) as me,
        at_screen(browser, address) as other,
    ):
        await me.sign_in("visitor")
        await me.click("Amira Hassan")
        await me.click("Correct their details")
        await me.fill("Postcode", "LX3")
        await me.fill("NHS number", "999 000 0027")
        await me.click("Save")
        await me.sees("Enter a full postcode")
        await me.sees("Enter an NHS number of 10 digits")
        await me.fill("Postcode", "LX3 4AD")
        await me.fill("NHS number", "")
        await me.click("Save")
        record = (await health.read(lambda t: t.records.client("h1"))).record  # type: ignore[union-attr]
        assert (record.postcode, record.nhs_number) == ("LX3 4AD", None)
        await other.sign_in("colleague")
        await other.click("Your team's")
        await other.page.get_by_label("Tick Amira Hassan").check()
        await other.click("These are mine too")
        await other.sees("Amira Hassan")
        await me.open(f"/clients/{row}")
        await me.click("Hand them over to a colleague")
        await me.page.get_by_label("Choose a colleague").select_option("C. Olleague (East)")
        await me.click("Hand over")
        await me.lacks("Amira Hassan")
        await other.open(f"/clients/{row}/close")
        await other.click("Close")
        await other.sees("Choose the work that is over")
        await other.page.locator("#work").check()
        await other.click("Close")
        await other.sees("You work with no clients yet")
