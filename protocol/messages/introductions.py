"""The bodies by which services meet that are shown to nobody: specs/06-requests.md §12.

Hints, and the request to the hub to be introduced. Shape only; what is told to whom is decided in
protocol/requests/hints.py.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from protocol.fields import BasisCode, Code, Hex16, Hex32, WireModel
from protocol.messages.bodies import MOST_INVOLVEMENTS, ShownInvolvement
from protocol.messages.parts import DecisionFacts, Facts, LinkEvidence, Outcome, RequestPractitioner
from protocol.messages.review import IdentityPins


class HintItem(WireModel):
    """What one side is told of a service that it may not see: that one of `member_class` can be
    reached, that the duty desk can help, or neither any more.
    """

    hint_id: Hex16
    stub_id: Hex16
    says: Literal["service", "duty_desk", "ended"]
    member_class: Code | None

    @model_validator(mode="after")
    def _names_a_class_or_nothing(self) -> "HintItem":
        if (self.member_class is None) == (self.says == "service"):
            raise ValueError("a class is named with a service, and with nothing else")
        return self


class HintsBody(WireModel):
    """`hints`: services that an agency may not see. Signed by the hub, not logged."""

    round: Hex32
    hints: Annotated[list[HintItem], Field(min_length=1, max_length=40)]


class IntroductionRequestBody(WireModel):
    """`introduction_request`: who is behind this hint? To the hub alone."""

    hint_id: Hex16
    stub_id: Hex16
    practitioner: RequestPractitioner
    purpose: Code
    basis: BasisCode
    facts: Facts
    pins: IdentityPins


class IntroducedService(WireModel):
    """Who is behind a hint, and what a request to them needs. `hint_id`: the hint by which they
    know of the same client.
    """

    agency_id: Hex16
    hint_id: Hex16
    link_id: Hex16
    involvements: Annotated[
        list[ShownInvolvement], Field(min_length=1, max_length=MOST_INVOLVEMENTS)
    ]
    evidence: LinkEvidence


class IntroductionDecisionBody(WireModel):
    """`introduction_decision`: the hub's answer; only one that allows names anybody. `hint_id` is
    the request's.
    """

    request: Hex32
    hint_id: Hex16
    outcome: Outcome
    code: Code | None
    field: Code | None
    service: IntroducedService | None
    facts: DecisionFacts
