"""Daily statements: what names an agency, stated by the hub to that agency (specs/05-log.md §14).

Once a day for each active agency, zero days too. Works within the caller's transaction.
"""

from collections import defaultdict

from hub.log.ledger import Ledger
from hub.store.daily import LastDay, Stated
from hub.store.mailboxes import Post
from protocol.messages.kinds import kinds_that
from protocol.messages.log import DailyStatementBody
from protocol.messages.statement import MAX_SKEW_SECONDS, parse_statement
from protocol.requests.daily import DAY, indexes_hash, named

PAGE = 500
"""Entries that are looked through at a time."""

_IN_JOURNALS = kinds_that(lambda kind: kind.in_senders_journal)


class Daily:
    """The hub's side of daily statements."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tables = ledger.tables

    def state(self) -> int:
        """Log and post today's statement to every active agency that has none yet; how many."""
        upto = LastDay(self._ledger.env.clock() // DAY, self._tables.log.next_index())
        starts = self._due(upto.day)
        if not starts:
            return 0
        final = self._ledger.env.clock() - MAX_SKEW_SECONDS
        # The last one was made a day ago, or there was none.
        known = self._tables.over_quota.is_known_since(final - 2 * DAY)
        journals = self._journals(min(starts.values()), upto.end)
        stated, posts = [], []
        for party, start in starts.items():
            indexes = [index for index in journals[party] if index >= start]
            count = self._tables.over_quota.take(party, final)
            body = DailyStatementBody(
                day=upto.day,
                start=start,
                end=upto.end,
                count=len(indexes),
                indexes_hash=indexes_hash(indexes),
                over_quota=count if known else None,
            )
            statement, logged = self._ledger.issue(body, party)
            posts.append(Post(party, statement.envelope.encode(), logged))
            stated.append(Stated(party, statement.id, upto))
        self._tables.mailboxes.post(posts)
        self._tables.daily.add(stated)
        return len(stated)

    def _due(self, today: int) -> dict[str, int]:
        """The active agencies without a statement of today, and where each one's begins."""
        directory, last = self._ledger.directory, self._tables.daily.last()
        agencies = [
            party_id
            for party_id in sorted(directory.members)
            if (member := directory.active(party_id)) is not None
            and member.body.member_class != "auditor"
        ]
        before = {party_id: last.get(party_id, LastDay(-1, 0)) for party_id in agencies}
        return {party: upto.end for party, upto in before.items() if upto.day < today}

    def _journals(self, start: int, end: int) -> dict[str, list[int]]:
        """The indexes in [start, end) that name each party."""
        journals: dict[str, list[int]] = defaultdict(list)
        for first in range(start, end, PAGE):
            for entry in self._tables.log.journal(first, min(first + PAGE, end), _IN_JOURNALS):
                for party in named(parse_statement(entry.envelope), refused=entry.refused):
                    journals[party].append(entry.index)
        return journals
