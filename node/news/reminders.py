"""What is due of our own work, as news: that nobody has confirmed it, that a consent ends.

specs/11-news.md. No message brings it, so the running node looks once in a while. The work
is the agency's, whatever hubs it has joined: the first of them has the lines, and what a basis is
says the charter of any.
"""

from collections.abc import Iterator, Mapping

from node.config import Agreement, HubTerms
from node.membership.charter import confirm_months
from node.membership.hub import HubMembership, followed_charters
from node.news.reading import CONFIRM, CONSENT, confirmed, subject_of
from node.news.telling import Event, tell
from node.store.news import NewsKind
from node.store.records import Involvement
from node.store.tables import NodeTables
from protocol.governance.retention import DAY


class Reminders:
    """What one node's people are reminded of. `days`: how long before a consent ends; `terms`: what
    the agency's own codes are called at each hub, by its name.
    """

    def __init__(self, membership: HubMembership, days: int, terms: Mapping[str, HubTerms]) -> None:
        self._membership = membership
        self._days = days
        self._terms = terms

    async def step(self) -> None:
        """Put what has become due onto people's lists. Raises LocalError."""
        await self._membership.check_synced()
        await self._membership.engine.write(self._tell)

    def _tell(self, tables: NodeTables) -> None:
        hub_id, now = self._membership.hub.hub_id, self._membership.env.clock()
        if tables.hubs.all()[0].hub_id != hub_id:
            return
        due = [*self._unconfirmed(tables, now), *self._ending(tables, now)]
        events = [
            Event(NewsKind.REVIEW_DUE, work.client, subject_of(work.id), item, people=work.workers)
            for work, item in due
        ]
        tell(tables, hub_id, events, now)

    def _unconfirmed(self, tables: NodeTables, now: int) -> Iterator[tuple[Involvement, str]]:
        months = confirm_months(tables)
        if months is not None:
            for _, work in tables.records.unconfirmed(now, now - months * 30 * DAY):
                yield work, f"{CONFIRM} {confirmed(work)}"

    def _ending(self, tables: NodeTables, now: int) -> Iterator[tuple[Involvement, str]]:
        agreements = [
            Agreement(charter, self._terms.get(name, HubTerms()))
            for name, charter in followed_charters(tables)
        ]
        works = tables.records.by_row(tables.permissions.ending(now, now + self._days * DAY))
        for work in works.values():
            bases = [agreement.basis(work.permission_basis) for agreement in agreements]
            if any(basis is not None and basis.permission_class == "consent" for basis in bases):
                yield work, f"{CONSENT} {work.valid_until}"
