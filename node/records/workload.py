"""The work with a batch of clients, while the rows of a file are taken in: specs/09-imports.md §7.

A client has several involvements. A file names each by the agency's own id of it, or by service and
team; rows of one piece of work add up. Nothing here touches the database.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from operator import attrgetter

from node.records.importer.mapping import Field
from node.records.importer.rows import Course, ImportedRow, Permission, RowError
from node.store.consents import Consent
from node.store.records import EndedBy, Involvement, InvolvementRow

OTHERWISE = "line {line} says otherwise of the same work"
Place = tuple[str, ...]
Worker = tuple[str, str]
"""What a worker is known by: name and team."""


@dataclass(frozen=True)
class Work:
    """What rows of one file say together of one piece of work with a client (a row id); `child`:
    the own id of the child not yet born, `workers` by row id.
    """

    client: int
    child: str | None
    said: ImportedRow
    workers: tuple[int, ...]


@dataclass(frozen=True)
class Terms:
    """The import's number and the time (Unix seconds)."""

    import_id: int
    now: int


def place_of(row: ImportedRow) -> Place:
    """By what rows of one client are about the same work."""
    child = row.local_id if row.mother_local_id else ""
    if row.course.own_id:
        return (child, row.course.own_id)
    return (child, *_service(row.involvement, row.label, row.worker.team))


def add_up(rows: Sequence[ImportedRow]) -> tuple[ImportedRow, list[ImportedRow], list[RowError]]:
    """What rows of one piece of work say together, those that agree, and what is wrong with those
    that contradict the ones before.
    """
    said, kept = rows[0], [rows[0]]
    errors = []
    for row in rows[1:]:
        if name := _difference(said, row):
            reason = OTHERWISE.format(line=rows[0].line)
            errors.append(
                RowError(row.line, name.value, reason, row.mother_local_id or row.local_id)
            )
        else:
            said = _filled(said, row)
            kept.append(row)
    return said, kept, errors


