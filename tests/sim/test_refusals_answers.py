"""What a node does not believe of the hub's answers, and what it does with refusals: its own people
are told, nobody is accused, and nothing is set aside as a fault.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import hub.exchange.requests
from node.alarms import AlarmCode, open_alarms
from node.membership.known_leaves import Seen
from protocol.dsse import sign
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.messages.bodies import AcceptedBody
from protocol.messages.review import IdentityAnswerBody
from protocol.messages.statement import parse_statement
from protocol.requests.refusals import RefusalCode
from protocol.signing import SecretSeed
from tests.sim.federation import SimFederation, SimNode
from tests.sim.lying_hub import delivered
from tests.sim.put_back import copy_aside, put_back
from tests.sim.test_identity_check import answer as compare
from tests.sim.test_identity_check import check
from tests.sim.test_identity_check import received as received_check
from tests.sim.test_identity_check import sent as sent_check
from tests.sim.test_lies import asked
from tests.sim.test_node_faults import set_aside, told
from tests.sim.test_recall import released, wrong
from tests.sim.test_refusals_acts import lost_details
from tests.sim.test_refusals_hub import NOBODY, NOTHING, but, last
from tests.sim.test_review import queue, say

Agencies = tuple[SimNode, SimNode]
E = ErrorCode
Change = Callable[[dict[str, Any]], dict[str, Any]]


def in_answer(change: Change) -> Callable[[bytes], bytes]:
    """A hub that answers a statement otherwise."""
    return lambda data: json.dumps(
        change(json.loads(data)), sort_keys=True, separators=(",", ":")
    ).encode()


class TestItsWordThatAStatementIsLogged:
    @pytest.mark.parametrize("whose", ["of another statement", "signed by a member", "unsigned"])
    async def test_that_is_not(
        self, federation: SimFederation, agencies: Agencies, whose: str
    ) -> None:
        health, care = agencies
        involvement = (await care.team("c1")).others[0].involvement_id

        def forge(answer: dict[str, Any]) -> dict[str, Any]:
            seen.append(answer["accepted"])
            real = parse_statement(from_base64(answer["accepted"])).expect(AcceptedBody)
            forged = sign("accepted", real.envelope.payload, SecretSeed(b"k" * 32))
            if whose == "signed by a member":
                forged = health.membership.sign(real.body, care.party_id).envelope
            by_who = to_base64(forged.encode())
            return {**answer, "accepted": seen[0] if whose == "of another statement" else by_who}

        seen: list[str] = []
        if whose == "of another statement":
            federation.network.tamper["/v1/statements"] = in_answer(forge)
            await care.ask("c1", involvement)
        federation.network.tamper["/v1/statements"] = in_answer(forge)
        request_id = await care.ask("c1", involvement)
        assert (await care.sent(request_id))["state"] == "failed"
        item = [item for item in await care.outbox() if item["kind"] == "request"][-1]
        assert (item["state"], item["idx"]) == ("failed", None)


class TestWhatItRefuses:
    async def test_a_receipt(
        self, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """There is nothing to do about it here: the card is open."""
        health, care = agencies

        def refuse(*_: object) -> None:
            raise RemoteError(E.NOT_FOUND, "no such release")

        request_id = await asked(federation, agencies)
        with monkeypatch.context() as patched:
            patched.setattr(hub.exchange.requests.Broker, "receipt", refuse)
            await health.answer(request_id)
            await federation.settle()
        assert (await care.sent(request_id))["state"] == "opened"
        assert await set_aside(care) == []

    async def test_an_answer_over_a_link_that_has_ended_meanwhile(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        health, care = unsure
        check_id = await check(care)
        await federation.settle()
        await federation.hub_write(lambda tables: tables.tx.run("UPDATE link SET state = 'ended'"))
        await compare(health, check_id, refusal=RefusalCode.NOT_PROPORTIONATE)
        kept = await received_check(health, check_id)
        assert (kept["state"], kept["details"]) == ("stopped", None)
        assert await set_aside(health) == []

    async def test_a_check_that_ran_out_while_the_hub_was_away(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        """It has ended here: whatever the hub says of it then changes nothing."""
        _, care = unsure
        with pytest.raises(RemoteError), away(federation):
            await check(care)
        (row,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM sent_check"))
        federation.clock.now += 8 * 86_400
        await care.service.dispatcher.advance()
        federation.network.tamper["/v1/statements"] = refused
        for _ in range(2):  # what lay here too long is signed anew
            await care.service.advance()
        kept = await sent_check(care, row["check_id"])
        assert (kept["state"], kept["openings"]) == ("expired", None)
        (item,) = [item for item in await care.outbox() if item["kind"] == "identity_request"]
        assert item["state"] == "failed"


@contextmanager
def away(federation: SimFederation) -> Iterator[None]:
    """The hub takes no statement meanwhile."""
    real = federation.network._hub_post

    async def post(url: str, body: bytes) -> bytes:
        if url.endswith("/v1/statements"):
            raise RemoteError(E.UNREACHABLE, "the hub is away")
        return await real(url, body)

    federation.network._hub_post = post  # type: ignore[method-assign]
    try:
        yield
    finally:
        federation.network._hub_post = real  # type: ignore[method-assign]


async def test_a_decision_that_comes_before_the_answer_to_what_it_decides(
    federation: SimFederation, unsure: Agencies
) -> None:
    """The hub has logged the request and its answer was lost: the mail is quicker than we."""
    health, care = unsure
    federation.network.tamper["/v1/statements"] = lost
    with pytest.raises(RemoteError):
        await check(care)
    del federation.network.tamper["/v1/statements"]
    (row,) = await care.read(lambda tables: tables.tx.rows("SELECT * FROM sent_check"))
    await federation.checkpoint()
    await care.membership.sync()
    await care.service.receive(wait=0)
    assert (await sent_check(care, row["check_id"]))["state"] == "allowed"
    await federation.settle()
    assert (await received_check(health, row["check_id"]))["state"] == "asks_person"
    assert await set_aside(care) == []


def refused(_: bytes) -> bytes:
    raise RemoteError(E.NOT_ALLOWED, "not like this")


def lost(_: bytes) -> bytes:
    raise RemoteError(E.UNREACHABLE, "the connection broke")


class TestALogThatCannotBeLookedAt:
    async def test_a_fault_of_the_hub_accuses_nobody(
        self, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It fails at one proof: the others are looked for, and this one when it is asked again."""
        _, care = agencies
        await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
        await federation.checkpoint()
        (wanted, *_) = [item["idx"] for item in await care.outbox() if item["state"] == "sent"]
        await care.membership.sync()
        care.membership.seen = Seen()  # as after a start: the hub is asked
        real = federation.network.get

        async def fails(url: str) -> bytes:
            if url.endswith(f"/v1/proofs/{wanted}"):
                raise RemoteError(E.INTERNAL, "")
            return await real(url)

        with monkeypatch.context() as patched:
            patched.setattr(federation.network, "get", fails)
            await federation.settle()
        assert await told(care) == [f"entry:{wanted}"]
        hub_id = care.membership.hub.hub_id
        found = await care.read(lambda tables: open_alarms(tables, hub_id))
        assert {alarm.code for alarm in found} == {AlarmCode.SET_ASIDE}
        assert await care.service.retry() == []
        states = {item["idx"]: item["state"] for item in await care.outbox()}
        assert states[wanted] == "logged"

    async def test_what_contradicts_it_is_not_taken_for_a_hub_that_is_away(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        _, care = agencies
        await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
        await federation.checkpoint()
        federation.network.tamper["/checkpoint$"] = _with_another_root
        with pytest.raises(RemoteError) as caught:
            await care.service.outbox.check_logged()
        assert caught.value.code not in {E.UNREACHABLE, E.STORAGE}


def _with_another_root(note: bytes) -> bytes:
    origin, size, _, *rest = note.split(b"\n")
    return b"\n".join([origin, size, to_base64(bytes(32)).encode(), *rest])


class TestDetailsThatComeWithoutALinkToProve:
    @pytest.mark.parametrize(
        ("why", "code"),
        [
            ("another value", "link_not_proven"),
            ("no such link here", "link_not_proven"),
            ("a record that is nobody's", "link_not_proven"),
            ("the permission has ended", "permission_ended"),
        ],
    )
    async def test_are_refused_unopened(
        self, federation: SimFederation, unsure: Agencies, why: str, code: str
    ) -> None:
        health, care = unsure
        check_id, body, sealed, proof = await lost_details(federation, unsure)
        for kind in ("identity_request", "identity_decision"):
            await delivered(federation, health, await last(federation, kind))
        if why == "another value":
            body = but(body, link_proof={**body.link_proof.model_dump(), "proof": NOTHING})
        elif why == "no such link here":
            await health.write(lambda tables: tables.tx.run("DELETE FROM link"))
        elif why == "a record that is nobody's":
            sql = "UPDATE link SET stub_id = ?"
            await health.write(lambda tables: tables.tx.run(sql, NOBODY))
        else:
            sql = "UPDATE involvement SET withdrawn_at = 1"
            await health.write(lambda tables: tables.tx.run(sql))
        statement = care.membership.sign(body, health.party_id)
        await delivered(federation, health, statement, sealed, proof)
        kept = await received_check(health, check_id)
        assert (kept["state"], kept["code"], kept["details"]) == ("refused", code, None)
        (said,) = [item for item in await health.outbox() if item["kind"] == "identity_answer"]
        answered = IdentityAnswerBody.model_validate_json(said["body"])
        assert (answered.answer, answered.code, answered.decided_by) == ("refused", code, None)
        assert await set_aside(health) == []


class TestABackupFromBefore:
    """The hub tells a node of what it said itself, and of which its database knows nothing."""

    async def test_a_request_a_card_and_its_recall(
        self, federation: SimFederation, agencies: Agencies, tmp_path: Path
    ) -> None:
        for node in agencies:
            copy_aside(node, tmp_path / f"of {node.party_id}")
        request_id = await released(federation, agencies)
        await wrong(agencies[0], request_id)
        await federation.settle()
        for node in agencies:
            back = await put_back(federation, node, tmp_path / f"of {node.party_id}")
            await federation.settle()
            assert not await back.service.resyncing.under_way()
            assert (await back.team("c1" if node is agencies[1] else "h1")).others == ()

    async def test_a_comparison_and_what_people_said(
        self, federation: SimFederation, unsure: Agencies, tmp_path: Path
    ) -> None:
        health, care = unsure
        for node in unsure:
            copy_aside(node, tmp_path / f"of {node.party_id}")
        (waiting,) = await queue(care)
        check_id = await check(care)
        await federation.settle()
        await compare(health, check_id, "same")
        await say(care, "not_same", waiting.link_id)
        await federation.round()
        for node in unsure:
            back = await put_back(federation, node, tmp_path / f"of {node.party_id}")
            await federation.settle()
            assert not await back.service.resyncing.under_way()
            assert await queue(back) == [], "both have answered"
