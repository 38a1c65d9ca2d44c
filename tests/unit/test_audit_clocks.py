"""The auditor on clocks: an honest hub is clean, each lie has its name, silence is judged fairly.

Asked on Monday 21 September 2026, a quarter past three in London: an ordinary request is overdue at
the end of the next Monday, an urgent one after two and four hours.
"""

from pathlib import Path
from typing import Any

import pytest

from audit.case.case import Case
from audit.findings import FindingCode as Code
from audit.findings import Severity
from audit.report.answers import Answers, answers
from audit.report.figures import Audited, audit_case
from protocol.messages.bodies import RequestBody
from protocol.messages.clock import OverdueBody
from protocol.messages.statement import Statement
from tests.unit.audit_log import ANNE, BERT, DAY, HUB, NOON, AuditLog, council
from tests.unit.test_audit_times import note

HOUR = 3600
MONDAY_NIGHT = 1_790_636_400
URGENT: dict[str, Any] = {
    "basis": "UK-CA89-S47",
    "facts": {"enquiry_reference": "0" * 64, "informed": "informed"},
}


def ask(log: AuditLog, **change: Any) -> Statement[RequestBody]:
    return log.ask(**{"expires": NOON + 13 * DAY, **change})


def passed_on(log: AuditLog, **change: Any) -> Statement[RequestBody]:
    """A request that the hub allowed."""
    request = ask(log, **change)
    log.hub_decides(request)
    return request


def say(log: AuditLog, request: Statement[RequestBody], due: int, /, **change: Any) -> None:
    """The hub says that a request is overdue, when it is unless `change` says otherwise."""
    aud = change.pop("aud", ANNE)
    log.now = max(log.now, change.pop("at", due))
    said = {"request": request.id, "request_id": request.body.request_id, "due": due}
    log.say(HUB, OverdueBody(**{**said, **change}), aud.id)


def audited(log: AuditLog, folder: Path, *kept: tuple[int, int]) -> Audited:
    """The case, with notes (size, time) that were kept beside its own checkpoint."""
    case, notes = log.write(folder / "case"), folder / "notes"
    notes.mkdir()
    for size, time in ((len(log.entries), log.now), *kept):
        (notes / f"{time}").write_bytes(note(log, size, time, time, time))
    last = (notes / f"{log.now}").read_bytes()
    (case / "log" / "checkpoint").write_bytes(last)
    return audit_case(Case(case), None, [notes])


def codes(found: Audited) -> list[tuple[Code, int | None]]:
    return [(item.code, item.index) for item in found.report.findings]


def test_an_honest_hub_is_clean_and_its_times_are_reported(tmp_path: Path) -> None:
    log = council()
    ordinary = passed_on(log)
    urgent = passed_on(log, request_id="22" * 16, **URGENT)
    say(log, urgent, urgent.preamble.iat + 6 * HOUR, at=urgent.preamble.iat + 6 * HOUR + 600)
    log.now = ordinary.preamble.iat + DAY
    log.holder_decides(log.hub_decides(ask(log, request_id="23" * 16)))
    say(log, ordinary, MONDAY_NIGHT)
    found = audited(log, tmp_path)
    assert codes(found) == []
    assert answers(found.history) == {
        (BERT.id, "UK-CA89-S17"): Answers(2, 1, 2, 2, 1, 1),
        (BERT.id, "UK-CA89-S47"): Answers(1, 0, None, None, 1, 601),
    }


def lie(log: AuditLog, name: str) -> None:
    """A log whose last entry is an `overdue` that is none."""
    if name == "the hub refused it":
        request = ask(log, basis="UK-NONE", facts={})
        log.hub_decides(request, "refuse", "basis_not_usable")
        return say(log, request, MONDAY_NIGHT)
    expires = MONDAY_NIGHT if name == "it expires with its clock" else NOON + 13 * DAY
    request = ask(log, expires=expires)
    hub = log.hub_decides(request)
    changes: dict[str, dict[str, Any]] = {
        "a second early": {"at": MONDAY_NIGHT - 2},
        "a due of its own": {"due": MONDAY_NIGHT - 1},
        "to who was asked": {"aud": BERT},
        "of no such request": {"request": "0" * 64},
    }
    if name == "it was answered":
        log.holder_decides(hub)
    elif name == "it was said before":
        say(log, request, MONDAY_NIGHT)
    return say(log, request, MONDAY_NIGHT, **changes.get(name, {}))


@pytest.mark.parametrize(
    "name",
    [
        "a second early", "a due of its own", "to who was asked", "of no such request",
        "it was answered", "it was said before", "it expires with its clock", "the hub refused it",
    ],
)  # fmt: skip
def test_each_lie_has_its_name(name: str, tmp_path: Path) -> None:
    log = council()
    lie(log, name)
    assert codes(audited(log, tmp_path)) == [(Code.OVERDUE_UNFOUNDED, log.last())]


def test_a_decision_that_refers_is_no_answer_and_one_that_comes_late_neither(
    tmp_path: Path,
) -> None:
    log = council()
    request = ask(log)
    hub = log.hub_decides(request)
    log.holder_decides(hub, "refer")
    log.now = MONDAY_NIGHT
    log.holder_decides(hub)
    say(log, request, MONDAY_NIGHT)
    assert codes(audited(log, tmp_path)) == []


SILENCE = [
    # what witnesses saw after the request was overdue, and whether the hub had to say so
    ((60, 3700), True),
    ((60, 3600), False),
    ((9 * HOUR,), False),  # it was away, and came back
    ((9 * HOUR, 9 * HOUR + 3601), True),
    ((-60,), False),
]


@pytest.mark.parametrize(("seen", "missing"), SILENCE)
def test_silence_is_held_against_a_hub_that_was_there(
    seen: tuple[int, ...], missing: bool, tmp_path: Path
) -> None:
    log = council()
    request = passed_on(log)
    index = log.last() - 1
    log.now = MONDAY_NIGHT + seen[-1] - 1
    log.pad(1)
    found = audited(log, tmp_path, *((log.last(), MONDAY_NIGHT + at) for at in seen[:-1]))
    assert codes(found) == ([(Code.OVERDUE_MISSING, index)] if missing else [])
    assert request.body.request_id not in found.history.refusals


@pytest.mark.parametrize(("minutes", "late"), [(59, False), (61, True)])
def test_what_is_said_too_late_was_missing(minutes: int, late: bool, tmp_path: Path) -> None:
    log = council()
    request = passed_on(log)
    size = len(log.entries)
    say(log, request, MONDAY_NIGHT, at=MONDAY_NIGHT + minutes * 60 + 120)
    kept = ((size, MONDAY_NIGHT), (size, MONDAY_NIGHT + minutes * 60))
    found = audited(log, tmp_path, *kept)
    assert codes(found) == ([(Code.OVERDUE_MISSING, log.last())] if late else [])


def without(folder: Path, index: int) -> None:
    """Take one payload out of a case."""
    path = folder / "case" / "payloads" / "payloads.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if b'"index":%d,' % index not in line))


def test_on_half_the_facts_nobody_is_accused(tmp_path: Path) -> None:
    log = council()
    request = passed_on(log)
    decided = log.last()
    say(log, request, MONDAY_NIGHT)
    audited(log, tmp_path)
    without(tmp_path, decided)
    found = audit_case(Case(tmp_path / "case"), None, [tmp_path / "notes"]).report.findings
    assert {item.severity for item in found} == {Severity.MISSING}
    assert Code.OVERDUE_UNFOUNDED in {item.code for item in found}
