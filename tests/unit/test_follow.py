"""Following the log: an honest log is followed, and every way of lying is noticed."""

import hashlib
from dataclasses import dataclass, field

import pytest

from protocol.errors import ErrorCode, RemoteError
from protocol.governance.charter import Charter
from protocol.governance.follow import LogView, advance, log_key, witness_keys
from protocol.log.checkpoint import Checkpoint, cosign_checkpoint, sign_checkpoint
from protocol.log.leaf import public_leaf, sealed_leaf
from protocol.log.note import NoteSigner, SignatureType
from tests.conftest import Council, party_id, seed

NOON = 1_790_000_000
LOG = NoteSigner("hub.example/log", SignatureType.ED25519, seed(1))
WITNESSES = [
    NoteSigner(f"w{n}.example", SignatureType.COSIGNATURE_V1, seed(0x60 + n)) for n in (1, 2, 3)
]
AGENCY = 0x30


def naive_root(entries: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = max(2**i for i in range(len(entries).bit_length()) if 2**i < len(entries))
    left, right = naive_root(entries[:split]), naive_root(entries[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def sealed(number: int) -> bytes:
    return sealed_leaf(bytes([number]) * 32, b"envelope %d" % number)


@dataclass
class Log:
    """A log of our own making, with three witnesses of which two must sign."""

    council: Council
    entries: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        witnesses = [
            {"name": signer.name, "control_domain": "Elsewhere", "vkey": signer.key.text}
            for signer in WITNESSES
        ]
        self.charter: Charter = self.council.charter(witnesses=witnesses, quorum=2)
        self.entries.append(public_leaf(self.council.charter_leaf(self.charter)))

    @property
    def genesis(self) -> str:
        return hashlib.sha256(b"\x00" + self.entries[0]).hexdigest()

    def note(
        self,
        size: int | None = None,
        by: list[NoteSigner] | None = None,
        root: bytes | None = None,
        log: NoteSigner = LOG,
    ) -> bytes:
        """The checkpoint at a size (the whole log), signed by two witnesses unless told."""
        entries = self.entries[:size]
        checkpoint = Checkpoint(log.name, len(entries), root or naive_root(entries))
        lines = [cosign_checkpoint(checkpoint, signer, NOON) for signer in by or WITNESSES[:2]]
        return sign_checkpoint(checkpoint, log).with_signatures(lines).encode()

    def follow(self, view: LogView, note: bytes | None = None) -> LogView:
        return advance(view, note or self.note(), self.entries[view.size :], self.council.documents)


@pytest.fixture
def log(council: Council) -> Log:
    return Log(council)


@pytest.fixture
def view(log: Log) -> LogView:
    """Somebody who has followed this log to six entries."""
    log.entries += [sealed(number) for number in range(5)]
    return log.follow(LogView(log.genesis))


def refusal(log: Log, view: LogView, note: bytes, entries: list[bytes] | None = None) -> ErrorCode:
    offered = log.entries[view.size :] if entries is None else entries
    with pytest.raises(RemoteError) as caught:
        advance(view, note, offered, log.council.documents)
    return caught.value.code


def test_a_log_is_followed_from_its_genesis(log: Log) -> None:
    view = log.follow(LogView(log.genesis))
    assert (view.size, view.directory.charter) == (1, log.charter)
    assert view.frontier.root().hex() == log.genesis
    for step in (1, 2, 5, 8):
        log.entries += [sealed(number) for number in range(step)]
        view = log.follow(view)
        assert view.size == len(log.entries)
        assert view.frontier.root() == naive_root(log.entries)
    assert view.note == log.note()


def test_members_come_from_the_entries(log: Log, view: LogView) -> None:
    log.entries += [sealed(9), public_leaf(log.council.member_leaf(AGENCY))]
    member = log.follow(view).directory.active(party_id(AGENCY))
    assert member is not None
    assert member.index == len(log.entries) - 1


def test_nothing_new_is_fine_and_so_is_a_newer_signature(log: Log, view: LogView) -> None:
    again = log.follow(view, log.note(by=WITNESSES))
    assert (again.size, again.frontier) == (view.size, view.frontier)


def test_keys_are_the_charters(log: Log) -> None:
    assert log_key(log.charter) == LOG.key
    assert witness_keys(log.charter) == tuple(signer.key for signer in WITNESSES)


def test_another_genesis_is_another_log(log: Log) -> None:
    assert refusal(log, LogView("00" * 32), log.note()) is ErrorCode.BAD_TREE


def test_a_log_of_nothing_is_refused(log: Log) -> None:
    checkpoint = Checkpoint(LOG.name, 0, hashlib.sha256(b"").digest())
    note = sign_checkpoint(checkpoint, LOG).encode()
    assert refusal(log, LogView(log.genesis), note, []) is ErrorCode.BAD_TREE


@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_rollback_is_noticed_however_well_it_is_signed(
    log: Log, view: LogView, size: int
) -> None:
    with pytest.raises(RemoteError, match="shorter than what we have seen") as caught:
        advance(view, log.note(size, by=WITNESSES), [], log.council.documents)
    assert caught.value.code is ErrorCode.BAD_TREE


def test_a_fork_at_the_same_size_is_noticed(log: Log, view: LogView) -> None:
    log.entries[3] = sealed(77)
    assert refusal(log, view, log.note(by=WITNESSES), []) is ErrorCode.BAD_TREE


def test_a_fork_behind_what_we_have_seen_is_noticed(log: Log, view: LogView) -> None:
    log.entries[3] = sealed(77)
    log.entries += [sealed(8), sealed(9)]
    assert refusal(log, view, log.note(by=WITNESSES)) is ErrorCode.BAD_TREE


def test_entries_that_do_not_give_the_signed_root_are_refused(log: Log, view: LogView) -> None:
    log.entries += [sealed(10), sealed(11), sealed(12)]
    true, note = log.entries[view.size :], log.note(by=WITNESSES)
    for offered in (
        true[:-1],
        [*true, sealed(13)],
        [true[1], true[0], true[2]],
        [true[0], true[2]],
        [true[0], sealed(99), true[2]],
        [],
    ):
        assert refusal(log, view, note, offered) is ErrorCode.BAD_TREE


def test_one_changed_bit_of_one_entry_is_noticed(log: Log, view: LogView) -> None:
    log.entries += [sealed(10), sealed(11)]
    note, offered = log.note(), log.entries[view.size :]
    changed = bytearray(offered[0])
    changed[-1] ^= 1
    assert refusal(log, view, note, [bytes(changed), offered[1]]) is ErrorCode.BAD_TREE


def test_one_witness_of_two_is_no_quorum(log: Log, view: LogView) -> None:
    log.entries.append(sealed(10))
    assert refusal(log, view, log.note(by=WITNESSES[2:])) is ErrorCode.NO_QUORUM
    assert log.follow(view, log.note(by=WITNESSES[1:])).size == len(log.entries)


def test_one_witness_twice_is_no_quorum(log: Log, view: LogView) -> None:
    twice = [WITNESSES[0], WITNESSES[0]]
    assert refusal(log, view, log.note(by=twice)) is ErrorCode.NO_QUORUM


def test_strangers_make_no_quorum(log: Log, view: LogView) -> None:
    strangers = [
        NoteSigner(f"s{n}.example", SignatureType.COSIGNATURE_V1, seed(0x70 + n)) for n in range(3)
    ]
    assert refusal(log, view, log.note(by=strangers)) is ErrorCode.NO_QUORUM


def test_witnesses_do_not_replace_the_logs_own_signature(log: Log, view: LogView) -> None:
    impostor = NoteSigner("hub.example/log", SignatureType.ED25519, seed(9))
    other = NoteSigner("other.example/log", SignatureType.ED25519, seed(1))
    for signer in (impostor, other):
        note = log.note(by=WITNESSES, log=signer)
        assert refusal(log, view, note) is ErrorCode.BAD_SIGNATURE


def test_a_cosignature_that_does_not_fit_rejects_the_note(log: Log, view: LogView) -> None:
    log.entries.append(sealed(10))
    honest, other = log.note(by=WITNESSES), log.note(size=3, by=WITNESSES)
    lines = honest.splitlines(keepends=True)
    wrong = [line for line in other.splitlines(keepends=True) if b"w3.example" in line]
    mixed = b"".join([line for line in lines if b"w3.example" not in line] + wrong)
    assert refusal(log, view, mixed) is ErrorCode.BAD_SIGNATURE


def test_a_lying_leaf_stops_us_although_the_tree_is_right(log: Log, view: LogView) -> None:
    leaf = log.council.member_leaf(AGENCY, member_class="auditor")
    log.entries.append(public_leaf(leaf))
    assert refusal(log, view, log.note(by=WITNESSES)) is ErrorCode.BAD_SIGNATURE


def test_an_entry_that_is_no_leaf_stops_us(log: Log, view: LogView) -> None:
    log.entries.append(b"\x07\x07hello")
    assert refusal(log, view, log.note(by=WITNESSES)) is ErrorCode.UNKNOWN_KIND


def test_what_was_refused_leaves_the_view_as_it_was(log: Log, view: LogView) -> None:
    before = (view.size, view.frontier, view.directory, view.note)
    refusal(log, view, log.note(by=WITNESSES), [sealed(99)])
    log.entries.append(sealed(10))
    refusal(log, view, log.note(by=WITNESSES[:1]))
    assert (view.size, view.frontier, view.directory, view.note) == before
    assert log.follow(view).size == len(log.entries)


def test_the_hub_alone_cannot_change_who_watches_it(log: Log, view: LogView) -> None:
    """Witnesses of the hub's own making, named in a charter that the old witnesses never saw."""
    puppets = [
        NoteSigner(f"p{n}.example", SignatureType.COSIGNATURE_V1, seed(0x50 + n)) for n in (1, 2)
    ]
    named = [
        {"name": signer.name, "control_domain": "Elsewhere", "vkey": signer.key.text}
        for signer in puppets
    ]
    second = log.council.charter(
        version=2, predecessor=log.charter.document_hash, witnesses=named, quorum=2
    )
    log.entries.append(public_leaf(log.council.charter_leaf(second)))
    assert refusal(log, view, log.note(by=puppets)) is ErrorCode.NO_QUORUM
    assert log.follow(view, log.note(by=[*WITNESSES, *puppets])).directory.charter == second
