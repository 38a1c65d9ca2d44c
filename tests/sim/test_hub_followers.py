"""A second process of a hub on PostgreSQL, which does not lead, beside the one that does."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from hub.matching import applying
from hub.matching.applying import Applying
from hub.server.service import HubService
from hub.server.services import Services
from protocol.errors import ErrorCode, LocalError
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.tiles import Tile
from protocol.messages.bodies import PublicationBody
from protocol.messages.statement import parse_statement
from tests.sim.crowd import crowd
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_bad_luck import late_lines
from tests.sim.test_without_quorum import sleep

Agencies = tuple[SimNode, SimNode]
pytestmark = pytest.mark.parametrize("database", ["postgres"], indirect=True)


@pytest_asyncio.fixture
async def second(federation: SimFederation) -> AsyncIterator[HubService]:
    """Another process, started from the same folder."""
    hub = federation.hub
    made = HubService(federation.folder / "hub", hub.settings, hub.env)
    await made.start()
    yield made
    await made.jobs._services.publisher.close()
    await made.engine.close()


@pytest.fixture
def services(second: HubService) -> Services:
    return second.jobs._services


async def test_it_knows_what_the_leader_has_published(
    federation: SimFederation, agencies: Agencies, services: Services
) -> None:
    _, care = agencies
    leading, following = federation.services.publisher, services.publisher
    before = following.size
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.checkpoint()
    assert leading.size > before
    assert following.size == before
    await following.follow()
    assert (following.size, following.witnessed_size) == (leading.size, leading.witnessed_size)
    index = leading.size - 1
    assert following.has_quorum(index)
    assert await following.proof(index) == await leading.proof(index)
    assert following.tiles.read_checkpoint() == leading.tiles.read_checkpoint()
    assert following.tiles.read_tile(Tile(0, 0, 3)) == leading.tiles.read_tile(Tile(0, 0, 3))


async def test_it_signs_nothing_and_makes_nothing(
    federation: SimFederation,
    second: HubService,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signed = list[Any]()
    monkeypatch.setattr("hub.log.publisher.sign_checkpoint", lambda *given: signed.append(given))
    tiles = await federation.hub_read(lambda t: t.tx.rows("SELECT level, idx, hashes FROM tile"))
    size = await federation.hub_read(lambda tables: tables.log.next_index())
    await federation.hub_write(lambda tables: tables.ends.owe(1))
    for work in (second.jobs.ends, second.jobs.round, second.jobs.erase, second.jobs.watch):
        with pytest.raises(LocalError, match="another process of this hub leads") as caught:
            await work()
        assert caught.value.code is ErrorCode.CONFLICT
    await federation.hub.jobs.ends()
    with pytest.raises(LocalError, match="another process of this hub leads"):
        await services.publisher.step(federation.network)  # type: ignore[arg-type]
    assert signed == []
    held = await federation.hub_read(lambda t: t.tx.rows("SELECT level, idx, hashes FROM tile"))
    assert held == tiles
    assert await federation.hub_read(lambda tables: tables.log.next_index()) == size + 1


async def test_lines_that_come_to_it_reach_the_leader(
    federation: SimFederation, agencies: Agencies, services: Services
) -> None:
    _, care = agencies
    leading = federation.services.publisher
    sleep(federation)
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.checkpoint()
    index = leading.size - 1
    assert not leading.has_quorum(index)
    names = set[str]()
    for number in (0, 1):
        text, lines = await late_lines(federation, number)
        names |= set(await services.publisher.take(text, lines))
    await federation.checkpoint()
    assert leading.has_quorum(index)
    published = leading.tiles.read_checkpoint()
    assert published is not None
    assert len(names) == 2
    assert names < {line.name for line in parse_checkpoint(published)[0].signatures}


async def test_of_two_that_are_given_the_last_chunk_at_once_one_applies_it(
    federation: SimFederation,
    agencies: Agencies,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    health, _ = agencies
    monkeypatch.setattr(applying, "ROWS_A_STEP", 1)
    begun = list[Any]()
    real = federation.services.intake.uploading.apply

    async def twice(statement: Any) -> Any:
        """The other process is given it in the midst of the first's work."""
        steps = Applying(services.signer, statement).check()
        answer: object = None
        for _ in range(6):
            begun.append(steps)
            answer = await services.engine.write(steps.send(answer))
        logged = await real(statement)
        with pytest.raises(LocalError, match="applied elsewhere"):
            await services.engine.write(steps.send(answer))
        return logged

    monkeypatch.setattr(type(federation.services.intake.uploading), "apply", _calls(twice))
    await health.take_in(*crowd(5))
    await health.publish()
    stubs = await federation.hub_read(lambda t: t.tx.rows("SELECT 1 FROM stub WHERE retired = 0"))
    assert len(begun) == 6
    assert len(stubs) >= 5


def _calls(work: Any) -> Any:
    async def call(_self: Any, statement: Any) -> Any:
        return await work(statement)

    return call


async def test_what_it_has_logged_is_in_force_before_the_leaders_next_round(
    federation: SimFederation, agencies: Agencies, services: Services
) -> None:
    """Its process died between the log entry and the first slice."""
    health, _ = agencies

    async def dies(_statement: str = "") -> None:
        raise LocalError(ErrorCode.STORAGE, "gone")

    object.__setattr__(federation.services.intake.uploading, "_put_in_force", dies)
    await health.take_in(*crowd(3))
    with pytest.raises(Exception, match=r"."):
        await health.publish()
    object.__delattr__(federation.services.intake.uploading, "_put_in_force")
    (upload,) = await federation.hub_read(lambda tables: tables.uploads.logged())
    assert parse_statement(upload.envelope).expect(PublicationBody).body.sequence > 1
    await federation.hub.jobs.round()
    assert await federation.hub_read(lambda tables: tables.uploads.logged()) == []
    del services
