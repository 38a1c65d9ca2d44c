"""Importing a file of an agency's own system: its mapping, what it does, the rejects beside it.

It is read and judged before anything is stored, and stored in steps: others write in between.
What the command and the pages do; nothing here prints or asks.
"""

import asyncio
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from node.actions.session import in_folder
from node.config import Agreement, HubTerms, NodeSettings, load_settings
from node.membership.hub import followed_charters
from node.records.clients import (
    Judged,
    Step,
    judge,
    transactions,
    write_faults,
    write_missing,
)
from node.records.import_report import ImportReport
from node.records.importer.checks import Terms
from node.records.importer.draft import Allowed, draft_of
from node.records.importer.look import FileLook, FileWarning
from node.records.importer.mapping import (
    ColumnMapping,
    DraftError,
    Field,
    check_types,
    load_mapping,
)
from node.records.importer.reader import Line, Reading, Table, read_table
from node.records.importer.row_key import key_of
from node.records.importer.rows import RowReader
from node.records.importer.seen import SeenRows
from node.records.importer.spool import Spool
from node.records.missing import Feed
from node.store.tables import NodeEngine, NodeTables, open_engine
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.charter import Charter
from protocol.governance.involvement_types import InvolvementType
from runtime.lock import only_one

_Before = tuple[Sequence[tuple[str, Charter]], Sequence[bytes]]
"""Charters as last seen, each with its hub's name; and rows of the feed that were seen before."""

MAPPING_LIMIT = 200_000
CHARTER_CAME = "a new sharing agreement came while the file was read; import it again"
IN_TURN = "another file is being imported into this node: import this one when that has ended"
LINES_A_STEP = 500
OTHERS_TURN = 0.05
"""Seconds between two steps. Whoever waits for the database looks again that often at first; who
took it again at once would always come first.
"""


@dataclass(frozen=True)
class ChosenMapping:
    """A mapping to import by, or the path of a draft that a person must complete first; of one that
    somebody has completed, `completed`.
    """

    mapping: ColumnMapping | None = None
    draft: Path | None = None
    completed: bool = False


@dataclass(frozen=True)
class ImportFile:
    """A file to import: by which mapping, in which folder its faults are listed, which sheet of a
    workbook (None: the first), and what a person who looked at it agreed to (None: to all).
    """

    path: Path
    chosen: ChosenMapping
    beside: Path
    sheet: str | None = None
    agreed: Collection[FileWarning] | None = ()


class DoubtfulFileError(LocalError):
    """A person must look at a file before anything of it is stored."""

    def __init__(self, warnings: Collection[FileWarning]) -> None:
        said = "nothing was stored: look at these lines, then import again with --yes"
        super().__init__(ErrorCode.NOT_READY, said)
        self.warnings = warnings


@dataclass(frozen=True)
class Imported:
    """What an import read and did, and the files that list, where there are any, the rows that were
    left out, what rows that were taken lost, and the work that was closed because it is missing.
    `sheet`: which one of a workbook.
    """

    reading: Reading
    report: ImportReport
    sheet: str | None
    rejects: Path | None
    notes: Path | None
    missing: Path | None


def mapping_for(
    file: Path, mapping: Path | None, allowed: Allowed, sheet: str | None = None
) -> ChosenMapping:
    """The confirmed mapping, or a draft beside the file for a person to complete; `allowed` are the
    codes for it. Raises DraftError for one that nobody has completed, LocalError, RemoteError.
    """
    _require_file(file)
    if mapping is not None:
        _require_file(mapping)
        if mapping.stat().st_size > MAPPING_LIMIT:
            raise RemoteError(ErrorCode.BAD_FILE, "the mapping file is too large")
        return ChosenMapping(load_mapping(_text_of(mapping)))
    draft = draft_beside(file)
    if draft.exists():
        return ChosenMapping(draft=draft, completed=_is_completed(draft))
    with file.open("rb") as stream:
        text = draft_of(read_table(stream, sheet=sheet), file.stem, allowed)
    draft.write_text(text, encoding="utf-8")
    return ChosenMapping(draft=draft)


def draft_beside(file: Path) -> Path:
    """Where the draft for a file is written."""
    return file.with_suffix(".mapping.toml")


def _is_completed(draft: Path) -> bool:
    try:
        load_mapping(_text_of(draft))
    except (DraftError, RemoteError):
        return False
    return True


def _text_of(mapping: Path) -> str:
    try:
        return mapping.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RemoteError(ErrorCode.BAD_FILE, "the mapping file is not UTF-8") from error


