"""Own clients are found by their words in spite of slips, and lists are of whom they say.

specs/09-imports.md §9.
"""

import random
from collections.abc import AsyncIterator, Callable, Iterator
from difflib import SequenceMatcher
from pathlib import Path

import pytest
import pytest_asyncio

from node.records import by_hand
from node.records.by_hand import By
from node.records.search import perhaps_known, search
from node.store.people import PersonKind
from node.store.records import Client, ClientRow, InvolvementRow
from node.store.search import Whose
from node.store.tables import NodeEngine, open_engine
from node.store.team_roles import ALL_TEAMS, TeamRole
from node.views.clients import ClientList, Wanted, found_clients, my_clients, team_clients
from protocol.errors import LocalError
from protocol.matchkeys.normalise import fold, parse_date
from protocol.matchkeys.records import ClientRecord, normalise_record
from tests.sim.crowd import crowd
from tests.unit.test_involvements import NOW

EVERYBODY = Whose()
AMIRA = ClientRecord("9990000131", "Amira", "Noor", "Haddad-Orr", "2017-08-09", postcode="LX4 2BD")
WILLIAM = ClientRecord(given="William", family="O'Séaghdha", date_of_birth="1/2/1950")


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[NodeEngine]:
    """A node database with four people: two in a team, one in another, one in none."""
    made = open_engine(tmp_path)
    for name, team in (("Ada", "North"), ("Ben", "North"), ("Cleo", "South"), ("Dan", "")):
        await made.write(
            lambda t, name=name, team=team: t.people.register(  # type: ignore[misc]
                name, team, PersonKind.WORKER, NOW
            )
        )
    yield made
    await made.close()


ADA, BEN, CLEO, DAN = 1, 2, 3, 4


async def put(engine: NodeEngine, *people: tuple[str, ClientRecord]) -> dict[str, int]:
    rows = [ClientRow(local_id, record) for local_id, record in people]
    return await engine.write(lambda t: t.records.put_clients(rows))


async def work(
    engine: NodeEngine, client: int, *workers: int, team: str = "", over: int = 0
) -> None:
    row = InvolvementRow(
        client=client, type="early_help", team=team or None, ended_at=over or None, workers=workers
    )
    await engine.write(lambda t: t.records.add_involvements([row]))


async def ids(engine: NodeEngine, text: str, whose: Whose = EVERYBODY) -> list[str]:
    found = await engine.read(lambda t: search(t, text, whose, NOW))
    return [client.local_id for client in found.clients]


@pytest.mark.parametrize(
    "text",
    ["amira", "AMIRA haddad", "Haddad, Amira", "orr amira", "Haddad-Orr", "Amyra", "Hadad", "Amria",
     "noor", "amíra", "LX4 2BD", "lx42bd", "LX4", "lx4 2bf", "9990000131", "999 000 0131",
     "9990000113", "2017-08-09", "9 August 2017", "09/08/2017", "2017", "RQ-77", "rq-77", "rq-78",
     "amira 2017-08-09"],
)  # fmt: skip
async def test_a_client_is_found_by_any_of_their_words(engine: NodeEngine, text: str) -> None:
    await put(engine, ("RQ-77", AMIRA), ("W-1", WILLIAM))
    assert await ids(engine, text) == ["RQ-77"]


@pytest.mark.parametrize("text", ["bill", "Will", "oseaghdha", "O'Seaghda", "seaghdha william"])
async def test_nicknames_and_signs_above_letters_do_not_matter(
    engine: NodeEngine, text: str
) -> None:
    await put(engine, ("RQ-77", AMIRA), ("W-1", WILLIAM))
    assert await ids(engine, text) == ["W-1"]


@pytest.mark.parametrize("text", ["", "  ", "zz", "amira lindqvist", "%", "' OR 1=1 --", "☃", "*"])
async def test_what_nobody_is_called_finds_nobody(engine: NodeEngine, text: str) -> None:
    await put(engine, ("RQ-77", AMIRA))
    assert await ids(engine, text) == []


async def test_the_first_twenty_are_shown_and_it_is_said_that_there_are_more(
    engine: NodeEngine,
) -> None:
    await put(engine, *((f"c{n}", ClientRecord(given="Ruby", family=f"N{n}")) for n in range(20)))
    found = await engine.read(lambda t: search(t, "ruby", EVERYBODY, NOW))
    assert (len(found.clients), found.more) == (20, False)
    await put(engine, ("c99", ClientRecord(given="Ruby", family="Nowak")))
    found = await engine.read(lambda t: search(t, "ruby", EVERYBODY, NOW))
    assert (len(found.clients), found.more) == (20, True)
    assert await ids(engine, "nowak ruby") == ["c99"]


# A plain walk over everybody, as it was done before there was an index


