"""Some clients' rows of a file: what comes of them, and storing it. specs/09-imports.md §7.

The same decisions are taken twice: while a file is judged, when nothing is stored, and when it is
taken in, on what is there then.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from node.records import sources
from node.records.import_report import ImportReport
from node.records.importer.look import Doubt, FileWarning, key_of
from node.records.importer.rows import ImportedRow, RowError, WorkerDetails
from node.records.importer.seen import NEVER
from node.records.importer.spool import Group, Spool
from node.records.missing import Feed
from node.records.newcomers import Known, is_another
from node.records.workload import Terms, Work, Workload, add_up, end_of, place_of, works_of
from node.store.held import Held
from node.store.imports import BEFORE, Said, source_of
from node.store.people import WorkerRow
from node.store.records import Client, ClientRow
from node.store.tables import NodeTables
from protocol.matchkeys.records import ClientRecord

NO_MOTHER = "no client here has the mother's id; import the mother first"
TWO_MOTHERS = "this child, who is not born yet, has two mothers in the file"
IS_BORN = "this child was imported as born; fix the row at its source"
DIFFERING = frozenset({"nhs_number", "sex", "postcode"})
"""Rows of one client that differ in these are asked about; in name and birth date by FileLook."""


@dataclass(frozen=True)
class Plan:
    """What is the same for all rows of one import: `held` are new clients who may be somebody, by
    their own ids.
    """

    spool: Spool
    feed: Feed
    now: int
    held: Mapping[str, Known] = field(default_factory=dict)


@dataclass(frozen=True)
class Settled:
    """Work (a row id) that stays as it is whatever the day, its type, and from when on (Unix
    seconds) its rows state no permission (0: they state none), and say that it is over.
    """

    work: int
    permitted_until: int
    over_from: int
    type: str


@dataclass
class Taken:
    """What came of some clients' rows: who was known before, and of whom there is anything to store
    (own ids); the work that
    the file has (row ids), of it that of whom there is nothing to store, and the work that is gone
    with a birth; what is said of workers, by name and team, and in which group last; and by own
    ids and lines the work that is settled.
    """

    known: Mapping[str, Client] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    seen: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    workers: dict[tuple[str, str], WorkerRow] = field(default_factory=dict)
    said_in: dict[tuple[str, str], int] = field(default_factory=dict)
    settled: dict[str, dict[int, Settled]] = field(default_factory=lambda: defaultdict(dict))


class Taking:
    """Takes the rows of some clients, within one transaction; `import_id` None: to see what would
    come of them, without storing it. What it does is added to `report`.
    """

    def __init__(
        self, tables: NodeTables, plan: Plan, report: ImportReport, import_id: int | None = None
    ) -> None:
        self._tables, self._plan, self._report = tables, plan, report
        self._source, self._now = source_of(plan.feed.title), plan.now
        self._stores, self._terms = import_id is not None, Terms(import_id or 0, plan.now)
        self._changed: set[str] = set()
        self._born: list[tuple[int, int]] = []  # mothers, each with who was her unborn child
        self._taken = Taken()

    def take(self, groups: Sequence[Group]) -> Taken:
        """Take whole clients: who they are, and the work with them."""
        known = self._tables.records.clients([group.key for group in groups])
        self._taken.known = known
        own = {
            group.key: [row for row in group.rows if not row.mother_local_id] for group in groups
        }
        ids = self._say(known, {key: rows for key, rows in own.items() if rows})
        rows = [(group.key, row) for group in groups for row in self._usable(group, ids)]
        numbers = {group.key: group.number for group in groups}
        self._taken.said_in = {named(row.worker): numbers[key] for key, row in rows}
        people = self._people(row.worker for _, row in rows)
        work = self._workload(list(ids.values()), {row.local_id for _, row in rows})
        by_hand = self._tables.records.with_workers_by_hand(work.ids)
        unchanged = []
        for key, of_client in groupby(rows, lambda pair: pair[0]):
            for together in works_of(row for _, row in of_client):
                found = self._take_work(work, ids[key], together, people)
                if found is None or found in by_hand:
                    self._taken.touched.add(key)
                else:
                    unchanged.append((key, found))
        self._write(work)
        self._hold(ids)
        touched = self._taken.touched
        self._taken.unchanged = [item for key, item in unchanged if key not in touched]
        self._taken.seen, self._taken.gone = work.had, work.removed
        return self._taken

    def _say(
        self, known: Mapping[str, Client], own: Mapping[str, Sequence[ImportedRow]]
    ) -> dict[str, int]:
        """What the file says of who clients are: their row ids by own id, with those of clients
        known before. New ones have none before they are stored, and get what is below 0.
        """
        tables, records = self._tables, self._records(known, own)
        ids = {key: client.id for key, client in known.items()}
        new = [ClientRow(key, record) for key, record in records.items() if key not in known]
        if self._stores:
            ids |= tables.records.put_clients(new)
        else:
            ids |= {row.local_id: -place for place, row in enumerate(new, 1)}
        before = tables.imports.said([ids[key] for key in records])
        said: list[Said] = []
        changed = list(new)
        for key, record in records.items():
            there = before.get(ids[key], [])
            if key in known and _says_again(there, self._source, record, known[key].record):
                continue
            new_said = Said(
                ids[key], self._source, record, self._terms.import_id, self._terms.import_id
            )
            every = sources.say(there, new_said)
            is_old = any(one.source == self._source and one.record == record for one in there)
            if not is_old or any(one.source == BEFORE for one in there):
                said += every
                self._taken.touched.add(key)
            of_all = sources.record_of(every)
            if key in known and of_all != known[key].record:
                changed.append(ClientRow(key, of_all))
        self._changed = {row.local_id for row in changed}
        self._taken.touched |= self._changed
        if self._stores:
            tables.imports.forget_before([item.client for item in said])
            tables.imports.put_said(said)
            tables.records.put_clients(changed[len(new) :])
        return ids

    def _records(
        self, known: Mapping[str, Client], own: Mapping[str, Sequence[ImportedRow]]
    ) -> dict[str, ClientRecord]:
        """What the rows of each client say together, and what speaks against that."""
        records = {}
        for key, rows in own.items():
            records[key], differing = sources.add_up(row.record for row in rows)
            if differing & DIFFERING:
                self._report.warnings.append(_differs(key, rows, min(differing & DIFFERING)))
            was = known[key].record if key in known else records[key]
            if was != records[key] and is_another(was, records[key]):
                self._report.warnings.append(FileWarning(Doubt.ANOTHER_PERSON, (rows[0].line,)))
        return records

    def _usable(self, group: Group, ids: Mapping[str, int]) -> list[ImportedRow]:
        """The rows of a client, without those of children whose mother is not here or who are born;
        these are told.
        """
        unborn = [row.local_id for row in group.rows if row.mother_local_id]
        if not unborn:
            return list(group.rows)
        known, spool = self._tables.records.clients(unborn), self._plan.spool
        usable = []
        for row in group.rows:
            why = None
            if row.mother_local_id and group.key not in ids:
                why = NO_MOTHER
            elif row.mother_local_id and (row.local_id in known or spool.is_born(row.local_id)):
                why = IS_BORN
            elif row.mother_local_id and len(spool.mothers[row.local_id]) > 1:
                why = TWO_MOTHERS
            if why is None:
                usable.append(row)
            else:
                self._report.errors.append(RowError(row.line, "mother_local_id", why, group.key))
        return usable

    def _people(self, workers: Iterable[WorkerDetails]) -> dict[tuple[str, str], int]:
        """The row ids of workers by name and team; -1 of one who is not here yet."""
        said = self._taken.workers = _workers(workers)
        found = self._tables.people.workers([name for name, _ in said])
        people = {key: found[key][0] if key in found else -1 for key in said}
        if self._stores:
            new = [row for key, row in said.items() if key not in found]
            people |= self._tables.people.put_workers(new, self._now) if new else {}
        return people

    def _workload(self, clients: Sequence[int], children: Collection[str]) -> Workload:
        """The work that there is with these clients, and for these children not yet born."""
        records = self._tables.records
        there = {
            item.id: item
            for item in (
                *records.involvements([client for client in clients if client > 0]),
                *records.involvements_for_unborn(children),
            )
        }
        dated = [item.id for item in there.values() if item.consent_date]
        return Workload(there.values(), self._terms, self._tables.consents.newest(dated))

    def _take_work(
        self,
        work: Workload,
        client: int,
        rows: Sequence[ImportedRow],
        people: Mapping[tuple[str, str], int],
    ) -> int | None:
        """Take in what rows say of one piece of work, and count them; the work's row id if there is
        nothing to store of it, but for who works on it.
        """
        said, kept, errors = add_up(rows)
        self._report.errors += errors
        self._report.warnings += [_work_differs(rows, errors)] if errors else []
        child, gone = said.local_id if said.mother_local_id else None, len(work.removed)
        if child is None:
            self._born += [(mother, client) for mother in work.leave(said.local_id)]
        workers = [people[named(row.worker)] for row in kept if row.worker.name]
        state = work.take(Work(client, child, said, tuple(dict.fromkeys(workers))))
        is_old = state is False and len(work.removed) == gone
        self._count(said, len(kept), state, is_recorded=work.is_recorded)
        if not (is_old and work.is_staffed):
            return None
        if work.is_settled and not errors and child is None:
            settled = Settled(work.had[-1], *_times(said), said.involvement)
            self._taken.settled[said.local_id] |= {row.line: settled for row in rows}
        return work.had[-1]

    def _count(
        self,
        said: ImportedRow,
        rows: int,
        state: bool | None,
        *,
        is_recorded: bool,
    ) -> None:
        report = self._report
        is_changed = (said.mother_local_id or said.local_id) in self._changed
        report.new += rows if state is None else 0
        report.changed += rows if state or (state is False and is_changed) else 0
        report.unchanged += rows if state is False and not is_changed else 0
        permitted_until, over_from = _times(said)
        times = (NEVER if is_recorded else permitted_until, over_from)
        count_permission(report, self._plan, said.involvement, rows, times)

    def _write(self, work: Workload) -> None:
        self._report.still_ended += work.still_ended
        if not self._stores:
            return
        records, import_id = self._tables.records, self._terms.import_id
        records.remove_involvements(work.removed)
        records.set_involvements(work.changed)
        records.saw_involvements(work.unchanged, import_id)
        records.add_workers(work.workers)
        records.end_workers(work.had, import_id)
        records.add_involvements(work.added)
        self._tables.withheld.copy(self._born, self._now)

    def _hold(self, ids: Mapping[str, int]) -> None:
        due = [(key, known) for key in ids if (known := self._plan.held.get(key))]
        self._report.held += len(due)
        self._taken.touched |= {key for key, _ in due}
        if self._stores:
            wanted = [item.client for _, item in due if item.client is not None]
            here = {client.id for client in self._tables.records.clients_by_row(wanted)}
            self._tables.held.hold(
                [
                    # Who was forgotten meanwhile is named no more, and still holds this one back.
                    Held(
                        ids[key], item.client if item.client in here else None, item.why, self._now
                    )
                    for key, item in due
                ]
            )


def count_permission(
    report: ImportReport, plan: Plan, kind: str, rows: int, times: tuple[int, int]
) -> None:
    """Count rows about work of a type that are findable by law, or have no permission; `times`:
    from when on they state none, and from when on it is over.
    """
    permitted_until, over_from = times
    if kind in plan.feed.by_law and over_from > plan.now:
        report.findable[kind] = report.findable.get(kind, 0) + rows
    elif permitted_until <= plan.now:
        report.without_permission += rows


def _times(said: ImportedRow) -> tuple[int, int]:
    """From when on a row states no permission, and from when on the work is over."""
    ended = said.course.ended
    over_from = 0 if said.course.status == "closed" else NEVER
    return (
        end_of(said.permission.valid_until) if said.permission else 0,
        end_of(ended) if ended else over_from,
    )


def _says_again(
    there: Sequence[Said], source: str, record: ClientRecord, known: ClientRecord
) -> bool:
    """Whether all that is said of a client is what this source says now."""
    return len(there) == 1 and there[0].source == source and there[0].record == record == known


def _differs(local_id: str, rows: Sequence[ImportedRow], name: str) -> FileWarning:
    """That rows of one client differ in a field; known again as long as they say the same."""
    said = sorted({value for row in rows if (value := getattr(row.record, name))})
    key = key_of(Doubt.CLIENT_DIFFERS, local_id, name, *said)
    return FileWarning(Doubt.CLIENT_DIFFERS, tuple(row.line for row in rows), name, key)


def _work_differs(rows: Sequence[ImportedRow], errors: Sequence[RowError]) -> FileWarning:
    """That rows of one piece of work contradict each other."""
    fields = sorted({error.field for error in errors})
    known = key_of(Doubt.WORK_DIFFERS, rows[0].local_id, *filter(None, place_of(rows[0])), *fields)
    lines = tuple(row.line for row in rows)
    return FileWarning(Doubt.WORK_DIFFERS, lines, errors[0].field, known)


def _workers(workers: Iterable[WorkerDetails]) -> dict[tuple[str, str], WorkerRow]:
    """Each worker once, as the last row says it."""
    return {named(worker): worker_row(worker) for worker in workers if worker.name is not None}


def worker_row(worker: WorkerDetails) -> WorkerRow:
    """What a row says of its worker."""
    return WorkerRow(
        worker.name or "", worker.team or "", worker.role, worker.phone, worker.email, worker.cover
    )


def named(worker: WorkerDetails) -> tuple[str, str]:
    """What a worker is known by; without a name nobody is."""
    return worker.name or "", worker.team or ""
