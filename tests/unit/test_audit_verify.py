"""Verifying a case: what is changed in the folder is named by place, and nothing else is."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from audit.case.case import Case
from audit.cli.main import app
from audit.findings import Finding, FindingCode, Severity, exit_code
from audit.verify.tree import check_tree
from audit.verify.verify import verify_case
from hub.log.tile_store import TileStore
from protocol.errors import LocalError
from protocol.fields import WireModel
from protocol.log.checkpoint import Checkpoint, cosign_checkpoint, parse_checkpoint, sign_checkpoint
from protocol.log.merkle import leaf_hash, root
from protocol.log.tiles import encode_entry_bundle
from protocol.messages.statement import parse_statement
from tests.unit.audit_log import (
    ANNE,
    LOG,
    NOON,
    WITNESSES,
    AuditLog,
    brokered,
    council,
    founded,
    make_charter,
)

SIZE = 612
BUNDLES = ("tile/entries/000", "tile/entries/001", "tile/entries/002.p/100")


@pytest.fixture(scope="module")
def big() -> AuditLog:
    """612 entries: two full bundles and one of a hundred."""
    log = brokered(council())
    log.pad(SIZE - len(log.entries))
    return log


@pytest.fixture(scope="module")
def clean(big: AuditLog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return big.write(tmp_path_factory.mktemp("clean") / "case")


@pytest.fixture
def case(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "case"))


def found(folder: Path, old: bytes | None = None) -> list[tuple[FindingCode, int | None]]:
    return [(item.code, item.index) for item in verify_case(Case(folder), old).findings]


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def member_body(log: AuditLog, index: int) -> WireModel:
    return parse_statement(log.entries[index].envelope).body


def entry_place(big: AuditLog, index: int) -> int:
    """Where an entry begins in its bundle, after its length."""
    first = index // 256 * 256
    return sum(2 + len(entry.leaf) for entry in big.entries[first:index]) + 2


def test_an_untouched_case_is_clean(clean: Path) -> None:
    verified = verify_case(Case(clean))
    assert verified.findings == ()
    assert verified.checked == {
        "entries": SIZE,
        "entry_bundles": 3,
        "hash_tiles": 4,
        "public_leaves": 6,
        "charters": 1,
        "members": 3,
        "witness_signatures": 3,
    }


@pytest.mark.parametrize("index", [0, 1, 5, 255, 256, 300, 511, 512, 611])
def test_a_flipped_byte_in_a_bundle_names_bundle_and_entry(
    case: Path, big: AuditLog, index: int
) -> None:
    path = case / "log" / BUNDLES[index // 256]
    flip(path, entry_place(big, index) + 10)
    findings = verify_case(Case(case)).findings
    changed = findings[0]
    assert (changed.severity, changed.code, changed.index) == (
        Severity.BROKEN,
        FindingCode.ENTRY_CHANGED,
        index,
    )
    assert BUNDLES[index // 256] in changed.detail
    assert exit_code(findings) == 1


@pytest.mark.parametrize("index", [0, 100, 255, 300, 611])
def test_a_flipped_length_names_the_entry_it_belongs_to(
    case: Path, big: AuditLog, index: int
) -> None:
    flip(case / "log" / BUNDLES[index // 256], entry_place(big, index) - 1)
    assert found(case)[0] == (FindingCode.ENTRY_CHANGED, index)


def test_a_byte_after_the_last_entry_is_seen(case: Path) -> None:
    path = case / "log" / BUNDLES[1]
    path.write_bytes(path.read_bytes() + b"\0")
    assert found(case) == [(FindingCode.ENTRY_CHANGED, None)]


@pytest.mark.parametrize("tile", ["tile/0/000", "tile/0/001", "tile/0/002.p/100", "tile/1/000.p/2"])
def test_a_flipped_byte_in_a_hash_tile_names_the_tile(case: Path, tile: str) -> None:
    flip(case / "log" / tile, 40)
    (finding,) = verify_case(Case(case)).findings
    assert finding.code is FindingCode.TILE_CHANGED
    assert finding.detail.startswith(f"{tile}: hash 1 ")


def test_a_hash_tile_of_the_wrong_length_is_changed(case: Path) -> None:
    path = case / "log" / "tile/0/001"
    path.write_bytes(path.read_bytes()[:-1])
    assert found(case) == [(FindingCode.TILE_CHANGED, None)]


def test_a_missing_hash_tile_is_missing_not_broken(case: Path) -> None:
    (case / "log" / "tile/1/000.p/2").unlink()
    findings = verify_case(Case(case)).findings
    assert [item.code for item in findings] == [FindingCode.TILE_MISSING]
    assert exit_code(findings) == 3


def test_a_missing_bundle_is_missing_and_the_tree_is_still_checked(case: Path) -> None:
    (case / "log" / BUNDLES[1]).unlink()
    findings = verify_case(Case(case)).findings
    assert [(item.code, item.index) for item in findings] == [(FindingCode.BUNDLE_MISSING, 256)]
    assert exit_code(findings) == 3


def test_a_missing_first_bundle_leaves_no_charter(case: Path) -> None:
    (case / "log" / BUNDLES[0]).unlink()
    assert found(case) == [(FindingCode.BUNDLE_MISSING, 0), (FindingCode.NO_CHARTER, None)]


def test_without_bundle_and_hash_tile_the_check_stops_there(case: Path) -> None:
    (case / "log" / BUNDLES[1]).unlink()
    (case / "log" / "tile/0/001").unlink()
    codes = [code for code, _ in found(case)]
    assert codes == [FindingCode.BUNDLE_MISSING, FindingCode.TREE_UNFINISHED]


def test_an_entry_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    """Even one that the hub did sign: it is not what the tree holds."""
    log, other = founded(), founded()
    folder = log.write(tmp_path / "case")
    del other.entries[3:]
    other.admit(ANNE, "childrens_social_care", status="revoked")
    leaves = [entry.leaf for entry in log.entries]
    leaves[3] = other.entries[3].leaf
    bundle = folder / "log" / "tile/entries/000.p/6"
    bundle.write_bytes(encode_entry_bundle(leaves))
    verified = verify_case(Case(folder))
    assert verified.findings[0].code is FindingCode.ENTRY_CHANGED
    assert verified.findings[0].index == 3
    assert [item.body.status for item in verified.directory.members[ANNE.id]] == ["active"]


def test_swapped_bundles_are_both_named(case: Path) -> None:
    first, second = (case / "log" / name for name in BUNDLES[:2])
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)
    changed = [place for code, place in found(case) if code is FindingCode.ENTRY_CHANGED]
    assert changed == [0, 256]


def test_swapped_entries_are_named_at_the_first_of_them(case: Path, big: AuditLog) -> None:
    leaves = [entry.leaf for entry in big.entries]
    leaves[300], leaves[301] = leaves[301], leaves[300]
    shutil.rmtree(case / "log" / "tile")
    TileStore(case / "log").append(0, leaves)
    for name in ("tile/0", "tile/1"):
        shutil.rmtree(case / "log" / name)
    TileStore(case / "honest").append(0, [entry.leaf for entry in big.entries])
    for name in ("tile/0", "tile/1"):
        shutil.copytree(case / "honest" / name, case / "log" / name)
    assert found(case) == [(FindingCode.ENTRY_CHANGED, 300)]


def test_entries_and_tiles_changed_together_do_not_give_the_root(case: Path, big: AuditLog) -> None:
    leaves = [entry.leaf for entry in big.entries]
    leaves[400] = leaves[401]
    shutil.rmtree(case / "log" / "tile")
    TileStore(case / "log").append(0, leaves)
    assert found(case) == [(FindingCode.ROOT_DIFFERS, None)]


def test_a_changed_entry_beside_a_changed_tile_hides_neither(case: Path, big: AuditLog) -> None:
    flip(case / "log" / BUNDLES[1], entry_place(big, 300) + 10)
    flip(case / "log" / "tile/0/002.p/100", 40)
    codes = found(case)
    assert (FindingCode.ENTRY_CHANGED, 300) in codes
    assert (FindingCode.ENTRY_CHANGED, 513) in codes
    assert (FindingCode.ROOT_DIFFERS, None) in codes


def test_another_genesis_is_another_log(case: Path) -> None:
    (case / "genesis").write_text("0" * 64)
    findings = verify_case(Case(case)).findings
    assert [(item.code, item.index) for item in findings] == [(FindingCode.GENESIS_DIFFERS, 0)]
    assert exit_code(findings) == 1


def test_a_checkpoint_signature_that_does_not_fit_is_broken(case: Path) -> None:
    path = case / "log" / "checkpoint"
    text, _, lines = path.read_bytes().partition(b"\n\n")
    forged = sign_checkpoint(
        Checkpoint(LOG.name, SIZE, parse_checkpoint(path.read_bytes())[1].root), LOG
    ).signatures[0]
    wrong = type(forged)(forged.name, forged.key_id, bytes(64))
    path.write_bytes(text + b"\n\n" + wrong.line() + lines.split(b"\n", 1)[1])
    assert found(case) == [(FindingCode.CHECKPOINT_SIGNATURE, None)]


def test_one_witness_line_that_does_not_fit_is_broken(case: Path) -> None:
    path = case / "log" / "checkpoint"
    note, head = parse_checkpoint(path.read_bytes())
    line = cosign_checkpoint(head, WITNESSES[0], NOON)
    wrong = type(line)(line.name, line.key_id, line.payload[:-64] + bytes(64))
    path.write_bytes(type(note)(note.text, (*note.signatures[:1], wrong)).encode())
    assert found(case) == [(FindingCode.CHECKPOINT_SIGNATURE, None)]


@pytest.mark.parametrize("place", range(0, 60, 7))
def test_a_flipped_byte_of_the_checkpoint_is_never_clean(case: Path, place: int) -> None:
    flip(case / "log" / "checkpoint", place)
    assert exit_code(verify_case(Case(case)).findings) in {1, 3}


def test_a_checkpoint_that_claims_a_huge_log_ends_soon(case: Path) -> None:
    note = sign_checkpoint(Checkpoint(LOG.name, 2**60, bytes(32)), LOG)
    (case / "log" / "checkpoint").write_bytes(note.encode())
    codes = [code for code, _ in found(case)]
    assert FindingCode.TREE_UNFINISHED in codes


def test_a_missing_checkpoint_and_a_torn_one(case: Path) -> None:
    path = case / "log" / "checkpoint"
    path.write_bytes(path.read_bytes()[:30])
    assert found(case) == [(FindingCode.CHECKPOINT_MALFORMED, None)]
    path.unlink()
    assert found(case) == [(FindingCode.CHECKPOINT_MISSING, None)]


@pytest.mark.parametrize(("cosigners", "clean_exit"), [(2, 0), (1, 3), (0, 3)])
def test_a_checkpoint_needs_its_quorum(tmp_path: Path, cosigners: int, clean_exit: int) -> None:
    folder = founded().write(tmp_path / "case", cosigners=cosigners)
    findings = verify_case(Case(folder)).findings
    assert exit_code(findings) == clean_exit
    assert {item.code for item in findings} <= {FindingCode.NO_QUORUM}


def test_a_charter_document_that_is_missing_or_changed(case: Path, big: AuditLog) -> None:
    path = case / "charters" / f"{big.charter.document_hash}.json"
    path.write_bytes(make_charter(retention_days=31).encode())
    assert found(case)[0] == (FindingCode.PUBLIC_LEAF, 0)
    path.unlink()
    assert found(case) == [(FindingCode.CHARTER_MISSING, 0), (FindingCode.NO_CHARTER, None)]


def test_a_charter_withheld_does_not_let_the_next_pass_as_the_first(tmp_path: Path) -> None:
    log = founded()
    first = log.charter
    log.put_charter(make_charter(version=2, predecessor=first.document_hash))
    folder = log.write(tmp_path / "case")
    assert verify_case(Case(folder)).findings == ()
    (folder / "charters" / f"{first.document_hash}.json").unlink()
    verified = verify_case(Case(folder))
    assert verified.directory.charters == ()
    assert exit_code(verified.findings) == 3


def test_a_public_leaf_that_the_hub_did_not_sign_is_named(tmp_path: Path) -> None:
    log = founded()
    log.entries.pop()
    index = log.log(log.sign(ANNE, member_body(founded(), 3), ANNE.id))
    assert found(log.write(tmp_path / "case")) == [(FindingCode.PUBLIC_LEAF, index)]


def test_an_entry_that_is_no_leaf_is_named(tmp_path: Path) -> None:
    log = founded()
    log.entries.append(type(log.entries[0])(b"\x07\x07nothing", bytes(32), b"x", []))
    assert found(log.write(tmp_path / "case")) == [(FindingCode.LEAF_MALFORMED, 6)]


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 512, 600, SIZE])
def test_an_earlier_checkpoint_is_extended(clean: Path, big: AuditLog, size: int) -> None:
    assert found(clean, big.checkpoint(size)) == []


@pytest.mark.parametrize("size", [1, 256, 257, 512, 600, SIZE])
def test_an_earlier_checkpoint_with_another_root_is_a_fork(clean: Path, size: int) -> None:
    other = sign_checkpoint(Checkpoint(LOG.name, size, b"\x66" * 32), LOG).encode()
    assert found(clean, other) == [(FindingCode.OLD_DIFFERS, None)]


def test_a_log_that_became_shorter_is_rolled_back(clean: Path) -> None:
    longer = sign_checkpoint(Checkpoint(LOG.name, SIZE + 1, bytes(32)), LOG).encode()
    assert found(clean, longer) == [(FindingCode.ROLLED_BACK, None)]


def test_an_old_checkpoint_that_the_log_did_not_sign_proves_nothing(clean: Path) -> None:
    signer = type(LOG)(LOG.name, LOG.type, WITNESSES[0].seed)
    other = sign_checkpoint(Checkpoint(LOG.name, 5, bytes(32)), signer).encode()
    findings = verify_case(Case(clean), other).findings
    assert [item.code for item in findings] == [FindingCode.OLD_NOT_CHECKED]
    with pytest.raises(LocalError):
        verify_case(Case(clean), b"not a checkpoint")


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 511, 512, 513])
def test_roots_of_every_shape_of_tree(tmp_path: Path, size: int) -> None:
    leaves = [b"leaf %d" % n for n in range(size)]
    (tmp_path / "genesis").write_text("0" * 64)
    TileStore(tmp_path / "log").append(0, leaves)
    head = Checkpoint(LOG.name, size, root([leaf_hash(leaf) for leaf in leaves]))
    report = check_tree(Case(tmp_path), head, size - 1)
    assert report.findings == ()
    assert report.old_root == root([leaf_hash(leaf) for leaf in leaves[:-1]])
    assert report.first == leaf_hash(leaves[0])


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(item) for item in arguments])
    return result.exit_code, result.output


def test_the_command_says_what_was_checked_and_exits_0(clean: Path) -> None:
    code, text = run("verify", clean)
    assert code == 0
    assert "612  entries" in text
    assert "Clean: everything that was checked holds." in text


def test_the_command_exits_1_and_says_where(case: Path, big: AuditLog) -> None:
    flip(case / "log" / BUNDLES[1], entry_place(big, 300) + 5)
    code, text = run("verify", case)
    assert code == 1
    assert "300  entry_changed: tile/entries/001" in text
    code, text = run("verify", case, "--json")
    report = json.loads(text)
    assert (code, report["exit_code"]) == (1, 1)
    assert report["findings"][0]["index"] == 300


def test_the_command_exits_3_for_what_is_missing_and_2_for_no_case(case: Path) -> None:
    (case / "log" / BUNDLES[1]).unlink()
    assert run("verify", case)[0] == 3
    assert run("verify", case / "charters")[0] == 2
    assert run("verify", case, "--old", case / "nowhere")[0] == 2
    assert run("verify")[0] == 2


def test_the_command_compares_an_old_checkpoint(clean: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_bytes(sign_checkpoint(Checkpoint(LOG.name, 9, b"\x66" * 32), LOG).encode())
    code, text = run("verify", clean, "--old", old)
    assert code == 1
    assert "old_differs" in text


def test_the_worst_severity_gives_the_exit_code() -> None:
    def of(*severities: Severity) -> int:
        return exit_code(Finding(item, FindingCode.NO_CHARTER, None, "") for item in severities)

    assert of() == 0
    assert of(Severity.RULE) == 4
    assert of(Severity.RULE, Severity.MISSING) == 3
    assert of(Severity.RULE, Severity.MISSING, Severity.BROKEN) == 1


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("tile/entries/003", b"\x00\x01a"),
        ("tile/entries/002.p/101", b"\x00\x01a"),
        ("tile/0/003.p/1", bytes(32)),
        ("tile/2/000.p/1", bytes(32)),
        ("tile/1/000", bytes(32 * 256)),
        ("tile/0/000.bak", b""),
        ("notes.txt", b"hello"),
        ("tile/9/x001/234", b""),
    ],
)
def test_a_file_that_the_checkpoint_has_no_place_for_is_named(
    case: Path, name: str, data: bytes
) -> None:
    path = case / "log" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    (finding,) = verify_case(Case(case)).findings
    assert finding.code is FindingCode.TILE_EXTRA
    assert finding.detail.startswith(name)


def test_tiles_of_an_earlier_size_are_the_beginning_of_the_later_or_were_changed(
    case: Path, big: AuditLog
) -> None:
    leaves = [entry.leaf for entry in big.entries]
    TileStore(case / "grown").append(0, leaves[:300])
    for name in ("tile/0/001.p/44", "tile/entries/001.p/44", "tile/1/000.p/1"):
        path = case / "log" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((case / "grown" / name).read_bytes())
    assert found(case) == []
    flip(case / "log" / "tile/entries/001.p/44", 7)
    (finding,) = verify_case(Case(case)).findings
    assert finding.code is FindingCode.TILE_CHANGED
    assert finding.detail.startswith("tile/entries/001.p/44")


def test_a_fork_is_shown_with_both_signed_notes(clean: Path, tmp_path: Path) -> None:
    other = sign_checkpoint(Checkpoint(LOG.name, 300, b"\x66" * 32), LOG).encode()
    (finding,) = verify_case(Case(clean), other).findings
    ours = (clean / "log" / "checkpoint").read_text("utf-8")
    assert finding.notes == (other.decode(), ours)
    (tmp_path / "old").write_bytes(other)
    code, text = run("verify", clean, "--old", tmp_path / "old", "--json")
    assert code == 1
    assert json.loads(text)["findings"][0]["notes"] == [other.decode(), ours]
    _, text = run("verify", clean, "--old", tmp_path / "old")
    assert all(line in text for line in (*other.decode().splitlines(), *ours.splitlines()))


def test_unknown_and_doubled_cosignatures_count_for_nothing(tmp_path: Path) -> None:
    folder = founded().write(tmp_path / "case", cosigners=1)
    path = folder / "log" / "checkpoint"
    note, head = parse_checkpoint(path.read_bytes())
    stranger = type(LOG)("stranger.example", WITNESSES[0].type, LOG.seed)
    twin = type(LOG)(WITNESSES[1].name, WITNESSES[0].type, LOG.seed)
    more = [cosign_checkpoint(head, WITNESSES[0], NOON + n) for n in (1, 2)]
    more += [cosign_checkpoint(head, signer, NOON) for signer in (stranger, twin)]
    path.write_bytes(note.with_signatures(more).encode())
    assert found(folder) == [(FindingCode.NO_QUORUM, None)]
    enough = note.with_signatures([*more, cosign_checkpoint(head, WITNESSES[1], NOON)])
    path.write_bytes(enough.encode())
    assert found(folder) == []


def test_a_policy_of_ones_own_asks_for_more_and_never_for_less(clean: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    lines = [f"log {LOG.key.text}\n"]
    lines += [f"witness w{n} {item.key.text}\n" for n, item in enumerate(WITNESSES)]
    policy.write_text("".join([*lines, "group all all w0 w1 w2\nquorum all\n"]))
    assert run("verify", clean, "--policy", policy)[0] == 0
    two = founded().write(tmp_path / "two", cosigners=2)
    code, text = run("verify", two, "--policy", policy)
    assert code == 3
    assert "by your policy" in text
    one = founded().write(tmp_path / "one", cosigners=1)
    policy.write_text(f"log {LOG.key.text}\nquorum none\n")
    assert run("verify", one, "--policy", policy)[0] == 3, "the charter's quorum stays"
    policy.write_text(f"log {LOG.key.text}\nquorum w1\n")
    assert run("verify", one, "--policy", policy)[0] == 2
    assert run("verify", one, "--policy", tmp_path / "nowhere")[0] == 2


def test_verify_checks_signatures_where_payloads_are(clean: Path, tmp_path: Path) -> None:
    code, text = run("verify", clean)
    assert code == 0
    assert "612  signed entries" in text
    bare = Path(shutil.copytree(clean, tmp_path / "bare"))
    shutil.rmtree(bare / "payloads")
    code, text = run("verify", bare)
    assert code == 0
    assert "signed entries" not in text
