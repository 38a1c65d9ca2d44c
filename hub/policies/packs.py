"""Policies that ship as a starting point, one JSON file each in `shipped/`."""

from pathlib import Path

from protocol import canonical
from protocol.errors import ErrorCode, LocalError
from protocol.matchkeys.policy import MatchPolicy, parse_policy

FOLDER = Path(__file__).with_name("shipped")
DEFAULT = "england"
FILE_LIMIT = 256 * 1024


def pack(name: str) -> MatchPolicy:
    """The pack of that name. Raises LocalError(NOT_FOUND) naming those that exist."""
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    if name not in names:
        raise LocalError(ErrorCode.NOT_FOUND, f"no such pack; there are {', '.join(names)}")
    return read_policy(FOLDER / f"{name}.json")


def read_policy(path: Path) -> MatchPolicy:
    """A policy file. Raises LocalError(BAD_FILE) if it is not there, RemoteError if it is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LocalError(ErrorCode.BAD_FILE, f"{path.name} cannot be read") from error
    return parse_policy(canonical.parse_loose(data, limit=FILE_LIMIT))
