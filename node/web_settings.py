"""The settings of the pages that the agency's people sign in to: a part of node.toml."""

from pydantic import Field

from web.settings import PagesSettings


class WebSettings(PagesSettings):
    """Where the pages are served, how they look, and what they call whom."""

    web_upload_mb: int = Field(
        100, ge=1, le=2_000,
        description="The largest file that can be imported on the pages, in megabytes. "
        "Changed to more: whoever may import fills the disk sooner.",
    )  # fmt: skip
    web_person: str = Field(
        "client", pattern=r"^[A-Za-z][A-Za-z ]{0,29}$",
        description="What your people call one of the people they work with: client, child, young "
        "person, resident. Changed: pages speak of them so.",
    )  # fmt: skip
    web_people: str = Field(
        "clients", pattern=r"^[A-Za-z][A-Za-z ]{0,29}$",
        description="The same of several. Changed: as for one.",
    )  # fmt: skip
