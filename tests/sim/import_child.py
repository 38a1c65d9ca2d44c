"""Kills a node between any two steps of an import, and imports the file again.

Run as a program of its own: `python -m tests.sim.import_child WORK`. Each import is a child process
that ends, without a word to anybody, before its nth commit. Prints one JSON line a kill, and one of
the import that was not killed.
"""

import asyncio
import csv
import json
import os
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from node.actions import importing
from node.actions.importing import ChosenMapping, ImportFile, run_import
from node.records import clients
from node.records.importer.mapping import load_mapping
from node.store.tables import NodeTables, open_engine
from tests.sim.crash_child import KILLED, in_child
from tests.sim.slices_child import die_at

COLUMNS = ("local_id", "given", "family", "date_of_birth", "worker", "worker_phone", "team",
           "mother_local_id")  # fmt: skip
MAPPING = load_mapping(
    'format = 1\ntitle = "Records"\neverything_of = ["early_help"]\n'
    + "".join(f'[fields.{name}]\ncolumn = "{name}"\n' for name in COLUMNS)
    + '[fields.involvement]\nfixed = "early_help"\n'
)
KNOWN = ("import_id", "changed_by")
"""What tells which import it was: one that is done again has another number."""


class Noon(datetime):
    """One moment for every import."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Noon":
        return cls(2026, 11, 20, 12, tzinfo=tz)


def main() -> None:
    """Every place in turn, until an import gets to its end unharmed."""
    patched: Any = importing
    patched.datetime, patched.OTHERS_TURN = Noon, 0
    clients.ROWS_A_STEP = 2
    work = Path(sys.argv[1])
    base, moment, done = work / "base", 0, False
    base.mkdir()
    before(base)
    shutil.copytree(base, work / "warm")
    import_file(work / "warm", SECOND)  # what it loads is there in every child; its threads ended
    while not done:
        moment += 1
        folder = work / str(moment)
        shutil.copytree(base, folder)
        done = not was_killed(folder, moment)
        said = in_child(lambda folder=folder, done=done: found(folder, again=not done))
        sys.stdout.write(json.dumps(said) + "\n")


def found(folder: Path, *, again: bool) -> dict[str, Any]:
    """How it stands, and how after the file was imported again."""
    said = state(folder)
    if again:
        import_file(folder, SECOND)
        said["again"] = state(folder)["found"]
    return said


def was_killed(folder: Path, moment: int) -> bool:
    """Import the second file, and die at a moment."""
    child = os.fork()
    if child == 0:
        die_at(moment)
        import_file(folder, SECOND)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, KILLED}, f"the node ended by itself with {code}"
    return code == KILLED


def row(local_id: str, given: str, worker: str = "A. Worker", **more: str) -> dict[str, str]:
    """A row of a file."""
    year = 1970 + sum(map(ord, given)) % 50
    said = {"local_id": local_id, "given": given, "family": given + "worth"}
    at_work = {"worker": worker, "worker_phone": "01632 960101", "team": "North"}
    return {**said, "date_of_birth": f"{year}-05-06", **at_work, **more}


STAY = [row(f"c{n}", name) for n, name in enumerate(("Ada", "Bea", "Cyd", "Dot", "Eve", "Fay"))]
MOTHER = row("m1", "Gwen")
FIRST = [
    row("00123", "Hal"), *STAY, MOTHER, row("c8", "Ivy"), row("w1", "Jon"), row("g1", "Kit"),
    row("u1", "Unborn", mother_local_id="m1", date_of_birth=""),
]  # fmt: skip
# Another writing of an id, another telephone and worker, somebody who withdrew, a birth, two new
# ones; and g1 is missing.
SECOND = [
    row("123", "Hal"), *STAY, MOTHER, row("c8", "Ivy", "B. Worker"), row("n1", "Jon"),
    row("u1", "Lil", worker_phone="01632 960102"), row("n2", "Max"), row("n3", "Ned"),
]  # fmt: skip


def before(folder: Path) -> None:
    """The first file is in, one of its clients withdrew, and a mother is withheld."""
    (folder / "node.toml").touch()
    import_file(folder, FIRST)

    def said(tables: NodeTables) -> None:
        clients.withdraw(tables, "w1", int(Noon.now().timestamp()))
        (mother,) = tables.records.clients(["m1"]).values()
        tables.withheld.put_back(mother.id, int(Noon.now().timestamp()))

    asyncio.run(written(folder, said))


async def written(folder: Path, work: Any) -> Any:
    """Do something in the node's database."""
    engine = open_engine(folder)
    try:
        return await engine.write(work)
    finally:
        await engine.close()


def import_file(folder: Path, rows: list[dict[str, str]]) -> None:
    """Import these rows, whatever speaks against them."""
    path = folder / "clients.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    file_ = ImportFile(path, ChosenMapping(MAPPING), folder, agreed=None)
    asyncio.run(run_import(folder, file_, lambda _: None))


def state(folder: Path) -> dict[str, Any]:
    """All rows of the database but those that number imports, and which feeds were stopped."""

    def look(tables: NodeTables) -> dict[str, Any]:
        stopped = [feed.title for feed in tables.imports.feeds() if feed.stopped]
        return {"stopped": stopped, "found": dict(rows_of(tables))}

    said: dict[str, Any] = asyncio.run(written(folder, look))
    return said


def rows_of(tables: NodeTables) -> Iterator[tuple[str, list[str]]]:
    """Each table's rows; which of them need not be judged again is each import's own."""
    names = tables.tx.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
    for name in sorted(
        {item["name"] for item in names} - {"sqlite_sequence", "imported", "seen_row"}
    ):
        rows = tables.tx.rows(f"SELECT * FROM {name}")  # noqa: S608 - the database's own
        plain = [{key: item[key] for key in item if key not in KNOWN} for item in rows]
        yield name, sorted(map(repr, plain))


if __name__ == "__main__":
    main()
