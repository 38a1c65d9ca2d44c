"""A fault of this program stays where it happens: the rest goes on, a person is told, and what was
set aside is done once the fault is gone.

Faults are thrown into every handler of the dispatcher and every loop, with a client's details in
their message: those must show nowhere.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest
from structlog.testing import capture_logs

import node.membership.outbox
import node.service
from node.actions.cards import take_back_now
from node.alarms import AlarmCode, open_alarms
from node.dispatch import Dispatcher
from node.faults import fault_of
from node.membership.known_leaves import Seen
from node.membership.proofs import verify_logged
from node.requests.answering import Answer
from node.service import NodeService
from node.store.set_aside import Kind, SetAside
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.messages.attention import AttentionBody, AttentionNoticeBody
from protocol.messages.bodies import (
    DecisionBody,
    HubDecisionBody,
    NoticeBody,
    ReceiptBody,
    ReleaseBody,
    RequestBody,
    RoundsBody,
)
from protocol.messages.clock import OverdueBody
from protocol.messages.enquiries import EnquiryBody
from protocol.messages.introductions import (
    HintsBody,
    IntroductionDecisionBody,
    IntroductionRequestBody,
)
from protocol.messages.kinds import kind_of
from protocol.messages.log import DailyStatementBody, ProvisionalBody
from protocol.messages.review import (
    IdentityAnswerBody,
    IdentityCheckBody,
    IdentityDecisionBody,
    IdentityRequestBody,
    QuestionsHeldBody,
    RecallBody,
    RecallDoneBody,
    ReviewBody,
    VerdictBody,
    WrongPersonBody,
)
from protocol.messages.statement import parse_statement
from runtime.environment import Environment
from tests.sim.federation import AMIRA, DUTY, NOT_SURE, SimFederation, SimNode, row, two_agencies
from tests.sim.later_stories import enquires, introduces, is_late, raises
from tests.sim.test_attention import PEOPLE, alerts, junk, publish
from tests.sim.test_charter_change import amend, follow
from tests.sim.test_daily_statements import alarms, answers, days
from tests.sim.test_identity_check import answer as answer_check
from tests.sim.test_identity_check import check
from tests.sim.test_identity_check import sent as sent_check
from tests.sim.test_recall import notices, released, wrong
from tests.sim.test_review import queue, say
from tests.sim.test_unwitnessed_card import VITAL, let_go
from tests.sim.test_without_quorum import sleep

Agencies = tuple[SimNode, SimNode]
SECRET = "Amira Hassan, 9990000026"


def fault() -> KeyError:
    return KeyError(SECRET)


async def set_aside(agency: SimNode) -> list[SetAside]:
    hub_id = agency.membership.hub.hub_id
    return await agency.read(lambda tables: tables.set_aside.all(hub_id))


async def told(agency: SimNode) -> list[str]:
    """The places of the alarms that say that something was set aside."""
    hub_id = agency.membership.hub.hub_id
    found = await agency.read(lambda tables: open_alarms(tables, hub_id))
    return [alarm.place for alarm in found if alarm.code is AlarmCode.SET_ASIDE]


class Breaker:
    """Throws a fault from one handler of every node, until it is mended; then all must be well."""

    def __init__(self, federation: SimFederation, handlers: str, body: type[WireModel]) -> None:
        self._federation = federation
        self._handlers, self._body = handlers, body
        self._real: list[tuple[Any, Any]] = []
        self.logs: list[Any] = []
        self.found: list[SetAside] = []

    def arm(self) -> None:
        """From now on the handler throws."""

        def throws(*_: object) -> None:
            raise fault()

        for agency in self._federation.nodes.values():
            table = getattr(agency.service.dispatcher, self._handlers)
            self._real.append((table, table[self._body]))
            table[self._body] = throws

    async def settle(self) -> None:
        """Let everything move; where something is set aside, mend it and try again."""
        nodes = self._federation.nodes.values()
        await self._federation.settle()
        found = [(agency, kept) for agency in nodes for kept in await set_aside(agency)]
        if not found:
            return
        for agency, kept in found:
            place = f"{kept.item.what}:{kept.item.item}"
            assert place in await told(agency) or not kept.fault.place, "a person is told"
            assert await agency.service.receive(wait=0) == 0, "the mailbox was read on"
        self.found += [kept for _, kept in found]
        for table, real in self._real:
            table[self._body] = real
        for agency in nodes:
            assert await agency.service.retry() == []
            assert await told(agency) == [], "it is over"
        await self._federation.settle()
        assert [kept for agency in nodes for kept in await set_aside(agency)] == []

    def check(self) -> None:
        """The fault was met, and told by its type and place alone."""
        assert self.found, "the handler was never called"
        assert {kept.fault.error for kept in self.found if kept.fault.place} == {"KeyError"}
        lines = [line for line in self.logs if line["event"] == "set_aside"]
        assert {line["error"] for line in lines} == {"KeyError"}
        assert all(line["place"].startswith("node.dispatch:") for line in lines)
        assert SECRET not in repr(self.logs)
        assert SECRET not in repr([kept.fault for kept in self.found])


# Stories that call every handler, each with what must be so at its end.


async def asks_and_recalls(federation: SimFederation, breaker: Breaker) -> None:
    health, care = await two_agencies(federation)
    breaker.arm()
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await breaker.settle()
    await health.answer(request_id)
    await breaker.settle()
    opened = await care.sent(request_id)
    assert (opened["state"], "07700 900123" in (opened["card"] or "")) == ("opened", True)
    assert (await health.received(request_id))["state"] == "opened"
    await wrong(health, request_id)
    await breaker.settle()
    gone = await care.sent(request_id)
    assert (gone["state"], gone["card"]) == ("recalled", None)
    (here,), (there,) = await notices(health), await notices(care)
    assert here["recalled_at"] is not None
    assert there["we_asked"]


async def takes_back(federation: SimFederation, breaker: Breaker) -> None:
    health, care = await two_agencies(federation)
    request_id = await released(federation, (health, care))
    breaker.arm()
    await take_back_now(health.service, request_id, 1)
    await breaker.settle()
    gone = await care.sent(request_id)
    assert (gone["state"], gone["card"]) == ("recalled", None)
    assert (await health.received(request_id))["gone_at"] is not None


async def compares(federation: SimFederation, breaker: Breaker) -> None:
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    breaker.arm()
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY, "H. Visitor"))
    await care.take_in(row("c1", NOT_SURE, "child_in_need", DUTY, "S. Worker"))
    await health.publish()
    await care.publish()
    await federation.hub.jobs.round()
    await breaker.settle()
    (waiting,) = await queue(care)
    check_id = await check(care)
    await breaker.settle()
    await answer_check(health, check_id)
    await breaker.settle()
    assert (await sent_check(care, check_id))["answer"] == "same"
    await say(care, "same", waiting.link_id)
    await federation.hub.jobs.round()
    await breaker.settle()
    assert await queue(care) == []


async def lets_go(federation: SimFederation, breaker: Breaker) -> None:
    health, care = await two_agencies(federation)
    breaker.arm()
    sleep(federation)
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id, **VITAL)
    await breaker.settle()
    await health.answer(request_id)
    await breaker.settle()
    with suppress(RemoteError):  # it says that the hub has not answered
        await let_go(health, request_id)
    await breaker.settle()
    assert (await care.sent(request_id))["state"] == "opened"
    assert [len(await notices(agency)) for agency in (health, care)] == [1, 1]


async def gets_statements(federation: SimFederation, breaker: Breaker) -> None:
    health, care = await two_agencies(federation)
    breaker.arm()
    federation.clock.now += 86_400
    await federation.hub.jobs.daily()
    await breaker.settle()
    await days(federation)
    assert await answers(federation) == ["agree"] * 4
    assert set(await alarms(health) + await alarms(care)) <= {"set_aside"}


async def is_flooded(federation: SimFederation, breaker: Breaker) -> None:
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    await amend(federation, {"quotas": {"identity_checks_per_day": 0}})
    await follow(health, care)
    await publish(health, "h", PEOPLE[:2], "health_visiting")
    await federation.round()
    breaker.arm()
    await publish(care, "junk", [junk(person) for person in PEOPLE[:2]])
    await federation.hub.jobs.round()
    await breaker.settle()
    assert await alerts(health) == [("questions_held", "Social care", False)]


Story = Callable[[SimFederation, Breaker], Awaitable[None]]
STORIES: Mapping[Story, Mapping[str, list[type[WireModel]]]] = {
    asks_and_recalls: {
        "_incoming": [
            RequestBody, HubDecisionBody, DecisionBody, ReleaseBody, ReceiptBody, WrongPersonBody,
            RecallDoneBody,
        ],
        "_sent": [RequestBody, DecisionBody, ReleaseBody, WrongPersonBody],
    },
    takes_back: {"_incoming": [RecallBody]},
    compares: {
        "_incoming": [
            NoticeBody, RoundsBody, ReviewBody, IdentityRequestBody, IdentityDecisionBody,
            IdentityCheckBody, IdentityAnswerBody,
        ],
        "_sent": [IdentityRequestBody, IdentityCheckBody, VerdictBody],
    },
    lets_go: {"_incoming": [ProvisionalBody], "_sent": [ProvisionalBody]},
    gets_statements: {"_incoming": [DailyStatementBody]},
    is_flooded: {"_incoming": [QuestionsHeldBody]},
    is_late: {"_incoming": [OverdueBody]},
    raises: {"_incoming": [AttentionNoticeBody], "_sent": [AttentionBody]},
    introduces: {
        "_incoming": [HintsBody, IntroductionRequestBody, IntroductionDecisionBody],
        "_sent": [IntroductionRequestBody],
    },
    enquires: {"_sent": [EnquiryBody]},
}  # fmt: skip
CASES = [
    pytest.param(story, handlers, body, id=f"{handlers[1:]}-{kind_of(body)}")
    for story, tables in STORIES.items()
    for handlers, bodies in tables.items()
    for body in bodies
]


@pytest.mark.parametrize(("story", "handlers", "body"), CASES)
async def test_what_met_a_fault_is_done_once_the_fault_is_gone(
    federation: SimFederation, story: Story, handlers: str, body: type[WireModel]
) -> None:
    breaker = Breaker(federation, handlers, body)
    with capture_logs() as breaker.logs:
        await story(federation, breaker)
    breaker.check()


async def test_the_stories_call_every_handler(
    federation: SimFederation, agencies: Agencies
) -> None:
    dispatcher: Dispatcher = agencies[0].service.dispatcher
    for handlers in ("_incoming", "_sent"):
        called = {body for tables in STORIES.values() for body in tables.get(handlers, [])}
        assert called == getattr(dispatcher, handlers).keys()
    assert set(REFUSED) == dispatcher._failed.keys()
    del federation


# What the hub refuses.


class StoppedError(Exception):
    """The story has got to where it was to get."""


class Refusals(Breaker):
    """The hub refuses one kind, and the handler of its refusals throws, until it is mended."""

    def arm(self) -> None:
        """From now on the hub refuses, and the handler throws."""
        super().arm()
        network, real = self._federation.network, self._federation.network.post

        async def post(url: str, body: bytes, headers: Any = None) -> bytes:
            if url.endswith("/v1/statements"):
                envelope = from_base64(json.loads(body)["envelope"])
                if isinstance(parse_statement(envelope).body, self._body):
                    raise RemoteError(ErrorCode.NOT_ALLOWED, "not today")
            return await real(url, body, headers)

        network.post = post  # type: ignore[method-assign]

    async def settle(self) -> None:
        """As before; the story ends when the refusal was taken."""
        await super().settle()
        if self.found:
            raise StoppedError


REFUSED: Mapping[type[WireModel], Story] = {
    RequestBody: asks_and_recalls,
    DecisionBody: asks_and_recalls,
    ReleaseBody: asks_and_recalls,
    ProvisionalBody: lets_go,
    VerdictBody: compares,
    IdentityRequestBody: compares,
    IdentityCheckBody: compares,
    IdentityAnswerBody: compares,
    AttentionBody: raises,
    IntroductionRequestBody: introduces,
    EnquiryBody: enquires,
}


@pytest.mark.parametrize("body", REFUSED, ids=kind_of)
async def test_a_refusal_that_met_a_fault_is_taken_once_the_fault_is_gone(
    federation: SimFederation, body: type[WireModel]
) -> None:
    breaker = Refusals(federation, "_failed", body)
    with capture_logs() as breaker.logs, suppress(StoppedError):
        await REFUSED[body](federation, breaker)
    breaker.check()
    (kept,) = breaker.found
    assert kept.item.what is Kind.STATEMENT
    rows = [item for agency in federation.nodes.values() for item in await agency.outbox()]
    (refused,) = [item for item in rows if item["kind"] == kind_of(body)]
    assert (refused["state"], refused["error"]) == ("failed", "not_allowed")


# One item among others.


async def test_the_next_message_and_the_next_statement_go_their_way(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    handlers = health.service.dispatcher._incoming
    real, seen = handlers[RequestBody], []

    def first_throws(tables: Any, statement: Any, delivery: Any) -> None:
        seen.append(statement.body.request_id)
        if statement.body.request_id == seen[0]:
            raise fault()
        real(tables, statement, delivery)

    handlers[RequestBody] = first_throws
    involvement = (await care.team("c1")).others[0].involvement_id
    first = await care.ask("c1", involvement)
    second = await care.ask("c1", involvement)
    await federation.settle()
    assert (await health.received(second))["state"] == "asks_person"
    kept = await set_aside(health)
    assert [item.fault.error for item in kept] == ["KeyError", "not_found"], "its decision waits"
    handlers[RequestBody] = real
    await health.service.retry()
    await federation.settle()
    assert (await health.received(first))["state"] == "asks_person"


async def test_a_recall_that_met_a_fault_deletes_the_card_at_the_next_start(
    federation: SimFederation, agencies: Agencies, quick: None
) -> None:
    health, care = agencies
    request_id = await released(federation, agencies)
    handlers = care.service.dispatcher._incoming
    real = handlers[WrongPersonBody]

    def throws(*_: object) -> None:
        raise fault()

    handlers[WrongPersonBody] = throws
    await wrong(health, request_id)
    await federation.settle()
    assert (await care.sent(request_id))["card"] is not None
    assert len(await told(care)) == 1
    handlers[WrongPersonBody] = real
    async with running(care.service) as loops:
        await loops.until(lambda: gone(care, request_id))
    await federation.settle()
    assert await told(care) == []
    assert (await notices(health))[0]["recalled_at"] is not None


async def gone(agency: SimNode, request_id: str) -> bool:
    return (await agency.sent(request_id))["card"] is None


async def test_a_fault_of_our_own_disk_leaves_the_message_in_the_mailbox(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    handlers = health.service.dispatcher._incoming
    real = handlers[RequestBody]

    def full(*_: object) -> None:
        raise LocalError(ErrorCode.STORAGE, "the disk is full")

    handlers[RequestBody] = full
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.checkpoint()
    before = health.membership.hub
    with pytest.raises(LocalError):
        await health.service.receive(wait=0)
    assert health.membership.hub == before
    assert await set_aside(health) == []
    handlers[RequestBody] = real
    await federation.settle()
    assert (await health.received(request_id))["state"] == "asks_person"


async def test_a_fault_in_refusing_a_message_does_not_keep_the_next_one(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies

    def throws(*_: object) -> None:
        raise fault()

    def refuses(*_: object) -> None:
        raise RemoteError(ErrorCode.MALFORMED, "not like this")

    handlers = health.service.dispatcher._incoming
    real = handlers[RequestBody]
    handlers[RequestBody] = refuses
    for name in ("refuse", "keep"):  # the journal meets it too
        monkeypatch.setattr(health.service.dispatcher, name, throws)
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    assert [kept.fault.error for kept in await set_aside(health)] == ["KeyError"] * 2
    handlers[RequestBody] = real
    monkeypatch.undo()
    assert await health.service.retry() == []


async def test_what_was_set_aside_is_in_the_journal_all_the_same(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies

    def throws(*_: object) -> None:
        raise fault()

    health.service.dispatcher._incoming[RequestBody] = throws
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    assert len(await set_aside(health)) == 2, "the request, and the decision on it"
    await days(federation)
    assert await answers(federation) == ["agree"] * 2, "nobody is accused of a fault of our own"
    assert await alarms(health) == ["set_aside"]


async def test_a_message_that_the_state_does_not_allow_is_their_fault(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies

    def out_of_turn(*_: object) -> None:
        raise LocalError(ErrorCode.CONFLICT, "what is refused cannot become opened")

    health.service.dispatcher._incoming[RequestBody] = out_of_turn
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    with capture_logs() as logs:
        await federation.settle()
    assert ("message_set_aside", "conflict") in [(line["event"], line.get("code")) for line in logs]
    assert await set_aside(health) == []


async def test_one_card_that_meets_a_fault_does_not_keep_the_others(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    ids = [await care.ask("c1", involvement) for _ in range(2)]
    await federation.settle()
    for request_id in ids:
        allow = Answer(request_id, 1)
        await health.write(partial(health.service.answering.answer, answer=allow))
    releasing = health.service.releasing
    real = type(releasing)._card_of

    def first_throws(self: Any, request: Any, *rest: Any) -> Any:
        if request.request_id == ids[0]:
            raise fault()
        return real(self, request, *rest)

    monkeypatch.setattr(type(releasing), "_card_of", first_throws)
    await federation.settle()
    assert [(await care.sent(one))["state"] for one in ids] == ["allowed", "opened"]
    assert await told(health) == [f"card:{ids[0]}"]
    monkeypatch.undo()
    await federation.settle()
    assert (await care.sent(ids[0]))["state"] == "allowed", "not before it is asked for"
    assert await health.service.retry() == []
    await federation.settle()
    assert (await care.sent(ids[0]))["state"] == "opened"


async def test_an_entry_that_cannot_be_looked_for_does_not_keep_the_others(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.checkpoint()
    (wanted, *_) = [item["idx"] for item in await care.outbox() if item["state"] == "sent"]

    tried = []

    def throws(charter: Any, data: bytes, place: tuple[int, Any], envelope: bytes) -> None:
        if place[0] == wanted:
            tried.append(wanted)
            raise fault()
        verify_logged(charter, data, place, envelope)

    monkeypatch.setattr(Seen, "has", lambda *_: False)  # as after a start: the hub is asked
    monkeypatch.setattr(node.membership.outbox, "verify_logged", throws)
    await federation.settle()
    assert await told(care) == [f"entry:{wanted}"]
    assert len(tried) == 2, "once by either of them, and not again and again"
    states = {item["idx"]: item["state"] for item in await care.outbox()}
    assert states[wanted] == "sent"
    assert set(states.values()) <= {"sent", "logged"}
    monkeypatch.undo()
    assert await care.service.retry() == []
    states = {item["idx"]: item["state"] for item in await care.outbox()}
    assert states[wanted] == "logged"
    del health


def answering_one_with(
    federation: SimFederation, kind: type[WireModel], code: ErrorCode
) -> tuple[Any, list[str]]:
    """The hub answers the first statement of a kind with this code, each time it is sent; how it
    answers else, and every one that was sent.
    """
    network, first = federation.network, list[str]()
    real = network.post

    async def post(url: str, body: bytes, headers: Any = None) -> bytes:
        if url.endswith("/v1/statements"):
            envelope = json.loads(body)["envelope"]
            if isinstance(parse_statement(from_base64(envelope)).body, kind):
                first.append(envelope)
                if envelope == first[0]:
                    raise RemoteError(code, "")
        return await real(url, body, headers)

    network.post = post  # type: ignore[method-assign]
    return real, first


async def test_one_statement_at_which_the_hub_fails_does_not_keep_the_others(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    real, sent = answering_one_with(federation, RequestBody, ErrorCode.INTERNAL)
    first, second = [await care.ask("c1", involvement) for _ in range(2)]
    await federation.settle()
    assert (await health.received(second))["state"] == "asks_person"
    assert (await care.sent(first))["state"] == "sending"
    assert len(await told(care)) == 1, "a person is told"
    assert len(sent) == 2, "each once, and not again and again"
    federation.network.post = real  # type: ignore[method-assign]
    assert await care.service.retry() == []
    await federation.settle()
    assert (await health.received(first))["state"] == "asks_person"
    assert await told(care) == []


async def test_a_card_that_arrived_though_the_hub_refused_it_can_be_opened_and_recalled(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    network = federation.network
    real = network.post

    async def taken_and_refused(url: str, body: bytes, headers: Any = None) -> bytes:
        answer = await real(url, body, headers)
        if url.endswith("/v1/statements"):
            envelope = from_base64(json.loads(body)["envelope"])
            if isinstance(parse_statement(envelope).body, ReleaseBody):
                raise RemoteError(ErrorCode.NOT_ALLOWED, "not today")
        return answer

    network.post = taken_and_refused  # type: ignore[method-assign]
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"
    assert (await health.received(request_id))["state"] == "opened", "their receipt says so"
    network.post = real  # type: ignore[method-assign]
    await wrong(health, request_id)
    await federation.settle()
    assert (await care.sent(request_id))["card"] is None


# Loops.


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that does not rest between its passes."""
    for name in ("FIRST", "PAUSE", "FOLLOW", "RENEW", "LOOK"):
        monkeypatch.setattr(node.service, f"{name}_SECONDS", 0.01)


