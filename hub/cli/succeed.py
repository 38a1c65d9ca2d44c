"""patchwork-hub succeed: begin a new log in the place of a lost one (specs/05-log.md §15)."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.folder import Folder, JsonOutput
from hub.members.succession import begin
from protocol.counted import counted
from protocol.errors import ErrorCode, LocalError
from protocol.log.note import MAX_NOTE_BYTES
from runtime.cli import report_errors, tell
from runtime.environment import Environment

app = typer.Typer()


@app.command("succeed")
def succeed_log(
    old: Annotated[
        Path, typer.Option("--from", help="What is left of the old folder: keys, plan, database.")
    ],
    checkpoint: Annotated[
        list[Path], typer.Option(help="A last checkpoint as a witness gives it (repeat).")
    ],
    origin: Annotated[str, typer.Option(help="The new log's name, e.g. hub.example/log2.")],
    folder: Folder = Path(),
    as_json: JsonOutput = False,
) -> None:
    """Begin a new log after the old one was lost; prints its genesis and its verifier key."""
    with report_errors():
        notes = [_read(path) for path in checkpoint]
        new = asyncio.run(begin(folder, old, notes, origin, Environment()))
        value = {"genesis": new.genesis, "vkey": new.vkey, "lacks": new.lacks}
        tell(value, f"{new.genesis}\n{new.vkey}", as_json=as_json)
        if new.lacks:
            typer.echo(
                f"What is left lacks {counted(new.lacks, 'entry')} at its end. Was a member "
                "suspended, or did one change its keys, there? Then suspend it before you serve.",
                err=True,
            )


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_NOTE_BYTES:
        raise LocalError(ErrorCode.BAD_FILE, f"{path.name} is too large for a checkpoint")
    return path.read_bytes()
