"""No number under five is shown, and none can be worked out from what is."""

from itertools import product

import pytest

from hub.members.small_numbers import FEW, at_least, shown, usual_hours
from hub.members.take_up import begin_of, week_of


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "<5"), (4, "<5"), (5, "5"), (9, "5"), (10, "10"), (1234, "1,230")],
)
def test_numbers_are_rounded_down_to_fives_and_few_are_few(number: int, text: str) -> None:
    assert shown(number).text == text


def test_whoever_sees_the_parts_and_their_sum_knows_no_part_under_five() -> None:
    """Every set of three or five parts is tried that could stand behind the same page."""
    for size, most in ((2, 15), (5, 9)):
        behind: dict[object, list[set[int]]] = {}
        for parts in product(range(most + 1), repeat=size):
            page = (tuple(shown(one).floor for one in parts), at_least(parts).floor)
            possible = behind.setdefault(page, [set() for _ in parts])
            for place, one in enumerate(parts):
                possible[place].add(one)
        for possible in behind.values():
            assert all(len(one) > 1 for one in possible if min(one) < FEW)


def test_a_change_of_a_few_is_not_known_from_two_weeks_that_are_shown() -> None:
    for first, second in product(range(5, 40), repeat=2):
        if 0 < abs(second - first) < FEW:
            before, after = shown(first).floor, shown(second).floor
            changes = {b - a for a in range(before, before + 5) for b in range(after, after + 5)}
            assert len(changes) == 9


def test_a_usual_time_is_of_five_answers_or_more() -> None:
    assert usual_hours([3600] * 4) is None
    assert usual_hours([3600, 7200, 7200, 36_000, 90_000]) == 2


def test_weeks_begin_on_mondays() -> None:
    monday = 20_717  # 21 September 2026
    assert begin_of(week_of(monday)).isoformat() == "2026-09-21"
    assert week_of(monday - 1) == week_of(monday) - 1
    assert week_of(monday + 6) == week_of(monday)
