"""Files that people import on the pages: read, looked at, taken in, and gone again.

The importing itself is the command's (node/actions/importing.py), and so is the judging, which says
what it would do. All that is done with a file stands in its row, so that whatever stops goes on:
nothing stays half done, and nothing that was typed is lost.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from node.actions.importing import (
    ChosenMapping,
    DoubtfulFileError,
    Imported,
    ImportFile,
    look_at,
    run_import,
)
from node.actions.records import publish_now
from node.records.importer.columns import columns_of
from node.records.importer.look import FileWarning
from node.records.importer.mapping import load_mapping
from node.records.importer.reader import read_table
from node.service import NodeService
from node.store.people import Act, Deed
from node.store.tables import NodeEngine, NodeTables
from node.store.uploads import OVER, UNDER_WAY, SavedMapping, Upload, UploadState
from node.views.uploads import report_value
from protocol.errors import ErrorCode, LocalError, PatchworkError
from runtime.faults import place_of
from runtime.logs import log

UNFINISHED_SECONDS = 24 * 3600
OVER_SECONDS = 7 * 24 * 3600
TIDY_SECONDS = 3600
MOST_WAITING = 10
MORE_DOUBTS = "more doubts"
"""Why a file that was looked at was not imported: something came up since."""
LISTS = ("rejected", "notes", "missing")
_WARNINGS = TypeAdapter(list[FileWarning])


class BrokenOffError(Exception):
    """The node stops while a file is read."""


@dataclass
class UploadDesk:
    """The uploads of one running node. `jobs`: what is being done now, by an upload's number, and
    `read`: how many bytes of it have been read.
    """

    engine: NodeEngine
    services: Sequence[NodeService]
    jobs: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    stopping: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def folder(self) -> Path:
        """The node's."""
        return self.services[0].membership.folder

    @property
    def now(self) -> int:
        """Unix seconds."""
        return self.services[0].membership.env.clock()

    def place(self, upload: int) -> Path:
        """The folder of an upload: the file, and the lists that are made of it."""
        return self.folder / "uploads" / str(upload)

    def file(self, upload: int) -> Path:
        """An upload's file, while there is one."""
        return self.place(upload) / "clients.file"

    def list_file(self, upload: int, kind: str) -> Path:
        """A list that was made of a file: `rejected`, `notes` or `missing`."""
        return self.place(upload) / f"clients.{kind}.csv"

    def incoming(self) -> Path:
        """A path for a file that is on its way here."""
        folder = self.folder / "uploads"
        folder.mkdir(mode=0o700, exist_ok=True)
        random = self.services[0].membership.env.random(8).hex()
        return folder / f"{random}.incoming"

    async def begin(self, person: int, name: str, path: Path) -> int:
        """Take a file that has come, and read it; its number. Raises LocalError(CONFLICT)."""
        now = self.now

        def work(tables: NodeTables) -> int:
            if sum(one.state not in OVER for one in tables.uploads.all()) >= MOST_WAITING:
                detail = "too many files wait to be imported: remove one, or go on with it"
                raise LocalError(ErrorCode.CONFLICT, detail)
            return tables.uploads.add(person, name, now)

        try:
            upload = await self.engine.write(work)
            await asyncio.to_thread(self._put, path, upload)
        finally:
            self.drop(path)
        await self.go_on(upload)
        return upload

    def drop(self, path: Path) -> None:
        """Keep nothing of a file that is not taken."""
        path.unlink(missing_ok=True)

    def lists(self, upload: int) -> list[str]:
        """Which lists were made of a file."""
        return [kind for kind in LISTS if self.list_file(upload, kind).exists()]

    def _put(self, path: Path, upload: int) -> None:
        shutil.rmtree(self.place(upload), ignore_errors=True)  # of a database that was put back
        self.place(upload).mkdir(mode=0o700)
        path.rename(self.file(upload))

    async def go_on(self, upload: int, wait: float = 2.0) -> None:
        """Do what is to be done with a file now, if nobody does; wait a little for its end."""
        found = await self.engine.read(lambda tables: tables.uploads.get(upload))
        if found is not None and upload not in self.jobs and found.state in UNDER_WAY:
            work = {
                UploadState.READING: self._read,
                UploadState.LOOKING: self._look,
                UploadState.IMPORTING: self._take,
            }[found.state]
            self.read[upload] = 0
            self.jobs[upload] = asyncio.create_task(self._guarded(found, work(found)))
        if (job := self.jobs.get(upload)) is not None:
            await asyncio.wait([job], timeout=wait)

    async def choose(self, upload: int, mapping: str) -> None:
        """Look what an import by this mapping (TOML) would do. Raises RemoteError."""
        load_mapping(mapping)
        now, after = self.now, UploadState.LOOKING

        def work(tables: NodeTables) -> None:
            moved = [
                tables.uploads.move(upload, before, after, now)
                for before in (UploadState.READ, UploadState.LOOKED)
            ]
            if any(moved):
                tables.uploads.change(upload, now, mapping=mapping, chosen="", report="")

        await self.engine.write(work)
        await self.go_on(upload)

    async def take(self, upload: int) -> None:
        """Import a file that was looked at, with what its report asks agreed to."""
        now, (before, after) = self.now, (UploadState.LOOKED, UploadState.IMPORTING)
        await self.engine.write(lambda tables: tables.uploads.move(upload, before, after, now))
        await self.go_on(upload)

    async def remove(self, upload: int) -> None:
        """Keep nothing of a file. An import is not undone."""
        await self.engine.write(lambda tables: tables.uploads.remove(upload))
        await asyncio.to_thread(shutil.rmtree, self.place(upload), ignore_errors=True)

    def percent(self, upload: int) -> int:
        """How much of a file has been read, of a hundred."""
        with suppress(OSError):
            size = self.file(upload).stat().st_size
            return min(100, self.read.get(upload, 0) * 100 // max(1, size))
        return 100

    async def beside(self, _app: object) -> AsyncIterator[None]:
        """What runs while the pages are served: nothing is left for longer than it may be."""
        await asyncio.to_thread(self._clear_broken)
        for one in await self.engine.read(lambda tables: tables.uploads.all()):
            await self.go_on(one.id, wait=0)
        tidying = asyncio.create_task(self._tidy_now_and_then())
        yield
        self.stopping = True
        tidying.cancel()
        for job in self.jobs.values():
            job.cancel()
        await asyncio.gather(tidying, *self.jobs.values(), return_exceptions=True)

    async def tidy(self) -> None:
        """Remove files that nobody goes on with, what is left of others, and old reports."""
        now = self.now

        def old(one: Upload) -> bool:
            return one.at <= now - (OVER_SECONDS if one.state in OVER else UNFINISHED_SECONDS)

        found = await self.engine.read(lambda tables: tables.uploads.all())
        for one in found:
            if old(one) and one.id not in self.jobs:
                await self.remove(one.id)
        known = {str(one.id) for one in found}
        await asyncio.to_thread(self._clear, known, now - UNFINISHED_SECONDS)

    def _clear(self, known: Collection[str], before: int) -> None:
        for path in (self.folder / "uploads").glob("*"):
            if path.name not in known and path.stat().st_mtime <= before:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()

    def _clear_broken(self) -> None:
        """Remove what a node that was killed has left of files that were on their way."""
        for path in (self.folder / "uploads").glob("*.incoming"):
            path.unlink()

    async def _tidy_now_and_then(self) -> None:
        while True:
            with suppress(PatchworkError, OSError):  # the disk is full: later, then
                await self.tidy()
            await asyncio.sleep(TIDY_SECONDS)

    async def _guarded(self, upload: Upload, work: Coroutine[Any, Any, None]) -> None:
        """Do a job; where it fails, the file goes back to where a person decides, with why."""
        try:
            await work
        except BrokenOffError:
            pass  # the row says what was being done, and it is done when the node runs again
        except PatchworkError as error:
            bad = error.code is ErrorCode.BAD_FILE
            await self._back(upload, error.detail if bad else f"errors.{error.code.value}")
        except OSError:  # the disk is full, or the file is not there any more
            await self._back(upload, f"errors.{ErrorCode.STORAGE.value}")
        except Exception as error:  # noqa: BLE001 - a job has nobody above it, logged by type only
            log.critical("unforeseen", error=type(error).__name__, at=place_of(error))
            await self._back(upload, "errors.other")
        finally:
            self.jobs.pop(upload.id, None)

    async def _back(self, upload: Upload, why: str) -> None:
        if upload.state is UploadState.IMPORTING and why.startswith("errors."):
            why = "errors.stopped"
        back = {UploadState.READING: UploadState.REFUSED, UploadState.LOOKING: UploadState.READ}
        after = back.get(upload.state, UploadState.LOOKED)
        if after is UploadState.REFUSED:
            await asyncio.to_thread(shutil.rmtree, self.place(upload.id), ignore_errors=True)
        with suppress(LocalError):  # it stays as it is, and is tried again
            await self._change(upload, after, why=why)

    async def _change(self, upload: Upload, state: UploadState, **values: str) -> None:
        said, now = {"why": "", **values, "state": state.value}, self.now
        await self.engine.write(lambda tables: tables.uploads.change(upload.id, now, **said))

    def _progress(self, upload: int) -> Callable[[int], None]:
        def progress(read: int) -> None:
            if self.stopping:
                raise BrokenOffError
            self.read[upload] = read

        return progress

    async def _read(self, upload: Upload) -> None:
        columns = await asyncio.to_thread(self._columns, upload.id, self._progress(upload.id))
        await self._change(upload, UploadState.READ, columns=columns)

    def _columns(self, upload: int, progress: Callable[[int], None]) -> str:
        with self.file(upload).open("rb") as stream:
            found = columns_of(read_table(stream), lambda: progress(stream.tell()))
        return json.dumps([asdict(column) for column in found])

    def _import_file(self, upload: Upload, agreed: Collection[FileWarning] | None) -> ImportFile:
        chosen = ChosenMapping(load_mapping(upload.mapping))
        return ImportFile(self.file(upload.id), chosen, self.place(upload.id), None, agreed)

    async def _look(self, upload: Upload) -> None:
        for kind in LISTS:
            self.list_file(upload.id, kind).unlink(missing_ok=True)
        file, progress = self._import_file(upload, ()), self._progress(upload.id)
        found, doubts = await look_at(self.folder, file, progress)
        warnings = _WARNINGS.dump_python(doubts, mode="json")
        report = report_value(found.report, found.reading, warnings)
        await self._change(upload, UploadState.LOOKED, report=json.dumps(report))

    async def _take(self, upload: Upload) -> None:
        seen = json.loads(upload.report)
        agreed = _WARNINGS.validate_python(seen["warnings"])
        file = self._import_file(upload, agreed)
        try:
            async with self.turn:  # one file after the other
                done = await run_import(self.folder, file, self._progress(upload.id))
        except DoubtfulFileError as doubtful:
            warnings = _WARNINGS.dump_python(list(doubtful.warnings), mode="json")
            report = json.dumps({**seen, "warnings": warnings})
            await self._change(upload, UploadState.LOOKED, report=report, why=MORE_DOUBTS)
            return
        await self._tell(upload, await self._taken(upload, done))

    async def _taken(self, upload: Upload, done: Imported) -> dict[str, Any]:
        """It is in: the mapping is kept for the next time, and the file goes."""
        title, now = load_mapping(upload.mapping).title, self.now
        report = report_value(done.report, done.reading, [])

        def work(tables: NodeTables) -> None:
            tables.uploads.save_mapping(SavedMapping(title, upload.mapping, now))
            tables.people.acted(Act(upload.person, Deed.IMPORTED, title, now))
            state = UploadState.DONE.value
            tables.uploads.change(
                upload.id, now, state=state, report=json.dumps(report), columns="", chosen=""
            )

        await self.engine.write(work)
        await asyncio.to_thread(self.file(upload.id).unlink, missing_ok=True)
        return report

    async def _tell(self, upload: Upload, report: dict[str, Any]) -> None:
        """Let others find who came, and no longer who is over; what a hub does not hear now it
        hears with the next publication.
        """
        told = True
        try:
            await publish_now(self.services[0], lambda _step: None)
        except PatchworkError:
            told = False
        await self._change(upload, UploadState.DONE, report=json.dumps({**report, "told": told}))
