"""Reports, evidence and time bounds on what a whole federation logged, honest and not."""

import asyncio
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from audit.case.case import Case
from audit.findings import FindingCode as Code
from audit.findings import Severity
from audit.report.bundle import Source, make_bundle
from audit.report.figures import Audited, asks, audit_case, code_mix, uptime
from audit.report.report_page import to_html
from hub.log.ledger import Ledger
from tests.sim.federation import NOON, SimFederation, SimNode
from tests.sim.test_audit_people import audited as fetched
from tests.sim.test_recall import released
from tests.unit.test_audit_evidence import shown_script

Agencies = tuple[SimNode, SimNode]
HOUR = 3600


def keep_note(federation: SimFederation) -> Path:
    """Keep the checkpoint that the hub shows now, as a monitor does."""
    folder = federation.folder / "notes"
    folder.mkdir(exist_ok=True)
    number = len(list(folder.iterdir()))
    shutil.copy(federation.folder / "hub" / "log" / "checkpoint", folder / f"{number}")
    return folder


async def audit(federation: SimFederation) -> Audited:
    await fetched(federation)
    notes = [federation.folder / "notes"] if (federation.folder / "notes").exists() else []
    return audit_case(Case(federation.folder / "case"), None, notes)


async def test_a_report_of_an_honest_federation_is_clean_and_counts_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    keep_note(federation)
    federation.clock.now += HOUR
    await released(federation, agencies)
    keep_note(federation)
    made = await audit(federation)
    assert list(made.report.findings) == []
    assert asks(made) == {(care.party_id, health.party_id): 1}
    assert code_mix(made.history) == {care.party_id: {"UK-CA89-S47": 1}}
    assert {item.percent for item in uptime(made)} == {100.0}
    page = to_html(made, NOON).removeprefix("<!DOCTYPE html>\n")
    text = " ".join(ElementTree.fromstring(page).itertext())  # noqa: S314
    assert "Clean: everything that was checked holds." in text
    for secret in ("Amira", "Hassan", "S. Worker", "LX3"):
        assert secret not in page


async def test_evidence_of_every_step_of_a_request_holds_by_openssl(
    federation: SimFederation, agencies: Agencies
) -> None:
    await released(federation, agencies)
    made = await audit(federation)
    script = shown_script("perl", federation.folder)
    for kind in ("request", "hub_decision", "decision", "release", "receipt"):
        (entry,) = await federation.entries(kind)
        folder = federation.folder / f"evidence-{kind}"
        make_bundle(Source(Case(federation.folder / "case"), made.verified, entry["idx"]), folder)
        done = await asyncio.to_thread(
            subprocess.run,
            ["perl", str(script), str(folder), federation.genesis],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.startswith(f"YES: entry {entry['idx']}, by {entry['sender']}"), done


async def test_a_hub_that_back_dates_its_decision_is_caught_by_the_witnesses_times(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, care = agencies
    federation.clock.now += 2 * HOUR
    await federation.round()
    keep_note(federation)
    honest = Ledger.sign

    def back_dated(ledger, body, aud):  # type: ignore[no-untyped-def]
        now = federation.clock.now
        federation.clock.now = now - HOUR if "Decision" in type(body).__name__ else now
        try:
            return honest(ledger, body, aud)
        finally:
            federation.clock.now = now

    monkeypatch.setattr(Ledger, "sign", back_dated)
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    (decision,) = await federation.entries("hub_decision")
    found = (await audit(federation)).report.findings
    assert [(item.severity, item.code, item.index) for item in found] == [
        (Severity.RULE, Code.BACK_DATED, decision["idx"])
    ]
