"""The store of publications: each is kept until the hub has applied it, so that one that was cut
off is sent again as it was, and takes effect here once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from node.store.stubs import Digests, PublishedStub
from protocol.errors import ErrorCode, LocalError
from protocol.fields import from_base64, to_base64
from storage.engine import Row, Transaction
from storage.states import Moves, check_move


class PublicationState(StrEnum):
    """Whether the hub has applied a publication."""

    PENDING = "pending"
    APPLIED = "applied"


MOVES: Moves[PublicationState] = {PublicationState.PENDING: {PublicationState.APPLIED}}


@dataclass(frozen=True)
class PublishedTokens:
    """What a stub publishes: a name for it, its salt, and whether a limit counts the change."""

    tokens_hash: str
    salt: str
    counted: bool


@dataclass(frozen=True)
class Effect:
    """What to remember of one stub once the hub has applied it. Retired: without tokens."""

    stub: PublishedStub
    digests: Digests
    tokens: PublishedTokens | None


@dataclass(frozen=True)
class Publication:
    """A signed manifest with its chunks and effects, which go when it is applied."""

    hub_id: str
    sequence: int
    statement_id: str
    envelope: bytes
    chunks: Sequence[bytes]
    effects: Sequence[Effect]
    state: PublicationState = PublicationState.PENDING


class Publications:
    """Publications to hubs within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def next_sequence(self, hub_id: str) -> int:
        """The number that the next publication to a hub has."""
        sql = "SELECT COALESCE(MAX(sequence), 0) AS n FROM publication WHERE hub_id = ?"
        row = self._tx.one(sql, hub_id)
        return (int(row["n"]) if row else 0) + 1

    def add(self, publication: Publication) -> None:
        """Keep a publication that is to be sent. Raises NotUniqueError for a number that is."""
        row = {
            **vars(publication),
            "chunks": json.dumps([to_base64(data) for data in publication.chunks]),
            "effects": json.dumps([_effect_value(item) for item in publication.effects]),
            "state": publication.state.value,
        }
        self._tx.insert("publication", row)

    def get(self, hub_id: str, sequence: int) -> Publication | None:
        """A publication by its number."""
        sql = "SELECT * FROM publication WHERE hub_id = ? AND sequence = ?"
        row = self._tx.one(sql, hub_id, sequence)
        return _publication(row) if row else None

    def pending(self, hub_id: str) -> Publication | None:
        """The first publication to a hub that it has not applied."""
        row = self._tx.one(
            "SELECT * FROM publication WHERE hub_id = ? AND state = ? ORDER BY sequence LIMIT 1",
            hub_id, PublicationState.PENDING.value,
        )  # fmt: skip
        return _publication(row) if row else None

    def latest(self, hub_id: str) -> str | None:
        """The statement id of the last publication that a hub has applied."""
        row = self._tx.one(
            "SELECT statement_id FROM publication WHERE hub_id = ? AND state = ? "
            "ORDER BY sequence DESC LIMIT 1",
            hub_id, PublicationState.APPLIED.value,
        )  # fmt: skip
        return str(row["statement_id"]) if row else None

    def state(self, hub_id: str, sequence: int) -> PublicationState | None:
        """Whether the hub has applied a publication; None if there is none."""
        sql = "SELECT state FROM publication WHERE hub_id = ? AND sequence = ?"
        row = self._tx.one(sql, hub_id, sequence)
        return PublicationState(row["state"]) if row else None

    def set_applied(self, hub_id: str, sequence: int) -> None:
        """Mark a publication as applied, and forget what it was made of.

        Raises LocalError(CONFLICT) for one that is applied already, NOT_FOUND for none.
        """
        before = self.state(hub_id, sequence)
        if before is None:
            raise LocalError(ErrorCode.NOT_FOUND, "there is no publication with that number")
        check_move(MOVES, before, PublicationState.APPLIED)
        self._tx.update(
            "publication",
            {"state": PublicationState.APPLIED.value, "chunks": "[]", "effects": "[]"},
            {"hub_id": hub_id, "sequence": sequence, "state": before.value},
        )

    def drop(self, hub_id: str, sequence: int) -> bool:
        """Delete a publication that the hub refused; False if there is none, or it is applied."""
        dropped = self._tx.run(
            "DELETE FROM publication WHERE hub_id = ? AND sequence = ? AND state = ?",
            hub_id, sequence, PublicationState.PENDING.value,
        )  # fmt: skip
        return dropped == 1

    def charter_version(self, hub_id: str) -> int | None:
        """The charter version under which everything was published last."""
        row = self._tx.one("SELECT version FROM published_under WHERE hub_id = ?", hub_id)
        return int(row["version"]) if row else None

    def set_charter_version(self, hub_id: str, version: int) -> None:
        """Remember the charter version under which everything was published."""
        self._tx.put("published_under", {"hub_id": hub_id, "version": version}, ("hub_id",))

    def forget(self, hub_id: str) -> None:
        """Forget all publications to a hub: a new log of it begins with the first."""
        self._tx.run("DELETE FROM publication WHERE hub_id = ?", hub_id)
        self._tx.run("DELETE FROM published_under WHERE hub_id = ?", hub_id)


def _publication(row: Row) -> Publication:
    return Publication(
        hub_id=row["hub_id"],
        sequence=row["sequence"],
        statement_id=row["statement_id"],
        envelope=row["envelope"],
        chunks=tuple(from_base64(text) for text in json.loads(row["chunks"])),
        effects=tuple(_effect(value) for value in json.loads(row["effects"])),
        state=PublicationState(row["state"]),
    )


def _effect_value(effect: Effect) -> dict[str, Any]:
    digests = {key: [item.hex() for item in items] for key, items in effect.digests.items()}
    made_of = effect.stub.made_of.hex() if effect.stub.made_of is not None else None
    stub = {**vars(effect.stub), "retired": int(effect.stub.retired), "made_of": made_of}
    value = {**stub, "digests": digests}
    return {**value, **(vars(effect.tokens) if effect.tokens else {"tokens_hash": None})}


def _effect(value: Mapping[str, Any]) -> Effect:
    stub = {name: value[name] for name in PublishedStub.__dataclass_fields__ if name in value}
    stub["made_of"] = bytes.fromhex(value["made_of"]) if value.get("made_of") else None
    named = value["tokens_hash"]
    return Effect(
        stub=PublishedStub(**{**stub, "retired": bool(stub["retired"])}),
        digests={
            key: [bytes.fromhex(text) for text in items] for key, items in value["digests"].items()
        },
        tokens=PublishedTokens(named, value["salt"], value["counted"]) if named else None,
    )
