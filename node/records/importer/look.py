"""What can only be said of a whole file, specs/09-imports.md §6: judged before anything is stored.

Keeps a few numbers for each row (hashes of 64 bits in arrays), never a value. It says what speaks
against a file; whether the file is taken all the same is a person's to say.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from itertools import groupby
from typing import NamedTuple

from node.records.importer.checks import Read
from node.records.importer.dates import Order
from node.records.importer.local_ids import spreadsheet_form
from node.records.importer.mapping import DATES, ColumnMapping, Field
from node.records.importer.table import bad
from protocol.matchkeys import normalise
from protocol.matchkeys.records import ClientRecord

MOST_LINES = 10
"""Lines that a sentence names; of more it says how many there are."""
MANY = 20
"""So many rows are no slip of the keyboard."""
EXACT_DIGITS = 15
"""What a spreadsheet keeps of a number; the digits after them become zeros."""
_TRIED = {name: 1 << place for place, name in enumerate(Field)}
_ONLY = {
    (name, order): 1 << (len(Field) + len(Order) * place + which)
    for place, name in enumerate(DATES)
    for which, order in enumerate(Order)
}
_ORDERED = sum(_ONLY.values())
_LONG_ID, _CUT_ID = 1 << 62, 1 << 63


class Traits(NamedTuple):
    """What is kept of a row: hashes (0: there is none) of its local id, of that id's form, of NHS
    number, name, and name and date of birth; and bits: of which fields something was read, what its
    dates allow, what its id is like.
    """

    local_id: int
    form: int
    number: int
    name: int
    person: int
    bits: int


_KINDS, _BITS = len(Traits._fields), Traits._fields.index("bits")


class Doubt(StrEnum):
    """What speaks against a file."""

    ONE_CLIENT_TWICE = "one_client_twice"
    NUMBER_OF_TWO = "number_of_two"
    ID_OF_TWO = "id_of_two"
    IDS_ALIKE = "ids_alike"
    ANOTHER_PERSON = "another_person"
    CLIENT_DIFFERS = "client_differs"
    WORK_DIFFERS = "work_differs"
    MANY_MISSING = "many_missing"
    FINDABLE_MISSING = "findable_missing"
    UNREAD_MISSING = "unread_missing"
    DAMAGED = "damaged"
    UNUSABLE = "unusable"


@dataclass(frozen=True)
class FileWarning:
    """One thing that a person must look at: the lines, the field where it is about one, or how many
    clients are missing (`count`).

    `key`: a hash of the local ids, by which it is known again once a person has looked; None never.
    """

    doubt: Doubt
    lines: tuple[int, ...]
    field: str | None = None
    key: str | None = None
    count: int = 0


def digest(*words: str | None) -> int:
    """64 bits in place of words; 0 where one of them is missing."""
    if not all(words):
        return 0
    said = "\0".join(word or "" for word in words).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big") or 1


def key_of(doubt: Doubt, *words: str) -> str:
    """By what a doubt about these is known again, once a person has looked."""
    return f"{digest(doubt.value, *words):016x}"


def who(record: ClientRecord) -> int:
    """A hash of name and date of birth; 0 if one is missing."""
    return digest(*_names(record), normalise.birth_date(record.date_of_birth))


def _names(record: ClientRecord) -> tuple[str | None, str | None]:
    """The first given name, no initial, and the family name."""
    given = (normalise.fold(record.given).replace(",", " ").split() or [""])[0]
    return given if len(given) > 1 else None, normalise.fold(record.family)


def _digits(number: str | None) -> str:
    """An NHS number that was read already, without what stands between its digits."""
    return "".join(letter for letter in normalise.fold(number) if letter.isdigit())


class FileLook:
    """Hears of every row while the file is read, and answers when it has been."""

    def __init__(self, mapping: ColumnMapping) -> None:
        self._orders = mapping.orders
        self._alike_in = Counter[int]()  # rows by what was read of which field
        self._first = defaultdict[int, list[int]](list)  # lines by what their dates allow
        self._unusable: Counter[Field] = Counter()
        self._damaged: list[int] = []
        self._long_ids = self._cut_ids = 0
        self._lines, self._traits = array("L"), array("Q")  # of each row all its traits
        # One of them of all rows, when the file has been read.
        self._ids = self._forms = self._numbers = self._names = self._people = array("Q")

    def saw_values(self, line: int, values: Iterable[tuple[Field, Read]]) -> int:
        """The values of a line that were not empty, and what was read of each; as bits."""
        bits = 0
        for name, read in values:
            if read.only is not None:
                bits |= _ONLY[name, read.only]
            if read.value is not None or read.note:
                bits |= _TRIED[name]
                self._unusable[name] += read.value is None
            if read.damaged and self._damaged[-1:] != [line]:
                self._damaged.append(line)
        self._count(line, bits)
        return bits

    def saw_row(self, line: int, local_id: str, record: ClientRecord | None, bits: int) -> None:
        """A row that can be used; `record` None for a child not yet born."""
        digits = local_id if local_id.isdigit() and len(local_id) > EXACT_DIGITS else ""
        bits |= _LONG_ID if digits else 0
        bits |= _CUT_ID if digits and not digits[EXACT_DIGITS:].strip("0") else 0
        names = _names(record) if record else (None, None)
        self._add(
            line,
            Traits(
                digest(local_id),
                digest(spreadsheet_form(local_id)),
                digest(_digits(record.nhs_number)) if record else 0,
                digest(*names),
                who(record) if record and all(names) else 0,
                bits,
            ),
        )

    def saw_again(self, line: int, traits: Sequence[int]) -> None:
        """A row that was usable when it was read before, and had nothing to tell."""
        self._count(line, traits[_BITS])
        self._add(line, traits)

    def traits(self, number: int) -> Traits:
        """What is kept of a usable row, by its number among these."""
        return Traits._make(self._traits[number * _KINDS : (number + 1) * _KINDS])

    def _count(self, line: int, bits: int) -> None:
        self._alike_in[bits & (_LONG_ID - 1)] += 1
        if (ordered := bits & _ORDERED) and len(self._first[ordered]) < MOST_LINES:
            self._first[ordered].append(line)

    def _add(self, line: int, traits: Sequence[int]) -> None:
        self._long_ids += bool(traits[_BITS] & _LONG_ID)
        self._cut_ids += bool(traits[_BITS] & _CUT_ID)
        self._lines.append(line)
        self._traits.extend(traits)

    def _many(self, bit: int) -> int:
        """How many lines have this bit."""
        return sum(count for bits, count in self._alike_in.items() if bits & bit)

    def _lines_that_allow(self, bit: int) -> list[int]:
        """The first of the lines with a date that allows only this order."""
        found = (line for bits, lines in self._first.items() if bits & bit for line in lines)
        return sorted(found)[:MOST_LINES]

    def check(self) -> None:
        """Refuse what no agreement helps. Raises RemoteError(BAD_FILE) that says what to do."""
        for name in DATES:
            stated = self._orders.get(name)
            wanted = stated or Order.DAY_FIRST
            many = {order: self._many(_ONLY[name, order]) for order in Order}
            if many[_other(wanted)] > (many[wanted] if stated else 0):
                found = {order: self._lines_that_allow(_ONLY[name, order]) for order in Order}
                raise bad(_order_refused(name, stated, found, many))
        if self._long_ids >= 3 and self._long_ids == self._cut_ids:
            raise bad(
                f"local_id: all ids of more than {EXACT_DIGITS} digits end in zeros: a spreadsheet "
                "has cut them. Nothing was stored. Make the column text before exporting"
            )

    def warnings(self) -> Iterator[FileWarning]:
        """What a person must look at before anything of the file is stored."""
        every = [self._traits[kind::_KINDS] for kind in range(_KINDS)]
        self._ids, self._forms, self._numbers, self._names, self._people, _ = every
        yield from self._alike()
        yield from self._clients()
        if len(self._damaged) >= MANY:
            yield FileWarning(Doubt.DAMAGED, tuple(self._damaged))
        for name, unusable in sorted(self._unusable.items()):
            tried = self._many(_TRIED[name])
            if tried >= MANY and unusable * 2 > tried:
                yield FileWarning(Doubt.UNUSABLE, (), name.value)

    def _clients(self) -> Iterator[FileWarning]:
        """One client on two lines, one number on two clients."""
        found: set[tuple[tuple[int, ...], Doubt, str]] = set()
        for rows in _groups(self._numbers):
            doubt = Doubt.NUMBER_OF_TWO if self._differ(rows) else Doubt.ONE_CLIENT_TWICE
            found.add((self._named(rows), doubt, self._key(doubt, rows)))
        for rows in _groups(self._people):
            if len({self._numbers[row] for row in rows} - {0}) < 2:
                doubt = Doubt.ONE_CLIENT_TWICE
                found.add((self._named(rows), doubt, self._key(doubt, rows)))
        for lines, doubt, key in sorted(found):
            if len(lines) > 1:
                yield FileWarning(doubt, lines, key=key)

    def _alike(self) -> Iterator[FileWarning]:
        for rows in _groups(self._forms):
            lines = tuple(sorted(self._lines[row] for row in rows))
            if len({self._ids[row] for row in rows}) > 1:
                key = self._key(Doubt.IDS_ALIKE, rows)
                yield FileWarning(Doubt.IDS_ALIKE, lines, key=key)
            elif self._differ(rows):
                yield FileWarning(Doubt.ID_OF_TWO, lines)

    def _differ(self, rows: Sequence[int]) -> bool:
        """Whether rows have more than one name, or name and date of birth."""
        both = (self._names, self._people)
        return any(len({kind[row] for row in rows} - {0}) > 1 for kind in both)

    def _key(self, doubt: Doubt, rows: Iterable[int]) -> str:
        ids = sorted({self._ids[row] for row in rows})
        return key_of(doubt, *map(str, ids))

    def _named(self, rows: Iterable[int]) -> tuple[int, ...]:
        """The lines of rows; of one local id only the first, the others are left out anyway."""
        first: dict[int, int] = {}
        for row in rows:
            line = self._lines[row]
            first[self._ids[row]] = min(line, first.get(self._ids[row], line))
        return tuple(sorted(first.values()))


def _groups(hashes: Sequence[int]) -> Iterator[list[int]]:
    """Rows that have the same hash, two or more; 0 is none."""
    order = sorted((row for row in range(len(hashes)) if hashes[row]), key=hashes.__getitem__)
    for _, rows in groupby(order, key=hashes.__getitem__):
        if len(found := list(rows)) > 1:
            yield found


def lines_in_words(lines: Iterable[int], count: int) -> str:
    """Lines by number; of many the first, and how many there are."""
    shown = list(lines)[:MOST_LINES]
    if len(shown) == 1:
        return f"line {shown[0]}"
    if count > len(shown):
        return f"lines {', '.join(map(str, shown))} and {count - len(shown)} more"
    return f"lines {', '.join(map(str, shown[:-1]))} and {shown[-1]}"


def _order_refused(
    name: Field, stated: Order | None, found: Mapping[Order, list[int]], many: Mapping[Order, int]
) -> str:
    wanted = stated or Order.DAY_FIRST
    other = _other(wanted)
    against = f"{lines_in_words(found[other], many[other])} can only be {_words(other)}"
    if not stated and many[wanted]:
        against += f", {lines_in_words(found[wanted], many[wanted])} only {_words(wanted)}"
    says = "says" if stated else "has no order, so that it means"
    return (
        f"{name}: {against}, but the mapping {says} {_words(wanted)}. Nothing was stored. Export "
        f'dates as year-month-day, or write order = "{other}" (or "{wanted}") under '
        f"[fields.{name}] in the mapping"
    )


def _other(order: Order) -> Order:
    return Order.MONTH_FIRST if order is Order.DAY_FIRST else Order.DAY_FIRST


def _words(order: Order) -> str:
    return order.value.replace("_", " ")
