"""Which days of somebody are unusual."""

import pytest

from node.oversight.floods import Flood, floods

DAYS = [(1, day, 5) for day in range(10)]


@pytest.mark.parametrize(
    ("per_day", "found"),
    [
        ([*DAYS, (1, 10, 30)], [Flood(1, 10, 30, 5)]),
        ([*DAYS, (1, 10, 15)], []),  # three times as many is not more than three times
        ([(1, 1, 1), (1, 2, 14)], []),  # fewer than what is ever looked at
        ([(1, day, 40) for day in range(10)], []),  # it is what they do
        ([*DAYS, (2, 10, 30)], [Flood(2, 10, 30, 5)]),  # new here: as the others do
        ([(1, 10, 25)], [Flood(1, 10, 25, 0)]),  # nobody has done anything before
        ([*DAYS, (1, 10, 30), (1, 11, 40)], [Flood(1, 11, 40, 5), Flood(1, 10, 30, 5)]),
        ([], []),
    ],
)
def test_a_day_is_unusual_beside_ones_own_or_else_everybodys(
    per_day: list[tuple[int, int, int]], found: list[Flood]
) -> None:
    assert floods(per_day, 15) == found
