"""A small log made by hand, as an honest hub or a lying one would write it, for audit tests.

Statements are signed by protocol.*, tiles written by the hub's own TileStore. Nothing here uses
the auditor's code, so what it finds is not what it made.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.log.tile_store import TileStore
from hub.members.template import template
from hub.policies.packs import DEFAULT, pack
from protocol.canonical import encode
from protocol.fields import WireModel, to_base64
from protocol.governance.charter import Charter, parse_charter
from protocol.governance.rotation import rotation_body
from protocol.log.checkpoint import Checkpoint, cosign_checkpoint, sign_checkpoint
from protocol.log.leaf import public_leaf, sealed_leaf
from protocol.log.merkle import leaf_hash, root
from protocol.log.note import NoteSigner, SignatureType
from protocol.messages.bodies import (
    CharterAcceptBody,
    CharterBody,
    ChunkRef,
    DecisionBody,
    EnrolmentBody,
    HubDecisionBody,
    LinkItem,
    MatchRoundBody,
    MemberBody,
    Permission,
    PublicationBody,
    PublishedInvolvement,
    ReceiptBody,
    RejectionBody,
    ReleaseBody,
    RequestBody,
    RowsChunk,
    StubRow,
)
from protocol.messages.key_record import KeyRecord
from protocol.messages.kinds import Leaf
from protocol.messages.log import ProvisionalBody
from protocol.messages.parts import DecisionFacts, LinkProof, RequestPins, RequestPractitioner
from protocol.messages.statement import Context, Stamp, Statement, make_statement, parse_statement
from protocol.signing import SecretSeed, public_key
from protocol.wire import ExportRecord, encode_wire

NOON = 1_790_000_000
DAY = 86_400
CHARTER_ID = "c0" * 16
LOG = NoteSigner("hub.example/log", SignatureType.ED25519, SecretSeed(b"\x01" * 32))
WITNESSES = [
    NoteSigner(f"w{n}.example", SignatureType.COSIGNATURE_V1, SecretSeed(bytes([n]) * 32))
    for n in (2, 3, 4)
]
QUORUM = 2


@dataclass(frozen=True)
class Party:
    """Somebody who signs: an id and a seed, both from one letter."""

    letter: str

    @property
    def id(self) -> str:
        return self.letter.encode().hex() * 16

    @property
    def seed(self) -> SecretSeed:
        return SecretSeed(self.letter.encode() * 32)

    def keys(self) -> KeyRecord:
        other = [public_key(SecretSeed(bytes([n]) * 31 + self.letter.encode())) for n in (1, 2)]
        return KeyRecord(
            auth=other[0].hex(),
            sign=public_key(self.seed).hex(),
            seal=other[1].hex(),
            seal_expires=NOON + 366 * DAY,
            recovery_hash=hashlib.sha256(public_key(self.recovery)).hexdigest(),
        )

    @property
    def recovery(self) -> SecretSeed:
        """The offline recovery key."""
        return SecretSeed(bytes([3]) * 31 + self.letter.encode())


HUB, ANNE, BERT, AUDITOR = Party("H"), Party("A"), Party("B"), Party("Z")
ANNES_STUB, BERTS_STUB = "a1" * 16, "b1" * 16
ANNES_WORK, BERTS_WORK = "a2" * 16, "b2" * 16
LINK = "11" * 16


def make_charter(**changes: Any) -> Charter:
    first = template()
    holder = {
        "holder_id": "d0" * 16,
        "index": 1,
        "name": "Holder",
        "control_domain": "holder",
        "sign": public_key(SecretSeed(b"\x0d" * 32)).hex(),
        "commitment": "0" * 64,
        "url": "https://holder.example",
    }
    token_key = {"epoch": 1, "threshold": 1, "public_key": "0" * 64, "holders": [holder]}
    witnesses = [
        {"name": item.name, "control_domain": f"domain {n}", "vkey": item.key.text}
        for n, item in enumerate(WITNESSES)
    ]
    hub = {"name": "Hub", "control_domain": "hub", "sign": public_key(HUB.seed).hex()}
    value = {
        **first,
        "charter_id": CHARTER_ID,
        "version": 1,
        "predecessor": None,
        "hub": hub,
        "log": {"origin": LOG.name, "vkey": LOG.key.text},
        "witnesses": witnesses,
        "quorum": QUORUM,
        "duty_desk": {"name": "Duty team", "phone": "01632 960000", "hours": "Always"},
        "match_policy": pack(DEFAULT).to_json(),
        "tables": {},
        "token_key": token_key,
        "admission": {**first["admission"], "founding_until": NOON + 60 * DAY},
        **changes,
    }
    return parse_charter(encode(value))


@dataclass
class Entry:
    """One entry as the hub keeps it."""

    leaf: bytes
    salt: bytes
    envelope: bytes
    evidence: list[bytes]


@dataclass
class AuditLog:
    """The log under construction; `now` moves a second with every statement."""

    charter: Charter = field(default_factory=make_charter)
    entries: list[Entry] = field(default_factory=list)
    documents: dict[str, bytes] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    enrolments: dict[str, str] = field(default_factory=dict)
    rounds: int = 0
    now: int = NOON

    def sign(self, party: Party, body: Any, aud: str, **stamp: Any) -> Statement[Any]:
        """A statement; `stamp` may set nonce, iat, version or seed."""
        self.now += 1
        version = stamp.get("version", self.charter.version)
        sender = CHARTER_ID if party is HUB else party.id
        context = Context(CHARTER_ID, version, LOG.name, sender)
        nonce = stamp.get("nonce", hashlib.sha256(b"%d" % self.now).hexdigest()[:32])
        full = Stamp(aud, nonce, stamp.get("iat", self.now))
        return make_statement(context, full, body, stamp.get("seed", party.seed))

    def log(self, statement: Statement[Any], evidence: Iterable[bytes] = ()) -> int:
        """Append a statement; its index."""
        data = statement.envelope.encode()
        public = statement.kind.leaf is Leaf.PUBLIC
        salt = bytes(32) if public else hashlib.sha256(b"salt" + data).digest()
        leaf = public_leaf(data) if public else sealed_leaf(salt, data)
        self.entries.append(Entry(leaf, salt, data, list(evidence)))
        return len(self.entries) - 1

    def say(self, party: Party, body: WireModel, aud: str, **stamp: Any) -> Statement[Any]:
        """Sign and append."""
        statement = self.sign(party, body, aud, **stamp)
        self.log(statement)
        return statement

    def last(self) -> int:
        return len(self.entries) - 1

    def put_charter(self, charter: Charter, **stamp: Any) -> None:
        body = CharterBody(
            version=charter.version,
            predecessor=charter.predecessor,
            document_hash=charter.document_hash,
            document_length=len(charter.encode()),
        )
        statement = self.say(HUB, body, CHARTER_ID, **stamp)
        self.charter = charter
        self.documents[charter.document_hash] = charter.encode()
        self.ids["charter"] = statement.id

    def admit(
        self, party: Party, member_class: str, status: str = "active", clients: int | None = None
    ) -> None:
        said: dict[str, Any] = {
            "party_id": party.id,
            "name": "Agency",
            "member_class": member_class,
            "control_domain": party.letter,
            "duty_line": "01632 960000",
            "duty_hours": "Always",
            "clients": clients,
            "keys": party.keys(),
        }
        if party.id not in self.enrolments:  # a change of status repeats the first envelope
            applied = EnrolmentBody(invitation_hash="0" * 64, **said)
            enrolment = self.sign(party, applied, CHARTER_ID)
            self.enrolments[party.id] = to_base64(enrolment.envelope.encode())
        envelope = self.enrolments[party.id]
        body = MemberBody(**said, status=status, enrolment=envelope)  # type: ignore[arg-type]
        self.ids[f"member {party.letter}"] = self.say(HUB, body, party.id).id

    def rotate(self, party: Party) -> None:
        """A new member leaf for a party that took its recovery key out of the safe."""
        seeds = [SecretSeed(bytes([n]) * 31 + party.letter.encode()) for n in (4, 5, 6)]
        auth, sign, seal = (public_key(seed).hex() for seed in seeds)
        keys = KeyRecord(
            auth=auth, sign=sign, seal=seal, seal_expires=NOON + 366 * DAY, recovery_hash="9" * 64
        )
        replaces = self.ids[f"member {party.letter}"]
        body = rotation_body(party.id, replaces, keys, (party.recovery, seeds[1]))
        rotation = self.sign(party, body, CHARTER_ID, seed=party.recovery)
        (before,) = [
            entry for entry in self.entries if parse_statement(entry.envelope).id == replaces
        ]
        member = parse_statement(before.envelope).expect(MemberBody).body
        envelope = to_base64(rotation.envelope.encode())
        self.say(HUB, member.model_copy(update={"keys": keys, "enrolment": envelope}), party.id)

    def accept(self, party: Party, **changes: Any) -> None:
        said = {"version": self.charter.version, "document_hash": self.charter.document_hash}
        self.say(party, CharterAcceptBody(**{**said, **changes}), CHARTER_ID)

    def publish(
        self,
        party: Party,
        rows: Sequence[StubRow],
        *,
        sequence: int | None = None,
        epoch: int = 1,
        **ref_changes: Any,
    ) -> None:
        """One chunk of rows; `ref_changes` are what the manifest falsely says of it."""
        data = encode_wire(RowsChunk(rows=list(rows)))
        said = {"hash": hashlib.sha256(data).hexdigest(), "length": len(data), "count": len(rows)}
        ref = ChunkRef(**{**said, **ref_changes})
        number = sequence or self.sequences.get(party.id, 0) + 1
        self.sequences[party.id] = number
        body = PublicationBody(sequence=number, epoch=epoch, rows=[ref], tokens=[ref])
        statement = self.sign(party, body, CHARTER_ID)
        self.log(statement, [data])
        self.ids[f"publication {party.letter}"] = statement.id

    def match(
        self,
        *states: str,
        items_root: str | None = None,
        count: int | None = None,
        number: int | None = None,
        **changes: str,
    ) -> None:
        """A round with one item a state, all about the one link; `changes` to each item."""
        said: dict[str, Any] = {
            "salt": "5a" * 32,
            "link_id": LINK,
            "stub_a": ANNES_STUB,
            "agency_a": ANNE.id,
            "publication_a": self.ids["publication A"],
            "stub_b": BERTS_STUB,
            "agency_b": BERT.id,
            "publication_b": self.ids["publication B"],
            **changes,
        }
        items = [LinkItem(state=state, **said) for state in states]  # type: ignore[arg-type]
        lines = [encode_wire(item) for item in items]
        self.rounds = number or self.rounds + 1
        body = MatchRoundBody(
            round=self.rounds,
            items_root=items_root or root([leaf_hash(line) for line in lines]).hex(),
            count=len(items) if count is None else count,
        )
        statement = self.sign(HUB, body, CHARTER_ID)
        self.log(statement, [b"\n".join(lines)] if lines else [])
        if items:
            self.ids["round"] = statement.id

    def ask(self, request_id: str = "21" * 16, **changes: Any) -> Statement[RequestBody]:
        """Anne's request for Bert's worker; `changes` to the body, or stamp_* to the stamp."""
        stamp = {name[6:]: changes.pop(name) for name in list(changes) if name[:6] == "stamp_"}
        pins = RequestPins(
            round=self.ids["round"],
            publication=self.ids["publication A"],
            requester_membership=self.ids["member A"],
            holder_membership=self.ids["member B"],
            charter=self.ids["charter"],
        )
        said: dict[str, Any] = {
            "request_id": request_id,
            "link_id": LINK,
            "stub_id": ANNES_STUB,
            "involvement_id": BERTS_WORK,
            "practitioner": RequestPractitioner(id="31" * 16, role="social_worker"),
            "purpose": "safeguarding_child",
            "basis": "UK-CA89-S17",
            "facts": {"views": "sought", "proportionality": "0" * 64},
            "needed_by": self.now + DAY,
            "expires": self.now + 2 * DAY,
            "pins": pins,
            "link_proof": LinkProof(match_key_id="init_sur_dob.1", epoch=1, proof="0" * 64),
            "sealed_hash": "0" * 64,
        }
        return self.say(ANNE, RequestBody(**{**said, **changes}), BERT.id, **stamp)

    def hub_decides(
        self,
        request: Statement[RequestBody],
        outcome: str = "allow",
        code: str | None = None,
        **facts: str | None,
    ) -> Statement[HubDecisionBody]:
        pinned: dict[str, Any] = {
            "charter": self.ids["charter"],
            "requester_membership": self.ids["member A"],
            "holder_membership": self.ids["member B"],
            "round": self.ids["round"],
            "requester_publication": self.ids["publication A"],
            "holder_publication": self.ids["publication B"],
        }
        body = HubDecisionBody(
            request=request.id,
            request_id=request.body.request_id,
            outcome=outcome,  # type: ignore[arg-type]
            code=code,
            field=None,
            facts=DecisionFacts(**{**pinned, **facts}),
        )
        return self.say(HUB, body, ANNE.id)

    def holder_decides(
        self,
        hub: Statement[HubDecisionBody],
        outcome: str = "allow",
        *,
        party: Party = BERT,
        decided_by: str | None = "41" * 16,
        iat: int | None = None,
    ) -> Statement[DecisionBody]:
        body = DecisionBody(
            request=hub.body.request,
            request_id=hub.body.request_id,
            hub_decision=hub.id,
            outcome=outcome,  # type: ignore[arg-type]
            code=None,
            decided_by=decided_by,
            facts_commitment="0" * 64,
        )
        return self.say(party, body, ANNE.id, **({} if iat is None else {"iat": iat}))

    def release(
        self,
        decision: Statement[DecisionBody],
        *,
        tree_size: int | None = None,
        seal_key: str | None = None,
        keep_until: int | None = None,
    ) -> Statement[ReleaseBody]:
        body = ReleaseBody(
            request_id=decision.body.request_id,
            decision=decision.id,
            seal_key=seal_key or ANNE.keys().seal,
            sealed_hash="7" * 64,
            tree_size=len(self.entries) if tree_size is None else tree_size,
            keep_until=keep_until,
        )
        return self.say(BERT, body, ANNE.id)

    def provisional(
        self, on: Statement[DecisionBody], *, aud: Party = ANNE, **changes: Any
    ) -> Statement[ProvisionalBody]:
        """A card without a quorum; its sender saw the log as it was two entries ago."""
        said = {
            "request_id": on.body.request_id,
            "decision": on.id,
            "seal_key": ANNE.keys().seal,
            "sealed_hash": "7" * 64,
            "tree_size": len(self.entries) - 2,
        }
        return self.say(BERT, ProvisionalBody(**{**said, **changes}), aud.id)

    def receipt(
        self, release: Statement[ReleaseBody] | Statement[ProvisionalBody], **changes: str
    ) -> Statement[ReceiptBody]:
        said = {
            "request_id": release.body.request_id,
            "release": release.id,
            "sealed_hash": release.body.sealed_hash,
        }
        return self.say(ANNE, ReceiptBody(**{**said, **changes}), BERT.id)

    def pad(self, count: int) -> None:
        """Entries that mean nothing to the others."""
        for _ in range(count):
            body = RejectionBody(statement="0" * 64, kind="request", code="conflict")
            self.say(HUB, body, ANNE.id)

    def checkpoint(self, size: int | None = None, *, cosigners: int = 3) -> bytes:
        leaves = [entry.leaf for entry in self.entries][:size]
        head = Checkpoint(LOG.name, len(leaves), root([leaf_hash(leaf) for leaf in leaves]))
        lines = [cosign_checkpoint(head, item, NOON) for item in WITNESSES[:cosigners]]
        return sign_checkpoint(head, LOG).with_signatures(lines).encode()

    def genesis(self) -> str:
        return leaf_hash(self.entries[0].leaf).hex()

    def write(self, folder: Path, *, cosigners: int = 3) -> Path:
        """The case folder that an honest fetch would have made."""
        folder.mkdir()
        (folder / "genesis").write_text(self.genesis() + "\n")
        tiles = TileStore(folder / "log")
        tiles.append(0, [entry.leaf for entry in self.entries])
        tiles.write_checkpoint(self.checkpoint(cosigners=cosigners))
        (folder / "charters").mkdir()
        for digest, document in self.documents.items():
            (folder / "charters" / f"{digest}.json").write_bytes(document)
        evidence = folder / "payloads" / "evidence"
        evidence.mkdir(parents=True)
        with (folder / "payloads" / "payloads.jsonl").open("wb") as file:
            for index, entry in enumerate(self.entries):
                file.write(case_line(index, entry) + b"\n")
                for part, data in enumerate(entry.evidence):
                    (evidence / f"{index}.{part}").write_bytes(data)
        return folder


def case_line(index: int, entry: Entry) -> bytes:
    """A line of the case's payload file."""
    form = b'{"envelope":%b,"evidence":%d,"index":%d,"salt":"%b"}'
    return form % (entry.envelope, len(entry.evidence), index, entry.salt.hex().encode())


