"""The nickname table: what a reviewer would check by hand."""

import re
from collections import Counter

from protocol.matchkeys.names import FORMAL_NAMES, NICKNAMES, canonical_name, table_hash


def test_table_is_large_enough_and_all_letters() -> None:
    assert len(NICKNAMES) >= 150
    names = [*NICKNAMES, *FORMAL_NAMES]
    assert [name for name in names if not re.fullmatch("[a-z]{2,20}", name)] == []


def test_a_nickname_has_one_formal_name() -> None:
    counts = Counter(word for words in FORMAL_NAMES.values() for word in words.split())
    assert [word for word, count in counts.items() if count > 1] == []


def test_no_chain_is_longer_than_two_hops_and_none_is_a_circle() -> None:
    for name in NICKNAMES:
        assert canonical_name(name) not in NICKNAMES
        assert canonical_name(name) != name


def test_a_formal_name_of_six_letters_or_more_stays() -> None:
    assert [name for name in FORMAL_NAMES if len(name) >= 6 and name in NICKNAMES] == []


def test_two_hops() -> None:
    assert canonical_name("polly") == "mary"
    assert canonical_name("peggy") == "margaret"


def test_common_uk_nicknames() -> None:
    pairs = (
        "dave david, sue susan, becky rebecca, tom thomas, jim james, debbie deborah, bob robert"
    )
    for pair in pairs.split(", "):
        nickname, formal = pair.split()
        assert canonical_name(nickname) == formal


def test_table_hash_changes_only_with_the_table() -> None:
    # Recorded: a charter names this hash. A change of the table is a new recipe version.
    assert table_hash().hex() == "005a52619bcea71f9a9baa41741485d7bdc4100924543d4ff7622a40bba9cb54"
