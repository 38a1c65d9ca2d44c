"""Time zones by name, from the package tzdata and never from the machine: everybody reckons alike.

Pure in all but where the data lies: it is part of a package that requirements.lock pins.
"""

import io
import pkgutil
from datetime import tzinfo
from functools import cache


@cache
def zone(name: str) -> tzinfo:
    """The time zone of an IANA name, such as Europe/London. Raises ValueError."""
    from zoneinfo import ZoneInfo

    names = pkgutil.get_data("tzdata", "zones") or b""
    if name not in names.decode("ascii").split():
        raise ValueError("no name of the IANA time zone database, or one of a newer edition")
    data = pkgutil.get_data("tzdata", f"zoneinfo/{name}") or b""
    return ZoneInfo.from_file(io.BytesIO(data), key=name)
