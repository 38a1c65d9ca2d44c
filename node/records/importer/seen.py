"""Rows of a file as they stood in it before: what is known of one without reading it once more.

docs/adr/0056-rows-seen-before.md. A row is known by a hash of all its cells and of everything else
that reading it depends on (node/records/importer/row_key.py); of its values the kind of work, two
dates and the hashes that the file's look compares are kept. Nothing here knows whether what was
judged of it still holds: node/records/standing.py does.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

from node.records.importer.look import Traits
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
