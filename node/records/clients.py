"""Clients and involvements: taking in an import, withdrawing permission.

One import is one transaction: a file that turns out unreadable in its last line changes nothing.
Rows with faults are left out and reported; rows without a permission are stored and never
published. A feed never brings back what a person withdrew, nor does another id of the same person.
"""

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

from node.records.importer.look import Doubt, FileWarning
from node.records.importer.mapping import Field
from node.records.importer.rows import ImportedRow, Permission, RowError, RowNote, WorkerDetails
from node.records.newcomers import Known, Newcomers, is_another
from node.records.workload import Kept, Workload
from node.store.held import Held
from node.store.people import WorkerRow
from node.store.records import RECORD_FIELDS, Client, ClientRow, InvolvementRow
from node.store.tables import NodeTables
from protocol import canonical
from protocol.errors import ErrorCode, LocalError
from storage.engine import batches

OTHER_ID = "the id is written in another way than before; taken as the client it was"
BATCH = 1000
"""Rows that are stored together."""


@dataclass
class ImportReport:
    """What an import did, in rows; `held` of those that are stored are not published before a
    person has said who it is. `errors` are the rows that were left out, `notes` what rows that were
    taken lost, `warnings` what a person must look at.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    without_permission: int = 0
    held: int = 0
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
    tables: NodeTables, rows: Iterable[ImportedRow | RowError], now: int
) -> ImportReport:
    """Store every good row, by the agency's own id. Idempotent.

    Rows are read and stored a batch at a time, to the same end as one by one.
    """
    report = ImportReport()
    taking = _Taking(tables, now, report)
    unborn: list[ImportedRow] = []
    for batch in batches(rows, BATCH):
        report.errors += [row for row in batch if isinstance(row, RowError)]
        good = _by_own_ids(tables, [row for row in batch if isinstance(row, ImportedRow)])
        unborn += [row for row in good if row.mother_local_id]
        taking.store([row for row in good if not row.mother_local_id])
        report.notes += [note for row in good for note in row.notes]
    for late in batches(unborn, BATCH):  # last, because a mother may stand below her child
        _store_unborn(tables, late, now, report)
    return report


def write_faults(path: Path, faults: Iterable[RowError | RowNote]) -> None:
    """Write line, field and reason of every fault; never the value itself."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "field", "reason"])
        writer.writerows([fault.line, fault.field, fault.reason] for fault in faults)


def withdraw(tables: NodeTables, local_id: str, now: int) -> int:
    """Withdraw permission for all of a client's involvements; how many. Raises LocalError."""
    client = tables.records.client(local_id)
    if client is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no client has that id here")
    return tables.records.withdraw(client.id, now)


