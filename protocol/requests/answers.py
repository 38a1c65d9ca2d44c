"""What the charter asks of an answer to a request, beside the decision itself: whether a rule may
allow it, and whether a refusal says why in writing. specs/06-requests.md §10.

Pure, and the same for hub, node and auditor.
"""

from protocol.governance.charter import LawfulBasis
from protocol.messages.bodies import DecisionBody
from protocol.requests.refusals import RefusalCode

RULES_GIVE = frozenset(
    {
        RefusalCode.LINK_NOT_PROVEN,
        RefusalCode.PERMISSION_ENDED,
        RefusalCode.NO_CONSENT,
        RefusalCode.OBJECTION,
    }
)
"""The codes of `decide_holder`."""

HUBS_OWN = frozenset(
    {
        RefusalCode.KIND_NOT_KNOWN,
        RefusalCode.OVER_QUOTA,
        RefusalCode.OVER_OWN_QUOTA,
        RefusalCode.MAY_NOT_ENQUIRE,
    }
)
"""Codes of what the hub alone decides or counts: nobody who is asked for something gives one."""


def rule_may_allow(basis: LawfulBasis | None, requester_class: str | None) -> bool:
    """Whether a request of an agency of this class (None: it is no member) on this basis may be
    allowed without a person.
    """
    limits = basis.by_rule if basis is not None else None
    return limits is None or requester_class in limits


def lacks_person(
    body: DecisionBody, basis: LawfulBasis | None, requester_class: str | None
) -> bool:
    """Whether a decision allows without a person what only a person may allow."""
    by_rule = body.outcome == "allow" and body.decided_by is None
    return by_rule and not rule_may_allow(basis, requester_class)


def lacks_reason(body: DecisionBody, basis: LawfulBasis | None) -> bool:
    """Whether a person refuses on a basis that wants a reason in writing, and gives none. A refusal
    that no rule gives is a person's, whoever it names.
    """
    by_person = body.decided_by is not None or body.code not in RULES_GIVE
    wanted = basis is not None and basis.reason_in_writing
    return body.outcome == "refuse" and by_person and wanted and body.reason_commitment is None
