"""A council that is founded, or founded anew, on what does not hold: nothing is written."""

import json
from pathlib import Path
from typing import Any

import pytest

from hub.log.ledger import HubSigner
from hub.members.charter_changes import (
    adopt,
    charter_status,
    propose,
    proposed,
    put_forward,
    read_change,
    signatories,
)
from hub.members.founding import Founding, Terms, found
from hub.members.succession import begin, merge_cosignatures, read_recovered, succeed
from hub.store.tables import open_engine
from protocol import canonical
from protocol.dsse import DOCUMENT_LIMIT, pae, payload_type
from protocol.errors import ErrorCode, LocalError, PatchworkError, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.governance.ceremony import TRANSCRIPT_KIND, SignedTranscript
from protocol.governance.charter import DutyDesk, parse_charter
from protocol.governance.directory import MOST_FOUNDING_DAYS
from protocol.log.checkpoint import Checkpoint, cosign_checkpoint, parse_checkpoint, sign_checkpoint
from protocol.log.note import NoteSigner, SignatureType
from protocol.signing import SecretSeed, sign_ed25519
from runtime.environment import Environment
from runtime.secrets import read_secrets, write_secrets
from tests.sim.federation import ORIGIN, SimFederation, SimNode
from tests.sim.test_stolen_node import ordered
from tests.sim.test_succession import back_up, last_note

Agencies = tuple[SimNode, SimNode]
E = ErrorCode
LOG = NoteSigner(ORIGIN, SignatureType.ED25519, SecretSeed(b"\x01" * 32))
NEW = NoteSigner("hub.example/log2", SignatureType.ED25519, SecretSeed(b"\x03" * 32))
DESK = DutyDesk(name="Duty team", phone="01632 960000", hours="Always")


class Ceremony:
    """Three key holders who have made a key for a charter; what each signs is up to the test."""

    def __init__(self, folder: Path) -> None:
        made = SimFederation(folder)
        self.folder, self.charter_id = folder, made.random(16).hex()
        self.terms, self.transcripts = made._key_birth(self.charter_id)
        self.env = Environment(made.clock, made.random)

    def signed(self, value: Any, by: int) -> SignedTranscript:
        """A transcript that a holder (0 to 2) signs, whatever it says."""
        secrets = read_secrets(self.folder / f"holder-{by + 1}" / "keys.json")
        data = canonical.encode(value)
        message = pae(payload_type(TRANSCRIPT_KIND), data)
        sig = to_base64(sign_ed25519(SecretSeed(secrets["sign"]), message))
        holder_id = self.terms.holders[by].holder_id
        return SignedTranscript(holder_id=holder_id, transcript=to_base64(data), sig=sig)

    def all_sign(self, value: Any) -> list[SignedTranscript]:
        """The same by each of them."""
        return [self.signed(value, number) for number in range(3)]

    @property
    def value(self) -> Any:
        """What they made, as it stands in the transcript."""
        return json.loads(from_base64(self.transcripts[0].transcript))

    def plan(self, **change: Any) -> Founding:
        """What the operator would found."""
        witnesses = [
            NoteSigner(f"w{n}.example", SignatureType.COSIGNATURE_V1, SecretSeed(bytes([n]) * 32))
            for n in (4, 5, 6)
        ]
        values = {
            "charter_id": self.charter_id,
            "hub_name": "Test hub",
            "control_domain": "Council",
            "log_key": LOG.key,
            "witnesses": [
                {"name": w.name, "control_domain": w.name, "vkey": w.key.text} for w in witnesses
            ],
            "quorum": 3,
            "holders": self.terms.holders,
            "transcripts": self.transcripts,
            "duty_desk": DESK,
        }
        return Founding(**{**values, **change})


