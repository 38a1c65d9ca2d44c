"""What an auditor gives a command: a fingerprint, and files."""

from pathlib import Path

from audit.case.case import parse_genesis
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log.tlog_policy import TlogPolicy, parse_tlog_policy
from protocol.requests.disclosure import Disclosure
from protocol.wire import parse_wire


def read_genesis(text: str) -> str:
    """The genesis fingerprint as it was typed. Raises LocalError."""
    try:
        return parse_genesis(text.encode("ascii", "replace"))
    except RemoteError as error:
        raise LocalError(ErrorCode.CONFIGURATION, error.detail) from error


def read_policy(path: Path | None) -> TlogPolicy | None:
    """A C2SP policy, if one is given. Raises LocalError."""
    try:
        return None if path is None else parse_tlog_policy(path.read_bytes())
    except OSError as error:
        raise LocalError(ErrorCode.BAD_FILE, "the policy cannot be read") from error
    except RemoteError as error:
        raise LocalError(ErrorCode.BAD_FILE, error.detail) from error


def read_old(path: Path | None) -> bytes | None:
    """An earlier checkpoint, if one is given. Raises LocalError."""
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise LocalError(ErrorCode.BAD_FILE, "the old checkpoint cannot be read") from error


def read_disclosure(path: Path) -> Disclosure:
    """What an agency disclosed of a decision. Raises LocalError."""
    try:
        return parse_wire(Disclosure, path.read_bytes())
    except OSError as error:
        raise LocalError(ErrorCode.BAD_FILE, f"{path.name} cannot be read") from error
