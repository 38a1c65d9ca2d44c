"""Importing a file on the pages: what is shown before, what is stored, and what is left of it."""

import asyncio
import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import DummyCookieJar, FormData
from aiohttp.test_utils import TestClient, TestServer
from openpyxl import Workbook

from node.records.accounts import Role
from node.store.uploads import Upload, UploadState
from node.web.pages.importing import _seen
from node.web.pages.site import node_site
from storage.accounts import hashed
from tests.sim.federation import SimNode
from tests.sim.visitors import Visitor, visiting
from web.sent import SentFile

HEAD = "Client Id,First name,Surname,DoB,Postcode,Team,Practitioner\n"
ROWS = (
    "x1,Erin,Plattworth,23/06/2019,LX4 2BD,North,N. Worker\n"
    "x2,Renee,Orr,01/02/2018,LX4 2BE,North,N. Worker\n"
)
SHARED = {
    "type": "health_visiting", "basis": "UK-CA04-S10-S11", "until-day": "31", "until-month": "12",
    "until-year": "2027", "order": "day_first", "title": "North team",
}  # fmt: skip


@pytest.fixture
async def importers(
    agencies: tuple[SimNode, SimNode],
) -> AsyncIterator[dict[Role | None, Visitor]]:
    """The pages of health visiting, with settings in its folder as a command has them."""
    (agencies[0].folder / "node.toml").touch()
    async with visiting(agencies[0]) as found:
        yield found


