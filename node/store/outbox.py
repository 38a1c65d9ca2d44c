"""What this node sends: each statement from when it is put here until it was seen in the log.

specs/07-transport.md §2. The only place that writes the states of what is sent.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from protocol.fields import WireModel
from protocol.messages.kinds import KINDS, kind_of
from storage.engine import Row, Transaction
from storage.states import Moves, check_move, sources


class OutboxState(StrEnum):
    """How far a statement of ours has come."""

    PENDING = "pending"
    SENT = "sent"
    LOGGED = "logged"
    MISSING = "missing"
    FAILED = "failed"


_O = OutboxState
# The hub says that it logged a statement, or refuses it; then the log shows it or does not. A lost
# log ends what is not settled.
OUTBOX_MOVES: Moves[OutboxState] = {
    _O.PENDING: (_O.SENT, _O.FAILED),
    _O.SENT: (_O.LOGGED, _O.MISSING, _O.FAILED),
}
# What a statement is about, by the first of these fields that its body has.
_SUBJECTS = ("request_id", "check_id", "attention_id", "link_id", "hint_id", "enquiry_id")


@dataclass(frozen=True)
class Outgoing:
    """A statement to be sent: to whom, what, and what goes beside it. With an `envelope` it is
    signed already, and is never signed again.
    """

    hub_id: str
    aud: str
    body: WireModel
    sealed: bytes | None = None
    proof: bytes | None = None
    envelope: bytes | None = None


@dataclass(frozen=True)
class OutboxItem:
    """A statement in the outbox, by its number."""

    id: int
    hub_id: str
    kind: str
    aud: str
    text: str
    sealed: bytes | None
    proof: bytes | None
    envelope: bytes | None
    index: int | None
    salt: str | None
    state: OutboxState
    error: str | None

    @property
    def body(self) -> WireModel:
        """What it says. Parsed when it is asked for: a row that cannot be read harms no other."""
        return KINDS[self.kind].body.model_validate(json.loads(self.text))


@dataclass(frozen=True)
class Place:
    """Where the hub says that it logged a statement, and its leaf's salt."""

    index: int
    salt: str | None


@dataclass(frozen=True)
class Unchecked:
    """An entry to be looked for in the log; `number` is that of a statement of ours."""

    number: int
    index: int
    salt: str | None
    envelope: bytes


