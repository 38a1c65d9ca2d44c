"""Keep a log follower's view on disk: frontier, last note, public leaves, charter documents.

Shared by nodes and key holders; works on the tables `log_view`, `public_leaf` and
`charter_document` of the caller's schema, within the caller's transaction. Rows carry the genesis
fingerprint, so one party may follow several federations. On load the directory is replayed from
the leaves, never stored as such.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from protocol.governance.directory import Directory, apply_public_leaf
from protocol.governance.follow import LogView, PublicLeaf
from protocol.log.merkle import parse_frontier
from storage.engine import Schema, Transaction

# Of a program that keeps nothing but a view; others have these tables in a schema of their own.
SCHEMA = Schema([Path(__file__).with_suffix(".sql").read_text("utf-8")])


def load_view(tx: Transaction, genesis: str) -> LogView:
    """The stored view, or a fresh one that knows only the genesis fingerprint."""
    row = tx.one("SELECT frontier, note FROM log_view WHERE genesis = ?", genesis)
    if row is None:
        return LogView(genesis)
    documents = {
        item["hash"]: item["document"]
        for item in tx.rows("SELECT hash, document FROM charter_document")
    }
    directory = Directory()
    frontier = parse_frontier(json.loads(row["frontier"]))
    for leaf in tx.rows(
        "SELECT idx, envelope FROM public_leaf WHERE genesis = ? AND idx < ? ORDER BY idx",
        genesis, frontier.size,
    ):  # fmt: skip
        directory = apply_public_leaf(directory, leaf["idx"], leaf["envelope"], documents)
    return LogView(genesis, frontier, directory, row["note"])


def save_view(
    tx: Transaction,
    view: LogView,
    leaves: Iterable[PublicLeaf],
    documents: Mapping[str, bytes],
) -> None:
    """Store a view with the leaves and documents that came with it.

    A view never takes the place of a longer one: a command and a service may follow side by side.
    """
    rows = [
        {"genesis": view.genesis, "idx": leaf.index, "envelope": leaf.envelope} for leaf in leaves
    ]
    tx.put_many("public_leaf", rows, ("genesis", "idx"))
    kept = [{"hash": digest, "document": document} for digest, document in documents.items()]
    tx.put_many("charter_document", kept, ("hash",))
    held = tx.one("SELECT frontier FROM log_view WHERE genesis = ?", view.genesis)
    if held is None or parse_frontier(json.loads(held["frontier"])).size <= view.size:
        frontier = json.dumps(view.frontier.to_json())
        row = {"genesis": view.genesis, "frontier": frontier, "note": view.note}
        tx.put("log_view", row, ("genesis",))


def followed(tx: Transaction, genesis: str) -> str:
    """The log that is followed now in the place of one: the last of its successors.

    On the table `log_successor`, for those whose configuration keeps the old genesis.
    """
    while row := tx.one("SELECT successor FROM log_successor WHERE genesis = ?", genesis):
        genesis = str(row["successor"])
    return genesis


def save_successor(tx: Transaction, genesis: str, successor: str) -> None:
    """Follow another log in the place of this one from now on; the old view is kept."""
    tx.put("log_successor", {"genesis": genesis, "successor": successor}, ("genesis",))
