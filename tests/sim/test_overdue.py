"""A request has a clock: who has it until when, and what the hub says when nobody answered in time.

Times are those of London. The charter gives a worker two working days, duty one and a manager two;
on an urgent basis duty has two hours and a manager four, day and night.
"""

import asyncio
import shutil
from dataclasses import replace
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog
from rich.console import Console
from typer.testing import CliRunner

import node.requests.asking as asking
from audit.case.case import Case
from audit.findings import FindingCode as Code
from audit.report.answers import answers
from audit.report.figures import Audited, audit_case
from audit.report.report_page import to_html
from hub.cli.main import app as hub_commands
from node.cli.inbox import print_inbox
from node.views.inbox import inbox_value
from protocol.messages.clock import OverdueBody
from protocol.messages.statement import Statement, parse_statement
from tests.sim.federation import SimFederation, SimNode
from tests.sim.lying_hub import delivered
from tests.sim.put_back import copy_aside, put_back
from tests.sim.test_audit_people import audited
from tests.sim.test_charter_change import accept, amend
from tests.sim.test_objection import S17, asked
from tests.sim.test_restart import restart_hub

Agencies = tuple[SimNode, SimNode]
HOUR = 3600


def london(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/London")).timestamp())


FRIDAY_EVENING = london("2026-11-27 19:30")
CHRISTMAS_EVE = london("2026-12-24 10:00")  # a Thursday


async def at(federation: SimFederation, when: int) -> None:
    """It is `when`: the log is witnessed, the hub says what is overdue, and all read their mail."""
    federation.clock.now = when
    await federation.settle()
    await federation.hub.jobs.overdue()
    await federation.settle()


async def shown(node: SimNode, request_id: str) -> dict[str, Any]:
    """The clock of a request, as a node shows it to its people."""
    value = await node.read(lambda tables: inbox_value(tables, node.membership))
    (item,) = [one for one in value["sent"] + value["received"] if one["request_id"] == request_id]
    clock: dict[str, Any] = item["clock"]
    return clock


async def says(node: SimNode, request_id: str) -> str:
    return str((await shown(node, request_id))["says"])


async def overdue(federation: SimFederation) -> list[Statement[OverdueBody]]:
    """What the hub has said in the log."""
    entries = await federation.entries("overdue")
    return [parse_statement(item["envelope"]).expect(OverdueBody) for item in entries]


async def report(federation: SimFederation) -> Audited:
    """What an auditor finds, with every checkpoint that the hub published."""
    await audited(federation)  # writes the case
    notes = federation.folder / "kept"
    shutil.rmtree(notes, ignore_errors=True)
    notes.mkdir()
    for row in await federation.hub_read(lambda t: t.tx.rows("SELECT seq, note FROM note")):
        (notes / f"{row['seq']:06}").write_bytes(row["note"])
    return audit_case(Case(federation.folder / "case"), None, [notes])


async def codes(federation: SimFederation) -> list[Code]:
    return [item.code for item in (await report(federation)).report.findings]


async def test_urgent_on_friday_evening_does_not_wait_for_monday(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await at(federation, FRIDAY_EVENING)
    request_id = await asked(federation, agencies)
    assert await says(care, request_id) == (
        "with their duty desk until 9:30pm on Friday 27 November, then with their manager"
    )
    assert await says(health, request_id) == (
        "with your duty desk until 9:30pm on Friday 27 November, then with your manager"
    )
    await at(federation, london("2026-11-27 21:30"))
    assert await says(care, request_id) == (
        "with their manager until 1:30am on Saturday 28 November, then it is overdue"
    )
    await at(federation, london("2026-11-28 01:29:59"))
    assert await overdue(federation) == []
    await at(federation, london("2026-11-28 01:35"))  # witnesses sign every five minutes
    (said,) = await overdue(federation)
    assert said.body.due == london("2026-11-28 01:30")
    assert said.preamble.iat == london("2026-11-28 01:35")
    late = "overdue since 1:30am on Saturday 28 November; with"
    assert await says(care, request_id) == f"{late} their manager"
    assert await says(health, request_id) == f"{late} your manager"
    assert (await shown(care, request_id))["overdue"] is True
    await at(federation, london("2026-11-28 03:00"))
    assert len(await overdue(federation)) == 1, "once"
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened", "a late answer counts"
    for node in agencies:
        assert await says(node, request_id) == "was overdue since 1:30am on Saturday 28 November"
    assert await codes(federation) == []


async def test_working_days_leave_out_weekends_and_holidays(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    await at(federation, CHRISTMAS_EVE)
    waits = await asked(federation, agencies, **S17)
    in_time = await asked(federation, agencies, **S17)
    with monkeypatch.context() as short:
        lifetime = (await federation.charter()).request_lifetime_days
        short.setattr(asking, "DAY", 7 * 24 * HOUR // lifetime)
        over_before = await asked(federation, agencies, **S17)
    refused = await asked(federation, agencies, basis="UK-NONE", facts={})
    assert (await care.sent(refused))["state"] == "refused"
    assert await says(care, waits) == (
        "with the worker until the end of Wednesday 30 December, then with their duty desk"
    )
    assert await says(care, over_before) == await says(care, waits)
    assert await shown(care, refused) is None
    await at(federation, london("2026-12-31 00:00"))
    assert await says(care, waits) == (
        "with their duty desk until the end of Thursday 31 December, then with their manager"
    )
    assert "until it expires, 10:00am on Thursday 31 December" in await says(care, over_before)
    await health.answer(in_time)
    await at(federation, london("2027-01-01 00:00"))
    assert await says(care, waits) == (
        "with their manager until the end of Tuesday 5 January, then it is overdue"
    )
    await at(federation, london("2027-01-05 23:59:59"))
    assert await overdue(federation) == []
    await restart_hub(federation)  # it was away when the time came
    await at(federation, london("2027-01-06 09:00"))
    (said,) = await overdue(federation)
    assert (said.body.request_id, said.body.due) == (waits, london("2027-01-06 00:00"))
    assert said.preamble.iat == london("2027-01-06 09:00"), "how late it was is seen"
    assert await shown(care, in_time) | {"says": None} == {
        "worker_until": london("2026-12-31 00:00"),
        "duty_until": london("2027-01-01 00:00"),
        "due": london("2027-01-06 00:00"),
        "with": None,
        "overdue": False,
        "says": None,
    }
    found = await report(federation)
    assert [item.code for item in found.report.findings] == [], "nobody is accused of being away"
    ((place, times),) = answers(found.history).items()
    assert place == (health.party_id, "UK-CA89-S17")
    assert (times.asked, times.answered, times.overdue) == (3, 1, 1)
    assert times.median == times.longest == london("2026-12-31 00:00") - CHRISTMAS_EVE
    assert times.said_after == 9 * HOUR
    page = to_html(found, federation.clock.now).split('id="answers"')[1].split("</section>")[0]
    for cell in ("Health visiting", "UK-CA89-S17", "158.0", "540.0"):
        assert cell in page
    assert "Overdue since the end of Tuesday 5 January; with their manager." in await screen(care)
    assert "Overdue since the end of Tuesday 5 January; with your manager." in await screen(health)


async def screen(node: SimNode) -> str:
    """What the command shows of the inbox."""
    out = Console(record=True, width=200, file=StringIO())
    value = await node.read(lambda tables: inbox_value(tables, node.membership))
    print_inbox(out, value)
    return out.export_text()


async def test_the_operator_lists_holidays_and_is_told_when_they_run_out(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, file = federation.folder / "hub", federation.folder / "holidays.toml"
    (folder / "plan.json").write_text("{}")

    async def command(*words: str) -> str:
        arguments = ["charter", *words, "--dir", str(folder)]
        done = await asyncio.to_thread(CliRunner().invoke, hub_commands, arguments)
        structlog.reset_defaults()
        return done.output

    file.write_text(await command("holidays", "england", "wales", "victoria"))
    said = await command("change", str(file), "--yes")
    assert "Days on which nobody has to answer:" in said.partition("It loosens:")[2]
    await federation.hub.jobs.amend()
    answering = (await federation.charter()).answering
    assert answering is not None
    assert {"2027-05-31", "2027-11-02"} <= set(answering.holidays), "a bank holiday, the Cup"
    assert answering.worker_days == 2, "the rest stays"
    assert "holidays are known of" in await command("holidays", "atlantis")
    told: list[dict[str, Any]] = []

    async def alarm(_command: list[str], value: dict[str, Any]) -> None:
        told.append(value)

    monkeypatch.setattr("hub.server.jobs.run_alarm", alarm)
    until = answering.holidays_until
    assert until is not None
    for days in (200, 100, 99):
        federation.clock.now = london(f"{until} 12:00") - days * 24 * HOUR
        await federation.hub.jobs.daily()
    (once,) = told
    assert once["alarm"] == "holidays_run_out"
    assert f"only up to 31 December {until.year}" in once["says"]


async def test_a_later_charter_stretches_no_clock_that_runs(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    await at(federation, FRIDAY_EVENING)
    before = await asked(federation, agencies)
    await amend(federation, {"answering": {"urgent_manager_hours": 40}})
    for node in agencies:
        await accept(federation, node)
    after = await asked(federation, agencies)
    await at(federation, london("2026-11-28 01:30"))
    assert [item.body.request_id for item in await overdue(federation)] == [before]
    assert (await shown(care, after))["due"] == FRIDAY_EVENING + 42 * HOUR
    await at(federation, FRIDAY_EVENING + 42 * HOUR)
    assert [item.body.request_id for item in await overdue(federation)] == [before, after]
    assert await codes(federation) == []


async def test_a_clock_that_jumps_makes_nobody_late(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Neither the hub's own nor, for as long as there is no quorum, anybody's."""
    _, care = agencies
    await at(federation, FRIDAY_EVENING)
    request_id = await asked(federation, agencies)
    jobs = federation.hub.jobs
    right = jobs.signer
    ahead = replace(right.env, clock=lambda: federation.clock() + 90 * HOUR)
    jobs.signer = replace(right, env=ahead)
    await jobs.overdue()
    assert await overdue(federation) == [], "witnesses say that it is still Friday"
    jobs.signer = right
    for witness in federation.network.witnesses.values():
        witness.asleep = True
    await at(federation, london("2026-11-28 01:30"))
    assert await overdue(federation) == []
    assert "to be answered by 1:30am on Saturday 28 November" in await says(care, request_id)
    for witness in federation.network.witnesses.values():
        witness.asleep = False
    await at(federation, london("2026-11-29 12:00"))
    assert len(await overdue(federation)) == 1
    federation.clock.now = london("2026-11-28 12:00")  # and back: it is not said again
    await federation.hub.jobs.overdue()
    assert len(await overdue(federation)) == 1
    federation.clock.now = london("2026-11-29 12:30")
    assert await codes(federation) == [], "nor is a hub that had no quorum"


async def test_a_hub_that_keeps_silent_is_found(
    federation: SimFederation, agencies: Agencies
) -> None:
    await at(federation, FRIDAY_EVENING)
    await asked(federation, agencies)
    for when in ("2026-11-28 01:31", "2026-11-28 02:30"):
        federation.clock.now = london(when)
        await federation.settle()
    assert await codes(federation) == [], "an hour it may take"
    federation.clock.now = london("2026-11-28 02:40")
    await federation.settle()
    assert await codes(federation) == [Code.OVERDUE_MISSING]
    await at(federation, london("2026-11-28 02:45"))
    (finding,) = (await report(federation)).report.findings
    assert (finding.code, finding.detail) == (
        Code.OVERDUE_MISSING, "said only when witnesses had seen the log 75 minutes after it was",
    )  # fmt: skip


LIES = {
    "too early": ("2026-11-27 23:00", 0, [Code.OVERDUE_UNFOUNDED]),
    "too early, and dated after": ("2026-11-27 23:00", 3 * HOUR, [Code.BACK_DATED]),
    "with a due of its own": ("2026-11-27 23:00", -3 * HOUR, [Code.OVERDUE_UNFOUNDED]),
}


@pytest.mark.parametrize("lie", LIES)
async def test_what_a_lying_hub_says_is_refused_by_both_and_found(
    federation: SimFederation, agencies: Agencies, lie: str
) -> None:
    when, wrong, expected = LIES[lie]
    await at(federation, FRIDAY_EVENING)
    request_id = await asked(federation, agencies)
    due = london("2026-11-28 01:30")
    await at(federation, london(when))
    said = await spoken(federation, request_id, due + min(0, wrong), max(0, wrong))
    for node in agencies:
        await delivered(federation, node, said)
        assert (await shown(node, request_id))["overdue"] is False
    federation.clock.now += 60
    await federation.settle()
    assert await codes(federation) == expected


async def spoken(
    federation: SimFederation, request_id: str, due: int, ahead: int = 0
) -> Statement[OverdueBody]:
    """An `overdue` that the hub signs, its clock so many seconds ahead."""
    row = await federation.hub_read(lambda tables: tables.requests.get(request_id))
    assert row is not None
    body = OverdueBody(request=row.statement_id, request_id=request_id, due=due)

    def sign(tables: Any) -> Statement[OverdueBody]:
        ledger = federation.ledger(tables)
        ledger.env = replace(ledger.env, clock=lambda: federation.clock() + ahead)
        return ledger.sign(body, row.requester)

    return await federation.hub_read(sign)


async def test_it_is_not_said_twice_nor_of_what_was_answered_in_time(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await at(federation, FRIDAY_EVENING)
    answered, waits = [await asked(federation, agencies) for _ in range(2)]
    await health.answer(answered)
    due = federation.clock.now = london("2026-11-28 01:30")
    await federation.settle()
    own = (await spoken(federation, waits, due)).body
    for node in agencies:
        await delivered(federation, node, health.membership.sign(own, care.party_id))
        assert (await shown(node, waits))["overdue"] is False, "only the hub says so"
    await federation.hub.jobs.overdue()
    await federation.settle()
    (_, _, first) = await overdue(federation)
    for request_id in (answered, waits):
        said = await spoken(federation, request_id, due)
        for node in agencies:
            await delivered(federation, node, said)
    for node in agencies:
        assert (await shown(node, answered))["overdue"] is False
        assert (await shown(node, waits))["overdue"] is True
    kept = (await care.sent(waits), await health.received(waits), await care.sent(answered))
    assert [row["overdue"] for row in kept] == [first.id, first.id, None]
    assert await codes(federation) == [*[Code.WRONG_SENDER] * 2, *[Code.OVERDUE_UNFOUNDED] * 2]


async def test_both_sides_learn_it_again_after_a_backup_was_put_back(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    await at(federation, FRIDAY_EVENING)
    request_id = await asked(federation, agencies)
    copies = [tmp_path / "copy of health", tmp_path / "copy of care"]
    for node, copy in zip(agencies, copies, strict=True):
        copy_aside(node, copy)
    await at(federation, london("2026-11-28 01:30"))
    for node, copy in zip(agencies, copies, strict=True):
        node = await put_back(federation, node, copy)
        await federation.settle()
        assert (await shown(node, request_id))["overdue"] is True
    assert await codes(federation) == []
