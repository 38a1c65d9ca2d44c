"""The hub's tables are the same on every engine, though their scripts are written once."""

import sqlite3
from collections import defaultdict
from itertools import takewhile
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hub.store.limits import LastTokens
from hub.store.stubs import HeldTokens, Placed
from hub.store.tables import SCHEMA, HubTables
from hub.store.uploads import Upload
from storage.engine import Schema
from storage.postgres import PostgresDatabase
from storage.sqlite import SqliteDatabase

KINDS = {"bigint": "INTEGER", "bytea": "BLOB", "text": "TEXT"}
Columns = dict[str, dict[str, tuple[str, bool]]]
Keys = dict[str, set[tuple[str, tuple[str, ...]]]]

OF_COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable = 'NO', collation_name
    FROM information_schema.columns WHERE table_schema = 'public'
"""
OF_INDEXES = """
    SELECT t.relname, i.indisprimary, i.indisunique, array_agg(a.attname ORDER BY k.place)
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number
    WHERE n.nspname = 'public' GROUP BY t.relname, i.indexrelid, i.indisprimary, i.indisunique
"""


def in_sqlite(path: Path) -> tuple[Columns, Keys]:
    database = SqliteDatabase(path, SCHEMA, lambda tx: tx)
    database.opened()
    database.close()
    file = sqlite3.connect(path)
    columns, keys = Columns(), defaultdict[str, set[Any]](set)
    tables = file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        if table.startswith("sqlite_"):
            continue
        info = file.execute(f"PRAGMA table_info({table})").fetchall()
        columns[table] = {name: (kind, bool(given or key)) for _, name, kind, given, _, key in info}
        primary = sorted((row[5], row[1]) for row in info if row[5])
        if primary:
            keys[table].add(("primary", tuple(name for _, name in primary)))
        for _, name, unique, origin, _ in file.execute(f"PRAGMA index_list({table})").fetchall():
            over = tuple(row[2] for row in file.execute(f"PRAGMA index_info({name})"))
            if origin != "pk":
                keys[table].add(("unique" if unique else "index", over))
    file.close()
    return columns, dict(keys)


def in_postgres(address: str) -> tuple[Columns, Keys]:
    columns, keys = defaultdict[str, Any](dict), defaultdict[str, set[Any]](set)
    with psycopg.connect(address) as connection:
        for table, name, kind, given, order in connection.execute(OF_COLUMNS):
            assert order == ("C" if kind == "text" else None), "ordered by bytes, as in SQLite"
            columns[table][name] = (KINDS[kind], given)
        for table, primary, unique, over in connection.execute(OF_INDEXES):
            how = "primary" if primary else "unique" if unique else "index"
            keys[table].add((how, tuple(over)))
    del columns["patchwork_schema"]
    return dict(columns), dict(keys)


def test_both_engines_have_the_same_tables_columns_keys_and_indexes(
    tmp_path: Path, hub_database: str
) -> None:
    expected, found = in_sqlite(tmp_path / "hub.sqlite"), in_postgres(hub_database)
    assert expected[0].keys() >= {"entry", "payload", "token", "mailbox"}
    assert found == expected


BEFORE = """
INSERT INTO stub VALUES ('s1', 'A', 1, 0, '[]', 'p0', NULL), ('s2', 'A', 1, 0, '[]', 'p0', NULL);
INSERT INTO token VALUES ({x}, 's1', 'k.1', 'A', 0, 5), ({y}, 's1', 'k.1', 'A', 1, 6);
INSERT INTO token VALUES ({x}, 's2', 'k.1', 'A', 0, 5), ({z}, 's9', 'k.1', 'B', 0, 2);
INSERT INTO upload (statement_id, agency, envelope, received_at, state, idx)
    VALUES ('p1', 'A', {x}, 1, 'logged', 9), ('p2', 'A', {x}, 2, 'waiting', NULL);
INSERT INTO staged_stub VALUES ('p1', 's1', 'A', 2, 0, '[]', NULL, 'c', 1, 1);
INSERT INTO staged_stub VALUES ('p1', 's2', 'A', 2, 1, '[]', NULL, 'c', 0, 0);
INSERT INTO staged_stub VALUES ('p2', 's3', 'A', 1, 0, '[]', NULL, 'c', 1, 0);
INSERT INTO staged_token VALUES ('p1', 's1', 'k.1', 0, {z}), ('p1', 's1', 'k.1', 1, {y});
INSERT INTO staged_token VALUES ('p2', 's3', 'k.1', 0, {z})
"""


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_what_was_logged_and_half_in_force_under_the_schema_before_goes_on(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place: Any = tmp_path / "hub.sqlite"
    make: Any = SqliteDatabase
    literal = "x'{}'"
    if engine == "postgres":
        place, make = request.getfixturevalue("empty_database"), PostgresDatabase
        literal = "'\\x{}'"
    older = list(takewhile(lambda text: "placed_token" not in text, SCHEMA.scripts))
    before = make(place, Schema(older), lambda tx: tx)
    x, y, z = (literal.format(letter.encode().hex()) for letter in "xyz")
    for statement in BEFORE.format(x=x, y=y, z=z).strip().split(";\n"):
        before.write(lambda tx, sql=statement: tx.run(sql))
    before.close()

    after = make(place, SCHEMA, HubTables)
    found = after.read(lambda tables: tables.stubs.tokens_of(["s1", "s2", "s3", "s9"]))
    assert found["s1"] == HeldTokens({"k.1": [b"z", b"y"]}, {b"z": 9, b"y": 6})
    assert (found["s2"].since, found["s9"].since) == ({b"x": 5}, {b"z": 2})
    assert "s3" not in found, "its agency sends it again"
    (upload,) = after.read(lambda tables: tables.uploads.logged())
    assert (upload.statement_id, upload.index, upload.number) == ("p1", 9, 1)
    placed = Placed("A", "p1", 1, 50, 1, 100)
    assert after.write(lambda tables: tables.staging.put_in_force(placed, 9))
    last = after.read(lambda tables: tables.limits.last_tokens(["s1", "s2"]))
    assert last == {"s1": LastTokens("c", 1)}
    assert after.read(lambda tables: tables.stubs.tokens_of(["s1", "s2"])) == {"s1": found["s1"]}
    former = "SELECT token, stub_id, since FROM former_token ORDER BY stub_id"
    left = [tuple(row.values()) for row in after.read(lambda tables: tables.tx.rows(former))]
    assert left == [(b"x", "s1", 5), (b"x", "s2", 5)]
    assert not after.read(lambda tables: tables.uploads.is_here("p2"))
    after.close()


def test_an_upload_with_chunks_in_the_form_of_before_is_to_be_sent_again(tmp_path: Path) -> None:
    place = tmp_path / "hub.sqlite"
    older = [*takewhile(lambda text: "kept in another form" not in text, SCHEMA.scripts)]
    before = SqliteDatabase(place, Schema(older), HubTables)
    upload = Upload("p1", "A", b"", 1)
    before.write(lambda tables: tables.uploads.begin(upload, 4))
    before.write(lambda tables: tables.uploads.add_chunk("p1", "c1", b"[]"))
    before.close()

    after = SqliteDatabase(place, SCHEMA, HubTables)
    assert not after.read(lambda tables: tables.uploads.is_here("p1"))
    after.write(lambda tables: tables.uploads.begin(upload, 4))
    assert after.read(lambda tables: tables.uploads.chunk_hashes("p1")) == set()
    after.close()
