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
from runtime.cli import begin_with, report_errors
from runtime.folders import WITNESS
from runtime.interview.cli import AnswersFile, NoWait, leading
from runtime.lock import only_one
from runtime.logs import LogFormat, LogLevel, configure_logs
from runtime.secrets import check_closed
from transport.client import HttpClient, require_url

EXIT_USAGE = 2

HELP = "Run a witness for one or more logs."
app = typer.Typer(name="witness", no_args_is_help=True, help=HELP)
begin_with(app, "patchwork-audit witness", HELP)

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
def set_up(folder: _Folder, answers: AnswersFile = None, no_wait: NoWait = False) -> None:
    """Lead a witness through the founding of a council, and serve. Run again, it goes on."""
    from audit.witness.set_up import QUESTIONS, WitnessSetUp

    with leading(folder, WITNESS, QUESTIONS, answers, wait=not no_wait, failed=_usage) as interview:
        serving = WitnessSetUp(folder, interview).run()
    if serving:
        run(folder)


@app.command()
def run(
    folder: _Folder,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 picks a free one.")] = None,
    pull: Annotated[
        str | None,
        typer.Option(help="Do not listen: fetch from this hub and bring it our signature."),
    ] = None,
    allow_private_addresses: Annotated[
        bool | None, typer.Option(help="Allow http and private addresses (a test bench only).")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="With --pull: the port of /healthz and /metrics; 0 is off.")
    ] = None,
    log_level: Annotated[LogLevel | None, typer.Option(help="From which level on to log.")] = None,
    log_format: Annotated[
        LogFormat | None, typer.Option(help="How a line of the log looks.")
    ] = None,
) -> None:
    """Witness until SIGTERM or Ctrl-C: answer add-checkpoint, or pull from behind NAT. What is left
    out is as witness.toml says.
    """
    from audit.witness.config import load_settings

    with report_errors(_usage), _opened(folder) as store:
        check_closed(folder)
        said = {
            "host": host, "port": port, "pull": pull,
            "allow_private_addresses": allow_private_addresses, "metrics_port": metrics_port,
            "log_level": log_level, "log_format": log_format,
        }  # fmt: skip
        changed = {name: value for name, value in said.items() if value is not None}
        settings = load_settings(folder).model_copy(update=changed)
        configure_logs(settings.log_level, settings.log_format)
        private = settings.allow_private_addresses
        if settings.pull:
            require_url(settings.pull, "--pull", allow_private=private)
        with only_one(folder, "witness"):
            asyncio.run(_ask(store, private=private))
            if settings.pull:
                watched = (folder, settings.host, settings.metrics_port)
                asyncio.run(_pull(store, settings.pull, watched, private=private))
            else:
                asyncio.run(_serve(folder, store, settings.host, settings.port))


async def _ask(store: WitnessStore, *, private: bool) -> None:
    async with HttpClient(allow_private=private) as http:
        answered = await ask_peers(http, store)
    named = len(store.peers())
    if answered < min(ENOUGH, named) and any(log.head is not None for log in store.logs()):
        typer.echo(
            f"{answered} of {named} other witnesses said whether they saw something newer of this "
            "one; it serves all the same",
            err=True,
        )


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
