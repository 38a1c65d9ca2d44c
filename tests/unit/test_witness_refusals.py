"""A witness among hubs and peers that lie, lag or break: whom it signs for, and what it says."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs
from typer.testing import CliRunner

from audit.witness import cli
from audit.witness.peers import ask_peers
from audit.witness.pull import HEARTBEAT_SECONDS, Puller
from audit.witness.store import WitnessStore
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log.checkpoint import Checkpoint, cosign_checkpoint, sign_checkpoint
from protocol.log.note import NoteSigner, SignatureType
from protocol.signing import SecretSeed
from tests.unit.test_witness import (
    NOON,
    ORIGIN_HASH,
    TREES,
    go_request,
    signed,
)
from tests.unit.test_witness import Post as Post
from tests.unit.test_witness import folder as folder  # a fixture
from tests.unit.test_witness import post as post  # a fixture
from tests.unit.test_witness import server as server  # a fixture
from tests.unit.test_witness_peers import Peers, grow, network, witness
from tests.unit.test_witness_peers import three as three  # a fixture
from transport.door import Visit

E = ErrorCode
ORIGIN = "hub.example/log"


class Hub:
    """Stands where HttpClient stands: gives these answers in turn, and keeps what is brought."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.brought: list[bytes] = []

    async def exchange(self, url: str, _body: None) -> tuple[int, bytes]:
        self.asked.append(url.removeprefix("https://hub.example/v1/add-checkpoint/"))
        if not self.answers:
            raise asyncio.CancelledError
        status, body = self.answers.pop(0)
        return status, body.encode()

    async def post(self, _url: str, body: bytes) -> None:
        self.brought.append(body)


class Clock:
    now = NOON

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def store(folder: Path) -> Iterator[WitnessStore]:
    opened = WitnessStore(folder)
    yield opened
    opened.close()


def puller(hub: Hub, store: WitnessStore, clock: Clock | None = None) -> Puller:
    return Puller(hub, "https://hub.example/", store, clock or Clock())  # type: ignore[arg-type]


