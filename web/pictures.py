"""Pictures as plain SVG, each with a title and a description that says what it shows in words.

Pure: numbers in, text out. Everything textual is escaped. Colours are told apart by shape and label
too, and keep a contrast of 4.5 to 1 on white.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from web.markup import text

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 50, 60
COLOURS = ("#1d70b8", "#b3261e", "#00703c", "#4c2c92", "#6f5a00")
INK = "#0b0c0c"
MOST_TICKS = 5
MOST_NAMES = 4  # of bars: days are long words, and more would run into each other
WIDEST_BAR = 90.0

_Across = tuple[str, Sequence[tuple[float, str]]]
"""What the axis across means, and its marks: where each stands, and what it says."""


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


def count_axis(label: str, most: int) -> Axis:
    """An axis for whole numbers from 0 to `most`: each tick is one, and there are few."""
    wanted = max(1, -(-most // MOST_TICKS))
    size = 10 ** (len(str(wanted)) - 1)
    step = next(size * part for part in (1, 2, 5, 10) if size * part >= wanted)
    ticks = max(1, -(-most // step))
    return Axis(label, 0, ticks * step, ticks, lambda value: f"{round(value):,}")


@dataclass(frozen=True)
class Series:
    """A named row of (x, y) points."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Bars:
    """What the bars of a picture stand on: what an axis means, and a name for each bar."""

    label: str
    names: Sequence[str]


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
    marks = [(_across(x, mark), x.text(mark)) for mark in x.marks()]
    return _picture(caption, (x.label, marks), y, shapes, [row.name for row in series])


def bar_picture(
    caption: Caption, bars: Bars, y: Axis, series: Mapping[str, Sequence[float]]
) -> str:
    """One bar a name, its parts one on the other; `series` is part name to a value a bar. A bar's
    name stands under its middle; where there are many, not under each.
    """
    count = max(1, len(bars.names))
    room = (WIDTH - LEFT - RIGHT) / count
    wide = min(WIDEST_BAR, max(1.0, room - 1))
    middles = [LEFT + room * (place + 0.5) for place in range(count)]
    floor = [0.0] * count
    shapes = []
    for number, values in enumerate(series.values()):
        colour = COLOURS[number % len(COLOURS)]
        for place, value in enumerate(values):
            top, bottom = _up(y, floor[place] + value), _up(y, floor[place])
            floor[place] += value
            if value:
                shapes.append(
                    f'<rect x="{middles[place] - wide / 2:.1f}" y="{top:.1f}" width="{wide:.1f}" '
                    f'height="{bottom - top:.1f}" fill="{colour}"/>'
                )
    every = -(-count // MOST_NAMES)
    marks = [(middles[at], bars.names[at]) for at in range(0, len(bars.names), every)]
    return _picture(caption, (bars.label, marks), y, shapes, list(series))


def _across(axis: Axis, value: float) -> float:
    return LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT)


def _up(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM)


def _picture(
    caption: Caption, across: _Across, y: Axis, shapes: Sequence[str], names: Sequence[str]
) -> str:
    lines = [
        *head(caption, WIDTH, HEIGHT),
        *_frame(across, y),
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


def _frame(across: _Across, y: Axis) -> list[str]:
    meaning, marks = across
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    lines = [
        f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="{INK}"/>',
        label((LEFT + right) / 2, HEIGHT - 16, meaning, "middle"),
        f'<g transform="rotate(-90)">{label(-(TOP + bottom) / 2, 18, y.label, "middle")}</g>',
    ]
    lines += [label(place, bottom + 18, said, "middle") for place, said in marks]
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
