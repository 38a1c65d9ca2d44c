"""Wrong person: recall a card, end the link, tell the lead for information governance.

specs/06-requests.md §7. Deleting is what this node does with its own copy and says of it; the
statement of the other node is its word, not a proof, and somebody may have read the card.
"""

from node.links.review import end_link
from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.store.tables import NodeTables, Outgoing
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.messages.review import RecallDoneBody, WrongPersonBody
from protocol.messages.statement import Statement
from storage.engine import Row


class Recalls:
    """Recalled cards at one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    def say(self, tables: NodeTables, request_id: str, practitioner: int) -> None:
        """Say that a card was released about the wrong person. Raises LocalError."""
        membership, hub_id = self._membership, self._membership.hub.hub_id
        found = self._find(tables, request_id)
        if found is None or found[0]["release_id"] is None:
            raise LocalError(ErrorCode.NOT_FOUND, "no card was released under that request")
        row, other, _ = found
        if row["state"] == "recalled":
            raise LocalError(ErrorCode.CONFLICT, "that card is recalled already")
        person = tables.records.practitioner_id(hub_id, practitioner, membership.env.new_id())
        body = WrongPersonBody(request_id=request_id, release=row["release_id"], decided_by=person)
        # Whatever the hub answers, what is here about the wrong person goes now.
        self._stop(tables, row, request_id)
        tables.enqueue(Outgoing(hub_id, other, body))

    def on_said(self, tables: NodeTables, sent: Sent) -> None:
        """Our "wrong person" is in the log."""
        statement = sent.statement.expect(WrongPersonBody)
        self._take(tables, statement)

    def on_wrong_person(self, tables: NodeTables, statement: Statement[WrongPersonBody]) -> None:
        """The other side says so: the same happens here."""
        found = self._find(tables, statement.body.request_id)
        if found is None or found[1] != statement.preamble.sender:
            raise RemoteError(ErrorCode.NOT_FOUND, "no request with that agency")
        if found[0]["release_id"] not in {None, statement.body.release}:
            raise RemoteError(ErrorCode.CONFLICT, "that is not the release we know")
        self._stop(tables, found[0], statement.body.request_id)
        self._take(tables, statement)

    def on_recall_done(self, tables: NodeTables, statement: Statement[RecallDoneBody]) -> None:
        """The other node states that it deleted the card."""
        done = tables.tx.run(
            "UPDATE governance_notice SET recalled_at = ? "
            "WHERE hub_id = ? AND request_id = ? AND we_asked = 0 AND other = ?",
            statement.preamble.iat, self._membership.hub.hub_id,
            statement.body.request_id, statement.preamble.sender,
        )  # fmt: skip
        if not done:
            raise RemoteError(ErrorCode.NOT_FOUND, "nothing was recalled from that agency")

    def _take(self, tables: NodeTables, statement: Statement[WrongPersonBody]) -> None:
        """Tell our lead; the asker states that its card is gone."""
        hub_id, request_id = self._membership.hub.hub_id, statement.body.request_id
        found = self._find(tables, request_id)
        if found is None:
            return
        _, other, we_asked = found
        now = self._membership.env.clock()
        tables.put(
            "governance_notice",
            {
                "hub_id": hub_id,
                "request_id": request_id,
                "we_asked": int(we_asked),
                "other": other,
                "said_by": statement.preamble.sender,
                "told_at": now,
                "recalled_at": now if we_asked else None,
                "seen_at": None,
            },
            ("hub_id", "request_id"),
        )
        if we_asked:
            body = RecallDoneBody(request_id=request_id, wrong_person=statement.id)
            tables.enqueue(Outgoing(hub_id, other, body))

    def _stop(self, tables: NodeTables, row: Row, request_id: str) -> None:
        """Delete the cards, end the link, and stop what else is under way over it."""
        hub_id, link_id = self._membership.hub.hub_id, row["link_id"]
        for sql in _STOP:
            tables.tx.run(sql, hub_id, link_id, request_id)
        end_link(tables, hub_id, link_id)

    def _find(self, tables: NodeTables, request_id: str) -> tuple[Row, str, bool] | None:
        """A request's row, the other side, and whether it was we who asked."""
        hub_id = self._membership.hub.hub_id
        for sql, other, we_asked in _FIND:
            row = tables.tx.one(sql, hub_id, request_id)
            if row is not None:
                return row, str(row[other]), we_asked
        return None


_FIND = (
    ("SELECT * FROM sent_request WHERE hub_id = ? AND request_id = ?", "holder", True),
    ("SELECT * FROM received_request WHERE hub_id = ? AND request_id = ?", "requester", False),
)
# With the hub's id, the link's id and the request's id. Every card over the link goes: they are
# all about the wrong person.
_STOP = (
    (
        "UPDATE sent_request SET card = NULL, "
        "state = CASE WHEN card IS NULL THEN 'stopped' ELSE 'recalled' END "
        "WHERE hub_id = ?1 AND link_id = ?2 AND request_id <> ?3 "
        "AND state NOT IN ('recalled', 'refused', 'failed')"
    ),
    (
        "UPDATE sent_request SET card = NULL, state = 'recalled' "
        "WHERE hub_id = ?1 AND ?2 = ?2 AND request_id = ?3"
    ),
    (
        "UPDATE received_request SET state = 'stopped' WHERE hub_id = ?1 AND link_id = ?2 "
        "AND request_id <> ?3 AND state NOT IN ('opened', 'released', 'recalled', 'refused')"
    ),
    (
        "UPDATE received_request SET state = 'recalled' "
        "WHERE hub_id = ?1 AND ?2 = ?2 AND request_id = ?3"
    ),
    (
        "UPDATE sent_check SET state = 'stopped', openings = NULL WHERE hub_id = ?1 "
        "AND link_id = ?2 AND ?3 = ?3 AND state NOT IN ('answered', 'refused', 'failed')"
    ),
    (
        "UPDATE received_check SET details = NULL, "
        "state = CASE WHEN state IN ('answered', 'refused') THEN state ELSE 'stopped' END "
        "WHERE hub_id = ?1 AND link_id = ?2 AND ?3 = ?3"
    ),
    (
        "UPDATE review SET state = 'said', question = NULL, answer = 'not_same' "
        "WHERE hub_id = ?1 AND link_id = ?2 AND ?3 = ?3"
    ),
)
