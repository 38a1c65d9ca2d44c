"""Records kept by hand: what is typed is checked like a file, found again in spite of slips, and
every step can be taken back (specs/09-imports.md §9).
"""

from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

import pytest
import pytest_asyncio

from node.records import by_hand, families
from node.records.by_hand import Added, By
from node.records.search import perhaps_known, search
from node.store.merges import Preset
from node.store.objections import SaidBy
from node.store.people import PersonKind
from node.store.search import Whose
from node.store.tables import NodeEngine, NodeTables, open_engine
from node.views.status import status_value
from protocol.errors import LocalError
from protocol.matchkeys.records import ClientRecord
from tests.unit.test_involvements import NOW, TODAY, File, amira, names, open_types, record, works

Result = TypeVar("Result")
YOUTH = Preset("usual", "youth_work", None, "Lea", "UK-CONSENT", 365)
BY = By(1, NOW)
RUBY = {"given": "Ruby", "family": "Nowak", "date_of_birth": "14/3/2011", "postcode": "lx3 4ab"}


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[NodeEngine]:
    """A node database with one person who acts."""
    made = open_engine(tmp_path)
    await made.write(lambda t: t.people.register("Y. Worker", "Lea", PersonKind.WORKER, NOW))
    yield made
    await made.close()


async def said(engine: NodeEngine, work: Callable[[NodeTables], Result]) -> Result:
    return await engine.write(work)


async def add(engine: NodeEngine, local_id: str = "h1", **typed: str) -> None:
    read = by_hand.read_record({**RUBY, **typed}, TODAY)
    added = Added(local_id, read, YOUTH, TODAY)
    await said(engine, lambda t: by_hand.add(t, added, BY))


async def found(engine: NodeEngine, text: str) -> list[str]:
    clients = await said(engine, lambda t: list(search(t, text, Whose(), NOW).clients))
    return [client.local_id for client in clients]


async def test_a_client_gets_the_preset_and_whoever_adds_them(engine: NodeEngine) -> None:
    await add(engine)
    (work,) = await works(engine, "h1")
    assert (work.type, work.team, work.permission_basis) == ("youth_work", "Lea", "UK-CONSENT")
    assert (work.consent_date, work.started_on) == ("2026-11-21", "2026-11-21")
    assert await names(engine, work) == ["Y. Worker (Lea)"]
    assert (await record(engine, "h1")).date_of_birth == "2011-03-14"
    (act,) = await said(engine, lambda t: t.people.acts())
    assert (act.person, act.what, act.subject) == (1, "added_client", "h1")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"date_of_birth": "31/2/2011"}, "date of birth: this is not a date"),
        ({"date_of_birth": "2031-01-01"}, "date of birth: the date is in the future"),
        ({"nhs_number": "123 456 7890"}, "nhs number: the check digit"),
        ({"postcode": "LX3"}, "postcode: "),
        ({"given": "n/a", "family": ""}, "given: this says nothing"),
        ({"given": "", "family": ""}, "a client needs a name"),
    ],
)
async def test_what_cannot_be_is_said_by_its_field_and_nothing_is_added(
    engine: NodeEngine, typed: dict[str, str], words: str
) -> None:
    with pytest.raises(LocalError, match=words):
        await add(engine, **typed)
    assert await found(engine, "") == []


@pytest.mark.parametrize("local_id", ["", "  ", "h1 ", "a\nb", "\x1b[31m", "x" * 81])
async def test_an_id_that_no_file_could_have_is_refused(engine: NodeEngine, local_id: str) -> None:
    with pytest.raises(LocalError, match="local id: "):
        await add(engine, local_id)


async def test_a_consent_that_is_over_already_adds_nobody(engine: NodeEngine) -> None:
    old = Added("h1", by_hand.read_record(RUBY, TODAY), YOUTH, date(2025, 11, 20))
    with pytest.raises(LocalError, match="consent date: what was agreed then ended on 2026-11-20"):
        await said(engine, lambda t: by_hand.add(t, old, BY))
    assert await found(engine, "") == []


async def test_a_field_is_not_corrected_and_emptied_at_once(engine: NodeEngine) -> None:
    await add(engine)
    new = ClientRecord(postcode="LX4 2BD")
    with pytest.raises(LocalError, match="postcode: say what it is, or empty it"):
        await said(engine, lambda t: by_hand.correct(t, "h1", new, ["postcode"], BY))
    assert (await record(engine, "h1")).postcode == "lx3 4ab"


