"""The stand-alone witness over real HTTP: what it signs, what it refuses, what it remembers."""

import base64
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from typer.testing import CliRunner

from audit.witness.app import make_app
from audit.witness.cli import app as cli
from audit.witness.store import MAX_FORKS_KEPT, WitnessStore, make_witness
from demo.processes import ProcessGroup
from demo.stage import LIMIT_SECONDS
from protocol.errors import ErrorCode, LocalError
from protocol.log.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from protocol.log.note import NoteSigner, SignatureType, parse_vkey
from protocol.log.witness import MAX_REQUEST_BYTES
from protocol.signing import SecretSeed

ROOT = Path(__file__).parents[2]
# Checkpoints, proofs and cosignatures of one log, all made by Go.
GO = json.loads((ROOT / "specs" / "vectors" / "c2sp-log.json").read_text())
TREES: dict[int, dict[str, Any]] = {tree["size"]: tree for tree in GO["trees"]}
NOON = 1_790_000_000
LOG = NoteSigner("hub.example/log", SignatureType.ED25519, SecretSeed(b"\x01" * 32))
WITNESS_SEED = SecretSeed(b"\x02" * 32)
ORIGIN_HASH = hashlib.sha256(b"hub.example/log").hexdigest()

Post = Callable[[str], Awaitable[tuple[int, str, str]]]


def go_request(old: int, new: int) -> str:
    """What an honest log sends to move a witness from size `old` to size `new`."""
    proof = TREES[new]["consistency_from"][str(old)] if 0 < old < new else []
    return "\n".join([f"old {old}", *proof, "", ""]) + str(TREES[new]["checkpoint"])


def signed(size: int, root: bytes, signer: NoteSigner = LOG) -> str:
    return sign_checkpoint(Checkpoint(signer.name, size, root), signer).encode().decode()