async def test_a_first_charter_on_a_ceremony_that_does_not_hold(tmp_path: Path) -> None:
    """Each plan is refused whole; the good one is taken, once."""
    made = Ceremony(tmp_path)
    first, second, third = made.transcripts
    value, holders = made.value, made.terms.holders
    forged = second.model_copy(update={"sig": first.sig})
    stranger = holders[0].model_copy(update={"holder_id": "ef" * 16})
    of_another = {**value, "charter_id": "cd" * 16}
    plans: dict[str, tuple[dict[str, Any], ErrorCode]] = {
        "which one has not signed": ({"transcripts": [first, second]}, E.BAD_SHARE),
        "which somebody else has signed": (
            {"holders": [stranger, *holders[1:]]}, E.BAD_SHARE,
        ),
        "of which each has signed another": (
            {"transcripts": [first, second, made.signed({**value, "epoch": 2}, 2)]}, E.BAD_SHARE,
        ),
        "which one has not signed itself": (
            {"transcripts": [first, forged, third]}, E.BAD_SIGNATURE,
        ),
        "for another charter": ({"transcripts": made.all_sign(of_another)}, E.WRONG_CHARTER),
        "that is no object": ({"transcripts": made.all_sign([value])}, E.WRONG_CHARTER),
        "that lacks what they committed to": (
            {"transcripts": made.all_sign({**value, "holder_commitments": []})}, E.MALFORMED,
        ),
        "with too many founding days": (
            {"terms": Terms(founding_days=MOST_FOUNDING_DAYS + 1)}, E.CONFIGURATION,
        ),
        "with a quorum that two could not miss": ({"quorum": 2}, E.NOT_ALLOWED),
    }  # fmt: skip
    (tmp_path / "hub").mkdir()
    engine = open_engine(tmp_path / "hub")
    signer = HubSigner(SecretSeed(b"\x02" * 32), made.env)
    said = {}
    for name, (change, _) in plans.items():
        plan = made.plan(**change)
        with pytest.raises(PatchworkError) as caught:
            await engine.write(lambda tables, plan=plan: found(tables, plan, signer))  # type: ignore[misc]
        said[name] = caught.value.code
    assert said == {name: code for name, (_, code) in plans.items()}
    assert await engine.read(lambda tables: tables.log.next_index()) == 0
    plan = made.plan(terms=Terms(founding_days=0, cooling_days=3))
    await engine.write(lambda tables: found(tables, plan, signer))
    charter = (await engine.read(lambda tables: tables.directory.current())).charter
    assert charter.admission is not None
    assert charter.admission.cooling_days == 3
    with pytest.raises(LocalError, match="already founded"):
        await engine.write(lambda tables: found(tables, plan, signer))
    assert await engine.read(lambda tables: tables.log.next_index()) == 2
    await engine.close()


async def test_the_wait_of_late_members_is_the_templates_unless_it_is_said(
    federation: SimFederation,
) -> None:
    charter = await federation.charter()
    assert charter.admission is not None
    assert charter.admission.cooling_days == 7


def as_signed(federation: SimFederation, size: int, root: bytes) -> bytes:
    """A checkpoint of the lost log with every witness's line, whatever tree it says."""
    secrets = read_secrets(federation.folder / "hub" / "keys.json")
    tree = Checkpoint(ORIGIN, size, root)
    log = NoteSigner(ORIGIN, SignatureType.ED25519, SecretSeed(secrets["log"]))
    lines = [
        cosign_checkpoint(tree, witness.signer, federation.clock())
        for witness in federation.network.witnesses.values()
    ]
    return sign_checkpoint(tree, log).with_signatures(lines).encode()


async def test_notes_that_are_not_the_last_of_a_lost_log(federation: SimFederation) -> None:
    recovered = await federation.hub_read(read_recovered)
    note = last_note(federation)
    size = parse_checkpoint(note)[1].size
    unsigned = note[: note.rindex("— w3".encode())]
    notes: dict[str, tuple[list[bytes], ErrorCode]] = {
        "none": ([], E.NO_QUORUM),
        "too few witnesses": ([unsigned], E.NO_QUORUM),
        "two trees of one size": ([note, as_signed(federation, size, b"x" * 32)], E.BAD_TREE),
        "a shorter one than the hub itself had signed": (
            [as_signed(federation, size - 1, b"x" * 32)], E.BAD_TREE,
        ),
    }  # fmt: skip
    said = {}
    for name, (given, _) in notes.items():
        with pytest.raises(RemoteError) as caught:
            merge_cosignatures(given, recovered)
        said[name] = caught.value.code
    assert said == {name: code for name, (_, code) in notes.items()}
    older = as_signed(federation, size - 1, b"x" * 32)
    assert merge_cosignatures([older, note], recovered) == note, "the largest counts alone"


