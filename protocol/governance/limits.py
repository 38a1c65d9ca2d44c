"""Limits on publications that any reader of the log can count: specs/04-matching.md §10.

Pure, and the same for the node that holds back, the hub that refuses and the auditor that checks
again. They bound how fast one agency can try guesses about people; they cannot see what is guessed.
"""

from collections.abc import Iterable, Mapping

from protocol.governance.charter import Charter
from protocol.governance.numbers import Limit, Quotas

DAY = 86_400
TOKEN_DAYS = 90
CHANGE_DAYS = 30
FIRST_DAYS = 30


def allowed(limit: Limit, clients: int) -> int:
    """What a limit is for an agency that has declared so many clients."""
    if isinstance(limit, int):
        return limit
    return max(limit.least, -(-limit.per_thousand * clients // 1000))


def room_for_new(quotas: Quotas, clients: int, counts: Mapping[int, int], day: int) -> int:
    """How many more stubs an agency of so many clients may publish on `day`; never below zero.

    `counts` is its new stubs by day (whole days since 1970-01-01). In the first FIRST_DAYS days
    there is room for a whole first import beside the daily number.
    """
    today = allowed(quotas.new_stubs_per_day, clients) - counts.get(day, 0)
    if day >= min(counts, default=day) + FIRST_DAYS:
        return max(0, today)
    return max(0, today, allowed(quotas.first_stubs, clients) - sum(counts.values()))


def same_token_terms(old: Charter | None, new: Charter) -> bool:
    """Whether tokens are made the same way under both: if not, they change for no client's sake."""
    return old is not None and _token_terms(old) == _token_terms(new)


def may_change(quotas: Quotas, earlier: Iterable[int], now: int) -> bool:
    """Whether one more change of a stub's tokens is allowed, after those at these times."""
    recent = sum(at > now - CHANGE_DAYS * DAY for at in earlier)
    return recent < quotas.token_changes_per_stub


def _token_terms(charter: Charter) -> tuple[object, ...]:
    caps = {key: weights.cap for key, weights in charter.policy.keys.items()}
    return caps, charter.token_key.epoch, charter.tables, charter.quotas.stubs_per_token