class OutboxStore:
    """Statements of ours, each by its hub and its number."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def enqueue(self, outgoing: Outgoing) -> int:
        """Put in a statement, to be signed when it is sent, or signed already; its number."""
        return self._tx.insert_for_id(
            "outbox",
            {
                "hub_id": outgoing.hub_id,
                "kind": kind_of(type(outgoing.body)),
                "subject": subject_of(outgoing.body),
                "aud": outgoing.aud,
                "body": json.dumps(outgoing.body.model_dump(mode="json")),
                "sealed": outgoing.sealed,
                "proof": outgoing.proof,
                "envelope": outgoing.envelope,
                "state": _O.PENDING.value,
                "error": None,
            },
        )

    def get(self, hub_id: str, number: int) -> OutboxItem | None:
        """A statement by its number."""
        row = self._tx.one("SELECT * FROM outbox WHERE hub_id = ? AND id = ?", hub_id, number)
        return _item(row) if row else None

    def bodies_about(
        self, hub_id: str, kind: str, subjects: Collection[str]
    ) -> dict[str, dict[str, Any]]:
        """What we said in statements of a kind about these; what is kept no more is left out."""
        rows = self._tx.rows_among(
            "SELECT subject, body FROM outbox WHERE hub_id = ? AND kind = ? "
            "AND subject IN (:among)",
            hub_id, kind, among=subjects,
        )  # fmt: skip
        return {row["subject"]: json.loads(row["body"]) for row in rows}

    def pending(self, hub_id: str) -> list[OutboxItem]:
        """What waits to be sent, in the order in which it was put in."""
        sql = "SELECT * FROM outbox WHERE hub_id = ? AND state = ? ORDER BY id"
        return [_item(row) for row in self._tx.rows(sql, hub_id, _O.PENDING.value)]

    def waiting(self, hub_id: str) -> int:
        """How many statements wait to be sent."""
        sql = "SELECT count(*) AS many FROM outbox WHERE hub_id = ? AND state = ?"
        row = self._tx.one(sql, hub_id, _O.PENDING.value)
        return int(row["many"]) if row else 0

    def is_any_on_its_way(self, hub_id: str) -> bool:
        """Whether something is signed, and perhaps logged, whose place we do not know yet."""
        sql = "SELECT 1 FROM outbox WHERE hub_id = ? AND state = ? AND envelope IS NOT NULL"
        return self._tx.one(sql, hub_id, _O.PENDING.value) is not None

    def sign(self, hub_id: str, number: int, envelope: bytes) -> bytes:
        """Keep a signed statement, unless it was signed before; the one that is kept."""
        self._tx.run(
            "UPDATE outbox SET envelope = ? WHERE hub_id = ? AND id = ? AND envelope IS NULL",
            envelope, hub_id, number,
        )  # fmt: skip
        sql = "SELECT envelope FROM outbox WHERE hub_id = ? AND id = ?"
        kept = self._tx.one(sql, hub_id, number)
        return bytes(kept["envelope"]) if kept else envelope

    def sign_anew(self, hub_id: str, number: int) -> None:
        """Drop the signature of what the hub never logged: it is signed when it is sent again."""
        key = {"hub_id": hub_id, "id": number, "state": _O.PENDING.value}
        self._tx.update("outbox", {"envelope": None}, key)

    def sent(self, hub_id: str, number: int, place: Place) -> bool:
        """The hub has logged a statement; False if that was known before."""
        values = {"idx": place.index, "salt": place.salt}
        return self._move(hub_id, number, _O.PENDING, {**values, "state": _O.SENT})

    def sent_before(self, item: OutboxItem, envelope: bytes, place: Place) -> bool:
        """The log has a statement under this envelope, sent from a database that is lost."""
        key = {"hub_id": item.hub_id, "id": item.id, "state": _O.PENDING.value}
        self._tx.update("outbox", {"envelope": envelope}, key)
        return self.sent(item.hub_id, item.id, place)

    def failed(self, hub_id: str, number: int, code: str) -> bool:
        """The hub refused a statement; False if it was no longer pending."""
        return self._move(hub_id, number, _O.PENDING, {"state": _O.FAILED, "error": code})

    def unchecked(self, hub_id: str, most: int) -> list[Unchecked]:
        """What the hub says it logged and was not looked for yet, by its place."""
        sql = (
            "SELECT id, idx, salt, envelope FROM outbox WHERE hub_id = ? AND state = ? "
            "ORDER BY idx, id LIMIT ?"
        )
        return [
            Unchecked(row["id"], row["idx"], row["salt"], row["envelope"])
            for row in self._tx.rows(sql, hub_id, _O.SENT.value, most)
        ]

    def looked_for(self, hub_id: str, numbers: Collection[int], *, there: bool) -> None:
        """These are in the log, or missing there. What was not sent, or is settled, stays so."""
        state = _O.LOGGED if there else _O.MISSING
        check_move(OUTBOX_MOVES, _O.SENT, state)
        sql = "UPDATE outbox SET state = ? WHERE hub_id = ? AND state = ? AND id IN (:among)"
        self._tx.run_among(sql, state.value, hub_id, _O.SENT.value, among=numbers)

    def about(self, hub_id: str, kind: type[WireModel], subject: str) -> list[OutboxItem]:
        """Statements of a kind about a request, a check or a link, oldest first."""
        rows = self._tx.rows(
            "SELECT * FROM outbox WHERE hub_id = ? AND kind = ? "
            "AND (subject = ? OR subject IS NULL) ORDER BY id",
            hub_id, kind_of(kind), subject,
        )  # fmt: skip
        # Without a subject: written by an older program. Its body says what it is about.
        return [item for item in map(_item, rows) if subject_of(item.body) == subject]

    def signed(self, hub_id: str, kind: type[WireModel]) -> list[bytes]:
        """The envelopes of statements of a kind that were sent and are kept, oldest first."""
        rows = self._tx.tuples(
            "SELECT envelope FROM outbox WHERE hub_id = ? AND kind = ? AND envelope IS NOT NULL "
            "ORDER BY id",
            hub_id, kind_of(kind),
        )  # fmt: skip
        return [envelope for (envelope,) in rows]

    def unsettled(self, hub_id: str, kind: type[WireModel]) -> list[OutboxItem]:
        """Statements of a kind that the log has not shown, oldest first."""
        rows = self._tx.rows_among(
            "SELECT * FROM outbox WHERE hub_id = ? AND kind = ? AND state IN (:among) ORDER BY id",
            hub_id, kind_of(kind), among=sources(OUTBOX_MOVES, _O.FAILED),
        )  # fmt: skip
        return [_item(row) for row in rows]

    def end_with_log(self, hub_id: str, error: str) -> None:
        """End what a lost log leaves unsettled."""
        sql = "UPDATE outbox SET state = ?, error = ? WHERE hub_id = ? AND state IN (:among)"
        among = sources(OUTBOX_MOVES, _O.FAILED)
        self._tx.run_among(sql, _O.FAILED.value, error, hub_id, among=among)

    def _move(self, hub_id: str, number: int, before: OutboxState, row: dict[str, Any]) -> bool:
        check_move(OUTBOX_MOVES, before, row["state"])
        key = {"hub_id": hub_id, "id": number, "state": before.value}
        return self._tx.update("outbox", {**row, "state": row["state"].value}, key) == 1


def subject_of(body: WireModel) -> str | None:
    """The id of the request, the check, the link or the hint that a statement is about."""
    return next((str(value) for name in _SUBJECTS if (value := getattr(body, name, None))), None)


def _item(row: Row) -> OutboxItem:
    return OutboxItem(
        id=row["id"],
        hub_id=row["hub_id"],
        kind=row["kind"],
        aud=row["aud"],
        text=row["body"],
        sealed=row["sealed"],
        proof=row["proof"],
        envelope=row["envelope"],
        index=row["idx"],
        salt=row["salt"],
        state=_O(row["state"]),
        error=row["error"],
    )
