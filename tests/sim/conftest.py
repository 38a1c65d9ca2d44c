"""Fixtures: a federation in memory, and one with two agencies that share a client."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.sim.federation import SimFederation, SimNode, simulated, two_agencies


async def _built(folder: Path, *, linked: bool) -> SimFederation:
    async with simulated(folder) as made:
        if linked:
            await two_agencies(made)
    return made


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> SimFederation:
    """A federation without agencies, closed: to be copied."""
    return asyncio.run(_built(tmp_path_factory.mktemp("founded"), linked=False))


@pytest.fixture(scope="session")
def two_linked(tmp_path_factory: pytest.TempPathFactory) -> SimFederation:
    """A federation with two agencies that share a client, closed: to be copied."""
    return asyncio.run(_built(tmp_path_factory.mktemp("two"), linked=True))


@pytest.fixture
def left(request: pytest.FixtureRequest) -> SimFederation:
    """What the federation goes on from: where a test wants the two agencies, they are there."""
    wanted = "agencies" in request.fixturenames
    made: SimFederation = request.getfixturevalue("two_linked" if wanted else "founded")
    return made


@pytest_asyncio.fixture
async def federation(tmp_path: Path, left: SimFederation) -> AsyncIterator[SimFederation]:
    """A founded federation; without agencies unless a test asks for `agencies` too."""
    async with simulated(tmp_path, resume=left) as made:
        yield made


@pytest.fixture
def agencies(federation: SimFederation) -> tuple[SimNode, SimNode]:
    """Health visiting and social care, linked through Amira."""
    health, care = federation.nodes.values()
    return health, care
