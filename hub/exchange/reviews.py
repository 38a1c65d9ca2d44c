"""What people say of links, and "wrong person": specs/06-requests.md §5 and §7.

Each handler works inside one transaction: it checks, logs and takes effect, or raises and changes
nothing. The hub sees which link and which answer; it never sees who the people are.
"""

from hub.exchange.facts import was_told
from hub.exchange.handlers import Answer, Parts
from hub.log.ledger import Ledger
from hub.store.log import Logged
from hub.store.mailboxes import Post
from hub.store.requests import RequestState
from protocol.errors import ErrorCode, RemoteError
from protocol.messages.review import RecallDoneBody, VerdictBody, WrongPersonBody
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

    def wrong_person(self, statement: Statement[WrongPersonBody], _parts: Parts) -> Answer:
        """End a link at once, for both sides, after a card was released over it."""
        body, preamble = statement.body, statement.preamble
        request = self._tables.requests.get(body.request_id)
        known = request is not None and preamble.sender in request.parties
        if request is None or not known or request.release != body.release:
            raise RemoteError(ErrorCode.NOT_FOUND, "no such release")
        if {preamble.sender, preamble.aud} != request.parties:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "aud is not the other side")
        if not request.may_become(RequestState.WRONG_PERSON):
            raise RemoteError(ErrorCode.CONFLICT, "this was said before")
        logged = self._ledger.append(statement)
        self._tables.requests.say_wrong_person(request, statement.id)
        self._end(request.link_id, statement.id)
        self._tables.ends.owe(1)
        released = self._tables.log.logged(body.release)
        if released is not None:  # a card that still lies in the mailbox is not delivered any more
            self._tables.mailboxes.withhold(request.requester, released.index)
        return self._forward(statement, logged)

    def recall_done(self, statement: Statement[RecallDoneBody], _parts: Parts) -> Answer:
        """Log the asker's word that its node deleted the card, and tell the holder."""
        body, preamble = statement.body, statement.preamble
        request = self._tables.requests.get(body.request_id)
        known = request is not None and request.requester == preamble.sender
        if request is None or not known or request.wrong_person != body.wrong_person:
            raise RemoteError(ErrorCode.NOT_FOUND, "no such recall")
        if preamble.aud != request.holder or not request.may_become(RequestState.RECALLED):
            raise RemoteError(
                ErrorCode.CONFLICT, "recall_done was already received, or is to somebody else"
            )
        logged = self._ledger.append(statement)
        self._tables.requests.recall(request, statement.id)
        return self._forward(statement, logged)

    def _end(self, link_id: str, statement_id: str) -> None:
        links = self._tables.links
        link = links.link(link_id)
        if link is None:
            return
        opinion = Opinion(Said.NOT_SAME, links.question(link))
        for end in link.ends:
            links.put_answer(link, end.agency, opinion, statement_id)
        links.end(link_id)
        self._tables.ends.look_at(link.pair)

    def _forward(
        self, statement: Statement[WrongPersonBody] | Statement[RecallDoneBody], logged: Logged
    ) -> Answer:
        post = Post(statement.preamble.aud, statement.envelope.encode(), logged)
        self._tables.mailboxes.post([post])
        return Answer(logged)
