"""Clients and their work: taking in a file, withdrawing permission (specs/09-imports.md §5, §7).

One import is one transaction: a file that turns out unreadable in its last line changes nothing.
Rows with faults are left out and reported; work without a permission is stored and never published.
A feed never brings back what a person withdrew or ended, nor does another id of the same person.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path

from pydantic import TypeAdapter

from node.records import sources
from node.records.importer.look import Doubt, FileWarning, key_of
from node.records.importer.mapping import Field
from node.records.importer.rows import ImportedRow, RowError, RowNote, WorkerDetails
from node.records.missing import Feed, close_missing
from node.records.newcomers import Known, Newcomers, is_another
from node.records.workload import Terms, Work, Workload, add_up, end_of, place_of, works_of
from node.store.held import Held
from node.store.imports import Incoming, Said, source_of
from node.store.people import WorkerRow
from node.store.records import Client, ClientRow
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError
from storage.engine import batches

OTHER_ID = "the id is written in another way than before; taken as the client it was"
NO_MOTHER = "no client here has the mother's id; import the mother first"
TWO_MOTHERS = "this child, who is not born yet, has two mothers in the file"
IS_BORN = "this child was imported as born; fix the row at its source"
BATCH = 1000
"""Rows that are stored together."""
_ROW = TypeAdapter(ImportedRow)


@dataclass
class ImportReport:
    """What an import did, in rows; `held` clients of those that are stored are not published before
    a person has said who it is. `errors` are the rows that were left out, `notes` what rows that
    were taken lost, `warnings` what a person must look at. `missing`: work that was closed because
    the file has it no longer, by the client's local id and type; `still_ended`: how much the file
    has as going on that a person here has ended.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    without_permission: int = 0
    findable: dict[str, int] = field(default_factory=dict)
    held: int = 0
    still_ended: int = 0
    missing: list[tuple[str, str]] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    notes: list[RowNote] = field(default_factory=list)
    warnings: list[FileWarning] = field(default_factory=list)

    @property
    def stored(self) -> int:
        """Rows that are in the database now."""
        return self.new + self.changed + self.unchanged

    @property
    def rejected(self) -> int:
        """Lines that were left out."""
        return len({error.line for error in self.errors})


def apply_import(
    tables: NodeTables, rows: Iterable[ImportedRow | RowError], now: int, feed: Feed | None = None
) -> ImportReport:
    """Store every good row, by the agency's own ids. Idempotent.

    Rows are put aside as they are read, and taken by client, so that a client's rows may stand
    anywhere in the file; memory stays flat.
    """
    report = ImportReport()
    feed = feed or Feed()
    before = tables.records.count_brought(feed.everything_of, now)
    taking = _Taking(tables, feed, now, report)
    for batch in batches(rows, BATCH):
        report.errors += [row for row in batch if isinstance(row, RowError)]
        taking.put_aside([row for row in batch if isinstance(row, ImportedRow)])
    for page in _pages(tables):
        taking.take(page)
    tables.withheld.copy(taking.born, now)
    tables.imports.clear_staged()
    tables.records.end_workers(taking.import_id)
    tables.imports.end(taking.import_id, report.stored)
    doubts, report.missing = close_missing(tables, feed, taking.terms, before, report.errors)
    report.warnings += doubts
    report.errors.sort(key=lambda error: (error.line, error.field))
    report.warnings.sort(key=lambda warning: (warning.lines, warning.doubt))
    return report


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


Group = tuple[str, Sequence[ImportedRow]]
"""A client's local id, and the rows that are about them and their children not yet born."""


def _pages(tables: NodeTables) -> Iterator[list[Group]]:
    """The rows that were put aside, whole clients at a time, in the order of their ids."""
    last: Incoming | None = None
    rest: list[Incoming] = []
    while True:
        read = tables.imports.staged(last, BATCH + 1)
        last = read[-1] if read else None
        rows = [*rest, *read]
        groups = [(key, list(items)) for key, items in groupby(rows, lambda row: row.client)]
        is_last = len(read) <= BATCH
        rest = [] if is_last else groups.pop()[1]  # the rest of it may be on the next page
        if groups:
            yield [(key, [_ROW.validate_json(item.row) for item in items]) for key, items in groups]
        if is_last:
            return


