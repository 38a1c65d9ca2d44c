"""What all commands of patchwork-hub share: where the hub's folder is, and how they print."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

Folder = Annotated[
    Path, typer.Option("--dir", envvar="PATCHWORK_HUB_DIR", help="The hub's folder.")
]
JsonOutput = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

out = Console(soft_wrap=True, markup=False, highlight=False)
