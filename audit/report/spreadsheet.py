"""CSV that a spreadsheet program cannot be made to run: specs/08-audit.md §8. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence

from audit.findings import Finding
from audit.meanings import MEANINGS

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def guarded(value: object) -> str:
    """A cell that is text to a spreadsheet: what could begin a formula gets an apostrophe."""
    said = "" if value is None else str(value).replace("\0", "")
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return said if is_number or not said.lstrip(" ").startswith(_STARTS) else f"'{said}"


def to_csv(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV with CRLF line ends (RFC 4180), every cell guarded and in quotes."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(heads)
    for row in rows:
        writer.writerow([guarded(cell) for cell in row])
    return out.getvalue()


def findings_csv(findings: Iterable[Finding]) -> str:
    """All findings, one a row."""
    heads = ("severity", "code", "entry", "meaning", "detail")
    rows = (
        (item.severity.value, item.code.value, item.index, MEANINGS.get(item.code, ""), item.detail)
        for item in findings
    )
    return to_csv(heads, rows)
