"""What a command asks at the keyboard where an option was left out."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import typer

from node.actions.asking import Grounds
from node.cli.printing import basis_line
from node.records.by_hand import read_record
from node.views.bases import Offered
from protocol.errors import ErrorCode, LocalError
from protocol.governance.charter import FactRule
from protocol.matchkeys.normalise import parse_date
from protocol.requests.decide import fits
from protocol.requests.sealing import FACT_LIMIT
from runtime.cli import Check, asked
from runtime.interview.answers import number

ALL = "all"
TODAY = "today"
QUESTIONS = {
    "given": "Given name",
    "family": "Family name",
    "date_of_birth": "Date of birth",
    "postcode": "Postcode",
}


def at_keyboard() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty()


@dataclass
class Chosen:
    """What was chosen so far, so that it is not lost if somebody breaks off."""

    purpose: str
    basis: str
    facts: dict[str, str]

    def grounds(self) -> Grounds:
        """As a request takes it."""
        return Grounds(self.purpose, self.basis, dict(self.facts))


def said(purpose: str, basis: str, facts: Sequence[str] | None) -> Chosen:
    """What options say. Raises LocalError."""
    return Chosen(purpose, basis, dict(_fact(text) for text in facts or ()))


def choose(offered: Offered, so_far: Chosen) -> Grounds:
    """For what somebody asks, first of all; then the lawful basis that follows from it, and the
    facts that it demands, one by one. What was said already is not asked. Raises LocalError.
    """
    basis = offered.basis(so_far.basis)
    if not so_far.purpose:
        titles = offered.usable()
        if basis is not None:
            titles = {code: titles[code] for code in basis.purposes if code in titles}
        so_far.purpose = chosen("What do you ask for?", "--purpose", titles)
    if not so_far.basis:
        fitting = {item.code: item for item in offered.for_purpose(so_far.purpose)}
        lines = {code: basis_line(item) for code, item in fitting.items()}
        so_far.basis = chosen("On which lawful basis?", "--basis", lines)
        basis = fitting[so_far.basis]
        typer.echo(f"Lawful basis: {basis_line(basis)}.")
    if basis is not None and at_keyboard():
        for rule in basis.must_record:
            _ask_fact(rule, so_far.facts)
    return so_far.grounds()


def _ask_fact(rule: FactRule, facts: dict[str, str]) -> None:
    """Put what is typed of one fact to the others; what a record says nobody types."""
    if rule.side == "holder":
        typer.echo(f"{rule.title} They look at theirs when they answer.")
    elif rule.record is not None:
        typer.echo(f"{rule.title} It is in your consent record.")
    elif rule.field not in facts:
        facts[rule.field] = _typed_fact(rule)


def _typed_fact(rule: FactRule) -> str:
    """One fact, asked for until it has its form."""
    if rule.type == "enum":
        typer.echo(rule.title)
        _list(code.replace("_", " ") for code in rule.choices)
        return rule.choices[number_of("Which", len(rule.choices)) - 1]

    def check(text: str) -> None:
        if rule.type == "date" and not fits(rule, text):
            raise ValueError("write a day as 2026-11-30")
        if len(text) > FACT_LIMIT:
            raise ValueError(f"that is {len(text)} characters, and {FACT_LIMIT} can be sent")

    return asked(rule.title, check)


def typed_record(typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed of a person, by field, with the usual four asked for at the keyboard if none
    of it was said.
    """
    if any(typed.values()) or not sys.stdin.isatty():
        return dict(typed)
    # A day more than today: whose calendar is ahead of ours may have a child that was born today.
    latest = (datetime.now(UTC) + timedelta(days=1)).date()
    return {**typed} | {
        name: asked(
            f"{question} (empty if not known)",
            lambda text, name=name: read_record({name: text}, latest),  # type: ignore[misc]
            "",
        )
        for name, question in QUESTIONS.items()
    }


def role_among(roles: Sequence[str]) -> str:
    """In which of these roles somebody acts; the only one is not asked. Raises LocalError."""
    return chosen("Your role", "--role", {code: code.replace("_", " ") for code in roles})


def confirm(question: str) -> None:
    """Ask a person at the keyboard before something leaves; a script is not asked."""
    if at_keyboard():
        typer.confirm(question, abort=True)


def number_of(what: str, most: int) -> int:
    """A number from 1 to `most`, asked for until it is one."""
    read = number(1, most)
    return read(asked(what, read))


def chosen(what: str, option: str, offered: Mapping[str, str]) -> str:
    """One of what is offered (titles by code), by its number at the keyboard; the only one there
    is. Raises LocalError where there is none, or nobody is at a keyboard.
    """
    codes = list(offered)
    if not codes:
        raise LocalError(ErrorCode.NOT_FOUND, f"the charter has none for you: {what.lower()}")
    if len(codes) == 1:
        return codes[0]
    if not at_keyboard():
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
    if not at_keyboard():
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


def typed(what: str, option: str, check: Check = str, default: str = "") -> str:
    """A text, asked for at the keyboard until `check` takes it. Raises LocalError where nobody is
    at one.
    """
    if not at_keyboard():
        raise LocalError(ErrorCode.NOT_READY, f"say it with {option}")
    return asked(what, check, default or None)


def is_day(text: str) -> None:
    """A check: a day, in any of the ways in which people write one, or today. Raises ValueError."""
    if text not in (TODAY, "now") and parse_date(text) is None:
        raise ValueError("write a day, as 14/3/2026 or 2026-03-14")


def _list(titles: Iterable[str]) -> None:
    for at, title in enumerate(titles, 1):
        typer.echo(f"{at}. {title}")


def _fact(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not value:
        raise LocalError(ErrorCode.MALFORMED, "a fact is written field=value")
    return name, value
