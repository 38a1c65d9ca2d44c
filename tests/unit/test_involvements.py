"""Records as agencies have them: several services and workers a client, files that add up, what is
over, and what is missing from a file that has everything (specs/09-imports.md §7 and §8).
"""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from node.records.clients import apply_import, withdraw
from node.records.import_report import ImportReport
from node.records.importer.checks import Terms
from node.records.importer.look import Doubt
from node.records.importer.mapping import load_mapping
from node.records.importer.reader import read_table
from node.records.importer.rows import parse_rows
from node.records.missing import Feed
from node.store.permissions import At
from node.store.records import EndedBy, Involvement
from node.store.tables import NodeEngine, NodeTables, open_engine
from protocol.errors import RemoteError
from protocol.matchkeys.records import ClientRecord

TODAY = date(2026, 11, 21)
NOW = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
DAY = 86_400
COLUMNS = {
    "local_id": "id", "given": "first", "family": "last", "date_of_birth": "dob",
    "nhs_number": "nhs", "postcode": "pc", "involvement": "service", "label": "label",
    "involvement_id": "episode", "status": "status", "started": "from", "ended": "to",
    "last_contact": "seen", "next_visit": "visit", "team": "team", "worker": "worker",
    "worker_phone": "phone", "worker_cover": "cover", "permission_basis": "basis",
    "permission_valid_until": "until", "consent_date": "consent", "mother_local_id": "mother",
}  # fmt: skip
AMIRA = {
    "id": "c1", "first": "Amira", "last": "Hassan", "dob": "2022-03-14", "service": "early_help",
    "team": "North", "worker": "S. Worker", "basis": "UK-CA89-S17", "until": "2027-06-30",
}  # fmt: skip


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[NodeEngine]:
    """An empty node database."""
    made = open_engine(tmp_path)
    yield made
    await made.close()


