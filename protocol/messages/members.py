"""Bodies by which members change without the recovery key: specs/02-charter.md §9.

A new seal key before the old one ends, another telephone or name. Shape only: what may follow what
is in protocol/governance/amendments.py.
"""

from typing import Annotated

from pydantic import Field

from protocol.contact import Hours, Phone
from protocol.fields import Hex16, Hex32, Name, Seconds, WireModel


class SealRenewalBody(WireModel):
    """`seal_renewal`: a member seals and is sealed to by `seal` from here on. Public leaf.

    `replaces` is the seal key in force, so that none comes back.
    """

    replaces: Hex32
    seal: Hex32
    seal_expires: Seconds


class DetailsBody(WireModel):
    """`details`: a member's own name, duty line or hours. Public leaf; null: stays as it is.

    `sequence` rises, so that nobody repeats an older one.
    """

    sequence: Annotated[int, Field(ge=1, le=1_000_000)]
    name: Name | None
    duty_line: Phone | None
    duty_hours: Hours | None


class RenameBody(WireModel):
    """`rename`: the operator calls a member by another name. Public leaf, signed by the hub."""

    party_id: Hex16
    name: Name
