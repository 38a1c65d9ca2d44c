"""patchwork-hub backup and restore: encrypted, the pepper apart (hub/log/backup.py)."""

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.folder import Folder, out
from hub.log.backup import make_backup, make_pepper_backup, restore_backup
from runtime.cli import report_errors
from runtime.environment import Environment
from storage.factors import WHO_SIGNS_IN

app = typer.Typer()


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The backup to write.")],
    to: Annotated[list[str], typer.Option(help="An age recipient, age1... (repeat).")],
    pepper: Annotated[
        bool, typer.Option("--pepper", help="Back up the pepper alone. Keep it elsewhere.")
    ] = False,
    folder: Folder = Path(),
) -> None:
    """Write an encrypted backup, also while the hub runs. The pepper is not in it."""
    with report_errors():
        (make_pepper_backup if pepper else make_backup)(folder, file, to, Environment())
        out.print(f"{file} is written. Only the keeper of the age key can open it.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    identity: Annotated[list[Path], typer.Option(help="A file of age identities (repeat).")],
    pepper: Annotated[Path | None, typer.Option(help="The backup of the pepper.")] = None,
    folder: Folder = Path(),
) -> None:
    """Make a hub's folder from a backup. It signs only if no witness has seen a longer log."""
    with report_errors():
        restore_backup(folder, file, pepper, identity, Environment())
        out.print("Restored. At its next start it asks the witnesses whether anything is newer.")
        out.print(WHO_SIGNS_IN)
