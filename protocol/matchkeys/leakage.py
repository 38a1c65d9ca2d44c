"""What the values of a key type give away, and the rules it must keep: specs/04-matching.md §8.

Pure. It sees values in clear text, so it runs only where they are anyway: at a node on its own
clients, or on a folder of invented people. A good figure says that guessing by frequency fails on
these people; it says nothing about somebody who knows a person and may ask for tokens.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import log2

from protocol.matchkeys.recipes import Reads

PEOPLE = 20_000
MOST_HOLDERS = 4
ENTROPY_SLACK = 3.0
DOMAIN_BITS = 26
DOMAIN_PEOPLE = 15_000
# What everybody at one address has in common, or a handful of people in every town.
OF_A_HOUSEHOLD = frozenset({Reads.PLACE, Reads.FAMILY, Reads.SEX})
OF_A_CROWD = frozenset({Reads.BORN, Reads.SEX})
ANCHORS = frozenset({Reads.BORN, Reads.PLACE, Reads.IDENTIFIER})


class Rule(StrEnum):
    """A leakage rule."""

    ONE_FIELD = "one_field"
    NO_ANCHOR = "no_anchor"
    HOUSEHOLD = "household"
    CROWD = "crowd"
    HOLDERS = "holders"
    ENTROPY = "entropy"
    DOMAIN = "domain"


@dataclass(frozen=True)
class Leakage:
    """Figures of one key type: `people` have a value, `most_holders` of them the same one.

    `min_entropy` and `domain` are in bits; `shared` is the share of these people who share any
    value with somebody else.
    """

    people: int
    values: int
    most_holders: int
    min_entropy: float
    domain: float
    shared: float


def measure(
    values_by_person: Mapping[str, Collection[str]], parts: Sequence[Iterable[Collection[str]]]
) -> Leakage:
    """Measure a key type on a population: each person's values, and the values of each key part.

    A person counts once for a value, however many records have it. `parts` is for the domain: how
    many values somebody would have to try who knows which ones each part can have.
    """
    holders = Counter(value for values in values_by_person.values() for value in set(values))
    having = [values for values in values_by_person.values() if values]
    most = max(holders.values(), default=0)
    shared = sum(any(holders[value] > 1 for value in values) for values in having)
    return Leakage(
        people=len(having),
        values=len(holders),
        most_holders=most,
        min_entropy=log2(len(having) / most) if most else 0.0,
        domain=sum(log2(max(1.0, possible_values(part))) for part in parts),
        shared=shared / len(having) if having else 0.0,
    )


def possible_values(seen: Iterable[Collection[str]]) -> float:
    """How many values a part can have, seen or not: Chao's estimate from those seen once and twice.

    Source: A. Chao, Scand. J. Statist. 11 (1984), in its bias-corrected form.
    """
    counts = Counter(value for values in seen for value in set(values))
    times = Counter(counts.values())
    return len(counts) + times[1] * (times[1] - 1) / (2 * (times[2] + 1))


def broken_by_design(reads: frozenset[Reads]) -> dict[Rule, str]:
    """The rules that a key breaks by what it is made from, whatever the population."""
    broken: dict[Rule, str] = {}
    if reads == {Reads.IDENTIFIER}:
        broken[Rule.ONE_FIELD] = "it is a number alone, which can be read in bulk"
    if Reads.IDENTIFIER in reads:
        return broken
    if len(reads) < 2:
        broken[Rule.ONE_FIELD] = "it is made from one field, which its frequency gives away"
    if not reads & ANCHORS:
        broken[Rule.NO_ANCHOR] = "it has neither birth date nor place"
    if reads <= OF_A_HOUSEHOLD:
        broken[Rule.HOUSEHOLD] = "a whole household has the same value"
    if reads <= OF_A_CROWD:
        broken[Rule.CROWD] = "birth date and sex are shared by too many people"
    return broken


def broken_by_measure(leakage: Leakage) -> dict[Rule, str]:
    """The rules that a key breaks on the population that was measured."""
    broken: dict[Rule, str] = {}
    if not leakage.people:
        return broken
    most = MOST_HOLDERS * max(1.0, leakage.people / PEOPLE)
    if leakage.most_holders > most:
        broken[Rule.HOLDERS] = (
            f"{leakage.most_holders} of {leakage.people} people have one value, {most:.0f} may"
        )
    needed = log2(leakage.people) - ENTROPY_SLACK
    if leakage.min_entropy < needed:
        broken[Rule.ENTROPY] = f"min-entropy is {leakage.min_entropy:.1f} bits, {needed:.1f} needed"
    # An estimate: from fewer people it says nothing, and whole bits are all it is good for.
    if leakage.people >= DOMAIN_PEOPLE and round(leakage.domain) < DOMAIN_BITS:
        broken[Rule.DOMAIN] = (
            f"about 2^{leakage.domain:.1f} values are possible, 2^{DOMAIN_BITS} needed"
        )
    return broken


def breaks_rules(
    key_id: str, reads: frozenset[Reads], leakage: Leakage | None = None
) -> tuple[str, ...]:
    """In words, each rule that a key type breaks; empty if it may be used.

    Without figures only what the key is made from is checked.
    """
    broken = broken_by_design(reads)
    if leakage is not None:
        broken |= broken_by_measure(leakage)
    if Reads.IDENTIFIER in reads:  # known from how numbers are given out, not from those seen
        broken.pop(Rule.DOMAIN, None)
    return tuple(f"{key_id}: {why}" for why in broken.values())
