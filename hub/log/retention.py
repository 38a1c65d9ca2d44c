"""Erase what the charter says is to be erased, and log that it was: specs/05-log.md §7.

A scheduled job of the hub, and a command. Leaf and deletion are one transaction. What is due is
decided in protocol/governance/retention.py; here it is only found, and deleted. Nobody can ask for
a single entry to be erased early: that would be the hub's word against the log.
"""

from collections.abc import Iterator
from itertools import islice

from hub.log.ledger import HubSigner, Ledger
from hub.store.tables import HubEngine, HubTables
from protocol.governance.retention import DAY, Due, Holding, erasure_body, plan_erasures
from protocol.messages.kinds import kinds_that
from protocol.messages.log import Decider

AT_ONCE = 200
"""Erasures in one transaction: requests go on in between."""

_ERASABLE = kinds_that(lambda kind: kind.is_erasable)


class Erasing:
    """Finds and does what is due. Trusted with deleting, so it goes by the charter alone."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def due(self) -> Iterator[Due]:
        """What is due now, by index."""
        charter, now = self._ledger.charter, self._ledger.env.clock()
        before = now - min(charter.disclosure_days, charter.retention_days) * DAY
        return plan_erasures(charter, _holdings(self._ledger.tables, before, now), now)

    def erase_some(self, decided_by: Decider) -> int:
        """Erase up to AT_ONCE of what is due; how many it was."""
        tables, some = self._ledger.tables, list(islice(self.due(), AT_ONCE))
        for due in some:
            self._ledger.issue(erasure_body(due, decided_by), self._ledger.charter.charter_id)
        payloads = [due.index for due in some if due.stage == "payload"]
        tables.log.erase_evidence([due.index for due in some])
        # A copy may still lie in the mailbox of an agency that went away.
        tables.mailboxes.erase(payloads)
        tables.attention.erase(payloads)
        tables.log.erase_payloads(payloads)
        return len(some)


def due_now(tables: HubTables, signer: HubSigner) -> list[Due]:
    """What is due now, by index; nothing is erased."""
    return list(Erasing(Ledger(tables, signer)).due())


async def erase_all(engine: HubEngine, signer: HubSigner, decided_by: Decider) -> int:
    """Erase what is due, a batch at a time; how many erasures it was.

    At the end the write-ahead file is emptied: until then it holds what the database lets go of.
    """

    def erase_some(tables: HubTables) -> int:
        return Erasing(Ledger(tables, signer)).erase_some(decided_by)

    total = 0
    while some := await engine.write(erase_some):
        total += some
    if total:
        await engine.settle()
    return total


def _holdings(tables: HubTables, before: int, now: int) -> Iterator[Holding]:
    settled, in_use = _conversations(tables, before, now)
    in_use |= tables.stubs.publications() | tables.links.statements()
    for entry in tables.log.held(before, _ERASABLE):
        yield Holding(
            index=entry.index,
            logged_at=entry.received_at,
            settled_at=settled.get(entry.statement_id, entry.received_at),
            disclosures=entry.disclosures,
            payload=entry.payload,
            in_use=entry.statement_id in in_use,
        )


def _conversations(tables: HubTables, before: int, now: int) -> tuple[dict[str, int], set[str]]:
    """When each old statement's conversation was last added to, and those that are still open."""
    found = [*tables.requests.conversations(before), *tables.checks.conversations(before)]
    logged = tables.log.received_at({step for item in found for step in item.steps})
    settled = {
        step: max((logged[name] for name in item.steps if name in logged), default=0)
        for item in found
        for step in item.steps
    }
    return settled, {step for item in found if item.expires > now for step in item.steps}
