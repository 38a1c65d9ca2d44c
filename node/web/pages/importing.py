"""Importing a file: bringing it, what its import would do, the import, and the rows that were left
out. Which column is what is asked in mapping.py.
"""

import asyncio
import csv
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from aiohttp import web

from node.actions.uploads import MORE_DOUBTS
from node.records.accounts import Role
from node.records.importer.look import MOST_LINES
from node.store.uploads import UNDER_WAY, Upload, UploadState
from node.web.pages.desk import NodePage, NodeVisit
from protocol.errors import ErrorCode, LocalError
from web.forms import InvalidForm
from web.sheets import sheet
from web.site import Answer, Data, Download, Elsewhere, Go, Shown

IMPORTERS = frozenset({Role.MANAGER, Role.ADMINISTRATOR})
ROWS = 1000
WARNINGS = 50


async def show_start(visit: NodeVisit) -> Answer:
    """Ask for a file, and show those that somebody has brought already."""
    person = visit.here.person.id
    uploads = await visit.here.read(lambda tables: tables.uploads.of(person))
    most = visit.here.settings.web_upload_mb
    return Shown("importing/start.html", {"uploads": uploads, "most": most})


async def bring(visit: NodeVisit) -> Answer:
    """Take a file. Of one that is none nothing is kept."""
    desk, file = visit.here.uploads, visit.file
    if file is None or not file.name:
        raise InvalidForm({"file": "importing.wrong.none"})
    path = desk.incoming()
    limit = visit.here.settings.web_upload_mb * 10**6
    size = await file.save(path, "file", limit, "importing.wrong.too_large")
    if not size or not await visit.site.is_still_here(visit):
        desk.drop(path)
        if size:
            raise Elsewhere("/sign-in?then=/import")
        raise InvalidForm({"file": "importing.wrong.empty"})
    try:
        number = await desk.begin(visit.here.person.id, file.name, path)
    except LocalError as error:
        if error.code is not ErrorCode.CONFLICT:
            raise
        raise InvalidForm({"file": "importing.wrong.too_many"}) from None
    upload = await visit.here.read(lambda tables: tables.uploads.get(number))
    if upload is not None and upload.state is UploadState.REFUSED:
        await desk.remove(number)
        raise InvalidForm({"file": "importing.wrong.file"}, why=why_of(visit, upload))
    return Go(f"/import/{number}")


async def show(visit: NodeVisit) -> Answer:
    """Show how far a file is, and what can be done with it now."""
    upload = await mine(visit)
    if upload.state in UNDER_WAY:
        await visit.here.uploads.go_on(upload.id, wait=0)
        values = {"upload": upload, **_progress(visit, upload)}
        return Shown("importing/working.html", values)
    if upload.state is UploadState.READ:
        raise Elsewhere(f"/import/{upload.id}/mapping")
    if upload.state is UploadState.REFUSED:
        values = {"upload": upload, "why": why_of(visit, upload)}
        return Shown("importing/refused.html", values)
    report = json.loads(upload.report)
    lists = visit.here.uploads.lists(upload.id)
    values = {"upload": upload, "report": report, "lists": lists, **_progress(visit, upload)}
    if upload.state is UploadState.DONE:
        return Shown("importing/done.html", values)
    if upload.why and not visit.errors:
        visit.errors = {"": why_of(visit, upload)}
    warnings = [_warning(one) for one in report["warnings"][:WARNINGS]]
    more = len(report["warnings"]) - len(warnings)
    values |= {"seen": _seen(upload), "warnings": warnings, "more": more}
    return Shown("importing/preview.html", values)


async def act(visit: NodeVisit) -> Answer:
    """Import a file as its preview says, or keep nothing of it."""
    upload = await mine(visit)
    what = visit.form.one_of("what", ("import", "remove"), "importing.wrong.what")
    here = Go(f"/import/{upload.id}")
    if upload.state in UNDER_WAY:
        return here
    if what == "remove":
        await visit.here.uploads.remove(upload.id)
        return Go("/import")
    if upload.state is not UploadState.LOOKED:
        return here
    if visit.form.raw("seen") != _seen(upload):
        raise InvalidForm({"": "importing.wrong.changed"})
    report = json.loads(upload.report)
    stored = report["new"] + report["changed"] + report["unchanged"]
    if not stored and "missing" not in visit.here.uploads.lists(upload.id):
        raise InvalidForm({"": "importing.preview.nothing"})
    if report["warnings"] and visit.form.raw("agreed") != "yes":
        raise InvalidForm({"agreed": "importing.wrong.agreed"})
    await visit.here.uploads.take(upload.id)
    return here


