"""Records to attack: a folder of invented people, or a small population made up on the spot.

Names, families and addresses of the made-up one come from a fixed list with few common and many
rare ones; two seeds give different people of one town, which is what a public table knows.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate, product
from pathlib import Path

from hub.policies.folder import read_folder
from protocol.matchkeys.records import ClientRecord, NormalRecord, normalise_record

GIVEN_NAMES, FAMILY_NAMES, POSTCODES = 800, 6000, 3000
LETTERS = "PFKLMNRST"
FIRST_DAY = date(1940, 1, 1)
DAYS = 30_000
NUMBERS = range(1, 150)


@dataclass(frozen=True)
class Population:
    """Normalised records, and the person that each is about."""

    records: tuple[NormalRecord, ...]
    people: tuple[str, ...]


def read(folder: Path) -> Population:
    """A folder as `policy evaluate` reads it. Raises LocalError(BAD_FILE) if it is not one."""
    known = read_folder(folder)
    return Population(
        tuple(normalise_record(each.record) for each in known),
        tuple(each.person for each in known),
    )


def invented(people: int, seed: int) -> Population:
    """Households of one to four with one family name and address, one child in fifty a twin."""
    rand = random.Random(seed)  # noqa: S311 - invented people
    records = [record for record, _ in zip(_people(rand), range(people), strict=False)]
    return Population(
        tuple(map(normalise_record, records)), tuple(f"p{n}" for n in range(len(records)))
    )


def _people(rand: random.Random) -> Iterator[ClientRecord]:
    given, family = _names(GIVEN_NAMES, "AEIOU"), _names(FAMILY_NAMES, "OUEAI")
    while True:
        name = _one_of(rand, family, 30)
        spot = rand.randrange(POSTCODES)
        unit = LETTERS[spot % 9] + LETTERS[spot // 9 % 9]
        postcode = f"LX{1 + spot // 810} {spot // 81 % 10}{unit}"
        address = f"{rand.choice(NUMBERS)} {family[spot]} Road"
        born = FIRST_DAY + timedelta(rand.randrange(DAYS))
        for _ in range(rand.choice((1, 1, 2, 3, 4))):
            yield ClientRecord(
                given=_one_of(rand, given, 3),
                middle=_one_of(rand, given, 3) if rand.random() < 0.4 else None,
                family=name,
                date_of_birth=born.isoformat(),
                sex=rand.choice("FM"),
                address=address,
                postcode=postcode,
            )
            if rand.random() > 0.02:
                born = FIRST_DAY + timedelta(rand.randrange(DAYS))


def _names(count: int, vowels: str) -> list[str]:
    syllables = ["".join(pair) for pair in product(LETTERS, vowels)]
    made = ["".join(parts) + "n" for parts in product(syllables, repeat=3)]
    return random.Random(count).sample(made, count)  # noqa: S311 - the same list for every seed


def _one_of(rand: random.Random, names: list[str], flatness: int) -> str:
    """The name of rank r with weight 1 / (r + flatness), as names go in life."""
    weights = list(accumulate(1 / (rank + flatness) for rank in range(len(names))))
    return rand.choices(names, cum_weights=weights)[0]
