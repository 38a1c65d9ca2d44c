"""The hub's settings: `hub.toml` in its folder, overridden by PATCHWORK_HUB_* variables.

Each field says what it means and what an attacker who can change it gains.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from runtime.files import put_settings
from runtime.service_settings import ServiceSettings
from runtime.settings import place_of_setting, read_settings
from transport.client import require_url
from web.settings import PagesSettings

SETTINGS = "hub.toml"


class HubSettings(PagesSettings, ServiceSettings):
    """Settings of one hub."""

    model_config = SettingsConfigDict(env_prefix="PATCHWORK_HUB_", extra="forbid")

    web_second_factor: Literal["nobody", "everybody"] = Field(
        "nobody",
        description="Which operators must show a second factor when they sign in: nobody (who "
        "wants to, may) or everybody. Changed to nobody: a password that was learnt is enough to "
        "suspend an agency.",
    )
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
    database: str = Field(
        "",
        description="Empty: the file hub.sqlite in this folder. Or postgresql://user@host/name, "
        "without a password: libpq finds that in ~/.pgpass, PGPASSFILE or a service file. "
        "Changed: the hub serves another log, which no witness signs.",
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
    lead_seconds: float = Field(
        8,
        ge=1,
        le=10,
        description="Of several processes over one database: how long the one that leads may say "
        "nothing before another does. Changed: who leads changes without need, or later.",
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


TRIAL_ROUND_SECONDS = 30


def begin_settings(folder: Path, url: str, port: int, witness_urls: Mapping[str, str]) -> None:
    """Write hub.toml unless there is one. Over http it is a trial's: with private addresses, and
    short rounds.
    """
    trial = {"allow_private_addresses": True, "round_seconds": TRIAL_ROUND_SECONDS}
    put_settings(
        folder / "hub.toml",
        {
            "port": port,
            "public_url": url,
            **(trial if url.startswith("http:") else {}),
            "witness_urls": witness_urls,
        },
    )


def load_settings(folder: Path) -> HubSettings:
    """Read the settings. Raises LocalError naming the field, and where an address in them is not to
    be followed.
    """
    settings = read_settings(HubSettings, folder / SETTINGS)
    given = {f"witness_urls.{name}": url for name, url in settings.witness_urls.items()}
    if settings.public_url:
        given["public_url"] = settings.public_url
    for name, url in given.items():
        allowed = settings.allow_private_addresses
        require_url(url, place_of_setting(HubSettings, name, SETTINGS), allow_private=allowed)
    return settings


def write_database(folder: Path, address: str) -> None:
    """Have hub.toml name this database, or none; its other lines stay as they are."""
    path = folder / SETTINGS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    top = next((at for at, line in enumerate(lines) if line.startswith("[")), len(lines))
    kept = [line for line in lines[:top] if not re.match(r"\s*database\s*=", line)]
    named = [f'database = "{address}"'] if address else []
    half = path.with_suffix(".part")
    half.write_text("\n".join([*named, *kept, *lines[top:], ""]), encoding="utf-8")
    half.replace(path)
