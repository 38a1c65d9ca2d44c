"""Pictures as plain SVG, each with a title and a description that says what it shows in words.

Pure: numbers in, text out. Everything textual is escaped. Colours are told apart by shape and label
too, and keep a contrast of 4.5 to 1 on white.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from web.markup import text

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 50, 60
COLOURS = ("#1d70b8", "#b3261e", "#00703c", "#4c2c92")
INK = "#0b0c0c"


def number_text(value: float) -> str:
    """A number as a tick shows it."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


@dataclass(frozen=True)
class Axis:
    """What an axis means and from where to where it goes, in data units."""

    label: str
    start: float
    end: float
    ticks: int = 5
    text: Callable[[float], str] = number_text

    def share(self, value: float) -> float:
        """Where a value stands between start (0) and end (1)."""
        span = self.end - self.start
        return min(1.0, max(0.0, (value - self.start) / span)) if span else 0.0

    def marks(self) -> list[float]:
        """Values at which to draw a tick."""
        return [
            self.start + (self.end - self.start) * step / self.ticks
            for step in range(self.ticks + 1)
        ]


@dataclass(frozen=True)
class Series:
    """A named row of (x, y) points."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Caption:
    """A picture's title and what it shows, in words."""

    title: str
    says: str


def line_picture(caption: Caption, x: Axis, y: Axis, series: Sequence[Series]) -> str:
    """Lines with a dot at each point, where there are few."""
    shapes = []
    for number, row in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        places = [(_across(x, a), _up(y, b)) for a, b in row.points]
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
        shapes.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(places) <= 40:
            shapes += [
                f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{colour}"/>' for a, b in places
            ]
    return _picture(caption, (x, y), shapes, [row.name for row in series])


def bar_picture(caption: Caption, x: Axis, y: Axis, series: Sequence[Series]) -> str:
    """Bars at the same places, one series stacked on the other; each point is a bar's left edge."""
    shapes = []
    floor: dict[float, float] = {}
    for number, row in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        wide = (WIDTH - LEFT - RIGHT) / max(1, len(row.points))
        for a, b in row.points:
            low = floor.get(a, 0.0)
            floor[a] = low + b
            top, bottom = _up(y, low + b), _up(y, low)
            shapes.append(
                f'<rect x="{_across(x, a):.1f}" y="{top:.1f}" width="{max(1.0, wide - 1):.1f}" '
                f'height="{max(0.0, bottom - top):.1f}" fill="{colour}"/>'
            )
    return _picture(caption, (x, y), shapes, [row.name for row in series])


def _across(axis: Axis, value: float) -> float:
    return LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT)


def _up(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM)


def _picture(
    caption: Caption, axes: tuple[Axis, Axis], shapes: Sequence[str], names: Sequence[str]
) -> str:
    lines = [
        *head(caption, WIDTH, HEIGHT),
        *_frame(*axes),
        *shapes,
        *_legend(names),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def head(caption: Caption, wide: int, high: int) -> list[str]:
    """The beginning of a picture: size, title, description, white ground, the title in view."""
    title = text(caption.title)
    said = f'viewBox="0 0 {wide} {high}" role="img" aria-label="{title}"'
    look = 'font-family="sans-serif" font-size="13"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" {said} {look}>',
        f"<title>{title}</title>",
        f"<desc>{text(caption.says)}</desc>",
        f'<rect width="{wide}" height="{high}" fill="#ffffff"/>',
        label(10, 22, caption.title, "start", size=16),
    ]


def _frame(x: Axis, y: Axis) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    lines = [
        f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="{INK}"/>',
        label((LEFT + right) / 2, HEIGHT - 16, x.label, "middle"),
        f'<g transform="rotate(-90)">{label(-(TOP + bottom) / 2, 18, y.label, "middle")}</g>',
    ]
    lines += [label(_across(x, mark), bottom + 18, x.text(mark), "middle") for mark in x.marks()]
    lines += [label(LEFT - 6, _up(y, mark) + 4, y.text(mark), "end") for mark in y.marks()]
    return lines


def _legend(names: Sequence[str]) -> list[str]:
    lines = []
    for number, name in enumerate(names if len(names) > 1 else ()):
        left = LEFT + 10 + number * min(180, (WIDTH - LEFT - RIGHT) // len(names))
        colour = COLOURS[number % len(COLOURS)]
        lines.append(f'<rect x="{left}" y="32" width="12" height="12" fill="{colour}"/>')
        lines.append(label(left + 18, 43, name, "start"))
    return lines


def label(x: float, y: float, said: str, anchor: str, *, size: int = 13) -> str:
    """A piece of text in a picture; `anchor` is start, middle or end."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="{INK}">{text(said)}</text>'
    )
