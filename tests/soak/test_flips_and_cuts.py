"""Every byte flipped, every length cut: some ten minutes."""

from pathlib import Path

from tests.soak.case_fuzz import accepted, subjects


def test_nothing_corrupted_is_accepted(tmp_path: Path) -> None:
    for subject in subjects(tmp_path):
        assert accepted(subject, lambda _: 1) == []
