"""What the store of hints promises: the same suite for every engine (SQLite now)."""

import itertools
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from node.store.hints import Hint, HintState, Introduced
from node.store.links import LinkedInvolvement, LinkState
from node.store.old import old_asked
from node.store.tables import NodeEngine, NodeTables
from protocol.errors import ErrorCode, LocalError
from protocol.messages.bodies import ShownInvolvement
from protocol.messages.introductions import IntroducedService
from protocol.messages.parts import LinkEvidence
from tests.contract.test_node_stores import HUB, LINK, NOW, OTHER, moves, number
from tests.contract.test_node_stores import engine as engine

STUB, ASKER = "51" * 16, "a2" * 16
HINT = """
open     asking
asking   named refused failed
named    asking
refused  asking
failed   asking
"""
SERVICE = IntroducedService(
    agency_id="b0" * 16,
    hint_id="7d" * 16,
    link_id=LINK,
    involvements=[ShownInvolvement(id="2b" * 16, type="drug_and_alcohol", label="Drug service")],
    evidence=LinkEvidence(match_key_id="nhs.1", epoch=1, ordinal=0),
)


def hint(n: int = 1, **change: Any) -> Hint:
    made = Hint(HUB, number(n), STUB, "service", "charity", "0e" * 32)
    return replace(made, **change)


def introduced(n: int = 1, **change: Any) -> Introduced:
    made = Introduced(HUB, f"{n:064x}", ASKER, "nurse", "care", "UK-1", NOW)
    return replace(made, **change)


async def test_a_state_moves_as_its_table_says_and_no_other_way(engine: NodeEngine) -> None:
    pairs = [pair for pair in itertools.product(HintState, HintState) if pair[0] is not pair[1]]

    def try_all(tables: NodeTables) -> set[tuple[str, str]]:
        done = set()
        for n, (before, after) in enumerate(pairs):
            item = hint(n, state=before)
            tables.hints.take([item])
            with suppress(LocalError):
                tables.hints.change(item, replace(item, state=after))
                done.add((before.value, after.value))
        return done

    assert await engine.write(try_all) == moves(HINT)
    with pytest.raises(LocalError) as caught:
        await engine.write(lambda t: t.hints.change(hint(0), hint(0, state=HintState.ASKING)))
    assert caught.value.code is ErrorCode.CONFLICT, "it has moved since it was read"


async def test_what_was_told_before_stays_as_it_is_and_who_was_named_is_a_link(
    engine: NodeEngine,
) -> None:
    named = hint(1, state=HintState.NAMED, service=SERVICE)
    others = [hint(2), hint(1, hub_id=OTHER), hint(3, stub_id="52" * 16)]
    await engine.write(lambda tables: tables.hints.take([named, *others]))
    await engine.write(lambda tables: tables.hints.take([hint(1)]))
    assert await engine.read(lambda tables: tables.hints.get(HUB, number(1))) == named
    assert await engine.read(lambda t: t.hints.of_stub(HUB, STUB)) == [named, hint(2)]
    (link,) = await engine.read(lambda tables: tables.hints.links_of(HUB, STUB))
    assert (link.link_id, link.stub_id, link.agency_id) == (LINK, STUB, SERVICE.agency_id)
    assert link.state is LinkState.MATCH
    assert link.involvements == (LinkedInvolvement("2b" * 16, "drug_and_alcohol", "Drug service"),)
    await engine.write(lambda tables: tables.hints.end_over(HUB, LINK))
    assert await engine.read(lambda t: t.hints.of_stub(HUB, STUB)) == [hint(2)]
    await engine.write(lambda tables: tables.hints.end(HUB, number(2)))
    await engine.write(lambda tables: tables.hints.end(HUB, number(9)))
    assert await engine.read(lambda t: t.hints.of_stub(HUB, STUB)) == []
    assert await engine.read(lambda t: t.hints.of_stub(OTHER, STUB)) == [others[1]]


async def test_who_was_introduced_may_ask_over_that_link_while_we_are_told_of_a_service(
    engine: NodeEngine,
) -> None:
    async def over(link_id: str = LINK, requester: str = ASKER) -> str | None:
        return await engine.read(lambda t: t.hints.introduced_over(HUB, link_id, requester))

    await engine.write(lambda tables: tables.hints.put_introduced(introduced()))
    assert await engine.read(lambda t: t.hints.introductions(HUB)) == [], "nobody named us yet"
    assert await over() is None
    named = introduced(stub_id=STUB, link_id=LINK)
    await engine.write(lambda tables: tables.hints.put_introduced(named))
    assert await engine.read(lambda t: t.hints.introductions(HUB)) == [named]
    assert await over() is None, "no hint stands"
    await engine.write(lambda t: t.hints.take([hint(4, says="duty_desk", member_class=None)]))
    assert await over() is None
    await engine.write(lambda tables: tables.hints.take([hint()]))
    assert await over() == STUB
    assert await over(link_id="2c" * 16) is None
    assert await over(requester="a3" * 16) is None
    await engine.write(lambda tables: tables.hints.end_over(HUB, LINK))
    assert await over() is None, "it was the wrong person"
    assert len(await engine.read(lambda t: t.hints.introductions(HUB))) == 1, "who asked is kept"
    for before, left in ((NOW - 1, 1), (NOW, 0)):
        (old,) = (item for item in old_asked(HUB, before, NOW) if item.table == "introduced")
        await engine.write(lambda t, what=old: t.old.remove(what, 10))  # type: ignore[misc]
        assert len(await engine.read(lambda t: t.hints.introductions(HUB))) == left
    await engine.write(lambda tables: tables.hints.forget(HUB))
    assert await engine.read(lambda t: t.hints.of_stub(HUB, STUB)) == []
