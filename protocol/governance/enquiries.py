"""Enquiries about people who are no clients: what a charter allows (specs/06-requests.md §11).

Pure. What is decided on one of them is in protocol/requests/enquiries.py.
"""

from typing import Annotated

from pydantic import Field

from protocol.fields import BasisCode, Code, Count, WireModel

ENQUIRY = "enquiry"
"""The type of involvement that an enquiry publishes: a word of the protocol. Nothing else may be of
it.
"""


class EnquiryRule(WireModel):
    """Which classes may enquire and on which lawful bases, for how many days an enquiry is seen,
    and how many a day (UTC) one person and one agency may make.
    """

    classes: Annotated[list[Code], Field(min_length=1)]
    bases: Annotated[list[BasisCode], Field(min_length=1)]
    days: Annotated[int, Field(ge=1, le=90)]
    per_person_day: Count
    per_agency_day: Count
