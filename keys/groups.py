"""Which implementation of the group this machine uses: specs/03-tokens.md §8.

All give the same bytes. Not trusted with: anything secret; it only picks.
"""

import functools

from keys.decaf import load_decaf
from keys.fallback import FallbackGroup
from keys.group import Group
from keys.sodium import load_sodium
from protocol.errors import LocalError


@functools.cache
def default_group() -> Group:
    """The fastest that the system's libraries allow: libsodium with libdecaf, libsodium, none."""
    for load in (load_decaf, load_sodium):
        try:
            return load()
        except LocalError:
            continue
    return FallbackGroup()
