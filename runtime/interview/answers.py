"""Answers to a set-up's questions: how each is read, and the file in which they are kept.

The file is TOML, one line an answer, so that a person can read it, correct it, or prepare one
(`--answers`). Nothing in it is a key.
"""

import shlex
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from protocol.errors import ErrorCode, LocalError, RemoteError
from runtime.files import put_file, toml_lines
from runtime.folders import kind_of

Value = str | int | bool
KEPT = "set-up.toml"
INVITATION_LIMIT = 10_000
_MAGIC = frozenset("*?[")
_YES, _NO = ("y", "yes"), ("n", "no")


def name(text: str) -> str:
    """A name as people write it. Raises ValueError that says what to write."""
    # Late: what reads names is large, and few commands ask anything.
    from protocol.contact import require_name

    return require_name(text)


@dataclass(frozen=True)
class Question:
    """What is asked, and how an answer is read: a value, or ValueError that says what to write."""

    text: str
    read: Callable[[str], Value] = name
    usual: str | None = None


class Answers:
    """The answers kept in a folder; each is on the disk before the next question is asked."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / KEPT
        self._values = dict(read_answers(self._path)) if self._path.exists() else {}

    def get(self, key: str) -> Value | None:
        """What was answered."""
        return self._values.get(key)

    def keep(self, key: str, value: Value) -> None:
        """Put an answer in the place of the one before."""
        if self._values.get(key) != value:
            self._values[key] = value
            self._write()

    def drop(self, key: str) -> None:
        """Forget an answer that was refused: it stands for nothing."""
        if self._values.pop(key, None) is not None:
            self._write()

    def _write(self) -> None:
        put_file(self._path, toml_lines(self._values).encode())


def read_answers(path: Path) -> Mapping[str, Value]:
    """The answers in a file. Raises LocalError(CONFIGURATION) naming the key, OSError."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        said = f'{path.name} is not TOML: write one line an answer, as in name = "Wexcombe hub"'
        raise LocalError(ErrorCode.CONFIGURATION, said) from error
    for key, value in found.items():
        if not isinstance(value, str | int):
            raise LocalError(ErrorCode.CONFIGURATION, f"{path.name}: {key} is no text or number")
    return found


def in_words(value: Value) -> str:
    """A value as somebody would type it."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def yes_or_no(text: str) -> bool:
    """A question's yes or no."""
    word = text.strip().lower()
    if word not in (*_YES, *_NO):
        raise ValueError("write yes or no")
    return word in _YES


def number(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers within these bounds."""

    def read(text: str) -> int:
        plain = text.strip().replace(",", "")
        if not (plain.isascii() and plain.isdecimal() and least <= int(plain) <= most):
            raise ValueError(f"write a number from {least} to {most}")
        return int(plain)

    return read


def address(text: str) -> str:
    """Where a service answers: https (or http, for a trial), without a slash at its end."""
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or not url.isascii() or not url.isprintable() or " " in url or len(url) > 200:
        raise ValueError("write a whole address, as https://hub.example")
    return url


def address_or_none(text: str) -> str:
    """The same, or nothing."""
    return address(text) if text.strip() else ""


def port_of(url: str) -> int | None:
    """The port at which somebody listens for an address themselves; None behind a TLS proxy."""
    parts = urlsplit(url)
    return (parts.port or 80) if parts.scheme == "http" else None


def invitation(text: str) -> str:
    """An invitation: where its file is, or the text that was pasted. Raises ValueError."""
    from protocol.wire import read_invitation

    try:
        read_invitation(invitation_text(text))
    except RemoteError as error:
        if "." in text:  # no invitation has one, and most names of files
            raise ValueError(f"there is no file {text.strip()}") from None
        raise ValueError(f"give its file, or paste it: {error.detail}") from None
    path = _named(text)
    return str(path.absolute()) if path else text.strip()


def invitation_text(given: str) -> str:
    """The text of an invitation that was given as a file or pasted."""
    path = _named(given)
    if path is None:
        return given
    with path.open("rb") as stream:
        return stream.read(INVITATION_LIMIT).decode("utf-8", "replace")


def _named(text: str) -> Path | None:
    path = Path(text.strip()).expanduser()
    return path if len(text) < 300 and path.is_file() else None


def place(text: str) -> str:
    """Files, folders or patterns (`../*/to-council.json`), as they hold from any folder."""
    words = [Path(word).expanduser().absolute() for word in shlex.split(text)]
    if not words or text.strip().lower() in {*_YES, *_NO}:
        raise ValueError("write a file or a folder")
    for path in words:
        if not (path.exists() or path.parent.is_dir() or _MAGIC & set(str(path))):
            raise ValueError(f"there is no folder {path.parent}")
    return " ".join(_quoted(str(path)) for path in words)


def _quoted(path: str) -> str:
    return shlex.quote(path) if set(path) & set(" \t'\"\\") else path


def arrived(where: str, limit: int) -> dict[str, bytes]:
    """The files at a place, by how a person would name them; of one that is over the limit, one
    byte more than that. In a folder those count that end in .json, and of a program's own folder,
    which has others, those that a set-up hands out.
    """
    found: dict[str, bytes] = {}
    for word in shlex.split(where):
        path = Path(word)
        if path.is_dir():
            paths = sorted(path.glob("to-*.json" if kind_of(path) else "*.json"))
        elif _MAGIC & set(word):
            paths = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        else:
            paths = [path]
        for file in paths:
            if file.is_file():
                with file.open("rb") as stream:
                    found[shown(file)] = stream.read(limit + 1)
    return found


def nothing_at(where: str) -> str:
    """That no file has arrived, where it was looked for, and what to do if that is elsewhere."""
    seen = [_seen(word) for word in shlex.split(where)]
    return (
        f"Nothing has arrived {' or '.join(seen)}. Is it elsewhere? Stop with Ctrl-C: the same "
        "command asks where."
    )


def _seen(word: str) -> str:
    path = Path(word)
    if path.is_dir():
        return f"in {shown(path)}"
    return f"that is called {shown(path)}" if _MAGIC & set(word) else f"as {shown(path)}"


def shown(path: Path) -> str:
    """A path as seen from here, if that is shorter."""
    whole, here = path.absolute(), Path.cwd()
    near = whole.relative_to(here) if whole.is_relative_to(here) else whole
    if near is whole and whole.is_relative_to(here.parent):
        near = Path("..") / whole.relative_to(here.parent)
    return str(near)


TRIAL = Question(
    "http:// encrypts nothing, for a trial on one machine. Is this one", yes_or_no, "no"
)
COUNCIL_FILE = Question("Where does to-all.json arrive (a file, or a folder)", place)
SERVE = Question("Serve now, in this window", yes_or_no, "yes")
NOT_AGREED = "you have not agreed, and nothing goes on: call the council, then run this again"
