"""Under whose own id each row of a file stands, and which new clients may be somebody known.

specs/09-imports.md §5. Reads alone: what comes of it is stored when the file is taken in.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from node.records.importer.mapping import Field
from node.records.importer.rows import ImportedRow, RowNote
from node.records.newcomers import Known, Newcomers
from node.store.records import Client
from node.store.tables import NodeTables

OTHER_ID = "the id is written in another way than before; taken as the client it was"


class OwnIds:
    """The rows of one file, some after the other. `held`: who may be known, by the id of the row;
    `others`: who plainly is, by the id as the file has it; `notes`: what rows are told of that.
    """

    def __init__(self, tables: NodeTables, now: int) -> None:
        self._tables, self._now = tables, now
        self.held: dict[str, Known] = {}
        self.others: dict[str, Known] = {}
        self.notes: list[RowNote] = []

    @cached_property
    def _newcomers(self) -> Newcomers:
        """Who is here: read when something new comes."""
        return Newcomers(self._tables, self._now)

    def put(self, rows: Sequence[ImportedRow]) -> list[ImportedRow]:
        """The rows under the clients' own ids, those of plainly known clients under theirs; who may
        be known is kept in mind, to be held.
        """
        own = self._under_own(rows)
        known = self._tables.records.clients([row.local_id for row in own])
        told = [self._told_apart(row, known.get(row.local_id)) for row in own]
        # Who is plainly known may be part of somebody else.
        return told if told == own else self._under_own(told)

    def _told_apart(self, row: ImportedRow, before: Client | None) -> ImportedRow:
        if row.mother_local_id or row.local_id in self.held:
            return row
        found = self.others.get(row.local_id) or self._perhaps(row, before)
        if found is None:
            return row
        if not found.same:
            self.held[row.local_id] = found
            return row
        self.others[row.local_id] = found
        self.notes.append(RowNote(row.line, Field.LOCAL_ID.value, OTHER_ID))
        return replace(row, local_id=found.local_id or row.local_id)

    def _perhaps(self, row: ImportedRow, before: Client | None) -> Known | None:
        """Whom a row may be about beside the client of its id, who may say something new now."""
        if before is None:
            return self._newcomers.known(row)
        return self._newcomers.changed(before, row) if before.record != row.record else None

    def _under_own(self, rows: Sequence[ImportedRow]) -> list[ImportedRow]:
        """The rows under the clients' own ids, where other ids are known."""
        named = {row.local_id for row in rows} | {row.mother_local_id or "" for row in rows}
        plain = {one: known.local_id for one in named if (known := self.others.get(one))}
        own = self._tables.held.own_ids({plain.get(one) or one for one in named})
        if not own and not plain:
            return list(rows)

        def of(local_id: str) -> str:
            one = plain.get(local_id) or local_id
            return own.get(one, one)

        return [
            replace(
                row,
                local_id=of(row.local_id),
                mother_local_id=row.mother_local_id and of(row.mother_local_id),
            )
            for row in rows
        ]