def go_root(size: int) -> bytes:
    return base64.b64decode(TREES[size]["root_b64"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_witness(tmp_path / "w1", "w1.example", WITNESS_SEED)
    store = WitnessStore(tmp_path / "w1")
    store.add_log(parse_vkey(GO["log_vkey"]))
    store.close()
    return tmp_path / "w1"


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[TestServer]:
    store = WitnessStore(folder)
    server = TestServer(make_app(store, lambda: NOON))
    await server.start_server()
    yield server
    await server.close()
    store.close()


@pytest.fixture
async def post(server: TestServer) -> AsyncIterator[Post]:
    async with ClientSession() as session:

        async def send(body: str) -> tuple[int, str, str]:
            url = server.make_url("/add-checkpoint")
            async with session.post(url, data=body.encode()) as answer:
                return answer.status, answer.content_type, await answer.text()

        yield send


async def test_the_first_checkpoint_of_a_log_is_cosigned_as_go_would(post: Post) -> None:
    assert await post(go_request(0, 3)) == (200, "text/plain", TREES[3]["cosig_line"])


async def test_a_growing_log_is_followed_with_proofs(post: Post) -> None:
    for old, new in ((0, 1), (1, 2), (2, 3), (3, 7), (7, 8), (8, 255), (255, 256)):
        assert await post(go_request(old, new)) == (200, "text/plain", TREES[new]["cosig_line"])


async def test_the_same_checkpoint_again_is_the_heartbeat(post: Post) -> None:
    await post(go_request(0, 7))
    assert (await post(go_request(7, 7)))[0] == 200


async def test_an_empty_log_may_be_cosigned(post: Post) -> None:
    assert await post(go_request(0, 0)) == (200, "text/plain", TREES[0]["cosig_line"])
    assert (await post(go_request(0, 1)))[0] == 200


async def test_an_answer_completes_a_quorum(post: Post) -> None:
    _, _, line = await post(go_request(0, 8))
    note = (TREES[8]["checkpoint"] + line).encode()
    keys = [parse_vkey(GO["witness_vkey"])]
    assert verify_checkpoint(note, LOG.key, keys, 1).cosigners == {"w1.example": NOON}


async def test_a_rollback_is_answered_with_the_size_we_hold(post: Post) -> None:
    await post(go_request(0, 8))
    assert await post(go_request(3, 7)) == (409, "text/x.tlog.size", "8\n")
    assert await post(go_request(0, 7)) == (409, "text/x.tlog.size", "8\n")
    assert await post(go_request(8, 255)) == (200, "text/plain", TREES[255]["cosig_line"])


async def test_a_log_that_asks_from_the_future_gets_the_size_too(post: Post) -> None:
    assert await post(go_request(7, 8)) == (409, "text/x.tlog.size", "0\n")


async def test_an_old_size_above_the_new_one_is_malformed(post: Post) -> None:
    await post(go_request(0, 8))
    assert (await post(f"old 8\n\n{TREES[7]['checkpoint']}"))[0] == 400


async def test_a_fork_at_the_same_size_is_refused_and_kept_as_proof(
    post: Post, folder: Path
) -> None:
    await post(go_request(0, 7))
    other_history = signed(7, b"\x66" * 32)
    assert (await post(f"old 7\n\n{other_history}"))[0] == 422
    assert await post(go_request(7, 8)) == (200, "text/plain", TREES[8]["cosig_line"])
    store = WitnessStore(folder)
    assert store.forks("hub.example/log") == [other_history.encode()]
    store.close()


async def test_a_fork_is_kept_even_if_the_log_hides_it_behind_a_wrong_old_size(
    post: Post, folder: Path
) -> None:
    await post(go_request(0, 7))
    assert (await post(f"old 0\n\n{signed(7, bytes(32))}"))[0] == 409
    store = WitnessStore(folder)
    assert len(store.forks("hub.example/log")) == 1
    store.close()


async def test_a_fork_further_on_has_no_proof_and_is_refused(post: Post) -> None:
    await post(go_request(0, 7))
    proof = "\n".join(TREES[8]["consistency_from"]["7"])
    assert (await post(f"old 7\n{proof}\n\n{signed(8, bytes(32))}"))[0] == 422
    assert (await post(f"old 7\n\n{TREES[8]['checkpoint']}"))[0] == 422
    assert await post(go_request(7, 8)) == (200, "text/plain", TREES[8]["cosig_line"])


async def test_a_proof_from_nothing_must_be_empty(post: Post) -> None:
    body = go_request(0, 2).replace("old 0\n", f"old 0\n{TREES[2]['root_b64']}\n")
    assert (await post(body))[0] == 422


async def test_an_empty_log_with_a_root_is_refused(post: Post) -> None:
    assert (await post(f"old 0\n\n{signed(0, go_root(1))}"))[0] == 422


async def test_a_log_we_do_not_witness_is_unknown(post: Post) -> None:
    other = NoteSigner("other.example/log", SignatureType.ED25519, SecretSeed(b"\x09" * 32))
    assert (await post(f"old 0\n\n{signed(2, go_root(2), other)}"))[0] == 404


async def test_a_log_key_we_do_not_know_cannot_sign_for_a_log_we_do(post: Post) -> None:
    thief = NoteSigner("hub.example/log", SignatureType.ED25519, SecretSeed(b"\x09" * 32))
    assert (await post(f"old 0\n\n{signed(2, go_root(2), thief)}"))[0] == 403


async def test_a_signature_that_does_not_fit_is_forbidden(post: Post, server: TestServer) -> None:
    body = go_request(0, 2)
    assert (await post(body.replace("\n2\n", "\n3\n")))[0] == 403
    valid_line = TREES[2]["checkpoint"].splitlines(keepends=True)[-1]
    wrong_line = TREES[3]["checkpoint"].splitlines(keepends=True)[-1]
    assert (await post(body.replace(valid_line, valid_line + wrong_line)))[0] == 403


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("old 0\n", ""),
        ("old 0", "old 00"),
        ("old 0", "old -1"),
        ("old 0", "old  0"),
        ("old 0", "old 0\nnot base64"),
        ("old 0", "old 0\nAAAA"),
        ("old 0", "old 0" + "\nXDShEgWHfs8sTyjiVJXQgwGzPb+4YkGfeUb6b9+BJO8=" * 64),
        ("=\n\n—", "=\nextension\n\n—"),
        ("— hub", "hub"),
        ("\n2\n", "\n02\n"),
    ],
)
async def test_requests_that_cannot_be_read(post: Post, old: str, new: str) -> None:
    body = go_request(0, 2)
    assert old in body
    assert (await post(body.replace(old, new, 1)))[0] == 400


@pytest.mark.parametrize("body", ["", "\n\n", "old 0", "old 0\n\n", "\xff\xfe", "old 0\n\n\n\n"])
async def test_rubbish_is_malformed(post: Post, body: str) -> None:
    assert (await post(body))[0] == 400


async def test_a_body_over_the_limit_is_not_read(post: Post) -> None:
    assert (await post("a" * (MAX_REQUEST_BYTES + 1)))[0] == 413


async def test_only_the_routes_of_the_protocol_exist(server: TestServer) -> None:
    routes = server.app.router.routes()
    found = {(route.method, route.resource.canonical) for route in routes if route.resource}
    assert found == {
        ("POST", "/add-checkpoint"),
        ("GET", "/{origin_hash}/checkpoint"),
        ("GET", "/{origin_hash}/peers/{key_id}"),
    }


