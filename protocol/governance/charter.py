"""The charter: the sharing agreement as data (specs/02-charter.md).

A charter document is canonical JSON of at most 1 MiB, named by its SHA-256; the public leaf in the
log holds version, hash and length. Nothing here decides anything: protocol/requests/decide.py does.
"""

import hashlib
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, cast

from pydantic import Field, StringConstraints, ValidationError, model_validator

from protocol import canonical
from protocol.canonical import JsonValue
from protocol.contact import Hours, Phone
from protocol.dsse import DOCUMENT_LIMIT
from protocol.fields import (
    BasisCode,
    Code,
    Hex16,
    Hex32,
    Name,
    Origin,
    WireModel,
    refused_shape,
)
from protocol.governance.answering import Answering
from protocol.governance.attention import AttentionTerms
from protocol.governance.enquiries import ENQUIRY, EnquiryRule
from protocol.governance.involvement_types import InvolvementType
from protocol.governance.numbers import Admission, NodeRetention, Quotas
from protocol.log.note import parse_vkey
from protocol.matchkeys.policy import MatchPolicy, parse_policy
from protocol.signing import check_public_key

Url = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,200}$")]
VKey = Annotated[str, StringConstraints(pattern=r"^[!-~]{10,300}$")]


class Hub(WireModel):
    """The hub's signing key and whose control it is under."""

    name: Name
    control_domain: Name
    sign: Hex32


class LogKey(WireModel):
    """The request log's origin line and C2SP verifier key."""

    origin: Origin
    vkey: VKey


class Witness(WireModel):
    """One named witness and its C2SP cosignature key."""

    name: Origin
    control_domain: Name
    vkey: VKey


class MemberClass(WireModel):
    """A class of member, with the statute that makes it one."""

    code: Code
    title: Name
    statutory_reference: Name


class Purpose(WireModel):
    """A purpose that a request may state."""

    code: Code
    title: Name


class FactRule(WireModel):
    """A fact that a lawful basis demands of each request (specs/02-charter.md §4).

    `enum` and `date` travel in the clear, `committed` as a salted commitment whose opening is
    sealed to the holder: references and reasons may name a client. Of the asker's `side` a fact is
    typed, or `record` says what in its consent record it is. The one fact of the holder's side is
    a `consent`, which does not travel: `decide_holder` looks. Charters of before have neither.
    """

    field: Code
    title: Name
    type: Literal["enum", "date", "committed", "consent"]
    choices: Annotated[list[Code], Field(max_length=20)]
    side: Literal["asker", "holder"] = "asker"
    record: Literal["given_on", "given_by", "how", "wording"] | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> "FactRule":
        forms = {"given_on": "date", "given_by": "enum", "how": "enum", "wording": "committed"}
        if (self.type == "consent") != (self.side == "holder"):
            raise ValueError("the holder's fact is a consent, and no other fact is")
        if self.record is not None and self.type != forms[self.record]:
            raise ValueError("what a consent record says has another type")
        return self


class Reason(WireModel):
    """A reason for which an objection may be overridden."""

    code: Code
    title: Name


class ObjectionRule(WireModel):
    """Who may share on a basis in spite of a client's objection: people in these roles, at agencies
    of these classes, each time for one of these reasons.
    """

    holder_classes: Annotated[list[Code], Field(min_length=1)]
    roles: Annotated[list[Code], Field(min_length=1)]
    reasons: Annotated[list[Reason], Field(min_length=1, max_length=20)]


class LawfulBasis(WireModel):
    """One entry of the catalogue of law. Without `objection` nobody overrides one on it; charters
    from before objections lack it. What is asked on one that is `urgent` does not wait for morning.
    `by_rule`: whose requests, by class, an agency may allow without a person; None: anybody's.
    `reason_in_writing`: a person who refuses says why.
    """

    code: BasisCode
    jurisdiction: Code
    title: Name
    source: Annotated[str, StringConstraints(max_length=300)]
    in_force: Literal["yes", "pending", "no"]
    permission_class: Literal["consent", "duty"]
    requester_classes: list[Code]
    holder_classes: list[Code]
    purposes: list[Code]
    must_record: Annotated[list[FactRule], Field(max_length=12)]
    notify_subject: bool
    objection: ObjectionRule | None = None
    urgent: bool = False
    by_rule: list[Code] | None = None
    reason_in_writing: bool = False

    @property
    def asked(self) -> list[FactRule]:
        """The facts that a request carries, in the charter's order."""
        return [rule for rule in self.must_record if rule.side == "asker"]

    @property
    def needs_consent(self) -> bool:
        """Whether the holder must have the client's consent too."""
        return any(rule.side == "holder" for rule in self.must_record)

    @property
    def needs_record(self) -> bool:
        """Whether it asks for a record of the client's consent, on either side."""
        return self.needs_consent or any(rule.record for rule in self.must_record)


