"""Tokens may be spread over machines by Citus: their tables and SQL keep to what that allows.

Citus distributes a table by one column, here the token: docs/explain/scale.md. It does not run in
these tests. What it refuses, or answers wrongly, is not said here at all.
"""

import re
import sqlite3
from pathlib import Path

import pytest

from hub.store.moving import TABLES
from hub.store.tables import SCHEMA
from storage.sqlite import SqliteDatabase
from tests.architecture.test_layout import ROOT, modules, name_of, texts

DISTRIBUTED = {"token", "former_token"}
OF_TOKENS = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(token|former_token)\b")
ANY_TABLE = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(\w+)")
CLOCKS = re.compile(r"\b(now\(|CURRENT_\w+|random\(|datetime\(|FOR UPDATE)", re.IGNORECASE)

SAYS = re.compile(r"\b(FROM|JOIN|INTO|UPDATE)\b")
HUB = [
    path
    for path in modules()
    if name_of(path).startswith("hub/") and SAYS.search(path.read_text("utf-8"))
]
STATEMENTS = sorted(
    {text for path in HUB for text in texts(path) if OF_TOKENS.search(text)}, key=str
)


def test_all_sql_about_tokens_lies_in_one_store() -> None:
    holding = {name_of(path) for path in HUB if any(map(OF_TOKENS.search, texts(path)))}
    assert holding == {"hub/store/stubs.py"}
    assert len(STATEMENTS) >= 8, "the search finds them"


@pytest.mark.parametrize("sql", STATEMENTS)
def test_a_statement_about_tokens_stays_within_what_is_distributed(sql: str) -> None:
    assert set(ANY_TABLE.findall(sql)) <= DISTRIBUTED, "no join with what lies on one machine"
    assert not CLOCKS.search(sql), "a time is a parameter"
    for grouped in re.findall(r"(?:PARTITION|GROUP) BY (\w+)", sql):
        assert grouped == "token", "groups lie on one machine each"
    assert not re.search(r"\bDISTINCT\b|\bUNION\b|\bWITH\b|\bOFFSET\b", sql)
    for inner in re.findall(r"\((SELECT[^()]*)", sql):
        assert "LIMIT" not in inner, "a part of a statement is not cut off"
    joined = re.findall(r"EXISTS \(SELECT 1 FROM \w+ t WHERE (\S+ = \S+)", sql)
    assert all(pair == "t.token = f.token" for pair in joined), "joined by the token"
    if sql.startswith("DELETE"):
        assert "(SELECT" not in sql
    if sql.startswith("UPDATE"):
        assert not re.search(r"SET\b.*\btoken =", sql.partition("WHERE")[0]), (
            "a token stays where it is"
        )


@pytest.fixture
def file(tmp_path: Path) -> sqlite3.Connection:
    database = SqliteDatabase(tmp_path / "hub.sqlite", SCHEMA, lambda tx: tx)
    database.opened()
    database.close()
    return sqlite3.connect(tmp_path / "hub.sqlite")


@pytest.mark.parametrize("table", sorted(DISTRIBUTED))
def test_a_table_of_tokens_can_be_distributed(table: str, file: sqlite3.Connection) -> None:
    assert TABLES[table][0] == "token", "the primary key begins with the token"
    info = file.execute(f"PRAGMA table_info({table})").fetchall()
    key = [name for _, name, *_, place in sorted(info, key=lambda row: row[5]) if place]
    assert tuple(key) == TABLES[table]
    assert file.execute(f"PRAGMA foreign_key_list({table})").fetchall() == []
    for _, name, unique, *_ in file.execute(f"PRAGMA index_list({table})").fetchall():
        columns = [row[2] for row in file.execute(f"PRAGMA index_info({name})")]
        assert not unique or "token" in columns, "unique on each machine is unique"
    for other in TABLES:
        refers = {row[2] for row in file.execute(f"PRAGMA foreign_key_list({other})")}
        assert table not in refers
    triggers = file.execute("SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger'").fetchone()
    assert triggers == (0,)
    file.close()


def test_nothing_but_a_schema_and_stores_writes_to_a_table_of_tokens() -> None:
    """Whoever writes rows by a table's name writes those of tokens in one place."""
    calls = re.compile(r"\b(?:insert|insert_many|insert_rows|put|put_many|update)\(\s*\"(\w+)\"")
    found = {
        (name_of(path), table)
        for path in (ROOT / "hub").rglob("*.py")
        for table in calls.findall(path.read_text("utf-8"))
        if table in DISTRIBUTED
    }
    assert found == {("hub/store/stubs.py", table) for table in DISTRIBUTED}
