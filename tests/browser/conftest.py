"""A real browser, and a federation in memory whose nodes serve their pages for real.

All of it lives in one event loop for the whole session: a browser is started once.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from demo.window import browser_program
from tests.sim.conftest import _built
from tests.sim.federation import SimFederation, SimNode, simulated, two_agencies

HERE = Path(__file__).parent
SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
]  # fmt: skip
expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, without a screen."""
    program = browser_program()
    if program is None:
        pytest.fail("Chromium is not installed: make .venv/.dev installs it")
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield made
        await made.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def linked_once(tmp_path_factory: pytest.TempPathFactory) -> SimFederation:
    """Two agencies that share a client, closed: to be copied."""
    return await _built(tmp_path_factory.mktemp("pages"), two_agencies)


@pytest_asyncio.fixture(loop_scope="session")
async def linked(tmp_path: Path, linked_once: SimFederation) -> AsyncIterator[SimFederation]:
    """Two agencies that share a client."""
    async with simulated(tmp_path, resume=linked_once) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def health(linked: SimFederation) -> SimNode:
    """Health visiting, where H. Visitor works with Amira."""
    return next(iter(linked.nodes.values()))


@pytest_asyncio.fixture(loop_scope="session")
async def care(linked: SimFederation) -> SimNode:
    """Social care, where S. Worker works with Ameera."""
    return list(linked.nodes.values())[1]
