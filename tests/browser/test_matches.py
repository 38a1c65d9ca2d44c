"""Is it the same person? Two sides compare: what each is shown and says, and whom to call."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.screen import at_screen, pages_of
from tests.sim.conftest import _built
from tests.sim.federation import SimFederation, not_sure, simulated


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def unsure_once(tmp_path_factory: pytest.TempPathFactory) -> SimFederation:
    """Two agencies whose clients are perhaps one, closed: to be copied."""
    return await _built(tmp_path_factory.mktemp("pages"), not_sure)


@pytest_asyncio.fixture(loop_scope="session")
async def unsure(tmp_path: Path, unsure_once: SimFederation) -> AsyncIterator[SimFederation]:
    """Two agencies whose clients are perhaps one."""
    async with simulated(tmp_path, resume=unsure_once) as made:
        yield made


async def test_two_sides_compare_and_are_shown_no_more_than_they_may_be(
    browser: Browser, unsure: SimFederation
) -> None:
    health, care = unsure.nodes.values()
    async with (
        pages_of(care, worker="S. Worker") as here,
        pages_of(health, visitor="H. Visitor") as there,
        at_screen(browser, here) as me,
        at_screen(browser, there) as other,
    ):
        await me.sign_in("worker")
        await me.click("Inbox")
        await me.sees("1 thing waits for you.")
        await me.click("Amira Hassan")
        assert await me.heading() == "Is it the same person?"
        await me.sees("Which details those are nobody is shown.")
        await me.lacks("Health visiting")
        assert await me.page.get_by_role("link", name="01632 960000").count() == 1, "the duty desk"
        await me.click("Continue")
        await me.sees("Choose whether it is the same person")
        await me.choose("I cannot tell")
        await me.click("Continue")
        await me.sees("Nothing was sent, and the match stays open.")
        await me.click("Ask for an identity check")
        me.looks = False
        await me.choose("Safeguard or promote the welfare of a child")
        await me.click("Continue")
        await me.choose("Enquiry into significant harm")
        await me.click("Continue")
        await me.choose("Social worker")
        await me.click("Continue")
        await me.fill("Enquiry reference", "S47-1")
        await me.click("Continue")
        await me.choose("Informed")
        me.looks = True
        await me.click("Continue")
        await me.sees("The organisation at the other end is told at once that Social care asks")
        await me.click("Ask for an identity check")
        await me.sees("Your identity check:")
        await unsure.settle()

        await other.sign_in("visitor")
        await other.click("Inbox")
        await other.sees("Is it the same person? Others ask")
        other.counted.pages = 0
        await other.page.locator("#checks-heading ~ table a").first.click()
        await other.page.wait_for_load_state()
        await other.examine()
        assert await other.heading() == "Social care asks whether it is the same person"
        rows = [
            (await cells.inner_text()).split("\t")
            for cells in await other.page.locator("tbody tr").all()
        ]
        assert [(one[0], one[-1]) for one in rows] == [
            ("First names", "Agrees"),
            ("Last name", "Agrees"),
            ("Date of birth", "Agrees"),
            ("Postcode", "Differs"),
        ]
        await other.choose("Yes, it is the same person")
        await other.click("Continue")
        await other.sees("You said that it is the same person. Their details are deleted here.")
        await other.lacks("LX9 9ZZ")
        assert other.counted.pages == 2
        await other.page.go_back()
        await other.lacks("LX9 9ZZ")
        await unsure.settle()

        await me.click("Inbox")
        await me.sees("Health visiting says that it is the same person.")
        await me.click("Amira Hassan")
        assert await me.page.get_by_role("link", name="Health visiting: ").count() == 1
        agreeing = me.page.locator("tbody tr", has_text="Agrees")
        assert await agreeing.count() > 0, "the kind of detail that the hub named"
        await me.choose("Yes, it is the same person")
        me.looks = False
        await me.click("Continue")
        await me.sees("Your answer is taken down")
        await me.sees("Nothing waits for your answer.")
    await unsure.round()
    assert [one.agency for one in (await care.team("c1")).others] == ["Health visiting"]
