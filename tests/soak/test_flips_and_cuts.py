"""Every byte flipped, every length cut: half an hour."""

from pathlib import Path

import pytest

from tests.soak.case_fuzz import Subject, accepted, subjects


@pytest.fixture
def subject(tmp_path: Path, request: pytest.FixtureRequest) -> Subject:
    (wanted,) = [item for item in subjects(tmp_path) if item.part == request.param]
    return wanted


@pytest.mark.parametrize("subject", ["log", "payloads", "charters"], indirect=True)
def test_nothing_corrupted_is_accepted(subject: Subject) -> None:
    assert accepted(subject, lambda _: 1) == []
