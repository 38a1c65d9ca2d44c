"""Attacks on the request log, carried out by a hub that was tampered with, and who catches them.

Each scenario is a row of the README's table of attacks; the rows that are not here are scenarios of
the modules that the table names. The hub is the real one with one thing changed: it holds its real
keys, and can do what a dishonest operator could.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

import hub.exchange.requests
from audit.case.case import Case
from audit.findings import FindingCode as Code
from audit.findings import Severity
from audit.report.figures import audit_case
from audit.report.report_page import to_html
from hub.store.mailboxes import Post
from hub.store.tables import HubTables
from node.views import inbox as screens
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import to_base64
from protocol.log.leaf import NO_SALT, sealed_leaf, verify_sealed
from protocol.messages.bodies import DecisionBody, EnrolmentBody, MemberBody
from protocol.messages.statement import Context, Stamp, Statement, make_statement, parse_statement
from protocol.requests.decide import Allow
from protocol.signing import SecretSeed, verify_ed25519
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_audit_people import audited

Agencies = tuple[SimNode, SimNode]
HOUR = 3600
NEUTRAL = bytes([1]) + bytes(31)
BASE_POINT = bytes.fromhex("58" + "66" * 31)


async def asked(federation: SimFederation, agencies: Agencies, **change: Any) -> str:
    """A request by social care that waits for a person at health visiting."""
    _, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id, **change)
    await federation.settle()
    return request_id


async def brokered(federation: SimFederation, agencies: Agencies) -> str:
    """A request that went all the way to an opened card."""
    request_id = await asked(federation, agencies)
    await agencies[0].answer(request_id)
    await federation.settle()
    assert (await agencies[1].sent(request_id))["state"] == "opened"
    return request_id


async def tamper(federation: SimFederation, work: Callable[[HubTables], object]) -> None:
    """What the operator does to the hub's own database."""
    await federation.hub_write(work)


def codes(found: set[tuple[Severity, Code]]) -> set[Code]:
    return {code for _, code in found}


async def alarms(agency: SimNode) -> list[str]:
    """The codes of the alarms in the agency's inbox."""
    value = await agency.read(lambda tables: screens.inbox_value(tables, agency.membership))
    return [alarm["code"] for alarm in value["alarms"]]


