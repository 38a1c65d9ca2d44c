"""Whatever happens to an agency's file on its way: nobody new appears, nobody is lost unsaid.

A clean file of invented clients is imported, some of them withdraw, and the file comes again,
damaged in any of the ways that files are. What holds then is said below.
"""

import asyncio
import csv
import io
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.actions.importing import ChosenMapping, Imported, ImportFile, run_import
from node.records.importer.mapping import load_mapping
from node.store.permissions import At
from node.store.records import Client
from node.store.tables import NodeTables, open_engine
from protocol.errors import RemoteError

COLUMNS = ("id", "first", "last", "dob", "nhs", "addr", "pc")
FIELDS = ("local_id", "given", "family", "date_of_birth", "nhs_number", "address", "postcode")
MAPPING = load_mapping(
    "format = 1\n"
    + "".join(
        f'[fields.{name}]\ncolumn = "{column}"\n'
        for name, column in zip(FIELDS, COLUMNS, strict=True)
    )
    + '[fields.involvement]\nfixed = "housing_tenancy"\n'
    + '[fields.permission_basis]\nfixed = "UK-CONSENT"\n'
    + '[fields.permission_valid_until]\nfixed = "2099-12-31"\n'
)
# Nobody shares a name, a birthday, a postcode or a number with anybody: whoever is found is one.
PEOPLE = [
    ["00101", "Erin", "Plattworth", "1987-06-23", "9990123454", "27 Quayside Row", "LX4 2BD"],
    ["00102", "Zoë", "Müllerby", "1990-02-11", "", "3 Mill Bank", "LX9 8ZZ"],
    ["00103", "Renée", "O’Dwyer", "14/03/1975", "9993001015", "Flat 2, 9 Elm Road", "LX5 1QA"],
    ["00104", "Samir", "Tolland", "1969-11-30", "", "8 Spindle Court", "LX6 3TT"],
    ["00105", "Carys", "Harkerly", "25/12/2001", "", "9 Weavers Yard", "LX7 4QD"],
]
BOUND = {person[0].lstrip("0"): person for person in PEOPLE}


@dataclass
class Damaged:
    """A file on its way: its rows, what stands around them, and how it is written down."""

    rows: list[list[str]]
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    separator: str = ","
    swallow: int | None = None
    tail: str = ""

    def data(self) -> bytes:
        lines = []
        for number, row in enumerate([list(COLUMNS), *self.rows]):
            out = io.StringIO()
            csv.writer(out, delimiter=self.separator, lineterminator="").writerow(row)
            line = out.getvalue() + self.tail
            if number and self.swallow in (number - 1, number - 2) and '"' not in line:
                cells = line.split(self.separator)
                cells[5] = f'"{cells[5]}' if number - 1 == self.swallow else f'{cells[5]}"'
                line = self.separator.join(cells)
            lines.append(line)
        return "\r\n".join([*self.before, *lines, *self.after]).encode()


def mojibake(text: str) -> str:
    return text.encode().decode("cp1252", "replace")


IDS = ["{0}", "{1}", "{1}.0", "'{0}", " {0} ", '="{0}"', "1.01E+02", "#N/A", ""]
NOTHING = ["", "#N/A", "Not recorded", "n/a", "-", "TBC", "####", "NULL", "(unknown)"]
DAYS = ["", "0000-00-00", "1753-01-01", "1900-01-01", "1987", "00/06/1987", "31951", "23/06/87",
        "31/02/1990", "2999-01-01", "#VALUE!"]  # fmt: skip
NUMBERS = ["", "0000000000", "9.99012E+09", "9990123455", "-", "12", "#REF!"]
CODES = ["", "LX4 2BO", "SE10", "BFPO 58", "D02 X285", "Zyxw", "#N/A", "75001"]
CELLS = {"day": (3, DAYS), "number": (4, NUMBERS), "code": (6, CODES)}
LINES = ["", ",,,,,,", "Total,5,,,,,", "(5 rows affected)", ",".join(COLUMNS), "End of report"]


def one_change(draw: st.DrawFn, row: list[str]) -> None:
    """What may happen to one field of a row."""
    kind = draw(st.sampled_from(["none", "none", "id", "name", "text", *CELLS]))
    if kind == "id":
        row[0] = draw(st.sampled_from(IDS)).format(row[0], row[0].lstrip("0"))
    elif kind == "name":
        row[draw(st.sampled_from([1, 2]))] = draw(st.sampled_from(NOTHING))
    elif kind == "text":
        row[1], row[2] = mojibake(row[1]), mojibake(row[2])
    elif kind in CELLS:
        place, choices = CELLS[kind]
        row[place] = draw(st.sampled_from(choices))


