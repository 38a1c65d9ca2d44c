"""The review queue: links that wait for a person, and the answers (specs/06-requests.md §5).

The hub says what waits; a possible link tells nothing of the other side. What our own people said
is remembered here, and hides a link from them at once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.store.tables import NodeTables, Outgoing
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel
from protocol.messages.review import ReviewBody, VerdictBody
from protocol.messages.statement import Statement
from storage.engine import Row

Said = Literal["same", "not_same"]
RestsOn = Literal["records", "identity_check"]


@dataclass(frozen=True)
class Opinion:
    """What a person says of a link, who it is (row id), and what it rests on."""

    link_id: str
    said: Said
    practitioner: int
    rests_on: RestsOn = "records"


@dataclass(frozen=True)
class Waiting:
    """A link that waits for a person: our client, and what we know of the other side."""

    link_id: str
    client: str
    state: str
    agency: str | None
    labels: tuple[str, ...]
    asked_at: int
    problem: str | None


class Reviewing:
    """What waits for our people at one hub, and what they say."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    def on_review(self, tables: NodeTables, statement: Statement[ReviewBody]) -> None:
        """Take what waits for us. Raises RemoteError unless the hub said it."""
        hub_id = self._membership.hub.hub_id
        if statement.preamble.sender != hub_id:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "only the hub asks for a review")
        for item in statement.body.links:
            old = self._row(tables, item.link_id)
            if item.question is None:
                tables.tx.run(
                    "UPDATE review SET question = NULL, "
                    "state = CASE state WHEN 'asked' THEN 'idle' ELSE state END "
                    "WHERE hub_id = ? AND link_id = ?",
                    hub_id, item.link_id,
                )  # fmt: skip
            elif old is None or old["answered_question"] != item.question:
                self._put(tables, item.link_id, item.stub_id, item.question)

    def queue(self, tables: NodeTables) -> list[Waiting]:
        """What waits for a person, oldest first."""
        hub_id = self._membership.hub.hub_id
        rows = tables.tx.rows(
            "SELECT r.*, l.state AS link_state, l.agency_id, l.involvements, c.local_id "
            "FROM review r JOIN link l USING (hub_id, link_id) "
            "JOIN stub s ON s.hub_id = r.hub_id AND s.stub_id = r.stub_id "
            "JOIN client c ON c.id = s.client "
            "WHERE r.hub_id = ? AND r.state = 'asked' AND l.state <> 'ended' "
            "ORDER BY r.asked_at, r.link_id",
            hub_id,
        )
        return [self._waiting(row) for row in rows]

    def say(self, tables: NodeTables, opinion: Opinion) -> None:
        """Put a verdict into the outbox. Raises LocalError for no link of ours, or a second one
        while the first is on its way.
        """
        membership, hub_id = self._membership, self._membership.hub.hub_id
        link = tables.link(hub_id, opinion.link_id)
        if link is None:
            raise LocalError(ErrorCode.NOT_FOUND, "no link of that id; see patchwork-node review")
        row = self._row(tables, opinion.link_id)
        if row is not None and row["state"] == "sending":
            raise LocalError(ErrorCode.CONFLICT, "your last answer is still on its way")
        question = row["question"] if row is not None else None
        body = VerdictBody(
            link_id=opinion.link_id,
            stub_id=link["stub_id"],
            question=question,
            round=link["round_id"],
            publication=latest_publication(tables, hub_id),
            answer=opinion.said,
            rests_on=opinion.rests_on,
            decided_by=tables.practitioner_id(
                hub_id, opinion.practitioner, membership.env.new_id()
            ),
        )
        if row is None:
            self._put(tables, opinion.link_id, link["stub_id"], None)
        tables.tx.run(
            "UPDATE review SET state = 'sending', answer = ?, rests_on = ?, answered_at = ?, "
            "answered_question = ?, error = NULL WHERE hub_id = ? AND link_id = ?",
            opinion.said, opinion.rests_on, membership.env.clock(), question,
            hub_id, opinion.link_id,
        )  # fmt: skip
        tables.enqueue(Outgoing(hub_id, hub_id, body))

    def on_verdict_sent(self, tables: NodeTables, sent: Sent) -> None:
        """Our answer is logged: a link that we deny is not shown to us from now on."""
        hub_id, body = self._membership.hub.hub_id, sent.statement.expect(VerdictBody).body
        tables.tx.run(
            "UPDATE review SET state = 'said', question = NULL WHERE hub_id = ? AND link_id = ?",
            hub_id, body.link_id,
        )  # fmt: skip
        if body.answer == "not_same":
            end_link(tables, hub_id, body.link_id)

    def on_verdict_failed(
        self, tables: NodeTables, statement: Statement[WireModel], error: RemoteError
    ) -> None:
        """The hub did not take our answer: it is as if we had given none, and says why."""
        body = statement.expect(VerdictBody).body
        tables.tx.run(
            "UPDATE review SET state = CASE WHEN question IS NULL THEN 'idle' ELSE 'asked' END, "
            "answer = NULL, answered_question = NULL, error = ? WHERE hub_id = ? AND link_id = ?",
            error.code.value, self._membership.hub.hub_id, body.link_id,
        )  # fmt: skip

    def _put(self, tables: NodeTables, link_id: str, stub_id: str, question: str | None) -> None:
        row = {
            "hub_id": self._membership.hub.hub_id,
            "link_id": link_id,
            "stub_id": stub_id,
            "question": question,
            "asked_at": self._membership.env.clock(),
            "state": "asked" if question else "idle",
        }
        empty = ("answer", "rests_on", "answered_at", "answered_question", "error")
        tables.put("review", row | dict.fromkeys(empty), ("hub_id", "link_id"))

    def _row(self, tables: NodeTables, link_id: str) -> Row | None:
        sql = "SELECT * FROM review WHERE hub_id = ? AND link_id = ?"
        return tables.tx.one(sql, self._membership.hub.hub_id, link_id)

    def _waiting(self, row: Row) -> Waiting:
        agency = row["agency_id"]
        member = self._membership.directory.member(agency) if agency else None
        return Waiting(
            link_id=row["link_id"],
            client=row["local_id"],
            state=row["link_state"],
            agency=member.body.name if member else None,
            labels=_labels(json.loads(row["involvements"])),
            asked_at=row["asked_at"],
            problem=row["error"],
        )


def denied_by_us(tables: NodeTables, hub_id: str, link_id: str) -> bool:
    """Whether our last answer about a link is "not the same"."""
    row = tables.tx.one(
        "SELECT 1 FROM review WHERE hub_id = ? AND link_id = ? AND answer = 'not_same'",
        hub_id, link_id,
    )  # fmt: skip
    return row is not None


def end_link(tables: NodeTables, hub_id: str, link_id: str) -> None:
    """Show a link no more."""
    sql = "UPDATE link SET state = 'ended' WHERE hub_id = ? AND link_id = ?"
    tables.tx.run(sql, hub_id, link_id)


def latest_publication(tables: NodeTables, hub_id: str) -> str:
    """The statement id of our last applied publication. Raises LocalError(NOT_READY)."""
    latest = tables.tx.one(
        "SELECT statement_id FROM publication WHERE hub_id = ? AND state = 'applied' "
        "ORDER BY sequence DESC LIMIT 1",
        hub_id,
    )
    if latest is None:
        raise LocalError(ErrorCode.NOT_READY, "publish first")
    return str(latest["statement_id"])


def _labels(involvements: Sequence[dict[str, str]]) -> tuple[str, ...]:
    return tuple(item["label"] for item in involvements)