@pytest.mark.parametrize(
    "text",
    ["ruby", "Ruby Nowak", "nowak ruby", "Rubi", "Novak", "ruby nowka", "14/03/2011", "2011-03-14",
     "LX3 4AB".replace(" ", ""), "h1", "nowa"],
)  # fmt: skip
async def test_a_client_is_found_in_spite_of_slips(engine: NodeEngine, text: str) -> None:
    await add(engine)
    await add(
        engine, "h2", given="Oskar", family="Lindqvist", date_of_birth="1/1/1990", postcode=""
    )
    assert await found(engine, text) == ["h1"]


@pytest.mark.parametrize("text", ["samir", "ruby lindqvist", "1991-01-01"])
async def test_who_is_not_meant_is_not_found(engine: NodeEngine, text: str) -> None:
    await add(engine)
    assert await found(engine, text) == []


async def test_somebody_who_is_perhaps_here_is_shown_before_a_new_one_is_made(
    engine: NodeEngine,
) -> None:
    await add(engine)

    async def alike(**typed: str) -> list[str]:
        new = by_hand.read_record({**RUBY, **typed}, TODAY)
        return [one.local_id for one in await said(engine, lambda t: perhaps_known(t, new))]

    assert await alike(given="Rubi") == ["h1"]
    assert await alike(family="Nowak-Orr", date_of_birth="") == ["h1"]
    assert await alike(given="Ines", postcode="") == ["h1"], "a twin, perhaps: a person looks"
    assert await alike(given="Ines", date_of_birth="2013-05-06") == []


async def test_a_correction_stands_until_the_feed_says_something_else(engine: NodeEngine) -> None:
    wrong = File([amira(postcode="LX3 4AB", nhs_number="9990123454")])
    await wrong.take(engine)
    right = ClientRecord(postcode="LX4 2BD")
    await said(engine, lambda t: by_hand.correct(t, "c1", right, ["nhs_number"], BY))
    await wrong.take(engine)
    kept = await record(engine)
    assert (kept.postcode, kept.nhs_number) == ("LX4 2BD", None), "the same file changes nothing"
    await File([amira(postcode="LX9 9ZZ", nhs_number="9990123454")]).take(engine)
    kept = await record(engine)
    assert (kept.postcode, kept.nhs_number) == ("LX9 9ZZ", None), "field by field"


async def test_a_correction_that_leaves_no_name_changes_nothing(engine: NodeEngine) -> None:
    await add(engine)
    with pytest.raises(LocalError, match="needs a name"):
        await said(
            engine, lambda t: by_hand.correct(t, "h1", ClientRecord(), ["given", "family"], BY)
        )
    assert (await record(engine, "h1")).given == "Ruby"


async def test_what_is_closed_by_hand_is_opened_by_hand(engine: NodeEngine) -> None:
    await File([amira(), amira(involvement="school_nursing")]).take(engine)
    assert await said(engine, lambda t: by_hand.close(t, "c1", 2, BY)) == 1
    assert await open_types(engine) == ["early_help"]
    await File([amira(), amira(involvement="school_nursing")]).take(engine)
    assert await open_types(engine) == ["early_help"], "no feed begins it again"
    with pytest.raises(LocalError, match="over already"):
        await said(engine, lambda t: by_hand.close(t, "c1", 2, BY))
    assert await said(engine, lambda t: by_hand.reopen(t, "c1", None, BY)) == 1
    assert await open_types(engine) == ["early_help", "school_nursing"]
    for number in (0, 3):
        with pytest.raises(LocalError, match="no work of that number"):
            await said(engine, lambda t, n=number: by_hand.close(t, "c1", n, BY))  # type: ignore[misc]


async def test_two_who_are_one_are_one_for_the_next_import_too_and_it_can_be_taken_back(
    engine: NodeEngine,
) -> None:
    file = File([amira(), amira(local_id="c9", involvement="school_nursing")])
    await file.take(engine)
    await said(engine, lambda t: by_hand.merge(t, "c9", "c1", BY))
    assert await open_types(engine) == ["early_help", "school_nursing"]
    report = await file.take(engine)
    assert (report.new, report.held) == (0, 0)
    assert await found(engine, "amira") == ["c1"]
    assert await open_types(engine, "c9") == ["early_help", "school_nursing"], "by either id"
    with pytest.raises(LocalError, match="one client here already"):
        await said(engine, lambda t: by_hand.merge(t, "c9", "c1", BY))
    assert await said(engine, lambda t: by_hand.part(t, "c9", BY)) == 1
    assert await open_types(engine) == ["early_help"]
    assert await open_types(engine, "c9") == ["school_nursing"]
    await file.take(engine)
    assert sorted(await found(engine, "amira")) == ["c1", "c9"]
    assert await open_types(engine) == ["early_help"]
    with pytest.raises(LocalError, match="merged into"):
        await said(engine, lambda t: by_hand.part(t, "c9", BY))


