"""What is decided on an enquiry, and what a stub may publish by it: specs/06-requests.md §11.

Pure, and the same code for hub and auditor. A refusal is a value.
"""

from dataclasses import dataclass

from protocol.governance.charter import Charter
from protocol.governance.enquiries import ENQUIRY
from protocol.messages.bodies import MemberBody, StubRow
from protocol.messages.enquiries import EnquiryBody, EnquiryDecisionBody
from protocol.messages.statement import Statement
from protocol.requests.decide import Allow, Refuse, check_facts, check_role
from protocol.requests.refusals import RefusalCode

DAY = 86_400


@dataclass(frozen=True)
class EnquiryFacts:
    """All that `decide_enquiry` may look at beside charter and enquiry: who sent it, and how many
    enquiries the log has of this day (UTC) by the same person and by the whole agency.
    """

    sender: MemberBody | None
    by_person_today: int
    by_agency_today: int


def decide_enquiry(
    charter: Charter, body: EnquiryBody, iat: int, facts: EnquiryFacts
) -> Allow | Refuse:
    """The hub's decision; the first row of the table that applies."""
    basis = charter.lawful_basis(body.basis)
    checks = (
        _check_sender(charter, facts),
        _check_time(charter, body, iat),
        _check_basis(charter, body, facts),
        check_facts(basis, body),
        check_role(charter, body),
        _check_budget(charter, facts),
    )
    return next((refusal for refusal in checks if refusal is not None), Allow())


def decision_body(enquiry: Statement[EnquiryBody], decision: Allow | Refuse) -> EnquiryDecisionBody:
    """A decision as the hub states it."""
    refusal = decision if isinstance(decision, Refuse) else None
    return EnquiryDecisionBody(
        enquiry=enquiry.id,
        enquiry_id=enquiry.body.enquiry_id,
        outcome="refuse" if refusal else "allow",
        code=refusal.code.value if refusal else None,
        field=refusal.field if refusal else None,
    )


def publishes_unfounded(row: StubRow, allowed_until: int | None) -> bool:
    """Whether a row publishes an enquiry that was not allowed, for longer than it was (Unix
    seconds), or beside other work.
    """
    ends = [item.permission.valid_until for item in row.involvements if item.type == ENQUIRY]
    if not ends:
        return False
    return len(row.involvements) > 1 or allowed_until is None or ends[0] > allowed_until


def _check_sender(charter: Charter, facts: EnquiryFacts) -> Refuse | None:
    sender, rule = facts.sender, charter.enquiry
    if sender is not None and rule is not None and sender.member_class in rule.classes:
        return None
    return Refuse(RefusalCode.MAY_NOT_ENQUIRE)


def _check_time(charter: Charter, body: EnquiryBody, iat: int) -> Refuse | None:
    days = charter.enquiry.days if charter.enquiry else 0
    return None if iat < body.until <= iat + days * DAY else Refuse(RefusalCode.REQUEST_EXPIRED)


def _check_basis(charter: Charter, body: EnquiryBody, facts: EnquiryFacts) -> Refuse | None:
    basis, sender, rule = charter.lawful_basis(body.basis), facts.sender, charter.enquiry
    if basis is None or sender is None or rule is None or basis.in_force != "yes":
        return Refuse(RefusalCode.BASIS_NOT_USABLE)
    if body.basis not in rule.bases or sender.member_class not in basis.requester_classes:
        return Refuse(RefusalCode.BASIS_NOT_USABLE)
    return None if body.purpose in basis.purposes else Refuse(RefusalCode.PURPOSE_NOT_ALLOWED)


def _check_budget(charter: Charter, facts: EnquiryFacts) -> Refuse | None:
    rule = charter.enquiry
    if rule is None or facts.by_agency_today >= rule.per_agency_day:
        return Refuse(RefusalCode.OVER_QUOTA)
    if facts.by_person_today >= rule.per_person_day:
        return Refuse(RefusalCode.OVER_OWN_QUOTA)
    return None
