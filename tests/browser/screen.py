"""A person at a browser: what they press and type is counted, and every page they see is looked at.

Each page and state is examined when it is first reached, wide and narrow: axe-core with every rule
on, what axe does not look at (own_looks.js), one main heading, a title that begins as it should,
nothing asked of any other host; that nothing runs sideways, each time. Nobody here has a mouse:
whatever is pressed is reached by the Tab key, so that each story is one of the keyboard alone.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Locator, Page, expect

from node.records import accounts
from node.records.accounts import NewAccount
from node.web.pages.site import node_site
from tests.sim.federation import SimNode
from transport.server import listening
from web.site import Site

OWN_LOOKS = (Path(__file__).parent / "own_looks.js").read_text("utf-8")
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text("utf-8")
WIDE, NARROW = {"width": 1100, "height": 900}, {"width": 320, "height": 640}
PASSWORD = "four plain words here"
RUN_AXE = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(
  (one) => [one.id, one.nodes.map((node) => node.html.slice(0, 200))])"""
MOST_TABS = 400
HAS_FOCUS = "(one) => document.activeElement === one"
GROUP_HAS_FOCUS = """(one) => document.activeElement === one || (one.type === "radio" &&
  document.activeElement.type === "radio" && document.activeElement.name === one.name)"""
QUESTIONS = """() => document.querySelectorAll("main fieldset").length +
  [...document.querySelectorAll("main :is(input:not([type=hidden]), textarea, select)")].filter(
    (one) => !one.closest("fieldset")).length"""
SHAPE = """() => [...new Set([...document.querySelectorAll("body, body *")].map((one) =>
  one.tagName + one.getAttributeNames().join() + one.className.toString() + one.type))]"""
SIDEWAYS = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


EXAMINED: set[tuple[str, ...]] = set()


@dataclass
class Counted:
    """What a journey costs: pages that were loaded, fields, keys, clicks, the most questions that a
    page had, and the seconds that were waited for the machine.
    """

    pages: int = 0
    fields: int = 0
    keys: int = 0
    clicks: int = 0
    questions: int = 0
    seconds: float = 0


