"""patchwork-hub serve: the running hub."""

import asyncio
from pathlib import Path

import typer

from hub.cli.folder import Folder
from hub.config import load_settings
from hub.server.service import HubService
from runtime.cli import report_errors
from runtime.environment import Environment
from runtime.folders import HUB, require
from runtime.logs import configure_logs

app = typer.Typer()


@app.command()
def serve(folder: Folder = Path()) -> None:
    """Run the hub until stopped."""
    with report_errors():
        require(folder, HUB)
        settings = load_settings(folder)
        configure_logs(settings.log_level, settings.log_format)
        service = HubService(folder, settings, Environment())
        asyncio.run(service.run(lambda port: typer.echo(f"hub listening on port {port}")))
