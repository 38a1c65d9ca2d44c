"""Rows of a file that were read, until they are taken in: reading holds up nobody's transaction.

They lie in a file without a name in the node's folder, which is gone with the program.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from pydantic import TypeAdapter

from node.records.importer.rows import ImportedRow, RowError

_ROW, _ERROR = TypeAdapter(ImportedRow), TypeAdapter(RowError)
_IS_ROW, _IS_ERROR = b"r", b"e"


class Spool:
    """Rows and faults in the order of the file, a line for each. Use it in a `with` statement."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> "Spool":
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is left of it."""
        self._file.close()

    def put(self, rows: Iterable[ImportedRow | RowError]) -> None:
        """Read them all. Raises what reading raises."""
        for row in rows:
            if isinstance(row, RowError):
                self._file.write(_IS_ERROR + _ERROR.dump_json(row) + b"\n")
            else:
                self._file.write(_IS_ROW + _ROW.dump_json(row) + b"\n")

    def rows(self) -> Iterator[ImportedRow | RowError]:
        """All that was put, as often as it is asked for."""
        self._file.seek(0)
        for line in self._file:
            adapter = _ROW if line.startswith(_IS_ROW) else _ERROR
            yield adapter.validate_json(line[1:])
