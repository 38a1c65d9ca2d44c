"""What the four command lines share: error sentences, exit codes and quiet logs."""

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from protocol.errors import PatchworkError
from runtime.logs import configure_logs
from runtime.version import version

SELDOM = (20_000, 20, 20)
"""How many objects more than before it takes to look for waste (cycles that nobody holds), and how
often to look among the older ones: what a batch of clients makes is freed without.
"""


def look_seldom() -> None:
    """Set aside what loaded modules hold, once in a process, and look for waste seldom from now on:
    every command of ours does, so a measurement without a command has to.
    """
    if not gc.get_freeze_count():
        gc.freeze()
        gc.set_threshold(*SELDOM)


def make_cli(name: str, help_text: str) -> typer.Typer:
    """A command line whose tracebacks never show local variables (they may hold keys), and whose
    files and folders nobody else on this machine may read.
    """
    cli = typer.Typer(
        name=name, help=help_text, no_args_is_help=True, pretty_exceptions_show_locals=False
    )
    begin_with(cli, name, help_text)
    return cli


def begin_with(cli: typer.Typer, name: str, help_text: str) -> None:
    """Have a command line, or a group of commands of one, say its version as `name`, and keep what
    it writes to its user.
    """

    def say_version(asked: bool) -> None:
        if asked:
            typer.echo(f"{name} {version()}")
            raise typer.Exit

    @cli.callback(help=help_text)
    def begin(
        _version: Annotated[
            bool,
            typer.Option(
                "--version", is_eager=True, callback=say_version, help="Say which version this is."
            ),
        ] = False,
    ) -> None:
        os.umask(0o077)


def add_later(cli: typer.Typer, module: str, commands: Mapping[str, str]) -> None:
    """Add commands whose module is loaded when one of them runs: most of a start is imports.

    By name, each with its line in the list of commands. The module's `app` has them, or is one.
    """
    for name, line in commands.items():
        cli.command(name, cls=_later(module), help=line)(lambda: None)


def _later(module: str) -> type[TyperCommand]:
    class Later(TyperCommand):
        """Stands in the list of commands; parses and runs as the command of its name."""

        def make_context(self, *words: Any, **more: Any) -> Any:  # noqa: ANN401 - the command's own
            gc.disable()  # what modules make while they load stays: to look for waste is in vain
            try:
                app: TyperGroup = typer.main.get_group(import_module(module).app)
            finally:
                look_seldom()
                gc.enable()
            command = app if app.name == self.name else app.commands[str(self.name)]
            return command.make_context(*words, **more)

    return Later


Check = Callable[[str], object]
"""Takes what was typed, or raises ValueError or one of our errors, whose sentence is shown."""


def asked(question: str, check: Check = str, default: str | None = None) -> str:
    """An answer at the keyboard, asked for until `check` takes it; answers before it stay."""
    while True:
        text = str(
            typer.prompt(
                question, default, show_default=bool(default), prompt_suffix=suffix_of(question)
            )
        ).strip()
        try:
            check(text)
        except (PatchworkError, ValueError) as error:
            said = error.detail if isinstance(error, PatchworkError) else str(error)
            end = "" if said.endswith("?") else "."
            typer.echo(f"Not so: {said}{end} Please type it again.")
        else:
            return text


def suffix_of(question: str) -> str:
    """What stands between a question and its answer."""
    return " " if question.endswith("?") else ": "


def handed_over(argument: str, what: str, check: Check = str) -> str:
    """What somebody handed over in secret: typed or from input, since arguments show in `ps`."""
    if argument == "-" or (not argument and not sys.stdin.isatty()):
        return sys.stdin.read()
    if not argument:
        return asked(what[:1].upper() + what[1:], check)
    typer.echo(f"Others on this machine can see the {what}. Leave it out to be asked.", err=True)
    return argument


def tell(value: object, text: str, *, as_json: bool) -> None:
    """Say what a command did: to a script as JSON in one line, to a person in words."""
    typer.echo(json.dumps(value) if as_json else text)


@contextmanager
def report_errors(code: Callable[[BaseException], int] = lambda error: 1) -> Iterator[None]:
    """Turn whatever goes wrong into a sentence and an exit code, 1 unless `code` says another."""
    configure_logs()
    try:
        yield
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:  # noqa: BLE001 - nobody is shown a traceback: it can quote values
        from runtime.sentences import find, sentence_of  # late: few commands fail

        typer.echo(sentence_of(error), err=True)
        raise typer.Exit(code(find(error))) from None
