"""Faults at every write, sync, rename and network step, on SQLite and PostgreSQL: see
docs/explain/faults.md. The table is in .faults/table.txt afterwards.
"""

import json
import sys
from pathlib import Path

import pytest

from tests.faults.counted import distinct, missed, reports, run, table, wrong

AT_LEAST = 1_000
KEPT = Path(".faults")


def test_whatever_breaks_nothing_is_lost_doubled_or_half_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        line for engine in ("sqlite", "postgres") for line in reports(tmp_path / engine, engine)
    ]
    counted = table(lines)
    KEPT.mkdir(exist_ok=True)
    (KEPT / "table.txt").write_text(f"{counted}\n", encoding="utf-8")
    with capsys.disabled():
        sys.stdout.write(f"\n{counted}\n")
    assert wrong(lines) == []
    assert missed(lines) == []
    assert len(distinct(lines)) >= AT_LEAST


@pytest.mark.parametrize("party", ["hub", "node", "holder", "witness"])
def test_a_disk_that_stays_full(tmp_path: Path, party: str) -> None:
    """A sentence, or a card that waits; reads are answered; then the story goes on to its end."""
    said = json.loads(run("full", str(tmp_path / "council"), party))
    assert len(said) > 1, "it stays full"
    for code, sentence in said:
        assert (code, sentence) == ("", "it waits") or "make room" in sentence
