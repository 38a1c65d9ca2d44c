"""Secret files, readable by their owner alone: ours are one JSON object of hex strings.

Never printed, never in argv or environment. A file that others may read is refused.
"""

import json
import os
import stat
from pathlib import Path

from protocol.errors import ErrorCode, LocalError


def write_secrets(path: Path, values: dict[str, bytes]) -> None:
    """Create the file with mode 0600. Raises LocalError(CONFLICT) if it is there already."""
    data = json.dumps({name: value.hex() for name, value in values.items()}).encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise LocalError(ErrorCode.CONFLICT, f"{path.name} is there already") from error
    except OSError as error:
        raise LocalError(ErrorCode.STORAGE, f"cannot write {path.name}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_secrets(path: Path, values: dict[str, bytes]) -> None:
    """Put the file, whole, in the place of the one before, and wait for the disk. Whenever this is
    cut off, there is one or the other. Raises LocalError.
    """
    half = path.with_suffix(".part")
    half.unlink(missing_ok=True)
    write_secrets(half, values)
    try:
        half.replace(path)
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise LocalError(ErrorCode.STORAGE, f"cannot write {path.name}") from error


def read_secrets(path: Path) -> dict[str, bytes]:
    """The secrets by name. Raises LocalError; the message never shows a value."""
    try:
        check_own(path)
        values = json.loads(path.read_bytes())
        return {str(name): bytes.fromhex(value) for name, value in values.items()}
    except FileNotFoundError as error:
        raise LocalError(
            ErrorCode.NOT_READY, f"{path.name} is not there; run init first"
        ) from error
    except (OSError, ValueError, TypeError, AttributeError):
        # No "from": the cause's message could quote the file.
        raise LocalError(ErrorCode.CONFIGURATION, f"{path.name} is not a secrets file") from None


def read_password(path: Path) -> str:
    """The first line of a file that somebody else's server wants. Raises LocalError."""
    try:
        check_own(path)
        words = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise LocalError(ErrorCode.CONFIGURATION, f"{path.name} is not there") from error
    except (OSError, UnicodeError):
        raise LocalError(ErrorCode.CONFIGURATION, f"{path.name} cannot be read") from None
    if not words or not words[0]:
        raise LocalError(ErrorCode.CONFIGURATION, f"{path.name} has nothing in its first line")
    return words[0]


def check_own(path: Path) -> None:
    """Refuse a secret file that others may read. Raises LocalError(CONFIGURATION)."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise LocalError(ErrorCode.CONFIGURATION, f"{path.name}: run chmod 600 on it first")


def check_closed(folder: Path) -> None:
    """Refuse a folder with secrets that others may look into: it may not be ours to close.

    Raises LocalError(CONFIGURATION).
    """
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        raise LocalError(
            ErrorCode.CONFIGURATION,
            f"others on this machine may look into {folder.resolve().name}: run chmod 700 on it",
        )


def make_own_folder(folder: Path) -> None:
    """Make the folder unless it is there; either way nobody else looks into it.

    Raises LocalError(CONFIGURATION).
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_closed(folder)
