"""Records kept by hand: specs/09-imports.md §9. A charity of three people has no file.

What is typed is read as a file's cells are; nothing is guessed. Whoever acts is named, and a merge
can be taken back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from node.records.importer.checks import Terms, read_value
from node.records.importer.mapping import DATES, Field
from node.records.sources import record_of
from node.records.workload import end_of, still_withdrawn
from node.store.imports import BY_HAND, Said
from node.store.merges import Preset
from node.store.people import Act, Deed
from node.store.records import (
    RECORD_FIELDS,
    Client,
    ClientRow,
    EndedBy,
    Involvement,
    InvolvementRow,
)
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError
from protocol.matchkeys.normalise import parse_date
from protocol.matchkeys.records import ClientRecord

PAGE = 2000


@dataclass(frozen=True)
class By:
    """Who does it (a row id), and when (Unix seconds)."""

    person: int
    now: int

    @property
    def today(self) -> date:
        """The day of it (UTC)."""
        return datetime.fromtimestamp(self.now, UTC).date()


@dataclass(frozen=True)
class Added:
    """A client to add: the record as typed, what preset, and since when there is consent, if it
    rests on consent.
    """

    local_id: str
    record: ClientRecord
    preset: Preset
    consent: date | None = None


def read_record(typed: Mapping[str, str], today: date) -> ClientRecord:
    """What was typed of a client, by field. Raises LocalError that names the field."""
    values = {
        name: _read(name, text, today) for name, text in typed.items() if text and text.strip()
    }
    return ClientRecord(**values)


def read_day(name: str, text: str, today: date) -> date:
    """A day as typed, for a field. Raises LocalError that names it."""
    day = parse_date(_read(name, text, today))
    if day is None:
        raise LocalError(ErrorCode.MALFORMED, f"{name.replace('_', ' ')}: this is not a day")
    return day


def _read(name: str, text: str, today: date) -> str:
    read = read_value(Field(name), " ".join(text.split()), Terms(today))
    if read.value is None:
        why = (read.note or "this says nothing").removesuffix("; left empty")
        raise LocalError(ErrorCode.MALFORMED, f"{name.replace('_', ' ')}: {why}")
    day = parse_date(read.value) if Field(name) in DATES else None
    return day.isoformat() if day else read.value


def add(tables: NodeTables, added: Added, by: By) -> int:
    """Add a client with one piece of work, done by whoever adds them; the row id.

    Raises LocalError.
    """
    _check_id(added.local_id, by.today)
    if tables.records.client(added.local_id) is not None:
        raise LocalError(ErrorCode.CONFLICT, "a client here has that id already")
    if not (added.record.given or added.record.family):
        raise LocalError(ErrorCode.MALFORMED, "a client needs a name")
    preset, today = added.preset, by.today
    until = (added.consent or today) + timedelta(days=preset.days)
    if until < today:
        raise LocalError(
            ErrorCode.MALFORMED, f"consent date: what was agreed then ended on {until.isoformat()}"
        )
    ids = tables.records.put_clients([ClientRow(added.local_id, added.record)])
    client = ids[added.local_id]
    tables.imports.put_said([Said(client, BY_HAND, added.record, 0, None)])
    work = InvolvementRow(
        client=client,
        type=preset.type,
        label=preset.label,
        team=preset.team,
        started_on=today.isoformat(),
        permission_basis=preset.basis,
        valid_until=end_of(until),
        consent_date=added.consent.isoformat() if added.consent else None,
        confirmed_at=by.now,
        workers=(by.person,),
    )
    tables.records.add_involvements([work])
    tables.people.acted(Act(by.person, Deed.ADDED_CLIENT, added.local_id, by.now))
    return client


def _check_id(local_id: str, today: date) -> None:
    """Raise LocalError unless an id is one that a file could have."""
    if not local_id.strip() or _read(Field.LOCAL_ID, local_id, today) != local_id:
        raise LocalError(
            ErrorCode.MALFORMED, "local id: one line, without spaces before or after it"
        )


def correct(
    tables: NodeTables, local_id: str, new: ClientRecord, cleared: Sequence[str], by: By
) -> ClientRecord:
    """Say of a client what is right, and of which fields there is nothing; the record now. It holds
    until a feed says something else than it says today. Raises LocalError.
    """
    if not set(cleared) <= set(RECORD_FIELDS):
        raise LocalError(
            ErrorCode.NOT_FOUND, f"these fields can be emptied: {', '.join(RECORD_FIELDS)}"
        )
    if both := [name for name in cleared if getattr(new, name)]:
        name = both[0].replace("_", " ")
        raise LocalError(ErrorCode.MALFORMED, f"{name}: say what it is, or empty it, not both")
    client = known(tables, local_id)
    said = list(tables.imports.said([client.id])[client.id])
    before = next((item.record for item in said if item.source == BY_HAND), ClientRecord())
    values = {name: getattr(new, name) or getattr(before, name) for name in RECORD_FIELDS}
    record = ClientRecord(**{**values, **dict.fromkeys(cleared, "")})
    mine = Said(client.id, BY_HAND, record, 0, None)
    after = record_of([*(item for item in said if item.source != BY_HAND), mine])
    if not (after.given or after.family):
        raise LocalError(ErrorCode.MALFORMED, "a client needs a name")
    tables.imports.put_said([mine])
    tables.records.put_clients([ClientRow(client.local_id, after)])
    tables.people.acted(Act(by.person, Deed.CORRECTED_CLIENT, client.local_id, by.now))
    return after


def close(tables: NodeTables, local_id: str, number: int | None, by: By) -> int:
    """End a piece of work with a client (its number, as `show` has it), or all; how many. No feed
    begins them again. Raises LocalError.
    """
    going_on = [item for item in works(tables, local_id, number) if not item.is_over(by.now)]
    if not going_on:
        raise LocalError(ErrorCode.CONFLICT, "that is over already")
    ended = [replace(item, ended_at=by.now, ended_by=EndedBy.PERSON) for item in going_on]
    tables.records.set_involvements(ended)
    tables.people.acted(Act(by.person, Deed.CLOSED_WORK, local_id, by.now))
    return len(ended)


def reopen(tables: NodeTables, local_id: str, number: int | None, by: By) -> int:
    """Let work that is over go on; how many. What was withdrawn stays so. Raises LocalError."""
    over = [item for item in works(tables, local_id, number) if item.is_over(by.now)]
    if not over:
        raise LocalError(ErrorCode.CONFLICT, "nothing of that is over")
    going_on = [replace(item, ended_at=None, ended_by=None, confirmed_at=by.now) for item in over]
    tables.records.set_involvements(going_on)
    tables.people.acted(Act(by.person, Deed.REOPENED_WORK, local_id, by.now))
    return len(going_on)


def confirm(tables: NodeTables, local_id: str, number: int | None, by: By) -> int:
    """Say of work with a client that it goes on; how many. Raises LocalError."""
    open_ = [item for item in works(tables, local_id, number) if not item.is_over(by.now)]
    if not open_:
        raise LocalError(ErrorCode.CONFLICT, "that is over: clients reopen lets it go on")
    tables.records.set_involvements([replace(item, confirmed_at=by.now) for item in open_])
    tables.people.acted(Act(by.person, Deed.CONFIRMED_WORK, local_id, by.now))
    return len(open_)


def merge(tables: NodeTables, local_id: str, into: str, by: By) -> None:
    """Say that two clients of ours are one, who goes by the second id. Raises LocalError."""
    client, other = known(tables, local_id), known(tables, into)
    if client.id == other.id:
        raise LocalError(ErrorCode.CONFLICT, "these two ids are one client here already")
    if tables.held.of(client.id) or tables.held.of(other.id):
        raise LocalError(ErrorCode.CONFLICT, "say first who the held one is: patchwork-node held")
    if client.local_id != local_id:
        raise LocalError(
            ErrorCode.CONFLICT, f"merge {client.local_id}, whose id this is another of"
        )
    if tables.withheld.is_withheld(client.id, by.now) != tables.withheld.is_withheld(
        other.id, by.now
    ):
        raise LocalError(
            ErrorCode.CONFLICT,
            "one of the two is withheld: withhold the other, too, or end it",
        )
    _check_withdrawn(tables, (client, other), by.now)
    tables.merges.merge(client.id, other.id, by.person, by.now)
    tables.withheld.move(client.id, other.id)
    tables.people.acted(Act(by.person, Deed.MERGED_CLIENT, f"{local_id} {other.local_id}", by.now))


def _check_withdrawn(tables: NodeTables, two: tuple[Client, Client], now: int) -> None:
    """Raise LocalError if what one of two withdrew is still shared by the other one's record."""
    for one, other in (two, two[::-1]):
        theirs = tables.records.involvements([one.id])
        last = max((item.withdrawn_at for item in theirs if item.withdrawn_at), default=None)
        for item in tables.records.involvements([other.id]):
            consent = date.fromisoformat(item.consent_date) if item.consent_date else None
            if item.is_permitted(now) and still_withdrawn(last, consent):
                raise LocalError(
                    ErrorCode.CONFLICT,
                    f"permission was withdrawn by {one.local_id}: if the two are one it ends for "
                    f"{other.local_id} too; say so first: patchwork-node withdraw {other.local_id}",
                )


