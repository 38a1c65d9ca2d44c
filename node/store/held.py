"""The store of clients that are held back at the import, and of other ids of clients.

Nothing of a held client is published (node/store/records.py): a person says who it is. Nothing here
decides.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from node.store.found_by import FoundBy
from node.store.merges import PARTS
from node.store.permissions import withheld
from node.store.records import Client, client_of
from storage.engine import Transaction


class Agreeing(StrEnum):
    """What agrees between a new client and one who is here."""

    LOCAL_ID = "local_id"
    NHS_NUMBER = "nhs_number"
    NAME_AND_BIRTH = "name_and_birth"
    FAMILY_AND_BIRTH = "family_and_birth"
    PLACE_AND_BIRTH = "place_and_birth"


@dataclass(frozen=True)
class Held:
    """A client (a row id) that is perhaps another one, and what agrees. `other` None: somebody who
    withdrew and whose record is deleted.
    """

    client: int
    other: int | None
    why: Agreeing
    held_at: int


@dataclass(frozen=True, repr=False)
class HeldPair:
    """The same with the agency's own ids, for a person to look at."""

    local_id: str
    other_id: str | None
    why: Agreeing
    held_at: int
    withdrawn: bool

    def __repr__(self) -> str:
        """Say nothing."""
        return "HeldPair(hidden)"


class HeldClients:
    """Held clients, other ids and agreed doubts within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def hold(self, held: Sequence[Held]) -> None:
        """Hold clients back."""
        rows = [{**vars(item), "why": item.why.value} for item in held]
        self._tx.insert_many("held_client", rows)

    def of(self, client: int) -> Held | None:
        """Why a client is held, if it is."""
        row = self._tx.one("SELECT * FROM held_client WHERE client = ?", client)
        return Held(**{**row, "why": Agreeing(row["why"])}) if row else None

    def all(self) -> list[HeldPair]:
        """Everybody who is held, the oldest first."""
        rows = self._tx.rows(
            "SELECT a.local_id, b.local_id AS other_id, h.why, h.held_at, h.other IS NULL "
            "OR EXISTS (SELECT 1 FROM "
            "involvement i WHERE i.client = b.id AND i.withdrawn_at IS NOT NULL) AS withdrawn "
            "FROM held_client h JOIN client a ON a.id = h.client "
            "LEFT JOIN client b ON b.id = h.other "
            "ORDER BY h.held_at, h.client"
        )
        return [
            HeldPair(**{**row, "why": Agreeing(row["why"]), "withdrawn": bool(row["withdrawn"])})
            for row in rows
        ]

    def release(self, client: int) -> None:
        """Hold a client back no longer."""
        self._tx.run("DELETE FROM held_client WHERE client = ?", client)

    def has_more(self, client: int) -> bool:
        """Whether there is more of a held client than rows of files: a consent, or a part."""
        sql = (
            "SELECT 1 FROM merged_client WHERE into_client = ? UNION ALL SELECT 1 FROM consent "
            "WHERE involvement IN (SELECT id FROM involvement WHERE client = ?)"
        )
        return self._tx.one(sql, client, client) is not None

    def merge(self, client: int, other: int, local_id: str) -> None:
        """Let the local id of a held client be another id of the other one, and the client go."""
        self.release(client)
        self._tx.run("UPDATE held_client SET other = ? WHERE other = ?", other, client)
        self._tx.run("UPDATE other_id SET client = ? WHERE client = ?", other, client)
        self.add_ids([(local_id, other)])
        self._tx.run(
            "DELETE FROM involvement_worker WHERE involvement IN "
            "(SELECT id FROM involvement WHERE client = ?)",
            client,
        )
        self._tx.run("DELETE FROM involvement WHERE client = ?", client)
        self._tx.run("DELETE FROM client_said WHERE client = ?", client)
        self._tx.run("DELETE FROM seen_row WHERE client = ?", client)
        self._tx.run("DELETE FROM relative WHERE client = ? OR relative = ?", client, client)
        for table in ("objection", "withheld", "opening", "news", "sent_attention"):
            sql = f"UPDATE {table} SET client = ? WHERE client = ?"  # noqa: S608 - our own names
            self._tx.run(sql, other, client)
        for table in ("request_draft", "consent_draft"):  # about a record that is no more
            self._tx.run(f"DELETE FROM {table} WHERE client = ?", client)  # noqa: S608 - our own
        FoundBy(self._tx).remove([client])
        self._tx.run("DELETE FROM client WHERE id = ?", client)

    def add_ids(self, ids: Iterable[tuple[str, int]]) -> None:
        """Let local ids be other ids of clients."""
        rows = [{"local_id": local_id, "client": client} for local_id, client in ids]
        self._tx.put_many("other_id", rows, ("local_id",))

    def own_ids(self, local_ids: Collection[str]) -> dict[str, str]:
        """Of those that are other ids of clients, or ids of clients who are merged, the ids that
        these go by.
        """
        sql = (
            f"{PARTS}, known (local_id, client) AS (SELECT local_id, client FROM other_id "  # noqa: S608
            "UNION SELECT local_id, id FROM client WHERE id IN (SELECT client FROM merged_client)) "
            "SELECT k.local_id, c.local_id AS own FROM known k LEFT JOIN part p "
            "ON p.client = k.client JOIN client c ON c.id = COALESCE(p.whole, k.client) "
            "WHERE c.id NOT IN (SELECT client FROM merged_client) AND k.local_id IN (:among)"
        )
        return {row["local_id"]: row["own"] for row in self._tx.rows_among(sql, among=local_ids)}

    def other_ids(self) -> list[tuple[int, str]]:
        """All other ids, each behind its client's row id."""
        rows = self._tx.tuples("SELECT client, local_id FROM other_id")
        return [(client, local_id) for client, local_id in rows]

    def ended_after(self, after: int, size: int, now: int) -> list[Client]:
        """The next clients, by row id, who are withheld, whose permission was withdrawn or has run
        out, or with whom all work is over; those merged into one of these too. A held one is none
        of them.
        """
        kept = withheld("c.id", now)
        sql = (
            f"{PARTS}, work (client, whole) AS (SELECT id, id FROM client UNION "  # noqa: S608
            "SELECT client, whole FROM part) SELECT c.* FROM client c "
            "JOIN work w ON w.client = c.id JOIN involvement i ON i.client = w.whole "
            "WHERE c.id > ? AND c.id NOT IN (SELECT client FROM held_client) "
            "AND c.id NOT IN (SELECT client FROM enquiry) GROUP BY c.id "
            f"HAVING {kept.sql} OR SUM(i.withdrawn_at IS NOT NULL) > 0 "
            "OR (SUM(i.permission_basis IS NOT NULL AND i.valid_until <= ?) > 0 "
            "AND SUM(i.permission_basis IS NOT NULL AND i.valid_until > ?) = 0) "
            "OR SUM(i.ended_at IS NULL OR i.ended_at > ?) = 0 "
            "ORDER BY c.id LIMIT ?"
        )
        rows = self._tx.rows(sql, after, *kept.values, now, now, now, size)
        return [client_of(row) for row in rows]

    def is_agreed(self, doubt: str) -> bool:
        """Whether a person has looked at a doubt of this hash."""
        return self._tx.one("SELECT 1 FROM agreed_doubt WHERE doubt = ?", doubt) is not None

    def agree(self, doubts: Iterable[str], now: int) -> None:
        """Remember that a person has looked at these."""
        rows = [{"doubt": doubt, "agreed_at": now} for doubt in doubts]
        self._tx.put_many("agreed_doubt", rows, ("doubt",))
