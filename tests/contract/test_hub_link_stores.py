"""What the hub's stores of stubs, links, uploads and limits promise, on every engine.

Each runs every body once for nothing first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest

from hub.store.limits import LastTokens
from hub.store.links import BEGINNINGS, MOVES, Link, LinkEnd, LinkHint, LinkState, Notice, Origin
from hub.store.rounds import Progress
from hub.store.staging import StagedStub
from hub.store.stubs import (
    CROWD,
    NO_TOKENS,
    Holder,
    KnownTokens,
    PepperedTokens,
    Placed,
    Stub,
)
from hub.store.tables import SCHEMA, HubTables
from hub.store.uploads import Upload
from protocol.errors import ErrorCode, LocalError
from protocol.messages.bodies import Permission, PublishedInvolvement, ShownInvolvement, StubRow
from protocol.requests.hints import Hint
from protocol.requests.review import Answer, Said, question_of
from storage.engine import Engine, NotUniqueError
from storage.sqlite import SqliteEngine

Hub = Engine[HubTables]
Result = TypeVar("Result")
ANNE, BERT, CORA = "aa" * 16, "bb" * 16, "cc" * 16
NEVER = 2**40


def token(name: str) -> bytes:
    return name.encode().ljust(16, b".")


def tokens(**names: str) -> PepperedTokens:
    """Tokens by type: `tokens(name="one two")`."""
    return {key: [token(name) for name in text.split()] for key, text in names.items()}


def work(name: str, until: int = NEVER, active_until: int | None = None) -> PublishedInvolvement:
    return PublishedInvolvement(
        id=name.encode().hex().ljust(32, "0"),
        type="youth_work",
        label="Youth work",
        permission=Permission(basis_class="duty", valid_until=until),
        active_until=active_until,
        facts_commitment="0" * 64,
    )


def row(name: str, revision: int = 1, *works: PublishedInvolvement) -> StubRow:
    return StubRow(
        stub_id=stub_id(name),
        revision=revision,
        retired=False,
        involvements=list(works),
        token_commitment="0" * 64,
    )


def stub_id(name: str) -> str:
    return name.encode().hex().ljust(32, "0")


@dataclass(frozen=True)
class Publication:
    """Whose it is, where it stands in the log, until when what leaves by it is counted still."""

    agency: str
    index: int
    former_until: int = NEVER


Rows = Sequence[tuple[StubRow, PepperedTokens]]


def stage(tables: HubTables, rows: Rows, agency: str, upload: Upload, *, counted: bool) -> int:
    """Stage rows and place their tokens, as a new try; its number."""
    tables.uploads.begin(upload, 4)
    number = tables.staging.begin(upload.statement_id)
    staged = [StagedStub(item, bool(held), counted=counted) for item, held in rows]
    tables.staging.put(number, agency, staged)
    among = {one for _, held in rows for some in held.values() for one in some}
    known = tables.stubs.known_tokens(agency, among, 0, number)
    own = {item.stub_id: held for item, held in rows}
    tables.stubs.place_tokens(number, agency, own, known.since)
    return number


def put_in(tables: HubTables, rows: Rows, said: Publication) -> None:
    """A whole publication. Whoever has no tokens is retired, where it had any."""
    upload = Upload(f"{said.index:064x}", said.agency, b"manifest", 5)
    had = tables.stubs.tokens_of([item.stub_id for item, _ in rows])
    rows = [
        (
            item.model_copy(update={"retired": True}) if item.stub_id in had and not held else item,
            held,
        )
        for item, held in rows
    ]
    number = stage(tables, rows, said.agency, upload, counted=False)
    tables.staging.log(number, said.index)
    place = Placed(said.agency, upload.statement_id, number, 5, 1, said.former_until)
    assert tables.staging.put_in_force(place, 1_000)
    tables.uploads.drop(upload.statement_id)


async def put(hub: Hub, rows: Rows, said: Publication) -> None:
    await hub.write(lambda tables: put_in(tables, rows, said))


async def publish(hub: Hub, agency: str, index: int, **stubs: PepperedTokens) -> None:
    """Each of these stubs, by name, with these tokens."""
    rows = [(row(name), held) for name, held in stubs.items()]
    await put(hub, rows, Publication(agency, index))


async def marked(hub: Hub, now: int = 0, limit: int = 1_000) -> list[str]:
    """The stubs that the next round looks at, by name; unmarks them."""
    taken = await hub.write(lambda tables: tables.stubs.take_marked(now, 0, limit))
    return [bytes.fromhex(item).rstrip(b"\0").decode() for item in taken]


async def since(hub: Hub, name: str) -> dict[bytes, int]:
    found = await hub.read(lambda tables: tables.stubs.tokens_of([stub_id(name)]))
    return dict(found[stub_id(name)].since)


# Stubs and tokens


async def test_a_stub_is_there_as_it_was_published_last(hub: Hub) -> None:
    first, second = work("w1"), work("w2", active_until=9)
    await put(hub, [(row("a", 1, first), tokens(name="x"))], Publication(ANNE, 5))
    await put(hub, [(row("a", 2, second, first), tokens(name="x"))], Publication(ANNE, 6))
    await publish(hub, BERT, 7, b=tokens(name="y"))
    asked = [stub_id(name) for name in ("a", "b", "nobody")]
    found = await hub.read(lambda tables: tables.stubs.among(asked))
    singly = [await hub.read(lambda tables, one=one: tables.stubs.stub(one)) for one in asked]  # type: ignore[misc]
    assert [found.get(one) for one in asked] == singly
    assert singly[0] == Stub(stub_id("a"), ANNE, 2, False, (second, first), f"{6:064x}")
    assert singly[2] is None


async def test_a_stubs_tokens_are_a_whole_set_in_published_order(hub: Hub) -> None:
    await publish(hub, ANNE, 5, a=tokens(name="z y x", place="p"))
    await publish(hub, BERT, 6, b=tokens(name="x"))
    assert await hub.read(lambda t: t.stubs.tokens(stub_id("a"))) == tokens(name="z y x", place="p")
    await publish(hub, ANNE, 7, a=tokens(name="x y"))
    asked = [stub_id(name) for name in ("a", "b", "nobody")]
    found = await hub.read(lambda tables: tables.stubs.tokens_of(asked))
    by_key = [found.get(one, NO_TOKENS).by_key for one in asked]
    assert by_key == [tokens(name="x y"), tokens(name="x"), {}]
    assert by_key == [await hub.read(lambda t, one=one: t.stubs.tokens(one)) for one in asked]  # type: ignore[misc]


async def test_holders_are_of_one_type_and_the_first_by_id(hub: Hub) -> None:
    await publish(hub, ANNE, 5, c=tokens(name="x"), a=tokens(name="x"), d=tokens(other="x"))
    await publish(hub, BERT, 6, b=tokens(name="x y"))
    asked = [("name", token("x")), ("name", token("y")), ("other", token("y"))]
    found = await hub.read(lambda tables: tables.stubs.holders(asked, 2))
    assert found == {
        asked[0]: (Holder(stub_id("a"), ANNE), Holder(stub_id("b"), BERT)),
        asked[1]: (Holder(stub_id("b"), BERT),),
    }
    one = await hub.read(lambda tables: tables.stubs.holders(asked[:1], 9))
    assert [holder.stub_id for holder in one[asked[0]]] == [stub_id(name) for name in "abc"]


async def test_since_when_an_agency_has_a_token_outlives_the_stub_that_had_it(hub: Hub) -> None:
    await publish(hub, ANNE, 5, a=tokens(name="x"))
    await publish(hub, BERT, 6, b=tokens(name="x"))
    await publish(hub, ANNE, 7, c=tokens(name="x y"))
    assert await since(hub, "c") == {token("x"): 5, token("y"): 7}, "it came with another stub"
    assert await since(hub, "b") == {token("x"): 6}, "each agency for itself"
    await publish(hub, ANNE, 8, a={}, c={})
    await publish(hub, ANNE, 9, a=tokens(name="x"))
    assert await since(hub, "a") == {token("x"): 5}, "it left and came back"


async def test_a_token_that_left_is_forgotten_in_time_unless_another_agency_holds_it(
    hub: Hub,
) -> None:
    await publish(hub, BERT, 4, b=tokens(name="x"))
    await publish(hub, ANNE, 5, a=tokens(name="x y"))
    await put(hub, [(row("a", 2), {})], Publication(ANNE, 6, former_until=100))
    for now, after in ((99, {token("x"): 5, token("y"): 5}), (100, {token("x"): 5, token("y"): 7})):

        def came_back(tables: HubTables, now: int = now) -> dict[bytes, int]:
            tables.stubs.forget_former(now)
            put_in(tables, [(row("a", 3), tokens(name="x y"))], Publication(ANNE, 7))
            found = dict(tables.stubs.tokens_of([stub_id("a")])[stub_id("a")].since)
            put_in(tables, [(row("a", 4), {})], Publication(ANNE, 8, former_until=100))
            return found

        assert await hub.write(came_back) == after


async def test_spread_counts_each_stub_once_while_it_has_a_token_or_it_counts_still(
    hub: Hub,
) -> None:
    await publish(hub, ANNE, 5, a=tokens(name="x"), c=tokens(name="x y", other="x"))
    await publish(hub, BERT, 6, b=tokens(name="x"))
    await put(hub, [(row("c", 2), tokens(name="y"))], Publication(ANNE, 7, former_until=100))
    await put(hub, [(row("a", 2), {})], Publication(ANNE, 8, former_until=100))
    await put(hub, [(row("a", 3), tokens(name="x"))], Publication(ANNE, 9))
    asked = [token("x"), token("y"), token("z")]

    def spread(now: int) -> Callable[[HubTables], list[int]]:
        def read(tables: HubTables) -> list[int]:
            found = tables.stubs.known_tokens(ANNE, asked, now).stub_ids
            return [len(found.get(item, ())) for item in asked]

        return read

    assert await hub.read(spread(99)) == [2, 1, 0]
    assert await hub.read(spread(100)) == [1, 1, 0], "what left c counts no longer"


async def test_what_changed_is_marked_and_so_are_those_who_shared_what_left(hub: Hub) -> None:
    await publish(hub, BERT, 5, b=tokens(name="x"), d=tokens(name="y"), e=tokens(other="x"))
    await publish(hub, ANNE, 6, a=tokens(name="x y"), c=tokens(name="x"))
    assert await marked(hub) == ["a", "b", "c", "d", "e"]
    await publish(hub, ANNE, 7, a=tokens(name="y z"))
    assert await marked(hub) == ["a", "b"], "not d, who shares y; not e; not c, of one agency"
    await publish(hub, ANNE, 8, a=tokens(name="y z"))
    assert await marked(hub) == ["a"], "its involvements may be others"


async def test_a_crowd_that_shared_a_token_is_not_marked(hub: Hub) -> None:
    crowd = {f"{number:03}": tokens(name="x") for number in range(CROWD + 5)}
    await publish(hub, BERT, 5, **crowd)
    await publish(hub, ANNE, 6, zz=tokens(name="x"))
    await marked(hub)
    await publish(hub, ANNE, 7, zz={})
    assert len(await marked(hub)) == CROWD + 1


async def test_marked_stubs_are_taken_once_in_order_so_many_at_a_time(hub: Hub) -> None:
    await hub.write(lambda tables: tables.stubs.mark([stub_id(name) for name in "cabac"]))
    assert await hub.read(lambda tables: tables.stubs.is_marked(stub_id("a")))
    assert await marked(hub, limit=2) == ["a", "b"]
    assert not await hub.read(lambda tables: tables.stubs.is_marked(stub_id("a")))
    assert await marked(hub, limit=2) == ["c"]
    assert await marked(hub, limit=2) == []


async def test_a_stub_is_marked_whenever_one_of_its_times_is_over(hub: Hub) -> None:
    works = [work("w1", until=50, active_until=20), work("w2", until=40)]
    await put(hub, [(row("a", 1, *works), {}), (row("b", 1, work("w3")), {})], Publication(ANNE, 5))
    assert await marked(hub) == ["a", "b"]
    taken = [await marked(hub, now=now) for now in (19, 20, 21, 45, 60, 70)]
    assert taken == [[], ["a"], [], ["a"], ["a"], []]


async def test_what_ran_out_is_found_once_the_first_first_and_marked(hub: Hub) -> None:
    works = {"a": work("w1", until=30), "b": work("w2", until=10), "c": work("w3", until=20)}
    await put(hub, [(row(name, 1, item), {}) for name, item in works.items()], Publication(ANNE, 5))
    await marked(hub)
    found = [
        await hub.write(lambda tables, now=now: tables.stubs.expire(now, 0, 1))  # type: ignore[misc]
        for now in (25, 25, 25, 30)
    ]
    assert found == [[stub_id("b")], [stub_id("c")], [], [stub_id("a")]]
    assert await marked(hub) == ["a", "b", "c"]


# Ends


async def test_leaves_are_owed_for_as_many_stubs_as_may_have_lost_something_and_at_least_one(
    hub: Hub,
) -> None:
    for stubs, owed in ((0, 1), (1, 2), (500, 3), (501, 5)):
        await hub.write(lambda tables, stubs=stubs: tables.ends.owe(stubs))  # type: ignore[misc]
        assert await hub.read(lambda tables: tables.ends.owed()) == owed
    await hub.write(lambda tables: tables.ends.look_at([stub_id("b"), stub_id("a")]))
    await hub.write(lambda tables: tables.ends.look_at([stub_id("a")]))
    assert await hub.write(lambda tables: tables.ends.take()) == [stub_id("a"), stub_id("b")]
    assert await hub.write(lambda tables: tables.ends.take()) == []
    assert await hub.read(lambda tables: tables.ends.owed()) == 3


async def test_a_publication_has_those_looked_at_that_may_have_lost_something(hub: Hub) -> None:
    both, one = (work("w1"), work("w2")), (work("w1"),)
    before = [row("a", 1, *both), row("b", 1, *both), row("c", 1, *both), row("d", 1, *both)]
    await put(hub, [(item, {}) for item in before], Publication(ANNE, 5))
    gone = row("c", 2).model_copy(update={"retired": True})
    after = [row("a", 2, *both), row("b", 2, *one), gone, row("e", 1, *both)]
    await put(hub, [(item, {}) for item in after], Publication(ANNE, 6))
    taken = await hub.write(lambda tables: tables.ends.take())
    assert taken == [stub_id("b"), stub_id("c")]
    await hub.write(lambda tables: tables.ends.look_at_agency(ANNE))
    taken = await hub.write(lambda tables: tables.ends.take())
    assert taken == [stub_id(name) for name in "abde"]


async def test_an_agencys_stubs_or_everybodys_are_marked_but_for_retired_ones(hub: Hub) -> None:
    gone = row("c").model_copy(update={"retired": True})
    await put(hub, [(row("a"), {}), (gone, {})], Publication(ANNE, 5))
    await put(hub, [(row("b"), {})], Publication(BERT, 6))
    await marked(hub)
    await hub.write(lambda tables: tables.stubs.mark_agency(ANNE))
    assert await marked(hub) == ["a"]
    await hub.write(lambda tables: tables.stubs.mark([stub_id("a")]))
    await hub.write(lambda tables: tables.stubs.mark_everybody())
    assert await marked(hub) == ["a", "b"]


async def test_publications_are_those_of_stubs_that_are_not_retired(hub: Hub) -> None:
    await put(hub, [(row("a"), {}), (row("b"), {})], Publication(ANNE, 5))
    await put(hub, [(row("c"), {})], Publication(BERT, 6))
    gone = row("c", 2).model_copy(update={"retired": True})
    await put(hub, [(gone, {})], Publication(BERT, 7))
    await put(hub, [(row("b", 2), {})], Publication(ANNE, 8))
    found = await hub.read(lambda tables: tables.stubs.publications())
    assert found == {f"{5:064x}", f"{8:064x}"}


async def test_who_waits_for_a_round_and_since_which_publication(hub: Hub) -> None:
    sql = "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, 0, 0)"
    entries = [(5, ANNE), (6, BERT), (7, ANNE), (8, CORA)]
    for index, agency in entries:
        await put(hub, [(row(f"{agency[0]}{index}"), {})], Publication(agency, index))
        values = (index, b"leaf", f"{index:064x}", "publication", agency, f"{index:032x}")
        await hub.write(lambda tables, values=values: tables.tx.run(sql, *values))  # type: ignore[misc]
    values = (9, b"leaf", "m" * 64, "match_round", "hub", "9" * 32)
    await hub.write(lambda tables: tables.tx.run(sql, *values))

    async def told(since: int) -> tuple[dict[str, int], dict[str, int]]:
        return await hub.read(
            lambda tables: (tables.rounds.waiting(since), tables.rounds.publishers(since))
        )

    assert await told(0) == ({ANNE: 5, BERT: 6, CORA: 8}, {ANNE: 7, BERT: 6, CORA: 8})
    assert await told(6) == ({ANNE: 7, BERT: 6, CORA: 8}, {ANNE: 7, BERT: 6, CORA: 8})
    assert await marked(hub, limit=1) == ["a5"]
    assert (await told(0))[0] == {ANNE: 7, BERT: 6, CORA: 8}
    await marked(hub)
    assert await told(7) == ({}, {ANNE: 7, CORA: 8})
    await hub.write(lambda tables: tables.stubs.mark([stub_id("b6")]))
    assert await told(7) == ({}, {ANNE: 7, CORA: 8}), "looked at again, because of somebody else"
    assert await told(9) == ({}, {})


async def test_an_agency_is_told_once_from_where_its_publications_wait(hub: Hub) -> None:
    async def told(open_from: dict[str, int]) -> list[str]:
        return await hub.write(lambda tables: tables.rounds.not_told(open_from))

    assert await told({BERT: 6, ANNE: 7}) == [ANNE, BERT]
    assert await told({BERT: 6, ANNE: 8}) == [ANNE]
    assert await told({BERT: 6, ANNE: 8}) == []


async def test_the_progress_of_rounds_is_as_it_was_set_last(hub: Hub) -> None:
    assert await hub.read(lambda tables: tables.rounds.progress()) == Progress(0, 0)
    for progress in (Progress(5, 900), Progress(8, 1800)):
        await hub.write(lambda tables, it=progress: tables.rounds.set_progress(it))  # type: ignore[misc]
        assert await hub.read(lambda tables: tables.rounds.progress()) == progress


async def everything(hub: Hub) -> list[object]:
    """All that the store keeps: rows, and tokens by stub."""
    names = ("stub", "former_token", "dirty_stub")

    def read(tables: HubTables) -> list[object]:
        rows = [
            sorted(tuple(item.values()) for item in tables.tx.rows(f"SELECT * FROM {name}"))  # noqa: S608
            for name in names
        ]
        holding = [item["stub_id"] for item in tables.tx.rows("SELECT stub_id FROM token")]
        return [*rows, tables.stubs.tokens_of(holding)]

    return await hub.read(read)


async def test_many_rows_at_once_come_to_the_same_as_one_after_the_other(
    hub: Hub, tmp_path: Path
) -> None:
    rows: Rows = [
        (row("a", 1, work("w1", until=9)), tokens(name="x y", other="x")),
        (row("b", 2), tokens(name="x")),
        (row("c", 4), {}),
        (row("d", 1), {}),
        (row("e", 1), tokens(name="y x", other="c")),
    ]
    other = SqliteEngine(tmp_path / "other", SCHEMA, HubTables)
    for engine in (hub, other):
        await publish(engine, BERT, 3, r=tokens(name="x"), s=tokens(other="z"), t=tokens(name="c"))
        await publish(engine, ANNE, 4, b=tokens(name="y", other="z"), c=tokens(name="c"))
        await marked(engine)
    await put(hub, rows, Publication(ANNE, 5))
    for one in rows:
        await put(other, [one], Publication(ANNE, 5))
    assert await everything(hub) == await everything(other)
    assert await marked(hub) == ["a", "b", "c", "d", "e", "s", "t"]
    await other.close()


# Links


def end(agency: str, name: str, told: bool = False, review: str | None = None) -> LinkEnd:
    shown = (ShownInvolvement(id="0" * 32, type="youth_work", label="Youth work"),)
    notice = Notice(CORA, shown, ("name_dob.1", 2)) if told else None
    return LinkEnd(agency, stub_id(name), notice, review)


def link(name: str, one: str, other: str, state: LinkState = LinkState.POSSIBLE) -> Link:
    ends = (end(ANNE, one, told=True), end(BERT, other, review="1" * 64))
    return Link(stub_id(name), ends, state, Origin.SCORE, "2" * 64)


async def test_a_link_is_there_as_it_was_put_last(hub: Hub) -> None:
    one, other = link("l1", "a", "b"), link("l2", "a", "c")
    await hub.write(lambda tables: tables.links.put_all([one, other]))
    hidden = Notice(None, (), None)
    changed = replace(
        one,
        ends=(replace(one.ends[0], notice=None), replace(one.ends[1], notice=hidden, review=None)),
        state=LinkState.MATCH,
        origin=Origin.SUPPORTED,
        round_id="3" * 64,
    )
    await hub.write(lambda tables: tables.links.put_all([changed]))
    assert await hub.read(lambda tables: tables.links.link(one.link_id)) == changed
    assert await hub.read(lambda tables: tables.links.link(other.link_id)) == other
    assert await hub.read(lambda tables: tables.links.link("0" * 32)) is None


async def test_a_hint_is_kept_with_its_end_and_found_by_its_id(hub: Hub) -> None:
    one, other = link("l1", "a", "b"), link("l2", "a", "c")
    service = LinkHint(stub_id("h1"), Hint.SERVICE, "charity")
    desk = LinkHint(stub_id("h2"), Hint.DUTY_DESK, None)
    hinted = replace(
        one, ends=(replace(one.ends[0], hint=service), replace(one.ends[1], hint=desk))
    )
    await hub.write(lambda tables: tables.links.put_all([hinted, other]))
    assert await hub.read(lambda tables: tables.links.link(one.link_id)) == hinted
    for known in (service.hint_id, desk.hint_id):
        assert await hub.read(lambda t, of=known: t.links.hinted(of)) == hinted  # type: ignore[misc]
    assert await hub.read(lambda tables: tables.links.hinted(stub_id("h3"))) is None
    await hub.write(lambda tables: tables.links.put_all([one]))
    assert await hub.read(lambda tables: tables.links.hinted(stub_id("h1"))) is None


async def test_links_of_many_stubs_are_those_of_each_ended_ones_too(hub: Hub) -> None:
    links = [link("l3", "a", "b"), link("l1", "a", "c"), link("l2", "b", "c")]
    await hub.write(lambda tables: tables.links.put_all(links))
    await hub.write(lambda tables: tables.links.end(stub_id("l2")))
    asked = [stub_id(name) for name in "abcd"]
    together = await hub.read(lambda tables: tables.links.links_of(asked))
    apart = [await hub.read(lambda t, one=one: t.links.links_of([one])) for one in asked]  # type: ignore[misc]
    assert together == {one: found for some in apart for one, found in some.items()}
    names = {one: [item.link_id for item in found] for one, found in together.items()}
    assert names == {
        stub_id("a"): [stub_id("l1"), stub_id("l3")],
        stub_id("b"): [stub_id("l2"), stub_id("l3")],
        stub_id("c"): [stub_id("l1"), stub_id("l2")],
    }
    still = await hub.read(lambda tables: tables.links.open_links())
    assert [item.link_id for item in still] == [stub_id("l1"), stub_id("l3")]


async def test_an_end_is_found_by_agency_and_stub_alone(hub: Hub) -> None:
    one = link("l1", "a", "b")
    await hub.write(lambda tables: tables.links.put_all([one]))
    found = await hub.read(lambda tables: tables.links.link(one.link_id))
    assert found is not None
    assert found.end(ANNE, stub_id("a")) == one.ends[0] == found.across(stub_id("b"))
    assert found.end(BERT, stub_id("a")) is None


@pytest.mark.parametrize("before", LinkState)
@pytest.mark.parametrize("after", LinkState)
async def test_a_link_moves_between_all_its_states(
    hub: Hub, before: LinkState, after: LinkState
) -> None:
    one = link("l1", "a", "b")
    await hub.write(lambda tables: tables.links.put_all([one]))
    for state in (before, after):
        await hub.write(
            lambda tables, state=state: tables.links.put_all([replace(one, state=state)])  # type: ignore[misc]
        )
    found = await hub.read(lambda tables: tables.links.link(one.link_id))
    assert found == replace(one, state=after)
    assert after is before or after in MOVES[before]


@pytest.mark.parametrize(
    "forbidden",
    [
        replace(link("l2", "a", "c"), state=LinkState.ENDED),
        replace(link("l2", "a", "c"), origin=Origin.SUPPORTED),
        link("l1", "a", "c"),
        link("l1", "b", "a"),
    ],
    ids=["begins ended", "a possible link with support", "another end", "ends the other way"],
)
async def test_what_a_link_cannot_become_is_refused_whole(hub: Hub, forbidden: Link) -> None:
    one = link("l1", "a", "b")
    await hub.write(lambda tables: tables.links.put_all([one]))
    both = [link("l0", "d", "e"), forbidden]
    with pytest.raises(LocalError) as caught:
        await hub.write(lambda tables: tables.links.put_all(both))
    assert caught.value.code is ErrorCode.CONFLICT
    assert await hub.read(lambda tables: tables.links.open_links()) == [one]


async def test_a_pair_has_one_link(hub: Hub) -> None:
    await hub.write(lambda tables: tables.links.put_all([link("l1", "a", "b")]))
    with pytest.raises(NotUniqueError):
        await hub.write(lambda tables: tables.links.put_all([link("l2", "a", "b")]))


@pytest.mark.parametrize("state", BEGINNINGS)
async def test_a_link_ends_at_once_and_stays_ended(hub: Hub, state: LinkState) -> None:
    one = link("l1", "a", "b", state)
    await hub.write(lambda tables: tables.links.put_all([one]))
    for link_id in (one.link_id, one.link_id, "0" * 32):
        await hub.write(lambda tables, link_id=link_id: tables.links.end(link_id))  # type: ignore[misc]
    found = await hub.read(lambda tables: tables.links.link(one.link_id))
    assert found == replace(one, state=LinkState.ENDED)
    again = replace(one, state=LinkState.ENDED)
    await hub.write(lambda tables: tables.links.put_all([again]))
    assert await hub.read(lambda tables: tables.links.link(one.link_id)) == again, "a round saw it"


async def test_each_agencys_last_answer_counts_and_both_ends_are_looked_at_again(hub: Hub) -> None:
    one, other = link("l1", "a", "b"), link("l2", "a", "c")
    same, not_same = Answer(Said.SAME, "1" * 64), Answer(Said.NOT_SAME, "2" * 64)

    def answer(tables: HubTables) -> None:
        tables.links.put_all([one, other])
        tables.links.put_answer(one, ANNE, same, "4" * 64)
        tables.links.put_answer(one, ANNE, not_same, "5" * 64)
        tables.links.put_answer(one, BERT, same, "6" * 64)

    await hub.write(answer)
    asked = [one.link_id, other.link_id, "0" * 32]
    together = await hub.read(lambda tables: tables.links.answers_of(asked))
    assert together == {one.link_id: {ANNE: not_same, BERT: same}}
    apart = [await hub.read(lambda t, one=one: t.links.answers(one)) for one in asked]  # type: ignore[misc]
    assert apart == [together.get(link_id, {}) for link_id in asked]
    assert await marked(hub) == ["a", "b"]
    await hub.write(lambda tables: tables.links.mark_linked())
    assert await marked(hub) == ["a"], "one end leads to the other"


async def test_open_links_rest_on_their_rounds_and_on_what_was_said(hub: Hub) -> None:
    one, other = link("l1", "a", "b"), replace(link("l2", "a", "c"), round_id="3" * 64)
    same = Answer(Said.SAME, "1" * 64)

    def answer(tables: HubTables) -> None:
        tables.links.put_all([one, other])
        tables.links.put_answer(one, ANNE, same, "5" * 64)
        tables.links.put_answer(other, ANNE, same, "6" * 64)
        tables.links.end(other.link_id)

    await hub.write(answer)
    found = await hub.read(lambda tables: tables.links.statements())
    assert found == {"2" * 64, "5" * 64}


async def test_the_question_is_about_the_tokens_as_they_are_now(hub: Hub) -> None:
    one = link("l1", "a", "b")
    await publish(hub, ANNE, 5, a=tokens(name="x y"))
    await publish(hub, BERT, 6, b=tokens(name="x"))
    before = await hub.read(lambda tables: tables.links.question(one))
    await publish(hub, BERT, 7, b=tokens(name="y"))
    after = await hub.read(lambda tables: tables.links.question(one))
    ends = [(stub_id("a"), tokens(name="x y")), (stub_id("b"), tokens(name="y"))]
    assert after == question_of(ends) != before


# Uploads


def upload(number: int, agency: str = ANNE) -> Upload:
    return Upload(f"{number:064x}", agency, b"manifest %d" % number, number)


async def test_an_upload_waits_with_its_chunks_until_it_is_dropped(hub: Hub) -> None:
    one, other = upload(1), upload(2)

    def begin(tables: HubTables) -> None:
        for item in (one, other):
            tables.uploads.begin(item, 4)
        tables.uploads.add_chunk(one.statement_id, "c1", b"first")
        tables.uploads.add_chunk(one.statement_id, "c1", b"again")
        tables.uploads.add_chunk(other.statement_id, "c1", b"other")

    await hub.write(begin)

    def state(tables: HubTables) -> tuple[Upload | None, set[str], bytes | None]:
        store = tables.uploads
        return (
            store.upload(one.statement_id),
            store.chunk_hashes(one.statement_id),
            store.chunk(one.statement_id, "c1"),
        )

    assert await hub.read(state) == (one, {"c1"}, b"first")
    await hub.write(lambda tables: tables.uploads.drop(one.statement_id))
    assert await hub.read(state) == (None, set(), None)
    await hub.write(lambda tables: tables.uploads.drop(one.statement_id))
    assert await hub.read(lambda tables: tables.uploads.chunk(other.statement_id, "c1")) == b"other"


async def test_what_is_gone_takes_no_chunk_and_what_is_here_does_not_begin_again(hub: Hub) -> None:
    one = upload(1)
    await hub.write(lambda tables: tables.uploads.begin(one, 4))
    with pytest.raises(NotUniqueError):
        await hub.write(lambda tables: tables.uploads.begin(one, 4))
    await hub.write(lambda tables: tables.uploads.drop(one.statement_id))
    with pytest.raises(LocalError) as caught:
        await hub.write(lambda tables: tables.uploads.add_chunk(one.statement_id, "c1", b"late"))
    assert caught.value.code is ErrorCode.NOT_FOUND
    assert not await hub.read(lambda tables: tables.uploads.is_here(one.statement_id))


async def test_an_agency_has_its_newest_uploads_and_no_more(hub: Hub) -> None:
    await hub.write(lambda tables: tables.uploads.begin(upload(0, BERT), 3))
    for number in (1, 3, 2, 4, 5):

        def begin(tables: HubTables, number: int = number) -> None:
            tables.uploads.begin(upload(number), 3)
            tables.uploads.add_chunk(upload(number).statement_id, "c1", b"x")

        await hub.write(begin)

    def here(tables: HubTables) -> list[int]:
        known = (
            number for number in range(6) if tables.uploads.is_here(upload(number).statement_id)
        )
        return list(known)

    assert await hub.read(here) == [0, 3, 4, 5]
    chunks = await hub.read(lambda tables: tables.tx.rows("SELECT 1 FROM upload_chunk"))
    assert len(chunks) == 3


async def test_what_an_upload_has_brought_goes_bit_by_bit(hub: Hub) -> None:
    one = upload(1)

    def bring(tables: HubTables) -> None:
        tables.uploads.begin(one, 4)
        for digest in ("c1", "c2"):
            tables.uploads.add_chunk(one.statement_id, digest, b"x")
        tables.uploads.drop(one.statement_id)

    await hub.write(bring)
    steps = 0
    while (left := await hub.read(lambda tables: tables.uploads.dropped())) is not None:
        await hub.write(lambda tables, name=left: tables.uploads.sweep(name))  # type: ignore[misc]
        steps += 1
    assert steps == 3, "a chunk, a chunk, the upload"
    await hub.write(lambda tables: tables.uploads.begin(one, 4))


async def test_staged_stubs_and_placed_tokens_count_at_once_when_they_are_logged(hub: Hub) -> None:
    await publish(hub, ANNE, 5, a=tokens(name="x z"), b=tokens(name="q"))
    two = upload(2)
    gone = row("b", 2).model_copy(update={"retired": True})
    rows = [(row("a", 2), tokens(name="y z")), (gone, {}), (row("c"), tokens(name="y"))]

    def seen(tables: HubTables) -> tuple[int, PepperedTokens, PepperedTokens, int]:
        (stub,) = tables.stubs.among([stub_id("a")]).values()
        holders = tables.stubs.holders([("name", token("y"))])
        held = [tables.stubs.tokens(stub_id(name)) for name in "ac"]
        return stub.revision, held[0], held[1], sum(map(len, holders.values()))

    await marked(hub)
    number = await hub.write(lambda t: stage(t, rows, ANNE, two, counted=True))
    assert await hub.read(seen) == (1, tokens(name="x z"), {}, 0), "nobody sees it"
    known = await hub.read(lambda t: t.stubs.known_tokens(ANNE, [token("y")], 0))
    assert known == KnownTokens({}, {}), "not even its own agency's next publication"
    assert await hub.read(lambda t: t.staging.elsewhere(0, [stub_id("a")])) == {stub_id("a")}
    own = await hub.read(lambda t: t.stubs.known_tokens(ANNE, [token("y")], 0, number))
    assert own.stub_ids == {token("y"): {stub_id("a"), stub_id("c")}}, "but it itself does"
    await hub.write(lambda tables: tables.staging.log(number, 6))
    after = (2, tokens(name="y z"), tokens(name="y"), 2)
    assert await hub.read(seen) == after, "all of it"
    assert await since(hub, "a") == {token("y"): 6, token("z"): 5}
    assert await hub.read(lambda tables: tables.stubs.is_marked(stub_id("a")))
    assert two.statement_id in await hub.read(lambda tables: tables.stubs.publications())
    place = Placed(ANNE, two.statement_id, number, 50, 3, 100)
    for _ in "abc":
        assert await hub.write(lambda tables: tables.staging.put_in_force(place, 1))
        assert await hub.read(seen) == after
    assert not await hub.write(lambda tables: tables.staging.put_in_force(place, 10))
    last = await hub.read(
        lambda tables: tables.limits.last_tokens([stub_id(name) for name in "abc"])
    )
    assert {one: said.charter_version for one, said in last.items()} == {
        stub_id("a"): 3, stub_id("b"): 1, stub_id("c"): 3,
    }  # fmt: skip
    sql = "SELECT token FROM former_token ORDER BY token"
    left = await hub.read(lambda tables: [row["token"] for row in tables.tx.rows(sql)])
    assert left == [token("q"), token("x")]
    assert await hub.read(lambda t: len(t.tx.rows("SELECT 1 FROM token"))) == 3, "the old ones went"


async def test_a_try_that_was_given_up_goes_bit_by_bit_and_never_counts(hub: Hub) -> None:
    await publish(hub, ANNE, 5, a=tokens(name="x"))
    rows = [(row("a", 2), tokens(name="x y")), (row("c"), tokens(name="y"))]
    first = await hub.write(lambda t: stage(t, rows, ANNE, upload(2), counted=False))
    assert await hub.read(lambda tables: tables.staging.given_up()) is None
    second = await hub.write(lambda tables: tables.staging.begin(upload(2).statement_id))
    has = await hub.read(lambda t: [t.staging.has_turn(number) for number in (first, second)])
    assert has == [False, True], "who began last goes on"
    assert await hub.read(lambda t: t.staging.elsewhere(0, [stub_id("c")])) == set()
    for left in (2, 1, 0):
        assert await hub.read(lambda tables: tables.staging.given_up()) == first
        count = "SELECT 1 FROM token WHERE put_by = ?"
        found = await hub.read(lambda t, sql=count: len(t.tx.rows(sql, first)))  # type: ignore[misc]
        assert found == {2: 3, 1: 1, 0: 0}[left]
        await hub.write(lambda tables: tables.staging.clear(first, 1))
    assert await hub.read(lambda tables: tables.staging.given_up()) is None
    assert await hub.read(lambda t: t.stubs.tokens(stub_id("a"))) == tokens(name="x")
    await hub.write(lambda tables: tables.uploads.drop(upload(2).statement_id))
    assert await hub.read(lambda tables: tables.staging.given_up()) == second


async def test_links_that_take_attention_are_counted_by_who_asks_and_held_pairs_looked_at(
    hub: Hub,
) -> None:
    one = link("1", "a", "b")
    other = link("2", "c", "d", LinkState.MATCH)
    told = replace(other.ends[0], notice=Notice(BERT, (), None))
    other = replace(other, ends=(told, other.ends[1]))
    await hub.write(lambda tables: tables.links.put_all([replace(one, asker=BERT), other]))
    assert await hub.read(lambda tables: tables.links.count_asked(BERT, ANNE)) == 1
    assert await hub.read(lambda tables: tables.links.count_asked(ANNE, BERT)) == 0
    assert await hub.read(lambda tables: tables.links.count_matches(BERT, ANNE)) == 1
    assert await hub.read(lambda tables: tables.links.count_matches(ANNE, BERT)) == 0, "not shown"
    await marked(hub)
    await hub.write(lambda tables: tables.links.hold([(BERT, ANNE)], []))
    assert await hub.read(lambda tables: tables.links.held()) == [(BERT, ANNE)]
    assert await marked(hub) == ["a"]
    await hub.write(lambda tables: tables.links.hold([], [(BERT, ANNE)]))
    assert (await hub.read(lambda tables: tables.links.held()), await marked(hub)) == ([], ["a"])


# Limits


async def test_new_stubs_are_counted_by_agency_and_day(hub: Hub) -> None:
    def count(tables: HubTables) -> None:
        for agency, day, number in ((ANNE, 7, 3), (ANNE, 8, 0), (BERT, 7, 5), (ANNE, 7, 4)):
            tables.limits.add_new_stubs(agency, day, number)

    await hub.write(count)
    assert await hub.read(lambda tables: tables.limits.new_stubs(ANNE)) == {7: 7, 8: 0}
    assert await hub.read(lambda tables: tables.limits.new_stubs(CORA)) == {}


async def test_the_last_tokens_replace_those_before_and_changes_add_up(hub: Hub) -> None:
    def staged(name: str, commitment: str, *, new: bool, counted: bool) -> StagedStub:
        changed = row(name).model_copy(update={"token_commitment": commitment * 64})
        return StagedStub(changed, new, counted)

    tries = [
        (
            [staged("a", "0", new=True, counted=True), staged("b", "0", new=True, counted=True)],
            1,
            9,
        ),
        (
            [staged("a", "1", new=True, counted=True), staged("b", "0", new=False, counted=False)],
            2,
            5,
        ),
        (
            [staged("a", "2", new=False, counted=False), staged("z", "0", new=True, counted=True)],
            3,
            7,
        ),
    ]

    def put(tables: HubTables) -> None:
        for number, (rows, charter_version, at) in enumerate(tries, 1):
            tables.staging.put(number, ANNE, rows)
            tables.limits.take_staged(number, stub_id("b"), charter_version, at)

    await hub.write(put)
    asked = [stub_id(name) for name in "abz"]
    last = await hub.read(lambda tables: tables.limits.last_tokens(asked))
    assert last == {asked[0]: LastTokens("1" * 64, 2), asked[1]: LastTokens("0" * 64, 1)}
    changes = await hub.read(lambda tables: tables.limits.changes_of(asked))
    assert changes == {asked[0]: [5, 9], asked[1]: [9]}, "z is of a later slice"
    alone = await hub.read(lambda tables: tables.limits.changes_of(asked[1:]))
    assert alone == {asked[1]: [9]}
