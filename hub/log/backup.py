"""A hub's folder as an encrypted backup, and back: docs/operate/README.md.

The pepper is in none: whoever opens a backup must not be able to try tokens. It has a backup of its
own, to be kept elsewhere. A hub that was restored signs nothing before hub/log/newest.py lets it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from hub.config import load_settings, write_database
from hub.log.moving import ROWS, make_tiles, put_page
from hub.log.tile_store import TileStore
from hub.store.tables import DATABASE, SCHEMA, HubTables, has_database, open_connection, opened
from protocol.errors import ErrorCode, LocalError
from runtime.environment import Environment
from runtime.folders import HUB, require
from runtime.lock import only_one
from runtime.secrets import make_own_folder, read_secrets, write_secrets
from storage.backup import Label, opened_backup, put_in_place, write_backup
from storage.sqlite import SqliteDatabase, snapshot

PROGRAM = "patchwork-hub"
PEPPER = "the pepper of a patchwork-hub"
KEYS, PEPPER_FILE = "keys.json", "pepper.json"
FILES = ("hub.toml", "plan.json", "terms.json", "genesis", "log.vkey")


def make_backup(folder: Path, target: Path, recipients: list[str], env: Environment) -> None:
    """Write a backup, also while the hub runs. Raises LocalError."""
    require(folder, HUB)
    if not has_database(folder):
        raise LocalError(ErrorCode.NOT_READY, "this hub holds nothing yet: run patchwork-hub found")
    keys = read_secrets(folder / KEYS)
    files = {name: folder / name for name in FILES if (folder / name).exists()}
    with _copy(folder) as database:
        kept = database.with_name(KEYS)
        write_secrets(kept, {name: value for name, value in keys.items() if name != "pepper"})
        label = Label(PROGRAM, env.clock())
        write_backup(target, recipients, label, {**files, KEYS: kept, DATABASE: database})


@contextmanager
def _copy(folder: Path) -> Iterator[Path]:
    """The database as it is now, as a file, until that has been read."""
    address = load_settings(folder).database
    if not address:
        with snapshot(folder / DATABASE) as copy:
            yield copy
        return
    with TemporaryDirectory(prefix=".backup-", dir=folder) as beside:
        _carry(address, Path(beside) / DATABASE)
        yield Path(beside) / DATABASE


def _carry(address: str, to: Path) -> None:
    """Write a file with all rows of a server's database, as they are at one moment."""

    def carry(tables: HubTables) -> None:
        to.unlink(missing_ok=True)  # of a try that was cut off
        file = SqliteDatabase(to, SCHEMA, HubTables)
        for page in tables.moving.pages(ROWS):
            file.write(partial(put_page, page=page))
        file.settle()
        file.close()

    database = open_connection(address)
    try:
        database.read(carry)
    finally:
        database.close()


def make_pepper_backup(folder: Path, target: Path, recipients: list[str], env: Environment) -> None:
    """Write a backup of the pepper alone. Raises LocalError."""
    keys = read_secrets(folder / KEYS)
    with TemporaryDirectory(prefix=".backup-", dir=folder) as beside:
        pepper = Path(beside) / PEPPER_FILE
        write_secrets(pepper, {"pepper": keys["pepper"]})
        write_backup(target, recipients, Label(PEPPER, env.clock()), {PEPPER_FILE: pepper})


def restore_backup(
    folder: Path, source: Path, pepper: Path | None, identities: list[Path], env: Environment
) -> None:
    """Make a hub's folder from a backup and that of its pepper; without the pepper it can only have
    a successor. Raises LocalError: CONFLICT where there is a hub.
    """
    if (folder / DATABASE).exists():
        detail = "this folder holds a hub: move it away, and restore into an empty one"
        raise LocalError(ErrorCode.CONFLICT, detail)
    make_own_folder(folder)
    with (
        only_one(folder, "hub"),
        opened_backup(source, identities, PROGRAM, folder) as staging,
    ):
        if pepper is not None:
            keys = read_secrets(staging / KEYS) | _pepper(folder / "pepper", pepper, identities)
            (staging / KEYS).unlink()
            write_secrets(staging / KEYS, keys)
        write_database(staging, "")  # it begins in a file, wherever it was before
        asyncio.run(_make_anew(staging, env))
        put_in_place(staging, folder, DATABASE)


def _pepper(beside: Path, source: Path, identities: list[Path]) -> dict[str, bytes]:
    try:
        with opened_backup(source, identities, PEPPER, beside) as staging:
            return read_secrets(staging / PEPPER_FILE)
    finally:
        beside.rmdir()


async def _make_anew(staging: Path, env: Environment) -> None:
    """Note in the database that it came back, begin its mailboxes' numbers anew, and make the tiles
    that its newest checkpoint is over.
    """

    def mark(tables: HubTables) -> None:
        tables.sign_in_steps.came_back()
        tables.mailboxes.begin(env.new_id())
        tables.over_quota.came_back(env.clock())
        if tables.log.next_index():
            tables.checkpoints.came_back(env.clock())

    async with opened(staging) as engine:
        await engine.check()
        await engine.write(mark)
        await make_tiles(engine, TileStore(staging / "log"))
        await engine.settle()
