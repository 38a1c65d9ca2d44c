"""Escaped text and small pieces of HTML for pages that stand alone. Pure.

Whatever comes in, what comes out is well-formed: characters that XML cannot carry are replaced.
"""

import re
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

# Sequence[str] also fits str; a row is a list of cells.
Row = Sequence[object]

_UNFIT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(value: object) -> str:
    """A value as text for HTML, SVG or an attribute in double quotes."""
    return escape(_UNFIT.sub("\ufffd", str(value)), {'"': "&quot;"})


def paragraph(value: object) -> str:
    """A paragraph of text."""
    return f"<p>{text(value)}</p>"


def table(caption: str, heads: Sequence[str], rows: Iterable[Row]) -> str:
    """A table with a caption; the first cell of each row is that row's heading."""
    lines = ["<table>", f"<caption>{text(caption)}</caption>", "<thead><tr>"]
    lines += [f'<th scope="col">{text(head)}</th>' for head in heads]
    lines.append("</tr></thead><tbody>")
    for first, *rest in rows:
        cells = "".join(
            f'<td data-head="{text(head)}">{text(cell)}</td>'
            for head, cell in zip(heads[1:], rest, strict=True)
        )
        lines.append(f'<tr><th scope="row">{text(first)}</th>{cells}</tr>')
    return "\n".join([*lines, "</tbody></table>"])


def section(name: str, heading: str, *parts: str) -> str:
    """A section with a heading; `name` is its anchor."""
    inner = "\n".join(parts)
    return (
        f'<section aria-labelledby="{text(name)}"><h2 id="{text(name)}">{text(heading)}</h2>\n'
        f"{inner}\n</section>"
    )


def page(title: str, *parts: str) -> str:
    """One page without scripts or anything from elsewhere; prints on A4."""
    inner = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8"/>\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<main>\n<h1>{text(title)}</h1>\n{inner}\n</main>\n</body>\n</html>\n"
    )


_STYLE = """
body { font: 1rem/1.5 Arial, sans-serif; color: #0b0c0c; background: #ffffff; margin: 0; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 2rem; } h2 { font-size: 1.5rem; margin-top: 2.5rem; } h3 { font-size: 1.2rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
caption { text-align: left; font-weight: bold; padding: 0.5rem 0; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.6rem;
  border-bottom: 1px solid #b1b4b6; overflow-wrap: anywhere; }
thead th { overflow-wrap: normal; }
tbody th { font-weight: normal; }
@media screen and (max-width: 40rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr, td, tbody th { display: block; border: 0; padding: 0.1rem 0; }
  tr { border-bottom: 1px solid #b1b4b6; padding: 0.6rem 0; }
  tbody th { font-weight: bold; }
  td[data-head]::before { content: attr(data-head) ": "; font-weight: bold; }
}
.verdict { border: 4px solid #0b0c0c; padding: 1rem; font-size: 1.25rem; font-weight: bold; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
figure { margin: 1rem 0; } svg { width: 100%; height: auto; max-width: 48rem; }
@media print { main { max-width: none; } section, figure, tr { break-inside: avoid; }
  section.long { break-inside: auto; } body { font-size: 10pt; } }
"""
