"""An agency's encrypted backup: made while the node runs, opened by age, restored with care."""

import asyncio
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pyrage
import pytest

from hub.members.office import approve_rotation
from node.actions.backup import make_backup, restore_backup
from node.actions.records import withdraw_now
from node.actions.resync import resync_now
from node.membership.rotation import Rotating
from node.store.resync import Cause
from node.store.tables import NodeTables
from node.views.inbox import inbox_value
from protocol.errors import ErrorCode, LocalError, RemoteError
from storage.accounts import Session
from tests.oracles.oracle import INSTALL
from tests.sim.browsing import invited
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.put_back import started
from tests.sim.test_put_back import lost_by, shown_team
from tests.sim.test_stolen_node import ordered, steal

Agencies = tuple[SimNode, SimNode]


class Safe:
    """An age key as age-keygen writes it, and who it is for."""

    def __init__(self, folder: Path, name: str = "identity.txt") -> None:
        key = pyrage.x25519.Identity.generate()
        self.recipient, self.file = str(key.to_public()), folder / name
        self.file.touch(0o600)
        self.file.write_text(f"# public key: {self.recipient}\n{key}\n", "ascii")


@pytest.fixture
def safe(tmp_path: Path) -> Safe:
    return Safe(tmp_path)


def back_up(node: SimNode, target: Path, safe: Safe) -> None:
    make_backup(node.folder, target, [safe.recipient], node.membership.env)


def age(*arguments: str | Path, given: bytes = b"") -> bytes:
    """What the age command answers."""
    assert shutil.which("age"), f"the tests need age: {INSTALL}"
    done = subprocess.run(["age", *arguments], check=True, input=given, capture_output=True)
    return done.stdout


def refused(work: Callable[[], object]) -> ErrorCode:
    with pytest.raises(LocalError) as caught:
        work()
    return caught.value.code


async def restored(federation: SimFederation, node: SimNode, backup: Path, safe: Safe) -> SimNode:
    """Lose a node's folder, restore it, and start from it."""
    await node.membership.engine.close()
    shutil.rmtree(node.folder)
    await asyncio.to_thread(restore_backup, node.folder, backup, [safe.file], node.membership.env)
    return await started(federation, node.folder.name, node)


async def test_a_node_that_is_restored_shows_nothing_before_it_has_asked(
    federation: SimFederation, agencies: Agencies, tmp_path: Path, safe: Safe
) -> None:
    """The hub is away, so nobody could tell that the backup is old: it knows by itself."""
    health, _ = agencies
    back_up(health, tmp_path / "health.age", safe)
    await withdraw_now(health.service, "h1", 1)
    health = await restored(federation, health, tmp_path / "health.age", safe)
    federation.network.hub_down = True
    with pytest.raises(RemoteError):
        await resync_now(health.service)
    for view in (lambda: shown_team(health, "h1"), lambda: health.service.read(inbox_value)):
        with pytest.raises(LocalError, match="came back from a backup"):
            await view()
    federation.network.hub_down = False
    await federation.checkpoint()
    done = await resync_now(health.service)
    assert done is not None
    assert done.cause is Cause.RESTORED
    assert (await lost_by(health)).withdrawn == ("h1",)
    assert await shown_team(health, "h2") == []
    assert (await health.publish()).changed == 0


async def test_a_backup_is_made_while_the_node_writes(
    federation: SimFederation, agencies: Agencies, tmp_path: Path, safe: Safe
) -> None:
    """What it holds is one moment: the import is there as a whole, or not at all."""
    health, _ = agencies
    rows = [row(f"n{number}", AMIRA, "health_visiting", DUTY) for number in range(2000)]
    writing = asyncio.create_task(health.take_in(*rows))
    await asyncio.to_thread(back_up, health, tmp_path / "health.age", safe)
    await writing
    health = await restored(federation, health, tmp_path / "health.age", safe)
    assert await health.read(lambda tables: tables.records.count()) in {2, 2002}
    await health.membership.engine.check()


async def test_what_is_in_a_backup_and_what_is_not(
    federation: SimFederation, agencies: Agencies, tmp_path: Path, safe: Safe
) -> None:
    """Opened by age itself. The recovery key lies in a safe, and never beside what it replaces."""
    health, _ = agencies
    hub_id, backup = health.membership.hub.hub_id, tmp_path / "health.age"
    (health.folder / f"keys-{hub_id}.new.json").write_text("{}")
    assert (health.folder / f"recovery-{hub_id}.json").exists()
    back_up(health, backup, safe)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert b"Amira" not in backup.read_bytes()
    opened = age("--decrypt", "--identity", safe.file, backup)
    with tarfile.open(fileobj=BytesIO(opened)) as archive:
        assert set(archive.getnames()) == {"backup.json", "node.sqlite", f"keys-{hub_id}.json"}
        assert {member.mode for member in archive} == {0o600}
    assert not [path for path in health.folder.iterdir() if path.name.startswith(".backup")]


async def test_what_age_has_packed_is_restored(
    federation: SimFederation, agencies: Agencies, tmp_path: Path, safe: Safe
) -> None:
    health, _ = agencies
    back_up(health, tmp_path / "ours.age", safe)
    plain = age("--decrypt", "--identity", safe.file, tmp_path / "ours.age")
    packed = age("--encrypt", "--recipient", safe.recipient, given=plain)
    (tmp_path / "theirs.age").write_bytes(packed)
    health = await restored(federation, health, tmp_path / "theirs.age", safe)
    assert await health.read(lambda tables: tables.records.count()) == 2


