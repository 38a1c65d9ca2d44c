"""Write a file of a case or a report whole, or not at all."""

from pathlib import Path

from protocol.errors import ErrorCode, LocalError


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises LocalError(STORAGE)."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        raise LocalError(ErrorCode.STORAGE, f"{path.name} cannot be written") from error
