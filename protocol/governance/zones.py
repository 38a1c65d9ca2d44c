"""Time zones by name, from the package tzdata and never from the machine: everybody reckons alike.

Pure in all but where the data lies: it is part of a package that requirements.lock pins.
"""

from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo


@cache
def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name, such as Europe/London. Raises ValueError."""
    data = resources.files("tzdata")
    with data.joinpath("zones").open("rb") as file:
        names = file.read().decode("ascii").split()
    if name not in names:
        raise ValueError("no name of the IANA time zone database, or one of a newer edition")
    with data.joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
