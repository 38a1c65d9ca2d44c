"""What is erased when: the charter's two numbers, and nothing that is still in use."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.governance.retention import DAY, Due, Holding, earliest, plan_erasures
from tests.unit.audit_log import make_charter

CHARTER = make_charter(disclosure_days=1000, retention_days=2000)
NOW = 1_790_000_000
HELD = Holding(index=7, logged_at=0, settled_at=0, disclosures=True, payload=True, in_use=False)


def planned(held: Holding, now: int = NOW) -> list[str]:
    return [due.stage for due in plan_erasures(CHARTER, [held], now)]


def logged(days_ago: float, **changes: object) -> Holding:
    at = NOW - int(days_ago * DAY)
    return replace(HELD, logged_at=at, settled_at=at, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("held", "stages"),
    [
        (logged(999.9), []),
        (logged(1000), ["disclosures"]),
        (logged(1000, disclosures=False), []),
        (logged(1999.9), ["disclosures"]),
        (logged(2000), ["payload"]),
        (logged(2000, disclosures=False), ["payload"]),
        (logged(5000, payload=False), ["disclosures"]),
        (logged(5000, payload=False, disclosures=False), []),
        (logged(5000, in_use=True), []),
    ],
)
def test_each_stage_is_due_from_its_day_on(held: Holding, stages: list[str]) -> None:
    assert planned(held) == stages


def test_a_conversation_dies_together_with_its_last_statement() -> None:
    request = replace(logged(2010), settled_at=NOW - 1990 * DAY)
    assert planned(request) == ["disclosures"]
    (due,) = plan_erasures(CHARTER, [request], NOW + 10 * DAY)
    assert due == Due(7, "payload", NOW - 2010 * DAY)


def test_disclosures_never_outlive_the_payload() -> None:
    charter = make_charter(disclosure_days=4000, retention_days=30)
    assert earliest(charter, "disclosures", 0) == earliest(charter, "payload", 0) == 30 * DAY


@given(
    st.builds(
        Holding,
        st.integers(0, 9),
        st.integers(0, NOW),
        st.integers(0, NOW),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    st.integers(0, 2 * NOW),
)
def test_nothing_is_ever_erased_before_an_auditor_would_allow_it(held: Holding, now: int) -> None:
    held = replace(held, settled_at=max(held.settled_at, held.logged_at))
    for due in plan_erasures(CHARTER, [held], now):
        assert now >= earliest(CHARTER, due.stage, held.logged_at)
        assert not held.in_use
        assert held.payload if due.stage == "payload" else held.disclosures
