"""How far equality of tokens reaches where one side writes a name in another way.

specs/04-matching.md §5. Each way by itself: a record of invented people is put beside a copy of
itself in which nothing but the writing of the name was changed, without a number; then the same
with the copy moved to a place that is not known. Pairs are scored alone, without rivals. DIR of
--data is a folder that `patchwork-hub policy evaluate` reads.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hub.policies.folder import read_folder
from hub.policies.packs import DEFAULT, pack
from protocol.matchkeys.policy import MatchPolicy, OperatingPoint
from protocol.matchkeys.recipes import match_keys, names_somebody
from protocol.matchkeys.records import ClientRecord
from protocol.matchkeys.score import Outcome, score_pair

PEOPLE = 500
Name = tuple[str, str | None, str]
"""Given and middle name, family name."""
Way = Callable[[str, str, str], tuple[Name, Name]]
"""From a given name, another one and a family name: how each side writes them."""
POINTS: tuple[OperatingPoint, ...] = ("guarded", "open")
_UMLAUTS = str.maketrans({"a": "ä", "o": "ö", "u": "ü"})
_WITH_E = str.maketrans({"a": "ae", "o": "oe", "u": "ue"})
_NONE = ""


def _beside(one: Callable[[str, str], str], other: Callable[[str, str], str]) -> Way:
    """Both sides differ in the given-name field alone."""
    return lambda given, second, family: (
        (one(given, second), None, family),
        (other(given, second), None, family),
    )


def _first(given: str, second: str) -> str:
    return given


def _apart(given: str, second: str) -> str:
    return f"{given} {second}"


def _hyphen(given: str, second: str) -> str:
    return f"{given}-{second}"


def _joined(given: str, second: str) -> str:
    return given + second.lower()


def _vowel(table: Mapping[int, str]) -> Callable[[str, str], str]:
    """The first a, o or u of a given name, written otherwise."""

    def write(given: str, second: str) -> str:
        place = next((n for n, letter in enumerate(given) if letter in "aou"), None)
        if place is None:
            return given
        return given[:place] + given[place].translate(table) + given[place + 1 :]

    return write


WAYS: Mapping[str, Way] = {
    "alike": _beside(_first, _first),
    "Lily Mae / Lily-Mae": _beside(_apart, _hyphen),
    "Lily Mae / Lilymae": _beside(_apart, _joined),
    "Lily-Mae / Lilymae": _beside(_hyphen, _joined),
    "Lily Mae / Lily, middle Mae": lambda g, s, f: ((f"{g} {s}", None, f), (g, s, f)),
    "Lilymae / Lily, middle Mae": lambda g, s, f: ((_joined(g, s), None, f), (g, s, f)),
    "Lily Mae / Lily": _beside(_apart, _first),
    "Lily Mae / Mae": _beside(_apart, lambda given, second: second),
    "Lilymae / Lily": _beside(_joined, _first),
    "Jörg / Joerg": _beside(_vowel(_UMLAUTS), _vowel(_WITH_E)),
    "Jörg / Jorg": _beside(_vowel(_UMLAUTS), _first),
    "Joerg / Jorg": _beside(_vowel(_WITH_E), _first),
    "Mst. Fatema / Fatema": _beside(lambda g, s: f"Mst. {g}", _first),
    "Md Faisal / Faisal": _beside(lambda g, s: f"Md {g}", _first),
    "Syed Faisal / Faisal": _beside(lambda g, s: f"Syed {g}", _first),
    "family and given name swapped": lambda g, s, f: ((g, None, f), (f, None, g)),
    "the same, a middle name stays": lambda g, s, f: ((g, s, f), (f, s, g)),
    "one name: given / family field": lambda g, s, f: ((g, None, _NONE), (_NONE, None, g)),
    "one name: given / both fields": lambda g, s, f: ((g, None, _NONE), (g, None, g)),
    "one name in both files": lambda g, s, f: ((g, None, _NONE), (g, None, _NONE)),
    "family name missing on one side": lambda g, s, f: ((g, None, f), (g, None, _NONE)),
    "given name missing on one side": lambda g, s, f: ((g, None, f), (_NONE, None, f)),
    "known by the middle name": lambda g, s, f: ((g, s, f), (s, None, f)),
}


def measure(people: Sequence[ClientRecord], way: Way, policy: MatchPolicy, *, moved: bool) -> str:
    """What becomes of the pairs at each point: per cent linked / waiting / not found."""
    said = []
    for point in POINTS:
        chosen, counts = replace(policy, operating_point=point), Counter[Outcome]()
        for number, person in enumerate(people):
            # Somebody else's given name serves as the second one.
            second = people[(number + 1) % len(people)].given or ""
            names = way(person.given or "", second, person.family or "")
            one, other = (
                replace(person, given=given, middle=middle, family=family)
                for given, middle, family in names
            )
            if moved:
                other = replace(other, address=None, postcode=None)
            counts[_outcome(chosen, one, other)] += 1
        shares = (100 * counts[outcome] / len(people) for outcome in Outcome)
        said.append(" / ".join(f"{share:.0f}" for share in shares))
    return " | ".join(said)


def _outcome(policy: MatchPolicy, one: ClientRecord, other: ClientRecord) -> Outcome:
    made = [match_keys(record, policy.keys) for record in (one, other)]
    if not all(map(names_somebody, made)):
        return Outcome.NONE
    capped = ({k: v[: policy.keys[k].cap] for k, v in keys.items()} for keys in made)
    return score_pair(policy, *capped).outcome


def whole_people(folder: Path) -> list[ClientRecord]:
    """One record of each of so many people that lacks nothing, with one word a name, no number."""
    found: dict[str, ClientRecord] = {}
    for known in read_folder(folder):
        record = known.record
        needed = (record.given, record.family, record.date_of_birth, record.sex, record.postcode)
        plain = all(needed) and (record.given or "").isalpha() and (record.family or "").isalpha()
        if plain and record.address and len(found) < PEOPLE:
            tidy = replace(record, nhs_number=None, middle=None, given=(record.given or "").title())
            found.setdefault(known.person, tidy)
    return list(found.values())


def main() -> None:
    """Print the table of docs/explain/finding.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--policy", default=DEFAULT)
    arguments = parser.parse_args()
    people, policy = whole_people(arguments.data), pack(arguments.policy)
    print(f"{len(people):,} people; per cent linked / waiting / not found")
    print("| one side / the other | guarded | open | moved: guarded | open |")
    print("|---|---|---|---|---|")
    for name, way in WAYS.items():
        same, moved = (measure(people, way, policy, moved=gone) for gone in (False, True))
        print(f"| {name} | {same} | {moved} |", flush=True)


if __name__ == "__main__":
    main()
