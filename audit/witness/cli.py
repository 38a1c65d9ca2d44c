"""The commands of the stand-alone witness (`patchwork-audit witness`): specs/05-log.md §10.

It parses, calls and prints. The key is made here and goes to its file only: never to an argument,
to the screen or to a log line.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from audit.witness.peers import ENOUGH, ask_peers
from audit.witness.pull import Puller
from audit.witness.store import WitnessStore, make_witness
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log.note import VerifierKey, parse_vkey
from protocol.signing import SEED_BYTES, SecretSeed
from runtime.cli import report_errors
from runtime.lock import only_one
from runtime.logs import LogFormat, LogLevel, configure_logs
from runtime.secrets import check_closed
from transport.client import HttpClient, require_url

EXIT_USAGE = 2

app = typer.Typer(name="witness", no_args_is_help=True, help="Run a witness for one or more logs.")

_Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The witness's own folder.")]


@app.command()
def init(
    folder: _Folder,
    name: Annotated[str, typer.Option(help="The name in every cosignature, e.g. w1.example.")],
) -> None:
    """Make the key of a new witness and print its verifier key."""
    with report_errors(_usage):
        seed = SecretSeed(secrets.token_bytes(SEED_BYTES))
        typer.echo(make_witness(folder, name, seed).text)


@app.command()
def add_log(
    folder: _Folder,
    vkey: Annotated[str, typer.Argument(metavar="VKEY", help="The log's verifier key.")],
) -> None:
    """Witness the log that this verifier key belongs to."""
    with report_errors(_usage), _opened(folder) as store:
        key = _key(vkey, "the log's key, as log.vkey in the hub's folder has it")
        store.add_log(key)
        typer.echo(f"witnessing {key.name}")


@app.command()
def add_peer(
    folder: _Folder,
    vkey: Annotated[str, typer.Argument(metavar="VKEY", help="Another witness's verifier key.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="Where it answers.")],
) -> None:
    """Ask this other witness at each start what it saw of us; name at least two."""
    with report_errors(_usage), _opened(folder) as store:
        key = _key(vkey, "the other witness's key, as its init printed it")
        store.add_peer(key, url)
        typer.echo(f"{key.name} will be asked at each start")


@app.command()
def run(
    folder: _Folder,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 picks a free one.")] = 8090,
    pull: Annotated[
        str, typer.Option(help="Do not listen: fetch from this hub and bring it our signature.")
    ] = "",
    allow_private_addresses: Annotated[
        bool, typer.Option(help="Allow http and private addresses (a test bench only).")
    ] = False,
    metrics_port: Annotated[
        int, typer.Option(help="With --pull: the port of /healthz and /metrics; 0 is off.")
    ] = 0,
    log_level: Annotated[
        LogLevel,
        typer.Option(envvar="PATCHWORK_WITNESS_LOG_LEVEL", help="From which level on to log."),
    ] = LogLevel.INFO,
    log_format: Annotated[
        LogFormat,
        typer.Option(envvar="PATCHWORK_WITNESS_LOG_FORMAT", help="How a line of the log looks."),
    ] = LogFormat.JSON,
) -> None:
    """Witness until SIGTERM or Ctrl-C: answer add-checkpoint, or pull from behind NAT."""
    with report_errors(_usage), _opened(folder) as store:
        configure_logs(log_level, log_format)
        check_closed(folder)
        if pull:
            require_url(pull, "--pull", allow_private=allow_private_addresses)
        with only_one(folder, "witness"):
            asyncio.run(_ask(store, private=allow_private_addresses))
            if pull:
                watched = (folder, host, metrics_port)
                asyncio.run(_pull(store, pull, watched, private=allow_private_addresses))
            else:
                asyncio.run(_serve(folder, store, host, port))


async def _ask(store: WitnessStore, *, private: bool) -> None:
    async with HttpClient(allow_private=private) as http:
        answered = await ask_peers(http, store)
    if answered < min(ENOUGH, len(store.peers())):
        typer.echo(f"only {answered} peers answered; carrying on", err=True)


async def _pull(
    store: WitnessStore, url: str, watched: tuple[Path, str, int], *, private: bool
) -> None:
    from audit.witness.watching import witness_watch
    from transport.server import serve_forever, until_stopped

    folder, host, port = watched
    async with HttpClient(allow_private=private) as http:
        puller = Puller(http, url, store, lambda: int(time.time()))
        work: list[Awaitable[object]] = [puller.run()]
        if port:
            watch = witness_watch(folder, store, puller.pulse)
            work.append(serve_forever(watch.application(), host, port))
        typer.echo(f"witness {store.key.name} pulling, not listening")
        await until_stopped(work)


async def _serve(folder: Path, store: WitnessStore, host: str, port: int) -> None:
    # Late: who makes a key or adds a log serves nothing, and the web server is large.
    from audit.witness.app import make_app
    from audit.witness.watching import witness_watch
    from transport.server import serve_until_stopped

    watch, name = witness_watch(folder, store), store.key.name
    app = make_app(store, lambda: int(time.time()), watch.routes())
    await serve_until_stopped(
        app,
        host,
        port,
        lambda bound: typer.echo(f"witness {name} listening on http://{host}:{bound}"),
    )


@contextmanager
def _opened(folder: Path) -> Iterator[WitnessStore]:
    store = WitnessStore(folder)
    try:
        yield store
    finally:
        store.close()


def _key(text: str, what: str) -> VerifierKey:
    try:
        return parse_vkey(text)
    except RemoteError:
        raise LocalError(ErrorCode.CONFIGURATION, f"VKEY: write {what}") from None


def _usage(_error: BaseException) -> int:
    return EXIT_USAGE
