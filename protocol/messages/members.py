"""Bodies by which members change without the recovery key: specs/02-charter.md §9.

A new seal key before the old one ends, another telephone or name. Shape only: what may follow what
is in protocol/governance/amendments.py.
"""

from typing import Annotated, Literal

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


Tenths = Annotated[int, Field(ge=1, le=9)]
Practitioners = Literal[
    "under_5", "5_to_9", "10_to_24", "25_to_49", "50_to_99", "100_to_249", "250_or_more"
]


class Shares(WireModel):
    """How many in ten clients have something: 1 for less, 9 for more."""

    nhs_number: Tenths
    date_of_birth: Tenths
    postcode: Tenths
    permission: Tenths


class FiguresBody(WireModel):
    """`figures`: how much an agency publishes and how fresh it is (specs/02-charter.md §10). Public
    leaf.

    `clients` in tens; `shares` None: too few to say; `feed_age_days` None: kept by hand.
    """

    clients: Annotated[int, Field(ge=0, le=100_000_000, multiple_of=10)]
    shares: Shares | None
    feed_age_days: Annotated[int, Field(ge=0, le=366)] | None
    practitioners: Practitioners


class RenameBody(WireModel):
    """`rename`: the operator calls a member by another name. Public leaf, signed by the hub."""

    party_id: Hex16
    name: Name
