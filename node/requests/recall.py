"""Recalled cards: deleted here, stated to be deleted there; and links that end with one.

specs/06-requests.md §7. Of a card about the wrong person that is said, its link ends and the lead
for information governance is told; any other is recalled without a reason. Deleting is what this
node does with its own copy and says of it (node/requests/keeping.py): the statement of the other
node is its word, not a proof, and somebody may have read the card.
"""

from dataclasses import dataclass, replace

from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.news.asked import tell_asker
from node.news.teams import take_links
from node.store.governance import RecallNotice
from node.store.links import ReviewState
from node.store.news import NewsKind
from node.store.outbox import OutboxState, Outgoing
from node.store.requests import ReceivedRequest, ReceivedState, SentRequest, SentState
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.messages.review import RecallBody, RecallDoneBody, WrongPersonBody
from protocol.messages.statement import Statement
from protocol.wire import Delivery


@dataclass(frozen=True)
class Found:
    """A request, whichever side asked, and the agency at the other side."""

    request: SentRequest | ReceivedRequest
    other: str

    @property
    def we_asked(self) -> bool:
        """Whether it was we who asked, and got the card."""
        return isinstance(self.request, SentRequest)

    @property
    def former(self) -> frozenset[str | None]:
        """What the card left by that was renewed, if we released it and it was."""
        request = self.request
        return frozenset(() if isinstance(request, SentRequest) else {request.former_release})

    @property
    def release(self) -> str | None:
        """What a card left by, the last one if the hub has taken it."""
        return self.request.release_id or next(iter(self.former), None)


