"""patchwork-keys: parse, call, print. A key holder's commands.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from keys.holder.folder import combine as combine_in
from keys.holder.folder import deal_anew, make_holder, read_terms
from protocol.dsse import parse_envelope
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.ceremony import DEAL_LIMIT
from runtime.cli import make_cli, report_errors
from runtime.folders import HOLDER, require
from runtime.interview.cli import AnswersFile, NoWait, leading

app = make_cli("patchwork-keys", "Hold one share of the token key: ceremony and service.")

Folder = Annotated[
    Path, typer.Option("--dir", envvar="PATCHWORK_KEYS_DIR", help="The key holder's folder.")
]
TermsFile = Annotated[
    Path, typer.Option("--terms", help="The terms that the operator gave to every key holder.")
]


@app.command()
def set_up(answers: AnswersFile = None, no_wait: NoWait = False, folder: Folder = Path()) -> None:
    """Lead a key holder through the founding of a council, and serve. Run again, it goes on."""
    from keys.holder.set_up import QUESTIONS, HolderSetUp

    with leading(folder, HOLDER, QUESTIONS, answers, wait=not no_wait) as interview:
        serving = HolderSetUp(folder, interview).run()
    if serving:
        serve(folder)


@app.command()
def init(
    name: Annotated[str, typer.Option(help="The key holder's name.")],
    control_domain: Annotated[str, typer.Option(help="Who controls it.")],
    url: Annotated[str, typer.Option(help="The URL at which it will answer.")],
    folder: Folder = Path(),
) -> None:
    """Make this key holder's own keys; writes public.json for the others."""
    with report_errors():
        typer.echo(make_holder(folder, name, control_domain, url).holder_id)


@app.command("deal")
def deal_shares(terms: TermsFile, folder: Folder = Path()) -> None:
    """Deal a random polynomial to the key holders; writes deal.json."""
    with report_errors():
        deal_anew(folder, read_terms(terms))
        typer.echo("deal.json is ready: give it to every key holder.")


@app.command()
def combine(
    terms: TermsFile,
    deal: Annotated[
        list[Path], typer.Option(help="Every key holder's deal file (repeat this option).")
    ],
    folder: Folder = Path(),
) -> None:
    """Check all deals, keep our share, and sign the transcript; writes transcript.json."""
    with report_errors():
        agreed = read_terms(terms)
        transcript = combine_in(folder, agreed, [_deal(path) for path in deal])
        typer.echo(f"The key of epoch {agreed.epoch} is {transcript['public_key']}")


@app.command()
def serve(folder: Folder = Path()) -> None:
    """Run the key holder until stopped."""
    # Late: a ceremony serves nothing, and the web server is large.
    from keys.holder.config import load_settings
    from keys.holder.service import HolderService
    from runtime.logs import configure_logs

    with report_errors():
        require(folder, HOLDER)
        settings = load_settings(folder)
        configure_logs(settings.log_level, settings.log_format)
        service = HolderService(folder, settings)
        asyncio.run(service.run(lambda port: typer.echo(f"key holder listening on port {port}")))


def _deal(path: Path) -> bytes:
    """A deal file's bytes. Raises LocalError(BAD_FILE) for another file."""
    data = path.read_bytes()
    try:
        parse_envelope(data, limit=DEAL_LIMIT)
    except RemoteError:
        raise LocalError(ErrorCode.BAD_FILE, f"{path} is not a key holder's deal.json") from None
    return data


def main() -> None:
    """The console script."""
    app()
