"""A workbook as openpyxl opens it, with nothing read whole whose size was not looked at.

A file says itself which of its parts is what: one that calls its largest sheet a list of styles or
a chart would have it read into memory. Loaded late: it is large, and no other command needs it.
"""

from typing import Any, BinaryIO

from openpyxl.reader.excel import ExcelReader
from openpyxl.xml.constants import SHARED_STRINGS

WORKBOOK, TEXTS = "xl/workbook.xml", "xl/sharedstrings.xml"


class BoundedReader(ExcelReader):  # type: ignore[misc, unused-ignore]
    """Opens a workbook as a stream of rows. Charts have no rows: they are not read."""

    def read_manifest(self) -> None:
        """Read what the parts are. Raises ValueError where one is not where it belongs."""
        super().read_manifest()
        for part in self.package.Override:
            name, kind = part.PartName.lower().lstrip("/"), part.ContentType
            if kind.endswith("main+xml") and name != WORKBOOK:
                raise ValueError("the workbook is another part")
            if kind == SHARED_STRINGS and name != TEXTS:
                raise ValueError("the shared texts are another part")

    def read_chartsheet(self, *_: object) -> None:
        """Nothing."""


def open_bounded(stream: BinaryIO, *, values: bool) -> Any:  # noqa: ANN401 - untyped
    """The workbook. Raises what openpyxl raises for a damaged one."""
    reader = BoundedReader(stream, read_only=True, data_only=values, keep_links=False)
    reader.read()
    return reader.wb
