"""What the node's stores promise, as scenarios: every engine runs this one suite (SQLite now).

Each scenario runs twice: as it is, and on an engine that runs every body once for nothing first.
Another engine joins by a parameter of the fixture.
"""

import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from node.store.checks import ReceivedCheck, ReceivedCheckState, SentCheck, SentCheckState
from node.store.decisions import LoggedDecision
from node.store.governance import RecallNotice, UnwitnessedCard
from node.store.hubs import HubRow
from node.store.journal import DailyStatement, ExpectedEntry
from node.store.links import Link, LinkedInvolvement, LinkState, Review, ReviewState
from node.store.outbox import OutboxState, Outgoing, Place, Unchecked, subject_of
from node.store.requests import (
    Asker,
    ReceivedRequest,
    ReceivedState,
    SentRequest,
    SentState,
)
from node.store.resync import Cause, Entry, Lost, Resync, ResyncState
from node.store.set_aside import Fault, Item, Kind
from node.store.tables import SCHEMA, NodeEngine, NodeTables
from protocol.errors import ErrorCode, LocalError
from protocol.fields import WireModel
from protocol.messages.bodies import ReceiptBody
from protocol.messages.log import DailyStatementBody, ProvisionalBody
from protocol.messages.parts import LinkEvidence, LinkProof
from protocol.messages.review import VerdictBody
from protocol.requests.clock import Steps
from protocol.requests.sealing import ContactCard, IdentityDetails, Opening
from storage.engine import NotUniqueError, Schema, Transaction
from storage.sqlite import SqliteEngine
from tests.statements import counted_statements

HUB, OTHER = "0a" * 16, "0b" * 16
LINK, NOW = "1c" * 16, 1_790_000_000


