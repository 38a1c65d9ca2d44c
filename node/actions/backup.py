"""A node's folder as an encrypted backup, and back: docs/operate/README.md.

Without recovery keys, which lie in a safe and never beside what they replace.
"""

import asyncio
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

from node.backup_settings import BackupSettings
from node.membership.synced import notice
from node.store.resync import Cause
from node.store.tables import NodeTables, open_engine
from protocol.errors import ErrorCode, LocalError
from runtime.environment import Environment
from runtime.secrets import make_own_folder
from storage.backup import Label, opened_backup, put_in_place, write_backup
from storage.sqlite import snapshot

PROGRAM = "patchwork-node"
DATABASE = "node.sqlite"
FILES = ("node.toml", "api-token.json", "keys-*.json")
MADE = "patchwork-node-*.age"


def make_backup(folder: Path, target: Path, recipients: list[str], env: Environment) -> None:
    """Write a backup, also while the node runs. Raises LocalError."""
    if not (folder / DATABASE).exists():
        raise LocalError(ErrorCode.NOT_READY, "there is no node in this folder")
    found = (path for pattern in FILES for path in sorted(folder.glob(pattern)))
    # New keys that the log does not name yet are the recovery key's to make again.
    files = {path.name: path for path in found if not path.name.endswith(".new.json")}
    with snapshot(folder / DATABASE) as database:
        label = Label(PROGRAM, env.clock())
        write_backup(target, recipients, label, {**files, DATABASE: database})


@dataclass(frozen=True)
class Made:
    """A backup: its file's name, and when it was written (Unix seconds)."""

    name: str
    at: int


def backup_now(folder: Path, settings: BackupSettings, env: Environment) -> str:
    """Write a backup into the folder of the settings; its name. Raises LocalError: NOT_READY
    without such settings, STORAGE.
    """
    if not settings.backup_folder:
        raise LocalError(ErrorCode.NOT_READY, "node.toml says nothing of backup_folder")
    made = f"{datetime.fromtimestamp(env.clock(), UTC):%Y-%m-%d-%H%M%S}"
    target = Path(settings.backup_folder) / MADE.replace("*", made)
    make_backup(folder, target, list(settings.backup_recipients), env)
    return target.name


def backups_made(settings: BackupSettings) -> list[Made]:
    """The backups in the folder of the settings, the newest first. Raises LocalError(STORAGE)."""
    if not settings.backup_folder:
        return []
    try:
        with os.scandir(settings.backup_folder) as entries:
            found = [
                Made(entry.name, int(entry.stat().st_mtime))
                for entry in entries
                if fnmatch(entry.name, MADE)
            ]
    except OSError as error:
        raise LocalError(ErrorCode.STORAGE, "the folder for backups cannot be read") from error
    return sorted(found, key=lambda one: (-one.at, one.name))


def restore_backup(folder: Path, source: Path, identities: list[Path], env: Environment) -> None:
    """Make a node's folder from a backup. Before it may publish or show anything it will ask each
    hub what it missed. Raises LocalError: CONFLICT where there is a node.
    """
    if (folder / DATABASE).exists():
        detail = "this folder holds a node: move it away, and restore into an empty one"
        raise LocalError(ErrorCode.CONFLICT, detail)
    make_own_folder(folder)
    with opened_backup(source, identities, PROGRAM, folder) as staging:
        asyncio.run(_mark(staging, env.clock()))
        put_in_place(staging, folder, DATABASE)


async def _mark(staging: Path, now: int) -> None:
    """Bring the database up to this version; note in it that it came back, with nothing good that
    was handed out to people before.
    """

    def mark(tables: NodeTables) -> None:
        tables.sign_in_steps.came_back()
        for hub in tables.hubs.all():
            notice(tables, hub.hub_id, Cause.RESTORED, now)

    engine = open_engine(staging)
    try:
        await engine.check()
        await engine.write(mark)
        await engine.settle()
    finally:
        await engine.close()
