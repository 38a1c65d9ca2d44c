"""patchwork-node serve: the running node. Exit codes: see node/cli/main.py."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import typer

from node.cli.options import Folder
from node.web.serving import serve as serve_folder
from protocol.counted import counted
from runtime.cli import report_errors

app = typer.Typer()


@app.command()
def serve(folder: Folder = Path()) -> None:
    """Fetch mail, send what waits and release what is allowed, until stopped."""
    with report_errors():

        def ready(hubs: int, places: Sequence[str]) -> None:
            typer.echo("; ".join([f"node serving {counted(hubs, 'hub')}", *places]))

        asyncio.run(serve_folder(folder, ready))
