"""Evidence bundles: openssl and the scripts in docs/explain/evidence.md agree that they hold.

Nothing of ours takes part in the check: README's commands and the page's scripts are run as an
expert would run them. Then each file is tampered with, and the scripts must say NO.
"""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from audit.case.case import Case
from audit.cli.main import app
from audit.report.bundle import Source, make_bundle
from audit.verify.verify import verify_case
from protocol.errors import LocalError, RemoteError
from protocol.messages.bodies import RejectionBody
from protocol.messages.evaluations import EvaluationCountBody
from protocol.signing import SecretSeed, public_key
from tests.unit.audit_log import (
    BERT,
    CHARTER_ID,
    HUB,
    AuditLog,
    Party,
    brokered,
    council,
    make_charter,
)

PAGE = Path(__file__).parents[2] / "docs/explain/evidence.md"


class KeyHolder(Party):
    """The one key holder of make_charter."""

    @property
    def id(self) -> str:
        return "d0" * 16

    @property
    def seed(self) -> SecretSeed:
        return SecretSeed(b"\x0d" * 32)


def shown_script(language: str, folder: Path) -> Path:
    """A script as the page shows it; its name says what runs it."""
    path = folder / f"check.{language}"
    path.write_text(PAGE.read_text("utf-8").partition(f"```{language}\n")[2].partition("```\n")[0])
    return path


