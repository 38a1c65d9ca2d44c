"""Keep a log follower's view on disk: frontier, last note, public leaves, charter documents.

Shared by nodes and key holders; works on the tables `log_view`, `public_leaf` and
`charter_document` of the caller's schema, within the caller's transaction. Rows carry the genesis
fingerprint, so one party may follow several federations. On load the directory is replayed from
the leaves, never stored as such.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import sqlite_utils

from protocol.governance.directory import Directory, apply_public_leaf
from protocol.governance.follow import LogView, PublicLeaf
from protocol.log.merkle import parse_frontier
from storage.sqlite import Schema

# Of a program that keeps nothing but a view; others have these tables in a schema of their own.
SCHEMA = Schema([Path(__file__).with_suffix(".sql").read_text("utf-8")])


def load_view(database: sqlite_utils.Database, genesis: str) -> LogView:
    """The stored view, or a fresh one that knows only the genesis fingerprint."""
    row = next(
        database.query("SELECT frontier, note FROM log_view WHERE genesis = ?", (genesis,)), None
    )
    if row is None:
        return LogView(genesis)
    documents = {
        item["hash"]: item["document"]
        for item in database.query("SELECT hash, document FROM charter_document")
    }
    directory = Directory()
    frontier = parse_frontier(json.loads(row["frontier"]))
    for leaf in database.query(
        "SELECT idx, envelope FROM public_leaf WHERE genesis = ? AND idx < ? ORDER BY idx",
        (genesis, frontier.size),
    ):
        directory = apply_public_leaf(directory, leaf["idx"], leaf["envelope"], documents)
    return LogView(genesis, frontier, directory, row["note"])


def save_view(
    database: sqlite_utils.Database,
    view: LogView,
    leaves: Iterable[PublicLeaf],
    documents: Mapping[str, bytes],
) -> None:
    """Store a view with the leaves and documents that came with it.

    A view never takes the place of a longer one: a command and a service may follow side by side.
    """
    run = database.conn.execute
    for leaf in leaves:
        run(
            "INSERT OR REPLACE INTO public_leaf VALUES (?, ?, ?)",
            (view.genesis, leaf.index, leaf.envelope),
        )
    for digest, document in documents.items():
        run("INSERT OR IGNORE INTO charter_document VALUES (?, ?)", (digest, document))
    held = run("SELECT frontier FROM log_view WHERE genesis = ?", (view.genesis,)).fetchone()
    if held is None or parse_frontier(json.loads(held[0])).size <= view.size:
        frontier = json.dumps(view.frontier.to_json())
        run("INSERT OR REPLACE INTO log_view VALUES (?, ?, ?)", (view.genesis, frontier, view.note))


def followed(database: sqlite_utils.Database, genesis: str) -> str:
    """The log that is followed now in the place of one: the last of its successors.

    On the table `log_successor`, for those whose configuration keeps the old genesis.
    """
    while row := database.execute(
        "SELECT successor FROM log_successor WHERE genesis = ?", (genesis,)
    ).fetchone():
        genesis = row[0]
    return genesis


def save_successor(database: sqlite_utils.Database, genesis: str, successor: str) -> None:
    """Follow another log in the place of this one from now on; the old view is kept."""
    database.execute("INSERT OR REPLACE INTO log_successor VALUES (?, ?)", (genesis, successor))
