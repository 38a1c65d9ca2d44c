"""patchwork-node api-description: the local interface's description, for programs. Print.

Exit codes: see node/cli/main.py.
"""

import typer

from node.web.api import description

app = typer.Typer()


@app.command("api-description")
def api_description() -> None:
    """Print what the local interface can do, as an OpenAPI 3.1 document for programs."""
    typer.echo(description().decode(), nl=False)
