"""Rows that stand in a file as they stood in it before: which of them need not be judged again, and
which need not be the next time. docs/adr/0056-rows-seen-before.md.

A row is kept only if judging it found nothing to store and nothing to tell, with a hash of all that
judging read of its client. Where row and hash are the same, so is what comes of them.
"""

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from node.records.import_report import ImportReport
from node.records.importer.look import digest
from node.records.importer.rows import ImportedRow, RowReader
from node.records.importer.seen import MARK, NONE, SeenRow, SeenRows
from node.records.importer.spool import AT_ONCE, NEW, Group, Spool
from node.records.taking import Plan, Taken, count_permission, named, worker_row
from node.store.people import WorkerRow
from node.store.seen import State
from node.store.tables import NodeTables
from storage.engine import batches


class Standing:
    """The rows of a file that stand as they stood, about clients of whom nothing changed since. A
    row's number is in it if it is one of these.
    """

    def __init__(self, tables: NodeTables, spool: Spool, seen: SeenRows) -> None:
        self._tables, self._spool, self._seen = tables, spool, seen
        self._rows, self._people = bytearray(len(spool.seen)), tables.seen.people()
        for page in batches(self._by_client(), AT_ONCE):
            self._look(page)

    def __contains__(self, row: object) -> bool:
        """Whether a row, by its number, is one of these."""
        return isinstance(row, int) and bool(self._rows[row])

    def has(self, group: int) -> bool:
        """Whether all rows about a client are, so that there is none beside them."""
        return all(self._rows[row] for row in self._spool.rows_of(group))

    def count(self, group: int, plan: Plan, report: ImportReport) -> set[int]:
        """Count a group's rows as judging them would; the work (row ids) that they are about."""
        seen = self._seen
        rows = [self._spool.seen[row] for row in self._spool.rows_of(group)]
        report.unchanged += len(rows)
        for row in rows:
            count_permission(report, plan, seen.types[row], 1, seen.times(row))
        return {seen.work(row) for row in rows}

    def worth_keeping(self, reader: RowReader, page: Sequence[Group], taken: Taken) -> list[bytes]:
        """The rows of clients that were judged and of whom there was nothing to store or to tell,
        as they are kept.
        """
        if reader.seen.key is None:
            return []
        here = self._tables.people.workers([name for name, _ in taken.workers])
        plain = {
            group.key: rows
            for group in page
            if (rows := _plain(reader, self._spool.rows_of(group.number), group, taken, here))
        }
        states = self._states([taken.known[key].id for key in plain])
        return [
            row._replace(state=states[row.client].hash).packed()
            for rows in plain.values()
            for row in rows
        ]

    def _states(self, clients: Collection[int]) -> dict[int, State]:
        return self._tables.seen.states(clients, self._people)

    def last_named(self, people: Collection[int], groups: Iterable[int]) -> dict[int, int]:
        """The last group that has rows here about work of these people (row ids)."""
        works = self._tables.seen.works_of(people) if people else {}
        return {
            person: group
            for group in groups
            if works and self.has(group)
            for row in self._spool.rows_of(group)
            for person in works.get(self._seen.work(self._spool.seen[row]), ())
        }

    def _by_client(self) -> Iterator[tuple[int, list[int]]]:
        """The rows that were seen before, by client, in the order of the file."""
        rows = array("L", (row for row, seen in enumerate(self._spool.seen) if seen != NEW))
        clients = array("Q", (self._seen.client(self._spool.seen[row]) for row in rows))
        order = sorted(range(len(rows)), key=clients.__getitem__)
        for client, places in groupby(order, key=clients.__getitem__):
            yield client, [rows[place] for place in places]

    def _look(self, page: Sequence[tuple[int, list[int]]]) -> None:
        tables = self._tables
        states = self._states([client for client, _ in page])
        ids = [state.local_id for state in states.values()]
        elsewhere = {*tables.held.own_ids(ids)}
        elsewhere |= {item.for_unborn or "" for item in tables.records.involvements_for_unborn(ids)}
        for client, numbers in page:
            state, rows = states.get(client), [self._spool.seen[number] for number in numbers]
            if state is None or state.local_id in elsewhere or not self._seen.are_all(rows):
                continue
            if all(self._seen.rests_on(row, state.hash) for row in rows):
                for number in numbers:
                    self._rows[number] = 1


def _plain(
    reader: RowReader,
    numbers: Sequence[int],
    group: Group,
    taken: Taken,
    here: Mapping[tuple[str, str], tuple[int, WorkerRow]],
) -> list[SeenRow]:
    """The rows of a client as they are kept, or none of them: where anything is to be stored or
    told, where a row is not about the client of its id, says something else of them than what is
    here, or stands there twice.
    """
    client, settled = taken.known.get(group.key), taken.settled.get(group.key, {})
    if client is None or group.key in taken.touched or len(numbers) != len(group.rows):
        return []
    rows = []
    for place, (number, row) in enumerate(zip(numbers, group.rows, strict=True)):
        mark = bytes(reader.marks[MARK * number : MARK * (number + 1)])
        traits, work = reader.look.traits(number), settled.get(row.line)
        is_own = row.local_id == client.local_id and traits.local_id == digest(row.local_id)
        if mark == NONE or work is None or not is_own or row.record != client.record:
            return []
        if not _is_known(row, here):
            return []
        rows.append(
            SeenRow(
                mark, client.id, place, len(numbers), reader.seen.now, work.work,
                work.permitted_until, work.over_from, NONE, traits, work.type,
            )
        )  # fmt: skip
    return rows if len({row.mark for row in rows}) == len(rows) else []


def _is_known(row: ImportedRow, here: Mapping[tuple[str, str], tuple[int, WorkerRow]]) -> bool:
    """Whether of a row's worker, if it has one, nothing new is said."""
    if row.worker.name is None:
        return True
    _, known = here.get(named(row.worker), (0, None))
    return known == worker_row(row.worker)
