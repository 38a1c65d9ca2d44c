"""How long agencies have to answer a request, as the charter says it: specs/02-charter.md §11.

The terms alone; protocol/requests/clock.py makes times of them.
"""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from protocol.fields import WireModel
from protocol.governance.zones import zone


def _zone_name(name: str) -> str:
    zone(name)
    return name


def _in_order(days: list[str]) -> list[str]:
    for index, day in enumerate(days):
        try:
            date.fromisoformat(day)
        except ValueError:
            raise ValueError(f"no day of the calendar at place {index}") from None
    if days != sorted(set(days)):
        raise ValueError("days are in order, each once")
    return days


Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Holidays = Annotated[list[Day], Field(max_length=1000), AfterValidator(_in_order)]
Days = Annotated[int, Field(ge=1, le=60)]
Hours = Annotated[int, Field(ge=0, le=720)]


class Answering(WireModel):
    """How long each has a request that waits for an answer: the worker, then the team's duty, then
    a manager. Working days of `time_zone` (an IANA name) are Monday to Friday but for `holidays`
    (yyyy-mm-dd); on a basis that is urgent duty has it at once, and hours run day and night.
    """

    time_zone: Annotated[str, StringConstraints(max_length=60), AfterValidator(_zone_name)]
    holidays: Holidays
    worker_days: Days
    duty_days: Days
    manager_days: Days
    urgent_duty_hours: Hours
    urgent_manager_hours: Hours

    @property
    def least_days(self) -> int:
        """How many days the longer of the two clocks runs where no weekend is in between."""
        working = self.worker_days + self.duty_days + self.manager_days
        return max(working, -(-(self.urgent_duty_hours + self.urgent_manager_hours) // 24))

    @property
    def holidays_until(self) -> date | None:
        """The last day of the last year for which holidays are listed; None where none are."""
        return date(int(self.holidays[-1][:4]), 12, 31) if self.holidays else None
