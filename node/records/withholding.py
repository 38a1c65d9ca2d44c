"""Keeping a client's record unpublished: specs/09-imports.md §12.

It takes two: a manager and the lead for information governance, to begin it and to end it before
its time. What one of them says waits for the other.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from node.records.by_hand import By, known
from node.records.workload import end_of
from node.store.people import Act, Deed, PersonKind
from node.store.tables import NodeTables
from node.store.withheld import Withheld
from protocol.errors import ErrorCode, LocalError

LONGEST = timedelta(days=366)
MOST_WORDS = 200
BOTH = frozenset({PersonKind.MANAGER, PersonKind.GOVERNANCE_LEAD})


@dataclass(frozen=True)
class Wish:
    """That a client (our own id) is withheld: why, to the end of which day, and on which day before
    that it is to be looked at.
    """

    client: str
    reason: str
    until: date
    review: date


def propose(tables: NodeTables, wish: Wish, by: By) -> int:
    """Take a wish down; its number. It does nothing before the other one of the two agrees.

    Raises LocalError.
    """
    _check_person(tables, by)
    client = known(tables, wish.client)
    reason = " ".join(wish.reason.split())
    if not reason or len(reason) > MOST_WORDS:
        raise LocalError(
            ErrorCode.MALFORMED, f"reason: say why, in at most {MOST_WORDS} characters"
        )
    if not by.today < wish.until <= by.today + LONGEST:
        raise LocalError(
            ErrorCode.MALFORMED, f"until: a day to come, at most {LONGEST.days} days from today"
        )
    if not by.today <= wish.review < wish.until:
        raise LocalError(ErrorCode.MALFORMED, "review: a day from today to before it ends")
    if any(one.client == client.id and one.agreed_at is None for one in standing(tables, by.now)):
        raise LocalError(
            ErrorCode.CONFLICT, "that is proposed already: patchwork-node withhold list"
        )
    said = (reason, wish.review.isoformat(), end_of(wish.until))
    number = tables.withheld.propose(client.id, said, by.person, by.now)
    tables.people.acted(Act(by.person, Deed.PROPOSED_WITHHOLDING, client.local_id, by.now))
    return number


def agree(tables: NodeTables, number: int, by: By) -> Withheld:
    """The other one of the two agrees: it is in force. Raises LocalError."""
    one = _standing(tables, number, by.now)
    if one.agreed_at is not None:
        raise LocalError(ErrorCode.CONFLICT, "that is in force already")
    _check_other(tables, one.proposed_by, by)
    tables.withheld.agree(one, by.person, by.now)
    tables.people.acted(Act(by.person, Deed.WITHHELD_CLIENT, one.local_id, by.now))
    return one


def end(tables: NodeTables, number: int, by: By) -> bool:
    """One of the two says that it is to end; whether it has ended, the other one having said so
    before. A mere proposal is taken back by either. Raises LocalError.
    """
    one = _standing(tables, number, by.now)
    _check_person(tables, by)
    if one.agreed_at is not None and (one.ending_by is None or one.ending_by == by.person):
        tables.withheld.want_end(number, by.person)
        return False
    if one.agreed_at is not None:
        _check_other(tables, one.ending_by, by)
    tables.withheld.end(number, by.person, by.now)
    tables.people.acted(Act(by.person, Deed.ENDED_WITHHOLDING, one.local_id, by.now))
    return True


def standing(tables: NodeTables, now: int) -> list[Withheld]:
    """All that is proposed or in force."""
    return [one for one in tables.withheld.all() if one.stands(now)]


def is_due(one: Withheld, today: date) -> bool:
    """Whether it is to be looked at: its day has come, or nobody has said how long it lasts."""
    return one.review_on is None or one.review_on <= today.isoformat()


def _standing(tables: NodeTables, number: int, now: int) -> Withheld:
    one = tables.withheld.get(number)
    if one is None or not one.stands(now):
        raise LocalError(
            ErrorCode.NOT_FOUND, "nothing of that number stands: patchwork-node withhold list"
        )
    return one


def _check_person(tables: NodeTables, by: By) -> PersonKind:
    person = tables.people.get(by.person)
    if person is None or person.kind not in BOTH:
        raise LocalError(
            ErrorCode.NOT_ALLOWED,
            "a manager and the governance lead do this together: patchwork-node people add NAME "
            "--kind manager, and --kind governance_lead",
        )
    return person.kind


def _check_other(tables: NodeTables, first: int | None, by: By) -> None:
    """Raise LocalError unless two people, one of each kind, have said it."""
    kind, before = _check_person(tables, by), tables.people.get(first or 0)
    if before is None or {kind, before.kind} != BOTH:
        raise LocalError(
            ErrorCode.NOT_ALLOWED,
            "it takes two: a manager and the governance lead; the other one has to say so",
        )
