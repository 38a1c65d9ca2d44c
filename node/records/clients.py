"""Clients and their work: taking in a file, withdrawing permission (specs/09-imports.md §5, §7).

A file is judged whole, on the records as they are at one moment, before anything of it is stored
(docs/adr/0054-imports-in-batches.md). Then it is stored in steps, whole clients at a time; one that
is stopped between two of them is imported again, which does the rest. Rows with faults are left out
and reported; work without a permission is stored and never published. A feed never brings back what
a person withdrew or ended, nor does another id of the same person.
"""

import csv
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress, count
from pathlib import Path

from node.records.enquiries import end_known
from node.records.import_report import ImportReport
from node.records.importer.mapping import Field
from node.records.importer.rows import ImportedRow, RowError, RowNote, RowReader
from node.records.importer.seen import SeenRow, SeenRows
from node.records.importer.spool import AT_ONCE, Group, Spool
from node.records.missing import Feed, Missing, close
from node.records.own_ids import OwnIds
from node.records.standing import Standing
from node.records.taking import Plan, Taking
from node.store.people import WorkerRow
from node.store.seen import KeptRow
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError
from storage.engine import batches

ROWS_A_STEP = 500
"""Rows that are stored together: others wait for so many."""
CHANGED_MEANWHILE = "somebody here changed who this client is meanwhile; import the file again"
QUICKER = 30
"""Rows of which there is one thing to mark, against one to take in."""


@dataclass(frozen=True)
class Step:
    """A part of storing a file: how much others wait for it, as rows that are taken in."""

    rows: int
    store: Callable[[NodeTables], object]


