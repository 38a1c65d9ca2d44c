"""What the four command lines share: error sentences, exit codes and quiet logs."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

import structlog
import typer

from protocol.errors import PatchworkError


def make_cli(name: str, help_text: str) -> typer.Typer:
    """A command line whose tracebacks never show local variables (they may hold keys), and whose
    files and folders nobody else on this machine may read.
    """
    cli = typer.Typer(
        name=name, help=help_text, no_args_is_help=True, pretty_exceptions_show_locals=False
    )

    @cli.callback(help=help_text)
    def begin() -> None:
        os.umask(0o077)

    return cli


def handed_over(argument: str, what: str) -> str:
    """What somebody handed over in secret: typed or from input, since arguments show in `ps`."""
    if argument == "-" or (not argument and not sys.stdin.isatty()):
        return sys.stdin.read()
    if not argument:
        return str(typer.prompt(what))
    typer.echo(f"Others on this machine can see the {what}. Leave it out to be asked.", err=True)
    return argument


@contextmanager
def report_errors() -> Iterator[None]:
    """Turn our errors, and those of files and sockets, into a sentence and exit code 1."""
    configure_logs()
    try:
        yield
    except PatchworkError as error:
        text = error.text
        typer.echo(f"{text.title} ({error.code}): {error.detail}\n{text.what_to_do}", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        name = PurePath(str(error.filename)).name if error.filename else "a file or address"
        typer.echo(f"{error.strerror or type(error).__name__}: {name}", err=True)
        raise typer.Exit(1) from None


def configure_logs() -> None:
    """JSON lines on stderr, without tracebacks: those can quote values."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
