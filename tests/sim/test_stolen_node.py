"""A node is stolen with its keys: suspended, given new keys by the recovery key, and back."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.members.office import approve_rotation, order, waiting_rotations
from hub.store.mailboxes import Post
from hub.store.members import MemberStatus
from node.alarms import AlarmCode, open_alarms
from node.membership.keys import Keys, load_keys
from node.membership.rotation import Rotating
from node.service import NodeService
from node.store.tables import open_engine
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.governance.rotation import check_next_member, rotation_body, verify_rotation
from protocol.messages.bodies import EnrolmentBody, MemberBody, NoticeBody
from protocol.messages.statement import Context, Stamp, make_statement
from protocol.signing import SecretSeed, public_key
from runtime.secrets import read_secrets
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_audit_people import audited

Agencies = tuple[SimNode, SimNode]


def steal(node: SimNode, where: Path) -> SimNode:
    """A thief's copy of a node's whole folder, running."""
    shutil.copytree(node.folder, where)
    held = node.membership
    stolen = replace(
        held, engine=open_engine(where), keys=load_keys(where, held.hub.hub_id), folder=where
    )
    return SimNode(NodeService(stolen, node.service.answering._settings), where)


async def ordered(federation: SimFederation, node: SimNode, status: str) -> None:
    await federation.hub_write(lambda tables: order(tables, node.party_id, MemberStatus(status)))
    await federation.hub.jobs.admit()
    await federation.checkpoint()


async def rotated(federation: SimFederation, node: SimNode) -> None:
    """The owner takes the recovery file out of the safe; the operator hears the words."""
    safe = node.folder / f"recovery-{node.membership.hub.hub_id}.json"
    rotating = Rotating(node.folder, node.membership, safe)
    words = await rotating.apply()
    assert await rotating.apply() == words, "it can be repeated"
    (waiting,) = await federation.hub_read(waiting_rotations)
    assert (waiting.party_id, waiting.words) == (node.party_id, words)
    await federation.hub_write(lambda tables: approve_rotation(tables, node.party_id, words))
    await federation.hub.jobs.admit()
    await federation.checkpoint()
    await rotating.wait(lambda: None)


async def refused(node: SimNode, path: str) -> ErrorCode:
    """What the hub says to a statement or poll that this node signs now."""
    if path == "poll":
        with pytest.raises(RemoteError) as caught:
            await node.service.receive(wait=0)
        return caught.value.code
    hub_id = node.membership.charter.charter_id
    body = EnrolmentBody.model_validate(_applied(node))
    envelope = node.membership.sign(body, hub_id).envelope.encode()
    with pytest.raises(RemoteError) as caught:
        await node.membership.post("/v1/statements", envelope)
    return caught.value.code


def _applied(node: SimNode) -> dict[str, Any]:
    member = node.membership.directory.member(node.party_id)
    assert member is not None
    fields = member.body.model_dump(exclude={"status", "enrolment"})
    return {**fields, "invitation_hash": "00" * 32}


async def test_the_drill(federation: SimFederation, agencies: Agencies, tmp_path: Path) -> None:
    health, care = agencies
    thief = steal(care, tmp_path / "stolen")
    async with federation.polling(care.service.receive(wait=60)):
        assert await refused(thief, "poll") is ErrorCode.SECOND_INSTANCE, "that is the first alarm"
    stolen_request = await thief.ask("c1", (await thief.team("c1")).others[0].involvement_id)
    await federation.settle()
    assert (await health.received(stolen_request))["state"] == "asks_person"

    await ordered(federation, care, "suspended")
    assert await refused(thief, "poll") is ErrorCode.UNKNOWN_MEMBER
    assert await refused(thief, "statement") is ErrorCode.UNKNOWN_MEMBER
    await health.membership.sync()
    await health.answer(stolen_request)
    assert await federation.entries("decision") == [], "the hub takes no decision for them"
    assert (await health.received(stolen_request))["state"] == "asks_person"
    assert await federation.entries("release") == [], "no card leaves for who is suspended"
    await federation.hub.jobs.round()
    await federation.checkpoint()
    await health.service.receive(wait=0)
    assert (await health.team("h1")).others == (), "and the link has ended"
    (link,) = await health.read(lambda tables: tables.tx.rows("SELECT state FROM link"))
    assert link["state"] == "ended"

    await rotated(federation, care)
    await ordered(federation, care, "active")
    await care.membership.sync()
    assert await refused(thief, "poll") is ErrorCode.BAD_SIGNATURE, "old keys stay refused"
    await federation.round()
    assert (await care.team("c1")).others, "the link is back"
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"
    assert await audited(federation) == set()
    await thief.membership.engine.close()


class TestKeySubstitution:
    """key substitution: keys only from the log; rotation by the recovery key; own-key monitor."""

    def new_keys(self, node: SimNode) -> Keys:
        return Keys(
            SecretSeed(bytes([21]) * 32),
            SecretSeed(bytes([22]) * 32),
            SecretSeed(bytes([23]) * 32),
            SecretSeed(bytes([24]) * 32),
        )

    async def swap(
        self, federation: SimFederation, node: SimNode, envelope: bytes, keys: Keys
    ) -> None:
        """The hub logs another `member` leaf for the agency, with keys of its own making."""
        member = node.membership.me().body
        record = keys.record(member.keys.seal_expires, "55" * 32)
        body = MemberBody.model_validate(
            {
                **member.model_dump(),
                "keys": record.model_dump(),
                "enrolment": to_base64(envelope),
            }
        )
        await federation.hub_write(
            lambda tables: federation.slip_in(
                tables, federation.ledger(tables).sign(body, node.party_id)
            )
        )
        holders, federation.network.holders = federation.network.holders, {}
        await federation.checkpoint()
        before = node.membership.view
        with pytest.raises(RemoteError):
            await node.membership.sync()
        assert node.membership.view == before
        hub_id = node.membership.hub.hub_id
        codes = [item.code for item in await node.read(lambda db: open_alarms(db, hub_id))]
        assert codes == [AlarmCode.LEAF_REFUSED]
        found = await audited(federation)
        federation.network.holders = holders
        assert "public_leaf" in {code.value for _, code in found}

    async def test_a_hub_cannot_enrol_a_member_again_under_its_own_keys(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        keys = self.new_keys(health)
        member, charter = health.membership.me().body, health.membership.charter
        record = keys.record(member.keys.seal_expires, "55" * 32)
        body = EnrolmentBody.model_validate({**_applied(health), "keys": record.model_dump()})
        context = Context(charter.charter_id, 1, charter.log.origin, health.party_id)
        stamp = Stamp(charter.charter_id, "56" * 16, federation.clock())
        enrolment = make_statement(context, stamp, body, keys.sign)
        await self.swap(federation, health, enrolment.envelope.encode(), keys)

    async def test_other_keys_under_the_same_enrolment_are_not_followed(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        enrolment = from_base64(health.membership.me().body.enrolment)
        member, keys = health.membership.me().body, self.new_keys(health)
        record = keys.record(member.keys.seal_expires, "55" * 32)
        with pytest.raises(RemoteError) as caught:
            check_next_member(
                health.membership.me().statement_id,
                member,
                member.model_copy(update={"keys": record}),
                health.membership.charter,
            )
        assert caught.value.code is ErrorCode.NOT_ALLOWED
        await self.swap(federation, health, enrolment, keys)

    async def test_who_only_names_the_recovery_key_has_not_signed_with_it(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        hub_id, keys = health.membership.hub.hub_id, self.new_keys(health)
        safe = read_secrets(health.folder / f"recovery-{hub_id}.json")
        me, charter = health.membership.me(), health.membership.charter
        record = keys.record(me.body.keys.seal_expires, "55" * 32)
        seeds = (SecretSeed(safe["recovery"]), keys.sign)
        body = rotation_body(health.party_id, me.statement_id, record, seeds)
        context = Context(charter.charter_id, 1, charter.log.origin, health.party_id)
        stamp = Stamp(charter.charter_id, "58" * 16, federation.clock())
        forged = make_statement(context, stamp, body, health.membership.keys.sign)
        with pytest.raises(RemoteError) as caught:
            verify_rotation(forged, me.statement_id, me.body, charter)
        assert caught.value.code is ErrorCode.BAD_SIGNATURE
        await self.swap(federation, health, forged.envelope.encode(), keys)

    async def test_the_old_sign_key_cannot_rotate(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        keys, held = self.new_keys(health), health.membership.keys
        me, charter = health.membership.me(), health.membership.charter
        record = keys.record(me.body.keys.seal_expires, "55" * 32)
        body = rotation_body(health.party_id, me.statement_id, record, (held.sign, keys.sign))
        context = Context(charter.charter_id, 1, charter.log.origin, health.party_id)
        stamp = Stamp(charter.charter_id, "57" * 16, federation.clock())
        rotation = make_statement(context, stamp, body, held.sign)
        with pytest.raises(RemoteError) as caught:
            await health.membership.post("/v1/rotations", rotation.envelope.encode())
        assert caught.value.code is ErrorCode.BAD_SIGNATURE
        await self.swap(federation, health, rotation.envelope.encode(), keys)


async def test_a_poll_that_waits_gets_nothing_any_more(
    federation: SimFederation, agencies: Agencies
) -> None:
    """The thief's long poll was open when the council suspended."""
    health, care = agencies
    async with federation.polling(care.service.receive(wait=60)) as waiting:
        await ordered(federation, care, "suspended")
        del health
        body = NoticeBody(round="00" * 32, links=[])
        notice = await federation.hub_read(
            lambda tables: federation.ledger(tables).sign(body, care.party_id)
        )
        post = Post(care.party_id, notice.envelope.encode())
        await federation.hub_write(lambda tables: tables.mailboxes.post([post]))
        with pytest.raises(RemoteError) as caught:
            await waiting
    assert caught.value.code is ErrorCode.UNKNOWN_MEMBER