@st.composite
def damaged(draw: st.DrawFn) -> Damaged:
    """What may happen to a file: to one field of each row, and to the file around them."""
    rows = [list(person) for person in draw(st.permutations(PEOPLE))]
    for row in rows:
        one_change(draw, row)
    separator = draw(st.sampled_from([",", ",", ";", "\t"]))
    after = draw(st.lists(st.sampled_from(LINES), max_size=3))
    return Damaged(
        rows,
        draw(st.sampled_from([[], [], ["Tenants in May"], ["", "Run by night"]])),
        [line.replace(",", separator) for line in after],
        separator,
        draw(st.sampled_from([None, None, *range(len(rows) - 1)])),
        separator * draw(st.sampled_from([0, 0, 1, 2])),
    )


async def bring(folder: Path, data: bytes) -> Imported:
    """Import these bytes; whatever is asked is agreed to."""
    (folder / "clients.csv").write_bytes(data)
    file = ImportFile(folder / "clients.csv", ChosenMapping(MAPPING), folder, agreed=None)
    return await run_import(folder, file, lambda _: None)


async def withdraw(folder: Path, local_ids: list[str]) -> list[Client]:
    """Withdraw these; who is here then."""
    engine = open_engine(folder)

    def work(tables: NodeTables) -> list[Client]:
        for client in tables.records.clients(local_ids).values():
            tables.records.withdraw(client.id, 1790000000)
        return tables.records.clients_after(0, 1000)

    found = await engine.write(work)
    await engine.close()
    return found


async def here(folder: Path) -> tuple[list[Client], set[str]]:
    """Who is here, and whose permission is in force."""
    engine = open_engine(folder)

    def work(tables: NodeTables) -> tuple[list[Client], set[str]]:
        clients = tables.records.clients_after(0, 1000)
        live = tables.records.all_in_force([client.id for client in clients], At("", 1790000001))
        return clients, {client.local_id for client in clients if client.id in live}

    found = await engine.read(work)
    await engine.close()
    return found


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node that has taken in the clean file."""
    folder = tmp_path_factory.mktemp("clean")
    (folder / "node.toml").write_text("")
    clean = asyncio.run(bring(folder, Damaged([list(person) for person in PEOPLE]).data()))
    assert (clean.report.new, clean.report.errors) == (len(PEOPLE), [])
    return folder


def owner(local_id: str) -> list[str] | None:
    """Whose an id is, whatever a spreadsheet made of it."""
    plain = local_id.strip("'=\" ").removesuffix(".0").lstrip("0")
    return BOUND.get(plain)


def values(person: list[str]) -> set[str | None]:
    """Everything that a record of somebody may hold: what was written, mended, or nothing."""
    return {*person, mojibake(person[1]), mojibake(person[2]), None}


@settings(deadline=None, max_examples=settings().max_examples // 4)
@given(file=damaged(), gone=st.sets(st.sampled_from([person[0] for person in PEOPLE])))
def test_a_damaged_file_makes_nobody_and_loses_nobody_unsaid(
    imported: Path, file: Damaged, gone: set[str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "node"
        shutil.copytree(imported, folder)
        asyncio.run(check(folder, file, gone))


async def check(folder: Path, file: Damaged, gone: set[str]) -> None:
    before = await withdraw(folder, sorted(gone))
    try:
        done = await bring(folder, file.data())
    except RemoteError:
        assert (await here(folder))[0] == before, "what is refused changes nothing"
        return
    clients, live = await here(folder)
    reading, report = done.reading, done.report
    lines = file.data().decode().split("\r\n")
    assert reading.lines == len(lines) - (not lines[-1])
    assert reading.adds_up
    assert reading.rows == report.stored + report.rejected

    for client in clients:
        person = owner(client.local_id)
        assert person is not None, "no third person appears"
        shown = {
            client.record.given,
            client.record.family,
            (client.record.address or "").strip('"'),
        }
        assert shown <= values(person), "no record holds two people's fields"
        if person[0] in gone:
            assert client.local_id not in live, "nothing withdrawn comes back"

    left_out = {error.line for error in report.errors}
    of_people = {
        number for number, line in enumerate(lines, 1) if any(one[5] in line for one in PEOPLE)
    }
    assert len(of_people) == len(PEOPLE)
    assert report.stored + len(left_out & of_people) == len(PEOPLE), "nobody is lost unsaid"
