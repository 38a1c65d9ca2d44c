"""The team around a client as a picture: ours above, the client, everybody else below.

Pure: values in, escaped SVG out. What each box is shows its line and its mark, and is said in it in
words too, so that nothing hangs on a colour.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from textwrap import wrap

from markupsafe import Markup

from web.pictures import INK, Caption, head, label

WIDE, TRUNK, BOX_LEFT, BOX_WIDE = 380, 20, 44, 328
TOP, GAP, LINE, PADDING, SIZE = 40, 12, 19, 10, 15
LETTERS, MOST_LINES = 36, 3
CENTRE_LETTERS = 40
INDENT = 34


class Kind(StrEnum):
    """What stands in a box."""

    OWN = "own"
    OTHER = "other"
    PAST = "past"
    POSSIBLE = "possible"
    UNNAMED = "unnamed"


BORDERS = {
    Kind.OWN: 'stroke-width="3"',
    Kind.OTHER: 'stroke-width="2"',
    Kind.PAST: 'stroke-width="2" stroke-dasharray="8 5"',
    Kind.POSSIBLE: 'stroke-width="2" stroke-dasharray="2 4"',
    Kind.UNNAMED: 'stroke-width="2" stroke-dasharray="2 4"',
}


@dataclass(frozen=True)
class Box:
    """One piece of work: what it is, and whose."""

    kind: Kind
    what: str
    whose: str


def team_picture(
    caption: Caption, client: str, own: Sequence[Box], others: Sequence[Box]
) -> Markup:
    """The picture, as SVG for a page. `client` is the name in the middle."""
    shapes: list[str] = []
    below, middles = _column(shapes, own, TOP)
    lines = _lines(client, CENTRE_LETTERS)
    high = len(lines) * LINE + 2 * PADDING
    start = below
    shapes.append(
        f'<rect x="6" y="{start}" width="{WIDE - 12}" height="{high}" rx="{PADDING * 2}" '
        f'fill="#ffffff" stroke="{INK}" stroke-width="3"/>'
    )
    shapes += _text(lines, WIDE / 2, start, "middle", bold=len(lines))
    below, after = _column(shapes, others, start + high + GAP)
    trunk = [
        f'<path d="M{TRUNK} {first}V{last}" fill="none" stroke="{INK}" stroke-width="2"/>'
        for first, last in ([(middles[0], start)] if middles else [])
        + ([(start + high, after[-1])] if after else [])
    ]
    drawing = [*head(caption, WIDE, below), *trunk, *shapes, "</svg>"]
    return Markup("\n".join(drawing))  # noqa: S704 - made of numbers and of what label() escapes


def _column(shapes: list[str], boxes: Iterable[Box], top: int) -> tuple[int, list[int]]:
    """Draw boxes one under the other; where the next thing may stand, and their middles."""
    middles = []
    for box in boxes:
        what, whose = _lines(box.what, LETTERS), _lines(box.whose, LETTERS)
        high = (len(what) + len(whose)) * LINE + 2 * PADDING
        middle = top + high // 2
        look = f'fill="#ffffff" stroke="{INK}" {BORDERS[box.kind]}'
        place = f'x="{BOX_LEFT}" y="{top}" width="{BOX_WIDE}" height="{high}" rx="4"'
        shapes += [
            f'<path d="M{TRUNK} {middle}H{BOX_LEFT}" {look}/>',
            f"<rect {place} {look}/>",
            _mark(box.kind, BOX_LEFT + 18, middle),
            *_text([*what, *whose], BOX_LEFT + INDENT, top, "start", bold=len(what)),
        ]
        middles.append(middle)
        top += high + GAP
    return top, middles


def _text(lines: Sequence[str], x: float, top: int, anchor: str, *, bold: int) -> list[str]:
    """Lines of text, the first so many of them bold."""
    drawn = []
    for number, line in enumerate(lines):
        said = label(x, top + PADDING + number * LINE + SIZE - 1, line, anchor, size=SIZE)
        drawn.append(f'<g font-weight="700">{said}</g>' if number < bold else said)
    return drawn


def _mark(kind: Kind, x: int, y: int) -> str:
    """A shape of its own for each kind."""
    if kind is Kind.OWN:
        return f'<rect x="{x - 7}" y="{y - 7}" width="14" height="14" fill="{INK}"/>'
    if kind in {Kind.POSSIBLE, Kind.UNNAMED}:
        return f'<g font-weight="700">{label(x, y + 6, "?", "middle", size=18)}</g>'
    fill = INK if kind is Kind.OTHER else "#ffffff"
    return f'<circle cx="{x}" cy="{y}" r="7" fill="{fill}" stroke="{INK}" stroke-width="2"/>'


def _lines(text: str, letters: int) -> list[str]:
    """A text on a few lines; what does not fit ends in dots."""
    return wrap(text, letters, max_lines=MOST_LINES, placeholder=" …", break_on_hyphens=False)
