"""Two records that are one client, and were not after all: ids, objections, withdrawals and
families go the right way, however merges are nested (specs/09-imports.md §9).
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest
import pytest_asyncio

from node.records import by_hand, caseload, families
from node.records.by_hand import By
from node.records.clients import withdraw
from node.records.held import say_same
from node.store.objections import SaidBy
from node.store.people import PersonKind
from node.store.permissions import At
from node.store.tables import NodeEngine, NodeTables, open_engine
from protocol.errors import LocalError
from tests.unit.test_involvements import NOW, File, amira, open_types, samir

Result = TypeVar("Result")
BY = By(1, NOW)
HELP = amira(id="c1")
NURSE = amira(id="c2", service="school_nursing")
YOUTH = amira(id="c3", service="youth_work")


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[NodeEngine]:
    """A node database with one person who acts."""
    made = open_engine(tmp_path)
    await made.write(lambda t: t.people.register("Y. Worker", "Lea", PersonKind.WORKER, NOW))
    yield made
    await made.close()


async def said(engine: NodeEngine, work: Callable[[NodeTables], Result]) -> Result:
    return await engine.write(work)


async def merge(engine: NodeEngine, *pairs: tuple[str, str]) -> None:
    for one, into in pairs:
        await said(engine, lambda t, a=one, b=into: by_hand.merge(t, a, b, BY))  # type: ignore[misc]


async def part(engine: NodeEngine, local_id: str) -> int:
    return await said(engine, lambda t: by_hand.part(t, local_id, BY))


async def types(engine: NodeEngine, local_id: str) -> list[str]:
    return sorted(await open_types(engine, local_id))


async def test_who_is_parted_takes_those_who_were_merged_into_them(engine: NodeEngine) -> None:
    await File([HELP, NURSE, YOUTH]).take(engine)
    await merge(engine, ("c3", "c2"), ("c2", "c1"))
    assert await types(engine, "c3") == ["early_help", "school_nursing", "youth_work"]
    assert await part(engine, "c2") == 2
    assert await types(engine, "c1") == ["early_help"]
    assert await types(engine, "c2") == ["school_nursing", "youth_work"]
    assert await types(engine, "c3") == ["school_nursing", "youth_work"], "still one with c2"
    assert await part(engine, "c3") == 1
    assert await types(engine, "c2") == ["school_nursing"]


async def test_who_was_merged_first_can_be_parted_from_the_one_whom_all_are(
    engine: NodeEngine,
) -> None:
    file = File([HELP, NURSE, YOUTH])
    await file.take(engine)
    await merge(engine, ("c3", "c2"), ("c2", "c1"))
    assert await part(engine, "c3") == 1
    assert await types(engine, "c1") == ["early_help", "school_nursing"]
    assert await types(engine, "c3") == ["youth_work"]
    assert (await file.take(engine)).new == 0, "the next file finds each where it is"


async def test_an_objection_holds_through_two_merges(engine: NodeEngine) -> None:
    await File([HELP]).take(engine)
    await File([NURSE]).take(engine)
    await File([YOUTH]).take(engine)
    number = await said(engine, lambda t: t.objections.record(3, None, SaidBy.CLIENT, NOW))
    await merge(engine, ("c3", "c2"), ("c2", "c1"))
    assert await said(engine, lambda t: t.objections.newest(1, "school")) == number


async def test_other_ids_of_who_is_parted_go_with_them(engine: NodeEngine) -> None:
    await File([HELP]).take(engine)
    await File([NURSE]).take(engine)
    await said(engine, lambda t: t.held.add_ids([("C-2", 2)]))
    await merge(engine, ("c2", "c1"))
    assert await types(engine, "C-2") == ["early_help", "school_nursing"]
    await part(engine, "c2")
    assert await types(engine, "C-2") == ["school_nursing"]


async def test_a_spreadsheet_s_form_of_a_merged_id_is_who_they_are_now(engine: NodeEngine) -> None:
    await File([HELP, amira(id="007", service="school_nursing")]).take(engine)
    await merge(engine, ("007", "c1"))
    await File([amira(id="7", service="youth_work")]).take(engine)
    assert await types(engine, "c1") == ["early_help", "school_nursing", "youth_work"]


async def test_what_one_of_two_withdrew_is_not_shared_by_the_other(engine: NodeEngine) -> None:
    await File([HELP, NURSE]).take(engine)
    await said(engine, lambda t: withdraw(t, "c2", NOW))
    for pair in (("c2", "c1"), ("c1", "c2")):
        with pytest.raises(LocalError, match=r"withdrawn by c2.*patchwork-node withdraw c1"):
            await merge(engine, pair)
    await said(engine, lambda t: withdraw(t, "c1", NOW))
    await merge(engine, ("c2", "c1"))
    assert await said(engine, lambda t: t.records.all_in_force([1, 2], At("", NOW))) == {}


async def test_a_consent_after_the_withdrawal_lets_two_be_one(engine: NodeEngine) -> None:
    await File([amira(id="c1", consent="2026-11-21"), NURSE]).take(engine)
    await said(engine, lambda t: withdraw(t, "c2", NOW - 2 * 86_400))
    await merge(engine, ("c2", "c1"))
    assert await types(engine, "c1") == ["early_help", "school_nursing"]


async def test_somebody_merged_who_withdrew_does_not_come_back_under_a_new_id(
    engine: NodeEngine,
) -> None:
    await File([HELP, samir()]).take(engine)
    await merge(engine, ("c1", "c2"))
    await said(engine, lambda t: withdraw(t, "c2", NOW))
    assert (await File([amira(id="z9")]).take(engine)).held == 1


async def test_a_held_client_may_be_one_who_was_merged_meanwhile(engine: NodeEngine) -> None:
    await File([HELP, samir()]).take(engine)
    for local_id in ("c1", "c2"):
        await said(engine, lambda t, of=local_id: withdraw(t, of, NOW))  # type: ignore[misc]
    new = File([amira(id="z9")])
    assert (await new.take(engine)).held == 1
    await merge(engine, ("c1", "c2"))
    await said(engine, lambda t: say_same(t, "z9", (1, NOW)))
    await new.take(engine)
    client = await said(engine, lambda t: t.records.client("z9"))
    assert client is not None
    assert client.local_id == "c2"
    assert await said(engine, lambda t: t.records.all_in_force([1, 2, 3], At("", NOW))) == {}


async def test_who_looked_at_a_held_client_looked_at_the_one_they_are(engine: NodeEngine) -> None:
    await File([HELP]).take(engine)
    await said(engine, lambda t: withdraw(t, "c1", NOW))
    await File([HELP, amira(id="z9")]).take(engine)
    first = await engine.read(lambda t: t.records.client("c1"))
    held = await engine.read(lambda t: t.records.client("z9"))
    assert first is not None
    assert held is not None
    person = await engine.read(lambda t: t.people.get(1))
    assert person is not None
    await said(engine, lambda t: caseload.look(t, person, held.id, NOW, "checking"))
    await said(engine, lambda t: say_same(t, "z9", (1, NOW)))
    found = await engine.read(lambda t: t.openings.newest(2**40, 10, with_reason=True))
    assert [(one.client, one.reason) for one in found] == [(first.id, "checking")]


async def test_the_family_of_a_merged_client_is_that_of_the_one_they_are(
    engine: NodeEngine,
) -> None:
    await File([HELP, NURSE, samir(id="s1")]).take(engine)
    await said(engine, lambda t: families.join(t, "s1", "c2", "sister"))

    async def family(local_id: str) -> list[str]:
        found = await said(engine, lambda t: families.relatives(t, local_id))
        return [one.local_id for one in found]

    await merge(engine, ("c2", "c1"))
    assert (await family("s1"), await family("c1")) == (["c1"], ["s1"])
    await part(engine, "c2")
    assert (await family("s1"), await family("c1")) == (["c2"], [])
    await merge(engine, ("c2", "c1"))
    await said(engine, lambda t: families.leave(t, "s1", "c1"))
    assert await family("s1") == []
