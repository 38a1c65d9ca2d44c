"""Tables for a spreadsheet, a row at a time, in which no cell is a formula."""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Sequence

FORMULA = re.compile(r"^\s*[=+\-@\t\r]")


def plain_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if FORMULA.match(text) else text


async def sheet(
    head: Sequence[str], pages: AsyncIterator[Iterable[Sequence[object]]]
) -> AsyncIterator[bytes]:
    """A CSV file of these rows, which come page by page and are never all in memory."""
    yield b"\xef\xbb\xbf" + _lines([head])
    async for rows in pages:
        if made := _lines(rows):
            yield made


def _lines(rows: Iterable[Sequence[object]]) -> bytes:
    table = io.StringIO()
    csv.writer(table).writerows(
        [plain_cell("" if cell is None else str(cell)) for cell in row] for row in rows
    )
    return table.getvalue().encode()
