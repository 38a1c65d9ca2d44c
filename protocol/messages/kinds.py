"""Every kind of statement, one row each: specs/01-statements.md §5.

Whoever treats kinds differently (intake, dispatch, log, auditor, retention, daily statements) reads
this table and keeps no list of its own. A new kind is a row here, a body, and a handler at each
side that receives it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from protocol.fields import WireModel
from protocol.messages import (
    attention,
    audit,
    bodies,
    clock,
    enquiries,
    evaluations,
    introductions,
    log,
    members,
    review,
)


class Party(StrEnum):
    """Who sends a kind, or to whom it goes."""

    HUB = "hub"
    MEMBER = "member"
    AUDITOR = "auditor"
    KEY_HOLDER = "key holder"
    NEWCOMER = "newcomer"


class SigningKey(StrEnum):
    """The key of a member's key record that signs a kind."""

    SIGN = "sign"
    AUTH = "auth"
    RECOVERY = "recovery"


class Leaf(StrEnum):
    """How a kind stands in the log."""

    PUBLIC = "public"
    SEALED = "sealed"
    ERASURE = "erasure"
    NONE = "no"


class Conversation(StrEnum):
    """What a kind is a step of. All steps are erased together, after the last one."""

    REQUEST = "request"
    IDENTITY_CHECK = "identity_check"


Needs = Callable[[Any], bool]


def _always(_body: object) -> bool:
    return True


def _never(_body: object) -> bool:
    return False


def _publishes(body: bodies.PublicationBody) -> bool:
    """Without tokens it only retires stubs: anybody may withdraw."""
    return body.tokens != []


def _allows_by_rule(body: bodies.DecisionBody) -> bool:
    """Who is not bound may still refuse, and have a person allow."""
    return body.outcome == "allow" and body.decided_by is None


@dataclass(frozen=True)
class Kind:
    """One kind of statement.

    `needs_agreement` says of a body whether only a member who is bound by the charter in force may
    send it. `needs_active_recipient`: it moves something to another agency, which must be active.
    `shown_to_third`: the hub shows it to an agency that it is not addressed to, as the reason why
    something comes. `has_evidence`: the log keeps what it commits to. `is_pinned`: later decisions
    name it as what they rest on. `by_key_holders`, `by_hub`: they may send it as members do.
    """

    body: type[WireModel]
    sender: Party
    recipient: Party
    leaf: Leaf = Leaf.SEALED
    signing_key: SigningKey = SigningKey.SIGN
    conversation: Conversation | None = None
    needs_agreement: Needs = _never
    needs_active_recipient: bool = False
    shown_to_third: bool = False
    has_evidence: bool = False
    is_pinned: bool = False
    by_key_holders: bool = False
    by_hub: bool = False

    @property
    def is_logged(self) -> bool:
        """Whether it stands in the log at all."""
        return self.leaf is not Leaf.NONE

    @property
    def between_agencies(self) -> bool:
        """Whether one agency sends it to another, through the hub."""
        return self.sender is Party.MEMBER and self.recipient is Party.MEMBER

    @property
    def in_senders_journal(self) -> bool:
        """Whether daily statements name it to its sender (05-log.md §14)."""
        return self.sender is Party.MEMBER and self.leaf is Leaf.SEALED

    @property
    def in_recipients_journal(self) -> bool:
        """Whether daily statements name it to its recipient too."""
        return self.in_senders_journal and self.recipient is Party.MEMBER

    @property
    def is_erasable(self) -> bool:
        """Whether its payload goes after the charter's time. What is public stays."""
        return self.leaf is Leaf.SEALED


_HUB, _MEMBER, _AUDITOR = Party.HUB, Party.MEMBER, Party.AUDITOR
_REQUEST, _CHECK = Conversation.REQUEST, Conversation.IDENTITY_CHECK

