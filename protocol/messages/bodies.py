"""The bodies of statements that move links and requests: specs/01-statements.md §5.

Models drive encoder and decoder. They check shape only; whether a message may be acted on is
decided in protocol/requests/decide.py.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

from protocol.contact import Hours, Phone
from protocol.fields import (
    Base64,
    BasisCode,
    Code,
    Count,
    Hex16,
    Hex32,
    MatchKeyId,
    Name,
    Seconds,
    TokenText,
    WireModel,
)
from protocol.messages.key_record import KeyRecord
from protocol.messages.parts import (
    DecisionFacts,
    Facts,
    LinkEvidence,
    LinkProof,
    Outcome,
    RequestPins,
    RequestPractitioner,
)

MOST_INVOLVEMENTS = 20
"""Of one client in one agency, that a stub takes."""


class CharterBody(WireModel):
    """`charter`: version, hash and length of a charter document. Public leaf, signed by the hub."""

    version: Annotated[int, Field(ge=1, le=1_000_000)]
    predecessor: Hex32 | None
    document_hash: Hex32
    document_length: Count


class TranscriptSignature(WireModel):
    """One key holder's signature over the key-birth transcript."""

    holder_id: Hex16
    sig: Base64


class KeyBirthBody(WireModel):
    """`key_birth`: the transcript that every holder signed. Public leaf, signed by the hub."""

    transcript: Base64
    signatures: Annotated[list[TranscriptSignature], Field(min_length=1, max_length=16)]


class EnrolmentBody(WireModel):
    """`enrolment`: an agency's or auditor's self-signed application, with the invitation's hash.

    `clients` is how many clients it has, about; null in a log from before sizes were declared.
    """

    invitation_hash: Hex32
    party_id: Hex16
    name: Name
    member_class: Code
    control_domain: Name
    duty_line: Phone
    duty_hours: Hours
    keys: KeyRecord
    clients: Count | None = None


class MemberBody(WireModel):
    """`member`: somebody joins, is suspended or leaves. Public leaf, signed by the hub."""

    party_id: Hex16
    name: Name
    member_class: Code
    control_domain: Name
    duty_line: Phone
    duty_hours: Hours
    keys: KeyRecord
    status: Literal["active", "suspended", "revoked"]
    enrolment: Base64
    clients: Count | None = None


class EndorsementBody(WireModel):
    """`endorsement`: a member answers for one that is to join, or to be large. Public leaf.

    `fingerprint` is of the newcomer's first keys (specs/02-charter.md §6), `clients` the most it
    may have by this; `endorsed_by` is the opaque id of the person who compared the words.
    """

    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    name: Name
    clients: Count
    endorsed_by: Hex16


class CharterAcceptBody(WireModel):
    """`charter_accept`: an agency's signature under the agreement. Public leaf."""

    version: Annotated[int, Field(ge=1, le=1_000_000)]
    document_hash: Hex32


class Permission(WireModel):
    """The class of basis under which an involvement is published, and until when."""

    basis_class: Literal["consent", "duty"]
    valid_until: Seconds


Classes = Annotated[tuple[Code, ...], Field(min_length=1, max_length=50, strict=False)]
"""Member classes by code; a JSON list, which a tuple is not to pydantic."""


