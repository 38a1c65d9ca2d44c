"""Reading a folder of agencies' exports with the truth beside them, specs/04-matching.md §11.

One CSV file an agency, and `truth.csv` (local_id, agency, person, hard_case). For fitting and
measuring only: a hub never sees such records in service. Invented or consented data, please.
"""

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from protocol.errors import ErrorCode, LocalError
from protocol.matchkeys.columns import identifying_columns
from protocol.matchkeys.records import ClientRecord

TRUTH = "truth.csv"
TRUTH_COLUMNS = {"local_id", "agency", "person"}
MAX_RECORDS = 2_000_000


@dataclass(frozen=True, repr=False)
class KnownRecord:
    """A record, whose it is, and which hard case it was made to be ("" for none)."""

    agency: str
    person: str
    hard_case: str
    record: ClientRecord


def read_folder(folder: Path) -> list[KnownRecord]:
    """Every record of the folder. Raises LocalError(BAD_FILE) saying which file to mend, and how.

    The first column of an agency's file is its local id.
    """
    return list(iter_folder(folder))


def iter_folder(folder: Path) -> Iterator[KnownRecord]:
    """The same one by one; of the folder only the truth is kept in memory."""
    truth, counts = _truth(folder / TRUTH), Counter[str]()
    for path in sorted(folder.glob("*.csv")):
        for known in _agency(path, truth) if path.name != TRUTH else ():
            counts[known.agency] += 1
            yield known
        if counts.total() > MAX_RECORDS:
            raise _bad(path, f"the folder has more than {MAX_RECORDS} records")
    if len(counts) < 2:
        raise _bad(folder, "it needs the CSV files of two agencies or more")


_Truth = dict[str, dict[str, tuple[str, str] | None]]
"""By agency and local id person and hard case, or None once that record was read."""


def _truth(path: Path) -> _Truth:
    truth: _Truth = {}
    for row in _rows(path, TRUTH_COLUMNS):
        named = truth.setdefault(row["agency"], {})
        if not row["person"] or row["local_id"] in named:
            raise _bad(path, "a record's person is missing, or a record is named twice")
        named[row["local_id"]] = (row["person"], sys.intern(row.get("hard_case") or ""))
    return truth


def _agency(path: Path, truth: _Truth) -> Iterator[KnownRecord]:
    columns: dict[str, str] | None = None
    named = truth.get(path.stem, {})
    for row in _rows(path, set()):
        if columns is None:
            columns = identifying_columns(row)
            first = next(iter(row))
            if not columns:
                raise _bad(path, "no column has a name that means an identifying field")
        local_id = row[first] or ""
        if local_id not in named:
            raise _bad(path, f"{TRUTH} does not say whose every record is")
        known, named[local_id] = named[local_id], None
        if known is None:
            raise _bad(path, "a local id is there twice")
        fields = {field: row[column] or None for field, column in columns.items()}
        house = fields.pop("house", None)
        if house:
            fields["address"] = f"{house} {fields.get('address') or ''}"
        yield KnownRecord(path.stem, *known, ClientRecord(**fields))


def _rows(path: Path, wanted: set[str]) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", restkey="")
            missing = wanted - set(reader.fieldnames or ())
            if missing or not reader.fieldnames:
                names = ", ".join(sorted(missing)) or "of an export"
                raise _bad(path, f"its first line needs the columns {names}")
            yield from reader
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _bad(path, "it is not there, or not a CSV file in UTF-8") from error


def _bad(path: Path, what: str) -> LocalError:
    return LocalError(ErrorCode.BAD_FILE, f"{path.name} cannot be used: {what}")
