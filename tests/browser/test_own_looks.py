"""Whether our own looks at a page can fail: pages with one fault each."""

import pytest
from playwright.async_api import Browser

from tests.browser.screen import OWN_LOOKS

GOOD = "<main><p>Words <a href='#'>a link in a sentence</a> more.</p><button>Send</button></main>"
FAULTS = {
    "focus-order": "<button tabindex=2>Later</button>",
    "focus-visible": """<style>#x, #x:focus {outline: none; box-shadow: none}</style>
        <button id=x>Here</button>""",
    "target-size": """<style>a {display: block; height: 9px; font-size: 6px}</style>
        <a href='#1'>one</a><a href='#2'>two</a>""",
    "text-spacing": """<style>div {width: 60px; overflow: hidden; white-space: nowrap}</style>
        <div>Fits here</div>""",
    "text-spacing-sideways": """<style>b {white-space: nowrap; font-size: 60px}</style>
        <b>Wide as it is</b>""",
}


@pytest.mark.parametrize("fault", [None, *FAULTS])
async def test_a_page_with_a_fault_is_found(browser: Browser, fault: str | None) -> None:
    page = await browser.new_page(viewport={"width": 400, "height": 600})
    await page.set_content(f"<!DOCTYPE html><body>{FAULTS.get(fault or '', '')}{GOOD}")
    found = {rule for rule, _ in await page.evaluate(OWN_LOOKS)}
    assert found == ({fault} if fault else set())
    assert await page.locator("[style]").count() == 0, "it is left as it was"
    await page.close()
