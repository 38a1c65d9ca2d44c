"""The settings that every service has beside its own."""

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

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

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What stands in the environment goes before what was read from the file."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings
