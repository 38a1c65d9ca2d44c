"""Fingerprint words: what two people read to each other on the telephone."""

import itertools

import pytest

from protocol.governance.fingerprint import WORDS, fingerprint_words
from protocol.messages.key_record import KeyRecord

PARTY = "a0" * 16
KEYS = {
    "auth": "01" * 32,
    "sign": "02" * 32,
    "seal": "03" * 32,
    "seal_expires": 1_800_000_000,
    "recovery_hash": "04" * 32,
}


def words(party_id: str = PARTY, **changes: object) -> str:
    return fingerprint_words(party_id, KeyRecord.model_validate({**KEYS, **changes}))


def test_eight_words_of_the_list() -> None:
    assert len(words().split(" ")) == 8
    assert set(words().split(" ")) <= set(WORDS)


@pytest.mark.parametrize(
    "change",
    [
        {"party_id": "a1" * 16},
        {"auth": "05" * 32},
        {"sign": "05" * 32},
        {"seal": "05" * 32},
        {"seal_expires": 1_800_000_001},
        {"recovery_hash": "05" * 32},
        {"auth": "02" * 32, "sign": "01" * 32},
    ],
)
def test_any_changed_key_changes_the_words(change: dict[str, str]) -> None:
    assert words(**change).split(" ")[:4] != words().split(" ")[:4]


def test_words_can_be_told_apart_on_a_bad_line() -> None:
    assert len(WORDS) == len(set(WORDS)) == 256
    assert all(word.isascii() and word.isalpha() and word.islower() for word in WORDS)
    assert all(3 <= len(word) <= 9 for word in WORDS)
    assert list(WORDS) == sorted(WORDS)
    # No two differ by an ending alone that a hearer could miss, the plural.
    assert not [(a, b) for a, b in itertools.permutations(WORDS, 2) if b == a + "s"]
