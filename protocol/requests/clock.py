"""By when a request is to be answered, and who has it until when: specs/06-requests.md §9.

Pure, and the same for hub, node and auditor. It runs from what the asker signed as the time of
asking, which the hub takes only within 300 seconds of its own, by the charter that was in force
where the log has the request: nobody can stretch it afterwards.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from protocol.errors import ErrorCode, RemoteError
from protocol.governance.answering import Answering
from protocol.governance.charter import Charter
from protocol.governance.zones import zone
from protocol.messages.bodies import DecisionBody

HOUR = 3600
SATURDAY = 5


class Step(StrEnum):
    """Whose a request is that waits for an answer."""

    WORKER = "worker"
    DUTY = "duty"
    MANAGER = "manager"


@dataclass(frozen=True)
class Steps:
    """Until when each has a request, in Unix seconds: the worker, then the team's duty, then a
    manager, who still has it when it is overdue.
    """

    worker_until: int
    duty_until: int
    overdue_at: int

    def at(self, now: int) -> Step:
        """Whose it is at a time."""
        if now < self.worker_until:
            return Step.WORKER
        return Step.DUTY if now < self.duty_until else Step.MANAGER


def clock_of(charter: Charter, basis: str, asked_at: int) -> Steps | None:
    """The clock of a request on a lawful basis of the charter that was in force at its entry; None
    where that charter states no times. Raises RemoteError as `steps` does.
    """
    if charter.answering is None:
        return None
    found = charter.lawful_basis(basis)
    urgent = found is not None and found.urgent
    return steps(charter.answering, urgent=urgent, asked_at=asked_at)


def due_of(charter: Charter, basis: str, asked_at: int, expires: int) -> int | None:
    """When a request that is not answered is overdue; None if it never is: where it has no clock,
    and where it is over before. Raises RemoteError as `steps` does.
    """
    clock = clock_of(charter, basis, asked_at)
    return clock.overdue_at if clock is not None and clock.overdue_at < expires else None


def is_answered(decision: DecisionBody, decided_at: int, due: int | None) -> bool:
    """Whether a decision of the holder's answers a request, and in time: to refer it is no answer.
    `decided_at` is when it was signed.
    """
    return decision.outcome != "refer" and (due is None or decided_at <= due)


def steps(answering: Answering, *, urgent: bool, asked_at: int) -> Steps:
    """The clock of a request that was asked at `asked_at` (Unix seconds).

    Raises RemoteError(MALFORMED) for a time that no calendar has.
    """
    if urgent:
        duty_until = asked_at + answering.urgent_duty_hours * HOUR
        return Steps(asked_at, duty_until, duty_until + answering.urgent_manager_hours * HOUR)
    try:
        return _in_working_days(answering, asked_at)
    except (OverflowError, ValueError, OSError):
        raise RemoteError(ErrorCode.MALFORMED, "iat: beyond the calendar") from None


def _in_working_days(answering: Answering, asked_at: int) -> Steps:
    """Each step ends with its last working day, counted from the day after the step before."""
    where = zone(answering.time_zone)
    day = datetime.fromtimestamp(asked_at, where).date()
    holidays = frozenset(answering.holidays)
    ends: list[int] = []
    for days in (answering.worker_days, answering.duty_days, answering.manager_days):
        day = _working_day_after(day, days, holidays)
        midnight = datetime.combine(day + timedelta(days=1), time(), where)
        ends.append(int(midnight.timestamp()))
    return Steps(*ends)


def _working_day_after(day: date, count: int, holidays: frozenset[str]) -> date:
    """The working day that is the `count`th after a day, which itself need not be one."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < SATURDAY and day.isoformat() not in holidays
    return day