async def latest(visit: NodeVisit) -> Answer:
    """What the open page asks for again and again: how far it is."""
    return Data(_progress(visit, await mine(visit)))


async def show_list(visit: NodeVisit) -> Answer:
    """The rows that were left out, or what rows lost, or whose work is missing, as a file."""
    upload, kind = await mine(visit), visit.place["list"]
    if kind not in visit.here.uploads.lists(upload.id):
        raise web.HTTPNotFound
    path = visit.here.uploads.list_file(upload.id, kind)
    say = visit.site.say
    columns = ("client", "work") if kind == "missing" else ("line", "field", "reason")
    head = [say(f"importing.rows.{name}") for name in columns]
    pages = _pages(path) if kind == "missing" else _in_words(visit, _pages(path))
    return Download(sheet(head, pages), f"{kind}.csv", "text/csv")


async def mine(visit: NodeVisit) -> Upload:
    """One's own file by the number in an address. Raises HTTPNotFound."""
    number = visit.number("upload")
    upload = await visit.here.read(lambda tables: tables.uploads.get(number))
    if upload is None or upload.person != visit.here.person.id:
        raise web.HTTPNotFound
    return upload


def why_of(visit: NodeVisit, upload: Upload) -> str:
    """What kept a file from going further, as a sentence."""
    say = visit.site.look.words
    if upload.why == MORE_DOUBTS:
        return say("importing.wrong.more_doubts")
    if upload.why.startswith("errors."):
        return say(upload.why if say.has(upload.why) else "errors.other")
    name, between, rest = upload.why.partition(": ")
    key = f"importing.field.{name}"
    said = f"{say(key)}: {rest}" if between and say.has(key) else upload.why
    if " Nothing was stored. Export dates" in said:  # what follows is for a file of a mapping
        said = said.partition(", but the mapping")[0] + ". " + say("importing.wrong.order")
    said = f"{said[:1].upper()}{said[1:]}"
    return said if said.endswith(".") else f"{said}."


def _progress(visit: NodeVisit, upload: Upload) -> dict[str, Any]:
    desk = visit.here.uploads
    told = bool(upload.report) and json.loads(upload.report)["told"] is not None
    busy = upload.id in desk.jobs
    mark = f"{upload.state.value} {told} {busy}"
    return {"percent": desk.percent(upload.id), "mark": mark, "busy": busy}


def _seen(upload: Upload) -> str:
    """A mark of a preview: what was shown is what is agreed to."""
    return sha256(f"{upload.mapping}\0{upload.report}".encode()).hexdigest()[:16]


def _warning(one: dict[str, Any]) -> dict[str, Any]:
    lines = one["lines"]
    return {**one, "lines": lines[:MOST_LINES], "others": max(0, len(lines) - MOST_LINES)}


async def _pages(path: Path) -> AsyncIterator[list[list[str]]]:
    with await asyncio.to_thread(path.open, encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows, None)
        while page := await asyncio.to_thread(lambda: list(islice(rows, ROWS))):
            yield page


async def _in_words(
    visit: NodeVisit, pages: AsyncIterator[list[list[str]]]
) -> AsyncIterator[list[list[str]]]:
    say = visit.site.say
    async for page in pages:
        yield [[line, say(f"importing.field.{name}"), reason] for line, name, reason in page]


PAGES = [
    NodePage("/import", IMPORTERS, show_start, bring, nav="importing.start.nav", takes_file=True),
    NodePage("/import/{upload}", IMPORTERS, show, act),
    NodePage("/import/{upload}/latest", IMPORTERS, latest, polled=True),
    NodePage("/import/{upload}/lists/{list}", IMPORTERS, show_list),
]