async def test_a_rotation_overtaken_by_a_suspension_can_be_sent_anew(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    safe = health.folder / f"recovery-{health.membership.hub.hub_id}.json"
    rotating = Rotating(health.folder, health.membership, safe)
    await rotating.apply()
    (waiting,) = await federation.hub_read(waiting_rotations)
    await ordered(federation, health, "suspended")
    with pytest.raises(LocalError, match="run this command again"):
        await rotating.wait(lambda: pytest.fail("it would wait for ever"))
    with pytest.raises(LocalError, match="run rotate-keys again"):
        await federation.hub_write(
            lambda tables: approve_rotation(tables, health.party_id, waiting.words)
        )
    await health.membership.sync()
    with pytest.raises(LocalError, match="this agency is suspended: call the council"):
        health.membership.me()
    await rotated(federation, health)
    await ordered(federation, health, "active")
    await health.membership.sync()
    assert health.membership.me().body.keys.sign == public_key(health.membership.keys.sign).hex()


async def test_other_words_approve_nothing(federation: SimFederation, agencies: Agencies) -> None:
    health, _ = agencies
    safe = health.folder / f"recovery-{health.membership.hub.hub_id}.json"
    await Rotating(health.folder, health.membership, safe).apply()
    with pytest.raises(LocalError, match="words differ"):
        await federation.hub_write(
            lambda tables: approve_rotation(tables, health.party_id, "acorn " * 8)
        )


async def test_who_is_revoked_never_comes_back(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await ordered(federation, health, "revoked")
    await ordered(federation, health, "active")
    await health.membership.sync()
    member = health.membership.directory.member(health.party_id)
    assert member is not None
    assert member.body.status == "revoked"
    assert await refused(health, "poll") is ErrorCode.UNKNOWN_MEMBER
