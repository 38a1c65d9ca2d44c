"""The hub's settings: `hub.toml` in its folder, overridden by PATCHWORK_HUB_* variables.

Each field says what it means and what an attacker who can change it gains.
"""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from runtime.service_settings import ServiceSettings
from runtime.settings import read_settings
from transport.client import require_url


class HubSettings(ServiceSettings):
    """Settings of one hub."""

    model_config = SettingsConfigDict(env_prefix="PATCHWORK_HUB_", extra="forbid")

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on; put TLS in front of it. "
        "Changed: reachable without TLS; signatures still hold, metadata leaks.",
    )
    port: int = Field(
        8440,
        ge=0,
        le=65_535,
        description="Port to listen on. Changed: nodes do not find the hub.",
    )
    public_url: str = Field(
        "",
        description="The address in invitations. "
        "Changed: newcomers are sent elsewhere, where the genesis is another.",
    )
    round_seconds: float = Field(
        900,
        gt=0,
        description="Time between matching rounds. "
        "Changed: shorter rounds let a watcher tell which publication made which link.",
    )
    expiry_seconds: float = Field(
        60,
        gt=0,
        description="Time between looks for permissions that ran out; each is a log entry. "
        "Changed: longer lets others see for longer what has ended.",
    )
    batch_seconds: float = Field(
        1,
        gt=0,
        le=60,
        description="Time between checkpoints. Changed: longer means later proofs and releases.",
    )
    witness_urls: dict[str, str] = Field(
        default_factory=dict,
        description="Where each witness named in the charter answers. "
        "Changed: checkpoints lack cosignatures and contact details wait.",
    )
    alarm_command: list[str] = Field(
        default_factory=list,
        description="A program and its words, run without a shell when contact details have not "
        "moved for 10 minutes; it reads JSON from its input. "
        "Changed: a program of the attacker's choice runs on this machine as the hub.",
    )
    allow_private_addresses: bool = Field(
        False,
        description="Follow http and private addresses (a test bench only). "
        "Changed: the hub can be made to call services on its own network.",
    )


def load_settings(folder: Path) -> HubSettings:
    """Read the settings. Raises LocalError naming the field, and where an address in them is not to
    be followed.
    """
    settings = read_settings(HubSettings, folder / "hub.toml")
    given = {f"witness_urls.{name}": url for name, url in settings.witness_urls.items()}
    if settings.public_url:
        given["public_url"] = settings.public_url
    for name, url in given.items():
        allowed = settings.allow_private_addresses
        require_url(url, f"hub.toml: {name}", allow_private=allowed)
    return settings
