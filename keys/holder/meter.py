"""How much a key holder evaluates for whom: a budget by declared size (specs/03-tokens.md §9).

Pure, and a function of daily counts alone: so the book can be made again from the counts in the
log, and an auditor can do the sum. store.py books.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from protocol.governance.charter import Charter
from protocol.governance.directory import Directory
from protocol.governance.limits import DAY, allowed, same_token_terms


@dataclass(frozen=True)
class Use:
    """One request for evaluations: whose, how many, its nonce and time of signing; of which points,
    by their hash, for which quorum.
    """

    party_id: str
    count: int
    nonce: str
    iat: int
    points_hash: str
    quorum: Sequence[int]


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
            # More was used than there is where a size was corrected: that is no debt.
            level = max(0, min(self.capacity, level + self.refill * (day - last)) - used[day])
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
    return Budget(capacity, refill, _tokens_changed_on(directory, today, capacity, refill))


def _tokens_changed_on(directory: Directory, today: int, capacity: int, refill: int) -> int:
    """The last day on which a charter that asked for other tokens filled the budget; 0 if none did.

    It fills it no oftener than the budget does by itself: a hub can write charters every day.
    """
    changed = 0
    before: Charter | None = None
    for version in directory.charters:
        day = version.issued_at // DAY
        asks = before is not None and not same_token_terms(before, version.charter)
        fills_itself = changed and (day - changed) * refill < capacity
        if asks and not fills_itself and day <= today:
            changed = day
        before = version.charter
    return changed
