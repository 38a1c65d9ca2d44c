"""How a request travels: nobody asks twice for what is known, and nothing waits without need."""

import asyncio
from functools import partial
from typing import Any

import pytest

import node.service
from node.membership.known_leaves import Seen
from node.membership.outbox import side_by_side
from node.requests.answering import Answer
from node.store.outbox import OutboxItem, OutboxState
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, RemoteError
from protocol.messages.bodies import RequestBody
from protocol.wire import Delivery
from tests.sim.federation import HUB, SimFederation, SimNode

Agencies = tuple[SimNode, SimNode]


def listen(federation: SimFederation, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that are got from now on."""
    got: list[str] = []
    real = federation.network.get

    async def get(url: str) -> bytes:
        got.append(url.removeprefix(HUB))
        return await real(url)

    monkeypatch.setattr(federation.network, "get", get)
    return got


async def asks(care: SimNode, times: int) -> None:
    """Requests that nobody has sent yet."""
    wanted = await care.request("c1", (await care.team("c1")).others[0].involvement_id)
    await care.membership.follow()
    for _ in range(times):
        await care.write(lambda tables: care.service.asking.ask(tables, wanted))


async def unchecked(care: SimNode) -> int:
    hub_id = care.membership.hub.hub_id
    return len(await care.read(lambda tables: tables.outbox.unchecked(hub_id, 100)))


async def test_what_was_read_while_following_is_not_asked_for_again(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether an entry is where the hub said: the node took that very leaf into the tree."""
    _, care = agencies
    await asks(care, 2)
    await care.service.outbox.send()
    await federation.checkpoint()
    await care.membership.sync()
    got = listen(federation, monkeypatch)
    assert await care.service.outbox.check_logged() == 0
    assert (got, await unchecked(care)) == ([], 0)


@pytest.mark.parametrize("known", [False, True])
async def test_a_leaf_that_is_another_than_was_sent_is_missed(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch, *, known: bool
) -> None:
    """Whether the node has read what stands there, or was started since and must ask."""
    _, care = agencies
    await asks(care, 1)
    await care.service.outbox.send()
    await federation.checkpoint()
    await care.membership.sync()
    care.membership.seen = care.membership.seen if known else Seen()
    await care.write(lambda tables: tables.tx.run("UPDATE outbox SET salt = ?", "11" * 32))
    got = listen(federation, monkeypatch)
    assert await care.service.outbox.check_logged() == 1
    assert [url.rpartition("/")[0] for url in got] == ["/v1/proofs"], "the proof says why"


async def test_a_checkpoint_that_is_known_is_not_worked_through_again(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, care = agencies
    await care.membership.sync()
    got = listen(federation, monkeypatch)

    async def write(*_: Any) -> None:
        raise AssertionError("nothing is new")

    monkeypatch.setattr(care.membership.engine, "write", write)
    assert await care.membership.follow()
    assert got == ["/checkpoint"]


async def test_mail_that_witnesses_have_not_seen_waits_at_the_log_and_is_not_fetched_again(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    await asks(care, 1)
    await care.service.outbox.send()
    real, polls = federation.network.get, []

    async def get(url: str) -> bytes:
        if "?wait=" in url:  # meanwhile witnesses sign
            polls.append(url)
            await federation.checkpoint()
        return await real(url.partition("?")[0])

    monkeypatch.setattr(federation.network, "get", get)
    assert await health.service.receive(wait=0) == 2, "the request, and what the hub says of it"
    assert len(polls) == 1

    await asks(care, 1)
    await care.service.outbox.send()
    monkeypatch.setattr(federation.network, "get", real)
    assert await health.service.receive(wait=0) == 0, "they do not sign: it stays"
    await federation.checkpoint()
    assert await health.service.receive(wait=0) == 2


async def test_mail_that_witnesses_have_signed_is_one_transaction(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    await asks(care, 2)
    await care.service.outbox.send()
    await federation.checkpoint()
    await health.membership.follow()
    engine, written = health.membership.engine, []
    real = engine.write

    async def write(body: Any) -> Any:
        written.append(body)
        return await real(body)

    monkeypatch.setattr(engine, "write", write)
    assert await health.service.receive(wait=0) == 4
    assert len(written) == 1
    assert await health.service.receive(wait=0) == 0, "nor is it fetched again"


async def test_a_fault_in_a_bag_is_of_one_message_and_of_what_follows_from_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await asks(care, 3)
    await care.service.outbox.send()
    await federation.checkpoint()
    sent = await care.read(lambda t: t.tx.rows("SELECT request_id FROM sent_request"))
    bad, *good = sorted(row["request_id"] for row in sent)
    takers = health.service.dispatcher._incoming
    take = takers[RequestBody]

    def fail(tables: NodeTables, statement: Any, delivery: Delivery) -> None:
        if statement.body.request_id == bad:
            raise ValueError("a fault of ours")
        take(tables, statement, delivery)

    async def received() -> list[tuple[str, str]]:
        rows = await health.read(
            lambda t: t.tx.tuples("SELECT request_id, state FROM received_request")
        )
        return sorted(rows)

    takers[RequestBody] = fail
    assert await health.service.receive(wait=0) == 6
    assert await received() == [(one, "asks_person") for one in good]
    takers[RequestBody] = take
    await health.service.retry()
    assert await received() == [(one, "asks_person") for one in sorted([bad, *good])]


async def test_what_came_is_answered_at_once_while_cards_wait_for_witnesses(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not when the pause between two looks is over, nor when the proof of another is there."""
    health, care = agencies
    await asks(care, 1)
    await care.service.outbox.send()
    await federation.settle()
    (first,) = await health.read(lambda t: t.tx.rows("SELECT request_id FROM received_request"))
    await health.answer(first["request_id"])
    await federation.settle()
    health.service.answering._settings.answer_rule = "allow"
    monkeypatch.setattr(node.service, "PAUSE_SECONDS", 60)
    waits, real = asyncio.Event(), federation.network.get

    async def get(url: str) -> bytes:
        if "?wait=10" in url:
            waits.set()
            await asyncio.Event().wait()  # for ever
        return await real(url.partition("?")[0])

    monkeypatch.setattr(federation.network, "get", get)
    passes = [health.service._advance, health.service._send]
    for number in (1, 2):
        await asks(care, 1)
        await care.service.outbox.send()
        await federation.checkpoint()
        await health.service._receive()
        if number == 1:
            await health.service.send()
            loops = [asyncio.create_task(one()) for one in passes]
            await waits.wait()
    async with asyncio.timeout(30):
        await loops[1]
        await health.service.send()
    assert len(await federation.entries("decision")) == 3, "the second by rule did not wait"
    assert not loops[0].done()
    loops[0].cancel()


async def test_the_first_in_the_log_is_waited_for_and_the_others_are_not_asked_for(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of cards that are allowed those whose decision witnesses have seen leave together."""
    health, care = agencies
    await asks(care, 3)
    await care.service.outbox.send()
    await federation.settle()
    rows = await health.read(
        lambda t: t.tx.rows("SELECT request_id FROM received_request ORDER BY request_id DESC")
    )
    answering = health.service.answering
    for number, row in enumerate(rows):
        answer = Answer(row["request_id"], 1, None)
        await health.write(partial(answering.answer, answer=answer))
        await health.service.send()
        if number == 1:
            await federation.checkpoint()
    got = listen(federation, monkeypatch)
    assert await health.service.releasing.release_allowed() == 2
    asked = [url for url in got if url.startswith("/v1/proofs/")]
    assert [url.partition("?")[2] for url in asked] == ["wait=10", "wait=0"]


class TestSending:
    async def test_steps_of_different_requests_are_on_their_way_together(
        self, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """But for the first: it finds out whether the hub is there."""
        _, care = agencies
        await asks(care, 6)
        real, others, met = federation.network.post, 0, asyncio.Event()

        async def first(url: str, body: bytes, headers: Any = None) -> bytes:
            monkeypatch.setattr(federation.network, "post", further)
            return await real(url, body, headers)

        async def further(url: str, body: bytes, headers: Any = None) -> bytes:
            nonlocal others
            others += 1
            if others == 5:
                met.set()
            await met.wait()
            return await real(url, body, headers)

        monkeypatch.setattr(federation.network, "post", first)
        async with asyncio.timeout(30):
            assert await care.service.outbox.send() == []
        assert len(await federation.entries("request")) == 6
        assert others == 5

    async def test_two_who_send_at_once_send_each_statement_once(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        _, care = agencies
        await asks(care, 3)
        before = federation.network.said
        await asyncio.gather(*(care.service.outbox.send() for _ in range(4)))
        assert federation.network.said == before + 3

    async def test_a_hub_that_is_away_is_tried_once(
        self, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, care = agencies
        await asks(care, 3)
        tried = []

        async def post(url: str, *_: Any) -> bytes:
            tried.append(url)
            raise RemoteError(ErrorCode.UNREACHABLE, "away")

        with monkeypatch.context() as patched:
            patched.setattr(federation.network, "post", post)
            with pytest.raises(RemoteError, match="away"):
                await care.service.outbox.send()
        assert len(tried) == 1
        await care.service.outbox.send()
        assert len(await federation.entries("request")) == 3


def item(number: int, kind: str, text: str) -> OutboxItem:
    return OutboxItem(
        number, "h", kind, "a", text, None, None, None, None, None, OutboxState.PENDING, None
    )


def test_what_the_order_says_something_of_goes_in_its_order() -> None:
    """Two steps of one request, whatever is no step of one, and what nobody can read."""
    one, two = '{"request_id":"1"}', '{"request_id":"2"}'
    items = [
        item(1, "receipt", one), item(2, "request", one), item(3, "release", two),
        item(4, "decision", one), item(5, "recall", two), item(6, "release", two),
        item(7, "release", "{"), item(8, "release", "[]"), item(9, "receipt", one),
    ]  # fmt: skip
    groups = [[one.id for one in group] for group in side_by_side(items)]
    assert groups == [[1], [2, 3], [4], [5], [6], [7], [8], [9]]
    many = [item(n, "receipt", f'{{"request_id":"{n}"}}') for n in range(12)]
    assert [len(group) for group in side_by_side(many)] == [1, 8, 3]
