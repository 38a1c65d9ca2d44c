"""Attention and invites come in: specs/06-requests.md §13 and §14. Each handler is one transaction.

Whom attention reaches is worked out later, apart from this (hub/matching/alerting.py).
"""

from hub.exchange.facts import check_pins, own_stub
from hub.exchange.handlers import Answer, Parts, midnight_before
from hub.log.ledger import Ledger
from protocol.errors import ErrorCode, RemoteError
from protocol.messages.attention import AttentionBody, InviteBody
from protocol.messages.statement import Statement
from protocol.requests.attention import AttentionFacts, decide_attention
from protocol.requests.decide import Refuse
from protocol.requests.refusals import RefusalCode, sentence

_ERRORS = {
    RefusalCode.NOT_AVAILABLE: ErrorCode.NOT_FOUND,
    RefusalCode.OVER_QUOTA: ErrorCode.OVER_QUOTA,
}


class Alerts:
    """The part of the hub that takes in what is for a team, and whom its operator is to invite."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tables = ledger.tables

    def attention(self, statement: Statement[AttentionBody], _parts: Parts) -> Answer:
        """Log that attention was raised; the team is told by the next pass."""
        body, preamble = statement.body, statement.preamble
        check_pins(self._ledger.directory, statement)
        if self._tables.attention.is_used(body.attention_id):
            raise RemoteError(ErrorCode.REPLAYED, "attention_id was used before")
        member = self._ledger.directory.member(preamble.sender)
        stub = own_stub(self._tables.stubs, (preamble.sender, body.stub_id))
        since = midnight_before(preamble.iat)
        facts = AttentionFacts(
            sender=member.body if member else None,
            involvements=stub.involvements if stub else (),
            raised_today=self._tables.log.count_entries(preamble.sender, preamble.kind, since),
        )
        decision = decide_attention(self._ledger.charter, body, preamble.iat, facts)
        if isinstance(decision, Refuse):
            code = _ERRORS.get(decision.code, ErrorCode.NOT_ALLOWED)
            raise RemoteError(code, sentence(decision.code))
        logged = self._ledger.append(statement)
        self._tables.attention.add(body.attention_id, logged.index)
        return Answer(logged)

    def invite(self, statement: Statement[InviteBody], _parts: Parts) -> Answer:
        """Log that a member asks for an organisation; the operator reads it from the log."""
        body, charter = statement.body, self._ledger.charter
        if charter.quotas.invites_per_day is None:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "the charter lets nobody ask for others")
        if body.member_class not in {item.code for item in charter.classes}:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "the charter has no such class of member")
        active = self._ledger.directory.active
        names = {one.name for one in self._ledger.directory.bodies() if active(one.party_id)}
        if body.name in names:
            raise RemoteError(ErrorCode.CONFLICT, "an active member has that name")
        return Answer(self._ledger.append(statement))
