"""The auditor on what people said: honest logs are clean, a hub that does not listen is seen."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from audit.case.case import Case
from audit.findings import FindingCode as Code
from audit.findings import Severity
from audit.rules.open import open_case
from audit.verify.verify import verify_case
from hub.exchange.facts import identity_facts
from protocol.fields import to_base64
from protocol.requests.decide import Allow
from protocol.requests.review import review
from protocol.wire import ExportRecord, encode_wire
from tests.sim.federation import DUTY, SimFederation, row
from tests.sim.test_identity_check import answer, check
from tests.sim.test_recall import released, wrong
from tests.sim.test_review import MOVED, Agencies, queue, say

Found = set[tuple[Severity, Code]]


async def audited(federation: SimFederation) -> Found:
    """Fetch what an auditor would, and open it."""
    await federation.checkpoint()
    folder = federation.folder / "case"
    shutil.rmtree(folder, ignore_errors=True)
    evidence = folder / "payloads" / "evidence"
    evidence.mkdir(parents=True)
    shutil.copytree(federation.hub._folder / "log", folder / "log")
    (folder / "genesis").write_text(federation.genesis + "\n")
    documents = await federation.hub_read(
        lambda tables: tables.tx.rows("SELECT hash, document FROM charter_document")
    )
    (folder / "charters").mkdir()
    for item in documents:
        (folder / "charters" / f"{item['hash']}.json").write_bytes(item["document"])
    lines = []
    for entry in await federation.hub_read(lambda tables: tables.log.payloads(0, 10_000)):
        index = entry.index
        kept = await federation.hub_read(lambda tables, i=index: tables.log.evidence(i, i + 1))  # type: ignore[misc]
        parts = kept.get(index, [])
        record = ExportRecord(
            index=index,
            salt=entry.salt.hex(),
            envelope=to_base64(entry.envelope),
            evidence=len(parts),
        )
        lines.append(encode_wire(record) + b"\n")
        for number, data in enumerate(parts):
            (evidence / f"{index}.{number}").write_bytes(data)
    (folder / "payloads" / "payloads.jsonl").write_bytes(b"".join(lines))
    return found(folder)


def found(folder: Path) -> Found:
    case = Case(folder)
    verified = verify_case(case)
    findings = (*verified.findings, *open_case(case, verified).findings)
    return {(item.severity, item.code) for item in findings}


def rules(*codes: Code) -> Found:
    return {(Severity.RULE, code) for code in codes}


async def test_answers_and_checks_and_changes_of_mind_are_clean(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    link_id = (await queue(care))[0].link_id
    await check(care, facts={"informed": "informed"})
    check_id = await check(care)
    await federation.settle()
    await answer(health, check_id, "not_same")
    await say(care, "not_same", link_id)
    await federation.round()
    await care.take_in(row("c1", MOVED, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    await federation.round()
    await say(health, "same")
    await say(care, "same")
    await federation.round()
    assert await audited(federation) == set()


async def test_a_recalled_card_is_clean(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    await wrong(health, await released(federation, agencies))
    await care.ask("c1", involvement)
    await federation.round()
    assert await audited(federation) == set()


async def test_a_hub_that_does_not_listen_to_two_noes_is_seen(
    federation: SimFederation, unsure: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    for node in unsure:
        await say(node, "not_same")
    await federation.round()
    assert await audited(federation) == set()
    monkeypatch.setattr("hub.matching.classify.review", lambda outcome, asked, _a, _b: review(
        outcome, asked, None, None))  # fmt: skip
    await federation.hub_write(
        lambda tables: tables.tx.run("INSERT OR IGNORE INTO dirty_stub SELECT stub_id FROM stub")
    )
    await federation.round()
    assert await audited(federation) == rules(Code.VERDICT_IGNORED)


async def test_a_hub_that_goes_on_after_the_wrong_person_is_seen(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    request_id = await released(federation, agencies)
    second = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    monkeypatch.setattr("hub.exchange.recalls.Recalls._end", lambda *_: None)
    await wrong(care, request_id)
    await health.answer(second)
    while not (await federation.entries("release"))[1:]:
        await federation.checkpoint()
        await health.service.advance()
    assert await audited(federation) == rules(Code.NOT_IN_FORCE)
    health_link = await care.read(lambda tables: tables.tx.one("SELECT * FROM link"))
    assert health_link is not None
    assert health_link["state"] == "ended", "the node does not rely on the hub for that"


async def test_a_hub_that_allows_an_identity_check_over_quota_is_seen(
    federation: SimFederation, unsure: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, care = unsure
    monkeypatch.setattr("hub.exchange.identity_checks.decide_identity", lambda *_: Allow())
    monkeypatch.setattr("hub.exchange.intake.check_quota", lambda *_: None)
    for _ in range(care.membership.charter.quotas.identity_checks_per_day):
        await check(care)
    assert await audited(federation) == set()
    await check(care)
    assert await audited(federation) == rules(Code.DECISION_DIFFERS, Code.FACTS_DIFFER)


async def test_a_hub_that_names_another_agency_is_seen(
    federation: SimFederation, unsure: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, care = unsure
    housing = await federation.join("Housing", "housing")

    def elsewhere(ledger: Any, statement: Any, row: Any) -> Any:
        known, pinned, _ = identity_facts(ledger, statement, row)
        return known, pinned, housing.party_id

    monkeypatch.setattr("hub.exchange.identity_checks.identity_facts", elsewhere)
    await check(care)
    assert await audited(federation) == rules(Code.DECISION_DIFFERS)
