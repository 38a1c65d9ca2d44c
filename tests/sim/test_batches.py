"""A batch of rows and a page of clients cost a fixed number of statements, to the same end as one
by one.
"""

import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from node.publishing.publisher import AT_ONCE, Published, Publisher
from node.publishing.tokens import BATCH
from node.records import clients
from node.records.clients import apply_import, withdraw
from node.records.importer import spool
from node.records.importer.rows import ImportedRow, Permission
from node.store.tables import NodeEngine, NodeTables, open_engine
from protocol.errors import LocalError
from protocol.matchkeys.records import ClientRecord
from tests.sim.crowd import alone, crowd
from tests.sim.federation import NOON, SimFederation, SimNode, row
from tests.statements import counted_statements

FEW, MANY = 100, 1000


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[NodeEngine]:
    """An empty node database."""
    made = open_engine(tmp_path)
    yield made
    await made.close()


async def imported(engine: NodeEngine, rows: list[ImportedRow]) -> int:
    """How many statements it takes to import these rows."""
    with counted_statements() as said:
        await engine.write(lambda tables: apply_import(tables, rows, NOON))
    return len(said)


def steps(prefix: str, size: int) -> list[list[ImportedRow]]:
    """Files one after another: new clients, the same, changed ones, unborn children, births."""
    people = [replace(item, local_id=prefix + item.local_id) for item in crowd(size)]
    others = [replace(item, involvement="community_nursing") for item in people]
    babies = [replace(item, local_id=f"u{item.local_id}") for item in people]
    unborn = [replace(item, mother_local_id=f"{prefix}p1") for item in babies]
    return [people, people, others, unborn, babies]


async def test_importing_many_rows_takes_no_more_statements_than_importing_few(
    engine: NodeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "ROWS_A_STEP", MANY)
    few = [await imported(engine, rows) for rows in steps("few", FEW)]
    many = [await imported(engine, rows) for rows in steps("many", MANY)]
    assert len(await engine.read(lambda t: t.records.clients(["ufewp99", "umanyp999"]))) == 2
    assert max(few) <= 50, "once to judge them, once to take them in"
    assert all(after <= before for before, after in zip(few, many, strict=True)), (few, many)


PERMISSIONS = (
    None,
    Permission("UK-CONSENT", date(2030, 1, 1), None),
    Permission("UK-CONSENT", date(2030, 1, 1), date(2026, 1, 1)),
    Permission("UK-CONSENT", date(2030, 1, 1), date(2026, 12, 1)),
    Permission("UK-CA89-S17", date(2020, 1, 1), None),
)


def feed(draw: random.Random, size: int) -> Iterator[ImportedRow]:
    """Rows of few people who have the same children, workers and mothers again and again."""
    for number in range(size):
        record = ClientRecord(given=draw.choice("AB"), family="F")
        made = row(f"c{draw.randrange(6)}", record, draw.choice(("x_a", "x_b")),
                   draw.choice(PERMISSIONS), draw.choice(("W", "V")))  # fmt: skip
        mother = draw.choice((None, None, f"c{draw.randrange(6)}"))
        worker = replace(made.worker, phone=draw.choice(("1", "2")))
        yield replace(made, line=number, worker=worker, mother_local_id=mother)


def everything(tables: NodeTables) -> list[Any]:
    """All that an import writes, without row ids."""
    work = tables.tx.rows(
        "SELECT c.local_id, i.type, p.name, p.phone, i.permission_basis, i.valid_until, "
        "i.consent_date, i.withdrawn_at, i.for_unborn, w.ordinal FROM involvement i "
        "JOIN client c ON c.id = i.client JOIN involvement_worker w ON w.involvement = i.id "
        "JOIN practitioner p ON p.id = w.practitioner"
    )
    whom = tables.tx.rows("SELECT local_id, given FROM client ORDER BY id")
    people = tables.tx.rows("SELECT name, team, phone FROM practitioner ORDER BY id")
    return [whom, people, sorted(work, key=repr)]


@pytest.mark.parametrize("seed", range(8))
async def test_rows_come_to_the_same_in_a_batch_as_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    outcomes = []
    for size in (1, 7, 1000):
        for module, name in ((clients, "ROWS_A_STEP"), (clients, "AT_ONCE"), (spool, "AT_ONCE")):
            monkeypatch.setattr(module, name, size)
        draw = random.Random(seed)  # noqa: S311 - the same rows for each size
        found: list[Any] = []
        (tmp_path / str(size)).mkdir()
        engine = open_engine(tmp_path / str(size))
        for _ in range(8):
            rows = list(feed(draw, 12))
            report = await engine.write(lambda t, rows=rows: apply_import(t, rows, NOON))  # type: ignore[misc]
            local_id, when = f"c{draw.randrange(6)}", NOON - draw.choice((0, 9_000_000))
            try:
                await engine.write(lambda t, who=local_id, at=when: withdraw(t, who, at))  # type: ignore[misc]
            except LocalError as error:
                found.append(str(error))
            found += [vars(report), await engine.read(everything)]
        await engine.close()
        outcomes.append(found)
    assert outcomes[0] == outcomes[1] == outcomes[2]


async def published(agency: SimNode) -> tuple[int, Published]:
    """Publish; how many statements it takes, and what it did."""
    with counted_statements() as said:
        report = await Publisher(agency.membership).publish()
    return len(said), report


async def agency_of(federation: SimFederation, size: int) -> SimNode:
    agency = await federation.join(f"Agency {size}", "health_provider")
    await agency.membership.sync()
    await agency.take_in(*crowd(size))
    return agency


async def test_a_page_of_many_clients_takes_no_more_statements_than_one_of_few(
    federation: SimFederation,
) -> None:
    taken: dict[int, list[int]] = {}
    for size in (FEW, AT_ONCE):
        agency = await agency_of(federation, size)
        with alone():
            fresh, report = await published(agency)
            assert report.changed == size
            unchanged, report = await published(agency)
            assert report.changed == 0
            people = islice(crowd(size), size // 2)
            moved = [replace(p, record=replace(p.record, postcode="LX3 4AB")) for p in people]
            await agency.take_in(*moved)
            await agency.write(lambda t: t.tx.run("UPDATE involvement SET withdrawn_at = 1 "
                                                  "WHERE id % 5 = 0"))  # fmt: skip
            changed, report = await published(agency)
            assert report.changed > 0
            assert report.retired == size // 5
        taken[size] = [fresh, unchanged, changed]
    assert max(taken[FEW]) < 40
    # What key holders gave for a batch of inputs is kept at once: they charge for it.
    paid = 2 * (AT_ONCE * 20 // BATCH)
    assert taken[AT_ONCE][1] <= taken[FEW][1], taken
    assert all(taken[AT_ONCE][n] <= taken[FEW][n] + paid for n in (0, 2)), taken
