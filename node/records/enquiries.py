"""Somebody who is no client, about whom we enquire: who that is here, and when they go.

specs/06-requests.md §11. A second enquiry about the same person is the same record and the same
stub: whoever tries one address after another meets the limits on one stub (04-matching.md §10).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from node.records.by_hand import By
from node.records.search import perhaps_known
from node.records.strong_keys import STRONG, strong_keys
from node.store.imports import BY_HAND, Said
from node.store.people import Act, Deed
from node.store.records import RECORD_FIELDS, Client, ClientRow, EndedBy, InvolvementRow
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError
from protocol.governance.enquiries import ENQUIRY
from protocol.governance.limits import DAY
from protocol.matchkeys.records import ClientRecord, normalise_record

PAGE = 200


@dataclass(frozen=True)
class Alike:
    """Own clients whom somebody is about to enquire about, and others who perhaps are the one."""

    ours: list[Client]
    perhaps: list[Client]


def alike(tables: NodeTables, record: ClientRecord, now: int) -> Alike:
    """Whom of our clients an enquiry would be about: who is plainly the one and has work that goes
    on, or is withheld, whatever their work; and who is nearly the one, or was.
    """
    found = perhaps_known(tables, record)
    works = tables.records.involvements([client.id for client in found])
    going_on = {item.client for item in works if not item.is_over(now)}
    ours = [
        client
        for client in found
        if is_same(client.record, record)
        and (client.id in going_on or tables.withheld.is_withheld(client.id, now))
    ]
    return Alike(ours, [client for client in found if client not in ours])


def is_same(one: ClientRecord, other: ClientRecord) -> bool:
    """Whether two records are plainly one person's: by NHS number, or else by name and birth."""
    first, second = normalise_record(one), normalise_record(other)
    if first.nhs_number and second.nhs_number:
        return first.nhs_number == second.nhs_number
    theirs = dict(strong_keys(second))
    return any(
        why in STRONG and all(words) and words == theirs[why] for why, words in strong_keys(first)
    )


def known_enquiry(people: Iterable[Client], record: ClientRecord) -> Client | None:
    """Of these who is the one that is enquired about."""
    return next((client for client in people if is_same(client.record, record)), None)


def begin(tables: NodeTables, record: ClientRecord, local_id: str) -> int:
    """Keep somebody to enquire about; their row id."""
    client = tables.records.put_clients([ClientRow(local_id, record)])[local_id]
    tables.imports.put_said([Said(client, BY_HAND, record, 0, None)])
    tables.records.add_involvements([InvolvementRow(client=client, type=ENQUIRY)])
    return client


def say_more(tables: NodeTables, client: Client, record: ClientRecord) -> None:
    """Take what is said of somebody now in the place of what was said of the same before."""
    values = {name: getattr(record, name) or getattr(client.record, name) for name in RECORD_FIELDS}
    now = ClientRecord(**values)
    tables.records.put_clients([ClientRow(client.local_id, now)])
    tables.imports.put_said([Said(client.id, BY_HAND, now, 0, None)])


def go_on(tables: NodeTables, client: int, basis: str, until: int, person: int) -> None:
    """An enquiry about somebody was allowed until a time: it is published from now on."""
    (work,) = tables.records.involvements([client])
    open_ = replace(
        work,
        permission_basis=basis,
        valid_until=until,
        withdrawn_at=None,
        ended_at=None,
        ended_by=None,
    )
    tables.records.set_involvements([open_])
    tables.records.add_workers([(work.id, person, None)])


def close(tables: NodeTables, local_id: str, by: By) -> None:
    """End an enquiry before its time: nobody is shown it any more. Raises LocalError."""
    client = tables.records.client(local_id)
    if client is None or not tables.enquiries.of_client(client.id):
        raise LocalError(ErrorCode.NOT_FOUND, "no enquiry has that id here")
    works = tables.records.involvements([client.id])
    if not any(item.is_permitted(by.now) and not item.is_over(by.now) for item in works):
        raise LocalError(ErrorCode.CONFLICT, "that enquiry is over already")
    _end(tables, [client.id], EndedBy.PERSON, by.now)
    tables.people.acted(Act(by.person, Deed.CLOSED_ENQUIRY, local_id, by.now))


def end_about(tables: NodeTables, record: ClientRecord, now: int) -> None:
    """End enquiries about somebody who is a client from now on."""
    people = tables.enquiries.everybody()
    same = [client.id for client in people if is_same(client.record, record)]
    _end(tables, same, EndedBy.PERSON, now)


def end_known(tables: NodeTables, local_ids: Collection[str], now: int) -> None:
    """End enquiries about those of these clients (own ids) with whom work goes on: a file brought
    them.
    """
    people = tables.enquiries.everybody()
    if not people:
        return
    same = [
        (client.id, one.id)
        for client in tables.records.clients(local_ids).values()
        if (one := known_enquiry(people, client.record)) is not None
    ]
    works = tables.records.involvements([client for client, _ in same])
    going_on = {item.client for item in works if not item.is_over(now)}
    _end(tables, [one for client, one in same if client in going_on], EndedBy.FEED, now)


def _end(tables: NodeTables, clients: Collection[int], by: EndedBy, now: int) -> None:
    """End these enquiries, if they have not ended."""
    tables.records.set_involvements(
        replace(item, ended_at=now, ended_by=by)
        for item in tables.records.involvements(clients)
        if item.ended_at is None
    )


def forget(tables: NodeTables, now: int, *, dry_run: bool = False) -> int:
    """Delete some of those whose enquiries are over, with all that came of these, cards too; how
    many. Who is still published, or of whom a statement is on its way, is left for the next time.
    """
    over = tables.enquiries.over(now, now - now % DAY)
    found = tables.going.look(over, now, now)
    made = tables.enquiries.ids_of(over)
    kept = tables.going.published(found.members) | tables.going.unsent(found)
    for hub_id, ids in made.items():
        kept |= {ids[one] for one in tables.old.unsettled(hub_id, ids)}
    going = found.only([client for client in over if client not in kept][:PAGE])
    if not dry_run:
        for hub_id, ids in made.items():
            gone = [one for one, client in ids.items() if client in going.members]
            tables.old.remove_about(hub_id, gone)
        tables.going.delete(going, counts=True)
    return len(going.members)