@dataclass
class Screen:
    """One browser window of one person at one site. `looks`: each page is examined; a story that
    comes through pages which another one examines sets it to False meanwhile.
    """

    page: Page
    address: str
    counted: Counted = field(default_factory=Counted)
    asked: set[str] = field(default_factory=set)
    looks: bool = True

    async def open(self, path: str) -> None:
        """Type an address."""
        began = perf_counter()
        await self.page.goto(self.address + path)
        self.counted.seconds += perf_counter() - began
        await self.examine()

    async def click(self, name: str, *, exact: bool = True) -> None:
        """Press the link or button of a name, and look at the page that it leads to."""
        found = self.named(name, exact=exact).first
        self.counted.clicks += 1
        await self._reach(found, HAS_FOCUS)
        await self._leads(self.page.keyboard.press("Enter"))

    async def choose(self, label: str) -> None:
        """Choose a radio button or tick a box by its words."""
        self.counted.clicks += 1
        found = self.page.get_by_label(label, exact=True)
        await self._reach(found, GROUP_HAS_FOCUS)
        if await found.evaluate(HAS_FOCUS):
            if not await found.is_checked():
                await self.page.keyboard.press("Space")
            return
        for _ in range(MOST_TABS):
            await self.page.keyboard.press("ArrowDown")
            if await found.is_checked():
                return
        raise AssertionError(f"no key leads to {label}")

    async def fill(self, label: str, text: str) -> None:
        """Type into the field of a label."""
        self.counted.fields += 1
        self.counted.keys += len(text)
        found = self.page.get_by_label(label, exact=True)
        await self._reach(found, HAS_FOCUS)
        await found.fill(text)

    async def bring(self, label: str, name: str, content: str) -> None:
        """Choose a file with this in it."""
        self.counted.fields += 1
        file = {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
        await self.page.get_by_label(label, exact=True).set_input_files(file)  # type: ignore[arg-type]

    async def sees(self, text: str) -> None:
        """Wait until a text is on the page."""
        await expect(self.page.get_by_text(text).first).to_be_visible()

    async def lacks(self, text: str) -> None:
        """Nothing on the page says this."""
        assert text not in await self.page.inner_text("body")

    async def heading(self) -> str:
        """The main heading."""
        return await self.page.locator("h1").first.inner_text()

    def named(self, name: str, *, exact: bool = True) -> Locator:
        """The link or button of a name."""
        by = self.page.get_by_role
        return by("link", name=name, exact=exact).or_(by("button", name=name, exact=exact))

    async def sign_in(self, name: str) -> None:
        """Sign in, and be at the first page."""
        await self.open("/sign-in")
        await self.fill("Your sign-in name", name)
        await self.fill("Password", PASSWORD)
        await self.click("Sign in")
        self.counted = Counted()

    async def examine(self) -> None:
        """Look at the page that is open, wide and narrow."""
        self.counted.pages += 1
        if not self.looks:
            return
        for size in (NARROW, WIDE):
            await self.page.set_viewport_size(size)  # type: ignore[arg-type]
            assert not await self.page.evaluate(SIDEWAYS), (self.page.url, size)
        if await self._is_new():
            await self._examine_closely()

    async def _is_new(self) -> bool:
        """Whether no page of this address had all these kinds of elements yet: another name in the
        same place is nothing new.
        """
        path = re.sub("[0-9a-f]{8,}|[0-9]+", "n", urlsplit(self.page.url).path)
        shape = (path, *sorted(await self.page.evaluate(SHAPE)))
        is_new = shape not in EXAMINED
        EXAMINED.add(shape)
        return is_new

    async def _examine_closely(self) -> None:
        await self.page.evaluate(AXE)
        for size in (NARROW, WIDE):
            await self.page.set_viewport_size(size)  # type: ignore[arg-type]
            wrong = await self.page.evaluate(RUN_AXE)
            if size == NARROW:
                wrong += await self.page.evaluate(OWN_LOOKS)
            assert wrong == [], (self.page.url, size, json.dumps(wrong, indent=1))
        assert await self.page.locator("h1").count() == 1, self.page.url
        errors = await self.page.locator("[data-module=error-summary]").count()
        assert (await self.page.title()).startswith("Error: ") == bool(errors)
        hosts = {urlsplit(url).netloc for url in self.asked if not url.startswith("data:")}
        assert hosts <= {urlsplit(self.address).netloc}

    async def _reach(self, target: Locator, reached: str) -> None:
        """Press Tab until something has the focus."""
        await expect(target).to_be_visible()
        for _ in range(MOST_TABS):
            if await target.evaluate(reached):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"the Tab key does not lead to {target}")

    async def _leads(self, pressed: Any) -> None:
        asked = int(await self.page.evaluate(QUESTIONS))
        self.counted.questions = max(self.counted.questions, asked)
        began = perf_counter()
        async with self.page.expect_navigation():
            await pressed
        self.counted.seconds += perf_counter() - began
        await self.examine()


@asynccontextmanager
async def at_screen(browser: Browser, address: str, **how: Any) -> AsyncIterator[Screen]:
    """A new window with cookies of its own."""
    context = await browser.new_context(**how)
    page = await context.new_page()
    screen = Screen(page, address)
    page.on("request", lambda request: screen.asked.add(request.url))
    try:
        yield screen
    finally:
        await context.close()


@asynccontextmanager
async def pages_of(node: SimNode, **accounts_of: str) -> AsyncIterator[str]:
    """A node's site, served for real; its address. `accounts_of`: who signs in by which name."""
    service = node.service
    engine, env = service.membership.engine, service.membership.env
    site = node_site(engine, [service], service.settings, env)
    for name, person in accounts_of.items():
        said = NewAccount(person, name, administrator=False)
        invited = partial(accounts.invite, said=said, secret=f"link-{name}", now=env.clock())
        await node.write(invited)
        await site.keeper.choose_password(f"link-{name}", PASSWORD, "")
    async with served(site) as address:
        yield address


@asynccontextmanager
async def served(site: Site[Any]) -> AsyncIterator[str]:
    """A site, served for real; its address."""
    async with listening(site.application(), "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"
