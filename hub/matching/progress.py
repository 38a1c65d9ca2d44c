"""What agencies are told of rounds: was what they published compared, and when is the next one.

specs/04-matching.md §7.5. An agency hears of its own publications and of nobody else's: that a
round looks at a stub again because of what another agency did is told to nobody.
"""

from hub.log.ledger import Ledger
from hub.store.mailboxes import Post
from hub.store.rounds import Progress
from hub.store.tables import HubTables
from protocol.messages.bodies import RoundsBody


def tell_published(ledger: Ledger, tables: HubTables, agency: str) -> None:
    """What an agency has published just now waits: tell it for which round."""
    last = tables.rounds.progress()
    next_round = max(last.next_round, ledger.env.clock())
    tables.mailboxes.post([_post(ledger, agency, Progress(last.compared_below, next_round))])


def tell_compared(ledger: Ledger, tables: HubTables, next_round: int) -> None:
    """After a round and its notices: tell those who had waited how far it has come."""
    rounds, end = tables.rounds, tables.log.next_index()
    since = rounds.progress().compared_below
    waiting = rounds.waiting(since)
    publishers = rounds.publishers(since)
    rounds.set_progress(Progress(min(waiting.values(), default=end), next_round))
    tell = rounds.not_told({name: waiting.get(name, at + 1) for name, at in publishers.items()})
    tables.mailboxes.post(
        [_post(ledger, name, Progress(waiting.get(name, end), next_round)) for name in tell]
    )


def _post(ledger: Ledger, agency: str, progress: Progress) -> Post:
    body = RoundsBody(compared_below=progress.compared_below, next_round=progress.next_round)
    return Post(agency, ledger.sign(body, agency).envelope.encode())
