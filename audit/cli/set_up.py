"""patchwork-audit set-up: from nothing to a checked log, by questions; run again, it checks anew.

With an invitation one becomes the council's auditor, who reads signed messages too; without one the
public log is checked, as anybody may. Each check is a case of its own in the folder, compared with
the one before. Exit codes: see audit/cli/main.py; 3 also: not finished, run it again.
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from audit.auditor.identity import AuditorFolder
from audit.case.case import Case
from audit.cli.bars import shown_on_terminal
from audit.cli.commands import apply_as_auditor, exit_code_of, fetch_case
from audit.cli.given import read_genesis
from audit.fetch.fetch import Source
from audit.outcome import Report
from audit.report.figures import audit_case
from audit.rules.signed import verification
from protocol.contact import require_hours, require_phone
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.wire import read_invitation
from runtime.environment import Environment
from runtime.folders import AUDITOR
from runtime.interview.answers import (
    TRIAL,
    Question,
    address,
    invitation,
    invitation_text,
    shown,
    yes_or_no,
)
from runtime.interview.cli import EXIT_UNFINISHED, GO_ON, AnswersFile, Interview, NoWait, leading

app = typer.Typer()

OTHER_LOG = (
    "the invitation is to a log with another genesis than that; if it was copied whole, somebody "
    "may be in between: call the council by a number that you knew before"
)


def invitation_or_none(text: str) -> str:
    """An invitation, or nothing. Raises ValueError."""
    return invitation(text) if text.strip() else ""


def genesis(text: str) -> str:
    """A genesis fingerprint as people copy it. Raises ValueError."""
    try:
        return read_genesis("".join(text.split()).lower())
    except LocalError:
        raise ValueError("a fingerprint has 64 digits and letters from a to f") from None


AUDITOR_QUESTIONS = {
    "name": Question("What is this auditor called, as the log will hold it"),
    "control_domain": Question("Which organisation runs it"),
    "duty_line": Question("Telephone, which the log will hold", require_phone),
    "duty_hours": Question("When does it answer", require_hours),
}
QUESTIONS = {
    "invitation": Question(
        "The council's invitation (its file, or paste it; Enter: none, to check the public log)",
        invitation_or_none,
        "",
    ),
    "url": Question("The hub's address (as https://hub.example)", address),
    "trial": TRIAL,
    "genesis": Question("The genesis fingerprint, from somebody else than the hub", genesis),
    **AUDITOR_QUESTIONS,
    "own_right": Question("Is that right", yes_or_no),
}


@app.command()
def set_up(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The auditor's own folder.")],
    answers: AnswersFile = None,
    no_wait: NoWait = False,
) -> None:
    """Lead an auditor from nothing to a checked log. Run again, it fetches and checks anew."""
    with leading(
        folder, AUDITOR, QUESTIONS, answers, wait=not no_wait, failed=exit_code_of
    ) as interview:
        report = AuditSetUp(folder, interview).run(wait=not no_wait)
    raise typer.Exit(report.exit_code)


class AuditSetUp:
    """The steps; each but the last is passed over where it has been taken."""

    def __init__(self, folder: Path, interview: Interview) -> None:
        self._folder = folder
        self._ask = interview

    def run(self, *, wait: bool) -> Report:
        """From wherever this folder stands to a new case, and what was found in it."""
        ask = self._ask
        invited = ask.text("invitation")
        source = self._source(invited)
        if invited and ask.answers.get("joined") is not True:
            self._joined(invitation_text(invited), wait=wait)
            ask.answers.keep("joined", True)
        case = self._fetched(source, payloads=bool(invited))
        report = self._checked(case)
        ask.answers.keep("last_case", case.name)
        ask.say(
            report.to_text(),
            "",
            f"The case is {shown(case)}: keep it unchanged. As a page with pictures:",
            f"  patchwork-audit report {shown(case)} --html report.html",
            "To fetch and check anew, at any time:",
            f"  patchwork-audit set-up {self._folder}",
        )
        return report

    def _source(self, invited: str) -> Source:
        """Which log, by an address and a fingerprint that did not come the same way."""
        ask = self._ask
        if not invited:
            return Source(ask.address("url"), ask.text("genesis"))
        to = read_invitation(invitation_text(invited))
        ask.check_plain(to.hub)
        while ask.text("genesis") != to.genesis:
            if ask.is_given("genesis"):
                raise LocalError(ErrorCode.NOT_ALLOWED, OTHER_LOG)
            ask.say(f"Not so: {OTHER_LOG}.")
            ask.refused("genesis")
        return Source(to.hub.rstrip("/"), to.genesis)

    def _joined(self, text: str, *, wait: bool) -> None:
        """Keys and an application; the council compares the words and lets this auditor in."""
        ask, folder = self._ask, AuditorFolder(self._folder)
        if not (self._folder / AUDITOR.file).exists():
            while True:
                said = {key: ask.text(key) for key in AUDITOR_QUESTIONS}
                line = "{name}, run by {control_domain}; {duty_line}, {duty_hours}."
                if ask.right("own_right", tuple(AUDITOR_QUESTIONS), [line.format(**said)]):
                    break
            folder.create(said, Environment().random)
            recovery = shown(self._folder / "recovery.json")
            ask.say(f"Move {recovery} out of this folder and into a safe.", "")
        if not asyncio.run(apply_as_auditor(self._folder, text, wait=wait, private=self._is_trial)):
            ask.say(GO_ON)
            raise typer.Exit(EXIT_UNFINISHED)

    def _fetched(self, source: Source, *, payloads: bool) -> Path:
        """A new case of this day, or the one whose fetching was cut off."""
        day = datetime.fromtimestamp(Environment().clock(), UTC).date()
        case, number = self._folder / f"case-{day}", 1
        while case.exists():
            number += 1
            case = self._folder / f"case-{day}-{number}"
        self._ask.say("", f"Fetching the log of {source.url}.")
        own = self._folder if payloads else None
        try:
            asyncio.run(fetch_case(source, case, own, private=self._is_trial))
        except RemoteError as error:
            if error.code is ErrorCode.BAD_TREE:
                self._ask.answers.drop("genesis")  # if it was a slip, it is asked for again
            raise
        return case

    def _checked(self, case: Path) -> Report:
        """What is found in a case; against the last one's checkpoint, if there is one."""
        last = self._ask.answers.get("last_case")
        before = self._folder / str(last) / "log" / "checkpoint"
        old = before.read_bytes() if last and before.exists() else None
        with shown_on_terminal() as told:
            if Case(case).has_payloads:
                return audit_case(Case(case), old, [], told=told).report
            return verification(Case(case), old, None, told)

    @property
    def _is_trial(self) -> bool:
        return self._ask.answers.get("trial") is True
