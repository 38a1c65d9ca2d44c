"""Files that people hand to one another, read for what they are meant to be."""

from pathlib import Path

from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.wire import MESSAGE_LIMIT, Wire, parse_wire


def read_handed(model: type[Wire], path: Path, what: str, *, limit: int = MESSAGE_LIMIT) -> Wire:
    """A file that should be `what`. Raises LocalError(BAD_FILE) naming both, OSError."""
    try:
        return parse_wire(model, path.read_bytes(), limit=limit)
    except RemoteError as error:
        raise LocalError(ErrorCode.BAD_FILE, f"{path} is not {what}: {error.detail}") from None