async def allowed_codes(folder: Path) -> Allowed:
    """The codes, in the agency's own words, that the charters of its hubs have, as last seen: of
    types of involvement and of lawful bases. Raises LocalError.
    """
    terms = load_settings(folder).hubs
    return await in_folder(folder, lambda tables: _allowed(tables, terms))


def _allowed(tables: NodeTables, terms: Mapping[str, HubTerms]) -> Allowed:
    charters = followed_charters(tables)
    if not charters:
        return {}
    agreements = [Agreement(charter, terms.get(name, HubTerms())) for name, charter in charters]
    bases = {
        one.own_basis(item.code): item.title
        for one in agreements
        for item in one.charter.lawful_bases
    }
    return {
        Field.INVOLVEMENT: sorted(own_types(charters, terms)),
        Field.PERMISSION_BASIS: dict(sorted(bases.items())),
    }


def own_types(
    charters: Iterable[tuple[str, Charter]], terms: Mapping[str, HubTerms]
) -> dict[str, InvolvementType]:
    """The types of involvement, by our own codes, that the charter of any hub has; each charter
    with its hub's name.
    """
    found: dict[str, InvolvementType] = {}
    for name, charter in charters:
        found |= Agreement(charter, terms.get(name, HubTerms())).types
    return found


def findable_types(
    charters: Iterable[tuple[str, Charter]], terms: Mapping[str, HubTerms]
) -> set[str]:
    """The types, in the agency's own words, that some hub's charter makes always findable, with or
    without a lawful basis for it.
    """
    return {
        own
        for charter in charters
        for own, kind in own_types([charter], terms).items()
        if kind.openness == "always_findable"
    }


async def look_at(
    folder: Path, file: ImportFile, progress: Callable[[int], None]
) -> tuple[Imported, list[FileWarning]]:
    """What an import of a file would do now, and what a person must look at before it; its faults
    are listed, and nothing is stored. Raises as `run_import` does, but for doubts.
    """
    async with _read(folder, file, progress) as found:
        return await asyncio.to_thread(found.listed), found.doubts


async def run_import(folder: Path, file: ImportFile, progress: Callable[[int], None]) -> Imported:
    """Import a file, which is read and judged first, and list its faults. It is stored in steps
    between which others write; one that is stopped is finished by importing the file again.

    A type of involvement must be in the charter of a hub that this node has joined, as last seen.
    Before it has joined one, only a type's form is checked; what a charter lacks is not published.
    Raises DoubtfulFileError where something speaks against the file that nobody agreed to,
    RemoteError for a file that cannot be used, LocalError(CONFLICT) where the types that charters
    have changed while it was read, or another file is being imported; nothing is stored then.
    """
    with _alone(folder):
        async with _read(folder, file, progress) as found:
            found.agree()
            steps = found.judged.steps()
            parts = transactions(chain([next(steps), Step(1, found.remember)], steps))
            turn = 0.0
            while together := await asyncio.to_thread(next, parts, None):  # rows are read for it
                await asyncio.sleep(turn)
                await found.engine.write(partial(_store, steps=together))
                turn = OTHERS_TURN
            return await asyncio.to_thread(found.listed)


