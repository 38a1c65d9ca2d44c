"""The settings of the pages that the agency's people sign in to: a part of node.toml."""

from typing import Literal, Self

from pydantic import Field, model_validator

from web.settings import PagesSettings


class WebSettings(PagesSettings):
    """Where the pages are served, how they look, and what they call whom."""

    web_upload_mb: int = Field(
        100, ge=1, le=2_000,
        description="The largest file that can be imported on the pages, in megabytes. "
        "Changed to more: whoever may import fills the disk sooner.",
    )  # fmt: skip
    web_second_factor: Literal["nobody", "leads", "everybody"] = Field(
        "nobody",
        description="Who must show a second factor when they sign in: nobody (who wants to, may), "
        "leads (leads for information governance, and administrators) or everybody. Changed to "
        "fewer: a password that was learnt is enough to come in.",
    )
    web_required: list[Literal["authorisation", "training", "vetting"]] = Field(
        [],
        description="What must hold on the day for everybody who signs in; the days are kept with "
        "each person (accounts dates, or Accounts in the pages). Changed: who lacks it is signed "
        "out at once and told whom to ask; so give the days first.",
    )
    web_oidc_issuer: str = Field(
        "",
        description="Your organisation's own sign-in (OpenID Connect), as its tokens name it, such "
        "as https://login.microsoftonline.com/TENANT/v2.0; empty: none. Changed: nobody comes in "
        "by it until their accounts are linked anew.",
    )
    web_oidc_client: str = Field(
        "",
        description="Under which id it knows these pages. Changed: it lets nobody in.",
    )
    web_oidc_secret_file: str = Field(
        "",
        description="File of the secret that it gave you for them, mode 600. "
        "Changed: it lets nobody in.",
    )
    web_oidc_tenant: str = Field(
        "",
        description="Your tenant's id, where it serves many organisations (Entra: the claim tid). "
        "Changed to empty: people of other organisations may be taken for yours.",
    )
    web_oidc_acr: str = Field(
        "",
        description="The level of assurance that it must state (acr), such as NHS CIS2's "
        "AAL3_ANY. Changed to empty: whatever it let somebody in with is enough.",
    )
    web_oidc_name: str = Field(
        "your organisation",
        max_length=40,
        description="What your people call that sign-in, as it stands on the button. "
        "Changed: the button says so.",
    )
    web_person: str = Field(
        "client", pattern=r"^[A-Za-z][A-Za-z ]{0,29}$",
        description="What your people call one of the people they work with: client, child, young "
        "person, resident. Changed: pages speak of them so.",
    )  # fmt: skip
    web_people: str = Field(
        "clients", pattern=r"^[A-Za-z][A-Za-z ]{0,29}$",
        description="The same of several. Changed: as for one.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _provider(self) -> Self:
        if bool(self.web_oidc_issuer) != bool(self.web_oidc_client and self.web_oidc_secret_file):
            raise ValueError("web_oidc_issuer, web_oidc_client and _secret_file go together")
        if "{tenantid}" in self.web_oidc_issuer and not self.web_oidc_tenant:
            raise ValueError("with {tenantid} in web_oidc_issuer say web_oidc_tenant too")
        return self
