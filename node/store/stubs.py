"""The store of what a hub knows of our clients: stubs, ids of involvements, published tokens.

Every row is of one hub, and is looked up by the hub's id and its own. Calls that take many cost a
few statements, however many.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from node.store.records import Client, client_of
from storage.engine import Transaction

_TOKEN_COLUMNS = ("hub_id", "stub_id", "match_key_id", "ordinal", "input_digest")

Digests = Mapping[str, Sequence[bytes]]
"""Digests of token inputs by match key, in the order in which they are published."""


@dataclass(frozen=True)
class PublishedStub:
    """A client's stub as the hub has it. Revision 0: the hub's new log does not know it yet.

    `made_of`: a name for all that it was drafted of (node/publishing/settled.py), if it is settled.
    """

    client: int
    stub_id: str
    revision: int
    published_hash: str
    retired: bool
    made_of: bytes | None = None


@dataclass(frozen=True)
class Rounds:
    """How far a hub's rounds have come: what we published below the log index `compared_below` was
    compared, and when the next round is due.
    """

    compared_below: int
    next_round: int


@dataclass(frozen=True)
class PublishedInvolvementId:
    """Under which id a hub knows an involvement, and the salt of its facts' commitment."""

    involvement: int
    involvement_id: str
    salt: str


class Stubs:
    """Stubs and what they publish, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def of_client(self, hub_id: str, client: int) -> PublishedStub | None:
        """The stub of a client at a hub."""
        return self.of_clients(hub_id, [client]).get(client)

    def has(self, client: int) -> bool:
        """Whether a client was ever published, to any hub."""
        return self._tx.one("SELECT 1 FROM stub WHERE client = ? LIMIT 1", client) is not None

    def of_clients(self, hub_id: str, clients: Collection[int]) -> dict[int, PublishedStub]:
        """The stubs of these clients at a hub; a client without one is left out."""
        sql = (
            "SELECT client, stub_id, revision, published_hash, retired, made_of FROM stub "
            "WHERE hub_id = ? AND client IN (:among)"
        )
        found = self._tx.rows_among(sql, hub_id, among=clients)
        return {
            row["client"]: PublishedStub(**{**row, "retired": bool(row["retired"])})
            for row in found
        }

    def all_of_hub(self, hub_id: str) -> dict[str, PublishedStub]:
        """Every stub at a hub, by its id."""
        rows = self._tx.rows(
            "SELECT client, stub_id, revision, published_hash, retired, made_of FROM stub "
            "WHERE hub_id = ?",
            hub_id,
        )
        return {
            row["stub_id"]: PublishedStub(**{**row, "retired": bool(row["retired"])})
            for row in rows
        }

    def client_of(self, hub_id: str, stub_id: str) -> Client | None:
        """The client behind one of our stubs."""
        row = self._tx.one(
            "SELECT c.* FROM client c JOIN stub s ON s.client = c.id "
            "WHERE s.hub_id = ? AND s.stub_id = ?",
            hub_id, stub_id,
        )  # fmt: skip
        return client_of(row) if row else None

    def clients_of(self, hub_id: str, stub_ids: Collection[str]) -> dict[str, int]:
        """The clients (row ids) behind these stubs of ours."""
        sql = "SELECT stub_id, client FROM stub WHERE hub_id = ? AND stub_id IN (:among)"
        rows = self._tx.rows_among(sql, hub_id, among=stub_ids)
        return {str(row["stub_id"]): int(row["client"]) for row in rows}

    def clients_after(self, hub_id: str, after: int, size: int) -> list[int]:
        """The next `size` clients after a row id who have a stub that is not retired."""
        rows = self._tx.tuples(
            "SELECT c.id FROM stub s JOIN client c ON c.id = s.client "
            "WHERE s.hub_id = ? AND s.client > ? AND s.retired = 0 ORDER BY s.client LIMIT ?",
            hub_id, after, size,
        )  # fmt: skip
        return [client for (client,) in rows]

    def put(self, hub_id: str, stubs: Iterable[PublishedStub], index: int) -> None:
        """Remember stubs as the hub has them now, by the publication at this log index."""
        own = {"hub_id": hub_id, "published_at": index}
        rows = [{**own, **vars(stub), "retired": int(stub.retired)} for stub in stubs]
        self._tx.put_many("stub", rows, ("hub_id", "client"))

    def set_made_of(self, hub_id: str, made_of: Mapping[int, bytes]) -> None:
        """Remember of what the stubs of these clients (row ids) would be drafted now."""
        sql = "UPDATE stub SET made_of = ? WHERE hub_id = ? AND client = ?"
        if made_of:
            self._tx.run_many(sql, [(name, hub_id, client) for client, name in made_of.items()])

    def publish_again(self, hub_id: str, client: int) -> None:
        """Have a client's stub published again, whether what it says has changed or not."""
        sql = "UPDATE stub SET published_hash = '' WHERE hub_id = ? AND client = ?"
        self._tx.run(sql, hub_id, client)

    def rounds(self, hub_id: str) -> Rounds | None:
        """How far the hub last said that its rounds have come."""
        sql = "SELECT compared_below, next_round FROM rounds WHERE hub_id = ?"
        row = self._tx.one(sql, hub_id)
        return Rounds(**row) if row else None

    def set_rounds(self, hub_id: str, rounds: Rounds) -> None:
        """Remember what a hub said of its rounds."""
        self._tx.put("rounds", {"hub_id": hub_id, **vars(rounds)}, ("hub_id",))

    def is_compared(self, hub_id: str, stub_id: str) -> bool:
        """Whether a round has looked at a stub since it was published last."""
        row = self._tx.one(
            "SELECT 1 FROM stub s LEFT JOIN rounds r ON r.hub_id = s.hub_id "
            "WHERE s.hub_id = ? AND s.stub_id = ? AND s.revision > 0 "
            "AND (s.published_at IS NULL OR s.published_at < r.compared_below)",
            hub_id, stub_id,
        )  # fmt: skip
        return row is not None

    def start_over(self, hub_id: str) -> None:
        """Keep the ids of stubs for a new log of the hub, which knows none of them."""
        self._tx.run("UPDATE stub SET revision = 0, published_hash = '' WHERE hub_id = ?", hub_id)
        self._tx.run("DELETE FROM rounds WHERE hub_id = ?", hub_id)
        self.forget_digests(hub_id)

    def involvement_ids(
        self, hub_id: str, involvements: Collection[int]
    ) -> dict[int, PublishedInvolvementId]:
        """Under which ids a hub knows these involvements; one it does not know is left out."""
        sql = (
            "SELECT involvement, involvement_id, salt FROM stub_involvement "
            "WHERE hub_id = ? AND involvement IN (:among)"
        )
        found = self._tx.rows_among(sql, hub_id, among=involvements)
        return {row["involvement"]: PublishedInvolvementId(**row) for row in found}

    def add_involvement_ids(self, hub_id: str, ids: Iterable[PublishedInvolvementId]) -> None:
        """Give involvements ids at a hub, for good. Raises NotUniqueError where there is one."""
        rows = [{"hub_id": hub_id, **vars(item)} for item in ids]
        self._tx.insert_many("stub_involvement", rows)

    def involvement_of(self, hub_id: str, involvement_id: str) -> int | None:
        """The row id of the involvement that a hub knows under an id."""
        row = self._tx.one(
            "SELECT involvement FROM stub_involvement WHERE hub_id = ? AND involvement_id = ?",
            hub_id, involvement_id,
        )  # fmt: skip
        return int(row["involvement"]) if row else None

    def digests(self, hub_id: str, stub_id: str) -> Digests:
        """What a stub publishes at a hub."""
        return self.all_digests(hub_id, [stub_id]).get(stub_id, {})

    def all_digests(self, hub_id: str, stub_ids: Collection[str]) -> dict[str, Digests]:
        """What these stubs publish at a hub; one that publishes nothing is left out."""
        sql = (
            "SELECT stub_id, match_key_id, ordinal, input_digest FROM published_token "
            "WHERE hub_id = ? AND stub_id IN (:among)"
        )
        rows = self._tx.rows_among(sql, hub_id, among=stub_ids)
        rows.sort(key=lambda row: (row["match_key_id"], row["ordinal"]))
        found: dict[str, dict[str, list[bytes]]] = {}
        for row in rows:
            keys = found.setdefault(row["stub_id"], {})
            keys.setdefault(row["match_key_id"], []).append(row["input_digest"])
        return dict(found)

    def digest(self, hub_id: str, stub_id: str, match_key_id: str, ordinal: int) -> bytes | None:
        """The digest that stands in one place of what a stub publishes."""
        row = self._tx.one(
            "SELECT input_digest FROM published_token "
            "WHERE hub_id = ? AND stub_id = ? AND match_key_id = ? AND ordinal = ?",
            hub_id, stub_id, match_key_id, ordinal,
        )  # fmt: skip
        return bytes(row["input_digest"]) if row else None

    def put_digests(self, hub_id: str, published: Mapping[str, Digests]) -> None:
        """Let stubs publish these tokens and no others."""
        sql = "DELETE FROM published_token WHERE hub_id = ? AND stub_id IN (:among)"
        self._tx.run_among(sql, hub_id, among=published)
        rows = [
            (hub_id, stub_id, key, ordinal, digest)
            for stub_id, digests in sorted(published.items())  # as the table is ordered
            for key, items in digests.items()
            for ordinal, digest in enumerate(items)
        ]
        self._tx.insert_rows("published_token", _TOKEN_COLUMNS, rows)

    def holders(self, hub_id: str, digests: Collection[bytes]) -> dict[bytes, set[str]]:
        """The stubs that publish each of these tokens; a token that none has is left out."""
        sql = (
            "SELECT input_digest, stub_id FROM published_token "
            "WHERE hub_id = ? AND input_digest IN (:among)"
        )
        found: dict[bytes, set[str]] = {}
        for digest, stub_id in self._tx.tuples_among(sql, hub_id, among=digests):
            found.setdefault(digest, set()).add(stub_id)
        return found

    def forget_digests(self, hub_id: str) -> None:
        """Forget what is published at a hub: it is published anew."""
        self._tx.run("DELETE FROM published_token WHERE hub_id = ?", hub_id)
