"""Options that many commands have."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[
    Path, typer.Option("--dir", envvar="PATCHWORK_NODE_DIR", help="The node's folder.")
]
HubName = Annotated[str, typer.Option("--hub", help="Which hub, if you belong to several.")]
JsonOutput = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Client = Annotated[str, typer.Argument(help="The client's id in your own system.")]
PersonName = Annotated[
    str,
    typer.Option(
        "--as", envvar="PATCHWORK_NODE_AS", help="Your name, as patchwork-node people list has it."
    ),
]
Given = Annotated[str, typer.Option(help="Given names.")]
Family = Annotated[str, typer.Option(help="Family name.")]
Born = Annotated[str, typer.Option(help="Date of birth, as 14/3/2022 or 2022-03-14.")]
Postcode = Annotated[str, typer.Option(help="Postcode.")]
Address = Annotated[str, typer.Option(help="First line of the address.")]
NhsNumber = Annotated[str, typer.Option("--nhs-number", help="NHS number.")]
