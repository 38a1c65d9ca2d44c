"""Pictures of categories as plain SVG: horizontal bars, and a grid of who with whom.

Like web/pictures.py: pure, everything textual escaped, a title and a description in words, and the
numbers written beside the shapes, so that nothing hangs on colour.
"""

from collections.abc import Mapping, Sequence

from web.pictures import COLOURS, INK, WIDTH, Caption, head, label

NAME_WIDTH = 230
ROW_HEIGHT = 26
HEAD = 64
CELL = 44
LONGEST_NAME = 32
ROOM_FOR_NUMBERS = 140


def rows_picture(
    caption: Caption, names: Sequence[str], parts: Mapping[str, Sequence[float]], unit: str = ""
) -> str:
    """One bar a name, its parts end to end; `parts` is part name to a value for each name."""
    sums = [sum(values[place] for values in parts.values()) for place in range(len(names))]
    most = max([*sums, 1])
    scale = (WIDTH - NAME_WIDTH - ROOM_FOR_NUMBERS) / most
    shapes = []
    for place, name in enumerate(names):
        top = HEAD + place * ROW_HEIGHT
        shapes.append(label(NAME_WIDTH - 8, top + 15, _short(name), "end"))
        left = float(NAME_WIDTH)
        for number, values in enumerate(parts.values()):
            wide = values[place] * scale
            shapes.append(
                f'<rect x="{left:.1f}" y="{top}" width="{wide:.1f}" height="{ROW_HEIGHT - 6}" '
                f'fill="{COLOURS[number % len(COLOURS)]}" stroke="#ffffff"/>'
            )
            left += wide
        said = " + ".join(_number(values[place]) for values in parts.values())
        shapes.append(label(left + 6, top + 15, said + unit, "start"))
    height = HEAD + max(1, len(names)) * ROW_HEIGHT + 10
    return _picture(caption, (WIDTH, height), shapes, list(parts))


def grid_picture(
    caption: Caption, names: Sequence[str], counts: Mapping[tuple[int, int], int]
) -> str:
    """Who (rows) with whom (columns): a disc in each cell, its area as the count written on it."""
    most = max([*counts.values(), 1])
    left, top = NAME_WIDTH, HEAD + 20
    shapes = []
    for place, name in enumerate(names):
        middle = top + place * CELL + CELL / 2
        shapes.append(label(left - 8, middle + 4, f"{place + 1} {_short(name)}", "end"))
        shapes.append(label(left + place * CELL + CELL / 2, top - 8, str(place + 1), "middle"))
    for (row, column), count in sorted(counts.items()):
        x, y = left + column * CELL + CELL / 2, top + row * CELL + CELL / 2
        radius = 4 + 14 * (count / most) ** 0.5
        shapes.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="#ffffff" '
            f'stroke="{COLOURS[0]}" stroke-width="3"/>'
        )
        shapes.append(label(x, y + 4, str(count), "middle"))
    side = max(1, len(names)) * CELL
    frame = (
        f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="none" stroke="{INK}"/>'
    )
    size = (max(WIDTH, left + side + 20), top + side + 20)
    return _picture(caption, size, [frame, *shapes], [])


def _number(value: float) -> str:
    """Counts as whole numbers, and shares with what stands behind the point."""
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def _picture(
    caption: Caption, size: tuple[int, int], shapes: Sequence[str], names: Sequence[str]
) -> str:
    lines = head(caption, *size)
    for number, name in enumerate(names if len(names) > 1 else ()):
        left = 10 + number * 150
        colour = COLOURS[number % len(COLOURS)]
        lines.append(f'<rect x="{left}" y="34" width="12" height="12" fill="{colour}"/>')
        lines.append(label(left + 18, 45, f"{number + 1}. {name}", "start"))
    return "\n".join([*lines, *shapes, "</svg>"]) + "\n"
