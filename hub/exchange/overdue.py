"""Requests that nobody answered in time: the hub says so to both sides, once (06-requests.md §9).

It goes by its own clock and the witnesses': neither a clock that jumps nor a hub that lies makes a
request overdue before its time. Works within the caller's transaction.
"""

from hub.log.ledger import Ledger
from hub.store.mailboxes import Post
from hub.store.requests import BrokeredRequest
from protocol.errors import RemoteError
from protocol.governance.follow import verify_note_by_charter
from protocol.messages.clock import OverdueBody

AT_ONCE = 100
"""Statements in one transaction: requests go on in between."""


class Overdue:
    """The hub's side of the clock."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tables = ledger.tables

    def is_any(self) -> bool:
        """Whether there is anything to say now."""
        return bool(self._found(1))

    def say_some(self) -> int:
        """Say it of up to AT_ONCE requests; of how many."""
        found = self._found(AT_ONCE)
        for request in found:
            self._say(request)
        return len(found)

    def _found(self, limit: int) -> list[BrokeredRequest]:
        found = self._tables.requests.due(self._ledger.env.clock(), limit)
        if not found:
            return []
        seen_at = self._witnessed_at()
        return [request for request in found if request.due is not None and request.due <= seen_at]

    def _witnessed_at(self) -> int:
        """The time of the newest checkpoint with a quorum; 0 where there is none."""
        note = self._tables.checkpoints.witnessed().note
        try:
            return verify_note_by_charter(note, self._ledger.charter).seen_at
        except RemoteError:
            return 0

    def _say(self, request: BrokeredRequest) -> None:
        body = OverdueBody(
            request=request.statement_id, request_id=request.request_id, due=request.due or 0
        )
        statement, logged = self._ledger.issue(body, request.requester)
        self._tables.requests.say_overdue(request, statement.id)
        envelope = statement.envelope.encode()
        posts = [Post(party, envelope, logged) for party in (request.requester, request.holder)]
        self._tables.mailboxes.post(posts)
