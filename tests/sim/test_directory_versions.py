"""The hub's directory by version: whoever wrote the log, each transaction finds what is in it."""

import sqlite3
from pathlib import Path

from hub.members.charter_changes import adopt, proposed, put_forward
from hub.store.directory import KEPT
from hub.store.tables import HubTables, opened
from protocol.governance.directory import Directory
from tests.sim.federation import SimFederation, SimNode
from tests.statements import counted_statements

Agencies = tuple[SimNode, SimNode]


def current(tables: HubTables) -> Directory:
    return tables.directory.current()


async def test_what_another_process_wrote_is_known_at_once(
    federation: SimFederation, agencies: Agencies
) -> None:
    del agencies
    before = await federation.hub_read(current)
    new = proposed(before.charter, {"retention_days": 3000})
    async with opened(federation.folder / "hub") as other:
        await other.write(lambda tables: put_forward(tables, new))
        await other.write(lambda tables: adopt(federation.ledger(tables)))
        written = await other.read(current)
    assert written.charter.version == 2
    assert await federation.hub_read(current) == written


async def test_reading_it_again_costs_one_look_at_the_version(federation: SimFederation) -> None:
    await federation.hub_read(current)
    with counted_statements() as said:
        await federation.hub_read(lambda tables: (current(tables), current(tables)))
    assert len(said) == 1


async def test_transactions_that_were_rolled_back_leave_nothing_behind(
    federation: SimFederation,
) -> None:
    before = await federation.hub_read(current)
    seen: list[Directory] = []

    def fails(tables: HubTables) -> None:
        put_forward(tables, proposed(before.charter, {"retention_days": 3000}))
        adopt(federation.ledger(tables))
        seen.append(current(tables))
        raise ZeroDivisionError

    for _ in range(2 * KEPT):
        try:
            await federation.hub_write(fails)
        except ZeroDivisionError:
            assert await federation.hub_read(current) == before
    assert {item.charter.version for item in seen} == {2}, "each saw its own change, and only it"


async def test_a_log_of_the_version_before_is_read_and_goes_on(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """It has no version: that it has none is a version too."""
    del agencies
    (tmp_path / "old").mkdir()
    copy = sqlite3.connect(tmp_path / "old" / "hub.sqlite")
    with sqlite3.connect(federation.folder / "hub" / "hub.sqlite") as live:
        live.backup(copy)
    live.close()
    copy.execute("DELETE FROM directory_version")
    copy.commit()
    copy.close()
    before = await federation.hub_read(current)
    async with opened(tmp_path / "old") as engine:
        assert await engine.read(current) == before
        with counted_statements() as said:
            assert await engine.read(current) == before
        assert len(said) == 1
        new = proposed(before.charter, {"retention_days": 3000})
        await engine.write(lambda tables: put_forward(tables, new))
        await engine.write(lambda tables: adopt(federation.ledger(tables)))
        after = await engine.read(current)
    async with opened(tmp_path / "old") as again:
        assert await again.read(current) == after
    assert (after.charter.version, after.members) == (2, before.members)
