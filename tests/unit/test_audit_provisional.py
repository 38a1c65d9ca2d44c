"""The auditor on a card without a quorum: honest ones are clean, each wrong one has its name."""

from pathlib import Path
from typing import Any

import pytest

from audit.case.case import Case
from audit.findings import FindingCode as Code
from audit.report.figures import audit_case
from audit.report.report_page import to_html
from protocol.messages.bodies import DecisionBody
from protocol.messages.statement import Statement
from tests.unit.audit_log import BERT, HUB, NOON, AuditLog, brokered, council
from tests.unit.test_audit_times import note

VITAL = {
    "basis": "UK-VITAL",
    "facts": {"break_glass_reason": "child", "danger": "0" * 64},
}
Found = list[tuple[Code, int | None]]


def allowed(log: AuditLog, **change: Any) -> Statement[DecisionBody]:
    """A request for life or death that Bert's person allowed."""
    person = change.pop("decided_by", "41" * 16)
    hub = log.hub_decides(log.ask(**(VITAL | change)))
    return log.holder_decides(hub, decided_by=person)


def found(log: AuditLog, tmp_path: Path, *notes: Path) -> Found:
    folder = log.write(tmp_path / "case")
    findings = audit_case(Case(folder), None, notes).report.findings
    return [(item.code, item.index) for item in findings]


def test_an_honest_one_is_clean_and_counts_as_released(tmp_path: Path) -> None:
    log = council()
    log.receipt(log.provisional(allowed(log)))
    audited = audit_case(Case(log.write(tmp_path / "case")), None, [])
    assert audited.report.findings == []
    assert audited.report.checked["kind_provisional"] == 1
    (asked,) = audited.history.asked.values()
    assert None not in {asked.released_at, asked.received_at}
    page = to_html(audited, log.now)
    assert "Contact details released without witnesses" in page
    assert "UK-VITAL" in page.split('id="unwitnessed"')[1].split("</section>")[0]


def test_a_report_says_that_there_was_none(tmp_path: Path) -> None:
    page = to_html(audit_case(Case(brokered(council()).write(tmp_path / "case")), None, []), NOON)
    part = page.split('id="unwitnessed"')[1].split("</section>")[0]
    assert "There were none" in part
    assert "<table" not in part


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"decided_by": None}, Code.PROVISIONAL_NOT_ALLOWED),
        (
            {"basis": "UK-CA89-S17", "facts": {"views": "sought", "proportionality": "0" * 64}},
            Code.PROVISIONAL_NOT_ALLOWED,
        ),
    ],
)
def test_only_a_person_and_only_on_a_basis_for_it(
    change: dict[str, Any], code: Code, tmp_path: Path
) -> None:
    log = council()
    log.provisional(allowed(log, **change))
    assert found(log, tmp_path) == [(code, log.last())]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"decision": "0" * 64}, Code.RELEASE_WITHOUT_DECISION),
        ({"seal_key": BERT.keys().seal}, Code.SEAL_KEY),
        ({"aud": HUB}, Code.WRONG_RECIPIENT),
    ],
)
def test_it_is_held_to_what_a_release_is_held_to(
    change: dict[str, Any], code: Code, tmp_path: Path
) -> None:
    log = council()
    log.provisional(allowed(log), **change)
    assert found(log, tmp_path) == [(code, log.last())]


def test_it_comes_in_time_and_while_the_link_holds(tmp_path: Path) -> None:
    log = council()
    decision = allowed(log)
    log.match("ended")
    log.now += 3 * 86_400
    log.provisional(decision)
    folder = log.write(tmp_path / "case")
    last = note(log, len(log.entries), log.now, log.now, log.now)
    (folder / "log" / "checkpoint").write_bytes(last)
    findings = audit_case(Case(folder), None, []).report.findings
    codes = [(Code.NOT_IN_FORCE, log.last()), (Code.AFTER_EXPIRY, log.last())]
    assert [(item.code, item.index) for item in findings] == codes


@pytest.mark.parametrize("first", ["release", "provisional"])
def test_there_is_one_card_or_the_other(first: str, tmp_path: Path) -> None:
    log = council()
    decision = allowed(log)
    log.pad(2)
    steps = [log.release, log.provisional]
    for step in steps if first == "release" else reversed(steps):
        if step == log.provisional:
            log.provisional(decision, tree_size=3)
        else:
            log.release(decision)
    assert found(log, tmp_path) == [(Code.CHAIN_BROKEN, log.last())]


def test_a_sender_that_had_seen_the_quorum_itself(tmp_path: Path) -> None:
    log = council()
    decision = allowed(log)
    log.provisional(decision, tree_size=len(log.entries))
    assert found(log, tmp_path) == [(Code.PROVISIONAL_WITH_QUORUM, log.last())]


@pytest.mark.parametrize(("waited", "caught"), [(200, False), (400, True)])
@pytest.mark.parametrize(("witnesses", "quorum"), [(3, True), (1, False)])
def test_notes_of_a_quorum_say_that_there_was_no_haste(
    waited: int, caught: bool, witnesses: int, quorum: bool, tmp_path: Path
) -> None:
    log = council()
    decision = allowed(log)
    notes = tmp_path / "notes"
    notes.mkdir()
    times = [log.now + 1] * witnesses
    (notes / "1").write_bytes(note(log, len(log.entries), *times))
    log.now += waited
    log.provisional(decision)
    folder = log.write(tmp_path / "case")
    after = log.now + 1
    last = note(log, len(log.entries), after, after, after)
    (folder / "log" / "checkpoint").write_bytes(last)
    findings = audit_case(Case(folder), None, [notes]).report.findings
    expected = [(Code.PROVISIONAL_WITH_QUORUM, log.last())] if caught and quorum else []
    assert [(item.code, item.index) for item in findings] == expected
