"""The monitor: each lie of a hub is an alarm, on the disk before it is told, and stays one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from typer.testing import CliRunner

from audit.cli.main import app
from audit.findings import FindingCode as Code
from audit.findings import Severity, exit_code
from audit.monitor.monitor import Expected, Look, Monitor
from audit.monitor.state import MonitorState
from hub.log.tile_store import TileStore
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log.checkpoint import Checkpoint, cosign_checkpoint, parse_checkpoint, sign_checkpoint
from protocol.log.merkle import leaf_hash, root
from protocol.messages.statement import parse_statement
from tests.unit.audit_log import (
    ANNE,
    BERT,
    HUB,
    LOG,
    NOON,
    WITNESSES,
    AuditLog,
    Entry,
    council,
    founded,
    make_charter,
)
from transport.client import HttpClient

MAX_AGE = 600


class Hub(HttpClient):
    """A hub that serves what a test has it serve."""

    def __init__(self, folder: Path) -> None:
        super().__init__(allow_private=True)
        self.folder = folder
        self.versions = 0
        self.away = False
        self.documents: dict[str, bytes] = {}

    def publish(self, log: AuditLog, at: int = NOON, cosigners: int = 3) -> None:
        """Show this log from now on, whatever was shown before."""
        self.versions += 1
        self.shown = self.folder / f"version-{self.versions}"
        leaves = [entry.leaf for entry in log.entries]
        TileStore(self.shown).append(0, leaves)
        head = Checkpoint(LOG.name, len(leaves), root([leaf_hash(leaf) for leaf in leaves]))
        lines = [cosign_checkpoint(head, item, at) for item in WITNESSES[:cosigners]]
        self.note = sign_checkpoint(head, LOG).with_signatures(lines).encode()
        self.documents = log.documents

    async def get(self, url: str) -> bytes:
        if self.away:
            raise RemoteError(ErrorCode.UNREACHABLE, "away")
        path = url.removeprefix("https://hub.example/")
        if path == "checkpoint":
            return self.note
        if path.startswith("v1/charters/"):
            return self.documents[path.rpartition("/")[2]]
        return (self.shown / path).read_bytes()


@dataclass
class Watch:
    """A hub, and a monitor that is started anew for each look."""

    hub: Hub
    state: Path
    genesis: str
    now: int = NOON

    async def look(self) -> Look:
        state = MonitorState(self.state, self.genesis)
        try:
            expected = Expected(MAX_AGE)
            return await Monitor(self.hub, "https://hub.example", state, expected).look(self.now)
        finally:
            await state.close()

    async def codes(self) -> list[Code]:
        return [item.code for item in (await self.look()).findings]

    def proofs(self) -> list[tuple[int, int]]:
        """Sizes of the two notes of each proof."""
        folder = self.state / "proof"
        sizes = []
        for held in sorted(folder.glob("*.held")):
            notes = (held.read_bytes(), held.with_suffix(".served").read_bytes())
            sizes.append(tuple(parse_checkpoint(note)[1].size for note in notes))
        return sizes  # type: ignore[return-value]


@pytest.fixture
def log() -> AuditLog:
    return council()


@pytest.fixture
async def watch(log: AuditLog, tmp_path: Path) -> Watch:
    """A monitor that has seen nine entries."""
    hub = Hub(tmp_path)
    hub.publish(log)
    watch = Watch(hub, tmp_path / "state", log.genesis())
    look = await watch.look()
    assert (look.size, look.findings) == (9, ())
    return watch


def forked(log: AuditLog, index: int) -> AuditLog:
    """The same log with another entry at `index`."""
    other = AuditLog(log.charter, list(log.entries), log.documents, dict(log.ids))
    other.entries[index] = Entry(b"\x01\x01" + b"\x66" * 32, bytes(32), b"", [])
    return other


async def test_a_log_that_grows_is_quiet(watch: Watch, log: AuditLog) -> None:
    log.pad(400)
    watch.hub.publish(log)
    look = await watch.look()
    assert (look.size, look.findings) == (409, ())
    assert await watch.codes() == []


async def test_two_trees_of_one_size_are_a_fork_and_both_notes_are_kept(
    watch: Watch, log: AuditLog
) -> None:
    watch.hub.publish(forked(log, 8))
    look = await watch.look()
    assert [item.code for item in look.findings] == [Code.OLD_DIFFERS]
    assert exit_code(look.findings) == 1
    assert watch.proofs() == [(9, 9)]
    held, served = (parse_checkpoint(note.encode())[1].root for note in look.findings[0].notes)
    assert held != served


async def test_a_rewritten_entry_under_a_longer_log_is_seen(watch: Watch, log: AuditLog) -> None:
    log.pad(1)
    watch.hub.publish(forked(log, 8))
    assert await watch.codes() == [Code.ROOT_DIFFERS]
    assert watch.proofs() == [(9, 10)]


async def test_a_shorter_log_is_a_rollback(watch: Watch) -> None:
    watch.hub.publish(founded())
    assert await watch.codes() == [Code.ROLLED_BACK]
    assert watch.proofs() == [(9, 6)]


async def test_a_proof_stays_an_alarm_until_a_person_moves_it(watch: Watch, log: AuditLog) -> None:
    watch.hub.publish(forked(log, 8))
    await watch.look()
    watch.hub.publish(log)
    assert await watch.codes() == [Code.OLD_DIFFERS]
    for path in (watch.state / "proof").iterdir():
        path.unlink()
    assert await watch.codes() == []


async def test_an_alarm_is_on_the_disk(watch: Watch, log: AuditLog) -> None:
    watch.hub.publish(forked(log, 8))
    await watch.look()
    (line,) = (watch.state / "alarms.jsonl").read_text("utf-8").splitlines()
    alarm = json.loads(line)
    assert (alarm["time"], alarm["severity"], alarm["code"]) == (NOON, "broken", "old_differs")


async def test_a_checkpoint_without_quorum_is_not_taken_over(watch: Watch, log: AuditLog) -> None:
    log.pad(1)
    watch.hub.publish(log, cosigners=1)
    look = await watch.look()
    assert [(item.severity, item.code) for item in look.findings] == [
        (Severity.MISSING, Code.NO_QUORUM)
    ]
    assert look.size == 9
    watch.hub.publish(log)
    assert (await watch.look()).size == 10


async def test_another_logs_key_is_broken(watch: Watch, log: AuditLog) -> None:
    head = parse_checkpoint(watch.hub.note)[1]
    other = type(LOG)(LOG.name, LOG.type, WITNESSES[0].seed)
    watch.hub.note = sign_checkpoint(head, other).encode()
    assert await watch.codes() == [Code.CHECKPOINT_SIGNATURE]
    watch.hub.note = b"not a note"
    assert await watch.codes() == [Code.CHECKPOINT_MALFORMED]
    assert watch.proofs() == []


async def test_a_witness_line_that_does_not_fit_is_broken(watch: Watch) -> None:
    note, head = parse_checkpoint(watch.hub.note)
    line = cosign_checkpoint(head, WITNESSES[0], NOON)
    wrong = type(line)(line.name, line.key_id, line.payload[:-64] + bytes(64))
    watch.hub.note = type(note)(note.text, (*note.signatures, wrong)).encode()
    assert await watch.codes() == [Code.CHECKPOINT_SIGNATURE]


async def test_a_hub_that_does_not_answer_is_incomplete(watch: Watch) -> None:
    watch.hub.away = True
    look = await watch.look()
    assert ([item.code for item in look.findings], look.size) == ([Code.HUB_UNREACHABLE], 9)
    assert exit_code(look.findings) == 3


async def test_an_old_signature_is_stale_and_a_heartbeat_makes_it_fresh(
    watch: Watch, log: AuditLog
) -> None:
    watch.now = NOON + MAX_AGE
    assert await watch.codes() == []
    watch.now += 1
    assert await watch.codes() == [Code.CHECKPOINT_STALE]
    watch.hub.publish(log, at=watch.now)
    assert await watch.codes() == []


async def test_witnesses_in_the_future_are_told(watch: Watch, log: AuditLog) -> None:
    watch.hub.publish(log, at=NOON + 301)
    assert await watch.codes() == [Code.CHECKPOINT_FUTURE]


async def test_changes_of_members_keys_and_charter_are_told_once(
    watch: Watch, log: AuditLog
) -> None:
    log.admit(BERT, "health_provider", "suspended")
    log.put_charter(
        make_charter(
            version=2,
            predecessor=log.charter.document_hash,
            request_lifetime_days=log.charter.request_lifetime_days + 1,
        )
    )
    watch.hub.publish(log)
    look = await watch.look()
    assert {(item.code, item.index) for item in look.findings} == {
        (Code.MEMBER_CHANGED, 9),
        (Code.CHARTER_CHANGED, 10),
    }
    assert "loosens 1 rule" in next(
        item.detail for item in look.findings if item.code is Code.CHARTER_CHANGED
    )
    assert exit_code(look.findings) == 4
    assert await watch.codes() == []


async def test_new_keys_of_a_member_are_told(watch: Watch, log: AuditLog) -> None:
    log.rotate(ANNE)
    watch.hub.publish(log)
    assert await watch.codes() == [Code.KEYS_CHANGED]


async def test_a_public_leaf_that_the_hub_did_not_sign_is_broken(
    watch: Watch, log: AuditLog
) -> None:
    body = log.sign(HUB, make_member(log), ANNE.id, seed=BERT.seed)
    log.log(body)
    watch.hub.publish(log)
    assert await watch.codes() == [Code.PUBLIC_LEAF]
    assert watch.proofs() == [(9, 10)]
    assert (await watch.look()).size == 9


def make_member(log: AuditLog) -> Any:
    return parse_statement(log.entries[1].envelope).body


async def test_every_checkpoint_is_kept_once(watch: Watch, log: AuditLog) -> None:
    await watch.look()
    log.pad(1)
    watch.hub.publish(log)
    await watch.look()
    await watch.look()
    sizes = [
        parse_checkpoint(path.read_bytes())[1].size
        for path in sorted((watch.state / "notes").iterdir())
    ]
    assert sizes == [9, 10]


async def test_a_folder_of_another_log_is_refused(watch: Watch) -> None:
    with pytest.raises(LocalError):
        MonitorState(watch.state, "0" * 64)


async def test_a_wrong_genesis_is_broken_at_the_first_look(log: AuditLog, tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    hub.publish(log)
    watch = Watch(hub, tmp_path / "state", "0" * 64)
    look = await watch.look()
    assert ([item.code for item in look.findings], look.size) == ([Code.ROOT_DIFFERS], 0)


@pytest.fixture
async def served(watch: Watch) -> AsyncIterator[Callable[..., Any]]:
    """The monitor's command against the hub over HTTP."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=await watch.hub.get(f"https://hub.example{request.path}"))

    application = web.Application()
    application.router.add_get("/{path:.+}", answer)
    server = TestServer(application)
    await server.start_server()

    async def run(*words: str) -> tuple[int, str]:
        every = ("monitor", str(server.make_url("")), "--state", str(watch.state),
                 "--genesis", watch.genesis, "--allow-private-addresses", *words)  # fmt: skip
        result = await asyncio.to_thread(CliRunner().invoke, app, every)
        return result.exit_code, result.output

    yield run
    await server.close()


async def test_the_command_looks_once_and_exits_with_what_it_saw(
    watch: Watch, log: AuditLog, served: Callable[..., Any]
) -> None:
    never = str(2**40)
    code, text = await served("--once", "--max-age", never)
    # These witnesses' clocks are not ours.
    assert "9  entries" in text
    assert code in {0, 4}
    watch.hub.publish(forked(log, 8))
    code, text = await served("--once", "--max-age", never, "--json")
    assert code == 1
    assert "old_differs" in {item["code"] for item in json.loads(text)["findings"]}
    code, text = await served("--max-age", never, "--every", "1")
    assert (code, "both notes are kept" in text) == (1, True)


async def test_the_command_refuses_a_genesis_that_is_none(tmp_path: Path) -> None:
    words = ["monitor", "https://hub.example", "--state", str(tmp_path / "s"), "--genesis", "x"]
    result = CliRunner().invoke(app, [*words, "--once"])
    assert result.exit_code == 2
