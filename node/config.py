"""The node's settings: `node.toml` in its folder, or PATCHWORK_NODE_* variables."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from protocol.errors import ErrorCode, LocalError
from transport.settings import read_settings


class NodeSettings(BaseSettings):
    """Settings of one node."""

    model_config = SettingsConfigDict(env_prefix="PATCHWORK_NODE_", extra="forbid")

    name: str = Field(
        "",
        description="The agency's name, as others will see it. "
        "Changed: only before joining does it matter; the log holds it afterwards.",
    )
    member_class: str = Field(
        "",
        description="The charter's class for this agency. "
        "Changed: only before joining; a wrong class asks for wrong rights, which people see.",
    )
    control_domain: str = Field(
        "", description="Who controls this agency. Changed: as for the class."
    )
    duty_line: str = Field(
        "", description="Telephone of the duty desk. Changed: callers reach somebody else."
    )
    duty_hours: str = Field("", description="When it answers. Changed: callers ring in vain.")
    answer_rule: Literal["ask", "allow"] = Field(
        "ask",
        description="Whether requests after a first one from an agency go to a person or are "
        "allowed. Changed to allow: an agency once trusted gets contact details unasked.",
    )
    poll_seconds: int = Field(
        20, ge=1, le=60, description="How long one poll waits. Changed: slower or busier."
    )
    allow_private_addresses: bool = Field(
        False,
        description="Follow http and private addresses (a test bench only). "
        "Changed: the node can be made to call services on its own network.",
    )


def load_settings(folder: Path) -> NodeSettings:
    """Read the settings. Raises LocalError(CONFIGURATION) naming the field."""
    path = folder / "node.toml"
    if not path.exists():
        raise LocalError(ErrorCode.NOT_READY, "node.toml is not there; run patchwork-node init")
    return read_settings(NodeSettings, path)
