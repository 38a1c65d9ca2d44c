"""Bodies of enquiries about people who are no clients: specs/06-requests.md §11. Shape only."""

from typing import Literal

from protocol.fields import BasisCode, Code, Hex16, Hex32, Seconds, WireModel
from protocol.messages.parts import Facts, RequestPractitioner


class EnquiryBody(WireModel):
    """`enquiry`: may we publish, until a time, that somebody asks about a person? `stub_id` is the
    stub that will say so; who it is about, the hub is not told.
    """

    enquiry_id: Hex16
    stub_id: Hex16
    practitioner: RequestPractitioner
    purpose: Code
    basis: BasisCode
    facts: Facts
    until: Seconds


class EnquiryDecisionBody(WireModel):
    """`enquiry_decision`: the hub's answer, which the auditor works out again."""

    enquiry: Hex32
    enquiry_id: Hex16
    outcome: Literal["allow", "refuse"]
    code: Code | None
    field: Code | None
