"""Writing a file whole or not at all, for its owner alone."""

import json
import os
from collections.abc import Mapping
from pathlib import Path


def put_file(path: Path, data: bytes) -> None:
    """Put the file in the place of the one before, if it says anything else, and wait for the disk.
    Whenever this is cut off, there is one or the other. Raises OSError.
    """
    if path.exists() and path.read_bytes() == data:
        return
    _half(path, data).replace(path)
    _sync(path.parent)


def put_new(path: Path, data: bytes) -> None:
    """The same for a file that is never replaced. Raises FileExistsError, OSError."""
    half = _half(path, data)
    try:
        os.link(half, path)
    finally:
        half.unlink()
    _sync(path.parent)


def _half(path: Path, data: bytes) -> Path:
    half = path.with_name(f"{path.name}.part")
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return half


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def toml_lines(values: Mapping[str, str | int | bool | Mapping[str, str]]) -> str:
    """Plain values as TOML, tables last."""
    plain = {key: value for key, value in values.items() if not isinstance(value, Mapping)}
    tables = {key: value for key, value in values.items() if isinstance(value, Mapping)}
    # A JSON string is a TOML basic string, and so are a number and a boolean.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in plain.items()]
    for name, table in tables.items():
        lines.append(f"[{name}]\n")
        lines += [f'"{key}" = {json.dumps(value)}\n' for key, value in table.items()]
    return "".join(lines)


def put_settings(path: Path, values: Mapping[str, str | int | bool | Mapping[str, str]]) -> None:
    """Write a settings file for a person to edit; one that is there already stays as it is."""
    if not path.exists():
        text = "# Written by set-up, and yours to edit; docs/operate says what else there is.\n"
        put_file(path, (text + toml_lines(values)).encode())
