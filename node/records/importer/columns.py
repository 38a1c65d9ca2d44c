"""What stands in the columns of a file: for a person who says which column is what."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from node.records.importer.draft import MOST_VALUES
from node.records.importer.mapping import MAX_TEXT
from node.records.importer.table import Table

MOST_EXAMPLES = 3
LONGEST_EXAMPLE = 60
LINES_A_STEP = 500


@dataclass(frozen=True, repr=False)
class Column:
    """A column by its name in the header, some of what stands in it, and all its different values
    where they may be codes (None: there are too many).
    """

    name: str
    examples: Sequence[str]
    values: Sequence[str] | None

    def __repr__(self) -> str:
        """Say nothing: it is of people."""
        return "Column(hidden)"


def columns_of(table: Table, tick: Callable[[], None]) -> list[Column]:
    """The columns of a table. Walks its lines, and tells now and then that it does. Raises
    RemoteError.
    """
    found: list[dict[str, None]] = [{} for _ in table.header]
    for number, line in enumerate(table.lines):
        if number % LINES_A_STEP == 0:
            tick()
        for values, cell in zip(found, line.cells, strict=False):
            if len(values) <= MOST_VALUES and (value := " ".join(cell.split())):
                values[value] = None
    return [
        Column(
            name,
            [value[:LONGEST_EXAMPLE] for value in list(values)[:MOST_EXAMPLES]],
            sorted(values) if _can_be_codes(values) else None,
        )
        for name, values in zip(table.header, found, strict=True)
    ]


def _can_be_codes(values: Collection[str]) -> bool:
    """Whether a mapping can have a table of them."""
    return len(values) <= MOST_VALUES and all(
        len(value) <= MAX_TEXT and value.isprintable() for value in values
    )
