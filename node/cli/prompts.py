"""What a command asks at the keyboard where an option was left out."""

import sys
from collections.abc import Iterable, Mapping, Sequence

import typer

from node.actions.requests import Grounds
from node.cli.printing import basis_lines
from node.views.bases import Offered
from protocol.errors import ErrorCode, LocalError
from protocol.governance.charter import FactRule

ALL = "all"
QUESTIONS = {
    "given": "Given name",
    "family": "Family name",
    "date_of_birth": "Date of birth",
    "postcode": "Postcode",
}


def choose(offered: Offered, purpose: str, basis: str, facts: Sequence[str]) -> Grounds:
    """Purpose, basis and facts: as given, or chosen from the charter's list at the keyboard."""
    if not basis:
        for line in basis_lines(offered.bases):
            typer.echo(line)
        basis = offered.bases[number_of("Lawful basis", len(offered.bases)) - 1].code
    asked = offered.basis(basis)
    if not purpose and asked is not None:
        titles = [offered.purposes.get(code, code) for code in asked.purposes]
        _list(titles)
        purpose = asked.purposes[number_of("Purpose", len(titles)) - 1]
    values = dict(_fact(text) for text in facts)
    if asked is not None and sys.stdin.isatty():
        values |= _typed_facts(asked.asked, values)
    return Grounds(purpose, basis, values)


def _typed_facts(rules: Sequence[FactRule], said: Mapping[str, str]) -> dict[str, str]:
    """What is typed of the facts that were not said; what a record says nobody types."""
    values = {}
    for rule in rules:
        if rule.record is not None:
            typer.echo(f"{rule.title} It is in your consent record.")
        elif rule.field not in said:
            hint = f" ({' / '.join(rule.choices)})" if rule.choices else ""
            values[rule.field] = typer.prompt(rule.title + hint)
    return values


def typed_record(typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed of a person, by field, with the usual four asked for at the keyboard if none
    of it was said.
    """
    if any(typed.values()) or not sys.stdin.isatty():
        return dict(typed)
    return {**typed} | {
        name: typer.prompt(f"{question} (empty if not known)", default="", show_default=False)
        for name, question in QUESTIONS.items()
    }


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


def chosen(what: str, option: str, offered: Mapping[str, str]) -> str:
    """One of what is offered (titles by code), by its number at the keyboard; the only one there
    is. Raises LocalError where there is none, or nobody is at a keyboard.
    """
    codes = list(offered)
    if not codes:
        raise LocalError(ErrorCode.NOT_FOUND, f"the charter has none for you: {what.lower()}")
    if len(codes) == 1:
        return codes[0]
    if not sys.stdin.isatty():
        raise LocalError(ErrorCode.NOT_READY, f"say it with {option}: {', '.join(codes)}")
    _list(offered.values())
    return codes[number_of(what, len(codes)) - 1]


def chosen_many(
    what: str, option: str, offered: Mapping[str, str], said: Sequence[str] | None
) -> list[str]:
    """Some of what is offered, as said by code or chosen by numbers; none of them means all. Raises
    LocalError where nobody is at a keyboard and nothing was said.
    """
    if said:
        return [code for code in said if code != ALL]
    codes = list(offered)
    if not sys.stdin.isatty():
        raise LocalError(ErrorCode.NOT_READY, f"say it with {option}: {', '.join([ALL, *codes])}")
    _list(offered.values())
    while True:
        text = typer.prompt(
            f"{what} (numbers, as 1 3; empty is all)", default="", show_default=False
        )
        numbers = text.replace(",", " ").split()
        if all(number.isdecimal() and 1 <= int(number) <= len(codes) for number in numbers):
            return [codes[int(number) - 1] for number in numbers]
        typer.echo(f"Please type numbers from 1 to {len(codes)}.")


def typed(what: str, option: str, default: str = "") -> str:
    """A text, asked for at the keyboard. Raises LocalError where nobody is at one."""
    if not sys.stdin.isatty():
        raise LocalError(ErrorCode.NOT_READY, f"say it with {option}")
    return str(typer.prompt(what, default=default or None))


def _list(titles: Iterable[str]) -> None:
    for number, title in enumerate(titles, 1):
        typer.echo(f"{number}. {title}")


def _fact(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not value:
        raise LocalError(ErrorCode.MALFORMED, "a fact is written field=value")
    return name, value
