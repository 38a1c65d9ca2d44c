"""Clients and involvements: taking in an import, withdrawing permission.

One import is one transaction: a file that turns out unreadable in its last line changes nothing.
Rows with faults are left out and reported; rows without a permission are stored and never
published. A feed never brings back what a person withdrew.
"""

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from node.records.importer.rows import ImportedRow, Permission, RowError, WorkerDetails
from node.store.tables import RECORD_FIELDS, NodeTables
from protocol import canonical
from protocol.errors import ErrorCode, LocalError


@dataclass
class ImportReport:
    """What an import did, in counts; `errors` are the rows that were left out."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    without_permission: int = 0
    errors: list[RowError] = field(default_factory=list)

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
    """Store every good row, by the agency's own id. Idempotent."""
    report = ImportReport()
    unborn: list[ImportedRow] = []
    for row in rows:
        if isinstance(row, RowError):
            report.errors.append(row)
            continue
        if row.mother_local_id:
            unborn.append(row)
            continue
        _store(tables, row, report)
        if _lacks_permission(row, now):
            report.without_permission += 1
    for row in unborn:  # last, because a mother may stand below her child
        if _store_unborn(tables, row, report) and _lacks_permission(row, now):
            report.without_permission += 1
    return report


def write_rejects(path: Path, errors: Iterable[RowError]) -> None:
    """Write line, field and reason of every fault; never the value itself."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "field", "reason"])
        writer.writerows([error.line, error.field, error.reason] for error in errors)


def withdraw(tables: NodeTables, local_id: str, now: int) -> int:
    """Withdraw permission for all of a client's involvements; how many. Raises LocalError."""
    client = tables.client(local_id)
    if client is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no client has that id here")
    return tables.tx.run(
        "UPDATE involvement SET withdrawn_at = ? WHERE client = ? AND withdrawn_at IS NULL",
        now, client["id"],
    )  # fmt: skip


def end_of(day: date) -> int:
    """The first second (Unix, UTC) after a day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + 86_400


def _store(tables: NodeTables, row: ImportedRow, report: ImportReport) -> None:
    digest = _digest(row)
    before = tables.client(row.local_id)
    if before is not None and before["row_hash"] == digest:
        report.unchanged += 1
        return
    values = {name: getattr(row.record, name) for name in RECORD_FIELDS}
    if before is None:
        client = tables.tx.insert_for_id(
            "client", {"local_id": row.local_id, **values, "row_hash": digest}
        )
        report.new += 1
    else:
        client = before["id"]
        tables.tx.update("client", {**values, "row_hash": digest}, {"id": client})
        report.changed += 1
    _store_involvement(tables, client, row)


def _lacks_permission(row: ImportedRow, now: int) -> bool:
    return row.permission is None or end_of(row.permission.valid_until) <= now


def _store_unborn(tables: NodeTables, row: ImportedRow, report: ImportReport) -> bool:
    """Keep the work with a child not yet born as an involvement of the mother, if she is here."""
    mother = tables.client(row.mother_local_id or "")
    if mother is None or tables.client(row.local_id) is not None:
        reason = (
            "no client here has the mother's id; import the mother first"
            if mother is None
            else "this child was imported as born; mend the row at its source"
        )
        report.errors.append(RowError(row.line, "mother_local_id", reason))
        return False
    before = tables.tx.rows("SELECT * FROM involvement WHERE for_unborn = ?", row.local_id)
    _store_involvement(tables, mother["id"], row)
    after = tables.tx.rows("SELECT * FROM involvement WHERE for_unborn = ?", row.local_id)
    report.new += not before
    report.unchanged += before == after
    report.changed += bool(before) and before != after
    return True


def _store_involvement(tables: NodeTables, client: int, row: ImportedRow) -> None:
    permission = row.permission
    child = row.local_id if row.mother_local_id else None
    withdrawn = tables.tx.one(
        "SELECT MAX(withdrawn_at) AS time FROM involvement WHERE client = ? OR for_unborn = ?",
        client, row.local_id,
    )  # fmt: skip
    withdrawn_at = withdrawn["time"] if withdrawn else None
    tables.tx.run(
        "DELETE FROM involvement WHERE client = ? AND type <> ? AND for_unborn IS ?",
        client, row.involvement, child,
    )  # fmt: skip
    if child is None:  # born: the work is with the child itself from now on
        tables.tx.run("DELETE FROM involvement WHERE for_unborn = ?", row.local_id)
    old = tables.tx.one(
        "SELECT id FROM involvement WHERE client = ? AND type = ? AND for_unborn IS ?",
        client, row.involvement, child,
    )  # fmt: skip
    values = {
        "client": client,
        "type": row.involvement,
        "label": row.label,
        "practitioner": _practitioner(tables, row.worker),
        "permission_basis": permission.basis if permission else None,
        "valid_until": end_of(permission.valid_until) if permission else None,
        "consent_date": _iso(permission.consent_date) if permission else None,
        # Of whatever type: a feed that renames the work does not bring back the permission.
        "withdrawn_at": _still_withdrawn(withdrawn_at, permission),
        "for_unborn": child,
    }
    if old is None:
        tables.insert("involvement", values)
    else:
        tables.tx.update("involvement", values, {"id": old["id"]})


def _still_withdrawn(withdrawn_at: int | None, permission: Permission | None) -> int | None:
    """A withdrawal ends only with a consent given after it."""
    if withdrawn_at is None or permission is None or permission.consent_date is None:
        return withdrawn_at
    given = datetime.combine(permission.consent_date, datetime.min.time(), UTC)
    renewed = given > datetime.fromtimestamp(withdrawn_at, UTC)
    return None if renewed else withdrawn_at


def _practitioner(tables: NodeTables, worker: WorkerDetails) -> int | None:
    if worker.name is None:
        return None
    values = {"role": worker.role, "phone": worker.phone, "email": worker.email}
    team = worker.team or ""
    row = tables.tx.one(
        "SELECT id FROM practitioner WHERE name = ? AND team = ?", worker.name, team
    )
    if row is None:
        return tables.tx.insert_for_id(
            "practitioner", {"name": worker.name, "team": team, **values}
        )
    tables.tx.update("practitioner", values, {"id": row["id"]})
    return int(row["id"])


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
