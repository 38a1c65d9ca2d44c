"""How much a key holder evaluates for whom, under the charter's quota. Pure; store.py books it."""

from dataclasses import dataclass

from protocol.governance.charter import Charter

DAY = 86_400


@dataclass(frozen=True)
class Use:
    """One request for evaluations: whose, how many, its nonce and time of signing."""

    party_id: str
    count: int
    nonce: str
    iat: int


def daily_quota(charter: Charter) -> int:
    """One key holder's part of an agency's daily quota: Q * t / n, rounded up."""
    key = charter.token_key
    return -(-charter.quotas.evaluations_per_day * key.threshold // len(key.holders))
