"""What the charter asks of an answer to a request, beside the decision itself: whether a rule may
allow it, and whether a refusal says why in writing. specs/06-requests.md §10.

Pure, and the same for hub, node and auditor.
"""

from protocol.governance.charter import LawfulBasis
from protocol.messages.bodies import DecisionBody


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
    """Whether a person refuses on a basis that wants a reason in writing, and gives none."""
    refused = body.outcome == "refuse" and body.decided_by is not None
    wanted = basis is not None and basis.reason_in_writing
    return refused and wanted and body.reason_commitment is None
