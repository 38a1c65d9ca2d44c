"""Where an unforeseen exception was raised, in words that hold nothing of what it was about.

Its message, and the values around it, can be somebody's data: they are never logged.
"""

import traceback


def place_of(error: BaseException) -> str:
    """Module, function and line where an exception was raised."""
    frames = list(traceback.walk_tb(error.__traceback__))
    if not frames:
        return "nowhere"
    frame, line = frames[-1]
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_name}:{line}"
