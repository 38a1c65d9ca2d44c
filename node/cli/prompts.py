"""What a command asks at the keyboard where an option was left out."""

import sys
from collections.abc import Sequence

import typer

from node.actions.requests import Grounds
from node.cli.printing import basis_lines
from node.views.bases import Offered
from protocol.errors import ErrorCode, LocalError


def choose(offered: Offered, purpose: str, basis: str, facts: Sequence[str]) -> Grounds:
    """Purpose, basis and facts: as given, or chosen from the charter's list at the keyboard."""
    if not basis:
        for line in basis_lines(offered.bases):
            typer.echo(line)
        basis = offered.bases[number_of("Lawful basis", len(offered.bases)) - 1].code
    chosen = offered.basis(basis)
    if not purpose and chosen is not None:
        for number, code in enumerate(chosen.purposes, 1):
            typer.echo(f"{number}. {offered.purposes.get(code, code)}")
        purpose = chosen.purposes[number_of("Purpose", len(chosen.purposes)) - 1]
    values = dict(_fact(text) for text in facts)
    if chosen is not None and sys.stdin.isatty():
        for rule in chosen.must_record:
            if rule.field not in values:
                hint = f" ({' / '.join(rule.choices)})" if rule.choices else ""
                values[rule.field] = typer.prompt(rule.title + hint)
    return Grounds(purpose, basis, values)


def confirm(question: str) -> None:
    """Ask a person at the keyboard before something leaves; a script is not asked."""
    if sys.stdin.isatty():
        typer.confirm(question, abort=True)


def number_of(what: str, most: int) -> int:
    """A number from 1 to `most`, asked for until it is one."""
    while True:
        number = int(typer.prompt(what, type=int))
        if 1 <= number <= most:
            return number
        typer.echo(f"Please type a number from 1 to {most}.")


def _fact(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not value:
        raise LocalError(ErrorCode.MALFORMED, "a fact is written field=value")
    return name, value
