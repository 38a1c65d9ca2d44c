"""What somebody sends that they should not: each has its code, and nothing is lost or half done."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hub.exchange.intake import Intake
from hub.store.members import ApplicantState
from keys.batch import pack_points
from keys.groups import default_group
from node.membership.hub import HubMembership
from protocol import canonical
from protocol.dsse import sign
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.messages.bodies import (
    CharterAcceptBody,
    MatchRoundBody,
    PollBody,
    ReceiptBody,
    RowsChunk,
)
from protocol.messages.evaluations import EvaluateBody
from protocol.messages.statement import Context, Stamp, Statement, make_statement
from protocol.signing import SecretSeed
from protocol.wire import Message, encode_wire, parse_wire
from tests.sim.federation import AMIRA, DUTY, SAMIR, SimFederation, SimNode, row

Agencies = tuple[SimNode, SimNode]


def message(envelope: bytes, sealed: bytes | None = None) -> Message:
    """A statement on its way in."""
    return Message(
        envelope=to_base64(envelope),
        sealed=to_base64(sealed) if sealed is not None else None,
        proof=None,
    )


async def refused(intake: Intake, envelope: bytes) -> ErrorCode:
    """The code with which the hub refuses a statement."""
    with pytest.raises(RemoteError) as caught:
        await intake.submit(message(envelope))
    return caught.value.code


def receipt() -> ReceiptBody:
    """A receipt for nothing, well formed."""
    return ReceiptBody(request_id="11" * 16, release="22" * 32, sealed_hash="33" * 32)


class TestStatements:
    async def test_a_statement_nobody_signed_properly_is_refused_and_not_logged(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        intake = federation.services.intake
        entries = await federation.hub_read(lambda tables: tables.log.next_index())
        good = health.membership.sign(receipt(), care.party_id)
        wrong_key = sign("receipt", good.envelope.payload, SecretSeed(b"k" * 32)).encode()
        assert await refused(intake, wrong_key) is ErrorCode.BAD_SIGNATURE
        auth_key = sign("receipt", good.envelope.payload, health.membership.keys.auth).encode()
        assert await refused(intake, auth_key) is ErrorCode.BAD_SIGNATURE, "one key for one use"
        stranger = await _statement_by(federation, "ab" * 16, SecretSeed(b"s" * 32))
        assert await refused(intake, stranger) is ErrorCode.UNKNOWN_MEMBER
        assert await federation.hub_read(lambda tables: tables.log.next_index()) == entries

    @pytest.mark.parametrize(
        ("edit", "code"),
        [
            (lambda e: e[:-1], ErrorCode.MALFORMED),
            (lambda e: b" " + e, ErrorCode.NOT_CANONICAL),
            (lambda e: e + bytes(20_000), ErrorCode.TOO_LARGE),
            (lambda e: e.replace(b'{"payload":', b'{"a":1,"payload":'), ErrorCode.MALFORMED),
            (lambda e: e.replace(b'"payload":', b'"payload":"","payload":'), ErrorCode.MALFORMED),
            (lambda e: b"", ErrorCode.MALFORMED),
            (lambda e: b"\xff\xfe", ErrorCode.MALFORMED),
        ],
        ids=["cut", "space", "huge", "unknown field", "duplicate key", "empty", "not utf-8"],
    )
    async def test_bytes_that_are_no_statement(
        self,
        federation: SimFederation,
        agencies: Agencies,
        edit: Callable[[bytes], bytes],
        code: ErrorCode,
    ) -> None:
        health, care = agencies
        envelope = health.membership.sign(receipt(), care.party_id).envelope.encode()
        assert await refused(federation.services.intake, edit(envelope)) is code

    async def test_an_unknown_field_inside_a_signed_body(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        payload = json.loads(health.membership.sign(receipt(), care.party_id).envelope.payload)
        payload["body"]["note"] = "x"
        signed = sign("receipt", canonical.encode(payload), health.membership.keys.sign)
        code = await refused(federation.services.intake, signed.encode())
        assert code is ErrorCode.UNKNOWN_FIELD

    @pytest.mark.parametrize(
        ("age", "code"),
        [(301, ErrorCode.EXPIRED), (-301, ErrorCode.EXPIRED)],
        ids=["old", "from the future"],
    )
    async def test_a_signed_statement_out_of_time_is_refused_and_that_is_logged(
        self, federation: SimFederation, agencies: Agencies, age: int, code: ErrorCode
    ) -> None:
        health, care = agencies
        statement = health.membership.sign(receipt(), care.party_id)
        federation.clock.now += age
        envelope = statement.envelope.encode()
        assert await refused(federation.services.intake, envelope) is code
        rejections = await federation.entries("rejection")
        body = json.loads(_payload(rejections))
        assert body["body"] == {"code": "expired", "kind": "receipt", "statement": statement.id}

    async def test_a_replayed_statement_is_answered_again_and_logged_once(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        _, care = agencies
        await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
        (request,) = await federation.entries("request")
        sealed = (await care.outbox())[-1]["sealed"]
        again = await federation.services.intake.submit(message(request["envelope"], sealed))
        assert again.decision is not None
        assert len(await federation.entries("request")) == 1

    async def test_a_nonce_used_twice_is_refused(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        charter = health.membership.charter
        (first, *_) = await federation.entries("charter_accept")
        nonce = json.loads(from_base64(json.loads(first["envelope"])["payload"]))["nonce"]
        body = CharterAcceptBody(version=1, document_hash=charter.document_hash)
        context = Context(charter.charter_id, 1, charter.log.origin, health.party_id)
        stamp = Stamp(charter.charter_id, nonce, federation.clock() + 1)
        again = make_statement(context, stamp, body, health.membership.keys.sign)
        code = await refused(federation.services.intake, again.envelope.encode())
        assert code is ErrorCode.REPLAYED

    async def test_a_statement_for_another_federation_or_recipient(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        charter = health.membership.charter
        accept = CharterAcceptBody(version=1, document_hash=charter.document_hash)
        elsewhere = health.membership.sign(accept, care.party_id)
        code = await refused(federation.services.intake, elsewhere.envelope.encode())
        assert code is ErrorCode.WRONG_RECIPIENT
        context = Context("cd" * 16, 1, charter.log.origin, health.party_id)
        stamp = Stamp("cd" * 16, "ef" * 16, federation.clock())
        other = make_statement(context, stamp, accept, health.membership.keys.sign)
        code = await refused(federation.services.intake, other.envelope.encode())
        assert code is ErrorCode.WRONG_CHARTER

    async def test_a_member_cannot_write_what_only_the_hub_writes(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        body = MatchRoundBody(round=9, items_root="00" * 32, count=0)
        statement = health.membership.sign(body, health.membership.hub.hub_id)
        code = await refused(federation.services.intake, statement.envelope.encode())
        assert code is ErrorCode.UNKNOWN_KIND

    async def test_a_request_retargeted_to_another_agency_is_not_available(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """The same answer as for a link that does not exist."""
        health, care = agencies
        charity = await federation.join("Charity", "charity")
        involvement = (await care.team("c1")).others[0].involvement_id
        await care.write(
            lambda tables: tables.tx.run("UPDATE link SET agency_id = ?", charity.party_id)
        )
        retargeted = await care.sent(await care.ask("c1", involvement))
        await care.write(
            lambda tables: tables.tx.run(
                "UPDATE link SET agency_id = ?, link_id = ?", health.party_id, "ab" * 16
            )
        )
        unknown = await care.sent(await care.ask("c1", involvement))
        answers = {(item["code"], item["field"]) for item in (retargeted, unknown)}
        assert answers == {("not_available", None)}

    async def test_only_an_auditor_may_export(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        from protocol.messages.bodies import ExportBody

        health, _ = agencies
        statement = health.membership.sign(
            ExportBody(start=0, end=10), health.membership.hub.hub_id
        )
        with pytest.raises(RemoteError) as caught:
            await federation.services.intake.accept_export(message(statement.envelope.encode()))
        assert caught.value.code is ErrorCode.NOT_ALLOWED


class TestEnrolment:
    async def test_an_invitation_works_once_and_not_for_ever(
        self, federation: SimFederation
    ) -> None:
        once = await federation.invite(b"o" * 32)
        joining, engine = federation.joining("First", "charity")
        await joining.apply(engine, once)
        await engine.close()
        late = await federation.invite(b"l" * 32)
        unknown = late.model_copy(update={"code": "00" * 32})
        for name, invitation, wait in (
            ("Second", once, 0),
            ("Guesser", unknown, 0),
            ("Late", late, 7200),
        ):
            federation.clock.now += wait
            joining, engine = federation.joining(name, "charity")
            with pytest.raises(RemoteError) as caught:
                await joining.apply(engine, invitation)
            assert caught.value.code is ErrorCode.INVITATION
            await engine.close()
        waiting = ApplicantState.WAITING
        rows = await federation.hub_read(lambda tables: tables.members.applicants(waiting))
        assert len(rows) == 1

    async def test_small_order_and_shared_keys_cannot_enrol(
        self, federation: SimFederation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from node.membership.keys import Keys

        real = Keys.record

        def weak(self: Keys, seal_expires: int, recovery_hash: str) -> Any:
            record = real(self, seal_expires, recovery_hash)
            return record.model_copy(update={"auth": "01" + "00" * 31})

        monkeypatch.setattr(Keys, "record", weak)
        with pytest.raises(RemoteError) as caught:
            await federation.join("Weak", "charity")
        assert caught.value.code is ErrorCode.WEAK_KEY

        def shared(self: Keys, seal_expires: int, recovery_hash: str) -> Any:
            record = real(self, seal_expires, recovery_hash)
            return record.model_copy(update={"auth": record.sign})

        monkeypatch.setattr(Keys, "record", shared)
        with pytest.raises(RemoteError) as caught:
            await federation.join("Shared", "charity")
        assert caught.value.code is ErrorCode.WEAK_KEY


class TestPublications:
    async def _stubs(self, federation: SimFederation) -> int:
        rows = await federation.hub_read(lambda t: t.tx.rows("SELECT 1 FROM stub"))
        return len(rows)

    async def test_an_upload_that_stops_half_way_changes_nothing_and_is_resumed(
        self, federation: SimFederation
    ) -> None:
        node = await federation.join("Health visiting", "health_provider")
        await node.take_in(row("h1", AMIRA, "health_visiting", DUTY))

        def lost(_: bytes) -> bytes:
            raise RemoteError(ErrorCode.UNREACHABLE, "cut off")

        federation.network.tamper["/v1/publications$"] = lost
        with pytest.raises(RemoteError):
            await node.publish()
        assert await self._stubs(federation) == 0
        federation.network.tamper.clear()
        await node.publish()
        assert await self._stubs(federation) == 1
        assert len(await federation.entries("publication")) == 1

    async def test_a_chunk_that_no_manifest_names_is_refused(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        del agencies
        with pytest.raises(RemoteError) as caught:
            await federation.services.intake.add_chunk("00" * 32, b"{}")
        assert caught.value.code is ErrorCode.NOT_FOUND

    async def test_a_publication_over_a_safety_limit_is_refused_whole(
        self, federation: SimFederation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        node = await federation.join("Health visiting", "health_provider")
        await node.take_in(
            row("h1", AMIRA, "health_visiting", DUTY), row("h2", SAMIR, "health_visiting", DUTY)
        )
        import node.publishing.drafts as drafting
        from protocol.matchkeys.recipes import match_keys as real

        def greedy(record: Any, keys: Any) -> Any:
            found = dict(real(record, keys))
            found["name_dob.1"] = tuple(f"guess {n}" for n in range(3))
            return found

        monkeypatch.setattr(drafting, "match_keys", greedy)
        await node.membership.sync()
        charter = node.membership.charter.model_copy()  # the node's own, and not the hub's
        caps = {key: replace(weights, cap=16) for key, weights in charter.policy.keys.items()}
        charter.__dict__["policy"] = replace(charter.policy, keys=caps)
        monkeypatch.setattr(HubMembership, "charter", charter)
        with pytest.raises(RemoteError) as caught:
            await node.publish()
        assert caught.value.code is ErrorCode.OVER_LIMIT
        assert await self._stubs(federation) == 0
        assert len(await federation.entries("rejection")) == 1

    async def test_tokens_that_are_not_the_ones_committed_to(
        self, federation: SimFederation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        node = await federation.join("Health visiting", "health_provider")
        await node.take_in(row("h1", AMIRA, "health_visiting", DUTY))
        import node.publishing.drafts as drafting

        monkeypatch.setattr(drafting, "commit_encoded", lambda salt, value: "00" * 32)
        with pytest.raises(RemoteError) as caught:
            await node.publish()
        assert caught.value.code is ErrorCode.BAD_PROOF
        assert await self._stubs(federation) == 0

    async def test_a_stub_of_another_agency_cannot_be_taken_over(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        stolen = await health.read(lambda tables: tables.tx.one("SELECT stub_id FROM stub"))
        assert stolen is not None
        await care.write(
            lambda tables: tables.tx.run(
                "UPDATE stub SET stub_id = ?, published_hash = ''", stolen["stub_id"]
            )
        )
        with pytest.raises(RemoteError) as caught:
            await care.publish()
        assert caught.value.code is ErrorCode.CONFLICT
        assert (await health.team("h1")).others, "the link still stands"

    async def test_without_permission_nothing_is_published(self, federation: SimFederation) -> None:
        node = await federation.join("Health visiting", "health_provider")
        await node.take_in(row("h1", AMIRA, "health_visiting", None))
        report = await node.publish()
        assert (report.changed, report.without_permission, report.evaluated) == (0, 1, 0)
        assert await self._stubs(federation) == 0

    async def test_name_tables_other_than_the_charters_stop_a_node(
        self, federation: SimFederation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import node.membership.hub

        node_ = await federation.join("Health visiting", "health_provider")
        monkeypatch.setattr(node.membership.hub, "table_hashes", lambda: {"names": "00" * 32})
        with pytest.raises(Exception, match="name tables"):
            await node_.publish()


class TestPolling:
    async def test_a_replayed_poll_is_refused(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        poll = self._poll(health, "aa" * 16)
        await federation.services.mailbox.poll(poll)
        with pytest.raises(RemoteError) as caught:
            await federation.services.mailbox.poll(poll)
        assert caught.value.code is ErrorCode.REPLAYED

    async def test_two_copies_of_a_node_are_an_alarm(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        mailbox = federation.services.mailbox
        async with federation.polling(mailbox.poll(self._poll(health, "aa" * 16, wait=60))):
            with pytest.raises(RemoteError) as caught:
                await mailbox.poll(self._poll(health, "bb" * 16))
        assert caught.value.code is ErrorCode.SECOND_INSTANCE
        await mailbox.poll(self._poll(health, "bb" * 16))

    async def test_nobody_reads_another_agencys_mail(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        body = PollBody(generation=None, cursor=0, wait=0, instance="aa" * 16)
        charter = health.membership.charter
        context = Context(charter.charter_id, 1, charter.log.origin, health.party_id)
        stamp = Stamp(charter.charter_id, "ee" * 16, federation.clock())
        forged = make_statement(context, stamp, body, care.membership.keys.auth)
        with pytest.raises(RemoteError) as caught:
            await federation.services.mailbox.poll(message(forged.envelope.encode()))
        assert caught.value.code is ErrorCode.BAD_SIGNATURE

    async def test_acknowledging_beyond_what_was_delivered_deletes_nothing(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
        generation = health.membership.hub.generation
        body = PollBody(generation=generation, cursor=10_000, wait=0, instance="aa" * 16)
        statement = health.membership.sign(body, health.membership.hub.hub_id)
        await federation.services.mailbox.poll(message(statement.envelope.encode()))
        await federation.checkpoint()
        assert await health.service.receive(wait=0) == 2, "request and hub decision still come"

    def _poll(self, node: SimNode, instance: str, wait: int = 0) -> Message:
        hub = node.membership.hub
        body = PollBody(generation=hub.generation, cursor=hub.cursor, wait=wait, instance=instance)
        statement = node.membership.sign(body, hub.hub_id)
        return message(statement.envelope.encode())


class TestKeyHolders:
    async def _answer(self, federation: SimFederation, data: bytes) -> bytes:
        return await federation.network.holders["https://holder-1.example"].answer(data)

    def _request(self, node: SimNode, points: bytes, **change: Any) -> bytes:
        import hashlib

        values = {
            "epoch": 1,
            "quorum": [1, 2],
            "count": len(points) // 32,
            "points_hash": hashlib.sha256(points).hexdigest(),
        }
        holder = node.membership.charter.token_key.holders[0].holder_id
        statement = node.membership.sign(EvaluateBody(**{**values, **change}), holder)
        return self._framed(statement, points)

    def _framed(self, statement: Statement[EvaluateBody], points: bytes) -> bytes:
        envelope = statement.envelope.encode()
        return len(envelope).to_bytes(4, "big") + envelope + points

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"quorum": [2, 3]}, ErrorCode.WRONG_RECIPIENT),
            ({"quorum": [1, 1]}, ErrorCode.MALFORMED),
            ({"quorum": [1]}, ErrorCode.MALFORMED),
            ({"epoch": 2}, ErrorCode.WRONG_CHARTER),
            ({"count": 7}, ErrorCode.MALFORMED),
            ({"points_hash": "00" * 32}, ErrorCode.MALFORMED),
        ],
    )
    async def test_requests_that_do_not_fit_are_refused_and_cost_nothing(
        self,
        federation: SimFederation,
        agencies: Agencies,
        change: dict[str, Any],
        code: ErrorCode,
    ) -> None:
        point = default_group().multiply_base(5)
        with pytest.raises(RemoteError) as caught:
            await self._answer(federation, self._request(agencies[0], point, **change))
        assert caught.value.code is code

    @pytest.mark.parametrize(
        "point",
        [bytes(32), b"\xff" * 32, bytes(31) + b"\x80", b"\x01" + bytes(31)],
        ids=["identity", "not canonical", "identity with a top bit", "not on the curve"],
    )
    async def test_points_that_are_none(
        self, federation: SimFederation, agencies: Agencies, point: bytes
    ) -> None:
        with pytest.raises(RemoteError) as caught:
            await self._answer(federation, self._request(agencies[0], point))
        assert caught.value.code is ErrorCode.BAD_POINT

    async def test_a_replayed_request_is_refused(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        request = self._request(agencies[0], pack_points([default_group().multiply_base(5)]))
        await self._answer(federation, request)
        with pytest.raises(RemoteError) as caught:
            await self._answer(federation, request)
        assert caught.value.code is ErrorCode.REPLAYED

    async def test_what_is_evaluated_is_counted_in_the_log(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        federation.clock.now += 86_400
        holder = federation.network.holders["https://holder-1.example"]
        assert await holder.report(federation.network) == 1  # type: ignore[arg-type]
        assert await holder.report(federation.network) == 0, "each day is reported once"  # type: ignore[arg-type]
        (entry,) = await federation.entries("evaluation_count")
        counts = json.loads(from_base64(json.loads(entry["envelope"])["payload"]))["body"]["counts"]
        assert {item["party_id"] for item in counts} == {node.party_id for node in agencies}
        assert all(item["evaluations"] > 0 for item in counts)

    async def test_a_request_cut_short(self, federation: SimFederation) -> None:
        for data in (b"", b"\x00\x00", b"\xff\xff\xff\xff", b"\x00\x00\x00\x02{}"):
            with pytest.raises(RemoteError):
                await self._answer(federation, data)


def test_a_chunk_of_another_shape_is_refused() -> None:
    for data in (b"[]", b"{}", b'{"rows":[]}', encode_wire(message(b"x"))):
        with pytest.raises(RemoteError):
            parse_wire(RowsChunk, data)


def _payload(rows: list[Any]) -> bytes:
    return from_base64(json.loads(rows[-1]["envelope"])["payload"])


async def _statement_by(federation: SimFederation, party_id: str, seed: SecretSeed) -> bytes:
    charter = await federation.charter()
    context = Context(charter.charter_id, 1, charter.log.origin, party_id)
    stamp = Stamp(charter.charter_id, "99" * 16, federation.clock())
    return make_statement(context, stamp, receipt(), seed).envelope.encode()


async def test_an_agency_that_has_not_signed_the_agreement_publishes_nothing(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from node.membership.joining import Joining

    async def never(self: Joining, federation: Any) -> None:
        del self, federation

    monkeypatch.setattr(Joining, "accept_charter", never)
    monkeypatch.setattr(HubMembership, "check_bound", lambda self: None)
    node = await federation.join("Hasty", "health_provider")
    await node.take_in(row("h1", AMIRA, "health_visiting", DUTY))
    with pytest.raises(RemoteError, match="accepted the charter") as caught:
        await node.publish()
    assert caught.value.code is ErrorCode.NOT_READY


async def test_nothing_is_sealed_to_a_key_that_has_expired(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    federation.clock.now += 400 * 86_400
    with pytest.raises(RemoteError, match="seal key has expired"):
        await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