@dataclass(frozen=True)
class File:
    """A file of these rows; `whole`: types of which it has everything."""

    rows: Sequence[dict[str, str]]
    title: str = "Children's system"
    whole: Sequence[str] = ()
    at: int = NOW

    async def take(self, engine: NodeEngine) -> ImportReport:
        """Import it."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(COLUMNS.values()), restval="")
        writer.writeheader()
        writer.writerows(self.rows)
        fields = "".join(
            f'[fields.{name}]\ncolumn = "{column}"\n' for name, column in COLUMNS.items()
        )
        mapping = load_mapping(f'format = 1\ntitle = "{self.title}"\n{fields}')
        feed = Feed(self.title, self.whole, {"child_protection_plan"})
        table = read_table(io.BytesIO(text.getvalue().encode()))

        def work(tables: NodeTables) -> ImportReport:
            return apply_import(tables, parse_rows(table, mapping, Terms(TODAY)), self.at, feed)

        return await engine.write(work)


def amira(**change: str) -> dict[str, str]:
    return AMIRA | {COLUMNS.get(name, name): value for name, value in change.items()}


def samir(**change: str) -> dict[str, str]:
    return amira(local_id="c2", given="Samir", date_of_birth="2018-01-09", **change)


async def works(engine: NodeEngine, local_id: str = "c1") -> list[Involvement]:
    def read(tables: NodeTables) -> list[Involvement]:
        client = tables.records.client(local_id)
        assert client is not None
        return tables.records.involvements([client.id])

    return await engine.read(read)


async def names(engine: NodeEngine, work: Involvement) -> list[str]:
    found = await engine.read(lambda tables: tables.people.working_on(work.id))
    return [person.title for person in found]


async def record(engine: NodeEngine, local_id: str = "c1") -> ClientRecord:
    client = await engine.read(lambda tables: tables.records.client(local_id))
    assert client is not None
    return client.record


def counts(report: ImportReport) -> tuple[int, int, int]:
    return report.new, report.changed, report.unchanged


async def open_types(engine: NodeEngine, local_id: str = "c1", now: int = NOW + 1) -> list[str]:
    return [item.type for item in await works(engine, local_id) if not item.is_over(now)]


# Rows that add up


async def test_two_services_and_three_workers_in_one_file_are_two_involvements(
    engine: NodeEngine,
) -> None:
    file = File(
        [
            amira(),
            samir(),
            amira(involvement="school_nursing", team="Schools", worker="N. Nurse"),
            amira(worker="T. Second", worker_phone="01632 960 111", worker_cover="D. Duty"),
        ]
    )
    assert counts(await file.take(engine)) == (4, 0, 0)
    first, second = await works(engine)
    assert (first.type, first.team) == ("early_help", "North")
    assert await names(engine, first) == ["S. Worker (North)", "T. Second (North)"]
    assert (second.type, await names(engine, second)) == ("school_nursing", ["N. Nurse (Schools)"])
    (person,) = [
        one
        for one in await engine.read(lambda t: t.people.working_on(first.id))
        if one.name == "T. Second"
    ]
    assert (person.phone, person.cover) == ("01632 960 111", "D. Duty")
    assert counts(await file.take(engine)) == (0, 0, 4), "the same file changes nothing"
    assert [item.id for item in await works(engine)] == [first.id, second.id]


async def test_two_files_one_a_service_add_up_in_any_order_and_say_nothing_twice(
    engine: NodeEngine,
) -> None:
    help_file = File([amira(nhs_number="9990123454")], "Early help")
    nursing = File([amira(involvement="school_nursing", postcode="LX3 4AB")], "Nursing")
    for file in (help_file, nursing, help_file, nursing):
        await file.take(engine)
    assert await open_types(engine) == ["early_help", "school_nursing"]
    kept = await record(engine)
    assert (kept.nhs_number, kept.postcode) == ("9990123454", "LX3 4AB"), (
        "neither erases the other's"
    )
    assert counts(await help_file.take(engine)) == (0, 0, 1)
    assert counts(await nursing.take(engine)) == (0, 0, 1)


async def test_of_two_files_the_one_that_said_something_new_is_believed(engine: NodeEngine) -> None:
    old, new = (File([amira(postcode=code)], title) for code, title in
                (("LX3 4AB", "Early help"), ("LX4 2BD", "Nursing")))  # fmt: skip
    await old.take(engine)
    await new.take(engine)
    await old.take(engine)
    assert (await record(engine)).postcode == "LX4 2BD", "nor does it change back every night"


async def test_a_field_that_the_only_source_empties_is_empty(engine: NodeEngine) -> None:
    await File([amira(nhs_number="9990123454")]).take(engine)
    await File([amira()]).take(engine)
    assert (await record(engine)).nhs_number is None


async def test_a_worker_who_is_no_longer_in_the_file_works_there_no_longer(
    engine: NodeEngine,
) -> None:
    await File([amira(), amira(worker="T. Second")]).take(engine)
    report = await File([amira(worker="T. Second")]).take(engine)
    (work,) = await works(engine)
    assert await names(engine, work) == ["T. Second (North)"]
    assert report.new == 0


async def test_work_is_known_by_the_agencys_own_id_of_it_through_every_other_change(
    engine: NodeEngine,
) -> None:
    await File([amira()]).take(engine)
    await File([amira(involvement_id="E-7")]).take(engine)
    await File([amira(involvement_id="E-7", team="South", involvement="child_in_need")]).take(
        engine
    )
    await File([amira(involvement_id="E-8", team="South", involvement="child_in_need")]).take(
        engine
    )
    first, second = await works(engine)
    assert (first.own_id, first.type, first.team) == ("E-7", "child_in_need", "South")
    assert second.own_id == "E-8", "two episodes of one service are two"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ended": "2026-10-01", "worker": "T. Second"}, ""),
        ({"started": "2026-01-05"}, "started"),
        ({"ended": "2026-09-01"}, "ended"),
        ({"status": "waiting"}, "status"),
        ({"permission_basis": "UK-CONSENT"}, "permission_basis"),
        ({"permission_valid_until": "2027-01-01"}, "permission_valid_until"),
    ],
)
async def test_rows_that_contradict_each_other_about_one_work_are_asked_about(
    engine: NodeEngine, change: dict[str, str], field: str
) -> None:
    first = amira(started="2025-11-03", ended="2026-10-01", status="closed")
    second = {**first, **{COLUMNS[name]: value for name, value in change.items()}}
    report = await File([first, samir(), second]).take(engine)
    doubts = [one for one in report.warnings if one.doubt is Doubt.WORK_DIFFERS]
    if not field:
        assert not doubts
        return
    assert [(one.lines, one.field) for one in doubts] == [((2, 4), field)]
    (error,) = report.errors
    assert (error.line, error.field) == (4, field)
    assert error.reason == "line 2 says otherwise of the same work"
    (work,) = await works(engine)
    assert work.started_on == "2025-11-03", "if somebody agrees, the first row counts"


async def test_rows_of_one_client_that_differ_in_the_client_are_asked_about(
    engine: NodeEngine,
) -> None:
    rows = [amira(nhs_number="9990123454"), amira(nhs_number="9990123462", involvement="housing")]
    report = await File(rows).take(engine)
    assert [(one.doubt, one.lines, one.field) for one in report.warnings] == [
        (Doubt.CLIENT_DIFFERS, (2, 3), "nhs_number")
    ]


async def test_what_a_person_has_agreed_to_is_known_again_and_something_else_is_not(
    engine: NodeEngine,
) -> None:
    async def keys(number: str, status: str) -> list[str]:
        rows = [
            amira(nhs_number="9990123454", status="open"),
            amira(nhs_number=number, status=status),
        ]
        return sorted(one.key or "" for one in (await File(rows).take(engine)).warnings)

    first = await keys("9990123462", "waiting")
    assert len(first) == 2
    assert all(first)
    assert await keys("9990123462", "waiting") == first
    assert len(set(await keys("9990123470", "waiting")) - set(first)) == 1


async def test_a_blank_cell_of_a_second_row_contradicts_nothing(engine: NodeEngine) -> None:
    report = await File(
        [
            amira(started="2025-11-03", last_contact="2026-10-01", next_visit="2026-12-03"),
            amira(worker="T. Second", basis="", until="", last_contact="2026-11-10", dob=""),
        ]
    ).take(engine)
    assert (report.warnings, report.errors) == ([], [])
    (work,) = await works(engine)
    assert (work.started_on, work.last_contact, work.next_visit) == (
        "2025-11-03",
        "2026-11-10",
        "2026-12-03",
    )
    assert work.permission_basis == "UK-CA89-S17"
    assert (await record(engine)).date_of_birth == "2022-03-14"


# What is over


@pytest.mark.parametrize(
    ("change", "over"),
    [
        ({"ended": "2026-11-20"}, True),
        ({"ended": "2026-11-21"}, False),
        ({"ended": "2027-01-05"}, False),
        ({"ended": "9999-12-31"}, False),
        ({"status": "closed"}, True),
        ({"status": "Closed"}, True),
        ({"status": "waiting"}, False),
        ({"status": "open", "ended": "2026-11-01"}, True),
    ],
)
async def test_an_end_ends_after_its_day_and_a_closed_status_now(
    engine: NodeEngine, change: dict[str, str], over: bool
) -> None:
    report = await File([amira(**change)]).take(engine)
    assert report.errors == []
    (work,) = await works(engine)
    assert work.is_over(NOW) is over
    assert await engine.read(lambda t: t.permissions.is_in_force(work.id, At("", NOW))) is not over
    assert work.is_waiting is (change.get("status") == "waiting")


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"started": "2026-05-01", "ended": "2026-04-30"}, "ended", "before the start"),
        ({"ended": "soon"}, "ended", "not a date"),
        ({"status": "sleeping"}, "status", "not one of open, waiting, closed"),
        ({"involvement_id": "x" * 81}, "involvement_id", "longer"),
    ],
)
async def test_work_of_which_nobody_knows_whether_it_is_over_is_left_out_and_stays_as_it_was(
    engine: NodeEngine, change: dict[str, str], field: str, words: str
) -> None:
    await File([amira(), samir()]).take(engine)
    file = File([amira(**change), samir()], whole=["early_help"], at=NOW + DAY)
    report = await file.take(engine)
    (error,) = report.errors
    assert (error.line, error.field) == (2, field)
    assert words in error.reason
    assert await open_types(engine, now=NOW + 2 * DAY) == ["early_help"], "left out is not missing"
    assert report.missing == []


async def test_what_a_feed_closed_it_can_open_and_what_a_person_ended_it_cannot(
    engine: NodeEngine,
) -> None:
    await File([amira(status="closed")]).take(engine)
    await File([amira(status="open")], at=NOW + DAY).take(engine)
    (work,) = await works(engine)
    assert work.ended_at is None

    def end(tables: NodeTables) -> None:
        (kept,) = tables.records.involvements([1])
        ended = Involvement(**{**vars(kept), "ended_at": NOW, "ended_by": EndedBy.PERSON})
        tables.records.set_involvements([ended])

    await engine.write(end)
    report = await File([amira(status="open")], at=NOW + 2 * DAY).take(engine)
    assert report.still_ended == 1
    assert await open_types(engine) == []


# Files that have everything


def council(count: int, *, but: Sequence[int] = (), **change: str) -> list[dict[str, str]]:
    return [
        amira(local_id=f"k{number}", given="Kim", family=f"Fam{chr(97 + number)}", **change)
        for number in range(count)
        if number not in but
    ]


async def test_who_is_missing_from_a_file_of_changes_stays(engine: NodeEngine) -> None:
    await File(council(20)).take(engine)
    report = await File(council(20, but=[3])).take(engine)
    assert report.missing == []
    assert await open_types(engine, "k3") == ["early_help"]


async def test_who_is_missing_from_a_file_of_everything_is_closed_of_these_services_only(
    engine: NodeEngine,
) -> None:
    more = amira(local_id="k3", given="Kim", family="Famd", involvement="school_nursing")
    await File([*council(20), more]).take(engine)
    report = await File(council(20, but=[3]), whole=["early_help"], at=NOW + DAY).take(engine)
    assert report.missing == [("k3", "early_help")]
    assert report.warnings == []
    assert await open_types(engine, "k3", NOW + DAY) == ["school_nursing"]
    again = await File(council(20), whole=["early_help"], at=NOW + 2 * DAY).take(engine)
    assert again.missing == []
    assert await open_types(engine, "k3", NOW + 2 * DAY) == ["early_help", "school_nursing"]


async def test_what_was_put_in_by_hand_is_not_missing_from_any_file(engine: NodeEngine) -> None:
    def by_hand(tables: NodeTables) -> None:
        tables.tx.run("UPDATE involvement SET import_id = NULL WHERE client = 1")

    await File(council(20)).take(engine)
    await engine.write(by_hand)
    report = await File(council(20, but=[0]), whole=["early_help"], at=NOW + DAY).take(engine)
    assert report.missing == []


@pytest.mark.parametrize(("gone", "asked"), [([1, 2], False), ([1, 2, 3], True)])
async def test_more_than_one_in_ten_missing_is_asked_about(
    engine: NodeEngine, gone: list[int], asked: bool
) -> None:
    await File(council(20)).take(engine)
    file = File(council(20, but=gone), whole=["early_help"], at=NOW + DAY)
    doubts = [(one.doubt, one.count) for one in (await file.take(engine)).warnings]
    assert doubts == ([(Doubt.MANY_MISSING, len(gone))] if asked else [])


async def test_a_child_on_a_plan_who_is_missing_is_always_asked_about(engine: NodeEngine) -> None:
    rows = council(20) + council(20, involvement="child_protection_plan")
    whole = ["early_help", "child_protection_plan"]
    await File(rows).take(engine)
    report = await File(rows[:-1], whole=whole, at=NOW + DAY).take(engine)
    assert [(one.doubt, one.count) for one in report.warnings] == [(Doubt.FINDABLE_MISSING, 1)]


async def test_a_line_that_cannot_be_read_may_be_who_is_missing(engine: NodeEngine) -> None:
    await File(council(20)).take(engine)
    rows = council(20)
    rows[4] = {**rows[4], "id": "9.99E+11"}
    report = await File(rows, whole=["early_help"], at=NOW + DAY).take(engine)
    assert [(one.doubt, one.lines) for one in report.warnings] == [(Doubt.UNREAD_MISSING, (6,))]


async def test_a_total_at_the_end_of_a_file_is_nobody_who_may_be_missing(
    engine: NodeEngine,
) -> None:
    await File(council(20)).take(engine)
    rows = [*council(20, but=[3]), {"id": "Total", "first": "", "last": "", "service": "19"}]
    report = await File(rows, whole=["early_help"], at=NOW + DAY).take(engine)
    assert (report.warnings, report.missing) == ([], [("k3", "early_help")])


# What people said before holds


async def test_a_withdrawal_holds_for_a_service_that_is_new(engine: NodeEngine) -> None:
    await File([amira()]).take(engine)
    await engine.write(lambda tables: withdraw(tables, "c1", NOW))
    await File([amira(), amira(involvement="school_nursing")]).take(engine)
    assert await engine.read(lambda tables: tables.records.in_force(1, At("", NOW))) == []


async def test_a_child_who_is_born_leaves_the_mothers_work_and_other_work_of_hers_stays(
    engine: NodeEngine,
) -> None:
    unborn = amira(local_id="b1", given="Unborn", mother_local_id="m1", involvement="midwifery")
    mother = amira(local_id="m1", given="Maria", family="Novak", date_of_birth="1999-02-03")
    await File([unborn, mother]).take(engine)
    assert {item.for_unborn for item in await works(engine, "m1")} == {None, "b1"}
    born = amira(local_id="b1", given="Ada", date_of_birth="2026-11-02", involvement="midwifery")
    await File([mother, born]).take(engine)
    assert [item.for_unborn for item in await works(engine, "m1")] == [None]
    assert await open_types(engine, "b1") == ["midwifery"]


async def test_rows_of_a_client_may_stand_anywhere_in_a_file_of_many(engine: NodeEngine) -> None:
    many = [
        amira(local_id=f"m{number}", given="Kim", nhs_number="", family=f"F{number}", dob="")
        for number in range(2_100)
    ]
    late = [row | {"worker": "T. Second"} for row in many[:3]]
    report = await File([*many, *late]).take(engine)
    assert counts(report) == (2_103, 0, 0)
    (work,) = await works(engine, "m1")
    assert await names(engine, work) == ["S. Worker (North)", "T. Second (North)"]


# Mappings


@pytest.mark.parametrize(
    "line",
    ['everything_of = "early_help"', "everything_of = [7]", 'everything_of = ["Early help"]',
     'everything_of = ["early_help", "early_help"]'],
)  # fmt: skip
def test_a_mapping_that_says_wrongly_what_a_file_has_is_refused(line: str) -> None:
    with pytest.raises(RemoteError, match="everything_of is a list of types"):
        load_mapping(f'format = 1\ntitle = "x"\n{line}\n[fields.local_id]\ncolumn = "id"\n')
