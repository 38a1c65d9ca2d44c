"""Address search: an agency knows somebody's name, birth date and sex, and guesses postcodes.

It publishes made-up clients and watches whether the hub tells it of a link: specs/04-matching.md
§10. A guess is *visible* if the right postcode leads to another outcome than a wrong one. How many
guesses the limits leave is counted with the same functions that node, hub and auditor use.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.matching.population import Population
from protocol.governance.limits import DAY, TOKEN_DAYS, may_change, room_for_new
from protocol.governance.numbers import Quotas
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.recipes import POSTCODE, RECIPES
from protocol.matchkeys.records import NormalRecord
from protocol.matchkeys.score import Outcome, score_pair

VICTIMS = 300
CLIENTS = 100_000  # what the searcher's agency has declared
WRONG = "WRONG"
DECOY = "of nobody"

Tokens = dict[str, Sequence[str]]


@dataclass(frozen=True)
class Search:
    """One way to search: visible to so many victims, so many guesses a token set on average."""

    name: str
    visible: float
    guesses_a_set: float
    sets: int

    @property
    def guesses(self) -> float:
        """Guesses about one person that 90 days leave."""
        return self.sets * self.guesses_a_set


def searches(
    policy: MatchPolicy, quotas: Quotas, victims: Sequence[NormalRecord]
) -> Iterator[Search]:
    """Every way we know, with the limits in force."""
    revised = 1 + changes(quotas)
    own = policy.keys.keys() - policy.identifier
    name_types = sum(not policy.keys[name].place for name in own)
    ways = (
        ("the person, one postcode a stub", _plain, quotas.stubs_per_token * revised),
        ("the person, caps filled with postcodes", _packed, quotas.stubs_per_token * revised),
        (
            "one name key a stub, caps filled",
            _packed,
            quotas.stubs_per_token * name_types * revised,
        ),
        ("name and birth date of nobody", _decoys, new_stubs(quotas) * revised),
    )
    for name, guesses, sets in ways:
        counts = [guesses(policy, victim) for victim in victims]
        seen = [count for count in counts if count]
        yield Search(name, len(seen) / len(counts), sum(seen) / len(seen) if seen else 0.0, sets)


def changes(quotas: Quotas) -> int:
    """How many times one stub's tokens may change in 90 days, changed as soon as it may be."""
    times: list[int] = []
    for now in range(DAY, TOKEN_DAYS * DAY, DAY):
        while may_change(quotas, times, now):
            times.append(now)
    return len(times)


def new_stubs(quotas: Quotas) -> int:
    """How many stubs a large member of long standing may publish for the first time in 90 days."""
    counts = {0: 1}
    for day in range(1000, 1000 + TOKEN_DAYS):
        counts[day] = room_for_new(quotas, CLIENTS, counts, day)
    return sum(counts.values()) - 1


def _plain(policy: MatchPolicy, victim: NormalRecord) -> int:
    """One guess a stub: the record as the searcher knows it, with a postcode."""
    right, wrong = (_known(policy, victim, place) for place in (victim.postcode, WRONG))
    return int(_outcome(policy, right, victim) is not _outcome(policy, wrong, victim))


def _packed(policy: MatchPolicy, victim: NormalRecord) -> int:
    """Every postcode type filled to its cap with other postcodes."""
    return _guesses(policy, victim, _known(policy, victim, WRONG))


def _decoys(policy: MatchPolicy, victim: NormalRecord) -> int:
    """As before, but with a name and birth date that no other stub has: those tokens never tire."""
    decoy = next(name for name, key in policy.keys.items() if not key.place)
    free = {name for name, key in policy.keys.items() if not key.place}
    known = {
        name: values for name, values in _known(policy, victim, WRONG).items() if name not in free
    }
    return _guesses(policy, victim, {**known, decoy: (DECOY,)})


def _guesses(policy: MatchPolicy, victim: NormalRecord, wrong: Mapping[str, Sequence[str]]) -> int:
    """How many postcodes one token set tries: the caps of the types whose right guess is seen."""
    right = _known(policy, victim, victim.postcode)
    nothing = _outcome(policy, wrong, victim)
    return sum(
        policy.keys[name].cap
        for name in wrong
        if POSTCODE in RECIPES[name].parts
        and _outcome(policy, {**wrong, name: right[name]}, victim) is not nothing
    )


def _known(policy: MatchPolicy, victim: NormalRecord, postcode: str | None) -> Tokens:
    record = replace(
        victim, nhs_number=None, other_id=None, second=None, joined=None,
        telling=victim.telling[:1], house=None, street=None, locality=None, postcode=postcode,
    )  # fmt: skip
    return _values(policy, record)


def _values(policy: MatchPolicy, record: NormalRecord) -> Tokens:
    made = ((name, RECIPES[name].values(record)) for name in policy.keys)
    return {name: values for name, values in made if values}


def _outcome(
    policy: MatchPolicy, mine: Mapping[str, Sequence[str]], victim: NormalRecord
) -> Outcome:
    """What the searcher, who came later, is told: nothing where only places agree (§7.3)."""

    def as_tokens(values: Mapping[str, Sequence[str]]) -> dict[str, list[bytes]]:
        return {name: [value.encode() for value in made] for name, made in values.items()}

    score = score_pair(policy, as_tokens(mine), as_tokens(_values(policy, victim)))
    places_alone = all(policy.keys[name].place for name in score.agree)
    return Outcome.NONE if places_alone else score.outcome


def report_search(
    policy: MatchPolicy, quotas: Quotas, attacked: Population, rand: random.Random
) -> None:
    """Print how long each way takes to find somebody's postcode."""
    whole = [r for r in attacked.records if r.postcode and r.born and r.given_skeleton and r.family]
    victims = rand.sample(whole, min(VICTIMS, len(whole)))
    postcodes = len({record.postcode for record in whole})
    print(f"\nAddress search: {len(victims)} people, {postcodes} postcodes, 90 days")
    print(f"{'way':40s} {'visible':>8s} {'a set':>6s} {'sets':>8s} {'guesses':>9s} {'found':>7s}")
    for way in searches(policy, quotas, victims):
        found = way.visible * min(1.0, way.guesses / postcodes)
        print(
            f"{way.name:40s} {way.visible:8.1%} {way.guesses_a_set:6.1f} {way.sets:8d} "
            f"{way.guesses:9.0f} {found:7.1%}"
        )
    print("Without the limits every one of these finds everybody to whom it is visible.")