KINDS: dict[str, Kind] = {
    "charter": Kind(bodies.CharterBody, _HUB, _HUB, Leaf.PUBLIC, is_pinned=True),
    "key_birth": Kind(bodies.KeyBirthBody, _HUB, _HUB, Leaf.PUBLIC),
    "enrolment": Kind(bodies.EnrolmentBody, Party.NEWCOMER, _HUB, Leaf.NONE),
    "member": Kind(bodies.MemberBody, _HUB, _MEMBER, Leaf.PUBLIC, is_pinned=True),
    "charter_accept": Kind(bodies.CharterAcceptBody, _MEMBER, _HUB, Leaf.PUBLIC),
    "endorsement": Kind(bodies.EndorsementBody, _MEMBER, _HUB, Leaf.PUBLIC),
    "publication": Kind(
        bodies.PublicationBody, _MEMBER, _HUB,
        needs_agreement=_publishes, has_evidence=True, is_pinned=True,
    ),
    "match_round": Kind(bodies.MatchRoundBody, _HUB, _HUB, has_evidence=True, is_pinned=True),
    "notice": Kind(bodies.NoticeBody, _HUB, _MEMBER, Leaf.NONE),
    "request": Kind(
        bodies.RequestBody, _MEMBER, _MEMBER, conversation=_REQUEST, needs_agreement=_always
    ),
    "hub_decision": Kind(
        bodies.HubDecisionBody, _HUB, _MEMBER, conversation=_REQUEST, shown_to_third=True
    ),
    "decision": Kind(
        bodies.DecisionBody, _MEMBER, _MEMBER, conversation=_REQUEST,
        needs_agreement=_allows_by_rule, needs_active_recipient=True,
    ),
    "overdue": Kind(
        clock.OverdueBody, _HUB, _MEMBER, conversation=_REQUEST, shown_to_third=True
    ),
    "release": Kind(
        bodies.ReleaseBody, _MEMBER, _MEMBER, conversation=_REQUEST, needs_active_recipient=True
    ),
    "receipt": Kind(bodies.ReceiptBody, _MEMBER, _MEMBER, conversation=_REQUEST),
    "rejection": Kind(bodies.RejectionBody, _HUB, _MEMBER),
    "evaluation_count": Kind(evaluations.EvaluationCountBody, Party.KEY_HOLDER, _HUB),
    "evaluate": Kind(
        evaluations.EvaluateBody, _MEMBER, Party.KEY_HOLDER, Leaf.NONE, SigningKey.AUTH
    ),
    "poll": Kind(bodies.PollBody, _MEMBER, _HUB, Leaf.NONE, SigningKey.AUTH),
    "export": Kind(bodies.ExportBody, _AUDITOR, _HUB),
    "accepted": Kind(bodies.AcceptedBody, _HUB, _HUB, Leaf.NONE),
    "erasure": Kind(log.ErasureBody, _HUB, _HUB, Leaf.ERASURE),
    "review": Kind(review.ReviewBody, _HUB, _MEMBER, Leaf.NONE),
    "questions_held": Kind(review.QuestionsHeldBody, _HUB, _MEMBER, Leaf.NONE),
    "verdict": Kind(review.VerdictBody, _MEMBER, _HUB),
    "wrong_person": Kind(review.WrongPersonBody, _MEMBER, _MEMBER, conversation=_REQUEST),
    "recall": Kind(
        review.RecallBody, _MEMBER, _MEMBER, conversation=_REQUEST, shown_to_third=True, by_hub=True
    ),
    "recall_done": Kind(review.RecallDoneBody, _MEMBER, _MEMBER, conversation=_REQUEST),
    "identity_request": Kind(
        review.IdentityRequestBody, _MEMBER, _HUB, conversation=_CHECK,
        needs_agreement=_always, shown_to_third=True,
    ),
    "identity_decision": Kind(
        review.IdentityDecisionBody, _HUB, _MEMBER, conversation=_CHECK, shown_to_third=True
    ),
    "identity_check": Kind(
        review.IdentityCheckBody, _MEMBER, _MEMBER, conversation=_CHECK,
        needs_active_recipient=True,
    ),
    "identity_answer": Kind(
        review.IdentityAnswerBody, _MEMBER, _MEMBER, conversation=_CHECK,
        needs_active_recipient=True,
    ),
    "hints": Kind(introductions.HintsBody, _HUB, _MEMBER, Leaf.NONE),
    "introduction_request": Kind(
        introductions.IntroductionRequestBody, _MEMBER, _HUB,
        needs_agreement=_always, shown_to_third=True,
    ),
    "introduction_decision": Kind(
        introductions.IntroductionDecisionBody, _HUB, _MEMBER, shown_to_third=True
    ),
    "enquiry": Kind(enquiries.EnquiryBody, _MEMBER, _HUB, needs_agreement=_always),
    "enquiry_decision": Kind(enquiries.EnquiryDecisionBody, _HUB, _MEMBER),
    "attention": Kind(attention.AttentionBody, _MEMBER, _HUB, needs_agreement=_always),
    "attention_notice": Kind(attention.AttentionNoticeBody, _HUB, _MEMBER, Leaf.NONE),
    "invite": Kind(attention.InviteBody, _MEMBER, _HUB),
    "sample_commitment": Kind(audit.SampleCommitmentBody, _AUDITOR, _HUB),
    "rotation": Kind(log.RotationBody, _MEMBER, _HUB, Leaf.NONE, SigningKey.RECOVERY),
    "daily_statement": Kind(log.DailyStatementBody, _HUB, _MEMBER),
    "statement_answer": Kind(log.StatementAnswerBody, _MEMBER, _HUB),
    "provisional": Kind(
        log.ProvisionalBody, _MEMBER, _MEMBER, conversation=_REQUEST, needs_active_recipient=True
    ),
    "succession": Kind(log.SuccessionBody, _HUB, _HUB, Leaf.PUBLIC),
    "seal_renewal": Kind(members.SealRenewalBody, _MEMBER, _HUB, Leaf.PUBLIC),
    "details": Kind(members.DetailsBody, _MEMBER, _HUB, Leaf.PUBLIC),
    "figures": Kind(members.FiguresBody, _MEMBER, _HUB, Leaf.PUBLIC),
    "rename": Kind(members.RenameBody, _HUB, _MEMBER, Leaf.PUBLIC),
    "rounds": Kind(bodies.RoundsBody, _HUB, _MEMBER, Leaf.NONE),
    "resync": Kind(log.ResyncBody, _MEMBER, _HUB, by_key_holders=True),
}  # fmt: skip

_NAMES = {kind.body: name for name, kind in KINDS.items()}


def kind_of(body_type: type[WireModel]) -> str:
    """The name of the kind whose body this type is."""
    return _NAMES[body_type]


def kinds_that(has: Callable[[Kind], object]) -> frozenset[str]:
    """The names of the kinds of which something is so."""
    return frozenset(name for name, kind in KINDS.items() if has(kind))
