"""A lost log at this node: what ends with it, and what goes on (specs/05-log.md §15).

Works within one transaction. The old view, its notes and all cards stay; stubs keep their ids and
tokens their values, and are published again from revision 1 once a person has accepted.
"""

from node.alarms import AlarmCode, keep_evidence, raise_alarm
from node.store.tables import HubRow, NodeTables
from protocol.governance.follow import LogView
from protocol.governance.succession import SuccessorRefused

LOST = "log_lost"
# What the new hub does not know, and this node's own account of what the old one had counted.
_FORGOTTEN = (
    "publication", "published_token", "former_token", "stub_tokens", "stub_change", "new_stubs",
    "published_under", "link", "watched", "received_entry", "book", "daily_statement",
)  # fmt: skip
_UNFINISHED = {
    "sent_request": ("sending", "waiting", "allowed"),
    "received_request": ("arrived", "asks_person", "deciding", "allowed"),
    "sent_check": ("sending", "waiting", "allowed", "sending_details", "compared"),
    "received_check": ("arrived", "asks_person", "deciding", "allowed"),
}


def move_on(tables: NodeTables, hub: HubRow, genesis: str, now: int) -> HubRow:
    """Follow the successor of the log in `hub`; the hub's row as it is now. Safe to repeat."""
    moved = tables.tx.run(
        "UPDATE hub SET genesis = ?, generation = NULL, cursor = 0 "
        "WHERE hub_id = ? AND genesis = ?",
        genesis, hub.hub_id, hub.genesis,
    )  # fmt: skip
    if moved:
        _end(tables, hub.hub_id, now)
        raise_alarm(tables, hub.hub_id, AlarmCode.SUCCESSOR, now, place=genesis)
    return next(row for row in tables.hubs() if row.hub_id == hub.hub_id)


def _tell_of_cards(tables: NodeTables, hub_id: str, now: int) -> None:
    """Cards without a quorum: the old log will never show whether it held them."""
    for row in tables.tx.rows(_NOT_SEEN, hub_id):
        raise_alarm(tables, hub_id, AlarmCode.CARD_IN_NO_LOG, now, place=row["request_id"])


# Ours that the hub had not shown in the log (it may have passed on what it did not answer), and
# theirs that were never seen there.
_NOT_SEEN = (
    "SELECT c.request_id FROM unwitnessed_card c JOIN outbox o ON o.hub_id = c.hub_id "
    "AND o.kind = 'provisional' AND json_extract(o.body, '$.request_id') = c.request_id "
    "WHERE c.hub_id = ?1 AND c.we_asked = 0 AND o.state IN ('pending', 'sent') "
    "UNION SELECT c.request_id FROM unwitnessed_card c JOIN sent_request s "
    "USING (hub_id, request_id) JOIN received_entry e ON e.hub_id = c.hub_id "
    "AND e.statement_id = s.release_id WHERE c.hub_id = ?1 AND c.we_asked = 1"
)


def refuse(
    tables: NodeTables, hub: HubRow, held: LogView, refused: SuccessorRefused, now: int
) -> None:
    """Stay with the old log; keep both notes and tell a person."""
    keep_evidence(tables, hub.hub_id, held.note, refused.note, now)
    raise_alarm(tables, hub.hub_id, AlarmCode.SUCCESSOR_REFUSED, now)


def _end(tables: NodeTables, hub_id: str, now: int) -> None:
    _tell_of_cards(tables, hub_id, now)
    # A card that had not left does not leave any more.
    tables.tx.run(
        "UPDATE received_request SET state = ? "
        "WHERE hub_id = ? AND state = 'released' AND release_id IS NULL",
        LOST, hub_id,
    )  # fmt: skip
    for table in _FORGOTTEN:
        tables.tx.run(f"DELETE FROM {table} WHERE hub_id = ?", hub_id)  # noqa: S608 - our own names
    tables.tx.run("UPDATE stub SET revision = 0, published_hash = '' WHERE hub_id = ?", hub_id)
    for table, states in _UNFINISHED.items():
        marks = ", ".join("?" for _ in states)
        sql = f"UPDATE {table} SET state = ? WHERE hub_id = ? AND state IN ({marks})"  # noqa: S608 - our own names
        tables.tx.run(sql, LOST, hub_id, *states)
    tables.tx.run(
        "UPDATE sent_check SET openings = NULL WHERE hub_id = ? AND state = ?", hub_id, LOST
    )
    tables.tx.run(
        "UPDATE received_check SET details = NULL WHERE hub_id = ? AND state = ?", hub_id, LOST
    )
    tables.tx.run("UPDATE review SET state = 'idle', question = NULL WHERE hub_id = ?", hub_id)
    tables.tx.run(
        "UPDATE outbox SET state = 'failed', error = ? "
        "WHERE hub_id = ? AND state IN ('pending', 'sent')",
        LOST, hub_id,
    )  # fmt: skip