class _Taking:
    """Takes in the rows of one import."""

    def __init__(self, tables: NodeTables, feed: Feed, now: int, report: ImportReport) -> None:
        self._tables, self._now, self._report = tables, now, report
        self._source = source_of(feed.title)
        self.import_id = tables.imports.begin(feed.title, now)
        self.terms = Terms(self.import_id, now)
        self._held: dict[str, Known] = {}
        self._findable = feed.by_law
        self.born: list[tuple[int, int]] = []  # mothers, each with who was her unborn child

    @cached_property
    def _newcomers(self) -> Newcomers:
        """Who was here: read when something new comes, before any of it is stored."""
        return Newcomers(self._tables, self._now)

    def put_aside(self, rows: Sequence[ImportedRow]) -> None:
        """Put rows aside under the own ids of the clients that they are about."""
        tables, report = self._tables, self._report
        report.notes += [note for row in rows for note in row.notes]
        own = _by_own_ids(tables, [replace(row, notes=()) for row in rows])
        rows = self._told_apart(own)
        if rows != own:  # who is plainly known may be part of somebody else
            rows = _by_own_ids(tables, rows)
        tables.imports.stage(
            [
                Incoming(
                    row.mother_local_id or row.local_id,
                    row.local_id,
                    _ROW.dump_json(row).decode(),
                )
                for row in rows
            ]
        )

    def _told_apart(self, rows: Sequence[ImportedRow]) -> list[ImportedRow]:
        """The rows, those of plainly known clients under the ids of these; who may be known is kept
        in mind, to be held.
        """
        tables = self._tables
        known = tables.records.clients([row.local_id for row in rows])
        taken: list[ImportedRow] = []
        others: dict[str, Known] = {}
        for row in rows:
            if row.mother_local_id or row.local_id in self._held:
                taken.append(row)
                continue
            found = others.get(row.local_id) or self._perhaps(row, known.get(row.local_id))
            if found is None or not found.same:
                taken.append(row)
                self._held |= {row.local_id: found} if found else {}
                continue
            others[row.local_id] = found
            taken.append(replace(row, local_id=found.local_id or row.local_id))
            self._report.notes.append(RowNote(row.line, Field.LOCAL_ID.value, OTHER_ID))
        tables.held.add_ids(
            (local_id, item.client) for local_id, item in others.items() if item.client is not None
        )
        return taken

    def _perhaps(self, row: ImportedRow, before: Client | None) -> Known | None:
        """Whom a row may be about beside the client of its id, who may say something new now."""
        if before is None:
            return self._newcomers.known(row)
        return self._newcomers.changed(before, row) if before.record != row.record else None

    def take(self, groups: Sequence[Group]) -> None:
        """Store the rows of some clients: who they are, and the work with them."""
        tables, report = self._tables, self._report
        known = tables.records.clients([key for key, _ in groups])
        own = {key: [row for row in rows if not row.mother_local_id] for key, rows in groups}
        ids, changed = self._say(known, {key: rows for key, rows in own.items() if rows})
        rows = [
            (key, row) for key, of_client in groups for row in self._usable(key, ids, of_client)
        ]
        people = tables.people.put_workers(_workers(row.worker for _, row in rows), self._now)
        there = {
            item.id: item
            for item in (
                *tables.records.involvements(ids.values()),
                *tables.records.involvements_for_unborn({row.local_id for _, row in rows}),
            )
        }
        dated = [item.id for item in there.values() if item.consent_date]
        work = Workload(there.values(), self.terms, tables.consents.newest(dated))
        for key, of_client in groupby(rows, lambda pair: pair[0]):
            for together in works_of(row for _, row in of_client):
                self._take_work(work, ids[key], together, people, is_changed=key in changed)
        self._write(work)
        due = [(key, self._held.pop(key)) for key in ids if key in self._held]
        tables.held.hold([Held(ids[key], item.client, item.why, self._now) for key, item in due])
        report.held += len(due)

    def _say(
        self, known: dict[str, Client], own: dict[str, list[ImportedRow]]
    ) -> tuple[dict[str, int], set[str]]:
        """Store what the file says of who clients are: their row ids by local id, with those of
        clients known before, and the local ids of those whose record is another now.
        """
        tables, report = self._tables, self._report
        records = {}
        for key, rows in own.items():
            records[key], differing = sources.add_up(row.record for row in rows)
            if differing & DIFFERING:
                report.warnings.append(_differs(key, rows, min(differing & DIFFERING)))
            was = known[key].record if key in known else records[key]
            if was != records[key] and is_another(was, records[key]):
                report.warnings.append(FileWarning(Doubt.ANOTHER_PERSON, (rows[0].line,)))
        ids = {key: client.id for key, client in known.items()}
        ids |= tables.records.put_clients(
            [ClientRow(key, record) for key, record in records.items() if key not in known]
        )
        before = tables.imports.said([ids[key] for key in records])
        said, again, changed = [], [], list[ClientRow]()
        for key, record in records.items():
            new = Said(ids[key], self._source, record, self.import_id, self.import_id)
            every = sources.say(before[new.client], new)
            if any(
                old.source == self._source and old.record == record for old in before[new.client]
            ):
                again.append(new.client)
            else:
                said += every
            if (of_all := sources.record_of(every)) != (
                known[key].record if key in known else None
            ):
                changed.append(ClientRow(key, of_all))
        tables.imports.forget_before([ids[key] for key in records])
        tables.imports.put_said(said)
        tables.imports.saw(again, self._source, self.import_id)
        tables.records.put_clients([row for row in changed if row.local_id in known])
        return ids, {row.local_id for row in changed}

    def _usable(
        self, key: str, ids: dict[str, int], rows: Sequence[ImportedRow]
    ) -> list[ImportedRow]:
        """The rows of a client, without those of children whose mother is not here or who are born;
        these are told.
        """
        unborn = [row.local_id for row in rows if row.mother_local_id]
        if not unborn:
            return list(rows)
        known = self._tables.records.clients(unborn)
        under = self._tables.imports.staged_of(unborn)
        usable = []
        for row in rows:
            why = None
            if row.mother_local_id and key not in ids:
                why = NO_MOTHER
            elif row.mother_local_id and (
                row.local_id in known or row.local_id in under[row.local_id]
            ):
                why = IS_BORN
            elif row.mother_local_id and len(under[row.local_id]) > 1:
                why = TWO_MOTHERS
            if why is None:
                usable.append(row)
            else:
                self._report.errors.append(RowError(row.line, "mother_local_id", why, key))
        return usable

    def _take_work(
        self,
        work: Workload,
        client: int,
        rows: Sequence[ImportedRow],
        people: dict[tuple[str, str], int],
        *,
        is_changed: bool,
    ) -> None:
        """Take in what rows say of one piece of work, and count them."""
        report = self._report
        said, kept, errors = add_up(rows)
        if errors:
            lines = tuple(row.line for row in rows)
            fields = sorted({error.field for error in errors})
            known = key_of(
                Doubt.WORK_DIFFERS, rows[0].local_id, *filter(None, place_of(rows[0])), *fields
            )
            report.warnings.append(FileWarning(Doubt.WORK_DIFFERS, lines, errors[0].field, known))
        report.errors += errors
        child = said.local_id if said.mother_local_id else None
        if child is None:
            self.born += [(mother, client) for mother in work.leave(said.local_id)]
        workers = [people[_named(row.worker)] for row in kept if row.worker.name]
        state = work.take(Work(client, child, said, tuple(dict.fromkeys(workers))))
        report.new += len(kept) if state is None else 0
        report.changed += len(kept) if state or (state is False and is_changed) else 0
        report.unchanged += len(kept) if state is False and not is_changed else 0
        stated = said.permission is not None and end_of(said.permission.valid_until) > self._now
        if said.involvement in self._findable and not self._is_over(said):
            report.findable[said.involvement] = report.findable.get(said.involvement, 0) + len(kept)
        elif not (stated or work.is_recorded):
            report.without_permission += len(kept)

    def _is_over(self, row: ImportedRow) -> bool:
        ended, status = row.course.ended, row.course.status
        return status == "closed" if ended is None else end_of(ended) <= self._now

    def _write(self, work: Workload) -> None:
        records = self._tables.records
        records.remove_involvements(work.removed)
        records.set_involvements(work.changed)
        records.saw_involvements(work.unchanged, self.import_id)
        records.add_workers(work.workers)
        records.add_involvements(work.added)
        self._report.still_ended += work.still_ended