async def test_a_monitor_reads_the_last_cosigned_checkpoint(post: Post, server: TestServer) -> None:
    url = server.make_url(f"/{ORIGIN_HASH}/checkpoint")
    async with ClientSession() as session:
        async with session.get(url) as answer:
            assert answer.status == 404
        stranger = NoteSigner("x.example", SignatureType.ED25519, SecretSeed(b"\x09" * 32))
        junk = stranger.sign(b"anything").line().decode()
        await post(go_request(0, 7) + junk)
        async with session.get(url) as answer:
            expected = TREES[7]["checkpoint"] + TREES[7]["cosig_line"]
            assert (answer.status, await answer.text()) == (200, expected)
        async with session.get(server.make_url(f"/{'0' * 64}/checkpoint")) as answer:
            assert answer.status == 404


async def test_after_a_restart_the_witness_still_holds_its_head(folder: Path) -> None:
    for body, expected in (
        (go_request(0, 7), (200, TREES[7]["cosig_line"])),
        (go_request(0, 3), (409, "7\n")),
        (go_request(7, 8), (200, TREES[8]["cosig_line"])),
    ):
        store = WitnessStore(folder)
        server = TestServer(make_app(store, lambda: NOON))
        await server.start_server()
        url = server.make_url("/add-checkpoint")
        async with ClientSession() as session, session.post(url, data=body) as answer:
            assert (answer.status, await answer.text()) == expected
        await server.close()
        store.close()


async def test_no_cosignature_leaves_before_the_head_is_on_disk(post: Post, folder: Path) -> None:
    disk = sqlite3.connect(folder / "witness.sqlite3")
    disk.execute("CREATE TRIGGER full BEFORE UPDATE ON log BEGIN SELECT RAISE(FAIL, 'full'); END")
    disk.commit()
    status, _, text = await post(go_request(0, 2))
    assert status == 500
    assert "—" not in text
    disk.execute("DROP TRIGGER full")
    disk.commit()
    disk.close()
    assert await post(go_request(0, 2)) == (200, "text/plain", TREES[2]["cosig_line"])


