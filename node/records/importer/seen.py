"""Rows of a file as they stood in it before: what is known of one without reading it once more.

docs/adr/0056-rows-seen-before.md. A row is known by a hash of all its cells and of everything else
that reading it depends on; no value of it is kept. Nothing here knows whether what was judged of it
still holds: node/records/standing.py does.
"""

import sys
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from struct import Struct
from typing import NamedTuple

import node
import protocol
from node.records.importer.checks import Terms
from node.records.importer.look import Traits
from node.records.importer.mapping import ColumnMapping, dump_mapping
from node.records.importer.table import Line

MARK = 16
"""Bytes of a hash."""
NONE = bytes(MARK)
NEVER = 2**63 - 1
GOOD_SECONDS = 28 * 86_400
"""After which a row is read and judged once more all the same."""
_FORM = Struct(f">{MARK}sqIIqqqq{MARK}s6Q")


class SeenRow(NamedTuple):
    """A row that was judged to change nothing: its hash; the client (a row id), which of so many
    rows about them it was, and when (Unix seconds) that was judged; the work that it was about (a
    row id), from when on no permission is stated for it (0: none is), and from when on it is over
    by the file (0: it is, whatever the time; NEVER); the hash of all that is here of the client,
    what is kept of the row for the file as a whole, and the type of the work.
    """

    mark: bytes
    client: int
    place: int
    rows: int
    at: int
    work: int
    permitted_until: int
    over_from: int
    state: bytes
    traits: Traits
    type: str

    def packed(self) -> bytes:
        """As it is kept; what comes first is the hash of the row."""
        return _FORM.pack(*self[:-2], *self.traits) + self.type.encode()

    @classmethod
    def of(cls, packed: bytes) -> "SeenRow":
        """As `packed` has it."""
        values = _FORM.unpack_from(packed)
        traits, kind = Traits._make(values[_FIXED:]), packed[_FORM.size :].decode()
        return cls._make((*values[:_FIXED], traits, kind))


_FIXED = len(SeenRow._fields) - 2


@dataclass(frozen=True)
class SeenRows:
    """Rows of a feed that were seen before, packed and in order, and the key of their hashes for
    this file `now`; where there is no key none of them counts, and none is kept.
    """

    packed: Sequence[bytes] = ()
    key: bytes | None = None
    now: int = 0

    def mark(self, line: Line) -> bytes:
        """The hash of a line."""
        if self.key is None:
            return NONE
        said = repr((line.span, line.cells)).encode("utf-8", "surrogatepass")
        return blake2b(said, digest_size=MARK, key=self.key).digest()

    def find(self, mark: bytes) -> tuple[int, SeenRow] | None:
        """The row of a hash, and its number among these; none that is old, or from a time to come:
        what reads dates by a clock that went back reads them anew.
        """
        number = bisect_left(self.packed, mark)
        if number == len(self.packed) or not self.packed[number].startswith(mark):
            return None
        found = self.get(number)
        return (number, found) if found.at <= self.now < found.at + GOOD_SECONDS else None

    def client(self, number: int) -> int:
        """Of whom one of these rows is (a row id)."""
        return int.from_bytes(self.packed[number][MARK : MARK + 8])

    def get(self, number: int) -> SeenRow:
        """One of these rows."""
        return SeenRow.of(self.packed[number])


def key_of(mapping: ColumnMapping, header: Sequence[str], terms: Terms) -> bytes | None:
    """What the hashes of a file's rows are keyed with: all that reading and judging a row depends
    on beside the row and the database. Of the day that is the year: a date that was to come is
    told and never kept, and one that is past stays so.
    """
    if _CODE is None:
        return None
    types = None if terms.types is None else sorted(terms.types)
    said = (_CODE, dump_mapping(mapping), tuple(header), types, str(terms.zone), terms.today.year)
    return blake2b(repr(said).encode("utf-8", "surrogatepass")).digest()


def _code() -> bytes | None:
    """A hash of the program, so that nobody has to remember that a change of it makes every row
    new; None where its text, or what library it reads with, is not there to be hashed.
    """
    paths = [
        path
        for package in (node, protocol)
        for folder in package.__path__
        for path in sorted(Path(folder).rglob("*.py"))
    ]
    try:
        whole = blake2b(f"{sys.version} ftfy {version('ftfy')}".encode())
        for path in paths:
            whole.update(blake2b(path.read_bytes()).digest())
    except (PackageNotFoundError, OSError):
        return None
    return whole.digest() if paths else None


_CODE = _code()  # at once: what is on disk may be another program by and by
