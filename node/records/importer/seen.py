"""Rows of a file as they stood in it before: what is known of one without reading it once more.

docs/adr/0056-rows-seen-before.md. A row is known by a hash of all its cells and of everything else
that reading it depends on (node/records/importer/row_key.py); of its values the kind of work, two
dates and the hashes that the file's look compares are kept. Nothing here knows whether what was
judged of it still holds: node/records/standing.py does.
"""

import json
import sys
from array import array
from collections.abc import Iterable
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
_AS_JSON = json.JSONEncoder().encode
_FORM = Struct(f">{MARK}s7q{MARK}s6Q")


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
_WORDS = _FORM.size // 8
_CLIENT, _PLACE, _ROWS, _AT, _WORK, _UNTIL, _OVER, _STATE = range(MARK // 8, MARK // 8 + 8)
_TRAITS = _WORDS - len(Traits._fields)


def said_in(line: Line) -> bytes:
    """All that a line says, wherever it stands, in one line of ASCII."""
    return _AS_JSON((line.span, *line.cells)).encode()


def line_of(number: int, said: bytes) -> Line:
    """The line that says this, where it stands now."""
    span, *cells = json.loads(said)
    return Line(number, tuple(cells), span)


class SeenRows:
    """Rows of a feed that were seen before, as they are kept, and the key of their hashes for this
    file `now` (Unix seconds); where there is no key none of them counts, and none is kept.

    Hundreds of thousands of them are looked at one by one: so they lie in one array of words of 64
    bits, as many for each, and only what is asked for is taken out. `types`: the type of work of
    each.
    """

    def __init__(
        self, packed: Iterable[bytes] = (), key: bytes | None = None, now: int = 0
    ) -> None:
        self.key, self.now, self.types = key, now, list[str]()
        self._words, self._numbers = array("Q"), dict[bytes, int]()
        if key is None:
            return
        self._hash = blake2b(key=key, digest_size=MARK)
        whole = (row for row in packed if len(row) >= _FORM.size)
        for number, row in enumerate(whole):
            self._words.frombytes(row[: _FORM.size])
            self._numbers[row[:MARK]] = number
            self.types.append(sys.intern(row[_FORM.size :].decode()))
        if sys.byteorder == "little":
            self._words.byteswap()
        self._signed = memoryview(self._words).cast("B").cast("q")

    def mark(self, said: bytes) -> bytes:
        """The hash of what a line says."""
        if self.key is None:
            return NONE
        whole = self._hash.copy()
        whole.update(said)
        return whole.digest()

    def find(self, mark: bytes) -> int | None:
        """The number among these of the row of a hash; none that is old, or from a time to come:
        what reads dates by a clock that went back reads them anew.
        """
        number = self._numbers.get(mark)
        if number is None:
            return None
        at = self._signed[number * _WORDS + _AT]
        return number if at <= self.now < at + GOOD_SECONDS else None

    def traits(self, number: int) -> "array[int]":
        """What is kept of one of these for the file as a whole, in the order of Traits."""
        at = number * _WORDS
        return self._words[at + _TRAITS : at + _WORDS]

    def client(self, number: int) -> int:
        """Of whom one of these is (a row id)."""
        return self._signed[number * _WORDS + _CLIENT]

    def work(self, number: int) -> int:
        """About which work one of these is (a row id)."""
        return self._signed[number * _WORDS + _WORK]

    def times(self, number: int) -> tuple[int, int]:
        """From when on one of these states no permission, and says that the work is over."""
        at = number * _WORDS
        return self._signed[at + _UNTIL], self._signed[at + _OVER]

    def are_all(self, numbers: list[int]) -> bool:
        """Whether these, as they stand in a file, are all rows that there were about a client, in
        their order.
        """
        signed = self._signed
        if signed[numbers[0] * _WORDS + _ROWS] != len(numbers):
            return False
        places = [signed[number * _WORDS + _PLACE] for number in numbers]
        return places == list(range(len(numbers)))

    def rests_on(self, number: int, state: bytes) -> bool:
        """Whether one of these was judged when all that was here of its client had this hash."""
        at = number * _WORDS + _STATE
        return self._words[at] << 64 | self._words[at + 1] == int.from_bytes(state)
