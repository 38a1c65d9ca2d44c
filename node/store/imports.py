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

    `changed_by`: the import in which it said something new last, 0 for none; `import_id`: the one
    that wrote this down.
    """

    client: int
    source: str
    record: ClientRecord
    changed_by: int
    import_id: int | None

    def __repr__(self) -> str:
        """Say which row, never what."""
        return f"Said(client={self.client})"


@dataclass(frozen=True)
class Feed:
    """A feed, by the title of its mapping: when it last came, with how many rows; `stopped`: not
    all of it is stored, and it is to be imported again.
    """

    title: str
    at: int
    rows: int
    stopped: bool


class Imports:
    """Imports within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def begin(self, feed: str, now: int) -> int:
        """Give an import its number; it is under way."""
        values = {"feed": feed, "at": now, "rows": 0, "is_under_way": 1}
        return self._tx.insert_for_id("imported", values)

    def under_way(self) -> int:
        """The number of the import that began last."""
        row = self._tx.one("SELECT MAX(id) AS id FROM imported")
        return int(row["id"]) if row and row["id"] else 0

    def end(self, import_id: int, rows: int) -> None:
        """An import is stored, with so many rows."""
        self._tx.update("imported", {"rows": rows, "is_under_way": 0}, {"id": import_id})

    def feeds(self) -> list[Feed]:
        """The last of each feed, by title."""
        sql = (
            "SELECT * FROM imported WHERE id IN "
            "(SELECT MAX(id) FROM imported GROUP BY feed) ORDER BY feed"
        )
        return [
            Feed(row["feed"], row["at"], row["rows"], bool(row["is_under_way"]))
            for row in self._tx.rows(sql)
        ]

    def rename(self, feed: str, name: str) -> None:
        """Let a feed have another title, which no feed had: its imports and what it said stay. Its
        rows are read anew.
        """
        self._tx.run("DELETE FROM seen_row WHERE feed = ?", feed)
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

    def forget(self, client: int) -> None:
        """Keep nothing that was said of a client."""
        self._tx.run("DELETE FROM client_said WHERE client = ?", client)


def _said(row: Row) -> Said:
    record = ClientRecord(**{name: row[name] for name in RECORD_FIELDS})
    return Said(row["client"], row["source"], record, row["changed_by"], row["import_id"])