@pytest.fixture(scope="module", params=["sh", "perl"])
def script(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each of the page's scripts."""
    return shown_script(request.param, tmp_path_factory.mktemp("script"))


@pytest.fixture(scope="module")
def log() -> AuditLog:
    """Statements by agencies, hub and key holder, under two charters, in more than one tile."""
    log = brokered(council())
    count = EvaluationCountBody(day=1, epoch=1, counts=[])
    log.say(KeyHolder("k"), count, CHARTER_ID)
    log.put_charter(make_charter(version=2, predecessor=log.charter.document_hash))
    log.accept(BERT)
    log.pad(300 - len(log.entries))
    return log


@pytest.fixture(scope="module")
def case(log: AuditLog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return log.write(tmp_path_factory.mktemp("evidence") / "case")


def bundle(case: Path, index: int, folder: Path) -> Path:
    files = Case(case)
    make_bundle(Source(files, verify_case(files), index), folder)
    return folder


@pytest.fixture(scope="module")
def evidence(case: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """The evidence of an entry, to be read: it is written once."""
    folder, files = tmp_path_factory.mktemp("made"), Case(case)
    verified = verify_case(files)

    def made(index: int) -> Path:
        path = folder / str(index)
        if not path.exists():
            make_bundle(Source(files, verified, index), path)
        return path

    return made


@pytest.fixture
def decision(evidence: Callable[[int], Path], tmp_path: Path) -> Path:
    """The evidence of entry 11, a holder's decision, to tamper with."""
    return Path(shutil.copytree(evidence(11), tmp_path / "bundle"))


def checked(script: Path, folder: Path, genesis: str) -> str:
    done = subprocess.run(
        [script.suffix[1:], str(script), str(folder), genesis],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == done.stdout.startswith("YES"), done
    return done.stdout.strip() or done.stderr.strip()


# 0, 15: charters; 1: member; 8: round; 9: request; 14: key holder; 16: acceptance of the second
# charter; 255, 299: the edges of tiles.
ENTRIES = [0, 1, 8, 9, 14, 15, 16, 255, 299]


@pytest.mark.parametrize("index", ENTRIES)
def test_the_scripts_on_the_page_say_yes(
    index: int, script: Path, log: AuditLog, evidence: Callable[[int], Path]
) -> None:
    folder = evidence(index)
    said = checked(script, folder, log.genesis())
    assert re.fullmatch(rf"YES: entry {index}, by [0-9a-f]{{32}}, 3 witnesses", said)
    assert (folder / "entry" / "envelope").read_bytes() == log.entries[index].envelope


@pytest.mark.parametrize("index", [0, 4, 11, 14])
def test_every_command_of_the_readme_shows_what_it_must(
    index: int, log: AuditLog, evidence: Callable[[int], Path]
) -> None:
    folder = evidence(index)
    text = (folder / "README.txt").read_text("utf-8").replace(
        "must give the genesis fingerprint of the sharing agreement.",
        f"must give {log.genesis()}",
    )  # fmt: skip
    commands = re.findall(
        r"^   ((?:openssl|\(printf|tail|head) .*)\n   must (?:give|say|show):? (\w[\w ]*)",
        text,
        flags=re.MULTILINE,
    )
    assert len(commands) == (9 if "entry/salt" in text else 6)
    for command, expected in commands:
        done = subprocess.run(
            ["sh", "-c", command], capture_output=True, text=True, check=True, cwd=folder
        )
        assert expected in done.stdout, command
    verifying = re.findall(r"^   (openssl pkeyutl .*)$", text, flags=re.MULTILINE)
    assert len(verifying) == 5
    for command in verifying:
        done = subprocess.run(
            ["sh", "-c", command], capture_output=True, text=True, check=True, cwd=folder
        )
        assert done.stdout == "Signature Verified Successfully\n"


TAMPERED = [
    "entry/envelope", "entry/salt", "entry/leaf", "entry/proof", "signer/leaf", "signer/proof",
    "checkpoint/signed", "checkpoint/signature", "witness-1/signed", "witness-1/signature",
    "witness-2/signature", "witness-3/signed", "charters/1/leaf", "charters/1/document",
    "charters/1/proof", "charters/2/leaf", "charters/2/document", "charters/2/proof",
]  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_the_script_says_no_to_a_changed_byte_in_any_file_it_rests_on(
    name: str, script: Path, log: AuditLog, decision: Path
) -> None:
    folder = decision
    data = (folder / name).read_bytes()
    # In a proof only the path is read here; its second line is the index.
    place = (
        data.index(b"\n", data.index(b"index")) + 9 if name.endswith("proof") else len(data) // 2
    )
    changed = bytes([data[place] ^ 1])
    (folder / name).write_bytes(data[:place] + changed + data[place + 1 :])
    assert not checked(script, folder, log.genesis()).startswith("YES")


def test_the_script_wants_a_quorum_of_this_logs_witnesses(
    script: Path, log: AuditLog, decision: Path
) -> None:
    folder = decision
    shutil.rmtree(folder / "witness-1")
    assert checked(script, folder, log.genesis()).endswith("2 witnesses")
    shutil.rmtree(folder / "witness-2")
    assert checked(script, folder, log.genesis()) == "NO: too few witnesses"


def test_the_script_wants_the_fingerprint_that_was_agreed_on(script: Path, decision: Path) -> None:
    folder = decision
    assert checked(script, folder, "0" * 64) == "NO: this is another log"


def test_the_hub_may_change_its_key_by_a_charter(script: Path, tmp_path: Path) -> None:
    """The second charter is signed by the old key; what follows it, by the new one."""
    log = brokered(council())
    new = SecretSeed(b"\x77" * 32)
    hub = {"name": "Hub", "control_domain": "hub", "sign": public_key(new).hex()}
    log.put_charter(
        make_charter(version=2, predecessor=log.charter.document_hash, hub=hub), version=1
    )
    changed = log.last()
    body = RejectionBody(statement="0" * 64, kind="request", code="conflict")
    log.say(HUB, body, BERT.id, seed=new)
    case = log.write(tmp_path / "case")
    for index in (changed, changed + 1):
        folder = bundle(case, index, tmp_path / f"b{index}")
        assert checked(script, folder, log.genesis()).startswith(f"YES: entry {index}, ")
    forged = tmp_path / f"b{changed + 1}"
    (forged / "signer" / "charter").write_text("1\n")
    assert not checked(script, forged, log.genesis()).startswith("YES")


def test_evidence_of_one_request_is_none_of_another(
    script: Path, log: AuditLog, evidence: Callable[[int], Path], decision: Path
) -> None:
    folder, other = decision, evidence(12)
    for name in ("envelope", "salt", "leaf"):
        shutil.copy(other / "entry" / name, folder / "entry" / name)
    assert checked(script, folder, log.genesis()) == "NO: entry is not in the log"


def test_a_member_key_of_the_bundles_own_making_is_refused(
    script: Path, log: AuditLog, decision: Path
) -> None:
    """A message forged with a new key, beside a member entry that says it is Bert's."""
    folder = decision
    other = AuditLog(make_charter())
    other.put_charter(other.charter)
    other.admit(BERT, "health_provider")
    (folder / "signer" / "leaf").write_bytes(other.entries[1].leaf)
    assert checked(script, folder, log.genesis()) == "NO: signer is not in the log"


def test_a_case_that_cannot_prove_an_entry_gives_no_bundle(
    log: AuditLog, case: Path, tmp_path: Path
) -> None:
    files = Case(case)
    verified = verify_case(files)
    with pytest.raises(LocalError):
        make_bundle(Source(files, verified, 300), tmp_path / "a")
    broken = tmp_path / "broken"
    shutil.copytree(case, broken)
    path = broken / "log" / "tile/0/000"
    data = bytearray(path.read_bytes())
    data[13 * 32] ^= 1
    path.write_bytes(data)
    source = Source(Case(broken), verified, 12)
    with pytest.raises(RemoteError):
        make_bundle(source, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_the_command_writes_a_bundle_once_and_says_where_to_begin(
    case: Path, tmp_path: Path
) -> None:
    words = ["bundle", str(case), "--index", "9", "--out", str(tmp_path / "b")]
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, "README.txt" in result.output) == (0, True)
    assert CliRunner().invoke(app, words).exit_code == 2
    words[3:] = ["300", "--out", str(tmp_path / "c")]
    assert CliRunner().invoke(app, words).exit_code == 2


def test_a_case_without_payloads_still_gives_evidence_of_public_entries(
    log: AuditLog, case: Path, script: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(case, bare)
    shutil.rmtree(bare / "payloads")
    assert checked(script, bundle(bare, 1, tmp_path / "b"), log.genesis()).startswith(
        "YES: entry 1"
    )
    words = ["bundle", str(bare), "--index", "9", "--out", str(tmp_path / "c")]
    assert CliRunner().invoke(app, words).exit_code == 3