class PublishedInvolvement(WireModel):
    """What a stub says of one involvement. No practitioner, no client.

    `shown_to`: the member classes that the client's consent names; nobody else is shown it. None:
    as the charter says.
    """

    id: Hex16
    type: Code
    label: Name
    permission: Permission
    active_until: Seconds | None
    facts_commitment: Hex32
    shown_to: Classes | None = None

    @model_serializer(mode="wrap")
    def _as_before(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Only what is narrowed says so: rows of before keep their bytes."""
        said: dict[str, Any] = whole(self)
        if self.shown_to is None:
            del said["shown_to"]
        return said


class StubRow(WireModel):
    """One client in one agency, as a logged fact: everything but the tokens themselves."""

    stub_id: Hex16
    revision: Annotated[int, Field(ge=1, le=2**31)]
    retired: bool
    involvements: Annotated[list[PublishedInvolvement], Field(max_length=MOST_INVOLVEMENTS)]
    token_commitment: Hex32


class StubTokens(WireModel):
    """The tokens of one stub and the salt that opens its commitment. Never logged or exported."""

    stub_id: Hex16
    salt: Hex32
    tokens: Annotated[
        dict[MatchKeyId, Annotated[list[TokenText], Field(min_length=1, max_length=16)]],
        Field(max_length=32),
    ]


class RowsChunk(WireModel):
    """A chunk of rows: kept as a logged fact, shown to the auditor."""

    rows: Annotated[list[StubRow], Field(min_length=1, max_length=4096)]


class TokensChunk(WireModel):
    """A chunk of tokens: peppered, stored and forgotten."""

    tokens: Annotated[list[StubTokens], Field(min_length=1, max_length=4096)]


class ChunkRef(WireModel):
    """Hash, length in bytes and number of stubs of a chunk."""

    hash: Hex32
    length: Annotated[int, Field(ge=1, le=1024 * 1024)]
    count: Annotated[int, Field(ge=1, le=4096)]


class PublicationBody(WireModel):
    """`publication`: the signed manifest over chunks of rows and their chunks of tokens."""

    sequence: Annotated[int, Field(ge=1, le=2**40)]
    epoch: Annotated[int, Field(ge=1, le=65_535)]
    rows: Annotated[list[ChunkRef], Field(min_length=1, max_length=64)]
    tokens: Annotated[list[ChunkRef], Field(max_length=64)]


class MatchRoundBody(WireModel):
    """`match_round`: one leaf a round; the root is over salted items, so it tells nothing."""

    round: Annotated[int, Field(ge=1, le=2**40)]
    items_root: Hex32
    count: Count


class LinkItem(WireModel):
    """One change of a matching round, as committed under its root and shown to the auditor."""

    salt: Hex32
    link_id: Hex16
    state: Literal["match", "possible", "ended"]
    stub_a: Hex16
    agency_a: Hex16
    publication_a: Hex32
    stub_b: Hex16
    agency_b: Hex16
    publication_b: Hex32


class ShownInvolvement(WireModel):
    """What `decide_show` lets the other side see of an involvement; `is_past`: it is over."""

    id: Hex16
    type: Code
    label: Name
    is_past: bool = False

    @model_serializer(mode="wrap")
    def _as_before(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Only work that is past says so: a program of before knows nothing of it."""
        said: dict[str, Any] = whole(self)
        return said if self.is_past else {"id": self.id, "type": self.type, "label": self.label}


class LinkNotice(WireModel):
    """News of one link for one side. `ended` never says why."""

    link_id: Hex16
    state: Literal["match", "possible", "ended"]
    stub_id: Hex16
    agency_id: Hex16 | None
    involvements: Annotated[list[ShownInvolvement], Field(max_length=MOST_INVOLVEMENTS)]
    evidence: LinkEvidence | None


class NoticeBody(WireModel):
    """`notice`: what a matching round means for one agency. Signed by the hub, not logged."""

    round: Hex32
    links: Annotated[list[LinkNotice], Field(max_length=60)]


class RoundsBody(WireModel):
    """`rounds`: whether what an agency has published was compared, and when the next round is.

    Its publications below the log index `compared_below` were. Signed by the hub, not logged.
    """

    compared_below: Count
    next_round: Seconds


class RequestBody(WireModel):
    """`request`: may we have the contact details behind this involvement?"""

    request_id: Hex16
    link_id: Hex16
    stub_id: Hex16
    involvement_id: Hex16
    practitioner: RequestPractitioner
    purpose: Code
    basis: BasisCode
    facts: Facts
    needed_by: Seconds
    expires: Seconds
    pins: RequestPins
    link_proof: LinkProof
    sealed_hash: Hex32


class HubDecisionBody(WireModel):
    """`hub_decision`: the hub's part of the decision, which the auditor makes again."""

    request: Hex32
    request_id: Hex16
    outcome: Outcome
    code: Code | None
    field: Code | None
    facts: DecisionFacts


class DecisionBody(WireModel):
    """`decision`: the holder's part. Never more permissive than the hub's.

    Of the reason in writing of a person who refuses it has a commitment, and the hash of the sealed
    part with its opening; without one, as in earlier logs, neither.
    """

    request: Hex32
    request_id: Hex16
    hub_decision: Hex32
    outcome: Outcome
    code: Code | None
    decided_by: Hex16 | None
    facts_commitment: Hex32
    reason_commitment: Hex32 | None = None
    sealed_hash: Hex32 | None = None

    @model_validator(mode="after")
    def _says_why_whole(self) -> "DecisionBody":
        if (self.reason_commitment is None) != (self.sealed_hash is None):
            raise ValueError("a reason is committed to, and sealed beside")
        if self.sealed_hash is not None and (self.outcome != "refuse" or self.decided_by is None):
            raise ValueError("only a person who refuses gives a reason")
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Only what has a reason says so: decisions of before keep their bytes."""
        left_out = {"reason_commitment", "sealed_hash"} if self.sealed_hash is None else set()
        return {name: value for name, value in whole(self).items() if name not in left_out}


class ReleaseBody(WireModel):
    """`release`: the sealed card leaves; it goes beside the statement, its hash inside.

    `keep_until` is when the asker's node deletes the card, without being told; absent in earlier
    logs.
    """

    request_id: Hex16
    decision: Hex32
    seal_key: Hex32
    sealed_hash: Hex32
    tree_size: Count
    keep_until: Seconds | None = None


class ReceiptBody(WireModel):
    """`receipt`: the card was opened."""

    request_id: Hex16
    release: Hex32
    sealed_hash: Hex32


class RejectionBody(WireModel):
    """`rejection`: a member's properly signed statement that the hub could not accept."""

    statement: Hex32
    kind: Code
    code: Code


class PollBody(WireModel):
    """`poll`: deliver what comes after `cursor`, which acknowledges everything up to it."""

    generation: Hex16 | None
    cursor: Count
    wait: Annotated[int, Field(ge=0, le=60)]
    instance: Hex16


class ExportBody(WireModel):
    """`export`: an auditor asks for the payloads of log entries in [start, end)."""

    start: Count
    end: Count


class AcceptedBody(WireModel):
    """`accepted`: the hub's signed answer to a submission: where and when it was logged."""

    statement: Hex32
    index: Count
    received_at: Seconds