@pytest.mark.parametrize("local_id", ["nobody", ""])
async def test_an_id_that_nobody_has_is_said(engine: NodeEngine, local_id: str) -> None:
    await add(engine)
    for work in (
        lambda t: by_hand.close(t, local_id, None, BY),
        lambda t: by_hand.merge(t, local_id, "h1", BY),
        lambda t: by_hand.merge(t, "h1", local_id, BY),
        lambda t: by_hand.correct(t, local_id, ClientRecord(given="A"), [], BY),
    ):
        with pytest.raises(LocalError, match="no client has that id"):
            await said(engine, work)


def test_a_day_is_read_as_in_a_file() -> None:
    assert by_hand.read_day("consent_date", "21/11/2026", TODAY) == date(2026, 11, 21)
    with pytest.raises(LocalError, match="consent date: the date is in the future"):
        by_hand.read_day("consent_date", "22/11/2026", TODAY)


async def test_what_a_merged_client_objects_to_holds_for_the_one_they_are(
    engine: NodeEngine,
) -> None:
    await File([amira(), amira(local_id="c9", involvement="school_nursing")]).take(engine)
    await said(engine, lambda t: t.objections.record(2, None, SaidBy.CLIENT, NOW))
    await said(engine, lambda t: by_hand.merge(t, "c9", "c1", BY))
    assert await said(engine, lambda t: t.objections.newest(1, "school")) == 1
    await said(engine, lambda t: by_hand.part(t, "c9", BY))
    assert await said(engine, lambda t: t.objections.newest(1, "school")) is None
    assert await said(engine, lambda t: t.objections.newest(2, "school")) == 1


async def test_a_family_is_of_own_clients_and_read_from_either_side(engine: NodeEngine) -> None:
    await add(engine)
    await add(engine, "h2", given="Ines", date_of_birth="2013-05-06")
    await said(engine, lambda t: families.join(t, "h1", "h2", "sister"))

    async def family(local_id: str) -> list[tuple[str, str, bool]]:
        found = await said(engine, lambda t: families.relatives(t, local_id))
        return [(one.local_id, one.relation, one.of_them) for one in found]

    assert await family("h1") == [("h2", "sister", False)]
    assert await family("h2") == [("h1", "sister", True)]
    for one, other, relation, words in (
        ("h1", "x", "sister", "only your own clients"),
        ("h1", "h1", "sister", "relative of their own"),
        ("h1", "h2", "s" * 81, "in a few words"),
    ):
        with pytest.raises(LocalError, match=words):
            await said(engine, lambda t, a=one, b=other, r=relation: families.join(t, a, b, r))  # type: ignore[misc]
    await said(engine, lambda t: families.leave(t, "h2", "h1"))
    assert await family("h1") == []
    with pytest.raises(LocalError, match="no family here"):
        await said(engine, lambda t: families.leave(t, "h1", "h2"))


async def test_how_good_the_records_are_is_counted_by_service_and_client(
    engine: NodeEngine,
) -> None:
    rows = [
        amira(nhs_number="9990123454", postcode="LX3 4AB"),
        amira(involvement="school_nursing", basis=""),
        amira(local_id="c2", given="Samir", date_of_birth="2018-01-09"),
        amira(local_id="c3", given="Kim", dob="1987", team="South"),
        amira(local_id="c3", given="Kim", dob="1987", team="North"),
        amira(local_id="c4", given="Old", dob="1980-01-01", ended="2020-01-01"),
    ]
    await File(rows).take(engine)
    value = await said(engine, lambda t: status_value(t, 12, NOW + 86_400))
    counts = {"with_nhs_number": 1, "with_date_of_birth": 2, "with_postcode": 1}
    assert value == {
        "services": [
            {"type": "early_help", "clients": 3, **counts, "with_permission": 3},
            {"type": "school_nursing", "clients": 1, **dict.fromkeys(counts, 1),
             "with_permission": 0},
        ],
        "unconfirmed": 0,
        "withheld_due": 0,
        "feeds": [{"title": "Children's system", "rows": 6, "age": 86_400, "stopped": False}],
    }  # fmt: skip
