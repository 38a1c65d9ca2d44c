"""Cards that are to be deleted again, and links that end with one: specs/06-requests.md §7.

Each handler works inside one transaction: it checks, logs and takes effect, or raises and changes
nothing. A card that still lies in the asker's mailbox is not delivered any more.
"""

from hub.exchange.handlers import Answer, Parts
from hub.log.ledger import Ledger
from hub.store.log import Logged
from hub.store.mailboxes import Post
from hub.store.requests import BrokeredRequest, RequestState
from protocol.errors import ErrorCode, RemoteError
from protocol.messages.review import RecallBody, RecallDoneBody, WrongPersonBody
from protocol.messages.statement import Statement
from protocol.requests.review import Answer as Opinion
from protocol.requests.review import Said

NO_SUCH_RELEASE = "no such release"
Recalling = Statement[WrongPersonBody] | Statement[RecallBody]


class Recalls:
    """The part of the hub that has cards deleted."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tables = ledger.tables

    def wrong_person(self, statement: Statement[WrongPersonBody], _parts: Parts) -> Answer:
        """End a link at once, for both sides, after a card was released over it."""
        body, preamble = statement.body, statement.preamble
        request = self._request(body.request_id, preamble.sender)
        # Of a card that was renewed meanwhile: who says it need not know.
        if not self._tables.requests.was_released(request, body.release):
            raise RemoteError(ErrorCode.NOT_FOUND, NO_SUCH_RELEASE)
        if {preamble.sender, preamble.aud} != request.parties:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "aud is not the other side")
        if request.wrong_person is not None:
            raise RemoteError(ErrorCode.CONFLICT, "this was said before")
        logged = self._ledger.append(statement)
        self._tables.requests.say_wrong_person(request, statement.id)
        self._end(request.link_id, statement.id)
        self._tables.ends.owe(1)
        return self._recalled(request, statement, logged)

    def recall(self, statement: Statement[RecallBody], _parts: Parts) -> Answer:
        """Take the holder's word that its card is to be deleted; it does not say why."""
        body, preamble = statement.body, statement.preamble
        request = self._request(body.request_id, preamble.sender)
        if request.release != body.release:
            raise RemoteError(ErrorCode.NOT_FOUND, NO_SUCH_RELEASE)
        if preamble.sender != request.holder:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "only who released a card recalls it")
        if preamble.aud != request.requester:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "aud is not who has the card")
        if not request.may_become(RequestState.RECALLING):
            raise RemoteError(ErrorCode.CONFLICT, "that card is recalled already")
        return self._recall(request, statement, self._ledger.append(statement))

    def recall_done(self, statement: Statement[RecallDoneBody], _parts: Parts) -> Answer:
        """Log the asker's word that its node deleted the card, and tell the holder."""
        body, preamble = statement.body, statement.preamble
        request = self._tables.requests.get(body.request_id)
        known = request is not None and request.requester == preamble.sender
        said = {request.wrong_person, request.recall} if request else set()
        if request is None or not known or body.answers not in said:
            raise RemoteError(ErrorCode.NOT_FOUND, "no such recall")
        if preamble.aud != request.holder or not request.may_become(RequestState.RECALLED):
            raise RemoteError(
                ErrorCode.CONFLICT, "recall_done was already received, or is to somebody else"
            )
        logged = self._ledger.append(statement)
        self._tables.requests.recall_is_done(request, statement.id)
        return self._forward(statement, logged)

    def of_inactive(self) -> list[BrokeredRequest]:
        """Cards of agencies that are suspended or have left, whose own node cannot recall them; if
        there are many, some of them.
        """
        directory = self._ledger.directory
        gone = [party for party in directory.members if directory.active(party) is None]
        return self._tables.requests.cards_of(gone, self._ledger.env.clock())

    def recall_of_inactive(self) -> int:
        """Recall these; how many."""
        requests = self.of_inactive()
        for request in requests:
            body = RecallBody(request_id=request.request_id, release=request.release or "")
            statement, logged = self._ledger.issue(body, request.requester)
            self._recall(request, statement, logged)
            # It learns of it when it is a member again.
            post = Post(request.holder, statement.envelope.encode(), logged)
            self._tables.mailboxes.post([post])
        return len(requests)

    def _request(self, request_id: str, sender: str) -> BrokeredRequest:
        """A request that the sender is a party of. Raises RemoteError(NOT_FOUND)."""
        request = self._tables.requests.get(request_id)
        if request is None or sender not in request.parties:
            raise RemoteError(ErrorCode.NOT_FOUND, NO_SUCH_RELEASE)
        return request

    def _recall(
        self, request: BrokeredRequest, statement: Statement[RecallBody], logged: Logged
    ) -> Answer:
        self._tables.requests.recall(request, statement.id)
        return self._recalled(request, statement, logged)

    def _recalled(self, request: BrokeredRequest, statement: Recalling, logged: Logged) -> Answer:
        """Hold back a card that was not fetched yet, and tell the other side."""
        released = self._tables.log.logged(request.release or "")
        if released is not None:
            self._tables.mailboxes.withhold(request.requester, released.index)
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

    def _forward(self, statement: Recalling | Statement[RecallDoneBody], logged: Logged) -> Answer:
        post = Post(statement.preamble.aud, statement.envelope.encode(), logged)
        self._tables.mailboxes.post([post])
        return Answer(logged)
