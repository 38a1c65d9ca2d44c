"""A lost log at this node: what ends with it, and what goes on (specs/05-log.md §15).

Works within one transaction. The old view, its notes and all cards stay; stubs keep their ids and
tokens their values, and are published again from revision 1 once a person has accepted.
"""

from collections.abc import Iterator

from node.alarms import AlarmCode, keep_evidence, raise_alarm
from node.store.hubs import HubRow
from node.store.outbox import subject_of
from node.store.tables import NodeTables
from protocol.governance.follow import LogView
from protocol.governance.succession import SuccessorRefused
from protocol.messages.log import ProvisionalBody

LOST = "log_lost"


def move_on(tables: NodeTables, hub: HubRow, genesis: str, now: int) -> HubRow:
    """Follow the successor of the log in `hub`; the hub's row as it is now. Safe to repeat."""
    if tables.hubs.follow_successor(hub, genesis):
        _end(tables, hub.hub_id, now)
        raise_alarm(tables, hub.hub_id, AlarmCode.SUCCESSOR, now, place=genesis)
    return next(row for row in tables.hubs.all() if row.hub_id == hub.hub_id)


def refuse(
    tables: NodeTables, hub: HubRow, held: LogView, refused: SuccessorRefused, now: int
) -> None:
    """Stay with the old log; keep both notes and tell a person."""
    keep_evidence(tables, hub.hub_id, held.note, refused.note, now)
    raise_alarm(tables, hub.hub_id, AlarmCode.SUCCESSOR_REFUSED, now)


def _end(tables: NodeTables, hub_id: str, now: int) -> None:
    for request_id in _cards_never_seen(tables, hub_id):
        raise_alarm(tables, hub_id, AlarmCode.CARD_IN_NO_LOG, now, place=request_id)
    tables.sent_requests.end_with_log(hub_id)
    tables.received_requests.end_with_log(hub_id)
    tables.sent_checks.end_with_log(hub_id)
    tables.received_checks.end_with_log(hub_id)
    tables.enquiries.end_with_log(hub_id)
    tables.reviews.end_with_log(hub_id)
    tables.attention.end_with_log(hub_id)
    tables.outbox.end_with_log(hub_id, LOST)
    # What the new hub does not know, and our own account of what the old one had counted.
    tables.publications.forget(hub_id)
    tables.publication_counts.forget(hub_id)
    tables.stubs.start_over(hub_id)
    tables.resyncs.forget_stubs(hub_id)
    tables.news.remember_shown(hub_id)
    tables.links.forget(hub_id)
    tables.hints.forget(hub_id)
    tables.journal.forget(hub_id)
    tables.alarms.forget_watched(hub_id)


def _cards_never_seen(tables: NodeTables, hub_id: str) -> Iterator[str]:
    """Requests with a card without a quorum that the old log will never show.

    Ours that the hub had not shown in the log (it may have passed on what it did not answer), and
    theirs that were never seen there.
    """
    left = {subject_of(item.body) for item in tables.outbox.unsettled(hub_id, ProvisionalBody)}
    came = {}
    for card in tables.governance.cards(hub_id):
        if card.request_id in left:
            yield card.request_id
        request = tables.sent_requests.get(hub_id, card.request_id)
        if request is not None and request.release_id is not None:
            came[request.release_id] = card.request_id
    for statement_id in sorted(tables.journal.unseen(hub_id, came)):
        yield came[statement_id]
