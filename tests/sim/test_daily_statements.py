"""Each day the hub says which entries name an agency, and the agency looks into its own journal."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from audit.findings import FindingCode as Code
from audit.findings import Severity
from hub.log.daily import Daily
from node.membership.keys import load_keys
from node.service import NodeService
from node.store.tables import NodeTables, open_engine
from protocol.messages.statement import parse_statement
from protocol.requests.daily import DAY, indexes_hash
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_audit_people import audited, rules
from tests.sim.test_erasing import brokered

Agencies = tuple[SimNode, SimNode]


async def days(federation: SimFederation, number: int = 1) -> None:
    """So many days go by, with a statement on each, and everybody reads their mail."""
    for _ in range(number):
        federation.clock.now += DAY
        await federation.hub.jobs.daily()
        await federation.settle()


async def answers(federation: SimFederation) -> list[str]:
    entries = await federation.entries("statement_answer")
    bodies: list[Any] = [parse_statement(entry["envelope"]).body for entry in entries]
    return [body.answer for body in bodies]


async def alarms(agency: SimNode) -> list[str]:
    rows = await agency.read(lambda tables: tables.tx.rows("SELECT code FROM alarm ORDER BY id"))
    return [row["code"] for row in rows]


def test_the_hash_is_that_of_the_vector() -> None:
    entries = b"patchwork.daily.v1\n9\n10\n12\n14\n"
    assert indexes_hash([9, 10, 12, 14]) == hashlib.sha256(entries).hexdigest()


async def test_honest_books_agree_on_busy_days_and_on_days_without_anything(
    federation: SimFederation, agencies: Agencies
) -> None:
    await brokered(federation, agencies)
    await days(federation)
    await days(federation, 2)
    assert await answers(federation) == ["agree"] * 6
    assert [await alarms(agency) for agency in agencies] == [[], []]
    assert await audited(federation) == set()
    await federation.hub.jobs.daily()
    assert len(await federation.entries("daily_statement")) == 6, "once a day"


async def test_a_message_that_the_hub_logs_and_does_not_deliver(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.hub_write(
        lambda tables: tables.tx.run("DELETE FROM mailbox WHERE agency = ?", health.party_id)
    )
    await days(federation)
    assert await alarms(health) == ["books_differ", "backup_restored"], "and it asked what it lacks"
    assert await alarms(care) == []
    assert await audited(federation) == rules(Code.BOOKS_DIFFER)


async def test_who_asks_with_stolen_keys_cannot_hide_it_from_the_owner(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    _, care = agencies
    shutil.copytree(care.folder, tmp_path / "stolen")
    held = care.membership
    keys = load_keys(tmp_path / "stolen", held.hub.hub_id)
    stolen = replace(held, engine=open_engine(tmp_path / "stolen"), keys=keys)
    thief = SimNode(NodeService(stolen, care.service.answering._settings), tmp_path / "stolen")
    await thief.ask("c1", (await thief.team("c1")).others[0].involvement_id)
    await days(federation)
    assert await alarms(care) == ["books_differ", "backup_restored"]
    resync = await care.read(lambda tables: tables.resyncs.get(held.hub.hub_id))
    assert resync is not None
    assert [entry.kind for entry in resync.lost.ours] == ["request"], "what the thief did, by name"
    await stolen.engine.close()


async def test_a_statement_that_leaves_something_out_is_seen_by_agency_and_auditor(
    federation: SimFederation, agencies: Agencies
) -> None:
    await brokered(federation, agencies)
    books = Daily._journals

    def shorter(self: Daily, start: int, end: int) -> dict[str, list[int]]:
        found = books(self, start, end)
        return {party: items[1:] for party, items in found.items()}

    Daily._journals = shorter  # type: ignore[method-assign]
    try:
        await days(federation)
    finally:
        Daily._journals = books  # type: ignore[method-assign]
    assert await answers(federation) == ["differ", "differ"]
    assert await alarms(agencies[0]) == ["books_differ"]
    assert await audited(federation) == rules(Code.BOOKS_DIFFER, Code.DAILY_STATEMENT_DIFFERS)


async def test_a_day_that_is_left_out_is_a_gap(
    federation: SimFederation, agencies: Agencies
) -> None:
    await days(federation)
    await brokered(federation, agencies)
    await federation.hub_write(
        lambda tables: tables.tx.run("UPDATE daily SET end_size = end_size + 4")
    )
    await days(federation)
    assert "statement_gap" in await alarms(agencies[0])
    assert (Severity.RULE, Code.DAILY_STATEMENT_GAP) in await audited(federation)


async def test_an_agency_that_was_away_for_three_weeks_catches_up(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await brokered(federation, agencies)
    del federation.nodes["Health visiting"]
    await days(federation, 21)
    federation.nodes["Health visiting"] = health
    await federation.settle()
    assert await alarms(health) == []
    assert (await answers(federation)).count("agree") == 42
    del care


async def test_a_statement_waits_until_what_it_is_about_was_seen(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await days(federation)
    sql = "UPDATE daily_statement SET answer = NULL"
    await health.write(lambda tables: tables.tx.run(sql))
    object.__setattr__(health.membership.view.frontier, "size", 3)
    assert await health.service.journal.answer() == 0


async def test_no_statement_for_two_days_is_an_alarm_that_goes(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await days(federation)
    federation.clock.now += 3 * DAY
    await federation.round()
    news = [alarm.code.value for alarm in await health.service.monitor.look()]
    assert news == ["statement_overdue"]
    await days(federation)
    await health.service.monitor.look()
    (alarm,) = await health.read(lambda tables: tables.tx.rows("SELECT cleared_at FROM alarm"))
    assert alarm["cleared_at"] is not None


async def test_an_answer_is_given_once(federation: SimFederation, agencies: Agencies) -> None:
    health, _ = agencies
    await days(federation)

    def again(tables: NodeTables) -> None:
        tables.tx.run("UPDATE daily_statement SET answer = NULL")

    await health.write(again)
    await federation.settle()
    assert await answers(federation) == ["agree", "agree"], "one each; the second is refused"
