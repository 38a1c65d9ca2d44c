"""When published work is in force, past, or over: specs/06-requests.md §3."""

from collections.abc import Iterable

from protocol.governance.charter import Charter
from protocol.governance.enquiries import ENQUIRY
from protocol.messages.bodies import PublishedInvolvement


def in_force(involvement: PublishedInvolvement, now: int) -> bool:
    """Whether an involvement's permission holds and the work goes on at `now` (Unix seconds)."""
    return ends_at(involvement) > now


def ends_at(involvement: PublishedInvolvement) -> int:
    """When an involvement is no longer in force (Unix seconds)."""
    valid, active = involvement.permission.valid_until, involvement.active_until
    return valid if active is None else min(valid, active)


def only_enquires(own: Iterable[PublishedInvolvement], now: int) -> bool:
    """Whether all that an agency has in force with a client is an enquiry (§11)."""
    return {item.type for item in own if in_force(item, now)} == {ENQUIRY}


def seen_until(charter: Charter, involvement: PublishedInvolvement) -> int:
    """Until when an involvement is in force or past (Unix seconds)."""
    valid, active = involvement.permission.valid_until, involvement.active_until
    return valid if active is None else min(valid, active + charter.past_seconds)
