"""Read a program's settings: a TOML file in its folder, overridden by environment variables."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

from protocol.errors import ErrorCode, LocalError
from runtime.written import fault_of, line_of, read_toml

Settings = TypeVar("Settings", bound=BaseSettings)


def read_settings(model: type[Settings], path: Path) -> Settings:
    """The settings; those that are not set have their defaults.

    Raises LocalError: BAD_FILE naming the line, CONFIGURATION naming file, line and setting.
    """
    text, values = read_toml(path) if path.exists() else ("", {})
    return check_settings(model, values, path.name, text)


def check_settings(
    model: type[Settings], values: Mapping[str, Any], where: str, text: str = ""
) -> Settings:
    """The settings of these values, from a file's text or typed. Raises LocalError(CONFIGURATION)
    naming the setting.
    """
    try:
        return model(**values)
    except ValidationError as error:
        fault = fault_of(error, model, "setting")
    except SettingsError as error:
        named = re.search(r'field "(\w+)"', str(error))
        name = _variable(model, named[1] if named else "")
        raise LocalError(ErrorCode.CONFIGURATION, f"{name}: write it as JSON") from None
    name = ".".join(str(part) for part in fault.place)
    setting = str(fault.place[0]) if fault.place else ""
    is_in_environment = setting not in values or _variable(model, setting) in os.environ
    if setting in model.model_fields and is_in_environment:
        place = _variable(model, name)
    else:
        line = line_of(text, fault.place)
        place = f"{where}, line {line}: {name}" if line else f"{where}: {name}"
    raise LocalError(ErrorCode.CONFIGURATION, f"{place}: {fault.says}")


def place_of_setting(model: type[BaseSettings], name: str, file: str) -> str:
    """Where a setting's value came from, for a sentence: a variable of the environment goes before
    the file. `name` may go on into a table, with dots.
    """
    variable = _variable(model, name.partition(".")[0])
    return variable if variable in os.environ else f"{file}: {name}"


def _variable(model: type[BaseSettings], name: str) -> str:
    """The environment variable of a setting."""
    return f"{model.model_config.get('env_prefix', '')}{name}".upper()
