"""The secret number behind a sample: its form, its file, and what commits to it.

specs/08-audit.md §6. The number is on this machine alone (mode 0600) until the sample is drawn.
"""

import hashlib
from pathlib import Path

from protocol.errors import ErrorCode, LocalError
from runtime.secrets import read_secrets, write_secrets

NUMBER_BYTES = 32
_COMMITMENT = b"patchwork.sample.v1\n"
_NAME = "number"


def commitment_to(number: bytes) -> str:
    """What the auditor logs of its secret number of 32 bytes."""
    return hashlib.sha256(_COMMITMENT + number).hexdigest()


def keep_number(folder: Path, number: bytes) -> str:
    """Write a new number into the auditor's folder; the name of its file. Raises LocalError."""
    name = f"sample-{commitment_to(number)[:16]}.json"
    write_secrets(folder / name, {_NAME: number})
    return name


def read_number(path: Path) -> bytes:
    """The secret number in a file that `keep_number` wrote. Raises LocalError."""
    values = read_secrets(path)
    number = values.get(_NAME, b"")
    if len(number) != NUMBER_BYTES:
        raise LocalError(ErrorCode.CONFIGURATION, f"{path.name} does not hold a sample's number")
    return number


def parse_number(text: str) -> bytes:
    """A number as a worksheet shows it: 64 hex digits. Raises LocalError."""
    try:
        number = bytes.fromhex(text)
    except ValueError:
        number = b""
    if len(number) != NUMBER_BYTES:
        raise LocalError(ErrorCode.CONFIGURATION, "a number has 64 hex digits")
    return number
