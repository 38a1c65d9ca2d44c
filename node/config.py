"""The node's settings: `node.toml` in its folder, or PATCHWORK_NODE_* variables."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import SettingsConfigDict

from node.backup_settings import BackupSettings
from node.web_settings import WebSettings
from protocol.contact import read_email, require_hours, require_name, require_phone
from protocol.fields import BasisCode, Code
from protocol.governance.charter import Charter, LawfulBasis
from protocol.governance.enquiries import ENQUIRY
from protocol.governance.involvement_types import InvolvementType
from protocol.governance.limits import TOKEN_DAYS
from protocol.matchkeys.shared_places import SharedPlaces, shared_places
from runtime.folders import NODE, require
from runtime.service_settings import ServiceSettings
from runtime.settings import read_settings

AnswerRule = Literal["ask", "allow"]
AnyOne = Literal["*"]
ANY: AnyOne = "*"
"""In a rule: whichever basis, or whichever class."""


class HubTerms(BaseModel):
    """What the agency's own codes are called in the charter of one hub. With a table of types only
    the types in it are published there, without one every type goes by its own code; a basis that
    the table lacks goes by its own code too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    types: dict[Code, Code] = Field(default_factory=dict)
    bases: dict[str, BasisCode] = Field(default_factory=dict)


@dataclass(frozen=True)
class Agreement:
    """A charter read in the agency's own words."""

    charter: Charter
    terms: HubTerms

    @cached_property
    def types(self) -> dict[str, InvolvementType]:
        """Our types of involvement that the charter has, by our own codes: what records can say."""
        known = {item.code: item for item in self.charter.involvement_types if item.code != ENQUIRY}
        ours = self.terms.types or {code: code for code in known}
        return {own: known[code] for own, code in ours.items() if code in known}

    def kind(self, own: str) -> InvolvementType | None:
        """The type of work that we call so, or of an enquiry, if the charter has it."""
        if own == ENQUIRY:
            return self.charter.involvement_type(ENQUIRY)
        return self.types.get(own)

    def basis(self, own: str | None) -> LawfulBasis | None:
        """The lawful basis that we call so, if the charter has it."""
        return self.charter.lawful_basis(self.terms.bases.get(own or "", own or ""))

    def own_basis(self, code: str) -> str:
        """What we call a lawful basis of the charter."""
        return next((own for own, item in self.terms.bases.items() if item == code), code)


class MailWish(StrEnum):
    """How somebody hears by mail that there is news."""

    AT_ONCE = "at-once"
    DAILY = "daily"
    NEVER = "never"


