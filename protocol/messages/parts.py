"""What messages between agencies are made of: specs/06-requests.md §2 and §6.

Shapes that several kinds share, so that a request and an identity request say the same things in
the same words. They check shape only.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from protocol.fields import Code, Hex16, Hex32, MatchKeyId, WireModel

Outcome = Literal["allow", "refer", "refuse"]
FactValue = Annotated[
    str,
    StringConstraints(pattern=r"^([a-z][a-z0-9_]{0,39}|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9a-f]{64})$"),
]
Facts = Annotated[dict[Code, FactValue], Field(max_length=12)]


class LinkEvidence(WireModel):
    """The type of an agreeing token, and its place in the reader's own published list."""

    match_key_id: MatchKeyId
    epoch: Annotated[int, Field(ge=1, le=65_535)]
    ordinal: Annotated[int, Field(ge=0, le=15)]


class LinkProof(WireModel):
    """HMAC under the link secret: only agencies that hold the same value can make it."""

    match_key_id: MatchKeyId
    epoch: Annotated[int, Field(ge=1, le=65_535)]
    proof: Hex32


class RequestPractitioner(WireModel):
    """Who asks: an opaque id and a role. The name is sealed to the holder."""

    id: Hex16
    role: Code


class RequestPins(WireModel):
    """Statement ids of what the asker relied on, so that every input is a logged fact."""

    round: Hex32
    publication: Hex32
    requester_membership: Hex32
    holder_membership: Hex32
    charter: Hex32


class DecisionFacts(WireModel):
    """Statement ids of the logged facts that the hub decided on."""

    charter: Hex32
    requester_membership: Hex32 | None
    holder_membership: Hex32 | None
    round: Hex32 | None
    requester_publication: Hex32 | None
    holder_publication: Hex32 | None
