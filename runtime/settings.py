"""Read a program's settings: a TOML file in its folder, overridden by environment variables."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from protocol.errors import ErrorCode, LocalError

Settings = TypeVar("Settings", bound=BaseSettings)


def read_settings(model: type[Settings], path: Path) -> Settings:
    """The settings; those that are not set have their defaults.

    Raises LocalError(CONFIGURATION) naming the file and the setting.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalError(ErrorCode.CONFIGURATION, f"{path.name} is not TOML") from error
    return check_settings(model, values, path.name)


def check_settings(model: type[Settings], values: Mapping[str, Any], where: str) -> Settings:
    """The settings of these values. Raises LocalError(CONFIGURATION) naming the setting."""
    try:
        return model(**values)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in fault["loc"])
        raise LocalError(ErrorCode.CONFIGURATION, f"{where}: {name}: {fault['msg']}") from None