class TestReordering:
    """late insertion, reorder: hash chain request -> decision -> release; rising indexes."""

    async def test_a_decision_before_its_request_is_seen_by_asker_and_auditor(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        _, care = agencies
        await care.ask("c1", (await care.team("c1")).others[0].involvement_id)

        def swap(tables: HubTables) -> None:
            (first,) = tables.tx.rows("SELECT idx FROM entry WHERE kind = 'request'")
            (second,) = tables.tx.rows("SELECT idx FROM entry WHERE kind = 'hub_decision'")
            assert second["idx"] == first["idx"] + 1
            moves = ((-1, first["idx"]), (first["idx"], second["idx"]), (second["idx"], -1))
            for move in moves:
                tables.tx.run("UPDATE entry SET idx = ? WHERE idx = ?", *move)
                tables.tx.run("UPDATE payload SET idx = ? WHERE idx = ?", *move)

        await federation.services.engine.write(lambda tables: _unchecked(tables, swap))
        await federation.settle()
        assert set(await alarms(care)) == {"not_in_log"}, (
            "it is not where the hub promised it to be"
        )
        assert Code.CHAIN_BROKEN in codes(await audited(federation))

    async def test_what_is_slipped_in_after_the_fact_cannot_be_named_by_what_came_before(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """A second decision, properly signed by the holder, for a request that has its card."""
        health, care = agencies
        request_id = await brokered(federation, agencies)
        received = await health.received(request_id)
        body = DecisionBody(
            request=received["statement_id"],
            request_id=request_id,
            hub_decision=received["hub_decision"],
            outcome="refuse",
            code="objection",
            decided_by=None,
            facts_commitment="00" * 32,
        )
        late = health.membership.sign(body, care.party_id)
        await tamper(federation, lambda tables: federation.ledger(tables).append(late))
        assert Code.CHAIN_BROKEN in codes(await audited(federation))


class TestBackDating:
    """back-dating: `iat` against witness time bounds."""

    async def test_a_hub_that_dates_its_decision_back_is_seen_by_kept_checkpoints(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        federation.clock.now += 6 * HOUR
        await federation.round()
        kept = [federation.services.publisher.tiles.read_checkpoint()]
        honest, env = federation.hub.jobs.signer, federation.hub.env
        earlier = replace(env, clock=lambda: env.clock() - 5 * HOUR)
        federation.hub.jobs.signer = replace(honest, env=earlier)
        await federation.hub.jobs.round()  # dated five hours before the entry before it
        federation.hub.jobs.signer = honest
        await federation.settle()
        kept.append(federation.services.publisher.tiles.read_checkpoint())
        assert await audited(federation) == set(), "in itself the log is in order"
        notes = federation.folder / "kept"
        notes.mkdir()
        for number, note in enumerate(kept):
            assert note is not None
            (notes / str(number)).write_bytes(note)
        report = audit_case(Case(federation.folder / "case"), None, [notes]).report
        assert {item.code for item in report.findings} == {Code.BACK_DATED}


class TestWeakKeys:
    """weak (small-order) key: refused at enrolment, by PyNaCl and by the auditor."""

    def test_one_forged_signature_would_fit_any_message_and_is_refused(self) -> None:
        forged = BASE_POINT + (1).to_bytes(32, "little")  # 1 * B = B + h * 0, whatever h is
        other = Ed25519PublicKey.from_public_bytes(NEUTRAL)
        for message in (b"allow", b"refuse"):
            other.verify(forged, message)  # OpenSSL takes it
            with pytest.raises(RemoteError):
                verify_ed25519(NEUTRAL, message, forged)
            with pytest.raises(BadSignatureError):
                VerifyKey(NEUTRAL).verify(message, forged)

    async def test_a_hub_that_admits_one_all_the_same_is_not_followed_and_named(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        charter = health.membership.charter
        keys = health.membership.me().body.keys.model_copy(update={"sign": NEUTRAL.hex()})
        fields = health.membership.me().body.model_dump(exclude={"enrolment", "status", "keys"})
        enrolment = EnrolmentBody.model_validate(
            {
                **fields,
                "party_id": "77" * 16,
                "keys": keys.model_dump(),
                "invitation_hash": "00" * 32,
            }
        )
        context = Context(charter.charter_id, 1, charter.log.origin, "77" * 16)
        stamp = Stamp(charter.charter_id, "77" * 16, federation.clock())
        applied = make_statement(context, stamp, enrolment, SecretSeed(b"\x07" * 32))
        body = MemberBody.model_validate(
            {
                **fields,
                "party_id": "77" * 16,
                "keys": keys.model_dump(),
                "status": "active",
                "enrolment": to_base64(applied.envelope.encode()),
            }
        )
        before = health.membership.view.size
        await tamper(
            federation,
            lambda tables: federation.slip_in(
                tables, federation.ledger(tables).sign(body, "77" * 16)
            ),
        )
        with pytest.raises(RemoteError) as caught:
            await federation.checkpoint()
        assert caught.value.code is ErrorCode.WEAK_KEY, "key holders go no further"
        with pytest.raises(RemoteError) as caught:
            await health.membership.sync()
        assert caught.value.code is ErrorCode.WEAK_KEY
        assert health.membership.view.size == before
        holders, federation.network.holders = federation.network.holders, {}
        assert (Severity.BROKEN, Code.PUBLIC_LEAF) in await audited(federation)
        federation.network.holders = holders


class TestForgedDecisions:
    """forged or swapped decision: holder's key at index; request hash inside."""

    async def forged(
        self, federation: SimFederation, agencies: Agencies, seed: SecretSeed
    ) -> Statement[DecisionBody]:
        health, care = agencies
        request_id = await asked(federation, agencies)
        received = await health.received(request_id)
        charter = health.membership.charter
        body = DecisionBody(
            request=received["statement_id"],
            request_id=request_id,
            hub_decision=received["hub_decision"],
            outcome="allow",
            code=None,
            decided_by="99" * 16,
            facts_commitment="00" * 32,
        )
        context = Context(charter.charter_id, 1, charter.log.origin, health.party_id)
        stamp = Stamp(care.party_id, "98" * 16, federation.clock())
        return make_statement(context, stamp, body, seed)

    async def test_one_that_the_holder_did_not_sign_is_believed_by_nobody(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        _, care = agencies
        statement = await self.forged(federation, agencies, SecretSeed(b"\x55" * 32))

        def slip_in(tables: HubTables) -> None:
            logged = federation.ledger(tables).append(statement)
            post = Post(care.party_id, statement.envelope.encode(), logged)
            tables.mailboxes.post([post])

        await tamper(federation, slip_in)
        await federation.settle()
        assert (await care.sent(statement.body.request_id))["state"] == "waiting"
        assert Code.BAD_SIGNATURE in codes(await audited(federation))

    async def test_a_true_one_about_another_request_answers_nothing(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        first = await asked(federation, agencies)
        second = await asked(federation, agencies)
        await health.answer(first)
        (entry,) = await federation.entries("decision")
        swapped = parse_statement(entry["envelope"]).expect(DecisionBody)
        assert swapped.body.request_id == first

        def deliver_again(tables: HubTables) -> None:
            logged = tables.log.logged(swapped.id)
            envelope = swapped.envelope.encode()
            tables.mailboxes.post([Post(care.party_id, envelope, logged)])
            tables.tx.run("UPDATE request SET outcome = 'allow' WHERE request_id = ?", second)

        await tamper(federation, deliver_again)
        await federation.settle()
        assert (await care.sent(first))["state"] == "opened"
        assert (await care.sent(second))["state"] == "waiting"


class TestReplay:
    """replay: request id and nonce unique; duplicate scan."""

    async def test_a_request_that_the_hub_logs_twice_is_found(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        await brokered(federation, agencies)

        def again(tables: HubTables) -> None:
            row = tables.tx.one(
                "SELECT e.*, p.salt, p.envelope FROM entry e JOIN payload p USING (idx) "
                "WHERE e.kind = 'request'"
            )
            assert row is not None
            index = tables.log.next_index()
            entry = (index, row["leaf"], "f" * 64, "request", row["sender"], "f" * 32,
                     row["iat"], row["received_at"])  # fmt: skip
            tables.tx.run("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *entry)
            tables.tx.run(
                "INSERT INTO payload VALUES (?, ?, ?)", index, row["salt"], row["envelope"]
            )

        await tamper(federation, again)
        found = codes(await audited(federation))
        assert {Code.REUSED_NONCE, Code.REQUEST_ID_REUSED} <= found


class TestPayloads:
    """payload swapped afterwards: salted commitment. Guessing one: the 32-byte salt."""

    async def test_another_envelope_under_the_old_leaf_is_proof_of_tampering(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        """The hub signs its decision anew, as if it had refused."""
        await brokered(federation, agencies)
        (entry,) = await federation.entries("hub_decision")
        old = parse_statement(entry["envelope"])
        body = old.body.model_copy(update={"outcome": "refuse", "code": "not_available"})
        signed = await federation.hub_read(
            lambda tables: federation.ledger(tables).sign(body, old.preamble.aud)
        )
        new = signed.envelope.encode()
        sql = "UPDATE payload SET envelope = ? WHERE idx = ?"
        await tamper(federation, lambda tables: tables.tx.run(sql, new, entry["idx"]))
        assert (Severity.BROKEN, Code.PAYLOAD_DIFFERS) in await audited(federation)

    async def test_who_knows_the_very_message_cannot_find_its_leaf(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        await brokered(federation, agencies)
        sql = "SELECT e.idx, e.leaf, p.salt, p.envelope FROM entry e JOIN payload p USING (idx)"
        rows = await federation.hub_read(
            lambda tables: tables.tx.rows(f"{sql} WHERE kind = 'request'")
        )
        (request,) = rows
        public = {row["leaf"] for row in await federation.hub_read(lambda t: t.tx.rows(sql))}
        envelope = request["envelope"]
        guesses = {
            b"\x01\x01" + hashlib.sha256(prefix + envelope).digest()
            for prefix in (b"", b"patchwork.leaf.v1\n")
        }
        guesses |= {
            sealed_leaf(salt, envelope)
            for salt in (NO_SALT, *(hashlib.sha256(b"%d" % i).digest() for i in range(1000)))
        }
        assert not guesses & public
        verify_sealed(request["leaf"], request["salt"], envelope)  # the salt is all that is missing
        salts = [row["salt"] for row in await federation.hub_read(lambda t: t.tx.rows(sql))]
        sealed = [salt for salt in salts if salt != NO_SALT]
        assert len(set(sealed)) == len(sealed) > 5


class TestWrongCodes:
    """forged consent, wrong code: re-decision by the auditor; per-agency code mix in the report."""

    async def test_a_hub_that_lets_a_friend_ask_without_a_basis_is_overruled(
        self, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(hub.exchange.requests, "decide_hub", lambda *_: Allow())
            await asked(federation, agencies, facts={"informed": "informed"})
        found = await audited(federation)
        assert (Severity.RULE, Code.DECISION_DIFFERS) in found

    async def test_an_agency_that_claims_consent_for_everything_stands_out(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        for _ in range(4):
            await asked(federation, agencies)
        health, _ = agencies
        await health.agree("h1")
        involvement = (await health.team("h1")).others[0].involvement_id
        claim = {"role": "health_visitor", "basis": "UK-CONSENT", "purpose": "early_help"}
        for _ in range(4):
            await health.ask("h1", involvement, facts={}, **claim)
        await audited(federation)
        page = to_html(audit_case(Case(federation.folder / "case"), None, []), federation.clock())
        cells = re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", page[page.index('id="mix"') :])[6:]
        assert cells[:6] == ["Health visiting", "UK-CONSENT", "4", "100%", "50%", "look at this"]


def _unchecked(tables: HubTables, work: Callable[[HubTables], None]) -> None:
    """Order of rows is checked at the end alone, for what no honest hub does."""
    tables.tx.run("PRAGMA defer_foreign_keys = ON")
    work(tables)
