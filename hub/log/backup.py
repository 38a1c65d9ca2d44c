"""A hub's folder as an encrypted backup, and back: docs/operate/README.md.

The pepper is in none: whoever opens a backup must not be able to try tokens. It has a backup of its
own, to be kept elsewhere. A hub that was restored signs nothing before hub/log/newest.py lets it.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hub.log.moving import make_tiles
from hub.log.tile_store import TileStore
from hub.store.tables import HubTables, opened
from protocol.errors import ErrorCode, LocalError
from runtime.environment import Environment
from runtime.lock import only_one
from runtime.secrets import make_own_folder, read_secrets, write_secrets
from storage.backup import Label, opened_backup, put_in_place, write_backup
from storage.sqlite import snapshot

PROGRAM = "patchwork-hub"
PEPPER = "the pepper of a patchwork-hub"
DATABASE, KEYS, PEPPER_FILE = "hub.sqlite", "keys.json", "pepper.json"
FILES = ("hub.toml", "plan.json", "terms.json", "genesis", "log.vkey")


def make_backup(folder: Path, target: Path, recipients: list[str], env: Environment) -> None:
    """Write a backup, also while the hub runs. Raises LocalError."""
    if not (folder / DATABASE).exists():
        raise LocalError(ErrorCode.NOT_READY, "there is no hub in this folder")
    keys = read_secrets(folder / KEYS)
    files = {name: folder / name for name in FILES if (folder / name).exists()}
    with snapshot(folder / DATABASE) as database:
        kept = database.with_name(KEYS)
        write_secrets(kept, {name: value for name, value in keys.items() if name != "pepper"})
        label = Label(PROGRAM, env.clock())
        write_backup(target, recipients, label, {**files, KEYS: kept, DATABASE: database})


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
        tables.mailboxes.begin(env.new_id())
        tables.over_quota.came_back(env.clock())
        if tables.log.next_index():
            tables.checkpoints.came_back(env.clock())

    async with opened(staging) as engine:
        await engine.check()
        await engine.write(mark)
        await make_tiles(engine, TileStore(staging / "log"))
        await engine.settle()