DIFFERING = frozenset({"nhs_number", "sex", "postcode"})
"""Rows of one client that differ in these are asked about; in name and birth date by FileLook."""


def _differs(local_id: str, rows: Sequence[ImportedRow], name: str) -> FileWarning:
    """That rows of one client differ in a field; known again as long as they say the same."""
    said = sorted({value for row in rows if (value := getattr(row.record, name))})
    key = key_of(Doubt.CLIENT_DIFFERS, local_id, name, *said)
    return FileWarning(Doubt.CLIENT_DIFFERS, tuple(row.line for row in rows), name, key)


def _by_own_ids(tables: NodeTables, rows: Sequence[ImportedRow]) -> list[ImportedRow]:
    """The rows under the clients' own ids, where other ids are known."""
    named = {row.local_id for row in rows} | {row.mother_local_id or "" for row in rows}
    own = tables.held.own_ids(named)
    if not own:
        return list(rows)
    return [
        replace(
            row,
            local_id=own.get(row.local_id, row.local_id),
            mother_local_id=own.get(row.mother_local_id or "", row.mother_local_id),
        )
        for row in rows
    ]


def _workers(workers: Iterable[WorkerDetails]) -> list[WorkerRow]:
    """Each worker once, as the last row says it."""
    said = {
        _named(worker): WorkerRow(
            worker.name, worker.team or "", worker.role, worker.phone, worker.email, worker.cover
        )
        for worker in workers
        if worker.name is not None
    }
    return list(said.values())


def _named(worker: WorkerDetails) -> tuple[str, str]:
    """What a worker is known by; without a name nobody is."""
    return worker.name or "", worker.team or ""
