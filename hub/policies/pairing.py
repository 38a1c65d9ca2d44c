"""Candidate pairs of a folder and how their keys compare: what a hub would see, and the truth.

Values stand in for tokens: a token is equal exactly when its value is.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from hub.policies.folder import KnownRecord
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.recipes import match_keys, names_somebody

Pair = tuple[int, int]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Pattern:
    """Which key types agree and which differ."""

    agree: tuple[str, ...]
    disagree: tuple[str, ...]


@dataclass(frozen=True)
class Candidates:
    """Records, the pairs of different agencies that share a token, and their patterns; `within`
    the same of pairs of one agency.

    `true_pairs` counts all pairs of one person in two agencies, found or not.
    """

    records: Sequence[KnownRecord]
    patterns: Mapping[Pair, Pattern]
    within: Mapping[Pair, Pattern]
    true_pairs: int
    tokens_by_key: Mapping[str, int]

    @property
    def tokens(self) -> int:
        """Tokens of all records together."""
        return sum(self.tokens_by_key.values())

    @property
    def agency(self) -> dict[int, str]:
        """Record number -> agency."""
        return {number: known.agency for number, known in enumerate(self.records)}

    def same(self, pair: Pair) -> bool:
        """Whether both records are of one person."""
        return self.records[pair[0]].person == self.records[pair[1]].person


def find_candidates(
    records: Sequence[KnownRecord],
    policy: MatchPolicy,
    progress: Progress = lambda done, total: None,
) -> Candidates:
    """Make keys and compare all pairs that share one. Raises RemoteError for an unknown key id."""
    keys: list[dict[str, frozenset[str]]] = []
    tokens: Counter[str] = Counter()
    for number, known in enumerate(records):
        made = match_keys(known.record, policy.keys)
        if not names_somebody(made):
            made = {}  # no agency may publish such a record: §10
        keys.append(
            {
                key: frozenset(made[key][: policy.keys[key].cap])
                for key in policy.keys
                if key in made
            }
        )
        tokens.update({key: len(values) for key, values in keys[-1].items()})
        if number % 1000 == 0:
            progress(number, len(records))
    held = _without_crowds(keys, policy.stop_token_records)
    pairs = {pair for numbers in held.values() for pair in combinations(numbers, 2)}
    progress(len(records), len(records))
    shared: dict[Pattern, Pattern] = {}
    between: dict[Pair, Pattern] = {}
    within: dict[Pair, Pattern] = {}
    for a, b in sorted(pairs):
        pattern = _pattern(keys[a], keys[b])
        one_agency = records[a].agency == records[b].agency
        (within if one_agency else between)[a, b] = shared.setdefault(pattern, pattern)
    return Candidates(records, between, within, _true_pairs(records), tokens)


def _without_crowds(
    keys: Sequence[dict[str, frozenset[str]]], most: int
) -> dict[tuple[str, str], list[int]]:
    """Holders of each token; tokens held by too many are taken out of `keys` too."""
    held: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, made in enumerate(keys):
        for key, values in made.items():
            for value in values:
                held[key, value].append(number)
    for (key, value), numbers in list(held.items()):
        if len(numbers) > most:
            for number in numbers:
                keys[number][key] -= {value}
            del held[key, value]
    return held


def _pattern(a: Mapping[str, Collection[str]], b: Mapping[str, frozenset[str]]) -> Pattern:
    both = [key for key, values in a.items() if values and b.get(key)]
    agree = tuple(key for key in both if not b[key].isdisjoint(a[key]))
    return Pattern(agree, tuple(key for key in both if key not in agree))


def _true_pairs(records: Sequence[KnownRecord]) -> int:
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for known in records:
        held[known.person][known.agency] += 1
    return sum(
        counts[one] * counts[other]
        for counts in held.values()
        for one, other in combinations(counts, 2)
    )
