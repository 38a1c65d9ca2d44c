"""The bodies of statements about key holders' evaluations: specs/03-tokens.md §9."""

from typing import Annotated

from pydantic import Field

from protocol.fields import Count, Hex16, Hex32, WireModel


class EvaluationCount(WireModel):
    """How many tokens one agency had evaluated in a day."""

    party_id: Hex16
    evaluations: Count


class EvaluationCountBody(WireModel):
    """`evaluation_count`: a key holder's daily count, by agency. Sealed leaf.

    A day of more agencies than one statement has room for is several statements. Should an agency
    be counted twice for a day, the larger number holds.
    """

    day: Annotated[int, Field(ge=0, le=10**6)]
    epoch: Annotated[int, Field(ge=1, le=65_535)]
    counts: Annotated[list[EvaluationCount], Field(max_length=500)]


class EvaluateBody(WireModel):
    """`evaluate`: a node asks one key holder to evaluate blinded points. Not logged by the hub."""

    epoch: Annotated[int, Field(ge=1, le=65_535)]
    quorum: Annotated[list[Annotated[int, Field(ge=1, le=16)]], Field(min_length=1, max_length=16)]
    count: Annotated[int, Field(ge=1, le=65_535)]
    points_hash: Hex32
