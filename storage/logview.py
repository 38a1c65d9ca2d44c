"""Keep a log follower's view on disk: frontier, last note, public leaves, charter documents.

Shared by nodes and key holders; works on the tables `log_view`, `public_leaf` and
`charter_document` of the caller's schema, within the caller's transaction. Rows carry the genesis
fingerprint, so one party may follow several federations. On load the directory is replayed from
the leaves, never stored as such.
"""

import json
from collections.abc import Iterable, Mapping

import sqlite_utils

from protocol.directory import Directory, apply_public_leaf
from protocol.follow import LogView, PublicLeaf
from protocol.merkle import parse_frontier


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
    for leaf in database.query(
        "SELECT idx, envelope FROM public_leaf WHERE genesis = ? ORDER BY idx", (genesis,)
    ):
        directory = apply_public_leaf(directory, leaf["idx"], leaf["envelope"], documents)
    frontier = parse_frontier(json.loads(row["frontier"]))
    return LogView(genesis, frontier, directory, row["note"])


def save_view(
    database: sqlite_utils.Database,
    view: LogView,
    leaves: Iterable[PublicLeaf],
    documents: Mapping[str, bytes],
) -> None:
    """Store a view with the leaves and documents that came with it."""
    run = database.conn.execute
    for leaf in leaves:
        run(
            "INSERT OR REPLACE INTO public_leaf VALUES (?, ?, ?)",
            (view.genesis, leaf.index, leaf.envelope),
        )
    for digest, document in documents.items():
        run("INSERT OR IGNORE INTO charter_document VALUES (?, ?)", (digest, document))
    frontier = json.dumps(view.frontier.to_json())
    run("INSERT OR REPLACE INTO log_view VALUES (?, ?, ?)", (view.genesis, frontier, view.note))
