"""Attention and invites against the charter and the day's quota (specs/08-audit.md §3.17).

To whom attention went is not in the log: that must not show in it either.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from audit.findings import Finding, FindingCode, rule
from audit.rules.facts import LoggedFacts
from protocol.counted import counted
from protocol.governance.directory import Directory
from protocol.messages.attention import AttentionBody, InviteBody
from protocol.messages.statement import Preamble, Statement
from protocol.requests.attention import AttentionFacts, decide_attention
from protocol.requests.daily import DAY
from protocol.requests.decide import Refuse
from protocol.requests.quotas import quota_of


class AttentionCheck:
    """Decides again, in log order, what the hub let through."""

    def __init__(self, facts: LoggedFacts, directory: Directory) -> None:
        self._facts = facts
        self._directory = directory
        self._days: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        self._ids: set[str] = set()

    def steps(self) -> dict[str, Callable[[int, Statement[Any]], Iterator[Finding]]]:
        """Which step takes which kind."""
        return {"attention": self.attention, "invite": self.invite}

    def attention(self, index: int, statement: Statement[AttentionBody]) -> Iterator[Finding]:
        """Whether it may have been raised, and rests on what was logged before it."""
        body, preamble = statement.body, statement.preamble
        charter = self._directory.charter_at(index).charter
        member = self._directory.member(preamble.sender, index)
        facts = AttentionFacts(
            sender=member.body if member else None,
            involvements=self._facts.involvements_of(preamble.sender, body.stub_id),
            raised_today=self._count(preamble),
        )
        decision = decide_attention(charter, body, preamble.iat, facts)
        if isinstance(decision, Refuse):
            detail = f"let through, decided again refuse {decision.code}"
            yield rule(FindingCode.ATTENTION_UNFOUNDED, index, detail)
        if body.attention_id in self._ids:
            detail = f"attention id {body.attention_id} was used before"
            yield rule(FindingCode.REQUEST_ID_REUSED, index, detail)
        self._ids.add(body.attention_id)
        pins = {
            "publication": body.pins.publication,
            "member": body.pins.requester_membership,
            "charter": body.pins.charter,
        }
        wrong = [kind for kind, pin in pins.items() if self._facts.kinds.get(pin) != kind]
        if wrong:
            detail = f"pins what was not logged before it: {', '.join(wrong)}"
            yield rule(FindingCode.PIN_UNFOUNDED, index, detail)

    def invite(self, index: int, statement: Statement[InviteBody]) -> Iterator[Finding]:
        """Whether the charter lets its sender ask for so many."""
        charter, used = self._directory.charter_at(index).charter, self._count(statement.preamble)
        most = quota_of(charter, statement.preamble.kind)
        if most is None or used >= most:
            detail = (
                f"let through, with {counted(used, 'invite')} of this member in the log that day"
            )
            yield rule(FindingCode.INVITE_UNFOUNDED, index, detail)

    def _count(self, preamble: Preamble) -> int:
        """How many of this kind its sender had in the log that day; it is counted from now on."""
        days, today = self._days[preamble.sender, preamble.kind], preamble.iat // DAY
        used = sum(count for day, count in days.items() if day >= today)
        days[today] += 1
        return used
