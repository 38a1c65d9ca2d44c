"""Somebody cheats, in one line, and is caught by somebody else."""

import json
from typing import Any

import pytest

from protocol import canonical
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.note import NoteSigner, SignatureType
from protocol.log.tiles import encode_entry_bundle, parse_entry_bundle
from protocol.log.witness import encode_add_checkpoint
from protocol.messages.bodies import DecisionBody
from protocol.signing import SecretSeed
from runtime.secrets import read_secrets
from tests.sim.federation import ORIGIN, SimFederation, SimNode

Agencies = tuple[SimNode, SimNode]


def flip(place: int) -> Any:
    """An edit: one bit of one byte."""

    def change(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[place] ^= 1
        return bytes(changed)

    return change


def in_mail(change: Any) -> Any:
    """An edit of every delivery in a mailbag."""

    def edit(data: bytes) -> bytes:
        bag = json.loads(data)
        bag["deliveries"] = [change(dict(item)) for item in bag["deliveries"]]
        return canonical.encode(bag)

    return edit


async def asked(federation: SimFederation, agencies: Agencies) -> str:
    """A request from social care that waits for a person at health visiting."""
    _, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    return request_id


class TestTheLog:
    async def test_a_changed_entry_does_not_give_the_signed_root(
        self, federation: SimFederation
    ) -> None:
        federation.network.tamper["/tile/entries/"] = flip(-1)
        with pytest.raises(RemoteError) as caught:
            await federation.join("Health visiting", "health_provider")
        assert caught.value.code in {ErrorCode.BAD_TREE, ErrorCode.MALFORMED}

    async def test_a_reordered_log_is_noticed(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        await federation.hub.jobs.round()
        await federation.hub.jobs.round()
        await federation.checkpoint()
        known = health.membership.view.size

        def swap(data: bytes) -> bytes:
            width = len(_entries(data))
            entries = list(parse_entry_bundle(data, width))
            entries[known], entries[known + 1] = entries[known + 1], entries[known]
            return encode_entry_bundle(entries)

        federation.network.tamper["/tile/entries/"] = swap
        with pytest.raises(RemoteError) as caught:
            await health.membership.sync()
        assert caught.value.code is ErrorCode.BAD_TREE
        assert health.membership.view.size == known, "the old view is kept"

    async def test_a_checkpoint_that_the_witnesses_did_not_see_is_not_followed(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        seed = SecretSeed(read_secrets(federation.folder / "hub" / "keys.json")["log"])
        signer = NoteSigner(ORIGIN, SignatureType.ED25519, seed)
        size = health.membership.view.size
        forged = sign_checkpoint(Checkpoint(ORIGIN, size + 1, bytes(32)), signer).encode()
        federation.network.tamper["/checkpoint"] = lambda _: forged
        with pytest.raises(RemoteError) as caught:
            await health.membership.sync()
        assert caught.value.code is ErrorCode.NO_QUORUM

    async def test_a_log_that_was_rolled_back_is_refused(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        old = federation.services.publisher.tiles.read_checkpoint()
        assert old is not None
        await federation.hub.jobs.round()
        await federation.checkpoint()
        await health.membership.sync()
        federation.network.tamper["/checkpoint"] = lambda _: old
        with pytest.raises(RemoteError) as caught:
            await health.membership.sync()
        assert caught.value.code is ErrorCode.BAD_TREE

    async def test_witnesses_refuse_to_cosign_a_second_history(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        del agencies
        size = await federation.hub_read(lambda tables: tables.checkpoints.head()[0])
        seed = SecretSeed(read_secrets(federation.folder / "hub" / "keys.json")["log"])
        signer = NoteSigner(ORIGIN, SignatureType.ED25519, seed)
        for new_size, proof in ((size, ()), (size + 1, (bytes(32),) * 4)):
            other = sign_checkpoint(Checkpoint(ORIGIN, new_size, b"x" * 32), signer).encode()
            for witness in federation.network.witnesses.values():
                status, body = witness.add_checkpoint(encode_add_checkpoint(size, proof, other))
                assert status == 422
                assert b"cosignature" not in body

    async def test_another_genesis_is_another_federation(self, federation: SimFederation) -> None:
        federation.genesis = "00" * 32
        with pytest.raises(RemoteError) as caught:
            await federation.join("Health visiting", "health_provider")
        assert caught.value.code is ErrorCode.BAD_TREE


class TestTheKeyHolders:
    @pytest.mark.parametrize("place", [0, 40, 64, -1])
    async def test_a_cheating_holder_is_named_and_nothing_is_published(
        self, federation: SimFederation, agencies: Agencies, place: int
    ) -> None:
        health, _ = agencies
        await health.forget_tokens()
        federation.network.tamper["holder-2.example"] = flip(place)
        with pytest.raises(RemoteError, match="holder 2") as caught:
            await health.publish()
        assert caught.value.code is ErrorCode.BAD_PROOF

    async def test_an_absent_holder_is_replaced_and_the_tokens_are_the_same(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        tokens = "SELECT COUNT(DISTINCT input_digest) AS n FROM token_cache"
        before = await health.read(lambda tables: tables.tx.one(tokens))
        await health.forget_tokens()
        del federation.network.holders["https://holder-1.example"]
        assert (await health.publish()).evaluated == (before or {})["n"]
        await federation.round()
        assert (await agencies[1].team("c1")).others, "the link stands on the same tokens"

    async def test_fewer_than_the_threshold_evaluate_nothing(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, _ = agencies
        await health.forget_tokens()
        for number in (1, 3):
            del federation.network.holders[f"https://holder-{number}.example"]
        with pytest.raises(RemoteError, match="fewer than 2 key holders"):
            await health.publish()


class TestTheHub:
    async def test_an_invented_link_gets_no_card(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        twin = await health.read(
            lambda tables: tables.tx.one("SELECT * FROM stub WHERE client = 2")
        )
        assert twin is not None

        def invent(tables: Any) -> None:
            row = tables.tx.one("SELECT * FROM link")
            side = (
                "a"
                if row["stub_a"] != twin["stub_id"] and row["agency_a"] == (health.party_id)
                else "b"
            )
            tables.tx.run(f"UPDATE link SET stub_{side} = ?", twin["stub_id"])  # noqa: S608

        await federation.hub_write(invent)
        await health.write(
            lambda tables: tables.tx.run("UPDATE link SET stub_id = ?", twin["stub_id"])
        )
        involvement = await health.read(
            lambda tables: tables.tx.one(
                "SELECT involvement_id FROM stub_involvement s JOIN involvement i "
                "ON i.id = s.involvement WHERE i.client = 2"
            )
        )
        assert involvement is not None
        shown = json.dumps([{"id": involvement["involvement_id"], "type": "x", "label": "x"}])
        await care.write(lambda tables: tables.tx.run("UPDATE link SET involvements = ?", shown))
        request_id = await care.ask("c1", involvement["involvement_id"])
        await federation.settle()
        refused = await care.sent(request_id)
        assert (refused["state"], refused["code"]) == ("refused", "link_not_proven")

    async def test_a_swapped_card_stays_closed(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        request_id = await asked(federation, agencies)

        def swap(item: dict[str, Any]) -> dict[str, Any]:
            if item["proof"] is not None:
                item["sealed"] = to_base64(flip(60)(from_base64(item["sealed"])))
            return item

        federation.network.tamper["/v1/polls"] = in_mail(swap)
        await health.answer(request_id)
        await federation.settle()
        assert (await care.sent(request_id))["state"] == "closed"
        assert (await care.sent(request_id))["card"] is None

    async def test_a_card_without_a_cosigned_proof_of_the_decision_stays_closed(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        request_id = await asked(federation, agencies)

        def strip(item: dict[str, Any]) -> dict[str, Any]:
            if item["proof"] is not None:
                proof = from_base64(item["proof"]).split("— w2".encode())[0]
                item["proof"] = to_base64(proof)
            return item

        federation.network.tamper["/v1/polls"] = in_mail(strip)
        await health.answer(request_id)
        await federation.settle()
        assert (await care.sent(request_id))["card"] is None

    async def test_a_decision_that_the_hub_wrote_itself_is_not_believed(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        _, care = agencies
        request_id = await asked(federation, agencies)
        sent = await care.sent(request_id)
        body = DecisionBody(
            request=sent["statement_id"],
            request_id=request_id,
            hub_decision="00" * 32,
            outcome="allow",
            code=None,
            decided_by=None,
            facts_commitment="00" * 32,
        )
        signed = await federation.hub_read(
            lambda tables: federation.ledger(tables).sign(body, care.party_id)
        )
        forged = to_base64(signed.envelope.encode())

        def slip_in(data: bytes) -> bytes:
            bag = json.loads(data)
            item = {"seq": 99, "index": 5, "salt": "00" * 32, "sealed": None, "proof": None}
            bag["deliveries"].append({**item, "envelope": forged})
            return canonical.encode(bag)

        federation.network.tamper["/v1/polls"] = slip_in
        await care.service.receive(wait=0)
        assert (await care.sent(request_id))["state"] == "waiting"

    async def test_a_message_delivered_twice_is_acted_on_once(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies

        def double(data: bytes) -> bytes:
            bag = json.loads(data)
            bag["deliveries"] = [item for item in bag["deliveries"] for _ in (1, 2)]
            return canonical.encode(bag)

        federation.network.tamper["/v1/polls"] = double
        request_id = await asked(federation, agencies)
        await health.answer(request_id)
        await federation.settle()
        assert (await care.sent(request_id))["state"] == "opened"
        assert len(await federation.entries("decision")) == 1
        assert len(await federation.entries("receipt")) == 1

    async def test_mail_that_was_lost_on_the_way_comes_again(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
        await federation.checkpoint()
        federation.network.tamper["/v1/polls"] = lambda data: data[:-20]
        with pytest.raises(RemoteError):
            await health.service.receive(wait=0)
        federation.network.tamper.clear()
        await federation.settle()
        assert (await health.received(request_id))["state"] == "asks_person"

    async def test_a_hub_that_is_away_loses_nothing(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        involvement = (await care.team("c1")).others[0].involvement_id
        question = await care.request("c1", involvement)
        federation.network.hub_down = True
        request_id = await care.write(lambda tables: care.service.asking.ask(tables, question))
        with pytest.raises(RemoteError) as caught:
            await care.service.advance()
        assert caught.value.code is ErrorCode.UNREACHABLE
        assert (await care.sent(request_id))["state"] == "sending"
        federation.network.hub_down = False
        await federation.settle()
        assert (await health.received(request_id))["state"] == "asks_person"


def _entries(data: bytes) -> list[bytes]:
    entries, place = [], 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 2], "big")
        entries.append(data[place + 2 : place + 2 + size])
        place += 2 + size
    return entries
