"""patchwork-hub move-database: from the file to PostgreSQL, or back (hub/log/moving.py)."""

import asyncio
import shutil
import time
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.folder import Folder, out
from hub.config import load_settings, write_database
from hub.log.led import LedEngine
from hub.log.moving import Moved, Place, give_up, move_database
from hub.log.tile_rows import tiles_of
from hub.server.leading import LOOK_SECONDS, Election
from hub.store.moving import MoveState
from hub.store.tables import DATABASE, HubEngine, HubTables, open_database
from protocol.counted import counted
from protocol.errors import ErrorCode, LocalError
from runtime.cli import report_errors
from runtime.environment import Environment
from runtime.lock import only_one

FILE = "file"

app = typer.Typer()


@app.command(name="move-database")
def move(
    to: Annotated[
        str, typer.Argument(help=f"postgresql://user@host/name, without a password, or: {FILE}")
    ] = "",
    stay: Annotated[
        bool, typer.Option("--give-up", help="Stay where the hub is: a move was interrupted.")
    ] = False,
    folder: Folder = Path(),
) -> None:
    """Carry the stopped hub's database to PostgreSQL, or back to a file; go on if interrupted."""
    with report_errors():
        if stay == bool(to):
            raise LocalError(ErrorCode.CONFIGURATION, "say where to, or --give-up")
        with only_one(folder, "hub"):
            moved = asyncio.run(_give_up(folder) if stay else _move(folder, to))
        if moved is not None:
            out.print(
                f"{counted(moved.rows, 'row')} arrived, with {counted(moved.entries, 'entry')} of "
                f"the log, whose root is {moved.root}. hub.toml names the new database: start the "
                "hub again."
            )


async def _give_up(folder: Path) -> None:
    source = open_database(folder, load_settings(folder).database)
    try:
        await give_up(source)
    finally:
        await source.close()
    out.print("The hub stays where it is. What arrived elsewhere is to be deleted.")


async def _move(folder: Path, to: str) -> Moved:
    settings = load_settings(folder)
    here, there = settings.database, "" if to == FILE else to
    if here == there:
        raise LocalError(ErrorCode.CONFLICT, "the hub's database is there already")
    env = Environment()
    if not there:
        await _set_aside(folder)
    source, target = open_database(folder, here), open_database(folder, there)
    tiles = tiles_of(folder, there, _anybody)
    try:
        if here:
            await _others_ended(source, env, settings.lead_seconds)
        moved = await move_database(source, Place(target, tiles), env.new_id(), _tell)
    finally:
        tiles.close()
        await source.close()
        await target.close()
    write_database(folder, there)
    return moved


async def _others_ended(source: HubEngine, env: Environment, seconds: float) -> None:
    """Take the lead from processes that were stopped. Raises LocalError while one runs."""
    election = Election(source, LedEngine(source, alone=False), env.new_id(), seconds)
    try:
        async with asyncio.timeout(seconds + 4 * LOOK_SECONDS):
            await election.won()
    except TimeoutError:
        detail = "a process of this hub is running, perhaps elsewhere: stop it first"
        raise LocalError(ErrorCode.CONFLICT, detail) from None


def _anybody(_tables: HubTables) -> None:
    """Nobody leads while a database is moved."""


async def _set_aside(folder: Path) -> None:
    """A file that the hub has left before is kept beside the one that it comes back to."""
    shutil.rmtree(folder / "log", ignore_errors=True)  # tiles are made anew
    if not (folder / DATABASE).exists():
        return
    file: HubEngine = open_database(folder, "")
    move = await file.read(lambda tables: tables.moving.move())
    await file.settle()
    await file.close()
    if move is not None and move.state is MoveState.GONE:
        (folder / DATABASE).rename(folder / f"{DATABASE}.left-{int(time.time())}")


def _tell(table: str, rows: int) -> None:
    if rows:
        out.print(f"{table}: {rows}")