class Running:
    """A service whose loops run; one may wait for what their passes do."""

    def __init__(self, service: NodeService) -> None:
        self._passed = asyncio.Event()
        real = service.attempt

        async def attempt(name: str, work: Any) -> bool:
            try:
                return await real(name, work)
            finally:
                self._passed.set()

        service.attempt = attempt  # type: ignore[method-assign]

    async def until(self, so: Callable[[], Awaitable[bool]]) -> None:
        """Look after each pass of any loop, until something is so."""
        async with asyncio.timeout(60):
            while not await so():
                self._passed.clear()
                await self._passed.wait()


@asynccontextmanager
async def running(service: NodeService) -> AsyncIterator[Running]:
    """The service's loops, meanwhile."""
    passes = Running(service)
    task = asyncio.create_task(service.run())
    try:
        yield passes
        assert not task.done(), "nothing ends the loops"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


LOOPS: Mapping[str, Callable[[NodeService], tuple[Any, str]]] = {
    "receive": lambda service: (service, "receive"),
    "advance": lambda service: (service, "advance"),
    "watch": lambda service: (service.charters, "step"),
    "renew": lambda service: (service.renewal, "step"),
    "monitor": lambda service: (service.monitor, "look"),
}


@pytest.mark.parametrize("name", LOOPS)
async def test_a_loop_outlives_a_fault_and_the_others_go_on(
    federation: SimFederation, agencies: Agencies, quick: None, name: str
) -> None:
    _, care = agencies
    owner, method = LOOPS[name](care.service)
    passes: dict[str, int] = dict.fromkeys(LOOPS, 0)
    for loop, found in LOOPS.items():
        other, other_method = found(care.service)
        setattr(other, other_method, counted(passes, loop, getattr(other, other_method)))
    real = getattr(owner, method)

    async def throws(*_: object, **__: object) -> None:
        passes[name] += 1
        raise fault()

    setattr(owner, method, throws)

    async def is_told() -> bool:
        return await told(care) == [f"loop:{name}"]

    async def is_over() -> bool:
        return await told(care) == []

    async def all_went_on() -> bool:
        return all(count > 2 for count in passes.values())

    with capture_logs() as logs:
        async with running(care.service) as loops:
            await loops.until(is_told)
            passes.update(dict.fromkeys(passes, 0))
            await loops.until(all_went_on)
            setattr(owner, method, real)
            await loops.until(is_over)
    lines = [line for line in logs if line["event"] == "set_aside"]
    assert {(line["what"], line["item"], line["error"]) for line in lines} == {
        ("loop", name, "KeyError")
    }
    assert all(line["place"].startswith("node.service:") for line in lines)
    assert SECRET not in repr(logs)
    assert await set_aside(care) == []
    del federation


def counted(passes: dict[str, int], name: str, real: Any) -> Any:
    async def call(*values: Any, **named: Any) -> Any:
        passes[name] += 1
        return await real(*values, **named)

    return call


async def test_a_loop_that_failed_in_a_program_before_is_well_again_in_the_next(
    federation: SimFederation, agencies: Agencies, quick: None
) -> None:
    _, care = agencies

    async def throws() -> None:
        raise fault()

    assert not await care.service.attempt("watch", throws)
    assert await told(care) == ["loop:watch"]
    again = NodeService(care.membership, federation.settings("Social care", "x"))
    async with running(again) as loops:

        async def is_over() -> bool:
            return await told(care) == []

        await loops.until(is_over)


def test_a_fault_is_told_by_the_innermost_line_of_our_own() -> None:
    def work() -> None:
        raise ValueError(SECRET)

    try:
        Environment(random=lambda _: work()).new_id()  # type: ignore[arg-type,return-value]
    except ValueError as error:
        found = fault_of(error)
    assert found.error == "ValueError"
    assert found.place.startswith("runtime.environment:new_id:")
    assert SECRET not in repr(found)