def walk(clients: list[Client], text: str) -> list[str]:
    words = [word for word in (fold(part) for part in text.split()) if word]
    found = []
    for client in clients:
        known = list(words_of(client))
        best = [max(alike(word, other) for other in known) for word in words]
        if all(best):
            found.append((-sum(best) / len(best), client.id, client.local_id))
    return [local_id for _, _, local_id in sorted(found)[:20]]


def alike(word: str, other: str) -> float:
    if word == other:
        return 1.0
    if len(word) > 1 and other.startswith(word):
        return 0.99
    match = SequenceMatcher(None, word, other, autojunk=False)
    if match.real_quick_ratio() < 0.75 or match.quick_ratio() < 0.75:
        return 0.0
    return match.ratio() if match.ratio() >= 0.75 else 0.0


def words_of(client: Client) -> Iterator[str]:
    record = client.record
    for text in (client.local_id, record.given, record.middle, record.family):
        yield from fold(text).split()
    for text in (record.postcode, record.nhs_number):
        yield fold(text).replace(" ", "")
    if born := parse_date(record.date_of_birth):
        yield from (born.isoformat(), born.strftime("%d/%m/%Y"))


def slipped(draw: random.Random, word: str) -> str:
    at = draw.randrange(len(word) - 1)
    sign = draw.choice("0123456789" if word[at].isdigit() else "abdefghlmnoprstuw")
    return draw.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + sign + word[at:],
            word[:at] + sign + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        ]
    )


def asked(draw: random.Random, client: Client) -> str:
    """What somebody types who looks for a client: some of it with a slip."""
    record = client.record
    given, family = record.given or "", record.family or ""
    return draw.choice(
        [
            f"{slipped(draw, given)} {family}",
            f"{family} {slipped(draw, given)}",
            f"{given} {slipped(draw, slipped(draw, family))}",
            f"{given} {family[:4]}",
            f"{slipped(draw, family)} {parse_date(record.date_of_birth)}",
            slipped(draw, record.nhs_number or ""),
            f"{given} {slipped(draw, (record.postcode or '').replace(' ', ''))}",
            client.local_id,
        ]
    )


async def test_whom_a_walk_over_everybody_finds_in_spite_of_slips_is_found_as_early(
    engine: NodeEngine,
) -> None:
    await put(engine, *((row.local_id, row.record) for row in crowd(200)))
    everybody = await engine.read(lambda t: t.records.clients_after(0, 1000))
    draw = random.Random(7)  # noqa: S311 - the same slips each time
    by_walk, missed, later = 0, [], []
    for client in draw.sample(everybody, 100):
        text = asked(draw, client)
        before, now = walk(everybody, text), await ids(engine, text)
        if client.local_id in before:
            by_walk += 1
            if client.local_id not in now:
                missed.append(text)
            elif now.index(client.local_id) > before.index(client.local_id) + 1:
                later.append(text)
    assert by_walk > 70
    assert missed == []
    assert later == []


async def test_who_is_shown_before_somebody_is_added_is_who_a_walk_would_show(
    engine: NodeEngine,
) -> None:
    draw = random.Random(3)  # noqa: S311 - the same people each time
    given = ["Ruby", "Rubi", "Lily-Mae", "Bill", "William", "Abdul", "Mohammed Ali", "Baby",
             "J. Paul", "Orr, Ruby", ""]  # fmt: skip
    family = ["Nowak", "Novak", "Nowak Orr", "Al-Hassan", "van Dijk", "Vandijk", "O'Neil",
              "Smith née Nowak", "Abdul Rahman"]  # fmt: skip

    def somebody(number: int) -> ClientRecord:
        born = f"20{draw.randint(10, 13)}-0{draw.randint(1, 3)}-0{draw.randint(1, 3)}"
        nhs = draw.choice(["9990000131", "9990000018", None, None, "bad"])
        names = draw.choice(given), draw.choice(["", "Rahman"]), draw.choice(family)
        return ClientRecord(nhs, *names, draw.choice([born, "", born]), postcode=f"LX{number}")

    await put(engine, *((f"c{n}", somebody(n)) for n in range(150)))
    everybody = await engine.read(lambda t: t.records.clients_after(0, 1000))
    for number in range(60):
        new = somebody(number)
        known = normalise_record(new)
        walked = [one.local_id for one in everybody if may_be(known, normalise_record(one.record))]
        found = await engine.read(lambda t, new=new: perhaps_known(t, new))  # type: ignore[misc]
        assert [one.local_id for one in found] == walked, new.__dict__


def may_be(new, known) -> bool:  # type: ignore[no-untyped-def]
    if new.nhs_number and known.nhs_number:
        return bool(new.nhs_number == known.nhs_number)
    given = bool(new.given_skeleton) and new.given_skeleton == known.given_skeleton
    family = bool(set(new.family_skeletons) & set(known.family_skeletons))
    return int(given) + family + (bool(new.born) and new.born == known.born) >= 2


# What changes, goes, and is one


