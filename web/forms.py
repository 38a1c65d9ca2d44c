"""What was typed into a form, and what is wrong with it. Pure.

Every value is text of a limited length; control and direction-changing characters are refused where
it is read, not repaired.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date

from protocol.errors import PatchworkError

LONGEST = 200
_REFUSED = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f\u0085\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_UNSEEN = re.compile(
    "[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2064"
    "\u206a-\u206f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
"""What nobody sees: a text of nothing else is empty."""


class InvalidForm(Exception):
    """What is wrong, as keys of words by the field's name; "" is the form as a whole.

    `values` fill in all of these texts.
    """

    def __init__(self, wrong: Mapping[str, str], **values: object) -> None:
        super().__init__("a form was filled in wrongly")
        self.wrong = dict(wrong)
        self.values = values


class Form:
    """The fields of one form as they came. Empty where nothing was sent."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: dict[str, list[str]] = {}
        for name, value in fields:
            self._fields.setdefault(name, []).append(value)

    def __bool__(self) -> bool:
        """Whether anything was sent."""
        return bool(self._fields)

    def raw(self, name: str, usual: str = "") -> str:
        """A field as it was typed, to be shown in the form again."""
        return self._fields.get(name, [usual])[0]

    def all(self, name: str) -> list[str]:
        """All values of a field, such as boxes that were ticked."""
        return list(self._fields.get(name, []))

    def numbers(self, name: str) -> set[int]:
        """All values of a field that are row numbers; what is none names nothing."""
        values = self._fields.get(name, [])
        return {int(value) for value in values if re.fullmatch("[0-9]{1,12}", value)}

    def items(self) -> list[tuple[str, str]]:
        """Everything, to be sent again."""
        return [(name, value) for name, values in self._fields.items() for value in values]

    def text(self, name: str, *, missing: str = "", most: int = LONGEST) -> str:
        """A field without spaces at its ends. `missing`: the words' key if it is empty; without it
        empty is allowed. Raises InvalidForm.
        """
        value = self.raw(name).replace("\r\n", "\n").strip()  # a browser ends lines so
        if not _UNSEEN.sub("", value):
            value = ""
        if not value and missing:
            raise InvalidForm({name: missing})
        if len(value) > most:
            raise InvalidForm({name: "site.wrong.too_long"}, most=most)
        if _REFUSED.search(value):
            raise InvalidForm({name: "site.wrong.characters"})
        return value

    def one_of(self, name: str, choices: Iterable[str], missing: str) -> str:
        """A field that has one of these values. Raises InvalidForm."""
        value = self.raw(name)
        if value not in set(choices):
            raise InvalidForm({name: missing})
        return value

    def day(self, name: str, missing: str, wrong: str) -> date | None:
        """A day from three fields NAME-day, NAME-month, NAME-year. `missing` "": may be empty.
        Raises InvalidForm.
        """
        parts = [self.raw(f"{name}-{part}").strip() for part in ("year", "month", "day")]
        if not any(parts):
            if missing:
                raise InvalidForm({name: missing})
            return None
        try:
            if any(not part.isascii() or not part.isdigit() for part in parts):
                raise ValueError
            return date(*(int(part) for part in parts))
        except (ValueError, OverflowError):
            raise InvalidForm({name: wrong}) from None


def gathered(*reads: Exception | None) -> None:
    """Raise all that is wrong with several fields together. Raises InvalidForm."""
    wrong: dict[str, str] = {}
    values: dict[str, object] = {}
    for found in reads:
        if isinstance(found, InvalidForm):
            wrong |= found.wrong
            values |= found.values
    if wrong:
        raise InvalidForm(wrong, **values)


def failure_key(error: PatchworkError) -> str:
    """The words' key for an error that an action raised."""
    return f"errors.{error.code.value}"
