"""What people do between the judging of a file and its storing holds; and a file that names clients
in another way closes nothing of whom a line was left out.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from node.records.clients import CHANGED_MEANWHILE, apply_import, judge
from node.records.importer.rows import ImportedRow, RowError
from node.records.importer.spool import Spool
from node.records.missing import Feed
from node.store.tables import NodeEngine, NodeTables, open_engine
from tests.sim.federation import AMIRA, DUTY, SAMIR, row

NOW = 1_790_000_000
MOVED = replace(AMIRA, postcode="LX9 9ZZ")


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[NodeEngine]:
    (tmp_path / "node.toml").touch()
    made = open_engine(tmp_path)
    yield made
    await made.close()


async def bring(
    engine: NodeEngine, *rows: ImportedRow | RowError, feed: Feed | None = None
) -> list[tuple[str, str]]:
    """What is missing after an import."""
    report = await engine.write(lambda tables: apply_import(tables, rows, NOW, feed))
    return report.missing


async def bring_while(
    engine: NodeEngine, rows: Iterable[ImportedRow], meanwhile: str
) -> tuple[list[str], list[str]]:
    """Who is here after an import, and why its rows were left out, if something was done once it
    was judged.
    """

    def act(tables: NodeTables) -> None:
        known = tables.records.clients(["a1", "b7"])
        if meanwhile == "said to be the same":
            tables.held.merge(known["b7"].id, known["a1"].id, "b7")
        else:
            tables.held.merge(known["b7"].id, known["a1"].id, "b7")
            tables.tx.run("DELETE FROM other_id")

    with Spool() as spool:
        spool.put(rows)
        judged = await engine.read(lambda tables: judge(tables, spool, NOW, Feed()))
        await engine.write(act)
        for step in judged.steps():
            await engine.write(step.store)
    here = await engine.read(
        lambda tables: tables.tx.rows(
            "SELECT c.local_id FROM client c JOIN involvement i ON i.client = c.id ORDER BY 1"
        )
    )
    return [one["local_id"] for one in here], [error.reason for error in judged.report.errors]


@pytest.mark.parametrize("meanwhile", ["said to be the same", "forgotten"])
async def test_who_went_meanwhile_does_not_come_back_unheld(
    engine: NodeEngine, meanwhile: str
) -> None:
    await bring(engine, row("a1", AMIRA, "health_visiting", DUTY))
    await engine.write(lambda tables: tables.tx.run("UPDATE involvement SET withdrawn_at = 1"))
    await bring(engine, row("b7", AMIRA, "health_visiting", DUTY))
    assert len(await engine.read(lambda tables: tables.held.all())) == 1
    changed = row("b7", MOVED, "health_visiting", DUTY)
    here, why = await bring_while(engine, [changed], meanwhile)
    assert (here, why) == (["a1"], [CHANGED_MEANWHILE])


async def test_a_line_that_was_left_out_spares_a_client_whose_id_is_written_in_another_way(
    engine: NodeEngine,
) -> None:
    kinds = ("health_visiting", "school_nursing")
    feed = Feed("visits", kinds)
    both = [row("007", AMIRA, kind, DUTY) for kind in kinds]
    other = [row("008", SAMIR, kind, DUTY) for kind in kinds]
    await bring(engine, *both, *other, feed=feed)
    missing = await bring(
        engine,
        row("7", AMIRA, "health_visiting", DUTY),
        RowError(3, "permission_valid_until", "is no date", "7"),
        row("008", SAMIR, "health_visiting", DUTY),
        feed=feed,
    )
    assert missing == [("008", "school_nursing")]