@asynccontextmanager
async def _read(
    folder: Path, file: ImportFile, progress: Callable[[int], None]
) -> AsyncIterator["_Found"]:
    """Read a file, and judge it on one snapshot of the records."""
    if file.chosen.mapping is None:
        raise LocalError(ErrorCode.NOT_READY, "confirm the mapping first")
    settings = load_settings(folder)
    now = datetime.now(ZoneInfo(settings.time_zone))
    running = _Import(file, file.chosen.mapping, settings, now)
    engine = open_engine(folder)
    try:
        with Spool(folder) as spool:
            before = await engine.read(running.before)
            table, reader = await asyncio.to_thread(running.read, before, spool, progress)
            judging = partial(running.judge, before=before, spool=spool, reader=reader)
            judged, doubts = await engine.read(judging)
            _check(table.reading, judged.report)
            yield _Found(file, engine, table, judged, doubts)
    finally:
        await engine.close()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One import of a node at a time. Raises LocalError(CONFLICT)."""
    with ExitStack() as stack:
        try:
            stack.enter_context(only_one(folder, "import"))
        except LocalError as error:
            raise LocalError(ErrorCode.CONFLICT, IN_TURN) from error
        yield


def _store(tables: NodeTables, steps: Sequence[Step]) -> None:
    for step in steps:
        step.store(tables)


@dataclass(frozen=True)
class _Import:
    """A file on its way in, `now`."""

    file: ImportFile
    mapping: ColumnMapping
    settings: NodeSettings
    now: datetime

    def before(self, tables: NodeTables) -> _Before:
        """What is here when the reading begins."""
        return followed_charters(tables), tables.seen.of_feed(self.mapping.title)

    def read(
        self, before: _Before, spool: Spool, progress: Callable[[int], None]
    ) -> tuple[Table, RowReader]:
        """Read all rows, but for those that were seen before. Raises RemoteError."""
        types = frozenset(own_types(before[0], self.settings.hubs)) if before[0] else None
        check_types(self.mapping, types)
        terms = Terms(self.now.date(), types, ZoneInfo(self.settings.time_zone))
        with self.file.path.open("rb") as stream:
            table = read_table(stream, sheet=self.file.sheet)
            watched = replace(table, lines=_watched(table.lines, stream, progress))
            key = key_of(self.mapping, table.header, terms)
            seen = SeenRows(before[1], key, int(self.now.timestamp()))
            reader = RowReader(watched, self.mapping, terms, FileLook(self.mapping), seen)
            spool.again = reader.again
            spool.put(reader.rows())
        return table, reader

    def judge(
        self, tables: NodeTables, before: _Before, spool: Spool, reader: RowReader
    ) -> tuple[Judged, list[FileWarning]]:
        """What the rows that were read do, and what nobody has looked at of what speaks against
        them. Raises LocalError(CONFLICT).
        """
        mapping, hubs, (charters, _) = self.mapping, self.settings.hubs, before
        if own_types(followed_charters(tables), hubs) != own_types(charters, hubs):
            raise LocalError(ErrorCode.CONFLICT, CHARTER_CAME)
        findable, by_law = findable_types(charters, hubs), tables.findable.anywhere()
        feed = Feed(mapping.title, mapping.everything_of, findable | by_law, by_law)
        judged = judge(tables, spool, reader.seen.now, feed, reader)
        warnings = [*reader.look.warnings(), *judged.report.warnings]
        return judged, [
            one for one in warnings if one.key is None or not tables.held.is_agreed(one.key)
        ]


@dataclass(frozen=True)
class _Found:
    """A file that was read and judged; `doubts`: what a person must look at."""

    file: ImportFile
    engine: NodeEngine
    table: Table
    judged: Judged
    doubts: list[FileWarning]

    def agree(self) -> None:
        """Go on if a person has looked at all of this. Raises DoubtfulFileError."""
        agreed = self.file.agreed
        if agreed is None:
            return
        if left := [one for one in self.doubts if one not in agreed]:
            self._list("missing", write_missing, self.judged.report.missing)
            raise DoubtfulFileError([one for one in self.doubts if one in agreed] + left)

    def remember(self, tables: NodeTables) -> None:
        """Keep in mind what a person has looked at."""
        tables.held.agree([one.key for one in self.doubts if one.key], self.judged.plan.now)

    def listed(self) -> Imported:
        """What is done, its faults listed beside the file."""
        report = self.judged.report
        return Imported(
            self.table.reading,
            report,
            self.table.sheet,
            rejects=self._list("rejected", write_faults, report.errors),
            notes=self._list("notes", write_faults, report.notes),
            missing=self._list("missing", write_missing, report.missing),
        )

    def _list(
        self, kind: str, write: Callable[[Path, Sequence[Any]], None], items: Sequence[object]
    ) -> Path | None:
        """Write a list, where there is anything to list."""
        if not items:
            return None
        path = self.file.beside / f"{self.file.path.stem}.{kind}.csv"
        write(path, items)
        return path


def _check(reading: Reading, report: ImportReport) -> None:
    """Every line of the file is accounted for, or nothing is stored. Raises RemoteError."""
    if not reading.adds_up or reading.rows != report.stored + report.rejected:
        raise RemoteError(
            ErrorCode.BAD_FILE,
            "the lines and rows of this file do not add up, which is a fault of this program: "
            "nothing was stored; tell whoever looks after it",
        )


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise LocalError(ErrorCode.NOT_FOUND, f"there is no file {path.name}")


def _watched(
    lines: Iterator[Line], stream: BinaryIO, progress: Callable[[int], None]
) -> Iterator[Line]:
    """The same lines, telling now and then how many bytes of the file were read."""
    for number, line in enumerate(lines):
        if number % LINES_A_STEP == 0:
            progress(stream.tell())
        yield line
