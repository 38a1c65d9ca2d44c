"""Hand-made logs of enquiries: budgets counted again, and rows that nobody was allowed."""

from pathlib import Path
from typing import Any

import pytest

from audit.case.case import Case
from audit.findings import FindingCode as Code
from audit.report.figures import audit_case
from audit.report.front_door import Enquiries, enquiries_by_agency
from audit.report.report_page import to_html
from protocol.messages.bodies import StubRow
from protocol.messages.enquiries import EnquiryBody, EnquiryDecisionBody
from protocol.messages.parts import RequestPractitioner
from protocol.messages.statement import Statement
from tests.unit.audit_log import (
    ANNE,
    BERT,
    CHARTER_ID,
    DAY,
    HUB,
    NOON,
    AuditLog,
    Party,
    council,
    make_charter,
    row,
    work,
)
from tests.unit.test_audit_open import Audit, opened, rules

STUB = "e1" * 16
DANA, DELE = "d1" * 16, "d2" * 16
BEYOND = NOON + 14 * DAY
RULE = {
    "classes": ["childrens_social_care"],
    "bases": ["UK-CA89-S47"],
    "days": 14,
    "per_person_day": 2,
    "per_agency_day": 3,
}
KIND = {
    "code": "enquiry",
    "title": "Enquiry",
    "openness": "open",
    "visible_to": ["health_provider"],
    "labels": ["Enquiry"],
}
FACTS = {"enquiry_reference": "0" * 64, "informed": "informed"}


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return lambda log: opened(log.write(tmp_path / "case"))


def door() -> AuditLog:
    """A council whose charter lets Anne's front door enquire."""
    types = make_charter().to_value()["involvement_types"]
    return council(make_charter(enquiry=RULE, involvement_types=[*types, KIND]))


def enquire(log: AuditLog, number: int = 1, who: str = DANA, **change: Any) -> Statement[Any]:
    said: dict[str, Any] = {
        "enquiry_id": f"{number:032x}",
        "stub_id": STUB,
        "practitioner": RequestPractitioner(id=who, role="social_worker"),
        "purpose": "safeguarding_child",
        "basis": "UK-CA89-S47",
        "facts": FACTS,
        "until": BEYOND,
    }
    return log.say(ANNE, EnquiryBody(**{**said, **change}), CHARTER_ID)


def decide(log: AuditLog, on: Statement[Any], code: str | None = None, **change: Any) -> int:
    said: dict[str, Any] = {
        "enquiry": on.id,
        "enquiry_id": on.body.enquiry_id,
        "outcome": "refuse" if code else "allow",
        "code": code,
        "field": None,
    }
    to: Party = change.pop("to", ANNE)
    log.say(HUB, EnquiryDecisionBody(**{**said, **change}), to.id)
    return log.last()


def saying(until: int = BEYOND, *more: Any, stub_id: str = STUB) -> StubRow:
    """A row that says that somebody enquires."""
    asks = work("e2" * 16, "enquiry", "Enquiry", until)
    return row(stub_id, asks, *more)


def test_what_was_allowed_is_clean_by_whoever_and_again_the_next_day(audit: Audit) -> None:
    log = door()
    decide(log, enquire(log))
    log.publish(ANNE, [saying()])
    decide(log, enquire(log, 2))
    decide(log, enquire(log, 3), "over_own_quota")
    decide(log, enquire(log, 4, DELE), "over_quota")
    log.now += DAY
    decide(log, enquire(log, 5))
    assert audit(log) == []


def test_an_enquiry_over_a_budget_that_the_hub_allows(audit: Audit) -> None:
    log, expected = door(), []
    for number in (1, 2):
        decide(log, enquire(log, number))
    over = enquire(log, 3, stub_id="e5" * 16)
    expected.append((Code.DECISION_DIFFERS, decide(log, over)))
    log.publish(ANNE, [saying(stub_id="e5" * 16)])
    expected.append((Code.ENQUIRY_UNFOUNDED, log.last()))
    assert audit(log) == rules(*expected)


@pytest.mark.parametrize(
    ("code", "field"), [("over_quota", None), ("purpose_not_allowed", "views")]
)
def test_a_refusal_that_is_not_ours(audit: Audit, code: str, field: str | None) -> None:
    log = door()
    at = decide(log, enquire(log, purpose="direct_care"), code, field=field)
    assert audit(log) == rules((Code.DECISION_DIFFERS, at))


def test_a_class_that_may_not(audit: Audit) -> None:
    log = door()
    said = enquire(log).body.model_copy(update={"enquiry_id": "77" * 16})
    decide(log, log.say(BERT, said, CHARTER_ID), to=BERT)
    found = [(Code.REQUEST_UNDECIDED, log.last() - 2), (Code.DECISION_DIFFERS, log.last())]
    assert sorted(audit(log)) == sorted(rules(*found))


def test_the_order_of_things(audit: Audit) -> None:
    log, expected = door(), []
    first = enquire(log)
    decide(log, first)
    expected.append((Code.CHAIN_BROKEN, decide(log, first)))
    second = enquire(log, 2)
    expected.append((Code.WRONG_RECIPIENT, decide(log, second, to=BERT)))
    expected.append((Code.CHAIN_BROKEN, decide(log, second, enquiry_id="99" * 16)))
    enquire(log, 2)
    expected.append((Code.REQUEST_ID_REUSED, log.last()))
    assert audit(log) == rules(*expected)


def test_the_last_entry_may_wait_for_its_decision_and_no_other(audit: Audit) -> None:
    log = door()
    enquire(log)
    assert audit(log) == []


@pytest.mark.parametrize(
    "published",
    [
        saying(stub_id="e9" * 16),
        saying(BEYOND + 1),
        saying(BEYOND, work("e3" * 16, "child_in_need", "Child in need", BEYOND)),
    ],
    ids=["of another stub", "for longer", "beside other work"],
)
def test_a_row_that_nobody_was_allowed(audit: Audit, published: StubRow) -> None:
    log = door()
    decide(log, enquire(log))
    log.publish(ANNE, [published])
    assert audit(log) == rules((Code.ENQUIRY_UNFOUNDED, log.last()))


def test_another_agency_does_not_publish_by_our_enquiry(audit: Audit) -> None:
    log = door()
    decide(log, enquire(log))
    log.publish(BERT, [saying()])
    assert audit(log) == rules((Code.ENQUIRY_UNFOUNDED, log.last()))


def test_the_report_sets_them_out_agency_by_agency(tmp_path: Path) -> None:
    log = door()
    for number in (1, 2, 3):
        decide(log, enquire(log, number))
    decide(log, enquire(log, 4, DELE), "over_quota")
    log.now += DAY
    decide(log, enquire(log, 5, DELE))
    audited = audit_case(Case(log.write(tmp_path / "case")), None, [])
    assert enquiries_by_agency(audited) == {ANNE.id: Enquiries(5, 1, 2, 4, 3, 1)}
    page = to_html(audited, NOON)
    assert "over a budget on 1 day" in page
    assert STUB not in page
    assert DANA not in page
