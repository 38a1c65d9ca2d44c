"""Common given names, specs/04-matching.md §4: each name, then after slashes its other spellings.

What stands apart is two names, however alike they sound: Hassan and Hussein, Amir and Amira. A
spelling is one that nobody would give to a second child beside the first. Compiled by the project
from common usage among the communities of the United Kingdom; no table was copied; licensed as the
project is.
"""

from types import MappingProxyType

from protocol.matchkeys.given_names import a_to_f, g_to_m, n_to_z


def _common_names() -> dict[str, str]:
    written = f"{a_to_f.NAMES}{g_to_m.NAMES}{n_to_z.NAMES}".split()
    return {name: names[0] for names in (each.split("/") for each in written) for name in names}


COMMON_NAMES = MappingProxyType(_common_names())
