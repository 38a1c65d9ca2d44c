"""Measuring what a key type gives away before a charter may name it: specs/04-matching.md §8."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hub.policies.folder import KnownRecord
from protocol.errors import ErrorCode, LocalError
from protocol.matchkeys.leakage import Leakage, breaks_rules, measure
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.recipes import RECIPES
from protocol.matchkeys.records import normalise_record


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
