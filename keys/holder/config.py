"""The key holder's settings: `holder.toml` in its folder, or PATCHWORK_KEYS_* variables."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from protocol.errors import ErrorCode, LocalError
from runtime.files import put_settings
from runtime.service_settings import ServiceSettings
from runtime.settings import place_of_setting, read_settings
from transport.client import require_url


class HolderSettings(ServiceSettings):
    """Settings of one key holder."""

    model_config = SettingsConfigDict(env_prefix="PATCHWORK_KEYS_", extra="forbid")

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on; put TLS in front of it. "
        "Changed: who asks and how much becomes visible on the network; points stay blinded.",
    )
    port: int = Field(
        8450, ge=0, le=65_535, description="Port to listen on. Changed: nodes do not find us."
    )
    hub_url: str = Field(
        "",
        description="Where the log is fetched. "
        "Changed: we follow nothing and answer nobody; another log does not match the genesis.",
    )
    genesis: str = Field(
        "",
        pattern=r"^([0-9a-f]{64})?$",
        description="The genesis fingerprint that we pin. "
        "Changed: members of another federation could have points evaluated with our share.",
    )
    allow_private_addresses: bool = Field(
        False,
        description="Allow http and private addresses (a test bench only). "
        "Changed: we can be made to call services on our own network.",
    )


def begin_settings(folder: Path, hub_url: str, port: int, genesis: str) -> None:
    """Write holder.toml; of a hub over http it is a trial's. Raises LocalError(CONFIGURATION) if
    there is one, which is the operator's.
    """
    path = folder / "holder.toml"
    if path.exists():
        said = f'add to holder.toml: hub_url = "{hub_url}" and genesis = "{genesis}"'
        raise LocalError(ErrorCode.CONFIGURATION, said)
    trial = {"allow_private_addresses": True} if hub_url.startswith("http:") else {}
    put_settings(path, {"port": port, "hub_url": hub_url, "genesis": genesis, **trial})


def load_settings(folder: Path) -> HolderSettings:
    """Read the settings. Raises LocalError naming the field, and where the hub's address is not to
    be followed.
    """
    settings = read_settings(HolderSettings, folder / "holder.toml")
    if settings.hub_url:
        allowed = settings.allow_private_addresses
        named = place_of_setting(HolderSettings, "hub_url", "holder.toml")
        require_url(settings.hub_url, named, allow_private=allowed)
    return settings
