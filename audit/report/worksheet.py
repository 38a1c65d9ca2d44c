"""The worksheet of a sample: what to look up on paper, for each request (specs/08-audit.md §6).

CSV and HTML with empty columns for what the auditor sees. Codes and opaque ids only: with them the
agency finds the file, and nobody else does.
"""

import json
from collections.abc import Callable

from audit.report.bundle_text import when
from audit.report.sampling import Sample
from audit.report.spreadsheet import to_csv
from web.markup import page, paragraph, section, table

HEADS = (
    "number", "entry", "why", "kind", "asked at", "asking agency", "asked agency", "purpose",
    "lawful basis", "facts stated", "hub said", "agency said", "code", "decided by", "released",
    "received", "paper seen", "agrees with the log", "notes",
)  # fmt: skip
Namer = Callable[[str | None], str]


def rows(sample: Sample, name: Namer) -> list[tuple[object, ...]]:
    """A row for each request, in the order of the draw."""
    made: list[tuple[object, ...]] = []
    for number, drawn in enumerate(sample.drawn, 1):
        asked = drawn.asked
        facts = "; ".join(f"{key}: {_fact(value)}" for key, value in sorted(asked.facts.items()))
        made.append(
            (
                number, asked.index, drawn.why, asked.kind, when(asked.asked_at),
                name(asked.requester), name(asked.answerer), asked.purpose, asked.basis, facts,
                asked.hub_outcome or "-", asked.outcome or "-", asked.code or asked.hub_code or "-",
                asked.decided_by or "-", _moment(asked.released_at), _moment(asked.received_at),
                "", "", "",
            )
        )  # fmt: skip
    return made


def worksheet_csv(sample: Sample, name: Namer) -> str:
    """The worksheet for a spreadsheet."""
    return to_csv(HEADS, rows(sample, name))


def worksheet_html(sample: Sample, number: bytes, name: Namer) -> str:
    """The worksheet to print: how it was drawn, then a short table a request."""
    facts = [
        ("Requests before the commitment", sample.population),
        ("In this sample", len(sample.drawn)),
        ("Overrides, all of them", sum(item.why == "override" for item in sample.drawn)),
        ("The commitment is entry", sample.commitment.index),
        ("This auditor's commitments", f"{sample.attempts}; this is number {sample.attempt}"),
        ("Secret number", number.hex()),
        ("First root after the commitment", sample.root.hex()),
        ("Seed", sample.seed.hex()),
    ]
    again = (
        "Another auditor draws the same sample with: "
        f"patchwork-audit sample CASE --number {number.hex()} --out DIR"
    )
    tables = [
        table(f"Request {row[0]}, entry {row[1]}", ("What", "Value"), zip(HEADS, row, strict=True))
        for row in rows(sample, name)
    ]
    return page(
        "Worksheet of a sample",
        section(
            "drawn", "How it was drawn", table("The draw", ("What", "Value"), facts),
            paragraph(again),
        ),
        section("requests", "Requests to look up", *tables),
    )  # fmt: skip


def worksheet_json(sample: Sample, number: bytes) -> str:
    """How the sample was drawn, for a program."""
    value = {
        "number": number.hex(),
        "commitment_entry": sample.commitment.index,
        "root": sample.root.hex(),
        "seed": sample.seed.hex(),
        "population": sample.population,
        "attempt": sample.attempt,
        "attempts": sample.attempts,
        "drawn": [{"entry": item.asked.index, "why": item.why} for item in sample.drawn],
    }
    return json.dumps(value, indent=1) + "\n"


def _fact(value: str) -> str:
    """A code or a date as it is; a commitment as what it is."""
    return "sealed, ask the agency" if len(value) == 64 else value


def _moment(seconds: int | None) -> str:
    return "-" if seconds is None else when(seconds)