@dataclass(frozen=True)
class Judged:
    """What a file does, and what of it there is to store: groups of rows by number, marks of work
    that is as it was, other ids of clients, what workers are said to be now, what is missing; and
    of each group whether its client was here. `settled`: rows that need not be judged again while
    they and all that is here of their clients stay as they are.
    """

    plan: Plan
    report: ImportReport
    touched: Sequence[int]
    unchanged: Sequence[int]
    others: Sequence[tuple[str, int]]
    workers: Sequence[WorkerRow]
    missing: Sequence[int]
    was_here: bytearray
    settled: Sequence[bytes] = ()

    def steps(self) -> Iterator[Step]:
        """What stores the file, one after the other, the first with the import's number; each may
        be a transaction.
        """
        feed, now, report = self.plan.feed, self.plan.now, self.report
        yield Step(1, lambda tables: tables.imports.begin(feed.title, now))
        for ids in batches(self.others, ROWS_A_STEP):
            yield Step(len(ids), partial(_add_ids, ids=ids))
        for workers in batches(self.workers, ROWS_A_STEP):
            yield Step(len(workers), partial(_put_workers, workers=workers, now=now))
        for page in self.plan.spool.pages(self.touched, ROWS_A_STEP):
            yield Step(sum(len(group.rows) for group in page), partial(self._take, groups=page))
        for marks in batches(self.unchanged, ROWS_A_STEP * QUICKER):
            yield Step(len(marks) // QUICKER, partial(_mark, involvements=marks))
        for due in batches(self.missing, ROWS_A_STEP):
            yield Step(len(due), partial(close, involvements=due, now=now))
        for rows in batches(self.settled, ROWS_A_STEP * QUICKER):
            yield Step(len(rows) // QUICKER, partial(_keep, feed=feed.title, rows=rows))
        yield Step(1, lambda tables: tables.imports.end(tables.imports.under_way(), report.stored))

    def _take(self, tables: NodeTables, groups: Sequence[Group]) -> None:
        import_id = tables.imports.under_way()
        groups = self._as_judged(tables, groups)
        Taking(tables, self.plan, ImportReport(), import_id).take(groups)
        end_known(tables, [group.key for group in groups], self.plan.now)

    def _as_judged(self, tables: NodeTables, groups: Sequence[Group]) -> list[Group]:
        """Those that are about whom they were judged to be about. Who was forgotten meanwhile, or
        said to be somebody else, does not come back; the next import knows it.
        """
        keys = [group.key for group in groups]
        here, others = tables.records.clients(keys), tables.held.own_ids(keys)
        left = [
            group
            for group in groups
            if group.key in others or (self.was_here[group.number] and group.key not in here)
        ]
        errors = self.report.errors
        for row in (row for group in left for row in group.rows):
            error = RowError(row.line, Field.LOCAL_ID.value, CHANGED_MEANWHILE, row.local_id)
            errors += [error] if error not in errors else []  # a transaction may run again
        return [group for group in groups if group not in left]


def judge(
    tables: NodeTables, spool: Spool, now: int, feed: Feed, reader: RowReader | None = None
) -> Judged:
    """What a file does, on the records as they are now; nothing is stored. Memory stays flat: of
    each row some numbers are kept. `reader`: what read it, where rows were seen before or are to be
    known again.
    """
    own = OwnIds(tables, now)
    standing = Standing(tables, spool, reader.seen if reader else SeenRows())
    spool.name(own.put, but=standing)
    report = ImportReport(errors=list(spool.errors), notes=[*spool.notes, *own.notes])
    plan = Plan(spool, feed, now, own.held)
    touched, unchanged = bytearray(spool.sort()), array("Q")
    was_here = bytearray(len(touched))
    missing, workers = Missing(tables, feed, now), dict[tuple[str, str], tuple[int, WorkerRow]]()
    settled, anew = list[bytes](), array("L")
    for number in range(len(touched)):
        if not standing.has(number):
            anew.append(number)
            continue
        works = standing.count(number, plan, report)
        unchanged.extend(works)
        missing.saw(works)
    for page in spool.pages(anew, AT_ONCE):
        taken = Taking(tables, plan, report).take(page)
        for group in page:
            touched[group.number] |= group.key in taken.touched
            was_here[group.number] |= group.key in taken.known
        unchanged.extend(taken.unchanged)
        missing.saw([*taken.seen, *taken.gone])
        workers |= {name: (taken.said_in[name], row) for name, row in taken.workers.items()}
        settled += standing.worth_keeping(reader, page, taken) if reader else []
    plainly = {name: one.local_id for name, one in own.others.items() if one.local_id}
    report.warnings += missing.warnings(report.errors, plainly)
    report.missing = missing.named
    report.errors.sort(key=lambda error: (error.line, error.field))
    report.warnings.sort(key=lambda warning: (warning.lines, warning.doubt))
    others = [(name, one.client) for name, one in own.others.items() if one.client is not None]
    return Judged(
        plan, report, array("L", compress(count(), touched)), unchanged, others,
        _said_anew(tables, workers, standing, len(touched)), missing.ids, was_here, settled,
    )  # fmt: skip


def transactions(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """Steps that are stored together: all of a small file, of a large one so many rows."""
    together: list[Step] = []
    for step in steps:
        together.append(step)
        if sum(one.rows for one in together) >= ROWS_A_STEP:
            yield together
            together = []
    if together:
        yield together


def apply_import(
    tables: NodeTables, rows: Iterable[ImportedRow | RowError], now: int, feed: Feed | None = None
) -> ImportReport:
    """Store every good row, by the agency's own ids, in one transaction, whatever speaks against
    it. Idempotent.
    """
    with Spool() as spool:
        spool.put(rows)
        judged = judge(tables, spool, now, feed or Feed())
        for step in judged.steps():
            step.store(tables)
    return judged.report


def _said_anew(
    tables: NodeTables,
    workers: Mapping[tuple[str, str], tuple[int, WorkerRow]],
    standing: Standing,
    groups: int,
) -> list[WorkerRow]:
    """The workers who are new, or of whom something else is said than before; what is said last
    counts, be it as it was.
    """
    here = tables.people.workers([name for name, _ in workers])
    anew = {
        key: said for key, said in workers.items() if key not in here or here[key][1] != said[1]
    }
    ids = {key: here[key][0] for key in anew if key in here}
    last = standing.last_named(ids.values(), range(groups))
    return [row for key, (group, row) in anew.items() if last.get(ids.get(key, -1), -1) < group]


def _add_ids(tables: NodeTables, ids: Sequence[tuple[str, int]]) -> None:
    here = {client.id for client in tables.records.clients_by_row([client for _, client in ids])}
    tables.held.add_ids((name, client) for name, client in ids if client in here)


def _put_workers(tables: NodeTables, workers: Sequence[WorkerRow], now: int) -> None:
    tables.people.put_workers(workers, now)


def _keep(tables: NodeTables, feed: str, rows: Sequence[bytes]) -> None:
    kept = [(SeenRow.of(packed), packed) for packed in rows]
    tables.seen.put(feed, [KeptRow(row.client, row.place, packed) for row, packed in kept])


def _mark(tables: NodeTables, involvements: Sequence[int]) -> None:
    tables.records.saw_involvements(involvements, tables.imports.under_way())


def write_faults(path: Path, faults: Iterable[RowError | RowNote]) -> None:
    """Write line, field and reason of every fault; never the value itself."""
    rows = ((fault.line, fault.field, fault.reason) for fault in faults)
    _write(path, ("line", "field", "reason"), rows)


def write_missing(path: Path, missing: Iterable[tuple[str, str]]) -> None:
    """Write whose work is missing from a file, by local id and type of involvement."""
    _write(path, ("local_id", "involvement"), missing)


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def withdraw(tables: NodeTables, local_id: str, now: int) -> int:
    """Withdraw permission for all of a client's involvements; how many. Raises LocalError."""
    client = tables.records.client(local_id)
    if client is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no client has that id here")
    return tables.records.withdraw(client.id, now)