async def test_a_file_is_looked_at_before_anything_of_it_is_stored_and_then_imported(
    importers: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    manager, health = importers[Role.MANAGER], agencies[0]
    path = await brought(
        manager, HEAD + ROWS + "x3,Ann,Bell,31/02/2018,,North,N. Worker\n,A,B,,,,\n"
    )
    assert await where(manager, path) == f"{path}/mapping"
    assert await where(manager, f"{path}/mapping") == f"{path}/columns"
    asked = await text(manager, f"{path}/columns")
    assert "Plattworth" in asked
    chosen = dict(re.findall(r'name="(column-\d)".*?value="([a-z_]+)" selected', asked, re.DOTALL))
    assert set(chosen.values()) == {
        "local_id", "given", "family", "date_of_birth", "postcode", "team", "worker",
    }  # fmt: skip
    await posted(manager, f"{path}/columns", chosen)
    await posted(manager, f"{path}/codes", SHARED)
    said = await text(manager, path)
    assert counts_in(said)[:5] == ["4", "3", "0", "0", "1"]
    assert cells(said, "Rows that are left") == ["5", "Your own number", "the local id is missing"]
    assert "Date of birth" in said
    assert await known(health, "x1") is False
    place = health.folder / "uploads" / path.rpartition("/")[2]
    assert mode(place / "clients.file") == "600"
    await posted(manager, path, {"what": "import", "seen": seen(said)})
    done = await finished(manager, path)
    assert "The file was imported" in done
    assert "Other organisations can find those who may be found." in done
    assert await known(health, "x1")
    assert not (place / "clients.file").exists()
    rows = await manager.get(f"{path}/lists/rejected")
    assert (await rows.text()).splitlines()[1] == "5,Your own number,the local id is missing"
    assert await health.read(lambda t: [one.what.value for one in t.people.acts()]) == ["imported"]
    published = await health.read(lambda t: t.stubs.has(t.records.client("x1").id))  # type: ignore[union-attr]
    assert published


async def test_the_next_file_of_the_kind_needs_no_more_than_two_answers(
    importers: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    manager, health = importers[Role.MANAGER], agencies[0]
    await imported(manager, HEAD + ROWS)
    path = await brought(importers[Role.ADMINISTRATOR], HEAD + ROWS.replace("Renee", "Renata"))
    assert "North team" in await text(importers[Role.ADMINISTRATOR], f"{path}/mapping")
    await posted(importers[Role.ADMINISTRATOR], f"{path}/mapping", {"mapping": "0"})
    said = await text(importers[Role.ADMINISTRATOR], path)
    assert counts_in(said)[:5] == ["2", "0", "1", "1", "0"]
    await posted(importers[Role.ADMINISTRATOR], path, {"what": "remove"})
    assert (await importers[Role.ADMINISTRATOR].get(path)).status == 404
    record = await health.read(lambda t: t.records.client("x2").record)  # type: ignore[union-attr]
    assert record.given == "Renee"
    assert list((health.folder / "uploads").glob("*/clients.file")) == []


def workbook(*rows: tuple[str, ...]) -> bytes:
    book, made = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(made)
    return made.getvalue()


def bomb() -> bytes:
    """A workbook of a megabyte whose sheet unpacks to more than may be."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(520):
                sheet.write(b" " * 2**20)
    return made.getvalue()


NO_FILES = (
    (b"", "The file is empty"),
    (b"\n\n", "The file is empty"),
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "not UTF-8"),
    (b"\xd0\xcf\x11\xe0" + bytes(600), "save it as .xlsx"),
    (b"PK\x03\x04" + bytes(600), "damaged"),
    (HEAD.encode() + "x1,Ren\xe9e,Orr,,,,\n".encode("latin-1"), "Line 2 has a byte"),
    (b"id,name\n" + b'1,"' + b"a" * 20_000, "Line"),
    (b"a" * 1_500_000, "larger than 1 MB"),
)


async def test_what_is_no_file_of_clients_is_refused_in_a_sentence_and_not_kept(
    importers: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    manager, health = importers[Role.MANAGER], agencies[0]
    health.service.settings.__dict__["web_upload_mb"] = 1
    for content, sentence in (*NO_FILES, (bomb(), "unpacks to too much")):
        answer = await send(manager, content, "clients.csv")
        said = await answer.text()
        assert (answer.status, sentence in said) == (400, True), sentence
        assert said.count('class="govuk-error-message"') == 1
    answer = await send(manager, b"", "")
    assert "Choose a file" in await answer.text()
    answer = await manager.post("/import", file="clients.csv")
    assert answer.status == 400
    assert list((health.folder / "uploads").iterdir()) == []
    assert await health.read(lambda t: t.uploads.all()) == []


async def test_a_workbook_that_is_called_a_csv_is_read_as_what_it_is(
    importers: dict[Role | None, Visitor],
) -> None:
    manager = importers[Role.MANAGER]
    path = await brought(manager, workbook(("Client Id", "Surname"), ("00123", "Orr")))
    assert "00123" in await text(manager, f"{path}/columns")


async def test_what_speaks_against_a_file_is_agreed_to_before_it_is_stored(
    importers: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    manager, health = importers[Role.MANAGER], agencies[0]
    twice = "x4,Erin,Plattworth,23/06/2019,LX4 2BD,North,N. Worker\n"
    path = await mapped(manager, HEAD + ROWS + twice)
    said = await text(manager, path)
    assert "Lines 2, 4: looks like one client under two numbers" in said
    answer = await manager.post(path, what="import", seen=seen(said))
    assert "tick the box if it is right" in await answer.text()
    answer = await manager.post(path, what="import", seen="another preview", agreed="yes")
    assert (answer.status, "look again" in await answer.text()) == (400, True)
    assert not await known(health, "x4")
    await posted(manager, path, {"what": "import", "seen": seen(said), "agreed": "yes"})
    assert "The file was imported" in await finished(manager, path)
    assert await known(health, "x4")


async def test_of_a_file_without_a_row_that_can_be_used_nothing_is_offered(
    importers: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    manager = importers[Role.MANAGER]
    path = await mapped(manager, HEAD + ",Erin,Platt,23/06/2019,,,\n")
    said = await text(manager, path)
    assert "No row of this file can be brought in" in said
    assert "Import this file" not in said
    looked = await upload(agencies[0], int(path.rpartition("/")[2]))
    form = {"what": "import", "seen": _seen(looked), "agreed": "yes"}
    answer = await manager.post(path, **form)
    assert (answer.status, "No row of this file" in await answer.text()) == (400, True)
    assert (await upload(agencies[0], looked.id)).state is UploadState.LOOKED


async def test_dates_that_stand_the_other_way_lead_back_to_the_question(
    importers: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    manager = importers[Role.MANAGER]
    path = await mapped(manager, HEAD + "x1,Erin,Platt,06/23/2019,,,\nx2,Ann,Orr,06/25/2019,,,\n")
    said = await text(manager, f"{path}/codes")
    assert "Date of birth: lines 2 and 3 can only be month first." in said
    assert 'value="North team"' in said
    await posted(manager, f"{path}/codes", {**SHARED, "order": "month_first"})
    assert counts_in(await text(manager, path))[:2] == ["2", "2"]
    assert not await known(agencies[0], "x1")


async def test_a_file_that_does_not_fit_the_kind_that_was_chosen_says_why(
    importers: dict[Role | None, Visitor],
) -> None:
    """The same question came back, without a word."""
    manager = importers[Role.MANAGER]
    first = await brought(manager, HEAD + ROWS)
    asked = await text(manager, f"{first}/columns")
    chosen = dict(re.findall(r'name="(column-\d)".*?value="([a-z_]+)" selected', asked, re.DOTALL))
    await posted(manager, f"{first}/columns", chosen)
    await posted(manager, f"{first}/codes", SHARED)
    await posted(manager, first, {"what": "import", "seen": seen(await text(manager, first))})
    await finished(manager, first)
    american = ROWS.replace("23/06/2019", "06/23/2019").replace("01/02/2018", "12/31/2018")
    path = await brought(manager, HEAD + american)
    await posted(manager, f"{path}/mapping", {"mapping": "0"})
    said = await text(manager, await where(manager, path))
    assert "Date of birth: lines 2 and 3 can only be month first." in said


async def test_codes_of_ones_own_are_said_to_mean_codes_of_the_agreement(
    importers: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    manager, health = importers[Role.MANAGER], agencies[0]
    head, row = "Client Id,Surname,DoB,Service,Status\n", "x{0},Orr{0},1/2/2018,{1},{2}\n"
    rows = "".join(
        row.format(number, *both)
        for number, both in enumerate((("HV", "Active"), ("Health visiting", ""), ("=Spam", "")))
    )
    path = await brought(manager, head + rows)
    columns = {
        "column-0": "local_id", "column-1": "family", "column-2": "date_of_birth",
        "column-3": "involvement",
    }  # fmt: skip
    answer = await manager.post(f"{path}/columns", **columns, **{"column-4": "family"})
    assert "Another column is that already" in await answer.text()
    answer = await manager.post(f"{path}/columns", **{**columns, "column-0": ""})
    assert "Choose the column that has your own number" in await answer.text()
    await posted(manager, f"{path}/columns", {**columns, "column-4": "status"})
    asked = await text(manager, f"{path}/codes")
    assert re.search('<option value="health_visiting" selected', asked)
    codes = {
        "involvement-0": "-", "involvement-1": "health_visiting", "involvement-2": "", "basis": "-",
        "title": "Codes", "status-0": "open",
    }  # fmt: skip
    answer = await manager.post(f"{path}/codes", **codes)
    assert "Choose what this means" in await answer.text()
    await posted(manager, f"{path}/codes", {**codes, "involvement-2": "health_visiting"})
    said = await text(manager, path)
    assert counts_in(said)[:6] == ["3", "2", "0", "0", "1", "2"]
    await posted(manager, path, {"what": "import", "seen": seen(said)})
    await finished(manager, path)
    assert await known(health, "x0")
    assert not await known(health, "x2")


async def test_a_node_that_was_stopped_goes_on_where_it_was(
    importers: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    manager, health = importers[Role.MANAGER], agencies[0]
    path = await mapped(manager, HEAD + ROWS)
    number = int(path.rpartition("/")[2])
    for state in (UploadState.LOOKING, UploadState.IMPORTING):
        said = {"state": state.value}
        await health.write(lambda t, said=said: t.uploads.change(number, 1, **said))  # type: ignore[misc]
        async with started_again(health, manager) as again:
            await finished(again, path)
    assert (await upload(health, number)).state is UploadState.DONE
    assert await known(health, "x1")


async def test_two_people_import_at_once_and_the_back_button_imports_nothing_twice(
    importers: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    health, people = agencies[0], (importers[Role.MANAGER], importers[Role.ADMINISTRATOR])
    one = await mapped(people[0], HEAD + ROWS)
    two = await mapped(people[1], HEAD + ROWS.replace("x1", "y1").replace("x2", "y2"), "South")
    marks = [seen(await text(people[0], one)), seen(await text(people[1], two))]
    forms = [{"what": "import", "seen": mark, "agreed": "yes"} for mark in marks]
    await asyncio.gather(
        posted(people[0], one, forms[0]), posted(people[0], one, forms[0]),
        posted(people[1], two, forms[1]),
    )  # fmt: skip
    for who, path in zip(people, (one, two), strict=True):
        said = await finished(who, path)
        if "Something more speaks against the file" in said:
            await posted(who, path, {"what": "import", "seen": seen(said), "agreed": "yes"})
            said = await finished(who, path)
        assert "The file was imported" in said
    assert await known(health, "x1")
    assert await known(health, "y1")
    acts = await health.read(lambda t: [act.what.value for act in t.people.acts()])
    assert acts == ["imported", "imported"]


async def test_nobody_sees_the_file_of_another_and_one_who_was_signed_out_brings_none(
    importers: dict[Role | None, Visitor],
    agencies: tuple[SimNode, SimNode],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    health, manager = agencies[0], importers[Role.MANAGER]
    path = await brought(manager, HEAD + ROWS)
    for address in (path, f"{path}/columns", f"{path}/codes", f"{path}/latest"):
        answer = await importers[Role.ADMINISTRATOR].get(address)
        assert answer.status == 404
    assert "Plattworth" not in await text(importers[Role.ADMINISTRATOR], "/import")

    real = SentFile.save

    async def meanwhile(file: SentFile, *said: Any) -> int:
        """Somebody ends the session while the file is on its way."""
        await health.write(lambda t: t.sessions.end(hashed(Role.MANAGER.value)))
        return await real(file, *said)

    monkeypatch.setattr(SentFile, "save", meanwhile)
    answer = await send(manager, (HEAD + ROWS).encode(), "clients.csv")
    assert answer.headers["Location"].startswith("/sign-in")
    assert list((health.folder / "uploads").glob("*.incoming")) == []
    assert len(await health.read(lambda t: t.uploads.all())) == 1


async def test_files_that_nobody_goes_on_with_are_removed(
    importers: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    manager, health = importers[Role.MANAGER], agencies[0]
    path = await brought(manager, HEAD + ROWS)
    await imported(manager, HEAD + ROWS)
    day_ago = health.service.membership.env.clock() - 25 * 3600
    for one in await health.read(lambda t: t.uploads.all()):
        await health.write(lambda t, one=one: t.uploads.change(one.id, day_ago))  # type: ignore[misc]
    stray = health.folder / "uploads" / "ab12.incoming"
    stray.write_bytes(b"x1,Erin")
    async with started_again(health, manager) as again:
        for _ in iter(lambda: None, 1):
            if (await again.get(path)).status == 404:
                break
        states = await health.read(lambda t: [one.state.value for one in t.uploads.all()])
    assert states == ["done"]
    assert not stray.exists()
    assert list((health.folder / "uploads").glob("*/clients.file")) == []


async def test_a_list_for_a_spreadsheet_has_no_formula(
    importers: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    manager = importers[Role.MANAGER]
    everybody = {**SHARED, "everything": "yes"}
    rows = ROWS + "@SUM(A1),Ann,Bell,1/1/2018,,North,N. Worker\n"
    path = await mapped(manager, HEAD + rows, form=everybody)
    said = await text(manager, path)
    await posted(manager, path, {"what": "import", "seen": seen(said), "agreed": "yes"})
    await finished(manager, path)
    path = await mapped(manager, HEAD + ROWS, form={**everybody, "replace": "North team"})
    answer = await manager.get(f"{path}/lists/missing")
    lines = (await answer.text()).splitlines()
    assert lines[1:] == ["'@SUM(A1),health_visiting"]


@asynccontextmanager
async def started_again(node: SimNode, who: Visitor) -> AsyncIterator[Visitor]:
    """The same person at the node that was stopped and runs again."""
    service = node.service
    env = service.membership.env
    site = node_site(service.membership.engine, [service], service.settings, env)
    client: Any = TestClient(TestServer(site.application()), cookie_jar=DummyCookieJar())
    async with client:
        yield replace(who, client=client)


async def brought(who: Visitor, content: str | bytes) -> str:
    """The address of a file that somebody brings."""
    raw = content.encode() if isinstance(content, str) else content
    answer = await send(who, raw, "North team.csv")
    assert answer.status == 303, await answer.text()
    return str(answer.headers["Location"])


async def mapped(
    who: Visitor, content: str, title: str = "North team", form: dict[str, str] | None = None
) -> str:
    """The same, with its columns and codes said as they are guessed."""
    path = await brought(who, content)
    asked = await text(who, f"{path}/columns")
    chosen = dict(re.findall(r'name="(column-\d)".*?value="([a-z_]+)" selected', asked, re.DOTALL))
    await posted(who, f"{path}/columns", chosen)
    await posted(who, f"{path}/codes", {**(form or SHARED), "title": title})
    return path


async def imported(who: Visitor, content: str) -> str:
    """The same, imported."""
    path = await mapped(who, content)
    said = await text(who, path)
    await posted(who, path, {"what": "import", "seen": seen(said), "agreed": "yes"})
    await finished(who, path)
    return path


async def send(who: Visitor, content: bytes, name: str) -> Any:
    """Post a file, as a browser does."""
    data = FormData()
    data.add_field("csrf", who.csrf)
    data.add_field("file", io.BytesIO(content), filename=name, content_type="text/csv")
    return await who.client.post(
        "/import", data=data, headers=who.sent_here(), allow_redirects=False
    )


async def posted(who: Visitor, path: str, form: dict[str, str]) -> None:
    answer = await who.post(path, **form)
    assert answer.status == 303, await answer.text()


async def text(who: Visitor, path: str) -> str:
    answer = await who.get(path)
    assert answer.status == 200, (path, answer.status, answer.headers.get("Location"))
    return str(await answer.text())


async def where(who: Visitor, path: str) -> str:
    """Where an address leads."""
    return str((await who.get(path)).headers["Location"])


async def finished(who: Visitor, path: str) -> str:
    """The page of a file once nothing is done with it any more."""
    while True:
        answer = await who.get(f"{path}/latest")
        if not json.loads(await answer.text())["busy"]:
            return await text(who, path)


def counts_in(html: str) -> list[str]:
    return re.findall(r'summary-list__value">([0-9,]+)<', html)


def cells(html: str, caption: str) -> list[str]:
    """The cells of the first row of a table."""
    table = html.partition(caption)[2]
    return re.findall(r'<td class="govuk-table__cell"[^>]*>(.*?)</td>', table)[:3]


def seen(html: str) -> str:
    found = re.search(r'name="seen" value="([0-9a-f]+)"', html)
    assert found is not None
    return found[1]


def mode(path: Path) -> str:
    return f"{path.stat().st_mode & 0o777:o}"


async def known(node: SimNode, local_id: str) -> bool:
    return await node.read(lambda t: t.records.client(local_id) is not None)


async def upload(node: SimNode, number: int) -> Upload:
    found = await node.read(lambda t: t.uploads.get(number))
    assert found is not None
    return found
