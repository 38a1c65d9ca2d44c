"""What people say of links: specs/06-requests.md §5.

A handler works inside one transaction: it checks, logs and takes effect, or raises and changes
nothing. The hub sees which link and which answer; it never sees who the people are.
"""

from hub.exchange.facts import was_told
from hub.exchange.handlers import Answer, Parts
from hub.log.ledger import Ledger
from protocol.errors import ErrorCode, RemoteError
from protocol.messages.review import VerdictBody
from protocol.messages.statement import Statement
from protocol.requests.review import Answer as Opinion
from protocol.requests.review import Said


class Reviews:
    """The part of the hub that listens to people."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tables = ledger.tables

    def verdict(self, statement: Statement[VerdictBody], _parts: Parts) -> Answer:
        """Log what one side says of a link; the next round works out what follows, and the next
        ends pass whether it has ended.
        """
        body, sender = statement.body, statement.preamble.sender
        links, stubs = self._tables.links, self._tables.stubs
        link = links.link(body.link_id)
        end = link.end(sender, body.stub_id) if link else None
        if link is None or end is None or not was_told(links, link, end):
            raise RemoteError(ErrorCode.NOT_FOUND, "no such link of yours")
        now = links.question(link)
        moved = any(stubs.is_marked(stub_id) for stub_id in link.pair)
        unseen = body.question is None and moved  # nobody was asked: what they saw may be gone
        if body.question != end.review or body.question not in {None, now} or unseen:
            raise RemoteError(ErrorCode.CONFLICT, "a record has changed since; look again")
        logged = self._ledger.append(statement)
        opinion = Opinion(Said(body.answer), now)
        links.put_answer(link, sender, opinion, statement.id)
        self._tables.ends.look_at(link.pair)
        self._tables.ends.owe(1)
        return Answer(logged)