def end_of(day: date) -> int:
    """The first second (Unix, UTC) after a day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + 86_400


class Workload:
    """Involvements of some clients and of some children not yet born: all that there are."""

    def __init__(
        self, held: Iterable[Involvement], terms: Terms, consents: Mapping[int, Consent]
    ) -> None:
        self._terms = terms
        self._consents = consents
        self._of_client: dict[int, list[Involvement]] = defaultdict(list)
        self._of_unborn: dict[str, list[Involvement]] = defaultdict(list)
        self._taken: set[int] = set()
        self.removed: list[int] = []
        self.changed: list[Involvement] = []
        self.unchanged: list[int] = []
        self.added: list[InvolvementRow] = []
        self.workers: list[tuple[int, int, int | None]] = []
        self.had: list[int] = []
        self.still_ended = 0
        self.is_staffed = True  # what was taken last has the workers that it had, and no others
        self.is_recorded = False  # what was taken last rests on a consent recorded here
        self.is_settled = False  # of what was taken last neither a consent nor an end was said here
        self.ids: set[int] = set()
        for item in held:
            self.ids.add(item.id)
            self._of_client[item.client].append(item)
            if item.for_unborn is not None:
                self._of_unborn[item.for_unborn].append(item)

    def take(self, work: Work) -> bool | None:
        """Take a piece of work in: whether anything changed; None if it is new."""
        found = self._find(work)
        if work.child is not None:
            self.leave(work.child, but=work.client)
        if found is None:
            before = self._withdrawn_at(work.client, work.said.local_id)
            self.added.append(self._values(work, None, before))
            return None
        self._taken.add(found.id)
        self.had.append(found.id)
        self.is_staffed = set(work.workers) == set(found.workers)
        self.is_settled = found.ended_by is not EndedBy.PERSON and found.id not in self._consents
        values = self._values(work, found, found.withdrawn_at)
        self.workers += [(found.id, worker, self._terms.import_id) for worker in work.workers]
        joined = not set(work.workers) <= set(found.workers)
        if _said(values) == _said(found):
            self.unchanged.append(found.id)
            return joined
        after = {**vars(values), "id": found.id, "workers": found.workers}
        self.changed.append(Involvement(**after))
        return True

    def leave(self, child: str, *, but: int | None = None) -> set[int]:
        """Take out the work that was kept for a child not yet born, except with the client `but`:
        the child is born, or has another mother. With whom it was (row ids).
        """
        left = [
            item
            for item in self._of_unborn[child]
            if item.client != but and item.id not in self.removed
        ]
        self.removed += [item.id for item in left]
        return {item.client for item in left}

    def _find(self, work: Work) -> Involvement | None:
        """The involvement that a piece of work is: by its own id, or where one of the two has none
        by service and team; or the one of its type that was imported before there were several.
        """
        row = work.said
        free = [
            item
            for item in self._of_client[work.client]
            if item.for_unborn == work.child and item.id not in self._taken
        ]
        own_id = row.course.own_id
        service = _service(row.involvement, row.label, row.worker.team)
        same = [item for item in free if own_id and item.own_id == own_id]
        same += [
            item
            for item in free
            if not (own_id and item.own_id)
            and _service(item.type, item.label, item.team) == service
        ]
        same += [item for item in free if item.import_id == 0 and item.type == row.involvement]
        return next(iter(same), None)

    def _values(
        self, work: Work, found: Involvement | None, withdrawn_at: int | None
    ) -> InvolvementRow:
        row = work.said
        permission = self._permission(row.permission, found)
        ended_at, ended_by = self._end(row.course, found)
        return InvolvementRow(
            client=work.client,
            type=row.involvement,
            label=row.label,
            team=row.worker.team,
            own_id=row.course.own_id,
            for_unborn=work.child,
            is_waiting=row.course.status == "waiting",
            started_on=_iso(row.course.started),
            ended_at=ended_at,
            ended_by=ended_by,
            last_contact=_iso(row.course.last_contact),
            next_visit=_iso(row.course.next_visit),
            permission_basis=permission.basis if permission else None,
            valid_until=end_of(permission.valid_until) if permission else None,
            consent_date=_iso(permission.consent_date) if permission else None,
            withdrawn_at=still_withdrawn(
                withdrawn_at, permission.consent_date if permission else None
            ),
            import_id=self._terms.import_id,
            confirmed_at=found.confirmed_at if found else None,
            workers=work.workers,
        )

    def _permission(self, said: Permission | None, found: Involvement | None) -> Permission | None:
        """The permission of work: what a row says, unless it rests on a consent that a person
        recorded here and that is in force. A feed neither ends that nor goes beyond it.
        """
        self.is_recorded = False
        record = self._consents.get(found.id) if found else None
        if found is None or record is None or not record.is_in_force(self._terms.now):
            return said
        if found.withdrawn_at is not None:
            return said
        if (found.permission_basis, found.consent_date) != (record.basis, record.given_on):
            return said  # a duty lets it be shared, and the consent is beside that
        self.is_recorded = True
        last = datetime.fromtimestamp(record.valid_until - 1, UTC).date()
        return Permission(record.basis, last, date.fromisoformat(record.given_on))

    def _end(self, course: Course, found: Involvement | None) -> tuple[int | None, EndedBy | None]:
        """When work is over, and who says so. What a person ended no feed begins again."""
        now = self._terms.now
        if course.ended is not None:
            ended_at: int | None = end_of(course.ended)
        elif course.status == "closed":
            ended_at = found.ended_at if found and found.is_over(now) else now
        else:
            ended_at = None
        if found and found.ended_by is EndedBy.PERSON:
            self.still_ended += ended_at is None
            return found.ended_at, found.ended_by
        return ended_at, EndedBy.FEED if ended_at is not None else None

    def _withdrawn_at(self, client: int, child: str) -> int | None:
        """When a permission was withdrawn last, of anything with a client or a child not born: of
        whatever type, so that a feed that renames the work does not bring it back.
        """
        found = [*self._of_client[client], *self._of_unborn[child]]
        times = [item.withdrawn_at for item in found if item.withdrawn_at is not None]
        return max(times, default=None)


_SAID = sorted(InvolvementRow.__dataclass_fields__.keys() - {"workers", "import_id"})
_said = attrgetter(*_SAID)


def _service(kind: str, label: str | None, team: str | None) -> Place:
    return (kind, *("".join((text or "").split()).casefold() for text in (label, team)))


def _course(row: ImportedRow) -> Mapping[Field, object]:
    """What may not differ between rows of one piece of work."""
    permission = row.permission
    return {
        Field.INVOLVEMENT: row.involvement,
        Field.LABEL: row.label,
        Field.TEAM: row.worker.team if row.course.own_id is None else None,
        Field.STATUS: row.course.status,
        Field.STARTED: row.course.started,
        Field.ENDED: row.course.ended,
        Field.PERMISSION_BASIS: permission.basis if permission else None,
        Field.PERMISSION_VALID_UNTIL: permission.valid_until if permission else None,
        Field.CONSENT_DATE: permission.consent_date if permission else None,
    }


def _difference(said: ImportedRow, row: ImportedRow) -> Field | None:
    """The first field in which two rows say different things; what is empty says nothing."""
    other = _course(row)
    for name, value in _course(said).items():
        if value and other[name] and _as_written(value) != _as_written(other[name]):
            return name
    return None


def _as_written(value: object) -> object:
    return "".join(value.split()).casefold() if isinstance(value, str) else value


def _filled(said: ImportedRow, row: ImportedRow) -> ImportedRow:
    """What a row said, with what another one adds to it."""
    one, other = said.course, row.course
    contacts = [day for day in (one.last_contact, other.last_contact) if day]
    visits = [day for day in (one.next_visit, other.next_visit) if day]
    course = Course(
        own_id=one.own_id,
        status=one.status or other.status,
        started=one.started or other.started,
        ended=one.ended or other.ended,
        last_contact=max(contacts, default=None),
        next_visit=min(visits, default=None),
    )
    stated = said.permission or row.permission
    return replace(
        said,
        label=said.label or row.label,
        course=course,
        permission=stated,
        no_permission=None if stated else said.no_permission,
    )


def still_withdrawn(withdrawn_at: int | None, consent: date | None) -> int | None:
    """A withdrawal ends only with a consent given after it."""
    if withdrawn_at is None or consent is None:
        return withdrawn_at
    given = datetime.combine(consent, datetime.min.time(), UTC)
    renewed = given > datetime.fromtimestamp(withdrawn_at, UTC)
    return None if renewed else withdrawn_at


def works_of(rows: Iterable[ImportedRow]) -> Iterator[list[ImportedRow]]:
    """The rows of one client by the piece of work that they are about, in the order of the file."""
    found: dict[Place, list[ImportedRow]] = defaultdict(list)
    for row in rows:
        found[place_of(row)].append(row)
    yield from found.values()


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
