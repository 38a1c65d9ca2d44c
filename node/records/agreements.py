"""Consents of clients: given, withdrawn, and what stands of them (specs/10-consent.md).

A consent is to one piece of work being known to others, and may name to whom and for what. It never
shows more than the charter does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from node.config import Agreement
from node.records.by_hand import By, known, read_day, works
from node.records.clients import withdraw as withdraw_all
from node.records.workload import end_of, still_withdrawn
from node.store.consents import Consent, ConsentRow, How
from node.store.objections import SaidBy
from node.store.people import Act, Deed
from node.store.records import Involvement
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError
from protocol.governance.charter import Charter, LawfulBasis

LONGEST = 200
NOW, TODAY = "now", "today"


@dataclass(frozen=True)
class Agency:
    """Who records: under which charter in our words, of which class, and what makes opaque ids."""

    agreement: Agreement
    own_class: str
    new_id: Callable[[], str]


@dataclass(frozen=True)
class Given:
    """A consent as somebody says it. `client`: our own id; `work`: its number as `show` has it,
    None for all that goes on. `on`: a day as typed, `today`, or `now` where it was given this
    minute; `until`: its last day. `basis`: a code of the charter, empty for the only one there is.
    """

    client: str
    given_by: SaidBy
    how: How
    on: str
    wording: str
    until: str
    classes: Sequence[str] = ()
    purposes: Sequence[str] = ()
    work: int | None = None
    evidence: str = ""
    basis: str = ""


@dataclass(frozen=True, kw_only=True)
class Agreed:
    """What stands of a consent. Of an imported one there is no more than the day; no classes or no
    purposes: it states no limits. `record`: its number, None where it was imported.
    """

    basis: str
    given_on: str
    valid_until: int
    given_by: str | None = None
    how: str | None = None
    wording: str | None = None
    classes: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    record: int | None = None

    def covers(self, basis: str, member_class: str | None, purpose: str, now: int) -> bool:
        """Whether it lets one share with a class for a purpose; no class: whoever it is."""
        return (
            self.basis == basis
            and now < self.valid_until
            and (not self.classes or member_class in self.classes)
            and (not self.purposes or purpose in self.purposes)
        )


def give(tables: NodeTables, at: Agency, given: Given, by: By) -> list[int]:
    """Record a consent in a person's name, for each piece of work that it is to; their numbers.

    It becomes the permission of the work, and ends a withdrawal before it, unless a duty lets one
    share already: then it is beside that. Raises LocalError, changing nothing.
    """
    agreement, client = at.agreement, known(tables, given.client)
    if tables.held.of(client.id) is not None:
        raise LocalError(ErrorCode.CONFLICT, "say first who the held one is: patchwork-node held")
    basis = _basis(agreement.charter, at.own_class, given.basis)
    _check_scope(agreement.charter, basis, given)
    own_basis = agreement.own_basis(basis.code)
    day, until = _days(given, by)
    there = works(tables, client.local_id, given.work)
    going_on = [item for item in there if not item.is_over(by.now)]
    if not going_on:
        raise LocalError(ErrorCode.CONFLICT, "that work is over: clients reopen begins it again")
    if given.on != NOW:
        _check_withdrawn(going_on, day)
    tables.records.set_involvements(
        replace(
            item,
            permission_basis=own_basis,
            valid_until=end_of(until),
            consent_date=day.isoformat(),
            withdrawn_at=None,
        )
        for item in going_on
        if not _is_a_duty(agreement, item, by.now)
    )
    rows = [_row(item, own_basis, given, (day, until), by) for item in going_on]
    numbers = [tables.consents.record(replace(row, record_id=at.new_id())) for row in rows]
    tables.people.acted(Act(by.person, Deed.RECORDED_CONSENT, client.local_id, by.now))
    return numbers


def withdraw(tables: NodeTables, local_id: str, number: int | None, by: By) -> int:
    """Withdraw what lets others know of a client's work, of all or of one piece by its number; of
    how many. Raises LocalError.
    """
    there = works(tables, local_id, number)
    tables.consents.withdraw([item.id for item in there], by.now, by.person)
    if number is None:
        count = withdraw_all(tables, local_id, by.now)
    else:
        count = sum(tables.records.withdraw_work(item.id, by.now) for item in there)
    tables.people.acted(Act(by.person, Deed.WITHDREW, local_id, by.now))
    return count


def agreed(
    agreement: Agreement, item: Involvement, record: Consent | None, now: int
) -> Agreed | None:
    """What stands of a consent to a piece of work, given the last record of one: that record, or a
    consent that was imported later, within the limits of the record; None if none does.
    """
    if item.withdrawn_at is not None:
        return None
    if record is not None and record.is_in_force(now):
        named = agreement.basis(record.basis)
        return Agreed(
            basis=named.code if named else record.basis,
            given_on=record.given_on,
            valid_until=record.valid_until,
            given_by=record.given_by.value,
            how=record.how.value,
            wording=record.wording,
            classes=record.classes,
            purposes=record.purposes,
            record=record.id,
        )
    basis = agreement.basis(item.permission_basis)
    if basis is None or basis.permission_class != "consent" or item.consent_date is None:
        return None
    if record is not None and item.consent_date <= record.given_on:
        return None
    return Agreed(
        basis=basis.code,
        given_on=item.consent_date,
        valid_until=item.valid_until or 0,
        classes=record.classes if record else (),
        purposes=record.purposes if record else (),
    )


def all_agreed(
    tables: NodeTables, agreement: Agreement, works: Sequence[Involvement], now: int
) -> Mapping[int, Agreed]:
    """What stands of consents to each of these pieces of work, where anything does."""
    records = tables.consents.newest(item.id for item in works)
    found = {item.id: agreed(agreement, item, records.get(item.id), now) for item in works}
    return {work: stands for work, stands in found.items() if stands is not None}


def offered(charter: Charter, own_class: str) -> list[LawfulBasis]:
    """The lawful bases on consent, in force, on which an agency of a class may ask or hold."""
    return [
        basis
        for basis in charter.lawful_bases
        if basis.permission_class == "consent"
        and basis.in_force == "yes"
        and own_class in {*basis.holder_classes, *basis.requester_classes}
    ]


def _basis(charter: Charter, own_class: str, code: str) -> LawfulBasis:
    bases = [item for item in offered(charter, own_class) if code in ("", item.code)]
    if len(bases) != 1:
        names = ", ".join(item.code for item in offered(charter, own_class)) or "none"
        raise LocalError(
            ErrorCode.NOT_FOUND, f"say which lawful basis; the charter has on consent: {names}"
        )
    return bases[0]


def _check_scope(charter: Charter, basis: LawfulBasis, given: Given) -> None:
    """Raise LocalError for classes and purposes that are none, and for texts that say nothing."""
    classes = [item.code for item in charter.classes]
    for what, said, there in (
        ("classes", given.classes, classes),
        ("purposes", given.purposes, basis.purposes),
    ):
        if not set(said) <= set(there):
            raise LocalError(ErrorCode.NOT_FOUND, f"there are these {what}: {', '.join(there)}")
    for what, text, least in (("wording", given.wording, 1), ("evidence", given.evidence, 0)):
        if not least <= len(text.strip()) <= LONGEST or not text.isprintable():
            raise LocalError(
                ErrorCode.MALFORMED, f"{what}: say it in one line of at most {LONGEST} characters"
            )


def _days(given: Given, by: By) -> tuple[date, date]:
    """The day of a consent, and its last. Raises LocalError."""
    given_on = (
        by.today if given.on in (NOW, TODAY) else read_day("consent_date", given.on, by.today)
    )
    until = read_day("permission_valid_until", given.until, by.today)
    if until < by.today or until < given_on:
        raise LocalError(
            ErrorCode.MALFORMED, f"consent date: what was agreed then ended on {until.isoformat()}"
        )
    return given_on, until


def _check_withdrawn(works: Sequence[Involvement], given_on: date) -> None:
    """Raise LocalError if a permission was withdrawn after this was given: on the same day it may
    have been.
    """
    for item in works:
        if still_withdrawn(item.withdrawn_at, given_on) is None:
            continue
        day = datetime.fromtimestamp(item.withdrawn_at or 0, UTC).date()
        raise LocalError(
            ErrorCode.CONFLICT,
            f"the permission was withdrawn on {day.isoformat()}, and a consent from before does "
            "not end that; if they agreed again, say on which later day, or now if just now",
        )


def _is_a_duty(agreement: Agreement, item: Involvement, now: int) -> bool:
    basis = agreement.basis(item.permission_basis)
    return basis is not None and basis.permission_class == "duty" and item.is_permitted(now)


def _row(
    item: Involvement, basis: str, given: Given, days: tuple[date, date], by: By
) -> ConsentRow:
    day, until = days
    return ConsentRow(
        record_id="",
        involvement=item.id,
        basis=basis,
        given_by=given.given_by,
        how=given.how,
        given_on=day.isoformat(),
        wording=given.wording.strip(),
        classes=tuple(sorted(set(given.classes))),
        purposes=tuple(sorted(set(given.purposes))),
        valid_until=end_of(until),
        evidence=given.evidence.strip() or None,
        recorded_by=by.person,
        recorded_at=by.now,
    )
