"""Measuring what a key type gives away before a charter may name it: specs/04-matching.md §8."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

from hub.policies.folder import KnownRecord
from protocol.errors import ErrorCode, LocalError
from protocol.matchkeys.leakage import Leakage, breaks_rules, measure
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.recipes import RECIPES
from protocol.matchkeys.records import normalise_record

UNLIKE_TWINS = (
    "no two twins here share a middle name, as many real ones do: fitted on these people alone, a "
    "policy takes a shared middle name for the same child. Add data whose twins do."
)


@dataclass(frozen=True)
class Checked:
    """One key type: its figures on these people, and the rules that it breaks, in words."""

    key_id: str
    leakage: Leakage
    broken: tuple[str, ...]


def check_keys(records: Sequence[KnownRecord], policy: MatchPolicy) -> list[Checked]:
    """Measure every key type of a policy."""
    normal = [(known.person, normalise_record(known.record)) for known in records]
    checked = []
    for key_id in policy.keys:
        recipe = RECIPES[key_id]
        values: dict[str, set[str]] = defaultdict(set)
        for person, record in normal:
            values[person].update(recipe.values(record))
        parts: list[list[Collection[str]]] = [
            [[value for value in part.values(record) if value] for _, record in normal]
            for part in recipe.parts
        ]
        leakage = measure(values, parts)
        checked.append(Checked(key_id, leakage, breaks_rules(key_id, recipe.reads, leakage)))
    return checked


def require_safe_keys(records: Sequence[KnownRecord], policy: MatchPolicy) -> None:
    """Refuse a policy with a key that breaks a rule. Raises LocalError(NOT_ALLOWED) naming it."""
    broken = [rule for checked in check_keys(records, policy) for rule in checked.broken]
    if broken:
        raise LocalError(
            ErrorCode.NOT_ALLOWED, f"take this key out of the policy; {'; '.join(broken)}"
        )


def twins_never_share_a_middle_name(records: Sequence[KnownRecord]) -> bool:
    """Whether there are twins, two people of one family name, birth date and address, with second
    names, and no two of them share one.
    """
    families: dict[tuple[str | None, ...], dict[str, set[str]]] = defaultdict(dict)
    for known in records:
        normal = normalise_record(known.record)
        home = (normal.family, normal.born, normal.house, normal.street)
        if normal.second and len(normal.second) > 1 and all(home):
            families[home].setdefault(known.person, set()).add(normal.second)
    pairs = [two for people in families.values() for two in combinations(people.values(), 2)]
    return bool(pairs) and all(one.isdisjoint(other) for one, other in pairs)
