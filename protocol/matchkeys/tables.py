"""The hashes of all data tables that match keys rest on, specs/04-matching.md §4.

A charter names them: two nodes with different tables would make different tokens and miss people,
so a node whose hashes differ from the charter's publishes nothing.
"""

import hashlib
from collections.abc import Mapping
from functools import cache

from protocol import canonical
from protocol.canonical import JsonValue
from protocol.matchkeys import words
from protocol.matchkeys.names import given_forms
from protocol.matchkeys.spellings import FAMILY, SERVANT_NAMES


def _word_lists() -> dict[str, JsonValue]:
    """Every list of words.py by its name in lower case; sets sorted."""
    return {
        name.lower(): dict(value) if isinstance(value, dict) else sorted(value)
        for name, value in vars(words).items()
        if name.isupper()
    }


@cache
def table_hashes() -> Mapping[str, str]:
    """SHA-256 (hex) over the canonical JSON of each table, by table name."""
    tables: dict[str, JsonValue] = {
        "family": dict(FAMILY),
        "given": dict(given_forms()),
        "servant": dict(SERVANT_NAMES),
        "words": _word_lists(),
    }
    return {
        name: hashlib.sha256(canonical.encode(table)).hexdigest() for name, table in tables.items()
    }
