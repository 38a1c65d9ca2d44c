"""Rows as bytes, to be hashed and compared later: the same values are the same bytes."""

import marshal
from typing import Any

_PLAIN = 2  # the last version in which no object is written as a reference to one before it


def as_bytes(rows: list[Any] | tuple[Any, ...]) -> bytes:
    """Rows of a database, in lists or tuples. Another Python may write them otherwise: what is
    compared must bear that.
    """
    return marshal.dumps(rows, _PLAIN)
