"""The index that clients are found by: filled for those who were here, gone with those who go, and
used by every question.
"""

import re
from collections.abc import AsyncIterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from node.records.search import perhaps_known, search
from node.store.found_by import FoundBy
from node.store.going import Over
from node.store.records import ClientRow, InvolvementRow
from node.store.search import Whose
from node.store.tables import SCHEMA, NodeEngine, NodeTables, open_engine
from node.store.terms import terms_of
from protocol.matchkeys.records import ClientRecord
from storage.engine import Schema, Transaction
from storage.sqlite import SqliteEngine, SqliteTransaction

NOW = 1_800_000_000
RUBY = ClientRecord("999 000 0131", "Ruby", "Élise", "O'Neil-Orr", "9 Aug 2017", postcode="lx4 2bd")
INDEX = ("client_term", "name_word", "name_sound")


@pytest_asyncio.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeEngine]:
    """A node's database."""
    made = open_engine(tmp_path)
    yield made
    await made.close()


async def put(node: NodeEngine, *people: tuple[str, ClientRecord]) -> dict[str, int]:
    rows = [ClientRow(local_id, record) for local_id, record in people]
    return await node.write(lambda t: t.records.put_clients(rows))


async def index(node: NodeEngine) -> list[int]:
    return await node.read(lambda t: [t.count(table) for table in INDEX])


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("node.sqlite*"))


def test_what_a_client_is_found_by() -> None:
    """Whoever has to change these lines empties and fills the index of every node anew."""
    found = terms_of(RUBY)
    assert found.words == {"ruby", "elise", "oneil", "orr"}
    assert found.sort_name == "oneil-orr ruby"
    rest = {"9990000131", "lx42bd", "2017-08-09"}
    assert found.all - found.words == rest | {">anlr"}, "the sounds of one word stand with the word"


async def test_no_word_stays_that_nobody_bears(node: NodeEngine, tmp_path: Path) -> None:
    made = await put(node, ("r1", RUBY), ("r2", ClientRecord(given="Ruby", family="Nowak")))
    await node.write(lambda t: t.going.delete(Over({made["r1"]: made["r1"]})))
    words = await node.read(lambda t: t.tx.rows("SELECT word FROM name_word ORDER BY word"))
    assert [row["word"] for row in words] == ["nowak", "ruby"], "Ruby is another one's too"
    await put(node, ("r2", ClientRecord(given="Ines")))
    await node.write(lambda t: t.going.delete(Over({made["r2"]: made["r2"]})))
    assert await index(node) == [0, 0, 0]
    assert await node.settle()
    data = all_bytes(tmp_path).lower()
    for gone in (b"ruby", b"elise", b"oneil", b"nowak", b"ines", b"9990000131", b"2017-08-09"):
        assert gone not in data


async def test_terms_that_another_version_made_go_with_their_client(node: NodeEngine) -> None:
    made = await put(node, ("r1", RUBY))

    def as_if_older(t: NodeTables) -> None:
        t.tx.run("UPDATE client_term SET term = 'oldform' WHERE term = 'ruby'")
        t.tx.run("UPDATE client SET found_by = REPLACE(found_by, 'ruby', 'oldform')")

    await node.write(as_if_older)
    await node.write(lambda t: FoundBy(t.tx).remove([made["r1"]]))
    assert (await index(node))[0] == 0


async def test_a_database_of_before_is_filled_when_it_is_opened(tmp_path: Path) -> None:
    scripts = list(takewhile(lambda text: "client_term" not in text, SCHEMA.scripts))
    path = tmp_path / "node.sqlite"
    before: SqliteEngine[Transaction] = SqliteEngine(path, Schema(scripts), lambda tx: tx)
    rows = [{"local_id": f"c{n}", "given": "Ruby", "family": f"N{n:04}"} for n in range(2001)]
    await before.write(lambda tx: tx.insert_many("client", rows))
    await before.close()
    node = open_engine(tmp_path)
    for number in (0, 2000):
        name = f"ruby n{number:04}"
        found = await node.read(lambda t, name=name: search(t, name, Whose(), NOW))  # type: ignore[misc]
        assert found.clients[0].local_id == f"c{number}"
    page = await node.read(lambda t: t.search.page(Whose(), NOW, 2000, 50))
    assert [client.local_id for client in page] == ["c2000"]
    await node.close()


async def test_sounds_are_kept_when_letter_pairs_go(tmp_path: Path) -> None:
    scripts = list(takewhile(lambda text: "name_sound" not in text, SCHEMA.scripts))
    path = tmp_path / "node.sqlite"
    before: SqliteEngine[Transaction] = SqliteEngine(path, Schema(scripts), lambda tx: tx)

    def somebody(tx: Transaction) -> None:
        tx.insert("client", {"local_id": "r1", "given": "Ruby", "found_by": "ruby"})
        tx.insert("client_term", {"term": "ruby", "client": 1})
        tx.insert("name_word", {"word": "ruby"})
        parts = [{"part": part, "word": "ruby"} for part in ("^r", "ru", "ub", "by", "y$", ">rb")]
        tx.insert_many("name_part", parts)

    await before.write(somebody)
    await before.close()
    node = open_engine(tmp_path)
    for text in ("ruby", "rubi", "rbuy"):
        found = await node.read(lambda t, text=text: search(t, text, Whose(), NOW))  # type: ignore[misc]
        assert [client.local_id for client in found.clients] == ["r1"], text
    assert await node.read(lambda t: t.tx.rows("SELECT * FROM name_sound")) == [
        {"sound": ">rb", "word": "ruby"}
    ]
    await node.close()


SMALL = {"enquiry", "merged_client", "m", "e", "part", "found", "own"}
"""Tables of a few rows, and what a statement makes itself."""


async def test_no_question_walks_a_table(node: NodeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await put(node, *((f"c{n}", RUBY) for n in range(9)))
    work = [InvolvementRow(client=one, type="a", team="North") for one in made.values()]
    await node.write(lambda t: t.records.add_involvements(work))
    said: dict[str, tuple[object, ...]] = {}
    real = SqliteTransaction._one_by_one

    def noted(self: SqliteTransaction, sql: str, values: tuple[object, ...]) -> Any:
        said[sql] = values
        return real(self, sql, values)

    monkeypatch.setattr(SqliteTransaction, "_one_by_one", noted)

    def ask(t: NodeTables) -> None:
        for whose in (Whose(practitioner=1), Whose(teams=frozenset({"North", "South"}))):
            for text in ("rubi oneil", "9990000131", "RQ-7", "9990000113", "2017-08-09"):
                search(t, text, whose, NOW)
            t.search.count(whose, NOW)
            t.search.ending(whose, NOW, NOW, NOW)
            t.search.page(whose, NOW, 0, 50)
        t.search.page(Whose(), NOW, 0, 50)
        perhaps_known(t, RUBY)
        FoundBy(t.tx).remove([1])

    await node.write(ask)
    monkeypatch.undo()
    assert len(said) > 12
    plans = await node.read(
        lambda t: [
            (row["detail"], sql)
            for sql, values in said.items()
            for row in t.tx.rows(f"EXPLAIN QUERY PLAN {sql}", *values)
        ]
    )
    walks = [
        (detail, sql)
        for detail, sql in plans
        if (found := re.match(r"SCAN (\w+)", detail))
        and found[1] not in SMALL
        and detail != "SCAN client USING INDEX client_by_sort_name"  # a page of everybody, in order
    ]
    assert walks == []