async def test_a_successor_where_none_can_begin(federation: SimFederation, tmp_path: Path) -> None:
    backup = back_up(federation, tmp_path / "backup")
    note, recovered = last_note(federation), await federation.hub_read(read_recovered)
    await federation.services.engine.close()
    env = Environment(federation.clock, federation.random)
    taken, empty = tmp_path / "taken", tmp_path / "empty"
    for folder in (taken, empty):
        folder.mkdir()
    write_secrets(taken / "keys.json", {"sign": b"\x01" * 32})
    write_secrets(empty / "keys.json", {"sign": b"\x01" * 32})
    (empty / "plan.json").write_text("{}")
    unfounded = open_engine(empty)
    await unfounded.write(lambda tables: tables.mailboxes.begin("ab" * 16))
    await unfounded.close()
    tries: dict[str, tuple[Path, Path, str, ErrorCode]] = {
        "where a hub is": (taken, backup, NEW.name, E.CONFLICT),
        "from no hub's folder": (tmp_path / "new", tmp_path / "nowhere", NEW.name, E.NOT_FOUND),
        "from a hub that was never founded": (tmp_path / "new", empty, NEW.name, E.NOT_READY),
        "under the lost log's name": (tmp_path / "new", backup, ORIGIN, E.CONFLICT),
    }
    said = {}
    for name, (new, old, origin, _) in tries.items():
        with pytest.raises(LocalError) as caught:
            await begin(new, old, [note], origin, env)
        said[name] = caught.value.code
        assert (name == "where a hub is") == ("holds a hub already" in caught.value.detail)
        for path in (tmp_path / "new").glob("*"):
            path.unlink()
    assert said == {name: code for name, (*_, code) in tries.items()}
    made = await begin(tmp_path / "new", backup, [note], NEW.name, env)
    assert made.lacks == 0
    began = open_engine(tmp_path / "new")
    signer = HubSigner(SecretSeed(read_secrets(backup / "keys.json")["sign"]), env)
    with pytest.raises(LocalError, match="has begun in this folder"):
        await began.write(lambda tables: succeed(tables, recovered, note, NEW.key, signer))
    await began.close()


async def test_a_change_of_the_charter_that_came_too_late_or_too_large(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """And one that matching does not go by has nothing compared anew."""
    del agencies
    held = await federation.charter()
    first, second = (
        proposed(held, {"retention_days": held.retention_days - days}) for days in (1, 2)
    )
    skips = parse_charter(canonical.encode({**second.to_value(), "version": held.version + 2}))
    assert (await federation.hub_read(charter_status)).change is None
    assert await federation.hub_write(lambda tables: adopt(federation.ledger(tables))) is None
    await federation.hub_write(lambda tables: put_forward(tables, first))
    waits = (await federation.hub_read(charter_status)).change
    assert waits is not None
    assert waits.document_hash == first.document_hash
    of_another = parse_charter(canonical.encode({**second.to_value(), "predecessor": "ab" * 32}))
    for wrong in (skips, of_another, held):
        with pytest.raises(RemoteError) as caught:
            await federation.hub_write(lambda tables, wrong=wrong: propose(tables, wrong))  # type: ignore[misc]
        assert caught.value.code is E.CONFLICT
    await federation.hub.jobs.amend()
    with pytest.raises(RemoteError) as caught:
        await federation.hub_write(lambda tables: propose(tables, second))
    assert caught.value.code is E.CONFLICT
    assert (await federation.charter()).document_hash == first.document_hash
    assert not await federation.hub_read(lambda tables: tables.stubs.is_any_marked())
    large = tmp_path / "large.toml"
    large.write_text("#" * DOCUMENT_LIMIT + "\nquorum = 3\n")
    with pytest.raises(LocalError, match="is over"):
        read_change(large)


async def test_a_charter_is_signed_by_agencies_that_are_active_and_by_no_auditor(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    await federation.join("Auditor", "auditor")
    await ordered(federation, care, "suspended")
    directory = await federation.hub_read(lambda tables: tables.directory.current())
    assert [(item.name, item.bound) for item in signatories(directory)] == [
        ("Health visiting", True)
    ]
