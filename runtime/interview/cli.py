"""A set-up at a terminal, or unattended: it asks, keeps what is answered, and waits.

Whenever it is cut off, the same command goes on: an answer that is kept is not asked for again, and
what has been made is not made again.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from protocol.errors import ErrorCode, LocalError
from runtime.cli import asked, report_errors
from runtime.folders import Kind, kind_of, require
from runtime.interview.answers import (
    Answers,
    Question,
    Value,
    in_words,
    number,
    port_of,
    read_answers,
)
from runtime.lock import only_one
from runtime.secrets import make_own_folder

LOOK_SECONDS = 0.5
EXIT_UNFINISHED = 3
GO_ON = "Nothing is lost: the same command goes on from here."

AnswersFile = Annotated[
    Path | None,
    typer.Option("--answers", help="A file with answers (TOML); what it lacks is asked."),
]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="End with exit code 3 instead of waiting for others.")
]

Found = TypeVar("Found")


@dataclass(frozen=True)
class Waiting:
    """What is still missing, said when it changes."""

    text: str


class Interview:
    """One set-up's questions, put to whoever runs it."""

    def __init__(
        self,
        folder: Path,
        questions: Mapping[str, Question],
        given: Path | None = None,
        *,
        wait: bool = True,
    ) -> None:
        self.answers = Answers(folder)
        self._questions = questions
        self._wait = wait
        self._again: set[str] = set()
        self._asked: set[str] = set()
        self._file = given.name if given else ""
        self._given = read_answers(given) if given else {}
        for key in self._given.keys() - questions.keys():
            known = ", ".join(questions)
            raise LocalError(
                ErrorCode.CONFIGURATION, f"{self._file}: nobody asks for {key}; there is: {known}"
            )

    def ask(self, key: str, usual: Value | None = None, *, anew: bool = False) -> Value:
        """The answer to a question; `usual` is what Enter stands for, `anew` asks once more what
        was answered in an earlier run. Raises LocalError where nobody is there to be asked.
        """
        question, kept = self._questions[key], self.answers.get(key)
        if key in self._given:
            value = self._read_given(key)
        elif kept is not None and key not in self._again and (not anew or key in self._asked):
            return kept
        else:
            before = kept if kept is not None else usual
            default = question.usual if before is None else before
            unasked = None if key in self._again else kept
            value = self._typed(question, default, unasked, _hint(key))
        self._again.discard(key)
        self._asked.add(key)
        self.answers.keep(key, value)
        return value

    def text(self, key: str, usual: Value | None = None, *, anew: bool = False) -> str:
        """An answer that is a text."""
        return str(self.ask(key, usual, anew=anew))

    def number(self, key: str, usual: int | None = None) -> int:
        """An answer that is a whole number."""
        return int(self.ask(key, usual))

    def within(self, key: str, least: int, most: int, usual: int) -> int:
        """A whole number within bounds that follow from another answer."""
        question = replace(self._questions[key], read=number(least, most))
        self._questions = {**self._questions, key: question}
        kept = self.answers.get(key)
        if kept is not None and not least <= int(kept) <= most:
            self.refused(key)
        return self.number(key, usual)

    def yes(self, key: str, usual: Value | None = None, *, anew: bool = False) -> bool:
        """An answer that is yes or no."""
        return self.ask(key, usual, anew=anew) is True

    def choice(self, key: str, titles: Mapping[str, str]) -> str:
        """One of several codes, by its number at a keyboard."""
        codes = list(titles)
        if self.answers.get(key) not in titles and key not in self._given:
            self.say(*(f"{at}. {title}" for at, title in enumerate(titles.values(), 1)))
        while True:
            said = self.text(key)
            at = int(said) if said.isascii() and said.isdecimal() else 0
            code = codes[at - 1] if 0 < at <= len(codes) else said
            if code in titles:
                self.answers.keep(key, code)
                return code
            if key in self._given:
                known = ", ".join(codes)
                raise LocalError(ErrorCode.CONFIGURATION, f"{self._file}: {key} is one of: {known}")
            self.say(f"Please write a number from 1 to {len(codes)}.")
            self.refused(key)

    def address(self, key: str) -> str:
        """An address; one without encryption only where it is said that this is a trial."""
        while True:
            url = self.text(key)
            if not url.startswith("http:") or self.yes("trial"):
                return url
            if self._given.keys() & {key, "trial"}:
                said = f"{self._file}: {key} is https://, or trial = true"
                raise LocalError(ErrorCode.CONFIGURATION, said)
            self.say("Then it needs https://, with TLS in front of it.")
            self.refused(key, "trial")

    def port(self, url: str, usual: int) -> int:
        """Where to listen: in a trial at the address itself, else at a port behind a TLS proxy."""
        own = port_of(url)
        if own is not None and not self.is_given("port"):
            return own
        return self.number("port", usual)

    def check_plain(self, url: str) -> None:
        """Raise LocalError(NOT_ALLOWED) for a hub's address without encryption, unless this is said
        to be a trial.
        """
        if not url.startswith("http:"):
            return
        known = self.answers.get("trial") is True
        if not known:
            self.say(f"The hub's address is {url}.")
        if not self.yes("trial", anew=not known):
            said = f"the hub's address {url} encrypts nothing: ask for one with https://"
            raise LocalError(ErrorCode.NOT_ALLOWED, said)

    def right(self, key: str, keys: Sequence[str], lines: Sequence[str]) -> bool:
        """Whether what was answered so far is right; if not, `keys` are asked again. Answers that
        come from a file alone are not asked about. Without `keys` it is what others have said, and
        nothing stands for a yes.
        """
        if self.answers.get(key) is True:
            return True
        self.say("", *lines)
        if key in self._given:
            right = self._read_given(key) is True
        elif keys and self._given.keys() >= {*keys}:
            right = True
        else:
            usual = "yes" if keys else None
            right = self._typed(self._questions[key], usual, None, _hint(key)) is True
        if right:
            self.answers.keep(key, value=True)
            return True
        if self._given.keys() & {key, *keys}:
            raise LocalError(ErrorCode.NOT_READY, f"correct {self._file} and run this again")
        self.again(*keys)
        return False

    def again(self, *keys: str) -> None:
        """Ask these again, also if they were answered."""
        self._again |= set(keys)

    def refused(self, *keys: str) -> None:
        """Ask these again; what was answered is not offered."""
        for key in keys:
            self.answers.drop(key)
        self.again(*keys)

    def once(self, question: Question) -> Value:
        """An answer that is asked for each time and kept nowhere; the usual one if nobody is
        there to be asked.
        """
        return self._typed(question, question.usual, question.usual)

    def is_given(self, key: str) -> bool:
        """Whether a file of answers says it."""
        return key in self._given

    def say(self, *lines: str) -> None:
        """Tell whoever runs it."""
        for line in lines:
            typer.echo(line)

    def until(self, look: Callable[[], Found | Waiting]) -> Found:
        """Look until something is there; what was found."""
        said = ""
        while True:
            found = look()
            if not isinstance(found, Waiting):
                return found
            if found.text != said:
                self.say("", found.text, "(Waiting; Ctrl-C stops.)" if self._wait else GO_ON)
                said = found.text
            if not self._wait:
                raise typer.Exit(EXIT_UNFINISHED)
            time.sleep(LOOK_SECONDS)

    def _read_given(self, key: str) -> Value:
        try:
            return self._questions[key].read(in_words(self._given[key]))
        except ValueError as error:
            raise LocalError(ErrorCode.CONFIGURATION, f"{self._file}: {key}: {error}") from None

    def _typed(
        self, question: Question, usual: Value | None, unasked: Value | None, hint: str = ""
    ) -> Value:
        """What is typed, until it can be read; `unasked` where input has ended. Raises LocalError
        where there is no such.
        """
        default = None if usual is None else in_words(usual)
        try:
            return question.read(asked(question.text, question.read, default))
        except typer.Abort:
            if sys.stdin.isatty():
                raise
            if unasked is None:
                said = f"nobody is here to answer: {question.text}?{hint}"
                raise LocalError(ErrorCode.NOT_READY, said) from None
            return unasked


def _hint(key: str) -> str:
    return f" In a file for --answers: {key} = ..."


@contextmanager
def leading(
    folder: Path,
    kind: Kind,
    questions: Mapping[str, Question],
    answers: Path | None,
    *,
    wait: bool,
    failed: Callable[[BaseException], int] = lambda _: 1,
) -> Iterator[Interview]:
    """A set-up of a folder, which is made: one at a time, its errors as sentences and the exit
    code that `failed` says. Another program's folder is refused.
    """
    try:
        with report_errors(failed):
            if kind_of(folder) not in {None, kind}:
                require(folder, kind)
            make_own_folder(folder)
            with only_one(folder, "set-up"):
                yield Interview(folder, questions, answers, wait=wait)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo(f"\nStopped. {GO_ON}")
        raise typer.Exit(EXIT_UNFINISHED) from None
