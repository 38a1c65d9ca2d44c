"""Public holidays for a charter: as the governments list them, and said when they run out."""

from datetime import UTC, datetime
from typing import Any

import pytest

from hub.members.holidays import holidays_warning, public_holidays, with_holidays, years_from
from protocol.errors import ErrorCode, LocalError
from protocol.governance.answering import Answering
from tests.conftest import Council

# By hand, from gov.uk/bank-holidays and business.vic.gov.au: days from Monday to Friday alone.
ENGLAND_2027 = [
    "2027-01-01", "2027-03-26", "2027-03-29", "2027-05-03", "2027-05-31", "2027-08-30",
    "2027-12-27", "2027-12-28",
]  # fmt: skip
VICTORIA_2026 = {
    "2026-01-01", "2026-01-26", "2026-03-09", "2026-04-03", "2026-04-06", "2026-06-08",
    "2026-11-03", "2026-12-25", "2026-12-28",
}  # fmt: skip
TERMS: dict[str, Any] = {
    "time_zone": "Europe/London",
    "holidays": ["2026-05-04", "2027-05-03", "2027-09-13"],
    "worker_days": 2,
    "duty_days": 1,
    "manager_days": 2,
    "urgent_duty_hours": 2,
    "urgent_manager_hours": 4,
}


def at(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def test_england_and_wales_have_the_same_days_and_victoria_its_own() -> None:
    assert public_holidays(["england"], [2027]) == ENGLAND_2027
    assert public_holidays(["england", "wales"], [2027]) == ENGLAND_2027
    assert set(public_holidays(["victoria"], [2026])) >= VICTORIA_2026
    both = public_holidays(["victoria", "wales"], [2026])
    assert both == sorted(set(both))
    assert {"2026-11-03", "2026-08-31"} <= set(both)


def test_a_place_that_is_not_known_is_said_with_those_that_are() -> None:
    with pytest.raises(LocalError, match=r"england, .*victoria") as caught:
        public_holidays(["england", "atlantis"], [2027])
    assert caught.value.code is ErrorCode.NOT_FOUND


def test_a_list_holds_six_years_and_keeps_what_the_charter_adds_itself(council: Council) -> None:
    assert list(years_from(at("2027-02-01"))) == [2027, 2028, 2029, 2030, 2031, 2032]
    charter = council.charter(answering=TERMS)
    made = with_holidays(charter, ["2027-01-01"], 2027)
    assert made["holidays"] == ["2027-01-01", "2027-05-03", "2027-09-13"], "a coronation"
    assert {**made, "holidays": TERMS["holidays"]} == TERMS
    first = with_holidays(council.charter(), ["2027-01-01"], 2027)
    assert Answering.model_validate(first).holidays == ["2027-01-01"], "the rest is a proposal"


@pytest.mark.parametrize(
    ("today", "holidays", "says"),
    [
        ("2027-07-04", ["2027-12-27"], "only up to 31 December 2027"),
        ("2027-07-03", ["2027-12-27"], None),
        ("2028-03-01", ["2027-12-27"], "only up to 31 December 2027"),
        ("2027-07-04", [], "not at all"),
    ],
)
def test_half_a_year_before_the_list_ends_the_operator_is_told(
    today: str, holidays: list[str], says: str | None
) -> None:
    answering = Answering.model_validate({**TERMS, "holidays": holidays})
    warning = holidays_warning(answering, at(today))
    assert (warning is None) if says is None else (says in (warning or ""))


def test_a_charter_without_a_clock_has_no_holidays_that_end() -> None:
    assert holidays_warning(None, at("2027-07-04")) is None
