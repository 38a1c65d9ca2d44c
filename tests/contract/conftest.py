"""The engines that the stores' promises are tried on: every one of them keeps the same."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hub.store.tables import HubEngine, open_engine
from tests.postgres import set_database

HUB_ENGINES = ["sqlite", "postgres"]


@pytest_asyncio.fixture(params=HUB_ENGINES)
async def hub(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[HubEngine]:
    """An empty hub's database of each kind, which runs every body once for nothing first."""
    folder = tmp_path / "hub"
    folder.mkdir()
    if request.param == "postgres":
        set_database(folder, request.getfixturevalue("hub_database"))
    made = open_engine(folder, rehearse=True)
    yield made
    await made.close()
