"""Numbers as they may be shown: under five is "<5", and nobody works out what stands behind. Pure.

Every number is rounded down to fives, so that the difference of two says nothing of a change under
five. A sum is rounded too, and says "at least": see `at_least`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

FEW = 5


@dataclass(frozen=True)
class Shown:
    """A number as it may be shown: rounded down to fives, 0 for all under five."""

    floor: int

    @property
    def text(self) -> str:
        """As a cell of a table has it."""
        return f"{self.floor:,}" if self.floor else f"<{FEW}"


def shown(number: int) -> Shown:
    """A number, rounded down.

    >>> [shown(n).text for n in (0, 4, 5, 9, 1234)]
    ['<5', '<5', '5', '5', '1,230']
    """
    return Shown(number // FEW * FEW)


def at_least(numbers: Sequence[int]) -> Shown:
    """A sum of numbers that are shown beside it, rounded down.

    Were it as large as the numbers shown allow at most, each of them would be known: four of 9,
    shown as 5, and one of 4, shown as "<5", are 40. Then it is rounded down once more.

    >>> at_least([9, 9, 9, 9, 4]).text
    '35'
    """
    most = sum(shown(number).floor + FEW - 1 for number in numbers)
    return shown(max(0, min(sum(numbers), most - 1)))


def usual_hours(seconds: Sequence[int]) -> int | None:
    """The median of times in whole hours; None where there are fewer than five."""
    return round(median(seconds) / 3600) if len(seconds) >= FEW else None
