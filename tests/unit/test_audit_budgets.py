"""The auditor sets evaluations beside published tokens, and asks who answered for whom (§3.11)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.case.case import Case
from audit.findings import Finding
from audit.findings import FindingCode as Code
from audit.rules.open import open_case
from audit.verify.verify import verify_case
from protocol.governance.admission import Newcomer
from protocol.messages.bodies import (
    EndorsementBody,
    MemberBody,
)
from protocol.messages.evaluations import EvaluationCount, EvaluationCountBody
from protocol.messages.statement import parse_statement
from tests.unit.audit_log import (
    ANNE,
    BERT,
    CHARTER_ID,
    DAY,
    NOON,
    AuditLog,
    Party,
    annes_row,
    founded,
    make_charter,
    row,
    work,
)


class KeyHolder(Party):
    """The charter's only one."""

    id = "d0" * 16


HOLDER = KeyHolder("\r")  # signs with 32 bytes of 0x0d
LATE = Party("L")
ENDS = NOON + 60 * DAY

Audit = Callable[[AuditLog], list[Finding]]


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    def opened(log: AuditLog) -> list[Finding]:
        case = Case(log.write(tmp_path / f"case-{log.last()}"))
        verified = verify_case(case)
        return [*verified.findings, *open_case(case, verified).findings]

    return opened


def codes(findings: list[Finding]) -> list[Code]:
    return [item.code for item in findings]


def counted(log: AuditLog, day: int, **counts: int) -> None:
    """The key holder logs what it evaluated for Anne or Bert."""
    items = [
        EvaluationCount(party_id={"anne": ANNE, "bert": BERT}[name].id, evaluations=count)
        for name, count in counts.items()
    ]
    body = EvaluationCountBody(day=day, epoch=1, counts=items)
    statement = log.sign(HOLDER, body, CHARTER_ID)
    log.log(statement)


@pytest.fixture
def log() -> AuditLog:
    return founded()


def most(sets: int) -> int:
    """What an agency that published so many sets of tokens may have had evaluated."""
    caps = [1, 1, 1, 2, 1, 2, 1, 1, 1, 3, 1, 1, 2, 2, 4, 1]  # of pack `england`, in its order
    return 2 * sets * sum(caps) + 450


def test_who_has_more_evaluated_than_it_publishes_is_found_by_name(
    log: AuditLog, audit: Audit
) -> None:
    log.publish(ANNE, [annes_row()])
    counted(log, 1, anne=most(1), bert=most(0) + 1)
    (found,) = audit(log)
    assert (found.code, found.index) == (Code.EVALUATIONS_EXCESS, None)
    assert BERT.id in found.detail
    assert f"{most(0) + 1} values" in found.detail


def test_days_add_up_and_a_day_that_was_stated_twice_counts_once(
    log: AuditLog, audit: Audit
) -> None:
    log.publish(ANNE, [annes_row()])
    for _ in range(3):
        counted(log, 1, anne=most(1) - 10)
    counted(log, 2, anne=10)
    assert audit(log) == []
    counted(log, 3, anne=1)
    assert codes(audit(log)) == [Code.EVALUATIONS_EXCESS]


def test_a_first_load_of_many_is_nothing_to_find(log: AuditLog, audit: Audit) -> None:
    some = work("77" * 16, "health_visiting", "Health visiting")
    log.publish(ANNE, [row(f"{number:02x}" * 16, some) for number in range(1, 30)])
    counted(log, 1, anne=29 * 19)
    assert audit(log) == []


def endorsed(log: AuditLog, by: Party) -> None:
    enrolled = parse_statement(log.entries[-1].envelope).expect(MemberBody).body
    newcomer = Newcomer.of(enrolled)
    body = EndorsementBody(
        fingerprint=newcomer.fingerprint, name="Agency", clients=0, endorsed_by="ee" * 16
    )
    log.say(by, body, CHARTER_ID)


@pytest.mark.parametrize(("late", "answered_for"), [(False, False), (True, False), (True, True)])
def test_a_late_member_that_nobody_answered_for_is_found(
    log: AuditLog, audit: Audit, late: bool, answered_for: bool
) -> None:
    log.now = ENDS + 1 if late else ENDS - 100
    log.admit(LATE, "charity")
    joined = log.last()
    if answered_for:
        endorsed(log, BERT)
    expected: list[Any] = [(Code.NOT_ENDORSED, joined)] if late and not answered_for else []
    assert [(item.code, item.index) for item in audit(log)] == expected


def test_old_charters_are_not_judged_by_rules_that_came_later(audit: Audit) -> None:
    quotas = make_charter().quotas.model_dump(exclude={"evaluations_at_once"})
    log = founded(make_charter(quotas={**quotas, "evaluations_per_day": 9}, admission=None))
    log.now = ENDS + 1
    log.admit(LATE, "charity")
    counted(log, 1, bert=10**9)
    assert audit(log) == []
