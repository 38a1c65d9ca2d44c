"""The store of imports: their numbers, and what each source says of a client.

Sources are feeds, by the titles of their mappings, and this agency's own people. Nothing here
decides what comes of what they say: node/records/sources.py does.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from node.store.records import RECORD_FIELDS
from protocol.matchkeys.records import ClientRecord
from storage.engine import Row, Transaction

BY_HAND = "hand"
"""The source that people here are."""
BEFORE = "before"
"""The source of what was imported before sources were told apart."""


def source_of(feed: str) -> str:
    """The source that the feed of this title is."""
    return f"feed: {feed}"


@dataclass(frozen=True, repr=False)
class Said:
    """What a source says of a client (a row id).

    `changed_by`: the import in which it said something new last, 0 for none; `import_id`: the last
    import that had it.
    """

    client: int
    source: str
    record: ClientRecord
    changed_by: int
    import_id: int | None

    def __repr__(self) -> str:
        """Say which row, never what."""
        return f"Said(client={self.client})"


@dataclass(frozen=True, repr=False)
class Incoming:
    """A row of a file that is being taken in: whose it is (a local id; of a child not yet born its
    mother's), its own local id, and the row as JSON.
    """

    client: str
    local_id: str
    row: str
    id: int | None = None

    def __repr__(self) -> str:
        """Say which row, never who."""
        return f"Incoming(id={self.id})"


@dataclass(frozen=True)
class Feed:
    """A feed, by the title of its mapping: when it last came, and with how many rows."""

    title: str
    at: int
    rows: int


class Imports:
    """Imports within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def begin(self, feed: str, now: int) -> int:
        """Give an import its number."""
        return self._tx.insert_for_id("imported", {"feed": feed, "at": now, "rows": 0})

    def end(self, import_id: int, rows: int) -> None:
        """Say how many rows an import had."""
        self._tx.update("imported", {"rows": rows}, {"id": import_id})

    def feeds(self) -> list[Feed]:
        """The last of each feed, by title."""
        sql = (
            "SELECT feed, at, rows FROM imported WHERE id IN "
            "(SELECT MAX(id) FROM imported GROUP BY feed) ORDER BY feed"
        )
        return [Feed(row["feed"], row["at"], row["rows"]) for row in self._tx.rows(sql)]

    def rename(self, feed: str, name: str) -> None:
        """Let a feed have another title, which no feed had: its imports and what it said stay."""
        self._tx.update("imported", {"feed": name}, {"feed": feed})
        self._tx.update("client_said", {"source": source_of(name)}, {"source": source_of(feed)})

    def said(self, clients: Collection[int]) -> Mapping[int, list[Said]]:
        """What each source says of these clients."""
        sql = "SELECT * FROM client_said WHERE client IN (:among)"
        found = defaultdict[int, list[Said]](list)
        for row in self._tx.rows_among(sql, among=clients):
            found[row["client"]].append(_said(row))
        return found

    def put_said(self, said: Sequence[Said]) -> None:
        """Keep what sources say."""
        rows = [
            {
                "client": item.client,
                "source": item.source,
                **{name: getattr(item.record, name) for name in RECORD_FIELDS},
                "changed_by": item.changed_by,
                "import_id": item.import_id,
            }
            for item in said
        ]
        self._tx.put_many("client_said", rows, ("client", "source"))

    def forget_before(self, clients: Collection[int]) -> None:
        """Keep no longer what was imported of clients before sources were told apart."""
        sql = "DELETE FROM client_said WHERE source = ? AND client IN (:among)"
        self._tx.run_among(sql, BEFORE, among=clients)

    def saw(self, clients: Collection[int], source: str, import_id: int) -> None:
        """Mark what a source says of clients as said again by an import."""
        sql = "UPDATE client_said SET import_id = ? WHERE source = ? AND client IN (:among)"
        self._tx.run_among(sql, import_id, source, among=clients)

    def forget(self, client: int) -> None:
        """Keep nothing that was said of a client."""
        self._tx.run("DELETE FROM client_said WHERE client = ?", client)

    def stage(self, rows: Sequence[Incoming]) -> None:
        """Put rows of a file aside, to be taken by client."""
        self._tx.insert_many("incoming", [dict(vars(row)) for row in rows])

    def staged(self, after: Incoming | None, size: int) -> list[Incoming]:
        """The next `size` rows, by client and in the order of the file."""
        sql = "SELECT * FROM incoming WHERE (client, id) > (?, ?) ORDER BY client, id LIMIT ?"
        client, row = (after.client, after.id) if after else ("", -1)
        return [Incoming(**row) for row in self._tx.rows(sql, client, row, size)]

    def staged_of(self, local_ids: Collection[str]) -> Mapping[str, set[str]]:
        """Under which clients the rows of these local ids stand: under their own, or a mother's."""
        sql = "SELECT DISTINCT local_id, client FROM incoming WHERE local_id IN (:among)"
        found = defaultdict[str, set[str]](set)
        for row in self._tx.rows_among(sql, among=local_ids):
            found[row["local_id"]].add(row["client"])
        return found

    def clear_staged(self) -> None:
        """Keep none of the rows that were put aside."""
        self._tx.run("DELETE FROM incoming")


def _said(row: Row) -> Said:
    record = ClientRecord(**{name: row[name] for name in RECORD_FIELDS})
    return Said(row["client"], row["source"], record, row["changed_by"], row["import_id"])
