"""The hub's tables are the same on every engine, though their scripts are written once."""

import sqlite3
from collections import defaultdict
from pathlib import Path
from typing import Any

import psycopg

from hub.store.tables import SCHEMA
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
