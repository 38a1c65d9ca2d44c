"""Alarms on disk: told once, going on until it is over, proof until a person has seen it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from node.alarms import (
    MOST_EVIDENCE,
    TEXTS,
    AlarmCode,
    acknowledge,
    clear_alarm,
    keep_evidence,
    open_alarms,
    raise_alarm,
)
from node.store.tables import NodeTables, open_engine

HUB = "0a" * 16
Work = Callable[[Callable[[NodeTables], Any]], Any]


@pytest_asyncio.fixture
async def tables(tmp_path: Path) -> AsyncIterator[Work]:
    engine = open_engine(tmp_path)
    yield lambda work: engine.write(work)
    await engine.close()


def test_every_alarm_says_something_and_what_to_do() -> None:
    assert TEXTS.keys() == set(AlarmCode)
    assert all(text.sentence.endswith(".") and text.what_to_do for text in TEXTS.values())


async def test_an_alarm_is_news_once_and_goes_when_it_is_over(tables: Work) -> None:
    code = AlarmCode.NO_QUORUM
    assert await tables(lambda t: raise_alarm(t, HUB, code, 100))
    assert not await tables(lambda t: raise_alarm(t, HUB, code, 200))
    (alarm,) = await tables(lambda t: open_alarms(t, HUB))
    assert (alarm.first_seen, alarm.last_seen) == (100, 200)
    await tables(lambda t: clear_alarm(t, HUB, code, 300))
    assert await tables(lambda t: open_alarms(t, HUB)) == []
    assert await tables(lambda t: raise_alarm(t, HUB, code, 400)), "it is news again"
    (alarm,) = await tables(lambda t: open_alarms(t, HUB))
    assert alarm.first_seen == 400
    assert await tables(lambda t: open_alarms(t, "0b" * 16)) == [], "of another hub"


async def test_proof_stays_until_a_person_has_seen_it(tables: Work) -> None:
    await tables(lambda t: raise_alarm(t, HUB, AlarmCode.CHARTER_CHANGED, 50))
    await tables(lambda t: raise_alarm(t, HUB, AlarmCode.NOT_IN_LOG, 100, place="7"))
    await tables(lambda t: clear_alarm(t, HUB, AlarmCode.NOT_IN_LOG, 200, place="7"))
    first, _ = await tables(lambda t: open_alarms(t, HUB))
    assert (first.code, first.place) == (AlarmCode.NOT_IN_LOG, "7"), "the worst comes first"
    assert await tables(lambda t: acknowledge(t, HUB, first.id, 300))
    assert not await tables(lambda t: raise_alarm(t, HUB, AlarmCode.NOT_IN_LOG, 400, place="7"))
    (left,) = await tables(lambda t: open_alarms(t, HUB))
    assert left.code is AlarmCode.CHARTER_CHANGED
    assert not await tables(lambda t: acknowledge(t, HUB, 999, 300))


async def test_evidence_is_kept_to_the_byte_and_once(tables: Work) -> None:
    name = await tables(lambda t: keep_evidence(t, HUB, b"held", b"served", 100))
    assert await tables(lambda t: keep_evidence(t, HUB, b"held", b"served", 200)) == name
    (row,) = await tables(lambda t: t.tx.rows("SELECT * FROM evidence"))
    assert (row["held"], row["served"], row["seen_at"]) == (b"held", b"served", 100)


async def test_a_hub_that_goes_on_does_not_fill_the_disk(tables: Work) -> None:
    def keep(number: int) -> Callable[[NodeTables], str]:
        return lambda t: keep_evidence(t, HUB, b"held", b"%d" % number, number)

    names = [await tables(keep(number)) for number in range(2 * MOST_EVIDENCE)]
    assert await tables(lambda t: t.count("evidence")) == MOST_EVIDENCE
    assert set(names[MOST_EVIDENCE:]) == {"day 0"}, "told once a day, not each time"
    other = await tables(lambda t: keep_evidence(t, "0b" * 16, b"held", b"99", 99))
    assert other not in names, "each hub has its own"