async def test_a_recovery_code_that_was_used_since_is_no_good_in_what_is_restored(
    federation: SimFederation, agencies: Agencies, tmp_path: Path, safe: Safe
) -> None:
    """Nor is a one-time link, nor who was signed in: all may have been used or ended since."""
    health, _ = agencies
    link = await invited(health, "H. Visitor", "visitor")

    def hand_out(tables: NodeTables) -> None:
        tables.factors.begin_app(1, "pending")
        tables.factors.confirm_app(1, "secret", 1, 1)
        tables.factors.put_codes(1, ["used since"])
        tables.sessions.start(Session("hash", 1, 1, 1, ""))
        tables.sign_in_steps.checked("hash", 1)

    await health.write(hand_out)
    back_up(health, tmp_path / "health.age", safe)
    health = await restored(federation, health, tmp_path / "health.age", safe)
    assert not await health.read(lambda tables: tables.factors.codes_left(1))
    assert await health.read(lambda tables: tables.sessions.get("hash")) is None
    assert await health.read(lambda tables: tables.accounts.invited(link)) is None
    assert await health.read(lambda tables: tables.factors.has_any(1)), "the app is asked for"


async def test_what_is_no_whole_backup_changes_nothing(
    federation: SimFederation, agencies: Agencies, tmp_path: Path, safe: Safe
) -> None:
    health, _ = agencies
    backup, empty, env = tmp_path / "health.age", tmp_path / "empty", health.membership.env
    back_up(health, backup, safe)
    data = backup.read_bytes()
    other = Safe(tmp_path, "other.txt")
    open_to_all = Safe(tmp_path, "open.txt")
    open_to_all.file.chmod(0o644)
    key = pyrage.x25519.Recipient.from_str(safe.recipient)
    wrong = tmp_path / "wrong.age"
    for content in (
        data[:-1],
        data[: len(data) // 2],
        data[:200],
        data[:-20] + bytes([data[-20] ^ 1]) + data[-19:],
        b"",
        pyrage.encrypt(b"no tar at all", [key]),
    ):
        wrong.write_bytes(content)
        code = refused(lambda: restore_backup(empty, wrong, [safe.file], env))
        assert code is ErrorCode.BAD_FILE
    bad_file, settings = ErrorCode.BAD_FILE, ErrorCode.CONFIGURATION
    for identity, expected in (
        (other.file, bad_file), (open_to_all.file, settings), (backup, settings)
    ):  # fmt: skip
        backup.chmod(0o600)
        assert refused(lambda: restore_backup(empty, backup, [identity], env)) is expected  # noqa: B023
    assert list(empty.iterdir()) == []
    assert refused(lambda: restore_backup(health.folder, backup, [safe.file], env)) is (
        ErrorCode.CONFLICT
    )
    assert refused(lambda: back_up(health, backup, safe)) is ErrorCode.CONFLICT
    assert backup.read_bytes() == data
    mistyped = [safe.recipient[:-1] + "b"]
    assert refused(lambda: make_backup(health.folder, wrong, mistyped, env)) is settings
    assert refused(lambda: make_backup(empty, wrong, [safe.recipient], env)) is ErrorCode.NOT_READY
    del federation


async def test_a_stolen_node_comes_back_from_its_backup(
    federation: SimFederation, agencies: Agencies, tmp_path: Path, safe: Safe
) -> None:
    """docs/operate/stolen-node.md: what the thief did is named, and what the owner did stays."""
    _, care = agencies
    back_up(care, tmp_path / "care.age", safe)
    recovery = tmp_path / "recovery.json"
    shutil.copy2(care.folder / f"recovery-{care.membership.hub.hub_id}.json", recovery)
    thief = steal(care, tmp_path / "stolen")
    await care.take_in(row("c2", AMIRA, "child_in_need", DUTY))
    await care.publish()
    await thief.ask("c1", (await thief.team("c1")).others[0].involvement_id)
    await ordered(federation, care, "suspended")
    care = await restored(federation, care, tmp_path / "care.age", safe)
    with pytest.raises(RemoteError) as caught:
        await resync_now(care.service)
    assert caught.value.code is ErrorCode.UNKNOWN_MEMBER
    rotating = Rotating(care.folder, care.membership, recovery)
    words = await rotating.apply()
    await federation.hub_write(lambda tables: approve_rotation(tables, care.party_id, words))
    await federation.hub.jobs.admit()
    await federation.checkpoint()
    await rotating.wait(lambda: None)
    with pytest.raises(LocalError, match="came back from a backup"):
        await shown_team(care, "c1")
    await ordered(federation, care, "active")
    await care.membership.sync()
    await resync_now(care.service)
    lost = await lost_by(care)
    assert [entry.kind for entry in lost.ours] == ["publication", "request"]
    assert lost.unknown_clients == 1
    assert (await care.publish()).changed == 0
    await federation.round()
    await federation.settle()
    assert await shown_team(care, "c1") == ["Health visiting"]
    await thief.membership.engine.close()
