"""The bodies by which people decide about links: specs/06-requests.md §5 to §7.

A verdict on a link, the sealed check of an identity, "wrong person" and the recall of cards.
Shape only; what an answer does to a link is decided in protocol/requests/review.py.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from protocol.fields import BasisCode, Code, Count, Hex16, Hex32, Seconds, WireModel
from protocol.messages.parts import (
    DecisionFacts,
    Facts,
    LinkEvidence,
    LinkProof,
    Outcome,
    RequestPractitioner,
)


class ReviewItem(WireModel):
    """What waits for a person about one link; `question` null: nothing waits any more."""

    link_id: Hex16
    stub_id: Hex16
    question: Hex32 | None


class ReviewBody(WireModel):
    """`review`: which links of an agency wait for its people. Signed by the hub, not logged."""

    round: Hex32
    links: Annotated[list[ReviewItem], Field(min_length=1, max_length=40)]


class QuestionsHeldBody(WireModel):
    """`questions_held`: an agency's records put more questions than it has a budget for, and none
    of them is asked; 0: they are asked again. Signed by the hub, not logged.
    """

    agency: Hex16
    held: Count


class VerdictBody(WireModel):
    """`verdict`: a person at one end says whether a link joins records of one person."""

    link_id: Hex16
    stub_id: Hex16
    question: Hex32 | None
    round: Hex32
    publication: Hex32
    answer: Literal["same", "not_same"]
    rests_on: Literal["records", "identity_check"]
    decided_by: Hex16


class WrongPersonBody(WireModel):
    """`wrong_person`: the card that was released is about another person. Either side says it."""

    request_id: Hex16
    release: Hex32
    decided_by: Hex16


class RecallBody(WireModel):
    """`recall`: the card of a release is to be deleted, and it does not say why. The holder says
    it, or the hub of a holder that is no active member.
    """

    request_id: Hex16
    release: Hex32


class RecallDoneBody(WireModel):
    """`recall_done`: the asker states that its node deleted the card. A statement, no proof.

    It answers a `wrong_person` or a `recall`, by its statement id; the other is null. Earlier logs
    know the first alone, and lack `recall`.
    """

    request_id: Hex16
    wrong_person: Hex32 | None
    recall: Hex32 | None = None

    @model_validator(mode="after")
    def _answers_one(self) -> "RecallDoneBody":
        if (self.wrong_person is None) == (self.recall is None):
            raise ValueError("answers one of wrong_person and recall")
        return self

    @property
    def answers(self) -> str:
        """The statement that had the card deleted."""
        return self.recall or self.wrong_person or ""


class IdentityPins(WireModel):
    """Statement ids of what the asker relied on; it does not know the other side yet."""

    round: Hex32
    publication: Hex32
    requester_membership: Hex32
    charter: Hex32


class IdentityRequestBody(WireModel):
    """`identity_request`: may we compare identities over this link? To the hub alone."""

    check_id: Hex16
    link_id: Hex16
    stub_id: Hex16
    practitioner: RequestPractitioner
    purpose: Code
    basis: BasisCode
    facts: Facts
    needed_by: Seconds
    expires: Seconds
    pins: IdentityPins


class IdentityDecisionBody(WireModel):
    """`identity_decision`: the hub's part; only one that does not refuse names the other side."""

    request: Hex32
    check_id: Hex16
    outcome: Outcome
    code: Code | None
    field: Code | None
    holder: Hex16 | None
    evidence: LinkEvidence | None
    facts: DecisionFacts


class IdentityCheckBody(WireModel):
    """`identity_check`: the sealed details leave for the agency that the decision named."""

    check_id: Hex16
    decision: Hex32
    link_proof: LinkProof
    seal_key: Hex32
    sealed_hash: Hex32
    tree_size: Count


class IdentityAnswerBody(WireModel):
    """`identity_answer`: what a person who compared says, or why nothing was compared."""

    check_id: Hex16
    check: Hex32
    answer: Literal["same", "not_same", "cannot_say", "refused"]
    code: Code | None
    decided_by: Hex16 | None
