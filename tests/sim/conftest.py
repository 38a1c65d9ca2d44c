"""Fixtures: a federation in memory, and one with two agencies that share a client."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.sim.federation import SimFederation, SimNode, simulated, two_agencies


@pytest_asyncio.fixture
async def federation(tmp_path: Path) -> AsyncIterator[SimFederation]:
    """A founded federation without agencies."""
    async with simulated(tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def agencies(federation: SimFederation) -> tuple[SimNode, SimNode]:
    """Health visiting and social care, linked through Amira."""
    return await two_agencies(federation)
