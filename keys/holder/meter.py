"""How much a key holder evaluates for whom: a budget by declared size (specs/03-tokens.md §9).

Pure, and a function of daily counts alone: so the book can be made again from the counts in the
log, and an auditor can do the sum. store.py books.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.governance.charter import Charter
from protocol.governance.directory import Directory
from protocol.governance.limits import DAY, allowed, same_token_terms


@dataclass(frozen=True)
class Use:
    """One request for evaluations: whose, how many, its nonce and time of signing."""

    party_id: str
    count: int
    nonce: str
    iat: int


@dataclass(frozen=True)
class Budget:
    """What one agency may have evaluated: it holds `capacity` at most, and fills by `refill` a day.

    `full_on` is the last day on which it was filled up whatever was used before.
    """

    capacity: int
    refill: int
    full_on: int = 0

    def left(self, used: Mapping[int, int], today: int) -> int:
        """What is left on `today`, by what was used on each day (whole days since 1970-01-01)."""
        level, last = self.capacity, self.full_on
        for day in sorted(day for day in used if day >= self.full_on):
            level = min(self.capacity, level + self.refill * (day - last)) - used[day]
            last = day
        return max(0, min(self.capacity, level + self.refill * (today - last)))

    def seconds_until(self, count: int, left: int, now: int) -> int | None:
        """In how many seconds `count` will be there where `left` are now; None if never."""
        if self.refill == 0 or count > self.capacity:
            return None
        return -(-(count - left) // self.refill) * DAY - now % DAY


def budget_of(directory: Directory, party_id: str, today: int) -> Budget:
    """An agency's budget at one key holder: all of it, so that any one of them may be off."""
    charter, clients = directory.charter, directory.clients_of(party_id)
    refill = allowed(charter.quotas.evaluations_per_day, clients)
    at_once = charter.quotas.evaluations_at_once
    capacity = refill if at_once is None else allowed(at_once, clients)
    return Budget(capacity, refill, _tokens_changed_on(directory, today))


def _tokens_changed_on(directory: Directory, today: int) -> int:
    """The last day on which a charter asked for other tokens of everybody; 0 if none ever did."""
    changed = 0
    before: Charter | None = None
    for version in directory.charters:
        day = version.issued_at // DAY
        if before is not None and not same_token_terms(before, version.charter) and day <= today:
            changed = day
        before = version.charter
    return changed
