"""A member that stops in the middle of something, and a rotation that is cut off or overtaken."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from hub.members.membership import Membership
from hub.members.office import approve_rotation, waiting_rotations
from node.membership.hub import HubMembership, NodeContext, follow_without_keys
from node.membership.keys import keys_path, load_keys
from node.membership.rotation import Rotating
from node.service import NodeService
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.directory import Directory
from protocol.requests.refusals import RefusalCode
from tests.sim.federation import DUTY, SAMIR, SimFederation, SimNode, row
from tests.sim.test_audit_people import audited
from tests.sim.test_identity_check import answer, check
from tests.sim.test_stolen_node import Agencies, ordered, rotated


def rotating(node: SimNode) -> Rotating:
    safe = node.folder / "safe.json"
    if not safe.exists():
        held = node.folder / f"recovery-{node.membership.hub.hub_id}.json"
        safe.write_bytes(held.read_bytes())
        safe.chmod(0o600)
    return Rotating(node.folder, node.membership, safe)


async def approved(federation: SimFederation, node: SimNode, words: str) -> None:
    await federation.hub_write(lambda tables: approve_rotation(tables, node.party_id, words))
    await federation.hub.jobs.admit()
    await federation.checkpoint()


async def directory(federation: SimFederation) -> Directory:
    return await federation.hub_read(lambda tables: tables.directory.current())


def uses_new_keys(node: SimNode) -> bool:
    """Whether the keys on disk are those that the log names, and nothing is left lying about."""
    member = node.membership.directory.member(node.party_id)
    kept = load_keys(node.folder, node.membership.hub.hub_id)
    assert member is not None
    left = [path.name for path in node.folder.glob("*.new.json")]
    named = kept.record(0, "00" * 32).sign == member.body.keys.sign
    return named and left == [] and not list(node.folder.glob("rotation-*"))


async def refusals(node: SimNode) -> dict[str, str]:
    """What the hub refused of a node's statements, by kind."""
    return {item["kind"]: item["error"] for item in await node.outbox() if item["error"]}


