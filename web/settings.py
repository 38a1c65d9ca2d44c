"""The settings of pages that people sign in to: a part of node.toml, and of hub.toml."""

import re
from typing import Self

from pydantic import BaseModel, Field, field_validator, model_validator

LEAST_CONTRAST = 4.5


class PagesSettings(BaseModel):
    """Where the pages are served, and how they look."""

    web_port: int = Field(
        0, ge=0, le=65_535,
        description="Port of the pages that your people sign in to; 0 is off. "
        "Changed: they find nothing at the address that they know.",
    )  # fmt: skip
    web_host: str = Field(
        "127.0.0.1",
        description="Address that the pages are served on. Changed to another than this machine's: "
        "everybody on the network may try passwords; without https they see them pass.",
    )
    web_address: str = Field(
        "",
        description="What people type to come to the pages, such as "
        "https://patchwork.agency.example; empty: this machine alone. "
        "Changed: forms are refused that were sent from any other address.",
    )
    web_certificate: str = Field(
        "",
        description="File of the pages' own certificate chain (PEM), if no server in front of them "
        "has one. Changed: browsers warn, or trust somebody else.",
    )
    web_key: str = Field(
        "",
        description="File of its key, mode 600. Changed: the pages do not start.",
    )
    web_idle_minutes: int = Field(
        30, ge=1, le=720,
        description="After how many minutes without a click somebody is signed out. "
        "Changed to more: whoever finds an open browser has longer to look.",
    )  # fmt: skip
    web_again_minutes: int = Field(
        15, ge=1, le=720,
        description="For how many minutes a second factor (the password, where somebody has none) "
        "is enough on pages that ask for it again, such as accounts. Changed to more: whoever "
        "finds an open browser can do more with it.",
    )  # fmt: skip
    web_colour: str = Field(
        "", pattern=r"^(#[0-9a-f]{6})?$",
        description="Your colour, as #0b5c5e: dark enough for white letters. "
        "Changed: pages look like another organisation's.",
    )  # fmt: skip

    @field_validator("web_address")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[a-z0-9.-]{1,200}(:[0-9]{1,5})?", value):
            raise ValueError("write an address without a path, as https://patchwork.agency.example")
        if re.fullmatch(r"https:.*:443|http:.*:80", value):
            raise ValueError("leave out the port: browsers do, where it is the usual one")
        return value

    @field_validator("web_colour")
    @classmethod
    def _colour(cls, value: str) -> str:
        """White letters stand on it: WCAG 2.2, 1.4.3."""
        if value and contrast_with_white(value) < LEAST_CONTRAST:
            raise ValueError("too light: white letters on it must be readable")
        return value

    @model_validator(mode="after")
    def _web(self) -> Self:
        if bool(self.web_certificate) != bool(self.web_key):
            raise ValueError("web_certificate and web_key go together")
        if self.web_certificate and not self.web_address.startswith("https://"):
            raise ValueError("with web_certificate say web_address too: https:// and the rest")
        away = self.web_host not in {"localhost", "127.0.0.1", "::1"}
        if self.web_port and away and not self.web_address:
            raise ValueError("with web_host say web_address too: what people type")
        return self


def contrast_with_white(colour: str) -> float:
    """How well white letters are read on a colour (#rrggbb): WCAG 2.2's contrast ratio."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
