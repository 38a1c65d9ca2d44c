"""The auditor counts the limits on publications again, and who was bound when (specs/08 §3.3)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.case.case import Case
from audit.findings import FindingCode as Code
from audit.rules.open import open_case
from audit.verify.verify import verify_case
from protocol.governance.charter import Charter
from protocol.messages.bodies import DecisionBody, StubRow
from tests.unit.audit_log import (
    ANNE,
    ANNES_STUB,
    BERT,
    CHARTER_ID,
    DAY,
    AuditLog,
    annes_row,
    council,
    founded,
    make_charter,
    row,
    work,
)

Found = list[tuple[Code, int | None]]
Audit = Callable[[AuditLog], Found]


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    def opened(log: AuditLog) -> Found:
        case = Case(log.write(tmp_path / "case"))
        verified = verify_case(case)
        findings = (*verified.findings, *open_case(case, verified).findings)
        return [(item.code, item.index) for item in findings]

    return opened


def quotas(**changes: int) -> dict[str, int]:
    return {**make_charter().quotas.model_dump(), **changes}


def tokens(number: int, revision: int) -> StubRow:
    """Anne's row with another commitment to tokens."""
    return annes_row(revision).model_copy(update={"token_commitment": f"{number:02x}" * 32})


def second(log: AuditLog, **changes: Any) -> Charter:
    before = log.charter
    return make_charter(version=before.version + 1, predecessor=before.document_hash, **changes)


def test_three_changes_of_tokens_in_a_month_pass_and_the_fourth_is_found(audit: Audit) -> None:
    log = founded()
    for number in range(5):
        log.publish(ANNE, [tokens(number, number + 1)])
    assert audit(log) == [(Code.PUBLICATION_LIMIT, log.last())]


def test_changes_of_something_else_and_changes_long_ago_are_not_counted(audit: Audit) -> None:
    log = founded()
    for number in range(4):
        log.publish(ANNE, [tokens(number, number + 1)])
    for revision in range(5, 9):
        log.publish(ANNE, [tokens(3, revision)])
    log.now += 30 * DAY
    log.publish(ANNE, [tokens(7, 9)])
    assert audit(log) == []


def test_retiring_between_two_changes_does_not_hide_them(audit: Audit) -> None:
    log = founded()
    revision = 0
    for number in range(5):
        log.publish(ANNE, [tokens(number, revision + 1)])
        log.publish(ANNE, [row(ANNES_STUB, revision=revision + 2)])
        revision += 2
    assert audit(log) == [(Code.PUBLICATION_LIMIT, log.last() - 1)]


def test_the_first_change_under_other_keys_is_nobodys_fault(audit: Audit) -> None:
    log = founded(make_charter(quotas=quotas(token_changes_per_stub=1)))
    log.publish(ANNE, [tokens(0, 1)])
    log.publish(ANNE, [tokens(1, 2)])
    policy = dict(log.charter.match_policy)
    policy["keys"] = [key for key in policy["keys"] if key["id"] != "family_dob_mi.2"]  # type: ignore[attr-defined]
    log.put_charter(second(log, match_policy=policy, quotas=quotas(token_changes_per_stub=1)))
    log.publish(ANNE, [tokens(2, 3)])
    log.publish(ANNE, [tokens(3, 4)])
    assert audit(log) == [(Code.PUBLICATION_LIMIT, log.last())]


def test_new_stubs_over_the_day_are_found(audit: Audit) -> None:
    log = founded(make_charter(quotas=quotas(new_stubs_per_day=1, first_stubs=2)))
    some = work("77" * 16, "health_visiting", "Health visiting")
    stubs = iter(range(1, 90))

    def publish(count: int) -> None:
        log.publish(ANNE, [row(f"{next(stubs):02x}" * 16, some) for _ in range(count)])

    publish(2)
    publish(1)
    over = log.last()
    log.now += 31 * DAY
    publish(1)
    publish(1)
    assert audit(log) == [(Code.PUBLICATION_LIMIT, over), (Code.PUBLICATION_LIMIT, log.last())]


def test_an_agency_that_did_not_sign_a_looser_charter_may_not_publish_under_it(
    audit: Audit,
) -> None:
    log = founded()
    log.put_charter(second(log, retention_days=9000))
    log.publish(ANNE, [annes_row()])
    early = log.last()
    log.accept(ANNE)
    log.publish(ANNE, [annes_row(2)])
    log.put_charter(second(log, retention_days=30))
    log.publish(ANNE, [annes_row(3)])
    assert audit(log) == [(Code.NOT_ACCEPTED, early)]


def test_no_rule_allows_for_an_agency_that_is_not_bound(audit: Audit) -> None:
    log = council()
    hub = log.hub_decides(log.ask())
    log.put_charter(second(log, retention_days=9000))
    body = DecisionBody(
        request=hub.body.request,
        request_id=hub.body.request_id,
        hub_decision=hub.id,
        outcome="allow",
        code=None,
        decided_by=None,
        facts_commitment="0" * 64,
    )
    log.say(BERT, body, ANNE.id)
    assert audit(log) == [(Code.NOT_ACCEPTED, log.last())]
    assert log.charter.charter_id == CHARTER_ID


def test_each_decision_is_made_again_by_the_charter_of_its_time(audit: Audit) -> None:
    log = council()
    log.hub_decides(log.ask("21" * 16))
    types = [item.model_dump(mode="json") for item in log.charter.involvement_types]
    hidden = [{**item, "visible_to": []} for item in types]
    log.put_charter(second(log, involvement_types=hidden))
    log.hub_decides(log.ask("22" * 16), "refuse", "not_available")
    assert audit(log) == []
