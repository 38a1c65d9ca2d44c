"""The numbers of a charter: quotas, admission, and how long nodes keep (specs/02-charter.md)."""

from typing import Annotated

from pydantic import Field

from protocol.fields import Count, Seconds, WireModel


class Allowance(WireModel):
    """A limit that follows an agency's declared size: so much for a thousand clients, and never
    less than `least`.
    """

    least: Count
    per_thousand: Annotated[int, Field(ge=0, le=1_000_000)]


Limit = Count | Allowance
"""A number for every agency alike (charters from before sizes were declared), or by size."""


class Quotas(WireModel):
    """Limits on one agency: what a day holds, and what a stub and a token may do
    (specs/04-matching.md §10). More of any of them is looser.

    Of evaluations an agency may use `evaluations_at_once`, which fills up by `evaluations_per_day`;
    charters from before sizes were declared have the latter alone. `invites_per_day` None: none.
    """

    evaluations_at_once: Limit | None = None
    evaluations_per_day: Limit
    requests_per_day: Count
    identity_checks_per_day: Count
    stubs_per_token: Annotated[int, Field(ge=1, le=100)]
    token_changes_per_stub: Annotated[int, Field(ge=1, le=100)]
    new_stubs_per_day: Limit
    first_stubs: Limit
    invites_per_day: Count | None = None


class Admission(WireModel):
    """How members are let in: the founders until `founding_until` (Unix seconds), later ones only
    with another member's endorsement, and key holders serve those after `cooling_days`. A member
    of more clients than `largest_member` needs an endorsement whenever it comes.
    """

    founding_until: Seconds
    cooling_days: Annotated[int, Field(ge=0, le=90)]
    largest_member: Count


class NodeRetention(WireModel):
    """How many days a node keeps at most: clients with whom all work is over, what was asked and
    checked, news, and the keyed hashes that a withdrawn client leaves (specs/09-imports.md §14). A
    client stays for as long as the tokens that it gave up count (TOKEN_DAYS).
    """

    closed_client_days: Annotated[int, Field(ge=90, le=40_000)]
    request_days: Annotated[int, Field(ge=30, le=40_000)]
    news_days: Annotated[int, Field(ge=30, le=40_000)]
    withdrawn_days: Annotated[int, Field(ge=30, le=40_000)]