class TestPulling:
    @pytest.mark.parametrize(
        ("answers", "code"),
        [
            ([(409, "2\n")], E.CONFLICT),
            ([(500, "")], E.UNREACHABLE),
            ([(200, go_request(0, 3)), (200, go_request(0, 3))], E.CONFLICT),
            ([(200, f"old 3\n\n{signed(3, b'x' * 32)}")], E.BAD_TREE),
        ],
        ids=["a shorter log", "a broken hub", "never what it asks for", "another tree"],
    )
    async def test_what_it_does_not_sign_it_does_not_bring(
        self, store: WitnessStore, answers: list[tuple[int, str]], code: ErrorCode
    ) -> None:
        assert store.add_checkpoint(go_request(0, 3).encode(), NOON).status == 200
        hub = Hub(*answers)
        with pytest.raises(RemoteError) as caught:
            await puller(hub, store).step(wait=0)
        assert caught.value.code is code
        assert hub.brought == []

    async def test_after_a_start_it_asks_again_from_its_own_size(self, store: WitnessStore) -> None:
        store.add_checkpoint(go_request(0, 3).encode(), NOON)
        hub = Hub((200, go_request(0, 7)), (200, go_request(3, 7)))
        await puller(hub, store).step(wait=0)
        assert hub.asked == ["0?wait=0", "3?wait=0"]
        text = TREES[7]["checkpoint"].partition("\n\n")[0]
        assert hub.brought == [f"{text}\n\n{TREES[7]['cosig_line']}".encode()]

    async def test_a_quiet_log_is_signed_every_few_minutes_and_a_growing_one_at_once(
        self, store: WitnessStore
    ) -> None:
        clock, hub = Clock(), Hub((200, go_request(0, 3)))
        pulling = puller(hub, store, clock)
        brought = []
        for later, body in (
            (0, None),
            (1, go_request(3, 3)),
            (HEARTBEAT_SECONDS, go_request(3, 3)),
            (HEARTBEAT_SECONDS + 1, go_request(3, 7)),
        ):
            clock.now = NOON + later
            hub.answers += [(200, body)] if body else []
            await pulling.step(wait=0)
            brought.append(len(hub.brought))
        assert brought == [1, 1, 2, 3]

    async def test_a_line_that_another_process_signed_is_brought_all_the_same(
        self, store: WitnessStore
    ) -> None:
        hub = Hub((200, go_request(0, 3)), (200, go_request(3, 7)), (200, go_request(7, 7)))
        pulling = puller(hub, store)
        await pulling.step(wait=0)
        store.add_checkpoint(go_request(3, 7).encode(), NOON)
        await pulling.step(wait=0)
        assert len(hub.brought) == 2

    async def test_a_second_history_is_said_louder_than_a_hub_that_is_away(
        self, store: WitnessStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("runtime.patience.FIRST_SECONDS", 0)
        store.add_checkpoint(go_request(0, 3).encode(), NOON)
        fork = f"old 3\n\n{signed(3, b'x' * 32)}"
        with capture_logs() as logs, pytest.raises(asyncio.CancelledError):
            await puller(Hub((500, ""), (200, fork)), store).run()
        assert [(line["log_level"], line["cause"]) for line in logs] == [
            ("warning", "unreachable"), ("critical", "bad_tree"),
        ]  # fmt: skip


class TestPeers:
    async def test_an_empty_folder_in_the_place_of_one_that_signed(
        self, three: Any, tmp_path: Path
    ) -> None:
        first, second, _ = three
        grow(0, 3, first, second)
        empty = witness(tmp_path / "empty", 2)
        empty.add_peer(second.key, "https://w3.example")
        with pytest.raises(LocalError, match="old copy"):
            await ask_peers(network(second), empty)
        empty.close()

    async def test_a_peer_that_saw_less_of_another_tree_says_nothing_against_us(
        self, three: Any
    ) -> None:
        """Less is what a peer that was away has seen."""
        first, second, third = three
        grow(0, 3, first, second)
        grow(3, 6, first)
        assert await ask_peers(network(second, third), first) == 2

    async def test_a_peer_that_shows_our_line_over_another_log(self, three: Any) -> None:
        """A witness signs for many logs with one key: the larger one is no proof for this one."""
        first, *_ = three
        grow(0, 3, first)
        other = NoteSigner("other.example/log", SignatureType.ED25519, SecretSeed(b"\x55" * 32))
        tree = Checkpoint(other.name, 7, b"\x07" * 32)
        own = NoteSigner(first.key.name, first.key.type, SecretSeed(bytes([2]) * 32))
        shown = sign_checkpoint(tree, other).with_signatures([cosign_checkpoint(tree, own, NOON)])

        class Liar(Peers):
            async def get(self, url: str) -> bytes:
                return shown.encode()

        liar: Any = Liar({})
        assert await ask_peers(liar, first) == 0

    async def test_what_a_peer_has_not_signed_is_not_shown_as_seen(self, three: Any) -> None:
        first, second, _ = three
        place = (ORIGIN_HASH, second.key.key_id.hex())
        grow(0, 3, first)
        assert first.sighting(*place) is None
        grow(0, 3, second)
        grow(3, 6, second, first)
        kept = first.sighting(*place)
        assert kept is not None
        grow(6, 8, first)
        assert first.sighting(*place) == kept, "a later one without its line takes nothing away"


async def test_who_asks_what_was_seen_of_a_peer(server: TestServer, post: Post) -> None:
    url = server.make_url(f"/{ORIGIN_HASH}/peers/00000000")
    async with ClientSession() as session, session.get(url) as answer:
        assert answer.status == 404


async def test_what_the_log_signed_before_shows_nothing_of_who_sends_it(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The door keeps who brings something new from the log: an old checkpoint anybody has."""
    shown: list[Visit] = []
    monkeypatch.setattr(Visit, "show", lambda visit: shown.append(visit))
    sent = [go_request(0, 3), go_request(3, 3), go_request(0, 3), go_request(3, 7)]
    counts = []
    for body in sent:
        await post(body)
        counts.append(len(shown))
    assert counts == [1, 1, 1, 2]


async def test_only_two_roots_for_one_size_are_an_alarm(post: Post, store: WitnessStore) -> None:
    fork = f"old 3\n\n{signed(3, b'x' * 32)}"
    with capture_logs() as logs:
        assert (await post(go_request(0, 3)))[0] == 200
        assert (await post(go_request(0, 2)))[0] == 409
        assert (await post(go_request(0, 3)))[0] == 409, "the same tree is no fork"
    assert logs == []
    assert store.forks(ORIGIN) == []
    with capture_logs() as logs:
        assert [(await post(fork))[0] for _ in range(2)] == [422, 422]
    assert [line["log_level"] for line in logs] == ["critical", "critical"]
    assert len(store.forks(ORIGIN)) == 1, "the same one is kept once"


def test_a_damaged_row_is_our_own_fault_and_is_said(folder: Path, store: WitnessStore) -> None:
    disk = sqlite3.connect(folder / "witness.sqlite3")
    disk.execute("UPDATE log SET head = x'00'")
    disk.commit()
    disk.close()
    with pytest.raises(LocalError) as caught:
        store.add_checkpoint(go_request(0, 3).encode(), NOON)
    assert caught.value.code is E.STORAGE


class TestCommands:
    @pytest.fixture(autouse=True)
    def ran(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """What would have begun to run."""
        ran: list[str] = []

        async def note(name: str) -> None:
            ran.append(name)

        monkeypatch.setattr(cli, "_pull", lambda *_, private: note(f"pull, private: {private}"))
        monkeypatch.setattr(cli, "_serve", lambda *_: note("serve"))
        return ran

    def test_it_listens_unless_it_pulls(self, folder: Path, ran: list[str]) -> None:
        for more in ([], ["--pull", "https://hub.example"]):
            assert CliRunner().invoke(cli.app, ["run", str(folder), *more]).exit_code == 0
        assert ran == ["serve", "pull, private: False"]

    def test_it_says_how_few_peers_answered_and_only_then(
        self, folder: Path, ran: list[str]
    ) -> None:
        alone = CliRunner().invoke(cli.app, ["run", str(folder)])
        assert "other witnesses" not in alone.output
        key = NoteSigner("w7.example", SignatureType.COSIGNATURE_V1, SecretSeed(b"\x07" * 32)).key
        add = ["add-peer", str(folder), key.text, "https://127.0.0.1:1"]
        assert CliRunner().invoke(cli.app, add).exit_code == 0
        new = CliRunner().invoke(cli.app, ["run", str(folder)])
        assert "other witnesses" not in new.output, "it has signed nothing that could be older"
        store = WitnessStore(folder)
        store.add_checkpoint(go_request(0, 3).encode(), NOON)
        store.close()
        said = CliRunner().invoke(cli.app, ["run", str(folder)]).output
        assert "0 of 1 other witnesses said whether they saw something newer" in said
        assert ran == ["serve", "serve", "serve"]
