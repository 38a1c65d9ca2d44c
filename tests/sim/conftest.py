"""Fixtures: a federation in memory, and one with two agencies that share a client."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.sim import front_door
from tests.sim.federation import SimFederation, SimNode, linked, not_sure, simulated
from tests.sim.in_one_thread import in_one_thread  # noqa: F401 - a fixture of them all

if TYPE_CHECKING:
    from node.records.accounts import Role
    from tests.sim.visitors import Visitor


async def _built(
    folder: Path, begin: Callable[[SimFederation], Awaitable[object]]
) -> SimFederation:
    async with simulated(folder) as made:
        await begin(made)
    return made


async def _nothing(_federation: SimFederation) -> None:
    """Nobody has joined."""


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> SimFederation:
    """A federation without agencies, closed: to be copied."""
    return asyncio.run(_built(tmp_path_factory.mktemp("founded"), _nothing))


@pytest.fixture(scope="session")
def two_linked(tmp_path_factory: pytest.TempPathFactory) -> SimFederation:
    """A federation with two agencies that share a client, closed: to be copied."""
    return asyncio.run(_built(tmp_path_factory.mktemp("two"), linked))


@pytest.fixture(scope="session")
def two_unsure(tmp_path_factory: pytest.TempPathFactory) -> SimFederation:
    """A federation with two agencies whose clients may be one, closed: to be copied."""
    return asyncio.run(_built(tmp_path_factory.mktemp("unsure"), not_sure))


@pytest.fixture(scope="session")
def one_card(tmp_path_factory: pytest.TempPathFactory) -> SimFederation:
    """Two agencies of which one has opened a contact card of the other, closed: to be copied."""
    from tests.sim.test_recalled_cards import opened_first  # a test asks for it, and has it loaded

    return asyncio.run(_built(tmp_path_factory.mktemp("card"), opened_first))


@pytest.fixture(scope="session")
def enquiring(tmp_path_factory: pytest.TempPathFactory) -> SimFederation:
    """A federation with a front door, closed: to be copied."""
    return asyncio.run(_built(tmp_path_factory.mktemp("door"), front_door.built))


@pytest.fixture
def left(request: pytest.FixtureRequest) -> SimFederation:
    """What the federation goes on from: where a test wants the two agencies, linked or not sure, a
    request of theirs, or a front door, they are there.
    """
    wanted = {
        "request_id": "one_card",
        "agencies": "two_linked",
        "unsure": "two_unsure",
        "door": "enquiring",
    }
    found = [made for name, made in wanted.items() if name in request.fixturenames]
    made: SimFederation = request.getfixturevalue(found[0] if found else "founded")
    return made


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """Where the hub's database is: in a file, or where a test says "postgres"."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return ""
    address: str = request.getfixturevalue("hub_database")
    return address


@pytest_asyncio.fixture
async def federation(
    tmp_path: Path, left: SimFederation, database: str
) -> AsyncIterator[SimFederation]:
    """A founded federation; without agencies unless a test asks for `agencies` too."""
    async with simulated(tmp_path, resume=left, database=database) as made:
        yield made


@pytest.fixture
def agencies(federation: SimFederation) -> tuple[SimNode, SimNode]:
    """Health visiting and social care, linked through Amira."""
    health, care = federation.nodes.values()
    return health, care


@pytest_asyncio.fixture
async def request_id(agencies: tuple[SimNode, SimNode]) -> str:
    """The request of social care about Amira whose card, Helen Visitor's, is open there."""
    _, care = agencies
    sent = await care.read(lambda tables: tables.tx.one("SELECT request_id FROM sent_request"))
    assert sent is not None
    return str(sent["request_id"])


@pytest.fixture
def unsure(federation: SimFederation) -> tuple[SimNode, SimNode]:
    """Health visiting and social care, whose clients are perhaps one."""
    health, care = federation.nodes.values()
    return health, care


@pytest_asyncio.fixture
async def door(federation: SimFederation) -> front_door.Door:
    """Children's social care with its front door, housing, and a drug service."""
    return await front_door.Door.of(federation)


@pytest.fixture
async def visitors(
    agencies: tuple[SimNode, SimNode],
) -> "AsyncIterator[dict[Role | None, Visitor]]":
    """Somebody of each role at health visiting, and somebody who has not signed in."""
    from tests.sim.visitors import visiting  # a test asks for it, and has it loaded

    async with visiting(agencies[0]) as found:
        yield found
