"""What a node sends and looks for, when two of its processes do so at once, when the hub answers
strangely, and when more waits than is looked for in one go: nothing is done twice or undone.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

import node.membership.outbox
from node.faults import fault_of
from node.membership.hub import followed_charters
from node.membership.known_leaves import Seen
from node.membership.outbox import Outbox
from node.membership.succession import move_on
from node.membership.synced import notice
from node.records.clients import withdraw
from node.requests.answering import Answer
from node.store.resync import Cause
from node.store.set_aside import Item, Kind
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.log.leaf import NO_SALT
from protocol.messages.bodies import DecisionBody, ReleaseBody, RoundsBody
from protocol.messages.kinds import kind_of
from protocol.messages.log import ProvisionalBody
from protocol.messages.statement import parse_statement
from protocol.requests.refusals import RefusalCode
from protocol.wire import Message, parse_wire
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_lies import asked
from tests.sim.test_node_faults import fault, set_aside, told
from tests.sim.test_recall import released
from tests.sim.test_refusals_hub import last
from tests.sim.test_refusals_twice import statements
from tests.sim.test_unwitnessed_card import alarms, allowed, let_go

Agencies = tuple[SimNode, SimNode]
E = ErrorCode


def is_of(kind: type[WireModel], url: str, body: bytes) -> bool:
    """Whether a statement of this kind is posted here."""
    if not url.endswith("/v1/statements"):
        return False
    envelope = from_base64(parse_wire(Message, body).envelope)
    return isinstance(parse_statement(envelope).body, kind)


def says(code: ErrorCode, met: list[bytes]) -> Callable[[bytes], bytes]:
    """A hub that answers with this code; what it would have said is put into `met`."""

    def answer(data: bytes) -> bytes:
        met.append(data)
        raise RemoteError(code, "not now")

    return answer


def of_another_process(node: SimNode) -> Outbox:
    """The same node's outbox, as a command beside the running node has it."""
    takes = node.service.dispatcher
    return Outbox(node.membership, takes.on_sent, takes.on_failed)