class TestWhatIsUnderWay:
    async def test_an_upload_that_began_before_is_not_taken_after(
        self, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, care = agencies
        before = await federation.entries("publication")
        post = federation.network.post

        async def stops(url: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
            if url.endswith("/chunks"):
                await ordered(federation, care, "suspended")
            return await post(url, body, headers)

        monkeypatch.setattr(federation.network, "post", stops)
        await care.take_in(row("c2", SAMIR, "child_in_need", DUTY, "S. Worker"))
        with pytest.raises(RemoteError) as caught:
            await care.publish()
        assert caught.value.code is ErrorCode.UNKNOWN_MEMBER
        assert await federation.entries("publication") == before
        assert await audited(federation) == set()

    async def test_no_name_passes_to_a_holder_that_has_stopped(
        self, federation: SimFederation, unsure: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Even from a node that has not noticed."""
        health, care = unsure
        keys = health.membership.me().body.keys
        monkeypatch.setattr(HubMembership, "recipient", lambda *_: keys)
        await check(care)
        await ordered(federation, health, "suspended")
        await care.service.receive(wait=0)
        for _ in range(3):
            await federation.checkpoint()
            await care.service.advance()
        assert await refusals(care) == {"identity_check": "not_allowed"}
        assert await federation.entries("identity_check") == []

    async def test_no_answer_passes_to_an_asker_that_has_stopped(
        self, federation: SimFederation, unsure: Agencies
    ) -> None:
        health, care = unsure
        check_id = await check(care)
        await federation.settle()
        await ordered(federation, care, "suspended")
        await answer(health, check_id, "same")
        assert await refusals(health) == {"identity_answer": "not_allowed"}
        assert await federation.entries("identity_answer") == []

    async def test_no_refusal_is_taken_either(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
        await federation.settle()
        await ordered(federation, care, "suspended")
        await health.answer(request_id, RefusalCode.OBJECTION)
        assert await refusals(health) == {"decision": "not_allowed"}
        assert await federation.entries("decision") == []


class TestOvertaken:
    async def test_a_suspension_overtakes_a_rotation_that_waits_and_stops_nobody_else(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        words = await rotating(care).apply()
        await ordered(federation, care, "suspended")
        with pytest.raises(LocalError, match="run rotate-keys again"):
            await approved(federation, care, words)  # it was made for the membership before
        # The operator had approved it a moment earlier.
        await federation.hub_write(
            lambda tables: tables.tx.run("UPDATE rotation SET state = 'approved'")
        )
        await federation.hub.jobs.admit()
        with pytest.raises(LocalError, match="again"):
            await rotating(care).wait(lambda: None)
        await ordered(federation, health, "suspended")
        member = (await directory(federation)).member(health.party_id)
        assert member is not None
        assert member.body.status == "suspended", "the council's orders are still carried out"
        again = await rotating(care).apply()
        await approved(federation, care, again)
        await rotating(care).wait(lambda: None)
        assert uses_new_keys(care)

    async def test_what_was_not_written_is_not_in_force_in_memory(
        self, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        health, _ = agencies

        def fails(self: Membership, party_id: str) -> None:
            carry_out(self, party_id)
            raise LocalError(ErrorCode.STORAGE, "the disk is full")

        carry_out = Membership.carry_out
        with monkeypatch.context() as patched:
            patched.setattr(Membership, "carry_out", fails)
            with pytest.raises(LocalError):
                await ordered(federation, health, "suspended")
        assert (await directory(federation)).active(health.party_id) is not None
        await federation.hub.jobs.admit()
        assert (await directory(federation)).active(health.party_id) is None


class TestKeysThatAreGone:
    async def test_the_recovery_key_is_enough_on_a_clean_machine(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """The backup holds the database and no keys; tokens are made anew under the new ones."""
        health, care = agencies
        hub_id, held = care.membership.hub.hub_id, care.membership
        recovery = rotating(care).recovery
        keys_path(care.folder, hub_id).unlink()
        (care.folder / f"recovery-{hub_id}.json").unlink()
        context = NodeContext(held.engine, held.http, held.env, held.shared_places)
        bare = await follow_without_keys(care.folder, held.hub, context)
        care.service = NodeService(bare, care.service.answering._settings)
        with pytest.raises(RemoteError):
            await care.service.receive(wait=0)
        again = Rotating(care.folder, bare, recovery)
        await approved(federation, care, await again.apply())
        await again.wait(lambda: None)
        assert uses_new_keys(care)
        assert await care.read(lambda tables: tables.count("token_cache")) == 0
        assert await care.read(lambda tables: tables.count("published_token")) == 0
        assert (await care.publish()).changed == 1
        await federation.round()
        request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
        await federation.settle()
        await health.answer(request_id)
        await federation.settle()
        assert (await care.sent(request_id))["state"] == "opened"
        assert await audited(federation) == set()


class TestCutOff:
    async def test_after_the_council_approved(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        _, care = agencies
        words = await rotating(care).apply()
        await approved(federation, care, words)
        assert await rotating(care).apply() == words
        await rotating(care).wait(lambda: None)
        assert uses_new_keys(care)
        assert await care.read(lambda tables: tables.count("token_cache")) > 0, "its key is as old"

    @pytest.mark.parametrize("moves", [0, 1])
    async def test_while_it_switched_over(
        self,
        federation: SimFederation,
        agencies: Agencies,
        monkeypatch: pytest.MonkeyPatch,
        moves: int,
    ) -> None:
        _, care = agencies
        words = await rotating(care).apply()
        await approved(federation, care, words)
        move = Path.replace
        done: list[Path] = []

        def stops(self: Path, target: Path) -> Path:
            if len(done) == moves:
                raise OSError("the power fails")
            done.append(target)
            return move(self, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", stops)
            with pytest.raises(OSError, match="power"):
                await rotating(care).wait(lambda: None)
        assert await rotating(care).apply() == words
        await rotating(care).wait(lambda: None)
        assert uses_new_keys(care)

    async def test_while_the_hub_was_away_for_longer_than_a_statement_lives(
        self, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, care = agencies
        post, tried = federation.network.post, []

        async def away(url: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
            if url.endswith("/v1/rotations"):
                tried.append(url)
                raise RemoteError(ErrorCode.UNREACHABLE, "away")
            return await post(url, body, headers)

        with monkeypatch.context() as patched:
            patched.setattr(federation.network, "post", away)
            with pytest.raises(RemoteError):
                await rotating(care).apply()
        assert len(tried) == 1, "that is no reason to sign another"
        federation.clock.now += 3600
        await rotated(federation, care)
        assert await federation.hub_read(waiting_rotations) == []
        assert uses_new_keys(care)
