"""Rows of a file that were read, until they are taken in: reading holds up nobody's transaction.

They lie in a file without a name in the node's folder, which is gone with the program. Of each row
two numbers are kept in memory: where it lies, and a hash of whose it is.
"""

import io
import tempfile
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from pydantic import TypeAdapter

from node.records.importer.look import digest
from node.records.importer.rows import ImportedRow, RowError, RowNote, SeenLine
from storage.engine import batches

_ROW = TypeAdapter(ImportedRow)
AT_ONCE = 1000
NEW = 2**32 - 1
"""In place of the number of a row that was seen before."""


@dataclass(frozen=True)
class Group:
    """The rows about one client and their children not yet born, by their own id: `number` among
    all groups of a file.
    """

    number: int
    key: str
    rows: Sequence[ImportedRow]


class Spool:
    """The good rows of a file, and what is wrong with the others. Use it in a `with` statement.

    `folder`: where they lie; None: in memory. `again`: what reads a line that was seen before: it
    lies here as it is. `mothers`: whose each child not yet born is; `seen`: of each row which of
    those seen before it is, or NEW.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = tempfile.TemporaryFile(dir=folder) if folder else io.BytesIO()  # noqa: SIM115
        self._places, self._keys, self.seen = array("Q"), array("Q"), array("L")
        self._order, self._starts = array("L"), array("L")
        self._end, self._reads = 0, False
        self.errors: list[RowError] = []
        self.notes: list[RowNote] = []
        self.mothers = defaultdict[str, set[str]](set)
        self.again: Callable[[int, bytes], ImportedRow] = _never

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

    def put(self, rows: Iterable[ImportedRow | RowError | SeenLine]) -> None:
        """Read them all. Raises what reading raises."""
        for row in rows:
            if isinstance(row, SeenLine):
                self._places.append(self._write(b"%d %b" % (row.line, row.said)))
                self._keys.append(row.key)
                self.seen.append(row.number)
            elif isinstance(row, RowError):
                self.errors.append(row)
            else:
                self.notes += row.notes
                self._places.append(self._add(row))
                self._keys.append(digest(_key(row)))
                self.seen.append(NEW)

    def name(
        self,
        named: Callable[[Sequence[ImportedRow]], Sequence[ImportedRow]],
        but: Container[int] = (),
    ) -> None:
        """Let each row be about whom `named` says, some rows at a time in the order of the file;
        `but` those that are about whom they were.
        """
        rest = (number for number in range(len(self._places)) if number not in but)
        for numbers in batches(rest, AT_ONCE):
            rows = self._read(numbers)
            for number, before, after in zip(numbers, rows, named(rows), strict=True):
                if after.mother_local_id:
                    self.mothers[after.local_id].add(after.mother_local_id)
                if after != before:
                    self._places[number] = self._add(after)
                    self._keys[number] = digest(_key(after))

    def sort(self) -> int:
        """Put the rows together by client, in the order in which the file first names each; how
        many groups there are.
        """
        keys, rows = self._keys, range(len(self._keys))
        order = sorted(rows, key=keys.__getitem__)
        starts = [at for at in rows if not at or keys[order[at]] != keys[order[at - 1]]]
        starts.sort(key=order.__getitem__)
        self._order, self._starts = array("L", order), array("L", starts)
        return len(starts)

    def rows_of(self, number: int) -> Sequence[int]:
        """The rows of a group, by their numbers in the file."""
        at = self._starts[number]
        return self._order[at : self._end_of(at)]

    def pages(self, numbers: Iterable[int], size: int) -> Iterator[list[Group]]:
        """The groups of these numbers, about `size` rows at a time: whole groups."""
        page: list[Group] = []
        rows = 0
        for number in numbers:
            found = list(self._groups(number))
            page += found
            rows += sum(len(group.rows) for group in found)
            if rows >= size:
                yield page
                page, rows = [], 0
        if page:
            yield page

    def is_born(self, child: str) -> bool:
        """Whether a row is about a child under its own id."""
        at = bisect_left(self._order, digest(child), key=self._keys.__getitem__)
        return any(row.local_id == _key(row) == child for row in self._together(at))

    def _groups(self, number: int) -> Iterator[Group]:
        """A group; of clients whose hashes are the same by chance, each one's."""
        rows = self._together(self._starts[number])
        for key in dict.fromkeys(map(_key, rows)):
            yield Group(number, key, [row for row in rows if _key(row) == key])

    def _together(self, at: int) -> list[ImportedRow]:
        return self._read(self._order[at : self._end_of(at)])

    def _end_of(self, at: int) -> int:
        end, keys, order = at, self._keys, self._order
        while end < len(order) and keys[order[end]] == keys[order[at]]:
            end += 1
        return end

    def _add(self, row: ImportedRow) -> int:
        return self._write(_ROW.dump_json(replace(row, notes=()) if row.notes else row))

    def _write(self, text: bytes) -> int:
        """Write a row down at the end; its place."""
        if self._reads:
            self._file.seek(self._end)
            self._reads = False
        place = self._end
        self._end += self._file.write(text + b"\n")
        return place

    def _read(self, numbers: Iterable[int]) -> list[ImportedRow]:
        self._reads = True
        return [self._row(self._places[number]) for number in numbers]

    def _row(self, place: int) -> ImportedRow:
        self._file.seek(place)
        text = self._file.readline()
        if not text.startswith(b"{"):
            number, _, said = text.rstrip(b"\n").partition(b" ")
            return self.again(int(number), said)
        return _ROW.validate_json(text)


def _key(row: ImportedRow) -> str:
    """Under whose own id a row stands: of a child not yet born, the mother's."""
    return row.mother_local_id or row.local_id


def _never(_line: int, _said: bytes) -> ImportedRow:
    raise LookupError
