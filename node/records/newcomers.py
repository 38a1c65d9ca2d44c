"""New clients beside those who are here: who may not simply be taken in (specs/09-imports.md §5).

Consent is not undone by another id: a new client who may be somebody whose permission was withdrawn
or has run out is held until a person has said. So is one whose id a spreadsheet can have made of a
known client's, unless it is plainly that client. Kept small: hashes of 64 bits in arrays.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from node.records.importer.local_ids import spreadsheet_form
from node.records.importer.look import digest, who
from node.records.importer.rows import ImportedRow
from node.records.strong_keys import WhoWithdrew, may_be, strong_keys
from node.store.held import Agreeing
from node.store.records import Client
from node.store.tables import NodeTables
from protocol.matchkeys import normalise
from protocol.matchkeys.records import ClientRecord, NormalRecord, normalise_record

PAGE = 2000


@dataclass(frozen=True)
class Known:
    """Somebody here (a row id and own local id) whom a new row may be about; `same`: plainly is.
    `client` None: somebody who withdrew and whose record is deleted.
    """

    client: int | None
    local_id: str | None
    why: Agreeing
    same: bool = False


class _Index:
    """Row ids of clients by a hash."""

    def __init__(self) -> None:
        self._hashes, self._clients = array("Q"), array("Q")
        self._sorted = True

    def add(self, item: int, client: int) -> None:
        if item:
            self._hashes.append(item)
            self._clients.append(client)
            self._sorted = False

    def find(self, item: int) -> list[int]:
        if not self._sorted:
            order = sorted(range(len(self._hashes)), key=self._hashes.__getitem__)
            self._hashes = array("Q", (self._hashes[place] for place in order))
            self._clients = array("Q", (self._clients[place] for place in order))
            self._sorted = True
        found = []
        place = bisect_left(self._hashes, item) if item else len(self._hashes)
        while place < len(self._hashes) and self._hashes[place] == item:
            found.append(self._clients[place])
            place += 1
        return found


class Newcomers:
    """Compares new rows with who was here when the import began."""

    def __init__(self, tables: NodeTables, now: int) -> None:
        self._tables = tables
        self._withdrew = WhoWithdrew(tables, now)
        self._ended = _Index()
        self._ended_ids: set[int] = set()
        for client in _pages(lambda last: tables.held.ended_after(last, PAGE, now)):
            self._ended_ids.add(client.id)
            for _, item in _digests(normalise_record(client.record)):
                self._ended.add(item, client.id)

    @cached_property
    def _forms(self) -> _Index:
        """Who is here by the forms of their ids: read when a new id comes."""
        found = _Index()
        for client, local_id in chain(
            self._tables.records.own_ids(), self._tables.held.other_ids()
        ):
            found.add(digest(spreadsheet_form(local_id)), client)
        return found

    def known(self, row: ImportedRow) -> Known | None:
        """Who here a new row may be about."""
        ids = self._forms.find(digest(spreadsheet_form(row.local_id)))
        alike = [client for client in self._load(ids) if not self._tables.held.of(client.id)]
        for client in alike:
            ended = client.id in self._ended_ids
            same = not ended and _plainly_same(client.record, row.record)
            return Known(client.id, client.local_id, Agreeing.LOCAL_ID, same)
        like = next(self._ended_like(row.record), None)
        return like or _deleted(self._withdrew.like(row.record, row.local_id))

    def changed(self, before: Client, row: ImportedRow) -> Known | None:
        """Whom with an ended permission a known client's row may be about now and was not before:
        an empty row under a new id, filled in by the next file, would bring somebody back.
        """
        if self._tables.held.of(before.id):
            return None
        was = {before.id, *(one.client for one in self._ended_like(before.record))}
        ended = (one for one in self._ended_like(row.record) if one.client not in was)
        left, like = self._withdrew.like(before.record), self._withdrew.like(row.record)
        return next(ended, None) or _deleted({k: like[k] for k in like if k not in left})

    def _ended_like(self, record: ClientRecord) -> Iterator[Known]:
        if not self._ended_ids:
            return
        new = normalise_record(record)
        for why, item in _digests(new):
            for client in self._load(self._ended.find(item)):
                if may_be(why, new, normalise_record(client.record)):
                    yield Known(client.id, client.local_id, why)

    def _load(self, ids: Sequence[int]) -> list[Client]:
        return self._tables.records.clients_by_row(ids)


def is_another(before: ClientRecord, after: ClientRecord) -> bool:
    """Whether a known client's row is now somebody else's: name, birth and number all differ."""
    old, new = normalise_record(before), normalise_record(after)
    if old.nhs_number and old.nhs_number == new.nhs_number:
        return False
    named = (old.born, new.born, old.given_skeleton, new.given_skeleton, old.family, new.family)
    return (
        all(named)
        and old.born != new.born
        and old.given_skeleton != new.given_skeleton
        and not set(old.family_skeletons) & set(new.family_skeletons)
    )


def _plainly_same(known: ClientRecord, new: ClientRecord) -> bool:
    number, other = (normalise.nhs_number(one.nhs_number) for one in (known, new))
    if number and other:
        return number == other
    return bool(who(known)) and who(known) == who(new)


def _digests(record: NormalRecord) -> Iterator[tuple[Agreeing, int]]:
    for why, words in strong_keys(record):
        yield why, digest(*words)


def _deleted(like: Mapping[bytes, Agreeing]) -> Known | None:
    """Somebody who withdrew and whose record is deleted, by what agrees most."""
    return Known(None, None, next(iter(like.values()))) if like else None


def _pages(page: Callable[[int], list[Client]]) -> Iterator[Client]:
    found = page(0)
    while found:
        yield from found
        found = page(found[-1].id) if len(found) == PAGE else []
