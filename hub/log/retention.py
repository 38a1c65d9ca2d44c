"""Erase what the charter says is to be erased, and log that it was: specs/05-log.md §7.

A scheduled job of the hub, and a command. Leaf and deletion are one transaction. What is due is
decided in protocol/governance/retention.py; here it is only found, and deleted. Nobody can ask for
a single entry to be erased early: that would be the hub's word against the log.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import islice

from hub.log.ledger import Ledger
from hub.store.tables import HubTables
from protocol.governance.retention import DAY, Due, Holding, erasure_body, plan_erasures
from protocol.messages.kinds import kinds_that
from protocol.messages.log import Decider

AT_ONCE = 200
"""Erasures in one transaction: requests go on in between."""

# One conversation's statements, in the order in which they were logged, and when it expires.
_REQUESTS = (
    "SELECT expires, statement_id, hub_decision, decision, release, receipt, wrong_person, "
    "recall_done FROM request WHERE iat < ?"
)
_CHECKS = "SELECT expires, request, decision, sent, answer FROM identity_check WHERE iat < ?"
_HELD = (
    "SELECT idx, statement_id, received_at, p.idx IS NOT NULL AS payload, "
    "EXISTS (SELECT 1 FROM evidence v WHERE v.idx = e.idx) AS disclosures "
    "FROM entry e LEFT JOIN payload p USING (idx) "
    "WHERE received_at <= ? AND kind IN (SELECT value FROM json_each(?)) ORDER BY idx"
)


class Erasing:
    """Finds and does what is due. Trusted with deleting, so it goes by the charter alone."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def due(self, tables: HubTables) -> Iterator[Due]:
        """What is due now, by index."""
        charter, now = self._ledger.charter, self._ledger.env.clock()
        before = now - min(charter.disclosure_days, charter.retention_days) * DAY
        return plan_erasures(charter, _holdings(tables, before, now), now)

    def erase_some(self, tables: HubTables, decided_by: Decider) -> int:
        """Erase up to AT_ONCE of what is due; how many it was."""
        some = list(islice(self.due(tables), AT_ONCE))
        for due in some:
            self._erase(tables, due, decided_by)
        return len(some)

    def _erase(self, tables: HubTables, due: Due, decided_by: Decider) -> None:
        charter_id = self._ledger.charter.charter_id
        self._ledger.issue(tables, erasure_body(due, decided_by), charter_id)
        tables.tx.run("DELETE FROM evidence WHERE idx = ?", due.index)
        if due.stage == "payload":
            # A copy may still lie in the mailbox of an agency that went away.
            tables.tx.run("DELETE FROM mailbox WHERE idx = ?", due.index)
            tables.tx.run("DELETE FROM payload WHERE idx = ?", due.index)


def _holdings(tables: HubTables, before: int, now: int) -> Iterator[Holding]:
    settled, open_ones = _conversations(tables, before, now)
    standing = tables.stubs.publications() | tables.links.statements()
    kinds = json.dumps(sorted(kinds_that(lambda kind: kind.is_erasable)))
    for row in tables.tx.rows(_HELD, before, kinds):
        name = row["statement_id"]
        yield Holding(
            index=row["idx"],
            logged_at=row["received_at"],
            settled_at=settled.get(name, int(row["received_at"])),
            disclosures=bool(row["disclosures"]),
            payload=bool(row["payload"]),
            in_use=name in open_ones or name in standing,
        )


def _conversations(tables: HubTables, before: int, now: int) -> tuple[dict[str, int], set[str]]:
    """When each old statement's conversation was last added to, and those that are still open."""
    settled: dict[str, int] = {}
    open_ones: set[str] = set()
    for sql in (_REQUESTS, _CHECKS):
        for row in tables.tx.rows(sql, before):
            expires, *names = row.values()
            said = [name for name in names if name is not None]
            last = _last_logged(tables, said)
            settled.update(dict.fromkeys(said, last))
            if expires > now:
                open_ones.update(said)
    return settled, open_ones


def _last_logged(tables: HubTables, names: Iterable[str]) -> int:
    sql = "SELECT received_at FROM entry WHERE statement_id = ?"
    rows = (tables.tx.one(sql, name) for name in names)
    return max((int(row["received_at"]) for row in rows if row is not None), default=0)
