"""A few of the faults of tests/soak/test_faults.py, and a disk that stays full."""

import json
from pathlib import Path

from tests.faults.counted import missed, reports, run, wrong

ACTS = 3
SHARE = "23/1000"  # one telling, from among the faults of every kind


def test_a_fault_in_each_of_the_first_acts_loses_nothing(tmp_path: Path) -> None:
    lines = reports(tmp_path / "work", "sqlite", SHARE, str(ACTS))
    assert (wrong(lines), missed(lines)) == ([], [])
    assert len([line for line in lines if line["hit"]]) == ACTS


def test_a_full_disk_is_told_in_a_sentence_and_all_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    said = json.loads(run("full", str(tmp_path / "council"), "hub", "6"))
    assert len(said) > 1, "it stays full"
    for code, sentence in said:
        assert code == "storage", sentence
        assert "the disk is full: make room" in sentence