def part(tables: NodeTables, local_id: str, by: By) -> int:
    """Take a merge back: the two were two. How much work goes back. Raises LocalError."""
    found = tables.merges.merged(local_id)
    if found is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no client of that id was merged into another one")
    tables.withheld.copy([(found[1], found[0])], by.now)
    count = tables.merges.part(*found)
    tables.people.acted(Act(by.person, Deed.PARTED_CLIENT, local_id, by.now))
    return count


def whole_clients(tables: NodeTables) -> Iterator[Client]:
    """All clients but those who are merged into others."""
    for page in _pages(tables):
        gone = tables.merges.all_merged([client.id for client in page])
        yield from (client for client in page if client.id not in gone)


def _pages(tables: NodeTables) -> Iterator[list[Client]]:
    last = 0
    while page := tables.records.clients_after(last, PAGE):
        yield page
        last = page[-1].id


def known(tables: NodeTables, local_id: str) -> Client:
    """A client of ours by an id of theirs. Raises LocalError."""
    client = tables.records.client(local_id)
    if client is None:
        raise LocalError(ErrorCode.NOT_FOUND, "no client has that id here")
    if tables.enquiries.of_client(client.id):
        raise LocalError(
            ErrorCode.CONFLICT,
            "that is an enquiry and no client: patchwork-node enquire, or clients add",
        )
    return client


def works(tables: NodeTables, local_id: str, number: int | None) -> list[Involvement]:
    """All work with a client, or the piece of a number as `show` has it. Raises LocalError."""
    found = tables.records.involvements([known(tables, local_id).id])
    if number is None:
        return found
    if not 1 <= number <= len(found):
        raise LocalError(ErrorCode.NOT_FOUND, "there is no work of that number: see clients show")
    return [found[number - 1]]
