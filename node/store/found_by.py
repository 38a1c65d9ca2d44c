"""What clients are found by, as it is kept: their terms, and the words of all names.

It is changed in the transaction that changes a client, and goes with them: no word of a name stays
that nobody bears. Which terms a client has stands in their row, whatever made them. Read in
node/store/search.py.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from node.store.terms import Terms, sounds_of, terms_of
from protocol.matchkeys.records import ClientRecord
from storage.engine import Transaction

PAGE = 2000


class Change(NamedTuple):
    """What a client (a row id) was found by and is found by now."""

    client: int
    before: frozenset[str]
    now: Terms

    def __repr__(self) -> str:
        """Say which row, never who."""
        return f"Change(client={self.client})"


class FoundBy:
    """What clients are found by, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def before(self, local_ids: Collection[str]) -> dict[str, tuple[int, frozenset[str]]]:
        """Those of these clients who are here: their row ids and terms."""
        sql = "SELECT id, local_id, found_by FROM client WHERE local_id IN (:among)"
        rows = self._tx.rows_among(sql, among=local_ids)
        return {row["local_id"]: (row["id"], _terms(row["found_by"])) for row in rows}

    def change(self, changes: Collection[Change]) -> None:
        """Let clients be found by what their rows say now."""
        new = [(term, one.client) for one in changes for term in one.now.all - one.before]
        old = [(term, one.client) for one in changes for term in one.before - one.now.all]
        new.sort()  # half the time, where the index is larger than what is kept in memory of it
        self._tx.run_many("INSERT INTO client_term (term, client) VALUES (?, ?)", new)
        self._learn({word for one in changes for word in one.now.words - one.before})
        self._delete(old)

    def remove(self, clients: Collection[int]) -> None:
        """Delete what clients (row ids) are found by, before they are deleted."""
        sql = "SELECT id, found_by FROM client WHERE id IN (:among)"
        rows = self._tx.rows_among(sql, among=clients)
        self._delete([(term, row["id"]) for row in rows for term in _terms(row["found_by"])])

    def _learn(self, words: Collection[str]) -> None:
        sql = "SELECT word FROM name_word WHERE word IN (:among)"
        known = {row["word"] for row in self._tx.rows_among(sql, among=words)}
        new = sorted(set(words) - known)
        self._tx.run_many("INSERT INTO name_word (word) VALUES (?)", [(word,) for word in new])
        sounds = sorted(_sounds(new))
        self._tx.run_many("INSERT INTO name_sound (sound, word) VALUES (?, ?)", sounds)

    def _delete(self, terms: Collection[tuple[str, int]]) -> None:
        """Delete terms of clients, and those of them that are words and nobody's any more."""
        if not terms:
            return
        self._tx.run_many("DELETE FROM client_term WHERE term = ? AND client = ?", terms)
        sql = (
            "SELECT word FROM name_word WHERE NOT EXISTS "
            "(SELECT 1 FROM client_term WHERE term = word) AND word IN (:among)"
        )
        words = [row["word"] for row in self._tx.rows_among(sql, among={term for term, _ in terms})]
        self._tx.run_among("DELETE FROM name_word WHERE word IN (:among)", among=words)
        self._tx.run_many("DELETE FROM name_sound WHERE sound = ? AND word = ?", _sounds(words))


def found_columns(terms: Terms) -> dict[str, object]:
    """What stands in a client's row of what they are found by."""
    return {"sort_name": terms.sort_name, "found_by": "\n".join(terms.all)}


def fill_search(tx: Transaction) -> None:
    """Let everybody be found who is in a database from before there was an index of this form."""
    # Columns by name: this runs before later scripts.
    sql = (
        "SELECT id, nhs_number, given, middle, family, date_of_birth, postcode "
        "FROM client WHERE id > ? AND found_by = '' ORDER BY id LIMIT ?"
    )
    last = 0
    while rows := tx.rows(sql, last, PAGE):
        made = {int(row["id"]): terms_of(_record(row)) for row in rows}
        columns = [(*found_columns(terms).values(), client) for client, terms in made.items()]
        tx.run_many("UPDATE client SET sort_name = ?, found_by = ? WHERE id = ?", columns)
        FoundBy(tx).change([Change(client, frozenset(), terms) for client, terms in made.items()])
        last = max(made)


def _record(row: Mapping[str, str | None]) -> ClientRecord:
    return ClientRecord(**{name: row[name] for name in row if name != "id"})


def _sounds(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The skeletons of words, each with its word."""
    return ((sound, word) for word in words for sound in sounds_of(word))


def _terms(text: str) -> frozenset[str]:
    return frozenset(text.split("\n")) if text else frozenset()
