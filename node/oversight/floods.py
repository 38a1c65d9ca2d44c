"""Days on which somebody did far more than they usually do. Pure.

It accuses nobody: a rota or a holiday explains most of them. It says where to ask.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

TIMES = 3


@dataclass(frozen=True)
class Flood:
    """On a day (Unix seconds // 86400) somebody (a row's id) did something `count` times; usually
    they, or where they have no other days everybody here, do it `usual` times.
    """

    person: int
    day: int
    count: int
    usual: int


def floods(per_day: Iterable[tuple[int, int, int]], least: int) -> list[Flood]:
    """Those days of (person, day, count) on which a count is `least` or more, and more than TIMES
    the median of that person's other days; the newest first.
    """
    by_person: dict[int, dict[int, int]] = defaultdict(dict)
    for person, day, count in per_day:
        by_person[person][day] = count
    found = []
    for person, days in by_person.items():
        for day, count in days.items():
            if count < least:
                continue
            own = [n for other, n in days.items() if other != day]
            if not own:  # who is new here: as everybody else does
                own = [n for one, of in by_person.items() if one != person for n in of.values()]
            usual = round(median(own or [0]))
            if count > TIMES * usual:
                found.append(Flood(person, day, count, usual))
    return sorted(found, key=lambda one: (-one.day, -one.count, one.person))