def test_a_witness_killed_between_disk_and_answer_knows_what_it_signed(folder: Path) -> None:
    """The line may have left or not: the head is on the disk, and nothing else is ever signed."""
    program = (
        "import os, sys; from pathlib import Path; from audit.witness.store import WitnessStore; "
        "store = WitnessStore(Path(sys.argv[1])); "
        "store.add_checkpoint(sys.stdin.buffer.read(), 1790000000); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        input=go_request(0, 7).encode(),
        cwd=ROOT,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    store = WitnessStore(folder)
    fork = sign_checkpoint(Checkpoint("hub.example/log", 7, b"\x07" * 32), LOG).encode().decode()
    assert store.add_checkpoint(f"old 7\n\n{fork}".encode(), NOON).status == 422
    assert store.add_checkpoint(go_request(0, 3).encode(), NOON).status == 409
    again = store.add_checkpoint(go_request(7, 7).encode(), NOON)
    assert (again.status, again.body.decode()) == (200, TREES[7]["cosig_line"])
    store.close()


def test_of_many_requests_at_once_one_wins_and_the_rest_see_its_size(folder: Path) -> None:
    """Two processes on one folder, four requests each, all from size 0."""
    stores = [WitnessStore(folder), WitnessStore(folder)]
    start = threading.Barrier(8)
    answers: list[tuple[int, bytes]] = []

    def send(store: WitnessStore, size: int) -> None:
        start.wait()
        outcome = store.add_checkpoint(go_request(0, size).encode(), NOON)
        answers.append((outcome.status, outcome.body))

    threads = [
        threading.Thread(target=send, args=(store, size))
        for store in stores
        for size in (1, 2, 3, 7)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [body.decode() for status, body in answers if status == 200]
    assert len(won) == 1
    size = next(size for size, tree in TREES.items() if tree["cosig_line"] == won[0])
    assert {body for status, body in answers if status == 409} == {b"%d\n" % size}
    for store in stores:
        store.close()


def test_a_log_that_forks_all_day_does_not_fill_the_disk(folder: Path) -> None:
    store = WitnessStore(folder)
    store.add_checkpoint(go_request(0, 2).encode(), NOON)
    for n in range(MAX_FORKS_KEPT + 5):
        body = f"old 2\n\n{signed(2, bytes([n]) * 32)}"
        assert store.add_checkpoint(body.encode(), NOON + n).status == 422
    assert len(store.forks("hub.example/log")) == MAX_FORKS_KEPT
    store.close()


def test_a_log_cannot_be_given_a_second_key(folder: Path) -> None:
    store = WitnessStore(folder)
    store.add_checkpoint(go_request(0, 2).encode(), NOON)
    store.add_log(LOG.key)
    thief = NoteSigner("hub.example/log", SignatureType.ED25519, SecretSeed(b"\x09" * 32))
    with pytest.raises(LocalError, check=lambda error: error.code is ErrorCode.CONFLICT):
        store.add_log(thief.key)
    with pytest.raises(LocalError):
        store.add_log(store.key)  # a witness's key is not a log's
    assert store.add_checkpoint(go_request(0, 1).encode(), NOON).body == b"2\n"
    store.close()


def test_a_folder_of_a_newer_program_is_refused(folder: Path) -> None:
    database = sqlite3.connect(folder / "witness.sqlite3")
    database.execute("PRAGMA user_version = 3")
    database.close()
    with pytest.raises(LocalError):
        WitnessStore(folder)


def test_a_database_that_is_not_one_is_refused(folder: Path) -> None:
    (folder / "witness.sqlite3").write_bytes(b"not a database, but long enough to be read as one")
    with pytest.raises(LocalError):
        WitnessStore(folder)


def test_a_key_file_that_others_can_read_is_refused(folder: Path) -> None:
    (folder / "witness.key").chmod(0o640)
    with pytest.raises(LocalError, check=lambda error: error.code is ErrorCode.CONFIGURATION):
        WitnessStore(folder)


@pytest.mark.parametrize(
    ("old", "new"),
    [("seed ", "sead "), ("name ", "nama "), ("v1", "v2"), ("02\n", "0\n"), ("02\n", "02\nx")],
)
def test_a_damaged_key_file_is_refused_without_showing_it(folder: Path, old: str, new: str) -> None:
    path = folder / "witness.key"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(LocalError) as caught:
        WitnessStore(folder)
    assert "0202" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_init_makes_a_private_key_and_prints_only_the_public_one(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["init", str(tmp_path / "w"), "--name", "w9.example"])
    assert result.exit_code == 0
    key = parse_vkey(result.stdout.strip())
    assert (key.name, key.type) == ("w9.example", SignatureType.COSIGNATURE_V1)
    path = tmp_path / "w" / "witness.key"
    assert path.stat().st_mode & 0o777 == 0o600
    secret = path.read_text().split("seed ")[1].strip()
    assert len(secret) == 64
    assert secret not in result.output
    store = WitnessStore(tmp_path / "w")
    assert store.key == key
    assert secret not in repr(vars(store))
    store.close()


def test_init_never_replaces_a_key(tmp_path: Path) -> None:
    arguments = ["init", str(tmp_path), "--name", "w9.example"]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    before = (tmp_path / "witness.key").read_bytes()
    again = CliRunner().invoke(cli, arguments)
    assert again.exit_code == 2
    assert "already holds a witness" in again.stderr
    assert (tmp_path / "witness.key").read_bytes() == before


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb", "é" * 128])
def test_init_refuses_a_name_that_no_note_can_carry(tmp_path: Path, name: str) -> None:
    assert CliRunner().invoke(cli, ["init", str(tmp_path / "w"), "--name", name]).exit_code == 2
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    "vkey", ["nonsense", GO["witness_vkey"], "weak+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
)
def test_add_log_refuses_what_is_not_a_log_key(folder: Path, vkey: str) -> None:
    result = CliRunner().invoke(cli, ["add-log", str(folder), vkey])
    assert result.exit_code == 2
    assert result.stdout == ""


def test_run_without_init_says_what_to_do(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["run", str(tmp_path)])
    assert result.exit_code == 2
    assert "run patchwork-audit witness set-up" in result.stderr


def test_a_witness_process_from_its_command_line_to_sigterm(tmp_path: Path) -> None:
    folder = str(tmp_path / "w")
    assert CliRunner().invoke(cli, ["init", folder, "--name", "w9.example"]).exit_code == 0
    assert CliRunner().invoke(cli, ["add-log", folder, GO["log_vkey"]]).exit_code == 0
    program = "from audit.witness.cli import app; app()"
    group = ProcessGroup()
    try:
        process = group.start(
            [sys.executable, "-c", program, "run", folder, "--port", "0"],
            subprocess.PIPE,
            folder=ROOT,
            environment={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert process.stdout
        line = process.stdout.readline().decode()
        assert line.startswith("witness w9.example listening on http://127.0.0.1:")
        connection = HTTPConnection(line.strip().rpartition("/")[2], timeout=LIMIT_SECONDS)
        connection.request("POST", "/add-checkpoint", go_request(0, 2).encode())
        assert connection.getresponse().read().startswith("— w9.example ".encode())
        connection.close()
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=LIMIT_SECONDS)
    finally:
        group.close()
    assert (process.returncode, printed) == (0, b"")
    secret = (tmp_path / "w" / "witness.key").read_text().split("seed ")[1].strip()
    assert secret not in line
