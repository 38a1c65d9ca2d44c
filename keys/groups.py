"""Which implementation of the group this machine uses: specs/03-tokens.md §8.

Both give the same bytes. Not trusted with: anything secret; it only picks.
"""

import functools

from keys.fallback import FallbackGroup
from keys.group import Group
from keys.sodium import load_sodium
from protocol.errors import LocalError


@functools.cache
def default_group() -> Group:
    """The fast group where the system has libsodium, else the fallback."""
    try:
        return load_sodium()
    except LocalError:
        return FallbackGroup()
