"""patchwork-keys: parse, call, print. A key holder's commands.

Exit codes: 0 done, 1 refused or failed (the sentence says why), 2 wrong usage.
"""

import asyncio
import secrets
from pathlib import Path
from typing import Annotated

import typer

from keys.holder.ceremony import DEAL_LIMIT, Identity, combine_deals, write_deal
from protocol.dsse import parse_envelope
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.ceremony import CEREMONY_LIMIT, CeremonyTerms, HolderRecord
from protocol.signing import SecretSeed, public_key
from protocol.wire import encode_wire, parse_wire
from runtime.cli import make_cli, report_errors
from runtime.folders import HOLDER, require
from runtime.handed import read_handed
from runtime.secrets import make_own_folder, read_secrets, write_secrets
from transport.seal import seal_public_key

app = make_cli("patchwork-keys", "Hold one share of the token key: ceremony and service.")

Folder = Annotated[
    Path, typer.Option("--dir", envvar="PATCHWORK_KEYS_DIR", help="The key holder's folder.")
]
TermsFile = Annotated[
    Path, typer.Option("--terms", help="The terms that the operator gave to every key holder.")
]


@app.command()
def init(
    name: Annotated[str, typer.Option(help="The key holder's name.")],
    control_domain: Annotated[str, typer.Option(help="Who controls it.")],
    url: Annotated[str, typer.Option(help="The URL at which it will answer.")],
    folder: Folder = Path(),
) -> None:
    """Make this key holder's own keys; writes public.json for the others."""
    with report_errors():
        keys = {"sign": secrets.token_bytes(32), "seal": secrets.token_bytes(32)}
        record = HolderRecord(
            holder_id=secrets.token_hex(16),
            name=name,
            control_domain=control_domain,
            sign=public_key(SecretSeed(keys["sign"])).hex(),
            seal=seal_public_key(keys["seal"]),
            url=url,
        )
        make_own_folder(folder)
        write_secrets(folder / "keys.json", keys)
        (folder / "public.json").write_bytes(encode_wire(record))
        typer.echo(record.holder_id)


@app.command("deal")
def deal_shares(terms: TermsFile, folder: Folder = Path()) -> None:
    """Deal a random polynomial to the key holders; writes deal.json."""
    with report_errors():
        agreed = _terms(terms)
        (folder / "deal.json").write_bytes(
            write_deal(agreed, _identity(folder), secrets.token_bytes)
        )
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
        agreed = _terms(terms)
        files = [_deal(path) for path in deal]
        share, transcript, signed = combine_deals(agreed, _identity(folder), files)
        write_secrets(folder / f"share-{agreed.epoch}.json", {"share": share.secret.to_bytes()})
        (folder / "transcript.json").write_bytes(signed)
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


def _terms(path: Path) -> CeremonyTerms:
    return read_handed(CeremonyTerms, path, "the council's terms.json", limit=CEREMONY_LIMIT)


def _deal(path: Path) -> bytes:
    """A deal file's bytes. Raises LocalError(BAD_FILE) for another file."""
    data = path.read_bytes()
    try:
        parse_envelope(data, limit=DEAL_LIMIT)
    except RemoteError:
        raise LocalError(ErrorCode.BAD_FILE, f"{path} is not a key holder's deal.json") from None
    return data


def _identity(folder: Path) -> Identity:
    require(folder, HOLDER)
    keys = read_secrets(folder / "keys.json")
    record = parse_wire(HolderRecord, (folder / "public.json").read_bytes())
    return Identity(record, SecretSeed(keys["sign"]), SecretSeed(keys["seal"]))


def main() -> None:
    """The console script."""
    app()
