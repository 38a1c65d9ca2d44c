"""Where an unforeseen exception came from, in words that hold nothing of what it was about.

Its message, and the values around it, can be somebody's data: they are never logged.
"""

import traceback

OURS = frozenset(
    {"node", "hub", "audit", "keys", "transport", "runtime", "storage", "web", "protocol"}
)


def place_of(error: BaseException) -> str:
    """Module, function and line of the innermost place in our own code that an exception left."""
    place = "elsewhere"
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] in OURS:
            place = f"{module}:{frame.f_code.co_name}:{line}"
    return place