def end_of(day: date) -> int:
    """The first second (Unix, UTC) after a day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + 86_400


class _Taking:
    """Stores the rows of one import as clients with their involvements."""

    def __init__(self, tables: NodeTables, now: int, report: ImportReport) -> None:
        self._tables, self._now, self._report = tables, now, report

    @cached_property
    def _newcomers(self) -> Newcomers:
        """Who was here: read when something new comes, before any of it is stored."""
        return Newcomers(self._tables, self._now)

    def store(self, rows: Sequence[ImportedRow]) -> None:
        """Store rows; one that says what is here already is left alone."""
        tables, report = self._tables, self._report
        known = tables.records.clients([row.local_id for row in rows])
        rows, held = self._compared(rows, known)
        report.without_permission += sum(_lacks_permission(row, self._now) for row in rows)
        hashes = {local_id: client.row_hash for local_id, client in known.items()}
        said: dict[str, ClientRow] = {}
        due: list[ImportedRow] = []
        for row in rows:
            digest, before = _digest(row), hashes.get(row.local_id)
            if before == digest:
                report.unchanged += 1
                continue
            report.new += before is None
            report.changed += before is not None
            if row.local_id in known and is_another(known[row.local_id].record, row.record):
                report.warnings.append(FileWarning(Doubt.ANOTHER_PERSON, (row.line,)))
            hashes[row.local_id] = digest
            said[row.local_id] = ClientRow(row.local_id, row.record, digest)
            due.append(row)
        ids = tables.records.put_clients(list(said.values()))
        _store_involvements(tables, [(ids[row.local_id], row) for row in due], self._now)
        tables.held.hold(
            [
                Held(ids[local_id], item.client, item.why, self._now)
                for local_id, item in held.items()
            ]
        )
        report.held += len(held)

    def _compared(
        self, rows: Sequence[ImportedRow], known: dict[str, Client]
    ) -> tuple[list[ImportedRow], dict[str, Known]]:
        """The rows, those of plainly known clients under the ids of these; and who is held."""
        taken: list[ImportedRow] = []
        held: dict[str, Known] = {}
        others: list[tuple[str, int]] = []
        for row in rows:
            found = self._perhaps(row, known.get(row.local_id))
            if found is None or not found.same:
                taken.append(row)
                held |= {row.local_id: found} if found else {}
                continue
            others.append((row.local_id, found.client))
            taken.append(replace(row, local_id=found.local_id))
            self._report.notes.append(RowNote(row.line, Field.LOCAL_ID.value, OTHER_ID))
        self._tables.held.add_ids(others)
        known |= self._tables.records.clients(
            [row.local_id for row in taken if row.local_id not in known]
        )
        return taken, held

    def _perhaps(self, row: ImportedRow, before: Client | None) -> Known | None:
        """Whom a row may be about beside the client of its id, who may say something new now."""
        if before is None:
            return self._newcomers.known(row)
        return self._newcomers.changed(before, row) if before.record != row.record else None


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


def _lacks_permission(row: ImportedRow, now: int) -> bool:
    return row.permission is None or end_of(row.permission.valid_until) <= now


def _store_unborn(
    tables: NodeTables, rows: Sequence[ImportedRow], now: int, report: ImportReport
) -> None:
    """Keep the work with children not yet born as involvements of their mothers, who are here."""
    mothers = tables.records.clients([row.mother_local_id or "" for row in rows])
    born = tables.records.clients([row.local_id for row in rows])
    due = []
    for row in rows:
        mother = mothers.get(row.mother_local_id or "")
        if mother is None or row.local_id in born:
            reason = (
                "no client here has the mother's id; import the mother first"
                if mother is None
                else "this child was imported as born; fix the row at its source"
            )
            report.errors.append(RowError(row.line, "mother_local_id", reason))
            continue
        due.append((mother.id, row))
        report.without_permission += _lacks_permission(row, now)
    for before, after in _store_involvements(tables, due, now):
        report.new += not before
        report.unchanged += before == after
        report.changed += bool(before) and before != after


def _store_involvements(
    tables: NodeTables, due: Sequence[tuple[int, ImportedRow]], now: int
) -> list[tuple[Kept, Kept]]:
    """Store the work of rows with these clients, in their order.

    Answers for each row what was kept for a child not yet born of its id, before and after it.
    """
    records = tables.records
    people = tables.people.put_workers(_workers(row.worker for _, row in due), now)
    found = {
        item.id: item
        for item in (
            *records.involvements({client for client, _ in due}),
            *records.involvements_for_unborn({row.local_id for _, row in due}),
        )
    }
    work = Workload(found.values())
    kept = []
    for client, row in due:
        before = work.of_unborn(row.local_id)
        _store_involvement(work, client, row, people.get(_named(row.worker)))
        kept.append((before, work.of_unborn(row.local_id)))
    records.remove_involvements(work.removed)
    records.set_involvements(work.changed())
    records.add_involvements(work.added())
    return kept


def _store_involvement(
    work: Workload, client: int, row: ImportedRow, practitioner: int | None
) -> None:
    permission = row.permission
    child = row.local_id if row.mother_local_id else None
    withdrawn_at = work.withdrawn_at(client, row.local_id)
    own = work.of_client(client, child)
    work.remove([place for place, item in own.items() if item.type != row.involvement])
    if child is None:  # born: the work is with the child itself from now on
        work.remove(work.of_unborn(row.local_id))
    values = InvolvementRow(
        client=client,
        type=row.involvement,
        label=row.label,
        practitioner=practitioner,
        permission_basis=permission.basis if permission else None,
        valid_until=end_of(permission.valid_until) if permission else None,
        consent_date=_iso(permission.consent_date) if permission else None,
        # Of whatever type: a feed that renames the work does not bring back the permission.
        withdrawn_at=_still_withdrawn(withdrawn_at, permission),
        for_unborn=child,
    )
    work.put(values)


def _still_withdrawn(withdrawn_at: int | None, permission: Permission | None) -> int | None:
    """A withdrawal ends only with a consent given after it."""
    if withdrawn_at is None or permission is None or permission.consent_date is None:
        return withdrawn_at
    given = datetime.combine(permission.consent_date, datetime.min.time(), UTC)
    renewed = given > datetime.fromtimestamp(withdrawn_at, UTC)
    return None if renewed else withdrawn_at


def _workers(workers: Iterable[WorkerDetails]) -> list[WorkerRow]:
    """Each worker once, as the last row says it."""
    said = {
        _named(worker): WorkerRow(
            worker.name, worker.team or "", worker.role, worker.phone, worker.email
        )
        for worker in workers
        if worker.name is not None
    }
    return list(said.values())


def _named(worker: WorkerDetails) -> tuple[str, str]:
    """What a worker is known by; without a name nobody is."""
    return worker.name or "", worker.team or ""


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _digest(row: ImportedRow) -> str:
    """A hash of everything the row says, to know it again."""
    permission = row.permission
    said: list[canonical.JsonValue] = [
        *(getattr(row.record, name) for name in RECORD_FIELDS),
        row.involvement,
        row.label,
        row.worker.name,
        row.worker.role,
        row.worker.phone,
        row.worker.email,
        row.worker.team,
        permission.basis if permission else None,
        permission.valid_until.isoformat() if permission else None,
        _iso(permission.consent_date) if permission else None,
    ]
    return hashlib.sha256(canonical.encode(said)).hexdigest()
