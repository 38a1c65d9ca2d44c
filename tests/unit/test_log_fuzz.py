"""A sample of the flips and cuts that `make soak` tries in full, the same each time."""

from pathlib import Path

from tests.soak.case_fuzz import accepted, subjects

# Primes, so that no two places of the same meaning are met again and again.
SMALL, LARGE = 11, 499
LARGE_FILES = ("000", "payloads.jsonl", ".json", ".0")


def step(name: str) -> int:
    return LARGE if name.endswith(LARGE_FILES) else SMALL


def test_nothing_corrupted_is_accepted(tmp_path: Path) -> None:
    for subject in subjects(tmp_path):
        assert accepted(subject, step) == []
