"""Refusals over quota, held against what the log has of that day (specs/08-audit.md §3.12)."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from audit.findings import Finding, FindingCode, rule
from protocol.governance.directory import Directory
from protocol.messages.bodies import RejectionBody
from protocol.messages.kinds import Party
from protocol.messages.statement import MAX_SKEW_SECONDS, Statement
from protocol.requests.daily import DAY
from protocol.requests.quotas import quota_of


class QuotaCheck:
    """Counts, in log order, what each agency has of each kind a day."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._days: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)

    def take(self, statement: Statement[Any]) -> None:
        """Count a statement, if an agency sent it."""
        preamble = statement.preamble
        if statement.kind.sender is Party.MEMBER:
            self._days[preamble.sender, preamble.kind][preamble.iat // DAY] += 1

    def rejection(self, index: int, statement: Statement[RejectionBody]) -> Iterator[Finding]:
        """Whether a quota that was said to be used up was. What was refused is not in the log, and
        was signed within 300 seconds of this.
        """
        body, preamble = statement.body, statement.preamble
        if body.code != "over_quota":
            return
        most = quota_of(self._directory.charter_at(index).charter, body.kind)
        since = (preamble.iat - MAX_SKEW_SECONDS) // DAY
        days = self._days[preamble.aud, body.kind]
        used = sum(count for day, count in days.items() if day >= since)
        if most is None or used < most:
            detail = f"refused over quota, with {used} of this kind in the log that day"
            yield rule(FindingCode.REFUSAL_UNFOUNDED, index, detail)