class Recalls:
    """Recalled cards at one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    def recall(self, tables: NodeTables, request: ReceivedRequest, *, renew: bool = False) -> None:
        """Have a card deleted that left us, and let another leave once it is gone if it is to be
        renewed. Raises LocalError unless one has left.
        """
        if not request.is_out or request.release_id is None:
            raise LocalError(ErrorCode.NOT_FOUND, "no card of that request is out")
        body = RecallBody(request_id=request.request_id, release=request.release_id)
        _recall(tables, request, renew=renew)
        tables.outbox.enqueue(Outgoing(request.hub_id, request.requester, body))

    def take_back(self, tables: NodeTables, request: ReceivedRequest) -> None:
        """A person has a card deleted, or one that is being renewed not leave again. Raises
        LocalError unless one is out, or to be.
        """
        if not request.renew:
            self.recall(tables, request)
        elif request.state is ReceivedState.ALLOWED:
            stopped = replace(request, state=ReceivedState.STOPPED, renew=0)
            tables.received_requests.change(request, stopped)
        else:
            tables.received_requests.change(request, replace(request, renew=0))

    def on_recall(
        self, tables: NodeTables, statement: Statement[RecallBody], delivery: Delivery
    ) -> None:
        """A card is to be deleted: by the word of who released it, or, while that agency is no
        active member, of the hub.
        """
        found, preamble = self._find(tables, statement.body.request_id), statement.preamble
        if found is None:
            raise RemoteError(ErrorCode.NOT_FOUND, "no card of that request is here or was")
        by_hub = preamble.sender == self._membership.hub.hub_id
        holder = found.other if found.we_asked else self._membership.hub.party_id
        active = self._membership.directory.active(holder, delivery.index) is not None
        if active if by_hub else preamble.sender != holder:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "a card is recalled by who released it")
        _check_release(found, statement.body.release)
        if isinstance(found.request, SentRequest):
            if found.request.card is not None:
                tell_asker(tables, self._membership, NewsKind.RECALLED, found.request)
            told = replace(found.request, recall=statement.id, recalled_by=preamble.sender)
            _delete(tables, found.request, told)
        else:
            _recall(tables, found.request)

    def on_recalled(self, tables: NodeTables, body: RecallBody) -> None:
        """We had a card deleted, by a statement that this database does not know: nor why."""
        request = tables.received_requests.get(self._membership.hub.hub_id, body.request_id)
        if request is not None and not request.renew:
            _recall(tables, request)

    def say(self, tables: NodeTables, request_id: str, practitioner: int) -> None:
        """Say that a card was released about the wrong person. Raises LocalError."""
        membership, hub_id = self._membership, self._membership.hub.hub_id
        found = self._find(tables, request_id)
        if found is None or found.release is None:
            raise LocalError(ErrorCode.NOT_FOUND, "no card was released under that request")
        if self._was_said(tables, request_id):
            raise LocalError(ErrorCode.CONFLICT, "that card is recalled already")
        person = tables.people.id_at(hub_id, practitioner, membership.env.new_id())
        body = WrongPersonBody(request_id=request_id, release=found.release, decided_by=person)
        # Whatever the hub answers, what is here about the wrong person goes now.
        self._stop(tables, found)
        tables.outbox.enqueue(Outgoing(hub_id, found.other, body))

    def stop(self, tables: NodeTables, body: WrongPersonBody) -> None:
        """What goes here at once when we have said so, if this node knows of the request."""
        found = self._find(tables, body.request_id)
        if found is not None:
            self._stop(tables, found)

    def on_said(self, tables: NodeTables, sent: Sent) -> None:
        """Our "wrong person" is in the log."""
        self._take(tables, sent.statement.expect(WrongPersonBody))

    def on_wrong_person(self, tables: NodeTables, statement: Statement[WrongPersonBody]) -> None:
        """The other side says so: the same happens here."""
        found = self._find(tables, statement.body.request_id)
        if found is None or found.other != statement.preamble.sender:
            raise RemoteError(ErrorCode.NOT_FOUND, "no request with that agency")
        if statement.body.release not in found.former:  # of one that was renewed meanwhile
            _check_release(found, statement.body.release)
        self._stop(tables, found)
        self._take(tables, statement)

    def on_recall_done(self, tables: NodeTables, statement: Statement[RecallDoneBody]) -> None:
        """The other node states that it deleted the card."""
        hub_id, preamble = self._membership.hub.hub_id, statement.preamble
        request_id = statement.body.request_id
        request = tables.received_requests.get(hub_id, request_id)
        if (
            request is None
            or request.requester != preamble.sender
            or request.state is not ReceivedState.RECALLED
        ):
            raise RemoteError(ErrorCode.NOT_FOUND, "nothing was recalled from that agency")
        gone = replace(request, gone_at=preamble.iat)
        if request.renew:
            in_time = (request.keep_until or 0) > self._membership.env.clock()
            again = replace(gone, state=ReceivedState.ALLOWED)
            gone = again if in_time else replace(gone, renew=0)
        tables.received_requests.change(request, gone)
        tables.governance.recall_done(hub_id, request_id, preamble.sender, preamble.iat)

    def on_stated(self, tables: NodeTables, body: RecallDoneBody) -> None:
        """We stated that a card is gone before this database knew that it is to go."""
        request = tables.sent_requests.get(self._membership.hub.hub_id, body.request_id)
        if request is not None:
            stated = replace(request, recall=None, wrong_person=None)
            tables.sent_requests.change(request, stated)

    def _take(self, tables: NodeTables, statement: Statement[WrongPersonBody]) -> None:
        """Tell our lead; the asker states that its card is gone."""
        hub_id, request_id = self._membership.hub.hub_id, statement.body.request_id
        found = self._find(tables, request_id)
        if found is None:
            return
        now, request = self._membership.env.clock(), found.request
        gone_at = now if isinstance(request, SentRequest) else request.gone_at
        notice = RecallNotice(
            hub_id=hub_id,
            request_id=request_id,
            we_asked=found.we_asked,
            other=found.other,
            said_by=statement.preamble.sender,
            told_at=now,
            recalled_at=gone_at,
        )
        tables.governance.put_recall(notice)
        if isinstance(request, SentRequest):
            _delete(tables, request, replace(request, wrong_person=statement.id))

    def _stop(self, tables: NodeTables, found: Found) -> None:
        """Delete the cards, end the link, and stop what else is under way over it.

        Every card over the link goes: they are all about the wrong person.
        """
        hub_id, request = self._membership.hub.hub_id, found.request
        _recall(tables, request)
        link_id, request_id = request.link_id, request.request_id
        opened = tables.sent_requests.opened_over(hub_id, link_id)
        here = [request] if isinstance(request, SentRequest) and request.card is not None else []
        tell_asker(tables, self._membership, NewsKind.RECALLED, *here, *opened)
        tables.sent_requests.stop_over(hub_id, link_id, but=request_id)
        tables.received_requests.stop_over(hub_id, link_id, but=request_id)
        tables.sent_checks.stop_over(hub_id, link_id)
        tables.received_checks.stop_over(hub_id, link_id)
        if link_id is None:
            return
        for other in tables.received_requests.out_over(hub_id, link_id):
            self.recall(tables, other)
        review = tables.reviews.get(hub_id, link_id)
        if review is not None:
            said = replace(review, state=ReviewState.SAID, question=None, answer="not_same")
            tables.reviews.change(review, said)
        take_links(tables, self._membership, [], ended=[link_id])
        tables.hints.end_over(hub_id, link_id)

    def _was_said(self, tables: NodeTables, request_id: str) -> bool:
        """Whether somebody said of a card that it was about the wrong person, or is saying so."""
        hub_id = self._membership.hub.hub_id
        saying = tables.outbox.about(hub_id, WrongPersonBody, request_id)
        return tables.governance.recall(hub_id, request_id) is not None or any(
            item.state is not OutboxState.FAILED for item in saying
        )

    def _find(self, tables: NodeTables, request_id: str) -> Found | None:
        """A request by its id, of ours or to us, and the other side."""
        hub_id = self._membership.hub.hub_id
        sent = tables.sent_requests.get(hub_id, request_id)
        if sent is not None:
            return Found(sent, sent.holder)
        received = tables.received_requests.get(hub_id, request_id)
        return Found(received, received.requester) if received is not None else None


def _check_release(found: Found, release: str) -> None:
    """Raise RemoteError unless a card can have left by this release. Where none can have left at
    all, the request's state does not allow it.
    """
    if found.request.release_id not in {None, release}:
        raise RemoteError(ErrorCode.CONFLICT, "that is not the release we know")


def _delete(tables: NodeTables, request: SentRequest, answers: SentRequest) -> None:
    """Delete a card, and owe one statement of it, to the first that has it deleted."""
    if request.recall is None and request.wrong_person is None:
        gone = replace(answers, state=SentState.RECALLED, card=None, wiped=0)
        tables.sent_requests.change(request, gone)


def _recall(
    tables: NodeTables, request: SentRequest | ReceivedRequest, *, renew: bool = False
) -> None:
    """Nothing comes or leaves any more, unless the card is renewed. Safe to repeat."""
    if isinstance(request, SentRequest):
        gone = replace(request, recalled_by=None)
        if request.state is not SentState.RECALLED:
            gone = replace(gone, state=SentState.RECALLED, card=None, wiped=0)
        tables.sent_requests.change(request, gone)
    else:
        over = replace(request, state=ReceivedState.RECALLED, renew=int(renew), carried=None)
        tables.received_requests.change(request, over)
