"""What each journey costs a person, counted: pages, fields, keys, clicks, and the machine's time.

The bounds are the promise; the table is what it comes to, and is printed with `-s`. Each page of
these journeys is examined by the story that it belongs to.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser

from node.records import people
from node.records.people import Appointment
from node.store.people import PersonKind
from tests.browser.screen import Counted, Screen, at_screen, pages_of
from tests.browser.test_clients import USUAL
from tests.browser.test_importing import HEAD
from tests.browser.test_inbox import asked
from tests.browser.test_team import ask
from tests.sim.federation import SimFederation, SimNode

ROW = "x{0},Erin,Plattworth{0},23/06/2019,LX4 2BD,health_visiting\n"
Table = dict[str, Counted]


@asynccontextmanager
async def journey(table: Table, name: str, me: Screen, start: str) -> AsyncIterator[None]:
    """From the page at `start`, which is open; what is done then is counted."""
    await me.open(start)
    me.counted = table[name] = Counted()
    yield
    me.counted = Counted()


async def add_a_client(me: Screen) -> None:
    await me.click("Add a client")
    await me.fill("First names", "Ruby-Mae Aoife")
    await me.fill("Last name", "O'Neil-Wrzeszczynska")
    await me.fill("Date of birth", "9/8/2017")
    await me.fill("Postcode (if you know it)", "LX3 4AB")
    await me.click("Add")
    await me.sees("Ruby-Mae Aoife O'Neil-Wrzeszczynska")


async def dial(me: Screen) -> None:
    await me.click("Amira Hassan")
    line = me.page.get_by_role("link", name="Social care: 01632 960100").first
    assert await line.get_attribute("href") == "tel:01632960100"
    me.counted.clicks += 1


async def answer(me: Screen) -> None:
    await me.click("Amira Hassan")
    await me.choose("Share these contact details")
    await me.click("Continue")
    await me.sees("Answered by")


async def import_first(me: Screen) -> None:
    await me.bring("File", "North team.csv", HEAD + "".join(ROW.format(n) for n in range(20)))
    await me.click("Continue")
    await me.click("Continue")
    basis = me.page.get_by_label("On what lawful basis may others find out")
    await basis.select_option("Co-operation to improve well-being")
    me.counted.fields += 1
    for label, text in (("Day", "31"), ("Month", "12"), ("Year", "2027")):
        await me.fill(label, text)
    await me.click("See what would happen")
    await me.click("Import this file")
    await me.sees("The file was imported")


async def import_again(me: Screen) -> None:
    await me.bring("File", "North team.csv", HEAD + "".join(ROW.format(n) for n in range(21)))
    await me.click("Continue")
    await me.click("Continue")
    await me.click("Import this file")
    await me.sees("The file was imported")


async def test_each_journey_costs_no_more_than_was_promised(
    browser: Browser, linked: SimFederation, health: SimNode, care: SimNode
) -> None:
    (health.folder / "node.toml").touch()
    await health.write(lambda tables: tables.merges.put_preset(USUAL))
    said = Appointment("M. Anager", "East", PersonKind.MANAGER, {})
    await health.write(lambda tables: people.appoint(tables, said, 1))
    table: Table = {}
    names = {"visitor": "H. Visitor", "manager": "M. Anager"}
    async with (
        pages_of(health, **names) as address,
        at_screen(browser, address) as me,
        at_screen(browser, address) as manager,
    ):
        me.looks = manager.looks = False
        await me.sign_in("visitor")
        await manager.sign_in("manager")
        async with journey(table, "add a client", me, "/clients"):
            await add_a_client(me)
        async with journey(table, "to a duty line", me, "/clients"):
            await dial(me)
        async with journey(table, "ask", me, me.page.url.removeprefix(address)):
            await ask(me)
        await asked(linked, care)
        async with journey(table, "answer", me, "/inbox"):
            await answer(me)
        async with journey(table, "import, first", manager, "/import"):
            await import_first(manager)
        async with journey(table, "import, again", manager, "/import"):
            await import_again(manager)
    columns = ("pages", "fields", "keys", "clicks", "questions")
    print("\n" + " " * 16 + "".join(f"{name:>10s}" for name in (*columns, "seconds")))  # noqa: T201
    for name, one in table.items():
        numbers = "".join(f"{getattr(one, column):10d}" for column in columns)
        print(f"{name:16s}{numbers}{one.seconds:10.2f}")  # noqa: T201
    add, dialled, sent, answered, first, again = table.values()
    assert (add.pages <= 3, add.fields <= 5) == (True, True)
    assert dialled.clicks == 2
    assert (sent.pages <= 6, sent.questions) == (True, 1)
    assert answered.pages == 2
    assert (first.pages <= 5, again.pages <= 4) == (True, True)