async def test_a_client_is_found_by_what_is_said_now_and_no_more_by_what_was(
    engine: NodeEngine,
) -> None:
    await put(engine, ("RQ-77", AMIRA))
    await put(engine, ("RQ-77", ClientRecord(given="Ines", family="Haddad", postcode="LX9 9ZZ")))
    assert await ids(engine, "ines") == ["RQ-77"]
    for gone in ("amira", "orr", "9990000131", "2017-08-09", "LX4 2BD"):
        assert await ids(engine, gone) == []


async def test_of_two_who_are_one_the_one_is_found_by_the_words_of_both(
    engine: NodeEngine,
) -> None:
    await put(engine, ("RQ-77", AMIRA), ("RQ-88", ClientRecord(given="Mira", family="Hadley")))
    by = By(ADA, NOW)
    await engine.write(lambda t: by_hand.merge(t, "RQ-88", "RQ-77", by))
    assert await ids(engine, "hadley") == await ids(engine, "amira hadley") == ["RQ-77"]
    assert await ids(engine, "RQ-88") == ["RQ-77"]
    await engine.write(lambda t: by_hand.part(t, "RQ-88", by))
    assert await ids(engine, "hadley") == ["RQ-88"]


# Lists


def listed(found: ClientList) -> list[str]:
    return [line.client.local_id for line in found.lines]


async def town(engine: NodeEngine) -> None:
    """Three clients: Ada's, Ben's through a team of the work alone, Cleo's; one that is over."""
    made = await put(
        engine,
        ("a", ClientRecord(given="Zoe", family="Adams")),
        ("b", ClientRecord(given="Amy", family="Baker")),
        ("c", ClientRecord(given="Ivy", family="adams")),
        ("over", ClientRecord(given="Old", family="Adams")),
    )
    await work(engine, made["a"], ADA, BEN)
    await work(engine, made["a"], ADA)
    await work(engine, made["b"], CLEO, team="North")
    await work(engine, made["c"], CLEO)
    await work(engine, made["over"], ADA, over=NOW)


async def test_my_clients_are_those_on_whose_open_work_i_am_and_my_teams_are_theirs_too(
    engine: NodeEngine,
) -> None:
    await town(engine)

    async def see(view: Callable[..., ClientList], person: int) -> list[str]:
        return listed(await engine.read(lambda t: view(t, person, 1, NOW)))

    assert await see(my_clients, ADA) == ["a"]
    assert await see(my_clients, CLEO) == ["c", "b"], "by name, whatever the case"
    assert await see(team_clients, BEN) == ["a", "b"]
    assert await see(team_clients, DAN) == [], "who is in no team sees their own"
    await engine.write(lambda t: t.team_roles.put(DAN, TeamRole.DUTY, ["South"]))
    assert await see(team_clients, DAN) == ["c", "b"]
    await engine.write(lambda t: t.team_roles.put(DAN, TeamRole.MANAGER, [ALL_TEAMS]))
    assert await see(team_clients, DAN) == ["c", "over", "a", "b"]
    first = (await engine.read(lambda t: my_clients(t, ADA, 1, NOW))).lines[0]
    assert [item.type for item in first.work] == ["early_help", "early_help"]


async def test_words_are_looked_for_among_those_who_are_asked_for(engine: NodeEngine) -> None:
    await town(engine)

    async def see(scope: str, person: int | None) -> list[str]:
        wanted = Wanted("adams", scope)  # type: ignore[arg-type]
        return listed(await engine.read(lambda t: found_clients(t, wanted, person, NOW)))

    assert await see("all", None) == ["a", "c", "over"]
    assert await see("mine", ADA) == ["a"]
    assert await see("team", BEN) == ["a"]
    assert await see("mine", BEN) == ["a"]
    with pytest.raises(LocalError, match="say who looks"):
        await see("mine", None)


async def test_no_words_find_nobody_among_own_clients_either(engine: NodeEngine) -> None:
    made = await put(engine, ("a", AMIRA))
    await work(engine, made["a"], ADA)
    assert await ids(engine, " ,", Whose(practitioner=ADA)) == []
    assert await ids(engine, "") == []


async def test_a_long_list_has_pages(engine: NodeEngine) -> None:
    made = await put(
        engine, *((f"c{n}", ClientRecord(given="Ruby", family=f"N{n:03}")) for n in range(101))
    )
    for client in made.values():
        await work(engine, client, ADA)
    pages = [await engine.read(lambda t, n=n: my_clients(t, ADA, n, NOW)) for n in (1, 2, 3)]  # type: ignore[misc]
    assert [len(page.lines) for page in pages] == [50, 50, 1]
    assert [page.more for page in pages] == [True, True, False]
    assert {(page.count, page.pages) for page in pages} == {(101, 3)}
    assert [name for page in pages for name in listed(page)] == [f"c{n}" for n in range(101)]
    for number in (0, 4):
        with pytest.raises(LocalError, match="no such page: the last is 3"):
            await engine.read(lambda t, n=number: my_clients(t, ADA, n, NOW))  # type: ignore[misc]
