"""Secret files, readable by their owner alone: ours are one JSON object of hex strings.

Never printed, never in argv or environment. A file that others may read is refused.
"""

import json
import secrets
import stat
from pathlib import Path

from protocol.errors import ErrorCode, LocalError
from runtime.files import put_file, put_new


def write_secrets(path: Path, values: dict[str, bytes]) -> None:
    """Create the file with mode 0600, whole or not at all. Raises LocalError(CONFLICT) if it is
    there already.
    """
    _write_own(path, _encoded(values))


def _write_own(path: Path, data: bytes) -> None:
    try:
        put_new(path, data)
    except FileExistsError as error:
        raise LocalError(
            ErrorCode.CONFLICT,
            f"{path.name} is there already, and is never replaced: choose another folder",
        ) from error
    except OSError as error:
        raise LocalError(ErrorCode.STORAGE, f"cannot write {path.name}") from error


def replace_secrets(path: Path, values: dict[str, bytes]) -> None:
    """Put the file, whole, in the place of the one before, and wait for the disk. Raises
    LocalError.
    """
    try:
        put_file(path, _encoded(values))
    except OSError as error:
        raise LocalError(ErrorCode.STORAGE, f"cannot write {path.name}") from error


def _encoded(values: dict[str, bytes]) -> bytes:
    return json.dumps({name: value.hex() for name, value in values.items()}).encode()


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


def own_token(path: Path) -> str:
    """The bearer token in a file of its own, one line in hex, drawn the first time.

    Raises LocalError.
    """
    if not path.exists():
        _write_own(path, secrets.token_hex(32).encode() + b"\n")
    return read_password(path)


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