class TestTwoProcessesThatSend:
    async def test_say_once_that_a_card_was_deleted(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """Both are told that the recall is logged; each would have its own word for it."""
        _, care = agencies
        request_id = await released(federation, agencies)
        recalls, outbox = care.service.dispatcher.recalls, care.service.outbox
        await care.write(lambda tables: recalls.say(tables, request_id, 1))
        await asyncio.gather(outbox.send(), of_another_process(care).send())
        await federation.settle()
        assert len(await federation.entries("wrong_person")) == 1
        assert await statements(care, "recall_done") == 1

    async def test_a_refusal_that_comes_late_does_not_undo_what_a_person_did_since(
        self, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        health, care = agencies
        request_id = await asked(federation, agencies)
        answering, outbox = health.service.answering, health.service.outbox
        allow = Answer(request_id, 1)
        real, came, late, met = federation.network.post, asyncio.Event(), asyncio.Event(), []

        async def refused(url: str, body: bytes, headers: Any = None) -> bytes:
            if not is_of(DecisionBody, url, body):
                return await real(url, body, headers)
            met.append(url)
            if len(met) == 1:
                came.set()
                await late.wait()
            raise RemoteError(E.NOT_ALLOWED, "not today")

        await health.write(lambda tables: answering.answer(tables, allow))
        with monkeypatch.context() as patched:
            patched.setattr(federation.network, "post", refused)
            first = asyncio.create_task(outbox.send())
            await came.wait()
            await of_another_process(health).send()
            assert (await health.received(request_id))["state"] == "asks_person"
            await health.write(lambda tables: answering.answer(tables, allow))
            late.set()
            await first
        assert (await health.received(request_id))["state"] == "deciding"
        assert await health.read(lambda tables: tables.count("refused")) == 0, "not over quota"
        await federation.settle()
        assert (await care.sent(request_id))["state"] == "opened"


async def test_a_decision_whose_link_was_somebody_elses_changes_nothing_any_more(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card over the link is recalled while two answers are on their way: the hub takes one."""
    health, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    first, taken, refused = [await care.ask("c1", involvement) for _ in range(3)]
    await federation.settle()
    await health.answer(first)
    await federation.settle()
    answering, recalls = health.service.answering, health.service.dispatcher.recalls
    for number in (taken, refused):
        await health.write(partial(answering.answer, answer=Answer(number, 1)))
    await health.write(lambda tables: recalls.say(tables, first, 1))
    real, met = federation.network.post, []

    async def second_is_refused(url: str, body: bytes, headers: Any = None) -> bytes:
        if is_of(DecisionBody, url, body):
            met.append(url)
            if len(met) == 2:
                raise RemoteError(E.NOT_ALLOWED, "not today")
        return await real(url, body, headers)

    with monkeypatch.context() as patched:
        patched.setattr(federation.network, "post", second_is_refused)
        await federation.settle()
    assert len(met) == 2
    for number in (taken, refused):
        assert (await health.received(number))["state"] == "stopped"
    assert await set_aside(health) == []
    assert len(await federation.entries("release")) == 1


async def test_nor_does_what_was_asked_over_it(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two requests wait here when the card is recalled: the hub takes one, and refuses one."""
    _, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    first = await released(federation, agencies)
    wanted = await care.request("c1", involvement)
    asking, recalls = care.service.asking, care.service.dispatcher.recalls
    taken, refused = [await care.write(lambda tables: asking.ask(tables, wanted)) for _ in range(2)]
    await care.write(lambda tables: recalls.say(tables, first, 1))
    real, met = federation.network.post, []

    async def second_is_refused(url: str, body: bytes, headers: Any = None) -> bytes:
        met.append(url)
        if len(met) == 2:
            raise RemoteError(E.NOT_ALLOWED, "not today")
        return await real(url, body, headers)

    with monkeypatch.context() as patched:
        patched.setattr(federation.network, "post", second_is_refused)
        await care.service.outbox.send()
    assert len(met) == 3
    for number in (taken, refused):
        kept = await care.sent(number)
        assert (kept["state"], kept["code"]) == ("stopped", None)
    assert await set_aside(care) == []


@pytest.mark.parametrize(
    ("decided", "state"),
    [("no by a person", "asks_person"), ("yes by rule", "asks_person"), ("no by rule", "stopped")],
)
async def test_a_decision_that_the_hub_refuses_goes_back_to_people_unless_nobody_may_allow_it(
    federation: SimFederation,
    agencies: Agencies,
    monkeypatch: pytest.MonkeyPatch,
    decided: str,
    state: str,
) -> None:
    health, _ = agencies
    await released(federation, agencies)
    real = federation.network.post

    async def refuses(url: str, body: bytes, headers: Any = None) -> bytes:
        if is_of(DecisionBody, url, body):
            raise RemoteError(E.NOT_ALLOWED, "not today")
        return await real(url, body, headers)

    if decided == "yes by rule":
        health.service.answering._settings.answer_rule = "allow"
        monkeypatch.setattr(federation.network, "post", refuses)
    request_id = await asked(federation, agencies)
    monkeypatch.setattr(federation.network, "post", refuses)
    if decided == "no by a person":
        await health.answer(request_id, RefusalCode.NOT_PROPORTIONATE)
    elif decided == "no by rule":
        await health.write(lambda tables: withdraw(tables, "h1", federation.clock()))
    for _ in range(2):
        await health.service.advance()
    assert (await health.received(request_id))["state"] == state
    assert await statements(health, "decision") == 2, "it is not decided again and again"


@pytest.mark.parametrize("kind", [ReleaseBody, ProvisionalBody], ids=kind_of)
async def test_a_card_that_is_refused_after_it_was_opened_stays_opened(
    federation: SimFederation,
    agencies: Agencies,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[WireModel],
) -> None:
    """The hub took it and its answer was lost; then it says that it never would."""
    health, care = agencies
    if kind is ReleaseBody:
        request_id = await asked(federation, agencies)
        await health.answer(request_id)
        await federation.checkpoint()
        leaves = health.service.advance()
    else:
        request_id = await allowed(federation, agencies)
        leaves = let_go(health, request_id)
    real = federation.network.post
    answers = [RemoteError(E.UNREACHABLE, "cut off"), RemoteError(E.NOT_ALLOWED, "never")]

    async def post(url: str, body: bytes, headers: Any = None) -> bytes:
        if not is_of(kind, url, body):
            return await real(url, body, headers)
        if len(answers) == 2:
            await real(url, body, headers)
        raise answers.pop(0)

    monkeypatch.setattr(federation.network, "post", post)
    with pytest.raises(RemoteError):
        await leaves
    await federation.checkpoint()
    await care.membership.follow()
    await care.service.receive(wait=0)
    await care.service.advance()
    await federation.checkpoint()
    await health.service.receive(wait=0)
    assert (await health.received(request_id))["state"] == "opened"
    assert [error.code for error in await health.service.outbox.send()] == [E.NOT_ALLOWED]
    assert answers == []
    kept = await health.received(request_id)
    assert kept["state"] == "opened"
    assert kept["release_id"] == (await last(federation, kind_of(kind))).id, "to recall it by"
    assert await set_aside(health) == []


async def test_a_card_without_a_quorum_that_comes_too_late_has_ended(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a quorum it would be as late: nobody is offered to let it go once more."""
    health, _ = agencies
    request_id = await allowed(federation, agencies)
    real = federation.network.post

    async def late(url: str, body: bytes, headers: Any = None) -> bytes:
        if is_of(ProvisionalBody, url, body):
            raise RemoteError(E.TOO_LATE, "the request has expired")
        return await real(url, body, headers)

    monkeypatch.setattr(federation.network, "post", late)
    with pytest.raises(RemoteError) as caught:
        await let_go(health, request_id)
    assert caught.value.code is E.TOO_LATE
    assert (await health.received(request_id))["state"] == "stopped"


class TestALogThatMovesOnMeanwhile:
    async def grows(self, federation: SimFederation) -> None:
        """The log is longer, and a quorum has signed that."""
        await federation.hub.jobs.round()
        await federation.checkpoint()

    async def test_a_proof_from_before_is_no_shorter_log(
        self, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is under the checkpoint of a moment ago: the card leaves, and nobody is accused."""
        health, _ = agencies
        request_id = await asked(federation, agencies)
        await health.answer(request_id)
        await federation.checkpoint()
        real = federation.network.get

        async def get(url: str) -> bytes:
            proof = await real(url)
            if "/v1/proofs/" in url:
                await self.grows(federation)
            return proof

        with monkeypatch.context() as patched:
            patched.setattr(federation.network, "get", get)
            assert await health.service.releasing.release_allowed() == 1
        assert await alarms(health) == []

    async def test_a_slower_look_at_it_takes_nothing_back(
        self, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two loops of one node follow it at once, and the one that began first ends last."""
        _, care = agencies
        await self.grows(federation)
        real = federation.network.get
        meanwhile: list[str] = []

        async def get(url: str) -> bytes:
            note = await real(url)
            if url.endswith("/checkpoint") and not meanwhile:
                meanwhile.append(url)
                await self.grows(federation)
                await care.membership.sync()
            return note

        monkeypatch.setattr(federation.network, "get", get)
        await care.membership.sync()
        hub_size = await federation.hub_read(lambda tables: tables.log.next_index())
        assert care.membership.view.size == hub_size

    async def test_a_leaf_of_a_later_program_accuses_nobody(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """Ours is too old for it: that is for a person, and no proof of anything is kept."""
        _, care = agencies

        def slip_in(tables: Any) -> None:
            body = RoundsBody(compared_below=0, next_round=0)
            signed = federation.ledger(tables).sign(body, care.party_id)
            leaf = b"\x07\x07from a later program"
            tables.log.append(leaf, signed.envelope, signed.preamble, NO_SALT, federation.clock())

        await federation.hub_write(slip_in)
        holders, federation.network.holders = federation.network.holders, {}
        await federation.checkpoint()
        for _ in range(2):
            with pytest.raises(RemoteError) as caught:
                await care.membership.sync()
            assert caught.value.code is E.UNKNOWN_KIND
        assert await alarms(care) == ["program_old"]
        hub_id = care.membership.hub.hub_id
        assert await care.read(lambda tables: tables.alarms.evidence(hub_id)) == set()
        federation.network.holders = holders


async def test_mail_that_is_read_while_the_log_is_followed_is_not_read_again(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever went back to where the mail stood before would pass for an old copy of the node."""
    health, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    assert await health.service.receive(wait=0) == 0, "witnesses are there and have not signed it"
    await federation.checkpoint()
    real = federation.network.get
    meanwhile: list[str] = []

    async def slow(url: str) -> bytes:
        note = await real(url)
        if url.endswith("/checkpoint") and not meanwhile:
            meanwhile.append(url)
            await health.service.receive(wait=0)
        return note

    with monkeypatch.context() as patched:
        patched.setattr(federation.network, "get", slow)
        await health.membership.sync()
    assert (await health.received(request_id))["state"] == "asks_person"
    (kept,) = await health.read(lambda tables: tables.hubs.all())
    assert health.membership.hub == kept
    assert await health.service.receive(wait=0) == 0
    assert not await health.service.resyncing.under_way()


async def test_what_was_set_aside_stays_so_while_it_is_not_its_turn(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More entries wait than are looked for in one go: those beyond have not ended otherwise."""
    _, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    for _ in range(4):
        await care.ask("c1", involvement)
    await federation.checkpoint()
    await care.membership.sync()
    *_, last = sorted(item["idx"] for item in await care.outbox() if item["idx"])
    faults, kept = care.membership.faults, Item(care.membership.hub.hub_id, Kind.ENTRY, str(last))
    await care.write(lambda tables: faults.put(tables, kept, fault_of(fault())))
    with monkeypatch.context() as patched:
        patched.setattr(node.membership.outbox, "MOST_LOOKED_FOR", 1)
        await care.service.outbox.check_logged()
    assert await told(care) == [f"entry:{last}"]
    care.membership.seen = Seen()  # as after a start: the hub is asked
    before = [item["state"] for item in await care.outbox()]
    met: list[bytes] = []
    for code in (E.UNREACHABLE, E.NO_QUORUM):
        federation.network.tamper["/v1/proofs/"] = says(code, met)
        assert await care.service.outbox.check_logged() == 0, "nobody can say now"
    assert len(met) == 2, "and the others are not asked for"
    assert [item["state"] for item in await care.outbox()] == before
    federation.network.tamper.clear()
    assert await care.service.retry() == []
    assert await told(care) == []


async def test_an_entry_that_stands_elsewhere_than_the_hub_said_is_missed(
    federation: SimFederation, agencies: Agencies
) -> None:
    """It shows the entry, whole and witnessed, at another; or it gave no salt to find it by."""
    _, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    for change in ("salt = NULL", "idx = idx - 1"):
        await care.ask("c1", involvement)
        await federation.checkpoint()
        row = (await care.outbox())[-1]
        there = await federation.services.publisher.proof(row["idx"])
        sql = f"UPDATE outbox SET {change} WHERE id = ?"  # noqa: S608 - our own words
        await care.write(lambda tables, sql=sql, row=row: tables.tx.run(sql, row["id"]))  # type: ignore[misc]
        federation.network.tamper["/v1/proofs/"] = lambda _, there=there: there  # type: ignore[misc]
        assert await care.service.outbox.check_logged() == 1, change
    assert await alarms(care) == ["not_in_log"] * 2
    assert await set_aside(care) == []


async def test_what_the_hub_says_of_its_clock_is_no_reason_to_stop(
    federation: SimFederation, agencies: Agencies
) -> None:
    """It may say nothing, or nonsense: what it refuses for the time it refuses by itself."""
    _, care = agencies
    for answer in (b"[]", b'{"now":"noon"}', b"{}"):
        federation.network.tamper["/v1/status"] = lambda _, answer=answer: answer  # type: ignore[misc]
        assert await care.membership.begin()


async def test_that_a_node_came_back_from_a_backup_is_told_once(
    federation: SimFederation, agencies: Agencies
) -> None:
    """And nobody acts in its name until it knows what it missed."""
    _, care = agencies
    hub_id, now = care.membership.hub.hub_id, federation.clock()
    for later in (0, 60):
        await care.write(lambda tables, at=now + later: notice(tables, hub_id, Cause.BEHIND, at))  # type: ignore[misc]
    assert await alarms(care) == ["backup_restored"]
    with pytest.raises(LocalError) as caught:
        await care.membership.begin()
    assert caught.value.code is E.NOT_READY


async def test_a_hub_that_is_being_joined_says_nothing_of_what_work_is_called(
    federation: SimFederation,
) -> None:
    """Its invitation is here and its log was not read yet."""
    joining, engine = federation.joining("Charity", "charity")
    membership, _ = await joining.apply(engine, await federation.invite(b"c" * 32))
    other = replace(membership.hub, hub_id="ab" * 16, genesis="cd" * 32)
    await engine.write(lambda tables: tables.hubs.save(other))
    found = await engine.read(followed_charters)
    assert [charter.charter_id for _, charter in found] == [membership.hub.hub_id]
    first = replace(membership.hub, hub_id="00" * 16)
    await engine.write(lambda tables: tables.hubs.save(first))
    moved = await engine.write(lambda tables: move_on(tables, membership.hub, "ee" * 32, 1))
    assert (moved.hub_id, moved.genesis) == (membership.hub.hub_id, "ee" * 32), "no other's log"
    await engine.close()