def payload_line(index: int, entry: Entry) -> bytes:
    """A record as the hub exports it."""
    record = ExportRecord(
        index=index,
        salt=entry.salt.hex(),
        envelope=to_base64(entry.envelope),
        evidence=len(entry.evidence),
    )
    return encode_wire(record)


def work(work_id: str, kind: str, label: str, until: int = NOON + 90 * DAY) -> PublishedInvolvement:
    return PublishedInvolvement(
        id=work_id,
        type=kind,
        label=label,
        permission=Permission(basis_class="duty", valid_until=until),
        active_until=None,
        facts_commitment="0" * 64,
    )


def row(stub_id: str, *works: PublishedInvolvement, revision: int = 1) -> StubRow:
    return StubRow(
        stub_id=stub_id,
        revision=revision,
        retired=not works,
        involvements=list(works),
        token_commitment="0" * 64,
    )


def annes_row(revision: int = 1) -> StubRow:
    return row(ANNES_STUB, work(ANNES_WORK, "early_help", "Early help"), revision=revision)


def berts_row(revision: int = 1, until: int = NOON + 90 * DAY) -> StubRow:
    item = work(BERTS_WORK, "health_visiting", "Health visiting", until)
    return row(BERTS_STUB, item, revision=revision)


def founded(charter: Charter | None = None) -> AuditLog:
    """Entries 0 to 5: charter, two agencies, auditor; both agencies accept the charter."""
    log = AuditLog() if charter is None else AuditLog(charter)
    log.put_charter(log.charter)
    log.admit(ANNE, "childrens_social_care")
    log.admit(BERT, "health_provider")
    log.admit(AUDITOR, "auditor")
    log.accept(ANNE)
    log.accept(BERT)
    return log


def council(charter: Charter | None = None) -> AuditLog:
    """Entries 6 to 8 as well: both publish, and a round finds that they have one client."""
    log = founded(charter)
    log.publish(ANNE, [annes_row()])
    log.publish(BERT, [berts_row()])
    log.match("match")
    return log


def brokered(log: AuditLog) -> AuditLog:
    """A request that goes all the way to the receipt: five entries."""
    decision = log.holder_decides(log.hub_decides(log.ask()))
    log.receipt(log.release(decision))
    return log
