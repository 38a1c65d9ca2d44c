"""Checkpoints kept over time: a statement that is dated falsely, and a log that was rewritten."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from audit.case.case import Case
from audit.cli.main import app
from audit.findings import FindingCode as Code
from audit.findings import Severity
from audit.report.figures import audit_case, uptime
from protocol.log.checkpoint import (
    Checkpoint,
    cosign_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from protocol.log.merkle import leaf_hash, root
from tests.unit.audit_log import LOG, NOON, WITNESSES, AuditLog, brokered, council

HOUR = 3600
Found = list[tuple[Severity, Code, int | None]]
NotesOf = Callable[..., Path]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


def note(log: AuditLog, size: int, *times: int | None, **changes: Any) -> bytes:
    """A checkpoint of the first `size` entries; each witness signs at its time (None: not)."""
    leaves = [leaf_hash(entry.leaf) for entry in log.entries[:size]]
    head = Checkpoint(LOG.name, size, changes.get("root") or root(leaves))
    lines = [
        cosign_checkpoint(head, witness, time)
        for witness, time in zip(WITNESSES, times, strict=False)
        if time is not None
    ]
    return sign_checkpoint(head, changes.get("signer", LOG)).with_signatures(lines).encode()


def audited(case: Path, *notes: Path) -> Found:
    findings = audit_case(Case(case), None, notes).report.findings
    return [(item.severity, item.code, item.index) for item in findings]


def dated(log: AuditLog, iat: int) -> int:
    """A request with this date; its index."""
    request = log.ask("44" * 16, stamp_iat=iat, needed_by=iat + HOUR, expires=iat + 2 * HOUR)
    index = log.last()
    log.hub_decides(request)
    return index


def write(log: AuditLog, tmp_path: Path) -> Path:
    """The case; its own checkpoint was signed in the afternoon."""
    folder = log.write(tmp_path / "case")
    last = NOON + 4 * HOUR
    size = len(log.entries)
    (folder / "log" / "checkpoint").write_bytes(note(log, size, last, last, last))
    return folder


def test_honest_dates_between_honest_checkpoints_are_clean(tmp_path: Path, notes: Path) -> None:
    log = brokered(council())
    for size in range(1, len(log.entries)):
        at = NOON + 2 * size
        (notes / f"{size}").write_bytes(note(log, size, at, at + 1, at + 2))
    assert audited(write(log, tmp_path), notes) == []


@pytest.mark.parametrize(("minutes", "caught"), [(-60, True), (-6, True), (-4, False), (0, False)])
def test_a_statement_dated_before_the_checkpoint_before_it(
    minutes: int, caught: bool, tmp_path: Path, notes: Path
) -> None:
    log = council()
    before = NOON + 2 * HOUR
    (notes / "before").write_bytes(note(log, len(log.entries), before, before, before))
    index = dated(log, before + 60 * minutes)
    log.now = before
    found = audited(write(log, tmp_path), notes)
    assert ((Severity.RULE, Code.BACK_DATED, index) in found) is caught


@pytest.mark.parametrize(("minutes", "caught"), [(60, True), (6, True), (4, False)])
def test_a_statement_dated_after_the_checkpoint_after_it(
    minutes: int, caught: bool, tmp_path: Path, notes: Path
) -> None:
    log = council()
    after = NOON + 3 * HOUR
    index = dated(log, after + 60 * minutes)
    (notes / "after").write_bytes(note(log, len(log.entries), after, after, after))
    found = audited(write(log, tmp_path), notes)
    assert ((Severity.RULE, Code.BACK_DATED, index) in found) is caught


@pytest.mark.parametrize(
    ("hours", "caught"), [(0, True), (0.9, True), (1, False), (2, False), (2.1, True), (3, True)]
)
def test_of_many_notes_the_nearest_bind(
    hours: float, caught: bool, tmp_path: Path, notes: Path
) -> None:
    """A heartbeat narrows the time before; of the notes after, the first counts."""
    log = council()
    size = len(log.entries)
    index = dated(log, NOON + int(hours * HOUR))
    for hour, kept in ((0, size), (1, size), (2, size + 1), (3, size + 1), (3, size + 2)):
        (notes / f"{hour}-{kept}").write_bytes(note(log, kept, *[NOON + hour * HOUR] * 3))
    found = audited(write(log, tmp_path), notes)
    assert ((Severity.RULE, Code.BACK_DATED, index) in found) is caught


def test_one_witness_with_a_wrong_clock_accuses_nobody(tmp_path: Path, notes: Path) -> None:
    log = council()
    size = len(log.entries)
    now = NOON + 60
    (notes / "before").write_bytes(note(log, size, now, now, now + 9 * HOUR))
    dated(log, now)
    assert audited(write(log, tmp_path), notes) == []


def test_a_note_without_a_quorum_says_nothing_of_times(tmp_path: Path, notes: Path) -> None:
    log = council()
    (notes / "alone").write_bytes(note(log, len(log.entries), NOON + 2 * HOUR))
    dated(log, NOON + 60)
    assert audited(write(log, tmp_path), notes) == []


def test_a_long_upload_is_no_false_date(tmp_path: Path, notes: Path) -> None:
    log = council()
    (notes / "before").write_bytes(note(log, 6, *[NOON + 2 * HOUR] * 3))
    found = audited(write(log, tmp_path), notes)
    assert (Severity.RULE, Code.BACK_DATED, 8) in found, "the round is dated before its checkpoint"
    assert {index for _, _, index in found} == {8}, "the publications at 6 and 7 may be late"


def test_a_kept_note_of_another_tree_is_proof_of_a_fork(tmp_path: Path, notes: Path) -> None:
    log = brokered(council())
    (notes / "other").write_bytes(note(log, 5, *[NOON] * 3, root=b"\x66" * 32))
    findings = audit_case(Case(write(log, tmp_path)), None, [notes]).report.findings
    assert [(item.severity, item.code) for item in findings] == [
        (Severity.BROKEN, Code.OLD_DIFFERS)
    ]
    assert "note other" in findings[0].detail
    kept, shown = (parse_checkpoint(item.encode())[1] for item in findings[0].notes)
    assert (kept.size, kept.root, shown.size) == (5, b"\x66" * 32, len(log.entries))


def test_entries_that_witnesses_saw_and_that_are_gone_are_a_rollback(
    tmp_path: Path, notes: Path
) -> None:
    log = brokered(council())
    longer = note(log, len(log.entries), *[NOON + HOUR] * 3)
    log.entries = log.entries[:9]
    (notes / "longer").write_bytes(longer)
    assert audited(write(log, tmp_path), notes) == [(Severity.BROKEN, Code.ROLLED_BACK, None)]


def test_witnesses_whose_clocks_differ_a_little_make_no_rollback(
    tmp_path: Path, notes: Path
) -> None:
    log = brokered(council())
    (notes / "longer").write_bytes(note(log, len(log.entries), *[NOON + 9 * HOUR] * 3))
    log.entries = log.entries[:9]
    (notes / "same").write_bytes(note(log, 9, *[NOON + 9 * HOUR + 60] * 3))
    assert audited(write(log, tmp_path), notes) == []


def test_notes_that_came_after_the_case_are_no_rollback(tmp_path: Path, notes: Path) -> None:
    log = brokered(council())
    (notes / "later").write_bytes(note(log, len(log.entries), *[NOON + 9 * HOUR] * 3))
    log.entries = log.entries[:9]
    assert audited(write(log, tmp_path), notes) == []


def test_what_is_no_note_of_this_log_is_passed_over(tmp_path: Path, notes: Path) -> None:
    log = council()
    other = type(LOG)(LOG.name, LOG.type, WITNESSES[0].seed)
    (notes / "forged").write_bytes(note(log, 5, *[NOON] * 3, signer=other, root=b"\x66" * 32))
    (notes / "junk").write_bytes(b"\xff\x00 not a note")
    (notes / "huge").write_bytes(b"x" * 300_000)
    (notes / "folder").mkdir()
    assert audited(write(log, tmp_path), notes) == []


def test_the_uptime_of_each_witness_is_counted_from_kept_notes(tmp_path: Path, notes: Path) -> None:
    log = council()
    for hour in range(4):
        at = NOON + hour * HOUR
        third = None if hour in {1, 2} else at
        (notes / f"{hour}").write_bytes(note(log, 5, at, at, third))
    found = uptime(audit_case(Case(write(log, tmp_path)), None, [notes]))
    assert [(item.signed, item.kept, item.longest_gap) for item in found] == [
        (5, 5, HOUR),
        (5, 5, HOUR),
        (3, 5, 3 * HOUR),
    ]


def test_the_command_takes_notes_and_exits_4_for_a_false_date(tmp_path: Path, notes: Path) -> None:
    log = council()
    (notes / "before").write_bytes(note(log, len(log.entries), *[NOON + 2 * HOUR] * 3))
    dated(log, NOON + 60)
    case = write(log, tmp_path)
    assert CliRunner().invoke(app, ["open", str(case)]).exit_code == 0
    result = CliRunner().invoke(app, ["open", str(case), "--notes", str(notes)])
    assert result.exit_code == 4
    assert "9  back_dated: request: dated 119 minutes earlier than witnesses allow" in result.output
