"""Who has a request until when, in words: specs/06-requests.md §9."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from node.membership.hub import HubMembership
from node.store.requests import ReceivedRequest, ReceivedState, SentRequest, SentState
from protocol.governance.zones import zone
from protocol.requests.clock import Step

_WAITS = {SentState.WAITING, ReceivedState.ASKS_PERSON}
_WHO = {
    True: {
        Step.WORKER: "the worker",
        Step.DUTY: "their duty desk",
        Step.MANAGER: "their manager",
    },
    False: {Step.WORKER: "the worker", Step.DUTY: "your duty desk", Step.MANAGER: "your manager"},
}
_NEXT = {Step.WORKER: Step.DUTY, Step.DUTY: Step.MANAGER}


def clock_value(
    membership: HubMembership, request: SentRequest | ReceivedRequest, now: int
) -> dict[str, Any] | None:
    """The clock of a request, for scripts; None where it has none. `with` and `until` while it
    waits for an answer; `overdue` once the hub has said so.
    """
    clock = request.clock
    if clock is None:
        return None
    waits = request.state in _WAITS and now < request.expires
    return {
        "worker_until": clock.worker_until,
        "duty_until": clock.duty_until,
        "due": clock.overdue_at,
        "with": clock.at(now).value if waits else None,
        "overdue": request.overdue is not None,
        "says": _says(membership, request, now) if waits else _said(membership, request, now),
    }


def _says(
    membership: HubMembership, request: SentRequest | ReceivedRequest, now: int
) -> str | None:
    """Of a request that waits."""
    clock = request.clock
    if clock is None:
        return None
    who, step = _WHO[isinstance(request, SentRequest)], clock.at(now)
    ends = {Step.WORKER: clock.worker_until, Step.DUTY: clock.duty_until}
    until = ends.get(step, clock.overdue_at)
    if request.overdue is not None or until <= now:
        late = "overdue since" if request.overdue is not None else "to be answered by"
        return f"{late} {moment(membership, clock.overdue_at, now)}; with {who[step]}"
    if until >= request.expires:
        return f"with {who[step]} until it expires, {moment(membership, request.expires, now)}"
    then = f"then with {who[_NEXT[step]]}" if step in _NEXT else "then it is overdue"
    return f"with {who[step]} until {moment(membership, until, now)}, {then}"


def _said(
    membership: HubMembership, request: SentRequest | ReceivedRequest, now: int
) -> str | None:
    """Of a request that waits no more."""
    if request.overdue is None or request.clock is None:
        return None
    return f"was overdue since {moment(membership, request.clock.overdue_at, now)}"


def moment(membership: HubMembership, at: int, now: int) -> str:
    """A time in the charter's zone, such as "the end of Thursday 3 December"; the year only if it
    is another one.
    """
    where = _zone(membership)
    local, year = datetime.fromtimestamp(at, where), datetime.fromtimestamp(now, where).year
    if (local.hour, local.minute, local.second) == (0, 0, 0):
        day = local - timedelta(days=1)
        said = f"the end of {day:%A} {day.day} {day:%B}"
    else:
        day = local
        hour, half = day.hour % 12 or 12, "am" if day.hour < 12 else "pm"
        said = f"{hour}:{day:%M}{half} on {day:%A} {day.day} {day:%B}"
    return said if day.year == year else f"{said} {day.year}"


def _zone(membership: HubMembership) -> tzinfo:
    answering = membership.charter.answering
    return zone(answering.time_zone) if answering is not None else UTC
