"""Split view: a hub and all its witnesses show two agencies two logs, and a card gives it away."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from node.alarms import AlarmCode, open_alarms
from protocol import canonical
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import to_base64
from protocol.governance.follow import log_key, verify_note_by_charter
from protocol.log.checkpoint import (
    Checkpoint,
    cosign_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
    verify_log_signature,
)
from protocol.log.merkle import inclusion_proof, leaf_hash, root
from protocol.log.note import NoteSigner, SignatureType
from protocol.log.tlog_proof import TlogProof
from protocol.signing import SecretSeed
from runtime.secrets import read_secrets
from tests.sim.federation import ORIGIN, SimFederation, SimNode
from tests.sim.test_identity_check import check

Agencies = tuple[SimNode, SimNode]


async def other_proof(federation: SimFederation, index: int) -> bytes:
    """A proof of entry `index` in a second history that hub and every witness have signed: entry 3
    is another there.
    """
    leaves = await federation.hub_read(lambda tables: tables.log.leaves(0, 100_000))
    leaves[3] = b"\x01\x01" + b"another history".ljust(32)
    hashes = [leaf_hash(leaf) for leaf in leaves]

    def read_hash(level: int, place: int) -> bytes:
        return root(hashes[place << level : (place + 1) << level])

    seed = SecretSeed(read_secrets(federation.folder / "hub" / "keys.json")["log"])
    head = Checkpoint(ORIGIN, len(hashes), root(hashes))
    note = sign_checkpoint(head, NoteSigner(ORIGIN, SignatureType.ED25519, seed))
    witnesses = federation.network.witnesses.values()
    lines = [cosign_checkpoint(head, item.signer, federation.clock()) for item in witnesses]
    path = inclusion_proof(index, len(hashes), read_hash)
    return TlogProof(index, path, note.with_signatures(lines).encode()).encode()


async def asked(federation: SimFederation, agencies: Agencies) -> str:
    _, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    return request_id


def with_proof(proof: Callable[[], bytes]) -> Any:
    """Every proof that comes by mail is this one."""

    def edit(data: bytes) -> bytes:
        bag = json.loads(data)
        for item in bag["deliveries"]:
            if item["proof"] is not None:
                item["proof"] = to_base64(proof())
        return canonical.encode(bag)

    return edit


async def proven(agency: SimNode) -> list[AlarmCode]:
    """The agency's alarms, once the two notes it keeps are seen to prove a fork by themselves."""
    hub_id = agency.membership.hub.hub_id
    (kept,) = await agency.read(lambda tables: tables.tx.rows("SELECT * FROM evidence"))
    charter = agency.membership.charter
    for name in ("held", "served"):
        note, checkpoint = parse_checkpoint(kept[name])
        verify_log_signature(note, checkpoint, log_key(charter))
        verify_note_by_charter(kept[name], charter)
    alarms = await agency.read(lambda tables: open_alarms(tables, hub_id))
    return [alarm.code for alarm in alarms]


async def test_the_asker_does_not_open_a_card_from_another_log(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await asked(federation, agencies)
    await health.answer(request_id)
    await federation.checkpoint()
    (decision,) = await federation.entries("decision")
    forged = await other_proof(federation, decision["idx"])
    federation.network.tamper["/v1/polls"] = with_proof(lambda: forged)
    await federation.settle()
    assert len(await federation.entries("release")) == 1, "health has seen nothing amiss"
    sent = await care.sent(request_id)
    assert (sent["state"], sent["card"]) == ("closed", None)
    assert await federation.entries("receipt") == []
    assert await proven(care) == [AlarmCode.TWO_LOGS, AlarmCode.CARD_CLOSED]


async def test_the_holder_does_not_send_a_card_on_a_proof_from_another_log(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    request_id = await asked(federation, agencies)
    forged: list[bytes] = []
    federation.network.tamper["/v1/proofs/"] = lambda data: forged[0] if forged else _wait(data)
    await health.answer(request_id)
    await federation.checkpoint()
    (decision,) = await federation.entries("decision")
    forged.append(await other_proof(federation, decision["idx"]))
    await federation.settle()
    assert await federation.entries("release") == []
    assert await proven(health) == [AlarmCode.TWO_LOGS]


async def test_details_do_not_leave_on_the_proof_of_another_entry_or_log(
    federation: SimFederation, unsure: Agencies
) -> None:
    _, care = unsure
    await check(care)
    await federation.checkpoint()
    (request,) = await federation.entries("identity_request")
    (decision,) = await federation.entries("identity_decision")
    forged = [await federation.services.publisher.proof(request["idx"])]
    federation.network.tamper[r"/v1/proofs/\d+\?wait"] = lambda _: forged[-1]
    await federation.settle()
    assert await federation.entries("identity_check") == []
    forged.append(await other_proof(federation, decision["idx"]))
    await federation.settle()
    assert await federation.entries("identity_check") == []
    assert await proven(care) == [AlarmCode.TWO_LOGS]


async def test_a_hub_that_cannot_be_asked_delays_the_card_and_loses_nothing(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await asked(federation, agencies)
    await health.answer(request_id)
    await federation.checkpoint()
    await health.service.advance()
    await federation.hub.jobs.round()
    await federation.checkpoint()  # care's view is larger than the proof's checkpoint
    await care.membership.sync()
    federation.network.tamper["/tile/[0-9]"] = _wait
    with pytest.raises(RemoteError) as caught:
        await care.service.receive(wait=0)
    assert caught.value.code is ErrorCode.UNREACHABLE
    assert (await care.sent(request_id))["card"] is None
    federation.network.tamper.clear()
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"
    assert await care.read(lambda tables: tables.tx.rows("SELECT * FROM evidence")) == []


def _wait(_: bytes) -> bytes:
    raise RemoteError(ErrorCode.UNREACHABLE, "not now")