class TokenHolder(WireModel):
    """One key holder: its share's public commitment, signing key and where it answers."""

    holder_id: Hex16
    index: Annotated[int, Field(ge=1, le=16)]
    name: Name
    control_domain: Name
    sign: Hex32
    commitment: Hex32
    url: Url


class TokenKey(WireModel):
    """The token key of an epoch; the logged `key_birth` transcript shows how it was generated."""

    epoch: Annotated[int, Field(ge=1, le=65_535)]
    threshold: Annotated[int, Field(ge=1, le=16)]
    public_key: Hex32
    holders: Annotated[list[TokenHolder], Field(min_length=1, max_length=16)]


class DutyDesk(WireModel):
    """Somebody to call now, whatever the match says."""

    name: Name
    phone: Phone
    hours: Hours


class Charter(WireModel):
    """The whole agreement of one federation at one version."""

    charter_id: Hex16
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    predecessor: Hex32 | None
    jurisdictions: list[Code]
    hub: Hub
    log: LogKey
    witnesses: Annotated[list[Witness], Field(max_length=7)]
    quorum: Annotated[int, Field(ge=1, le=7)]
    classes: list[MemberClass]
    involvement_types: Annotated[list[InvolvementType], Field(max_length=200)]
    roles: list[Code]
    purposes: list[Purpose]
    lawful_bases: Annotated[list[LawfulBasis], Field(max_length=200)]
    match_policy: dict[str, object]
    tables: dict[str, Hex32]
    token_key: TokenKey
    quotas: Quotas
    admission: Admission | None = None
    duty_desk: DutyDesk
    enquiry: EnquiryRule | None = None
    attention: AttentionTerms | None = None
    past_months: Annotated[int, Field(ge=0, le=120)] | None = None
    confirm_months: Annotated[int, Field(ge=1, le=120)] | None = None
    request_lifetime_days: Annotated[int, Field(ge=1, le=90)]
    disclosure_days: Annotated[int, Field(ge=30, le=40_000)]
    retention_days: Annotated[int, Field(ge=30, le=40_000)]
    node_retention: NodeRetention | None = None
    answering: Answering | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> "Charter":
        undefined = self._undefined()
        for fault, says in (
            (bool(undefined), f"names {', '.join(undefined)}, which it does not define"),
            (not self._rules_are_of_askers(), "lets a rule allow what a class may not ask"),
            (not self._objections_hold(), "lets one override an objection it does not define"),
            (not self._findable_by_law(), "makes something findable on a basis that is no duty"),
            (not self._clock_runs_out(), "gives longer to answer than a request may be open"),
            (not self._enquiries_hold(), "lets one enquire as or on what it does not define"),
            (not self._codes_are_unique(), "defines a code twice"),
            (not self._holders_are_numbered(), "key holders are not numbered 1 to n, each once"),
            (self.quorum > max(1, len(self.witnesses)), "quorum is larger than the witnesses are"),
            (self.token_key.threshold > len(self.token_key.holders), "threshold is over n"),
            (parse_vkey(self.log.vkey).name != self.log.origin, "log vkey is for another origin"),
            (not self._keys_are_unique(), "one key is used for two parties"),
        ):
            if fault:
                raise ValueError(says)
        return self

    def _undefined(self) -> list[str]:
        """The classes and purposes that it names without having them."""
        classes = {item.code for item in self.classes}
        purposes = {item.code for item in self.purposes}
        types = self.involvement_types
        named = {code for item in types for code in (*item.visible_to, *item.brokered_to)}
        named.update(self.enquiry.classes if self.enquiry else ())
        for basis in self.lawful_bases:
            named.update(basis.requester_classes, basis.holder_classes)
        wanted = {code for basis in self.lawful_bases for code in basis.purposes}
        return sorted((named - classes) | (wanted - purposes))

    def _rules_are_of_askers(self) -> bool:
        """A rule is for the requests of a class that may ask."""
        return all(set(b.by_rule or ()) <= set(b.requester_classes) for b in self.lawful_bases)

    def _objections_hold(self) -> bool:
        """Roles and reasons of who may override an objection are known, and only of holders."""
        rules = [(basis, basis.objection) for basis in self.lawful_bases if basis.objection]
        return all(
            set(rule.holder_classes) <= set(basis.holder_classes)
            and set(rule.roles) <= set(self.roles)
            and len({item.code for item in rule.reasons}) == len(rule.reasons)
            for basis, rule in rules
        )

    def _findable_by_law(self) -> bool:
        """Only what is always findable names a basis, and one that asks for no consent."""
        duties = {item.code for item in self.lawful_bases if item.permission_class == "duty"}
        return all(
            item.basis is None or (item.openness == "always_findable" and item.basis in duties)
            for item in self.involvement_types
        )

    def _clock_runs_out(self) -> bool:
        """A request can be overdue before it expires."""
        return self.answering is None or self.answering.least_days < self.request_lifetime_days

    def _enquiries_hold(self) -> bool:
        """An enquiry rests on a duty that asks for no consent: of whom nobody knows there is none.
        What it publishes is seen.
        """
        rule, kind = self.enquiry, self.involvement_type(ENQUIRY)
        usable = {
            item.code
            for item in self.lawful_bases
            if item.permission_class == "duty" and not item.needs_record
        }
        is_open = kind is not None and kind.openness == "open"
        return rule is None or (is_open and set(rule.bases) <= usable)

    def _codes_are_unique(self) -> bool:
        tables: tuple[Sequence[MemberClass | InvolvementType | Purpose | LawfulBasis], ...] = (
            self.classes, self.involvement_types, self.purposes, self.lawful_bases,
        )  # fmt: skip
        return all(len({item.code for item in table}) == len(table) for table in tables)

    def _holders_are_numbered(self) -> bool:
        holders = self.token_key.holders
        numbers = [item.index for item in holders]
        ids = {self.charter_id, *(item.holder_id for item in holders)}
        return numbers == list(range(1, len(holders) + 1)) and len(ids) == len(holders) + 1

    def _keys_are_unique(self) -> bool:
        vkeys = [self.log.vkey, *(item.vkey for item in self.witnesses)]
        keys = [parse_vkey(text).public_key.hex() for text in vkeys]
        keys += [self.hub.sign, *(item.sign for item in self.token_key.holders)]
        return len(set(keys)) == len(keys)

    @cached_property
    def policy(self) -> MatchPolicy:
        """The match-key policy. Raises RemoteError if the charter's is not one."""
        return parse_policy(cast("JsonValue", self.match_policy))

    @property
    def past_seconds(self) -> int:
        """How long past work is seen, in months of thirty days; a charter that says none shows
        none.
        """
        return (self.past_months or 0) * 30 * 86_400

    @property
    def always_findable(self) -> dict[str, str]:
        """The types of involvement that are always findable, each with its lawful basis; none whose
        basis is not in force.
        """
        usable = {item.code for item in self.lawful_bases if item.in_force == "yes"}
        return {
            item.code: item.basis
            for item in self.involvement_types
            if item.basis is not None and item.basis in usable
        }

    def involvement_type(self, code: str) -> InvolvementType | None:
        """The involvement type of this code, if the charter has one."""
        return next((item for item in self.involvement_types if item.code == code), None)

    def lawful_basis(self, code: str) -> LawfulBasis | None:
        """The lawful basis of this code, if the charter has one."""
        return next((item for item in self.lawful_bases if item.code == code), None)

    def to_value(self) -> dict[str, Any]:
        """The document as JSON has it; an older one stays without the fields it did not have."""
        return self.model_dump(mode="json", exclude_unset=True)

    def encode(self) -> bytes:
        """The document's canonical bytes."""
        return canonical.encode(self.to_value())

    def __getstate__(self) -> dict[Any, Any]:
        """Without the policy as it was parsed: another process parses its own."""
        state = super().__getstate__()
        kept = {name: value for name, value in state["__dict__"].items() if name != "policy"}
        return {**state, "__dict__": kept}

    @cached_property
    def document_hash(self) -> str:
        """SHA-256 of the canonical bytes, in hex."""
        return hashlib.sha256(self.encode()).hexdigest()


@lru_cache(maxsize=8)  # a log is read again by every command, and names the same documents
def parse_charter(data: bytes) -> Charter:
    """Parse a charter document. Raises RemoteError and nothing else."""
    value = canonical.parse(data, limit=DOCUMENT_LIMIT)
    try:
        charter = Charter.model_validate(value)
    except ValidationError as error:
        raise refused_shape(error, "charter") from None
    parse_policy(cast("JsonValue", charter.match_policy))
    for key in (charter.hub.sign, *(item.sign for item in charter.token_key.holders)):
        check_public_key(bytes.fromhex(key))
    return charter
