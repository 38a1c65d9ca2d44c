"""What a command asks at the keyboard where an option was left out."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import typer

from node.cli.printing import basis_lines
from node.membership.hub import HubMembership
from protocol.errors import ErrorCode, LocalError


@dataclass(frozen=True)
class Choice:
    """Purpose, lawful basis and facts of a request."""

    purpose: str
    basis: str
    facts: Mapping[str, str]


def choose(membership: HubMembership, purpose: str, basis: str, facts: Sequence[str]) -> Choice:
    """Purpose, basis and facts: as given, or chosen from the charter's list at the keyboard."""
    charter, own_class = membership.charter, membership.me().body.member_class
    usable = [
        item
        for item in charter.lawful_bases
        if item.in_force == "yes" and own_class in item.requester_classes
    ]
    if not basis:
        for line in basis_lines(usable):
            typer.echo(line)
        basis = usable[_number("Lawful basis", len(usable)) - 1].code
    chosen = next((item for item in usable if item.code == basis), None)
    if not purpose and chosen is not None:
        titles = {item.code: item.title for item in charter.purposes}
        for number, code in enumerate(chosen.purposes, 1):
            typer.echo(f"{number}. {titles.get(code, code)}")
        purpose = chosen.purposes[_number("Purpose", len(chosen.purposes)) - 1]
    values = dict(_fact(text) for text in facts)
    if chosen is not None and sys.stdin.isatty():
        for rule in chosen.must_record:
            if rule.field not in values:
                hint = f" ({' / '.join(rule.choices)})" if rule.choices else ""
                values[rule.field] = typer.prompt(rule.title + hint)
    return Choice(purpose, basis, values)


def _number(what: str, most: int) -> int:
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
