"""The witness's settings: `witness.toml` in its folder, or PATCHWORK_WITNESS_* variables."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from runtime.files import put_settings
from runtime.service_settings import ServiceSettings
from runtime.settings import read_settings

SETTINGS = "witness.toml"


class WitnessSettings(ServiceSettings):
    """Settings of one witness."""

    model_config = SettingsConfigDict(env_prefix="PATCHWORK_WITNESS_", extra="forbid")

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on; put TLS in front of it. "
        "Changed: who asks becomes visible on the network; checkpoints are public.",
    )
    port: int = Field(
        8090, ge=0, le=65_535, description="Port to listen on. Changed: the hub does not find us."
    )
    pull: str = Field(
        "",
        description="A hub to ask for checkpoints, and bring our line to; empty: we listen. "
        "Changed: another log finds that we do not know it, and this one gets no line.",
    )
    metrics_port: int = Field(
        0, ge=0, le=65_535,
        description="Where nobody is listened to: the port of /healthz and /metrics; 0 is off. "
        "Changed: whoever has the token reads the numbers elsewhere.",
    )  # fmt: skip
    allow_private_addresses: bool = Field(
        False,
        description="Allow http and private addresses (a test bench only). "
        "Changed: we can be made to call services on our own network.",
    )


def begin_settings(folder: Path, port: int | None, hub_url: str) -> None:
    """Write witness.toml unless there is one: with a port to listen on, or (None) to fetch from the
    hub. Of a hub over http it is a trial's.
    """
    trial = {"allow_private_addresses": True} if hub_url.startswith("http:") else {}
    way: dict[str, str | int] = {"pull": hub_url} if port is None else {"port": port}
    put_settings(folder / SETTINGS, {**way, **trial})


def load_settings(folder: Path) -> WitnessSettings:
    """Read the settings. Raises LocalError(CONFIGURATION) naming the field."""
    return read_settings(WitnessSettings, folder / SETTINGS)
