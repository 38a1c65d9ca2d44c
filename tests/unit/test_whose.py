"""Whose a request is: specs/06-requests.md §10.2, over every way in which somebody is not there."""

from collections.abc import Mapping
from typing import Any

import pytest

from node.config import NodeSettings
from node.requests.whose import Chain, Passed, Whose, whose
from protocol.errors import LocalError
from protocol.requests.clock import Step, Steps
from runtime.settings import check_settings

WORKER, SECOND, DUTY, MANAGER, COVER, OTHER = 1, 2, 3, 4, 5, 6
EVERYBODY = {Step.WORKER: [WORKER, SECOND], Step.DUTY: [DUTY], Step.MANAGER: [MANAGER]}
CLOCK = Steps(worker_until=200, duty_until=300, overdue_at=400)
URGENT = Steps(worker_until=100, duty_until=300, overdue_at=400)
ASKED = 100


def has(
    now: int,
    clock: Steps | None = CLOCK,
    people: Mapping[Step, list[int]] = EVERYBODY,
    away: Mapping[int, int | None] | None = None,
    passed: Passed | None = None,
) -> Whose:
    return whose(Chain(people, away or {}, passed), clock, now)


@pytest.mark.parametrize(
    ("now", "step", "people", "until", "may"),
    [
        (ASKED, Step.WORKER, (WORKER, SECOND), 200, {WORKER, SECOND}),
        (199, Step.WORKER, (WORKER, SECOND), 200, {WORKER, SECOND}),
        (200, Step.DUTY, (DUTY,), 300, {WORKER, SECOND, DUTY}),
        (300, Step.MANAGER, (MANAGER,), 400, {WORKER, SECOND, DUTY, MANAGER}),
        (400, Step.MANAGER, (MANAGER,), None, {WORKER, SECOND, DUTY, MANAGER}),
    ],
)
def test_each_has_it_in_turn_and_nobody_is_shut_out_by_the_next(
    now: int, step: Step, people: tuple[int, ...], until: int | None, may: set[int]
) -> None:
    found = has(now)
    assert (found.step, found.people, found.until) == (step, people, until)
    assert found.may_answer == may


def test_what_is_urgent_is_with_duty_at_once_and_the_worker_may_answer_too() -> None:
    found = has(ASKED, URGENT)
    assert (found.step, found.people, found.until) == (Step.DUTY, (DUTY,), 300)
    assert found.may_answer == {WORKER, SECOND, DUTY}


def test_without_a_clock_the_worker_has_it_and_every_step_has_begun() -> None:
    found = has(10**9, clock=None)
    assert (found.step, found.people, found.until) == (Step.WORKER, (WORKER, SECOND), None)
    assert found.may_answer == {WORKER, SECOND, DUTY, MANAGER}


@pytest.mark.parametrize(
    ("away", "people"),
    [
        ({WORKER: COVER}, (COVER, SECOND)),
        ({WORKER: None}, (SECOND,)),
        ({WORKER: SECOND}, (SECOND,)),
        ({WORKER: COVER, COVER: OTHER}, (OTHER, SECOND)),
        ({WORKER: COVER, COVER: None}, (SECOND,)),
        ({WORKER: COVER, COVER: WORKER}, (SECOND,)),
        ({WORKER: WORKER}, (SECOND,)),
    ],
    ids=["cover", "nobody", "a colleague", "their cover", "away too", "each other", "themselves"],
)
def test_who_covers_stands_in_the_place_of_who_is_away(
    away: dict[int, int | None], people: tuple[int, ...]
) -> None:
    found = has(ASKED, away=away)
    assert (found.step, found.people) == (Step.WORKER, people)
    assert found.may_answer == {WORKER, SECOND, *people}, "who is away is shut out of nothing"


@pytest.mark.parametrize(
    ("now", "missing", "step", "people", "until"),
    [
        (ASKED, {Step.WORKER}, Step.DUTY, (DUTY,), 300),
        (ASKED, {Step.WORKER, Step.DUTY}, Step.MANAGER, (MANAGER,), 400),
        (200, {Step.DUTY}, Step.MANAGER, (MANAGER,), 400),
        (200, {Step.DUTY, Step.MANAGER}, Step.WORKER, (WORKER, SECOND), None),
        (300, {Step.MANAGER}, Step.DUTY, (DUTY,), None),
        (300, set(Step), None, (), 400),
    ],
)
def test_a_step_with_nobody_in_it_is_passed_over(
    now: int, missing: set[Step], step: Step | None, people: tuple[int, ...], until: int | None
) -> None:
    left = {one: ids for one, ids in EVERYBODY.items() if one not in missing}
    found = has(now, people=left)
    assert (found.step, found.people, found.until) == (step, people, until)
    assert {*people} <= found.may_answer


def test_all_of_a_step_away_is_as_nobody() -> None:
    found = has(ASKED, away={WORKER: None, SECOND: None})
    assert (found.step, found.people) == (Step.DUTY, (DUTY,))


@pytest.mark.parametrize(
    ("now", "at", "people", "until"),
    [
        (150, 120, (OTHER,), 200),
        (200, 120, (DUTY,), 300),
        (250, 220, (OTHER,), 300),
        (300, 220, (MANAGER,), 400),
        (450, 310, (OTHER,), None),
    ],
    ids=["worker", "duty joins", "by duty", "a manager joins", "overdue"],
)
def test_what_was_passed_on_is_with_them_until_the_next_step_and_no_clock_is_stretched(
    now: int, at: int, people: tuple[int, ...], until: int | None
) -> None:
    found = has(now, passed=Passed(OTHER, at))
    assert (found.people, found.until, found.is_passed) == (people, until, OTHER in people)
    assert OTHER in found.may_answer, "whoever had it may still answer"


def test_what_was_passed_to_somebody_who_is_away_is_with_their_cover_or_goes_back() -> None:
    passed = Passed(OTHER, 120)
    assert has(150, passed=passed, away={OTHER: COVER}).people == (COVER,)
    assert has(150, passed=passed, away={OTHER: None}).people == (WORKER, SECOND)
    assert has(150, passed=None).people == (WORKER, SECOND)
    assert has(10**9, clock=None, passed=passed).people == (OTHER,)


# The agency's own rules.

RULES: dict[str, Any] = {
    "UK-ONE": {"school": "allow", "*": "ask"},
    "UK-TWO": {"*": "allow"},
    "*": {"police": "allow", "charity": "ask"},
}


@pytest.mark.parametrize(
    ("basis", "asker", "answer"),
    [
        ("UK-ONE", "school", "allow"),
        ("UK-ONE", "police", "ask"),
        ("UK-TWO", "school", "allow"),
        ("UK-TWO", "police", "allow"),
        ("UK-TWO", "charity", "ask"),
        ("UK-NEW", "police", "allow"),
        ("UK-NEW", "charity", "ask"),
        ("UK-NEW", "school", "ask"),
    ],
)
def test_the_closest_rule_counts_and_of_two_as_close_the_stricter(
    basis: str, asker: str, answer: str
) -> None:
    assert NodeSettings(answer_rules=RULES).rule_for(basis, asker) == answer


def test_answer_rule_is_for_what_no_rule_names() -> None:
    settings = NodeSettings(answer_rules=RULES, answer_rule="allow")
    assert settings.rule_for("UK-NEW", "school") == "allow"
    assert settings.rule_for("UK-NEW", "charity") == "ask"
    assert NodeSettings().rule_for("UK-NEW", "school") == "ask", "a person, unless somebody says so"


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"*": {"*": "allow"}}, "answer_rule"),
        ({"UK-ONE": {"school": "maybe"}}, "answer_rules.UK-ONE.school"),
        ({"uk one": {"school": "allow"}}, "answer_rules.uk one"),
        ({"UK-ONE": {"School!": "allow"}}, "answer_rules.UK-ONE.School!"),
        ({"UK-ONE": "allow"}, "answer_rules.UK-ONE"),
    ],
)
def test_a_rule_that_says_nothing_clear_stops_the_node(rules: Any, says: str) -> None:
    with pytest.raises(LocalError, match=r"node\.toml") as caught:
        check_settings(NodeSettings, {"answer_rules": rules}, "node.toml")
    assert says in caught.value.detail