class MailSettings(BaseModel):
    """How mail leaves that says that there is news, and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(
        pattern=r"^[A-Za-z0-9.:-]{1,253}$",
        description="The mail server that takes it. Changed: another server learns which of your "
        "people have news and when, and gets the password, if there is one.",
    )
    port: int = Field(
        587, ge=1, le=65_535,
        description="Its port: 587 with starttls, 465 with tls, mostly. "
        "Changed: mail waits, or goes to another program there.",
    )  # fmt: skip
    tls: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="How the way there is protected; none only for a server on this machine. "
        "Changed to none: whoever listens on this machine reads who has news, and the password.",
    )
    user: str = Field(
        "",
        description="The name to log in with; empty: no login. "
        "Changed: mail is refused, or goes out in another account's name.",
    )
    password_file: str = Field(
        "",
        description="The file with the password, one line, mode 600; a relative path is in the "
        "node's folder. Changed: the first line of another file goes to the mail server.",
    )
    sender: str = Field(
        description="The address that it comes from. "
        "Changed: your people get mail that looks as if somebody else wrote it, or none.",
    )
    web_address: str = Field(
        "",
        description="Where your people sign in; the one thing that stands in a mail beside the "
        "fixed words. Changed: they are led to another page, which may ask for their password.",
    )
    usual: MailWish = Field(
        MailWish.DAILY,
        description="What somebody gets who has said nothing: at-once, daily or never. "
        "Changed to never: most of your people hear of nothing until they look.",
    )
    quiet_seconds: int = Field(
        120, ge=1, le=86_400,
        description="What is at once: so long after a first event, whatever comes in between is "
        "one mail. Changed to more: people hear later; to less: they get more mail.",
    )  # fmt: skip
    daily_hour: int = Field(
        8, ge=0, le=23,
        description="At which hour of the time zone below daily mail goes. "
        "Changed: it comes when nobody reads it.",
    )  # fmt: skip

    @field_validator("sender")
    @classmethod
    def _sender(cls, value: str) -> str:
        if read_email(value) != value or not value.isascii():
            raise ValueError("write an e-mail address alone, as in patchwork@agency.example")
        return value

    @field_validator("web_address")
    @classmethod
    def _page(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[A-Za-z0-9.:/_-]{1,200}", value):
            raise ValueError("write an address such as https://patchwork.agency.example/")
        return value

    @model_validator(mode="after")
    def _is_protected(self) -> "MailSettings":
        if self.tls == "none" and self.host not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError("tls: none is for a mail server on this machine alone")
        if bool(self.user) != bool(self.password_file):
            raise ValueError("user and password_file go together")
        return self


class NodeSettings(WebSettings, BackupSettings, ServiceSettings):
    """Settings of one node."""

    model_config = SettingsConfigDict(env_prefix="PATCHWORK_NODE_", extra="forbid")

    name: str = Field(
        "",
        description="The agency's name, as others will see it. "
        "Changed: only before joining does it matter; afterwards patchwork-node details.",
    )
    member_class: str = Field(
        "",
        description="The charter's class for this agency. "
        "Changed: only before joining; a wrong class asks for wrong rights, which people see.",
    )
    control_domain: str = Field(
        "", description="Who controls this agency. Changed: as for the class."
    )
    clients: int = Field(
        0, ge=0, le=100_000_000,
        description="How many clients the agency has, about: what it may publish and have "
        "evaluated follows from it, and the council approves it. "
        "Changed: only before joining; afterwards the council states a new size.",
    )  # fmt: skip
    duty_line: str = Field(
        "",
        description="Telephone of the duty desk, at the next hub that is joined. Changed: callers "
        "reach somebody else. Where the agency has joined: patchwork-node details.",
    )
    duty_hours: str = Field(
        "", description="When it answers, likewise. Changed: callers get no answer."
    )
    answer_rule: AnswerRule = Field(
        "ask",
        description="Whether requests after a first one from an agency go to a person or are "
        "allowed. Changed to allow: an agency once trusted gets contact details unasked.",
    )
    answer_rules: dict[BasisCode | AnyOne, dict[Code | AnyOne, AnswerRule]] = Field(
        default_factory=dict,
        description="The same for a lawful basis and a class of asker, * being any, as "
        "answer_rules.UK-CA04-S10-S11.school = 'allow'. The closest one counts, of two as close "
        "the stricter, and none where the charter wants a person. Changed: as for answer_rule.",
    )
    visits_on_cards: frozenset[Code] = Field(
        default_factory=frozenset,
        description="Types of involvement, by your own codes, whose contact cards say since when "
        "the work goes on, when the worker last saw the client and when they will next. Changed: "
        "who is allowed a card learns how long you know a client, when they are visited, and where "
        "to wait.",
    )
    poll_seconds: int = Field(
        20, ge=1, le=60, description="How long one poll waits. Changed: slower or busier."
    )
    api_port: int = Field(
        0, ge=0, le=65_535,
        description="Port of the local interface to the review queue; 0 is off. "
        "Changed: another program on this machine that has the token can answer for your people.",
    )  # fmt: skip
    api_host: str = Field(
        "127.0.0.1",
        description="Address that the local interface listens on. Changed to another than this "
        "machine's: everybody on the network may try tokens, and sees them pass unencrypted.",
    )
    metrics_port: int = Field(
        0, ge=0, le=65_535,
        description="Port of /healthz and /metrics, by which this node is watched; 0 is off. "
        "Changed: your monitoring sees nothing, or asks another program.",
    )  # fmt: skip
    metrics_host: str = Field(
        "127.0.0.1",
        description="Address that these listen on. Changed to another than this machine's: "
        "everybody on the network sees that it runs, and may try tokens.",
    )
    alarm_command: list[str] = Field(
        default_factory=list,
        description="Words of a command that is run, without a shell, for each new alarm; it gets "
        "one JSON object without personal data on its input. "
        "Changed: another program runs in its place, with the rights of this node.",
    )
    allow_private_addresses: bool = Field(
        False,
        description="Follow http and private addresses (a test bench only). "
        "Changed: the node can be made to call services on its own network.",
    )
    shared_postcodes: frozenset[str] = Field(
        default_factory=frozenset,
        description="Postcodes of hostels, refuges and other shared places that the address does "
        "not reveal: clients there are published without any place. Never leaves this node. "
        "Changed: read, it tells where a refuge is; emptied, people who share a hostel look alike.",
    )

    shared_addresses: tuple[str, ...] = Field(
        (),
        description="Addresses of such places where others of the postcode are no such place, one "
        "line each: 12 Church Lane, LX3 4AB, or the name of a house. Never leaves this node. "
        "Changed: as for the postcodes.",
    )

    hubs: dict[str, HubTerms] = Field(
        default_factory=dict,
        description="For an agency at several hubs, by a hub's name: its types (own code = "
        "charter's code; only these are published there) and bases, as "
        "hubs.Wexcombe.types = { visiting_wex = 'health_visiting' }. "
        "Changed: clients are published at another hub than before, or at none.",
    )

    time_zone: str = Field(
        "Europe/London",
        description="Where the agency is, as the tz database names it: an instant in an import is "
        "a day there. Changed: dates of birth that come as instants move by a day.",
    )

    remind_days: int = Field(
        28, ge=0, le=365,
        description="How many days before a client's consent ends whoever works with them hears "
        "of it; 0: never. Changed to less: consents end before anybody has asked again.",
    )  # fmt: skip

    mail: MailSettings | None = Field(
        None,
        description="Mail to your people that there is news, without a word of what: a table "
        "[mail] with host, port, tls, user, password_file, sender, web_address, usual, "
        "quiet_seconds and daily_hour. Changed: see each of these; taken out, nobody gets any.",
    )

    keep_closed_client_days: int = Field(
        0, ge=0, le=40_000,
        description="How many days a client stays here after all work with them is over; 0: as "
        "long as the sharing agreement lets it. Less than 90 is not taken, and more than the "
        "agreement has no effect. Changed: clients go for good, sooner or later than before.",
    )  # fmt: skip
    keep_request_days: int = Field(
        0, ge=0, le=40_000,
        description="The same for requests and identity checks that are over. "
        "Changed to less: your own decisions can be shown to an auditor for a shorter time.",
    )  # fmt: skip
    keep_news_days: int = Field(
        0, ge=0, le=40_000,
        description="The same for what was done in whose name, alarms that are over, alerts "
        "that were seen and people's news. "
        "Changed to less: who did what can be looked up for a shorter time.",
    )  # fmt: skip
    keep_withdrawn_days: int = Field(
        0, ge=0, le=40_000,
        description="How many days the keyed hashes of a deleted client who withdrew stay, by "
        "which a file does not bring them back; 0: as long as the agreement says. "
        "Changed to less: they come back unasked sooner.",
    )  # fmt: skip

    @field_validator("keep_closed_client_days")
    @classmethod
    def _closed(cls, value: int) -> int:
        """Tokens that a client gave up count for so long: what is forgotten cannot be counted."""
        if value and value < TOKEN_DAYS:
            raise ValueError(f"at least {TOKEN_DAYS} days, or 0")
        return value

    @field_validator("answer_rules")
    @classmethod
    def _rules(cls, value: dict[str, dict[str, AnswerRule]]) -> dict[str, dict[str, AnswerRule]]:
        """Each thing is said in one place."""
        if ANY in value.get(ANY, {}):
            raise ValueError("for all bases and all classes say answer_rule")
        return value

    @field_validator("name", "control_domain", "duty_line", "duty_hours")
    @classmethod
    def _contact(cls, value: str, info: ValidationInfo) -> str:
        """What others will see, in the form that messages take; not set is not set."""
        require = {"duty_line": require_phone, "duty_hours": require_hours}
        return require.get(str(info.field_name), require_name)(value) if value else ""

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:  # a zone that is not known is a KeyError
            raise ValueError("it is no time zone such as Europe/London") from error
        return value

    @field_validator("shared_postcodes")
    @classmethod
    def _postcodes(cls, values: frozenset[str]) -> frozenset[str]:
        """A slip of the keyboard would leave a refuge unprotected without a word."""
        shared_places(values, ())
        return values

    @field_validator("shared_addresses")
    @classmethod
    def _addresses(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        """Likewise."""
        shared_places((), values)
        return values

    def rule_for(
        self, basis: str, member_class: str, chosen: AnswerRule | None = None
    ) -> AnswerRule:
        """How a request on a basis (as we call it) by an agency of a class is answered by rule.
        `chosen`: what somebody chose for just these on a page, which node.toml alone can overrule.
        """
        of_basis, of_any = (self.answer_rules.get(name, {}) for name in (basis, ANY))
        if member_class in of_basis:
            return of_basis[member_class]
        if chosen is not None:
            return chosen
        said = {of_basis.get(ANY), of_any.get(member_class)} - {None}
        if not said:
            return self.answer_rule
        return "ask" if "ask" in said else "allow"

    @property
    def shared_places(self) -> SharedPlaces:
        """The places of the two lists."""
        return shared_places(self.shared_postcodes, self.shared_addresses)


def load_settings(folder: Path) -> NodeSettings:
    """Read the settings. Raises LocalError(CONFIGURATION) naming the field."""
    require(folder, NODE)
    return read_settings(NodeSettings, folder / NODE.file)
