"""Who may use the pages by the day: what the agency requires of everybody, and until when it holds.

Each kind holds up to and on its day, where the agency is. One that is required and has no day does
not hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from node.records.people import acting
from node.store.account_acts import AccountAct, By, DoneToAccount
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError

KINDS = ("authorisation", "training", "vetting")
SOON_DAYS = 30


@dataclass(frozen=True)
class Lacking:
    """What keeps somebody out: a kind, and the last day on which it held (None: there was none)."""

    kind: str
    until: date | None


def lacking(
    tables: NodeTables, person: int, required: Sequence[str], today: date
) -> Lacking | None:
    """The first of what is required that does not hold for a person (a row's id)."""
    if not required:
        return None
    held = tables.clearances.of(person)
    for kind in required:
        until = held.get(kind)
        if until is None or until < today:
            return Lacking(kind, until)
    return None


def runs_out(
    tables: NodeTables, person: int, required: Sequence[str], today: date
) -> Mapping[str, date | None]:
    """What of it ran out already, is missing, or runs out within 30 days."""
    held = {kind: tables.clearances.of(person).get(kind) for kind in required}
    return {
        kind: until
        for kind, until in held.items()
        if until is None or (until - today).days <= SOON_DAYS
    }


def set_dates(
    tables: NodeTables, name: str, dates: Mapping[str, date | None], by: By, now: int
) -> None:
    """Say until when what is required holds for a person of a name. Raises LocalError."""
    for kind in dates:
        if kind not in KINDS:
            raise LocalError(ErrorCode.MALFORMED, f"say one of {', '.join(KINDS)}")
    person = acting(tables, name)
    for kind, until in dates.items():
        tables.clearances.put(person.id, kind, until)
    account = tables.accounts.of_person(person.id)
    if account is not None:
        tables.account_acts.add(DoneToAccount(by, account.id, AccountAct.DATES, now))
