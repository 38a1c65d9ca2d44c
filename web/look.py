"""How pages look: templates over words, and the files that every page needs. No requests here.

Templates escape everything. They hold no words of their own: `say("clients.mine.title")` and
`count("clients.mine.number", n)` have them from the words' files.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
)

from protocol.matchkeys.normalise import parse_date
from web.words import Words

HERE = Path(__file__).parent
COLOUR = re.compile(r"^#[0-9a-f]{6}$")
TYPES = {
    ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png",
}  # fmt: skip


@dataclass(frozen=True)
class Brand:
    """The agency's name as pages show it, what it calls its clients, and its colour (#rrggbb, dark
    enough for white letters; empty: ours).
    """

    name: str
    person: str = "client"
    people: str = "clients"
    colour: str = ""

    def terms(self) -> dict[str, str]:
        """The words that are filled in everywhere."""
        article = "an" if self.person[:1].lower() in "aeiou" else "a"
        return {
            "agency": self.name,
            "person": self.person,
            "people": self.people,
            "Person": self.person.capitalize(),
            "People": self.people.capitalize(),
            "a_person": f"{article} {self.person}",
        }


@dataclass(frozen=True)
class StaticFile:
    """A file that is the same for everybody."""

    content: bytes
    content_type: str


@dataclass
class Look:
    """Templates, words and files of a site; `folders` have `templates/` and `words/` each.

    `help_for`: the address of the help with a page, for those sites that have any.
    """

    brand: Brand
    folders: Sequence[Path]
    zone: ZoneInfo
    help_for: Callable[[str], str] | None = None
    words: Words = field(init=False)
    files: Mapping[str, StaticFile] = field(init=False)

    def __post_init__(self) -> None:
        """Load it all, once."""
        folders = [HERE, *self.folders]
        self.words = Words([folder / "words" for folder in folders], self.brand.terms())
        loaders = [FileSystemLoader(folder / "templates") for folder in reversed(folders)]
        self._templates = Environment(
            loader=ChoiceLoader(loaders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters |= {
            "day": day_text, "moment": self._moment, "date": self.day_of, "lines": lines_of,
            "until": self.until,
        }  # fmt: skip
        self._templates.globals |= {
            "say": self.words, "count": self.words.count, "brand": self.brand, "asset": self.asset,
            "help_for": self.help_for,
        }  # fmt: skip
        self.files = _files(self.brand.colour)
        marks = b"".join(file.content for _, file in sorted(self.files.items()))
        self._version = hashlib.sha256(marks).hexdigest()[:12]

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        """A page as HTML. Raises KeyError for words, UndefinedError for values that are missing."""
        return self._templates.get_template(template).render(values)

    def day_of(self, seconds: int) -> str:
        """On which day, where the agency is."""
        return day_text(datetime.fromtimestamp(seconds, self.zone).date())

    def _moment(self, seconds: int) -> str:
        """When, in the agency's own time: 14 March 2026 at 9:05am."""
        at = datetime.fromtimestamp(seconds, self.zone)
        hour, half = at.hour % 12 or 12, "am" if at.hour < 12 else "pm"
        return f"{day_text(at.date())} at {hour}:{at.minute:02}{half}"

    def until(self, seconds: int) -> str:
        """Until when: nobody has to know which day midnight belongs to, nor what is an hour later
        in summer, because days of permissions end at midnight UTC.
        """
        for zone in (self.zone, UTC):
            at = datetime.fromtimestamp(seconds, zone)
            if (at.hour, at.minute) in ((0, 0), (23, 59)):
                return self.words("site.day.end", day=day_text((at - timedelta(minutes=1)).date()))
        return self._moment(seconds)

    def asset(self, name: str) -> str:
        """The address of a file; it changes with its content. Raises KeyError."""
        if name not in self.files:
            raise KeyError(name)
        return f"/static/{self._version}/{name}"


def day_text(day: date | str | None) -> str:
    """A day as people write it, 14 March 2026, however a file wrote it (05/06/2015); as it is where
    it is no day of the calendar.
    """
    if not day:
        return ""
    found = parse_date(day) if isinstance(day, str) else day
    return f"{found.day} {found:%B %Y}" if found is not None else str(day)


def lines_of(number: str) -> list[tuple[str, str]]:
    """The one or two numbers of a telephone number, each with the address that dials it (RFC 3966).

    >>> lines_of("+44 (0)1632 960100 ext 12 / 07700 900123")
    [('+44 (0)1632 960100 ext 12', 'tel:+441632960100;ext=12'), ('07700 900123', 'tel:07700900123')]
    """
    found = []
    for line in number.split(" / "):
        main, _, extension = line.partition(" ext ")
        digits = re.sub("[^0-9+]", "", main.replace("(0)", "") if main.startswith("+") else main)
        found.append((line, f"tel:{digits};ext={extension}" if extension else f"tel:{digits}"))
    return found


def _files(colour: str) -> dict[str, StaticFile]:
    found = {
        path.name: StaticFile(path.read_bytes(), TYPES[path.suffix])
        for path in sorted((HERE / "static").iterdir())
        if path.suffix in TYPES
    }
    if COLOUR.match(colour):
        rule = f":root{{--govuk-brand-colour:{colour}}}".encode()
        found["brand.css"] = StaticFile(rule, TYPES[".css"])
    return found
