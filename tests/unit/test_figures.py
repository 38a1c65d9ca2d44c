"""The figures that agencies give once a week: no small number can be worked out from them."""

import pytest

from protocol.governance import figures
from protocol.messages.members import Shares


@pytest.mark.parametrize(
    ("count", "said"), [(0, 0), (4, 0), (9, 0), (10, 10), (19, 10), (1284, 1280)]
)
def test_clients_are_said_in_tens(count: int, said: int) -> None:
    assert figures.in_tens(count) == said


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 50, 1), (1, 50, 1), (7, 50, 1), (8, 50, 2), (25, 50, 5), (45, 50, 9), (50, 50, 9),
     (333, 1000, 3), (350, 1000, 4), (1000, 1000, 9)],
)  # fmt: skip
def test_shares_are_said_in_tenths_and_the_ends_hide_how_many_are_missing(
    part: int, whole: int, said: int
) -> None:
    assert figures.tenths(part, whole) == said


def test_behind_what_is_said_there_are_always_five_or_more_possible_counts() -> None:
    """Whoever knows the rounded total and the share cannot say a number under five."""
    for whole in range(figures.ENOUGH, 120):
        possible: dict[int, list[int]] = {}
        for part in range(whole + 1):
            possible.setdefault(figures.tenths(part, whole), []).append(part)
        assert min(len(parts) for parts in possible.values()) >= 5
        for parts in possible.values():
            assert max(parts) >= 5, "that so many have it cannot be told from fewer than five"
            assert whole - min(parts) >= 5, "nor how many lack it"


def test_few_clients_have_no_shares() -> None:
    assert figures.shares((49, 40, 40, 40), (100, 90)) is None
    assert figures.shares((100, 40, 40, 40), (49, 40)) is None
    assert figures.shares((100, 73, 99, 80), (50, 0)) == Shares(
        nhs_number=7, date_of_birth=9, postcode=8, permission=1
    )


@pytest.mark.parametrize(
    ("people", "said"),
    [(0, "under_5"), (4, "under_5"), (5, "5_to_9"), (9, "5_to_9"), (10, "10_to_24"),
     (49, "25_to_49"), (99, "50_to_99"), (249, "100_to_249"), (250, "250_or_more")],
)  # fmt: skip
def test_practitioners_are_said_in_bands(people: int, said: str) -> None:
    assert figures.band(people) == said
