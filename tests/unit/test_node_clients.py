"""Taking in clients: idempotent, whole or not at all, and never undoing a withdrawal."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from node.records.clients import apply_import, withdraw, write_faults
from node.records.importer.rows import (
    ImportedRow,
    NoPermission,
    Permission,
    RowError,
    WorkerDetails,
)
from node.records.workload import end_of
from node.store.permissions import At
from node.store.tables import NodeEngine, open_engine
from protocol.errors import LocalError
from protocol.matchkeys.records import ClientRecord

NOW = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[NodeEngine]:
    """An empty node database."""
    made = open_engine(tmp_path)
    yield made
    await made.close()


def row(
    permission: Permission | None, involvement: str = "early_help", given: str = "Amira"
) -> ImportedRow:
    """One client's row."""
    worker = WorkerDetails("S. Worker", None, "07700 900001", None, "East")
    record = ClientRecord(None, given, None, "Hassan", "2022-03-14", "F", None, "LX3 4AB")
    why = None if permission else NoPermission.NO_BASIS
    return ImportedRow(2, "c1", record, involvement, None, worker, permission, why)


def consent(given: date) -> Permission:
    """A consent of a year."""
    return Permission("UK-CONSENT", date(given.year + 1, given.month, given.day), given)


async def in_force(engine: NodeEngine, now: int = NOW) -> int:
    """How many involvements may be published."""
    return len(await engine.read(lambda tables: tables.records.in_force(1, At("", now))))


async def take(engine: NodeEngine, *rows: ImportedRow | RowError) -> str:
    """Import, and say what happened."""
    report = await engine.write(lambda tables: apply_import(tables, rows, NOW))
    return f"{report.new}/{report.changed}/{report.unchanged}/{report.without_permission}"


async def test_the_same_file_twice_changes_nothing(engine: NodeEngine) -> None:
    good = row(consent(date(2026, 10, 1)))
    assert await take(engine, good) == "1/0/0/0"
    assert await take(engine, good) == "0/0/1/0"


async def test_a_changed_row_is_a_change_and_another_service_is_one_more(
    engine: NodeEngine,
) -> None:
    await take(engine, row(consent(date(2026, 10, 1))))
    assert await take(engine, row(consent(date(2026, 10, 2)))) == "0/1/0/0"
    assert await take(engine, row(consent(date(2026, 10, 1)), "child_in_need")) == "1/0/0/0"
    kinds = await engine.read(lambda tables: tables.tx.rows("SELECT type FROM involvement"))
    assert [kind["type"] for kind in kinds] == ["early_help", "child_in_need"]


async def test_no_permission_means_stored_and_never_published(engine: NodeEngine) -> None:
    assert await take(engine, row(None)) == "1/0/0/1"
    assert await in_force(engine) == 0
    assert (await engine.read(lambda tables: tables.count("client"))) == 1


async def test_a_permission_that_has_run_out_is_counted_as_none(engine: NodeEngine) -> None:
    old = Permission("UK-CA89-S17", date(2026, 11, 20), None)
    assert await take(engine, row(old)) == "1/0/0/1"
    assert await in_force(engine) == 0


async def test_a_permission_holds_to_the_end_of_its_last_day(engine: NodeEngine) -> None:
    await take(engine, row(Permission("UK-CA89-S17", date(2026, 11, 21), None)))
    assert await in_force(engine, end_of(date(2026, 11, 21)) - 1) == 1
    assert await in_force(engine, end_of(date(2026, 11, 21))) == 0


async def test_a_feed_never_brings_back_what_was_withdrawn(engine: NodeEngine) -> None:
    """ContactPoint's shielding failed because feeds re-created shielded records."""
    await take(engine, row(consent(date(2026, 10, 1))))
    assert await engine.write(lambda tables: withdraw(tables, "c1", NOW)) == 1
    await take(engine, row(consent(date(2026, 10, 1)), given="Ameera"))
    assert await in_force(engine) == 0
    await take(engine, row(Permission("UK-CA89-S17", date(2030, 1, 1), None)))
    assert await in_force(engine) == 0, "nor does another basis from the same feed"


async def test_a_consent_given_after_the_withdrawal_counts(engine: NodeEngine) -> None:
    await take(engine, row(consent(date(2026, 10, 1))))
    await engine.write(lambda tables: withdraw(tables, "c1", NOW))
    await take(engine, row(consent(date(2026, 11, 22))))
    assert await in_force(engine) == 1


async def test_withdrawing_for_somebody_unknown_is_an_error(engine: NodeEngine) -> None:
    with pytest.raises(LocalError, match="no client"):
        await engine.write(lambda tables: withdraw(tables, "nobody", NOW))


async def test_a_fault_half_way_leaves_the_database_as_it_was(engine: NodeEngine) -> None:
    def broken() -> object:
        yield row(consent(date(2026, 10, 1)))
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        await engine.write(lambda tables: apply_import(tables, broken(), NOW))  # type: ignore[arg-type]
    assert (await engine.read(lambda tables: tables.count("client"))) == 0


async def test_rejects_name_line_field_and_reason(engine: NodeEngine, tmp_path: Path) -> None:
    faults = (RowError(7, "nhs_number", "the check digit is wrong"), RowError(7, "postcode", "no"))
    report = await engine.write(lambda tables: apply_import(tables, faults, NOW))
    assert report.rejected == 1, "one line, two faults"
    write_faults(tmp_path / "r.csv", report.errors)
    assert (tmp_path / "r.csv").read_text() == (
        "line,field,reason\n7,nhs_number,the check digit is wrong\n7,postcode,no\n"
    )
