"""patchwork-hub succeed: begin a new log in the place of a lost one (specs/05-log.md §15)."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from hub.log.writer_lock import only_writer
from hub.members.succession import HubSigner, merge_cosignatures, read_recovered, succeed
from hub.store.tables import open_engine
from protocol.errors import ErrorCode, LocalError
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.note import MAX_NOTE_BYTES, NoteSigner, SignatureType
from protocol.signing import SecretSeed
from runtime.cli import report_errors
from runtime.environment import Environment
from runtime.secrets import read_secrets, write_secrets

Folder = Annotated[
    Path, typer.Option("--dir", envvar="PATCHWORK_HUB_DIR", help="The new hub's folder.")
]


def succeed_log(
    old: Annotated[
        Path, typer.Option("--from", help="What is left of the old folder: keys, plan, database.")
    ],
    checkpoint: Annotated[
        list[Path], typer.Option(help="A last checkpoint as a witness gives it (repeat).")
    ],
    origin: Annotated[str, typer.Option(help="The new log's name, e.g. hub.example/log2.")],
    folder: Folder = Path(),
) -> None:
    """Begin a new log after the old one was lost; prints its genesis and its verifier key."""
    with report_errors():
        if (folder / "keys.json").exists():
            raise LocalError(ErrorCode.CONFLICT, "the new folder holds a hub already")
        if not (old / "hub.sqlite").exists():
            raise LocalError(ErrorCode.NOT_FOUND, "--from holds no hub.sqlite")
        notes = [_read(path) for path in checkpoint]
        folder.mkdir(parents=True, exist_ok=True)
        with only_writer(old):
            genesis, vkey, lacks = asyncio.run(begin(folder, old, notes, origin))
        typer.echo(genesis)
        typer.echo(vkey)
        if lacks:
            typer.echo(
                f"What is left lacks the last {lacks} entries. Was a member suspended, or did one "
                "change its keys, in those? Then suspend it before you serve.",
                err=True,
            )


async def begin(folder: Path, old: Path, notes: list[bytes], origin: str) -> tuple[str, str, int]:
    """Write the new folder; the new log's genesis, its verifier key, and how many of the lost
    log's witnessed entries are not left. Raises LocalError, RemoteError.

    Everything is checked before the first file is written.
    """
    keys, env = read_secrets(old / "keys.json"), Environment()
    plan = json.loads((old / "plan.json").read_text(encoding="utf-8"))
    lost = open_engine(old)
    try:
        recovered = await lost.read(read_recovered)
    finally:
        await lost.close()
    note = merge_cosignatures(notes, recovered)
    seeds = {**keys, "log": env.random(32)}
    log_signer = NoteSigner(origin, SignatureType.ED25519, SecretSeed(seeds["log"]))
    signer = HubSigner(SecretSeed(seeds["sign"]), env)
    write_secrets(folder / "keys.json", seeds)
    engine = open_engine(folder)
    try:
        genesis = await engine.write(
            lambda tables: succeed(tables, recovered, note, log_signer.key, signer)
        )
    finally:
        await engine.close()
    (folder / "plan.json").write_text(json.dumps(plan | {"origin": origin}), encoding="utf-8")
    (folder / "genesis").write_text(genesis + "\n", encoding="utf-8")
    (folder / "log.vkey").write_text(log_signer.key.text + "\n", encoding="utf-8")
    lacks = max(0, parse_checkpoint(note)[1].size - recovered.held)
    return genesis, log_signer.key.text, lacks


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_NOTE_BYTES:
        raise LocalError(ErrorCode.BAD_FILE, f"{path.name} is too large for a checkpoint")
    return path.read_bytes()
