"""The settings that every service has beside its own."""

from pydantic import Field
from pydantic_settings import BaseSettings

from runtime.logs import LogFormat, LogLevel


class ServiceSettings(BaseSettings):
    """Of a program that runs and is watched."""

    log_level: LogLevel = Field(
        LogLevel.INFO,
        description="From which level on a line is logged: debug, info, warning or error. "
        "Changed to error: what was refused, and who was away, is not there to be read.",
    )
    log_format: LogFormat = Field(
        LogFormat.JSON,
        description="How a line of the log looks: json for programs, text for people. "
        "Changed: a program that reads the log understands it no longer.",
    )
