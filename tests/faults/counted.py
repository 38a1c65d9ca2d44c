"""Runs what has LD_PRELOAD, and counts: points, hits, by party, fault and engine."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.faults.seams import Fault, preloaded

Line = dict[str, Any]


def run(module: str, *arguments: str) -> str:
    """What a program says that faults are injected into. Raises AssertionError if it fails."""
    command = [sys.executable, "-m", f"tests.faults.{module}", *arguments]
    done = subprocess.run(command, env=preloaded(), capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout


def reports(folder: Path, engine: str, *more: str) -> list[Line]:
    """What became of every fault with an engine behind the hub."""
    run("run", str(folder), engine, *more)
    text = (folder / "reports.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def missed(lines: Sequence[Line]) -> list[str]:
    """Faults that did not happen, in words."""
    return [_said(line) for line in lines if line["point"] and not line["hit"]]


def wrong(lines: Sequence[Line]) -> list[str]:
    """What did not hold, in words; also where a program met what nobody foresaw."""
    return [
        f"{_said(line)}: {line['wrong'] or line['unforeseen']}"
        for line in lines
        if line["wrong"] or line["unforeseen"]
    ]


def distinct(lines: Sequence[Line]) -> set[tuple[str, ...]]:
    """Party, place, call, fault and engine of each that was hit."""
    return {
        (*line["point"].values(), line["fault"], line["engine"]) for line in lines if line["hit"]
    }


def table(lines: Sequence[Line]) -> str:
    """The hits by party and fault, in a row for each engine; how many places; how many wrong."""
    points = distinct(lines)
    counts = Counter((engine, party, fault) for party, _, _, fault, engine in points)
    rows = [["engine", "party", "places", *Fault, "all"]]
    for engine, party in sorted({(point[4], point[0]) for point in points}):
        each = [counts[engine, party, fault] for fault in Fault]
        places = {point[:3] for point in points if (point[4], point[0]) == (engine, party)}
        rows.append([engine, party, str(len(places)), *map(str, each), str(sum(each))])
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    shown = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    end = (
        f"{len(points)} distinct faults hit, {len(missed(lines))} missed, {len(wrong(lines))} wrong"
    )
    return "\n".join([*shown, end])


def _said(line: Line) -> str:
    point = line["point"] or {}
    where = " ".join(str(part) for part in point.values())
    return f"{line['act']}, {line['engine']}: {line['fault']} at {where}"
