"""What the stores of hub and node promise of attention.

Each scenario runs as it is, and on an engine that runs every body once for nothing first.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from hub.store.tables import HubEngine, HubTables
from node.store.attention import RAISED_MOVES, Raised, RaisedState, Received
from node.store.links import Link, LinkedInvolvement, LinkState
from node.store.people import WorkerRow
from node.store.tables import NodeTables
from protocol.errors import LocalError
from storage.engine import NotUniqueError
from tests.contract.test_node_record_stores import NOW, Node, client, sqlite, stub

HUB, OTHER, LINK = "0a" * 16, "0b" * 16, "1c" * 16
CAME = Received(HUB, "a1" * 16, "g", LINK, "s1", "health_visitor", "missing", NOW)


@pytest_asyncio.fixture(params=[False, True], ids=["once", "rehearsed"])
async def node(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Node]:
    made = sqlite(tmp_path, rehearse=request.param)
    yield made
    await made.close()


async def test_the_hub_owes_it_until_it_is_told_and_keeps_to_whom(hub: HubEngine) -> None:
    def put(tables: HubTables) -> None:
        for name, index in (("a2", 9), ("a1", 7)):
            assert not tables.attention.is_used(name)
            tables.attention.add(name, index)

    await hub.write(put)
    assert await hub.read(lambda t: t.attention.owed()) == [7, 9]
    with pytest.raises(NotUniqueError):
        await hub.write(lambda t: t.attention.add("a1", 8))
    await hub.write(lambda t: t.attention.told(7, [("b", "l1"), ("b", "l2"), ("c", "l3")]))
    await hub.write(lambda t: t.attention.told(9, []))
    assert await hub.read(lambda t: t.attention.owed()) == []
    assert await hub.read(lambda t: t.attention.told_to("b")) == [(7, "l1"), (7, "l2")]
    await hub.write(lambda t: t.attention.erase([7]))
    used = await hub.read(lambda t: [t.attention.is_used(name) for name in ("a1", "a2")])
    assert used == [False, True]
    assert await hub.read(lambda t: t.attention.told_to("c")) == []


def test_every_state_is_in_its_table_of_moves() -> None:
    ends = {after for following in RAISED_MOVES.values() for after in following}
    assert {*RAISED_MOVES} | ends == set(RaisedState)


async def test_what_we_raised_moves_once_and_a_lost_log_ends_it(node: Node) -> None:
    def put(tables: NodeTables) -> Raised:
        (row,) = tables.records.put_clients([client("h1")]).values()
        (person,) = tables.people.put_workers([WorkerRow("V", "", "r", None, None)], NOW).values()
        first = Raised(HUB, "a1", row, person, "missing", NOW)
        for one in (first, replace(first, attention_id="a2"), replace(first, hub_id=OTHER)):
            tables.attention.raise_(one)
        return first

    first = await node.write(put)
    sent = replace(first, state=RaisedState.SENT)
    await node.write(lambda t: t.attention.change(first, sent))
    for after in set(RaisedState) - {RaisedState.SENT}:
        moved = replace(sent, state=after)
        with pytest.raises(LocalError):
            await node.write(lambda t, to=moved: t.attention.change(sent, to))  # type: ignore[misc]
    with pytest.raises(LocalError):
        await node.write(lambda t: t.attention.change(first, sent))
    await node.write(lambda t: t.attention.end_with_log(HUB))
    found = await node.read(lambda t: t.attention.all_raised(HUB))
    assert [(local, one.state) for local, one in found] == [
        ("h1", RaisedState.SENT), ("h1", RaisedState.LOG_LOST)
    ]  # fmt: skip
    other = await node.read(lambda t: t.attention.raised(OTHER, "a1"))
    assert other == replace(first, hub_id=OTHER)


async def test_what_came_is_shown_once_over_a_link_that_matches_until_it_is_seen(
    node: Node,
) -> None:
    works = (LinkedInvolvement("i", "t", "Early help"),)
    link = Link(HUB, LINK, "s1", LinkState.MATCH, "g", works, None, "r")

    def put(tables: NodeTables) -> int:
        (row,) = tables.records.put_clients([client("h1")]).values()
        (person,) = tables.people.put_workers([WorkerRow("V", "", "r", None, None)], NOW).values()
        tables.stubs.put(HUB, [stub(row, "s1")], 3)
        tables.links.take([link])
        for one in (CAME, CAME, replace(CAME, hub_id=OTHER), replace(CAME, link_id="other")):
            tables.attention.receive(one)
        return person

    person = await node.write(put)
    (shown,) = await node.read(lambda t: t.attention.unseen(HUB))
    assert (shown.local_id, replace(shown.received, id=0)) == ("h1", CAME)
    for state in (LinkState.POSSIBLE, LinkState.ENDED):
        await node.write(lambda t, to=state: t.links.take([replace(link, state=to)]))  # type: ignore[misc]
        assert await node.read(lambda t: t.attention.unseen(HUB)) == []
    await node.write(lambda t: t.links.take([link]))
    await node.write(lambda t: t.attention.see(shown.received.id, person, NOW))
    assert await node.read(lambda t: t.attention.unseen(HUB)) == []
    await node.write(lambda t: t.attention.receive(CAME))
    assert await node.read(lambda t: t.attention.unseen(HUB)) == [], "told again, it stays seen"