@pytest_asyncio.fixture(params=[False, True], ids=["once", "rehearsed"])
async def engine(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[NodeEngine]:
    """A node's empty database."""
    path = tmp_path / "node.sqlite"
    made = SqliteEngine(path, SCHEMA, NodeTables, rehearse=request.param)
    yield made
    await made.close()


async def written(engine: NodeEngine, work: Callable[..., Any], *values: object) -> Any:
    """What a body answers that takes more than the stores."""
    return await engine.write(lambda tables: work(tables, *values))


def number(n: int) -> str:
    """An id."""
    return f"{n:032x}"


def sent_request(n: int = 1, **change: Any) -> SentRequest:
    made = SentRequest(HUB, number(n), 1, "a1" * 16, LINK, NOW, NOW + 100)
    return replace(made, **change)


def received_request(n: int = 1, **change: Any) -> ReceivedRequest:
    proof = LinkProof(match_key_id="nhs.1", epoch=1, proof="00" * 32)
    made = ReceivedRequest(
        hub_id=HUB, request_id=number(n), statement_id="51" * 32, requester="a2" * 16,
        link_id=LINK, involvement=None, purpose="care", basis="UK-1", facts={"reason": "fall"},
        asker=Asker("A. Worker", "social_worker"), link_proof=proof, expires=NOW + 100,
        received_at=NOW,
    )  # fmt: skip
    return replace(made, **change)


def sent_check(n: int = 1, **change: Any) -> SentCheck:
    openings = {"reason": Opening(salt="00" * 32, value="a fall")}
    made = SentCheck(HUB, number(n), LINK, "A. Worker", openings, NOW, NOW + 100)
    return replace(made, **change)


def received_check(n: int = 1, **change: Any) -> ReceivedCheck:
    made = ReceivedCheck(
        hub_id=HUB, check_id=number(n), statement_id="51" * 32, requester="a2" * 16, link_id=LINK,
        role="nurse", purpose="care", basis="UK-1", facts={"reason": "fall"}, expires=NOW + 100,
        received_at=NOW,
    )  # fmt: skip
    return replace(made, **change)


CARD = ContactCard(
    practitioner="A. Worker", role=None, phone="01632 960001", email=None, team=None,
    duty_line="01632 960100", duty_hours="Always", last_contact=None, next_visit=None,
)  # fmt: skip
REASON = Opening(salt="0b" * 32, value="Ask the court.\nIt sealed this.")
DECISION = LoggedDecision("de" * 32, 7, "00" * 32, b"envelope")


# States. The moves are written here by hand: all others must raise.

SENT = """
sending  waiting refused failed stopped recalled log_lost
waiting  allowed refused stopped recalled log_lost
allowed  opened closed stopped recalled log_lost
opened   recalled expired
expired  recalled
recalled opened closed
closed   stopped recalled
stopped  recalled
"""
RECEIVED = """
arrived      asks_person deciding stopped log_lost
asks_person  deciding stopped log_lost
deciding     allowed refused asks_person stopped log_lost
allowed      released stopped recalled log_lost
released     opened allowed stopped recalled log_lost
opened       recalled
stopped      opened recalled
recalled     allowed
"""
SENT_CHECK = """
sending          waiting allowed refused failed expired stopped log_lost
waiting          allowed refused expired stopped log_lost
allowed          sending_details expired stopped log_lost
sending_details  compared failed expired stopped log_lost
compared         answered expired stopped log_lost
expired          answered
"""
RECEIVED_CHECK = """
arrived      asks_person refused expired stopped log_lost
asks_person  answered refused expired stopped log_lost
answered     stopped
refused      stopped
"""


def moves(table: str) -> set[tuple[str, str]]:
    lines = (line.split() for line in table.split("\n") if line)
    return {(before, after) for before, *following in lines for after in following}


Store = Callable[[NodeTables], Any]
TABLES: Mapping[str, tuple[str, type[StrEnum], Callable[..., Any], Store]] = {
    "sent requests": (SENT, SentState, sent_request, lambda t: t.sent_requests),
    "received requests": (RECEIVED, ReceivedState, received_request, lambda t: t.received_requests),
    "sent checks": (SENT_CHECK, SentCheckState, sent_check, lambda t: t.sent_checks),
    "received checks": (
        RECEIVED_CHECK, ReceivedCheckState, received_check, lambda t: t.received_checks,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
async def test_a_state_moves_as_its_table_says_and_no_other_way(
    engine: NodeEngine, name: str
) -> None:
    table, states, make, store = TABLES[name]
    pairs = [pair for pair in itertools.product(states, states) if pair[0] is not pair[1]]

    def try_all(tables: NodeTables) -> set[tuple[str, str]]:
        done = set()
        for n, (before, after) in enumerate(pairs):
            item = make(n, state=before)
            store(tables).add(item)
            with suppress(LocalError):
                store(tables).change(item, replace(item, state=after))
                done.add((before.value, after.value))
        return done

    assert await engine.write(try_all) == moves(table)

    def states_now(tables: NodeTables) -> list[str]:
        return [store(tables).get(HUB, number(n)).state.value for n in range(len(pairs))]

    kept = await engine.read(states_now)
    allowed = moves(table)
    wanted = [
        after.value if (before.value, after.value) in allowed else before.value
        for before, after in pairs
    ]
    assert kept == wanted, "what may not move stays as it was"


@pytest.mark.parametrize("name", TABLES)
async def test_an_item_that_moved_since_it_was_read_does_not_move_again(
    engine: NodeEngine, name: str
) -> None:
    _, _, make, store = TABLES[name]
    item = make()
    stopped = replace(item, state=type(item.state)("stopped"))
    await engine.write(lambda tables: store(tables).add(item))
    await engine.write(lambda tables: store(tables).change(item, stopped))
    with pytest.raises(LocalError) as caught:
        await engine.write(lambda tables: store(tables).change(item, stopped))
    assert caught.value.code is ErrorCode.CONFLICT


@pytest.mark.parametrize("name", TABLES)
async def test_two_hubs_may_use_one_id_and_do_not_meet(engine: NodeEngine, name: str) -> None:
    _, _, make, store = TABLES[name]
    ours, theirs = make(), replace(make(), hub_id=OTHER)
    stopped = replace(ours, state=type(ours.state)("stopped"))
    await engine.write(lambda tables: (store(tables).add(ours), store(tables).add(theirs)))
    await engine.write(lambda tables: store(tables).change(ours, stopped))
    assert await engine.read(lambda tables: store(tables).get(HUB, number(1))) == stopped
    assert await engine.read(lambda tables: store(tables).get(OTHER, number(1))) == theirs
    with pytest.raises(NotUniqueError):
        await engine.write(lambda tables: store(tables).add(ours))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("sent requests", {"state": SentState.OPENED, "card": CARD, "decision": DECISION}),
        ("received requests", {"decision": DECISION, "release_id": "5e" * 32, "facts": {}}),
        ("sent requests", {"state": SentState.REFUSED, "reason": REASON}),
        ("received requests", {"clock": Steps(1, 2, 3), "passed_at": NOW, "reason": REASON}),
        (
            "sent checks",
            {
                "decision": DECISION,
                "evidence": LinkEvidence(match_key_id="nhs.1", epoch=1, ordinal=0),
                "openings": None,
            },
        ),
        (
            "received checks",
            {
                "state": ReceivedCheckState.ASKS_PERSON,
                "details": IdentityDetails(
                    check_id=number(1), given="A", family="B", date_of_birth=None, postcode=None
                ),
            },
        ),
    ],
)
async def test_what_is_kept_comes_back_as_it_was(
    engine: NodeEngine, name: str, change: dict[str, Any]
) -> None:
    _, _, make, store = TABLES[name]
    item = make(**change)
    await engine.write(lambda tables: store(tables).add(item))
    assert await engine.read(lambda tables: store(tables).get(HUB, number(1))) == item
    assert await engine.read(lambda tables: store(tables).get(HUB, number(2))) is None


# What a recall and a lost log do to many at once.


def all_states(tables: NodeTables, name: str) -> None:
    _, states, make, store = TABLES[name]
    for n, state in enumerate(states):
        card = {"card": CARD} if state is SentState.OPENED else {}
        store(tables).add(make(n, state=state, **card))
    # The same at another hub and over another link, which nothing may touch.
    store(tables).add(replace(make(100), hub_id=OTHER))
    store(tables).add(replace(make(101), link_id="2c" * 16))


async def states_after(
    engine: NodeEngine, name: str, work: Callable[[NodeTables], None]
) -> dict[str, str]:
    """What became of an item of each state: only those that are different now."""
    _, states, _, store = TABLES[name]
    await engine.write(lambda tables: all_states(tables, name))
    await engine.write(work)

    def look(tables: NodeTables) -> dict[str, str]:
        now = [store(tables).get(HUB, number(n)).state for n in range(len(states))]
        assert store(tables).get(OTHER, number(100)).state is next(iter(states))
        changed = zip(states, now, strict=True)
        return {str(before): str(after) for before, after in changed if before is not after}

    return await engine.read(look)


def each(states: str, after: str) -> dict[str, str]:
    return dict.fromkeys(states.split(), after)


async def test_a_recall_stops_requests_of_ours_over_the_link_and_deletes_their_cards(
    engine: NodeEngine,
) -> None:
    found = await states_after(
        engine, "sent requests", lambda t: t.sent_requests.stop_over(HUB, LINK, but=number(2))
    )
    assert found == {**each("sending waiting closed", "stopped"), "opened": "recalled"}
    kept = await engine.read(lambda t: [request for _, request in t.sent_requests.of_hub(HUB)])
    assert kept == []  # no client of that row is here
    opened = await engine.read(lambda t: t.sent_requests.get(HUB, number(5)))
    other = await engine.read(lambda t: t.sent_requests.get(HUB, number(101)))
    assert (opened and opened.card, other and other.state) == (None, SentState.SENDING)


async def test_a_recall_stops_requests_to_us_over_the_link_but_not_what_has_left(
    engine: NodeEngine,
) -> None:
    found = await states_after(
        engine, "received requests", lambda t: t.received_requests.stop_over(HUB, LINK, number(1))
    )
    assert found == each("arrived deciding allowed", "stopped"), "number 1 is asks_person"


async def test_a_recall_stops_renewals_over_the_link_and_so_does_a_lost_log(
    engine: NodeEngine,
) -> None:
    """No other card leaves in the place of one that was recalled, nor is one opened."""
    for n, ends in enumerate(
        (
            lambda store: store.stop_over(HUB, LINK, but=number(99)),
            lambda store: store.end_with_log(HUB),
        )
    ):
        sent = sent_request(n, state=SentState.RECALLED, recalled_by="a2" * 16, holder="a2" * 16)
        received = received_request(n, state=ReceivedState.RECALLED, renew=1)
        assert sent.may_be_renewed
        for name, item in (("sent_requests", sent), ("received_requests", received)):
            await engine.write(lambda t, name=name, item=item: getattr(t, name).add(item))  # type: ignore[misc]
            await engine.write(lambda t, name=name, ends=ends: ends(getattr(t, name)))  # type: ignore[misc]
        after = await engine.read(lambda t, n=n: t.sent_requests.get(HUB, number(n)))  # type: ignore[misc]
        ours = await engine.read(lambda t, n=n: t.received_requests.get(HUB, number(n)))  # type: ignore[misc]
        assert after is not None
        assert ours is not None
        assert (after.state, after.may_be_renewed) == (SentState.RECALLED, False)
        assert (ours.state, ours.renew) == (ReceivedState.RECALLED, 0)


async def test_a_recall_stops_checks_over_the_link_and_what_they_hold_goes(
    engine: NodeEngine,
) -> None:
    found = await states_after(engine, "sent checks", lambda t: t.sent_checks.stop_over(HUB, LINK))
    assert found == each("sending waiting allowed sending_details compared", "stopped")
    stopped = await engine.read(lambda t: t.sent_checks.get(HUB, number(0)))
    assert stopped is not None
    assert stopped.openings is None


async def test_a_recall_stops_checks_to_us_over_the_link(engine: NodeEngine) -> None:
    found = await states_after(
        engine, "received checks", lambda t: t.received_checks.stop_over(HUB, LINK)
    )
    assert found == each("arrived asks_person", "stopped")


@pytest.mark.parametrize(
    ("name", "unfinished"),
    [
        ("sent requests", "sending waiting allowed"),
        ("received requests", "arrived asks_person deciding allowed released"),
        ("sent checks", "sending waiting allowed sending_details compared"),
        ("received checks", "arrived asks_person"),
    ],
)
async def test_a_lost_log_ends_what_is_unfinished_and_nothing_else(
    engine: NodeEngine, name: str, unfinished: str
) -> None:
    store = TABLES[name][3]
    found = await states_after(engine, name, lambda t: store(t).end_with_log(HUB))
    assert found == each(unfinished, "log_lost")


async def test_a_card_that_the_hub_had_taken_outlives_the_log(engine: NodeEngine) -> None:
    taken = received_request(state=ReceivedState.RELEASED, release_id="5e" * 32)
    await engine.write(lambda t: t.received_requests.add(taken))
    await engine.write(lambda t: t.received_requests.end_with_log(HUB))
    assert await engine.read(lambda t: t.received_requests.get(HUB, number(1))) == taken


async def test_time_runs_out_for_checks_and_what_they_hold_goes(engine: NodeEngine) -> None:
    details = IdentityDetails(
        check_id=number(1), given="A", family="B", date_of_birth=None, postcode=None
    )

    def keep(tables: NodeTables) -> None:
        tables.sent_checks.add(sent_check(state=SentCheckState.COMPARED))
        asks = ReceivedCheckState.ASKS_PERSON
        tables.received_checks.add(received_check(state=asks, details=details))

    await engine.write(keep)
    for now, late in ((NOW + 99, False), (NOW + 100, True)):
        assert await written(engine, lambda t, at: t.sent_checks.is_any_late(HUB, at), now) is late
        found = await written(engine, lambda t, at: t.received_checks.is_any_late(HUB, at), now)
        assert found is late

    def expire(tables: NodeTables) -> None:
        tables.sent_checks.expire(HUB, NOW + 100)
        tables.received_checks.expire(HUB, NOW + 100)

    await engine.write(expire)
    sent = await engine.read(lambda t: t.sent_checks.get(HUB, number(1)))
    received = await engine.read(lambda t: t.received_checks.get(HUB, number(1)))
    assert (sent and sent.state, sent and sent.openings) == (SentCheckState.EXPIRED, None)
    assert received is not None
    assert (received.state, received.details) == (ReceivedCheckState.EXPIRED, None)


async def test_only_cards_that_an_agency_got_count_as_earlier_ones(engine: NodeEngine) -> None:
    await engine.write(lambda tables: all_states(tables, "received requests"))
    count = await engine.read(lambda t: t.received_requests.released_to(HUB, "a2" * 16))
    assert count == 2, "released and opened"
    assert await engine.read(lambda t: t.received_requests.released_to(HUB, "a3" * 16)) == 0
    allowed = await engine.read(lambda t: t.received_requests.allowed(HUB, NOW))
    assert [request.request_id for request in allowed] == [number(3)]
    assert await engine.read(lambda t: t.received_requests.allowed(HUB, NOW + 100)) == []


# Links and reviews.


def link(n: int = 1, state: LinkState = LinkState.MATCH, **change: Any) -> Link:
    shown = LinkedInvolvement(number(50), "housing", "Housing")
    made = Link(HUB, number(n), "57" * 16, state, "a1" * 16, (shown,), None, "20" * 32)
    return replace(made, **change)


async def test_a_round_may_make_anything_of_a_link(engine: NodeEngine) -> None:
    for before, after in itertools.permutations(LinkState, 2):
        await written(engine, lambda t, state: t.links.take([link(state=state)]), before)
        if after is LinkState.ENDED:
            await engine.write(lambda t: t.links.end(HUB, [number(1), number(9)]))
        else:
            await written(engine, lambda t, state: t.links.take([link(state=state)]), after)
        found = await engine.read(lambda t: t.links.get(HUB, number(1)))
        assert found == link(state=after)
    assert await engine.read(lambda t: t.links.get(HUB, number(9))) is None
    assert await engine.read(lambda t: t.links.get(OTHER, number(1))) is None


async def test_a_round_of_many_links_costs_few_statements(engine: NodeEngine) -> None:
    links = [link(n) for n in range(300)]
    asked = Review(HUB, number(0), "57" * 16, "0f" * 32, NOW, ReviewState.ASKED)
    reviews = [replace(asked, link_id=item.link_id) for item in links]
    ids = [item.link_id for item in links]
    with counted_statements() as said:
        await engine.write(lambda t: t.links.take(links))
        await engine.write(lambda t: t.links.end(HUB, ids))
        await engine.write(lambda t: t.reviews.put(HUB, reviews))
        assert len(await engine.read(lambda t: t.links.of_stub(HUB, "57" * 16))) == 300
        assert len(await engine.read(lambda t: t.reviews.of_links(HUB, ids))) == 300
    assert len(said) <= 16


async def test_a_review_moves_between_all_its_states(engine: NodeEngine) -> None:
    for before, after in itertools.permutations(ReviewState, 2):
        first = Review(HUB, number(1), "57" * 16, None, NOW, before)
        await engine.write(lambda t: t.tx.run("DELETE FROM review"))
        await written(engine, lambda t, item: t.reviews.put(HUB, [item]), first)
        second = replace(first, state=after)
        await written(engine, lambda t, *items: t.reviews.change(*items), first, second)
        found = await engine.read(lambda t: t.reviews.get(HUB, number(1)))
        assert found is not None
        assert found.state is after


async def test_our_last_answer_is_what_counts_as_denied(engine: NodeEngine) -> None:
    said = Review(HUB, number(1), "57" * 16, None, NOW, ReviewState.SAID, answer="not_same")
    await engine.write(lambda t: t.reviews.put(HUB, [said]))
    assert await engine.read(lambda t: t.reviews.is_denied(HUB, number(1)))
    assert not await engine.read(lambda t: t.reviews.is_denied(OTHER, number(1)))
    await engine.write(lambda t: t.reviews.change(said, replace(said, answer="same")))
    assert not await engine.read(lambda t: t.reviews.is_denied(HUB, number(1)))
    await engine.write(lambda t: t.reviews.end_with_log(HUB))
    found = await engine.read(lambda t: t.reviews.get(HUB, number(1)))
    assert found == replace(said, answer="same", state=ReviewState.IDLE)


async def test_only_what_asks_and_is_shown_waits_in_the_queue(engine: NodeEngine) -> None:
    def keep(tables: NodeTables) -> None:
        tables.tx.insert("client", {"id": 1, "local_id": "c1"})
        stub = {"hub_id": HUB, "client": 1, "stub_id": "57" * 16, "revision": 1}
        tables.tx.insert("stub", {**stub, "published_hash": "", "retired": 0})
        ended = link(3, LinkState.ENDED)
        tables.links.take([link(1, LinkState.POSSIBLE), link(2), ended])
        states = (ReviewState.ASKED, ReviewState.SAID, ReviewState.ASKED)
        reviews = [
            Review(HUB, number(n), "57" * 16, "0f" * 32, NOW - n, state)
            for n, state in enumerate(states, 1)
        ]
        tables.reviews.put(HUB, reviews)

    await engine.write(keep)
    (queued,) = await engine.read(lambda t: t.reviews.queue(HUB))
    assert (queued.link, queued.local_id) == (link(1, LinkState.POSSIBLE), "c1")
    assert queued.review.asked_at == NOW - 1
    assert await engine.read(lambda t: t.reviews.count_waiting(HUB, "57" * 16)) == 1
    assert await engine.read(lambda t: t.reviews.queue(OTHER)) == []


# The outbox.


def receipt(n: int = 1) -> ReceiptBody:
    return ReceiptBody(request_id=number(n), release="5e" * 32, sealed_hash="5a" * 32)


def provisional(n: int = 1) -> ProvisionalBody:
    return ProvisionalBody(
        request_id=number(n), decision="de" * 32, seal_key="5e" * 32, sealed_hash="5a" * 32,
        tree_size=1,
    )  # fmt: skip


async def put(engine: NodeEngine, body: WireModel, hub_id: str = HUB) -> int:
    return await engine.write(lambda t: t.outbox.enqueue(Outgoing(hub_id, "a1" * 16, body)))


async def test_a_statement_goes_from_the_outbox_into_the_log(engine: NodeEngine) -> None:
    one, two = await put(engine, receipt(1)), await put(engine, receipt(2))
    items = await engine.read(lambda t: t.outbox.pending(HUB))
    assert [(item.id, item.body) for item in items] == [(one, receipt(1)), (two, receipt(2))]
    assert not await engine.read(lambda t: t.outbox.is_any_on_its_way(HUB))
    assert await engine.write(lambda t: t.outbox.sign(HUB, one, b"first")) == b"first"
    assert await engine.write(lambda t: t.outbox.sign(HUB, one, b"second")) == b"first"
    assert await engine.read(lambda t: t.outbox.is_any_on_its_way(HUB))
    assert await engine.write(lambda t: t.outbox.sent(HUB, one, Place(5, "00" * 32)))
    assert not await engine.write(lambda t: t.outbox.sent(HUB, one, Place(6, None))), "it was known"
    assert not await engine.write(lambda t: t.outbox.failed(HUB, one, "not_found"))
    (waiting,) = await engine.read(lambda t: t.outbox.unchecked(HUB, 9))
    assert waiting == Unchecked(one, 5, "00" * 32, b"first")
    await engine.write(lambda t: t.outbox.looked_for(HUB, [one, two], there=True))
    states = {item.id: item.state for item in await about(engine)}
    assert states == {one: OutboxState.LOGGED}
    (left,) = await engine.read(lambda t: t.outbox.pending(HUB))
    assert left.id == two, "what was not sent cannot have been seen"


async def about(engine: NodeEngine, n: int = 1) -> list[Any]:
    return await engine.read(lambda t: t.outbox.about(HUB, ReceiptBody, number(n)))


async def test_a_statement_is_signed_anew_only_while_it_waits(engine: NodeEngine) -> None:
    one = await put(engine, receipt())
    await engine.write(lambda t: t.outbox.sign(HUB, one, b"first"))
    await engine.write(lambda t: t.outbox.sign_anew(HUB, one))
    assert await engine.write(lambda t: t.outbox.sign(HUB, one, b"second")) == b"second"
    await engine.write(lambda t: t.outbox.sent(HUB, one, Place(5, None)))
    await engine.write(lambda t: t.outbox.sign_anew(HUB, one))
    assert (await about(engine))[0].envelope == b"second"


async def test_a_lost_log_ends_what_is_not_settled(engine: NodeEngine) -> None:
    numbers = [await put(engine, receipt(n)) for n in range(4)]
    for one in numbers[1:]:
        await written(engine, lambda t, one: t.outbox.sent(HUB, one, Place(one, None)), one)
    await engine.write(lambda t: t.outbox.looked_for(HUB, [numbers[2]], there=True))
    await engine.write(lambda t: t.outbox.looked_for(HUB, [numbers[3]], there=False))
    elsewhere = await put(engine, receipt(), OTHER)
    await engine.write(lambda t: t.outbox.end_with_log(HUB, "log_lost"))
    found = [(await about(engine, n))[0].state.value for n in range(4)]
    assert found == ["failed", "failed", "logged", "missing"]
    pending = await engine.read(lambda t: t.outbox.pending(OTHER))
    assert [item.id for item in pending] == [elsewhere]


async def test_a_statement_is_found_by_what_it_is_about(engine: NodeEngine) -> None:
    old, new = await put(engine, provisional(1)), await put(engine, provisional(1))
    await put(engine, provisional(2))
    await put(engine, receipt(1))
    await put(engine, provisional(1), OTHER)
    # As an older program wrote them: nothing but the body says what it is about.
    await engine.write(lambda t: t.tx.run("UPDATE outbox SET subject = NULL WHERE id = ?", old))
    found = await engine.read(lambda t: t.outbox.about(HUB, ProvisionalBody, number(1)))
    assert [item.id for item in found] == [old, new]
    unsettled = await engine.read(lambda t: t.outbox.unsettled(HUB, ProvisionalBody))
    assert len(unsettled) == 3


def test_what_a_statement_is_about() -> None:
    verdict = VerdictBody(
        link_id=LINK, stub_id="57" * 16, question=None, round="20" * 32, publication="21" * 32,
        answer="same", rests_on="records", decided_by="00" * 16,
    )  # fmt: skip
    assert subject_of(verdict) == LINK
    assert subject_of(receipt(3)) == number(3)


# The journal, alarms, notices, hubs, and what was set aside.


async def test_the_journal_knows_its_places_and_what_is_looked_for(engine: NodeEngine) -> None:
    entries = [ExpectedEntry(n, number(n), "00" * 32, b"%d" % n) for n in (3, 1, 2)]

    def keep(tables: NodeTables) -> None:
        for _ in range(2):  # twice is once
            for index in (9, 4):
                tables.journal.enter(HUB, index)
            for entry in entries:
                tables.journal.expect(HUB, entry, NOW)
        tables.journal.enter_sent(HUB, "request", 6)
        tables.journal.enter_sent(HUB, "poll", 7)
        tables.journal.enter(OTHER, 5)

    await engine.write(keep)
    assert await engine.read(lambda t: t.journal.own(HUB, 4, 9)) == [4, 6]
    found = await engine.read(lambda t: t.journal.expected(HUB, 2))
    assert found == [entries[1], entries[2]], "by their place"
    await engine.write(lambda t: t.journal.looked_for(HUB, found))
    ids = [number(n) for n in (1, 2, 3)]
    assert await engine.read(lambda t: t.journal.unseen(HUB, ids)) == {number(3)}
    await engine.write(lambda t: t.journal.forget(HUB))
    assert await engine.read(lambda t: t.journal.own(HUB, 0, 99)) == []
    assert await engine.read(lambda t: t.journal.own(OTHER, 0, 99)) == [5]


def daily(n: int) -> DailyStatement:
    body = DailyStatementBody(day=n, start=10 * n, end=10 * n + 10, count=0, indexes_hash="00" * 32)
    return DailyStatement(f"{n:064x}", 10 * n + 15, body)


async def test_daily_statements_wait_for_an_answer_in_order(engine: NodeEngine) -> None:
    for n in (1, 0):
        await written(engine, lambda t, n: t.journal.add_statement(HUB, daily(n), NOW + n), n)
    assert await engine.read(lambda t: t.journal.unanswered(HUB)) == [daily(0), daily(1)]
    assert await engine.read(lambda t: t.journal.end_before(HUB, daily(1).index)) == 10
    assert await engine.read(lambda t: t.journal.end_before(HUB, daily(0).index)) == 0
    assert await engine.read(lambda t: t.journal.last_statement_at(HUB)) == NOW + 1
    assert await engine.read(lambda t: t.journal.last_statement_at(OTHER)) is None
    await engine.write(lambda t: t.journal.answered(HUB, daily(0).statement_id, "agree"))
    assert await engine.read(lambda t: t.journal.unanswered(HUB)) == [daily(1)]


async def test_an_alarm_is_news_once_until_it_was_cleared(engine: NodeEngine) -> None:
    async def seen(place: str, now: int) -> bool:
        return await engine.write(lambda t: t.alarms.seen(HUB, "stale", place, now))

    assert [await seen("1", NOW), await seen("1", NOW + 5), await seen("2", NOW)] == [1, 0, 1]
    (first, second) = await engine.read(lambda t: t.alarms.untold(HUB))
    assert (first.first_seen, first.last_seen, first.acknowledged) == (NOW, NOW + 5, False)
    await engine.write(lambda t: t.alarms.told(HUB, first.id))
    assert await engine.read(lambda t: t.alarms.untold(HUB)) == [second]
    assert await engine.write(lambda t: t.alarms.acknowledge(HUB, first.id, NOW))
    assert not await engine.write(lambda t: t.alarms.acknowledge(OTHER, first.id, NOW))
    await engine.write(lambda t: t.alarms.clear(HUB, "stale", ["1", "3"], NOW))
    assert await engine.read(lambda t: t.alarms.open(HUB)) == [second]
    assert await seen("1", NOW + 9)
    opened = await engine.read(lambda t: t.alarms.open(HUB))
    (again,) = [item for item in opened if item.place == "1"]
    assert (again.first_seen, again.acknowledged) == (NOW + 9, False)


async def test_notices_for_the_lead_are_new_until_they_were_seen(engine: NodeEngine) -> None:
    recall = RecallNotice(HUB, number(1), False, "a1" * 16, "a1" * 16, NOW)
    card = UnwitnessedCard(HUB, number(1), True, "a1" * 16, None, NOW)

    def keep(tables: NodeTables) -> None:
        tables.governance.put_recall(recall)
        tables.governance.put_card(card)
        tables.governance.put_card(replace(card, request_id=number(2)))

    await engine.write(keep)
    done = await engine.write(lambda t: t.governance.recall_done(HUB, number(1), "a1" * 16, 7))
    other = await engine.write(lambda t: t.governance.recall_done(HUB, number(1), "a9" * 16, 7))
    assert (done, other) == (True, False)
    await engine.write(lambda t: t.governance.forget_card(HUB, number(2)))
    assert await engine.read(lambda t: t.governance.cards(HUB)) == [card]
    assert await engine.write(lambda t: t.governance.mark_seen(HUB, NOW)) == 2
    assert await engine.write(lambda t: t.governance.mark_seen(HUB, NOW)) == 0
    (kept,) = await engine.read(lambda t: t.governance.recalls(HUB))
    assert kept == replace(recall, recalled_at=7, seen_at=NOW)


async def test_a_hub_is_read_on_and_its_statements_are_handled_once(engine: NodeEngine) -> None:
    hub = HubRow(HUB, "https://hub.example", "Hub", "9e" * 32, "a1" * 16, b"", None, 0)
    await engine.write(lambda t: t.hubs.save(hub))
    await engine.write(lambda t: t.hubs.save(replace(hub, hub_id=OTHER)))
    await engine.write(lambda t: t.hubs.read_up_to(hub, "0d" * 16, 5))
    read_on = replace(hub, generation="0d" * 16, cursor=5)
    assert await engine.read(lambda t: t.hubs.all()) == [read_on, replace(hub, hub_id=OTHER)]
    assert await engine.write(lambda t: t.hubs.mark_handled(HUB, "51" * 32))
    assert not await engine.write(lambda t: t.hubs.mark_handled(HUB, "51" * 32))
    assert await engine.write(lambda t: t.hubs.mark_handled(OTHER, "51" * 32))
    assert await engine.write(lambda t: t.hubs.follow_successor(read_on, "9f" * 32))
    assert not await engine.write(lambda t: t.hubs.follow_successor(read_on, "9f" * 32))
    await engine.write(lambda t: t.hubs.read_up_to(read_on, "0d" * 16, 6))
    moved_on = (await engine.read(lambda t: t.hubs.all()))[0]
    assert moved_on == replace(hub, genesis="9f" * 32), "old mail does not move the new cursor"


async def test_what_was_set_aside_is_kept_in_order_until_it_is_done(engine: NodeEngine) -> None:
    def keep(tables: NodeTables) -> None:
        for n, what in ((2, Kind.MESSAGE), (1, Kind.MESSAGE), (3, Kind.CARD)):
            item = Item(HUB, what, number(n), b"%d" % n)
            tables.set_aside.put(item, Fault("KeyError", "node.x:y:1"), NOW + n)
        again = Item(HUB, Kind.MESSAGE, number(2), b"2")
        tables.set_aside.put(again, Fault("TypeError", "node.x:y:2"), NOW + 9)

    await engine.write(keep)
    kept = await engine.read(lambda t: t.set_aside.all(HUB))
    assert [(item.item.item, item.first_seen) for item in kept] == [
        (number(2), NOW + 2), (number(1), NOW + 1), (number(3), NOW + 3),
    ]  # fmt: skip
    assert kept[0].fault == Fault("TypeError", "node.x:y:2"), "the last fault, the first time"
    assert await engine.read(lambda t: t.set_aside.items(HUB, Kind.CARD)) == {number(3)}
    ids = [number(n) for n in (1, 2, 3)]
    assert await engine.write(lambda t: t.set_aside.remove(HUB, Kind.MESSAGE, ids)) == 2
    assert await engine.read(lambda t: t.set_aside.items(HUB, Kind.CARD)) == {number(3)}
    assert await engine.read(lambda t: t.set_aside.all(OTHER)) == []


async def test_a_return_from_a_backup_is_kept_until_another_begins(engine: NodeEngine) -> None:
    async def begin(cause: Cause, now: int) -> bool:
        return await engine.write(lambda tables: tables.resyncs.begin(HUB, cause, now))

    async def now() -> Resync:
        found = await engine.read(lambda tables: tables.resyncs.get(HUB))
        assert found is not None
        return found

    assert await engine.read(lambda tables: tables.resyncs.get(HUB)) is None
    assert await begin(Cause.RESTORED, NOW)
    assert not await begin(Cause.BEHIND, NOW + 1), "one is under way, and nothing is known yet"
    first = await now()
    assert (first.cause, first.under_way, first.envelope) == (Cause.RESTORED, True, None)
    await engine.write(lambda tables: tables.resyncs.ask(first, b"signed"))
    assert (await now()).envelope == b"signed"
    lost = Lost(
        ("c1",), ("c2",), 3, 1, 2, 4, (("ab" * 16, "cd" * 16),), (Entry(7, "request", NOW),)
    )
    for state in (ResyncState.TAKEN, ResyncState.DONE):
        await written(engine, lambda tables, to: tables.resyncs.move(first, to, lost), state)
        assert (await now()).lost == lost
    assert not (await now()).under_way
    assert await begin(Cause.CONFLICT, NOW + 2)
    await engine.write(lambda tables: tables.resyncs.move(first, ResyncState.DONE, lost))
    assert (await now()).under_way, "what ends is not the one that began since"
    assert await engine.read(lambda tables: tables.resyncs.get(OTHER)) is None


async def test_stubs_of_clients_who_are_not_here_wait_to_be_retired(engine: NodeEngine) -> None:
    stubs = {f"{n:032x}": n for n in range(1, 5)}
    await engine.write(lambda tables: tables.resyncs.lose_stubs(HUB, stubs))
    await engine.write(lambda tables: tables.resyncs.lose_stubs(OTHER, stubs))
    first = await engine.read(lambda tables: tables.resyncs.lost_stubs(HUB, 2))
    assert first == {f"{1:032x}": 1, f"{2:032x}": 2}
    await engine.write(lambda tables: tables.resyncs.retired(HUB, first))
    assert len(await engine.read(lambda tables: tables.resyncs.lost_stubs(HUB, 9))) == 2
    await engine.write(lambda tables: tables.resyncs.forget_stubs(HUB))
    assert await engine.read(lambda tables: tables.resyncs.lost_stubs(HUB, 9)) == {}
    assert len(await engine.read(lambda tables: tables.resyncs.lost_stubs(OTHER, 9))) == 4


async def test_a_database_of_the_version_before_opens_and_its_outbox_is_read(
    tmp_path: Path,
) -> None:
    scripts = list(takewhile(lambda text: "set_aside" not in text, SCHEMA.scripts))
    path = tmp_path / "node.sqlite"
    before: SqliteEngine[Transaction] = SqliteEngine(path, Schema(scripts), lambda tx: tx)
    row = {
        "hub_id": HUB, "kind": "receipt", "aud": "a1" * 16, "state": "sent",
        "body": receipt().model_dump_json(),
    }  # fmt: skip
    await before.write(lambda tx: tx.insert("outbox", row))
    await before.close()
    engine = SqliteEngine(path, SCHEMA, NodeTables)
    (found,) = await engine.read(lambda t: t.outbox.about(HUB, ReceiptBody, number(1)))
    assert (found.body, found.state) == (receipt(), OutboxState.SENT)
    assert await engine.read(lambda t: t.set_aside.all(HUB)) == []
    await engine.close()


@pytest.mark.parametrize("made", [sent_request(), received_request()])
def test_what_differs_of_a_request_is_what_its_row_would_differ_in(
    made: Any,
) -> None:
    """Whichever field it is, and whatever columns a field has."""
    changes: dict[str, Any] = {
        "state": type(made.state)("opened"),
        "decision": LoggedDecision("51" * 32, 7, "52" * 32, b"{}"),
        "reason": Opening(salt="00" * 32, value="away"),
        "clock": Steps(NOW, NOW + 1, NOW + 2),
    }
    if isinstance(made, SentRequest):
        changes |= {"card": CARD, "keep_until": NOW, "needed_by": NOW}
    else:
        other = LinkProof(match_key_id="nhs.1", epoch=1, proof="01" * 32)
        changes |= {"facts": {"reason": "birth"}, "asker": Asker("B", "nurse"), "carried": "x"}
        changes |= {"link_proof": other}
    for change in (*({name: value} for name, value in changes.items()), changes, {}):
        after = replace(made, **change)
        held, row = made.columns(), after.columns()
        differing = {name: value for name, value in row.items() if value != held[name]}
        assert after.columns_beside(made) == differing
        assert bool(differing) == bool(change)
