"""How long cards are kept: what nobody may keep any more is recalled, or deleted here, and what
is not so any more is renewed.

specs/06-requests.md §7. Nothing here waits to be told that a permission has ended or a number is
another: each pass holds what was released against the permissions and the workers as they are,
whatever changed them, and what came here against the clock. A node states that it has deleted a
card once no file of its database has it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from node.membership.hub import HubMembership
from node.requests.answering import Answering
from node.requests.grounds import left_out
from node.requests.recall import Recalls
from node.store.cards import CardOut
from node.store.outbox import Outgoing
from node.store.permissions import Ended
from node.store.requests import ReceivedRequest, SentRequest, SentState
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError
from protocol.governance.charter import Charter
from protocol.governance.retention import DAY
from protocol.messages.review import RecallDoneBody
from protocol.requests.renewals import may_renew_on


@dataclass(frozen=True)
class Due:
    """What is due at one moment: cards to have deleted, cards to renew, requests to refuse, cards
    to delete, requests of ours to stop, because our own client does not agree any more, and whether
    it is not known of some card what it carries.
    """

    recall: list[ReceivedRequest]
    renew: list[ReceivedRequest]
    refuse: list[ReceivedRequest]
    delete: list[SentRequest]
    stop: list[SentRequest]
    unknown: bool


AT_ONCE = 100
"""Cards that are renewed in one go: who asks for something meanwhile does not wait for them all."""


class Keeping:
    """What is due of cards at one hub."""

    def __init__(self, membership: HubMembership, answering: Answering, recalls: Recalls) -> None:
        self._membership = membership
        self._answering = answering
        self._recalls = recalls

    async def step(self) -> int:
        """Do what is due; how many statements were put into the outbox."""
        engine, hub_id = self._membership.engine, self._membership.hub.hub_id
        due = await engine.read(self._due)
        stated = await engine.write(self._do) if any(vars(due).values()) else 0
        if await engine.read(lambda tables: tables.cards.unwiped(hub_id)) and await engine.settle():
            stated += await engine.write(self._state)
        return stated

    def keep(self, tables: NodeTables, request_id: str) -> None:
        """A person says that a card may stay though the permission was withdrawn. Raises
        LocalError unless that is asked.
        """
        asked = [card.request for card in to_decide(tables, self._membership)]
        request = next((item for item in asked if item.request_id == request_id), None)
        if request is None:
            raise LocalError(ErrorCode.NOT_FOUND, "no card of that request waits for a decision")
        tables.received_requests.change(request, replace(request, kept=1))

    def _due(self, tables: NodeTables) -> Due:
        membership = self._membership
        hub_id, now, charter = membership.hub.hub_id, membership.env.clock(), membership.charter
        cards, narrowed = out_of_place(tables, membership)
        # Nothing is decided on the requests of who cannot be answered: the hub would refuse it.
        asked = {
            item.request_id: item
            for item in (*tables.cards.asked_in_vain(membership.at()), *narrowed)
        }.values()
        oldest = now - charter.retention_days * DAY
        recall, renew = self._recalled(tables, cards)
        return Due(
            recall=recall,
            renew=renew[:AT_ONCE],
            refuse=[item for item in asked if membership.directory.active(item.requester)],
            delete=tables.cards.kept_too_long(hub_id, now, oldest),
            stop=tables.cards.without_consent(hub_id, now),
            unknown=tables.cards.is_any_unknown(hub_id),
        )

    def _recalled(
        self, tables: NodeTables, cards: Collection[CardOut]
    ) -> tuple[list[ReceivedRequest], list[ReceivedRequest]]:
        """Which cards are recalled for good, and which so that another may leave in their place:
        where they carry what is not so any more, or whose it is has left and somebody else is here.
        """
        membership = self._membership
        now, charter = membership.env.clock(), membership.charter
        for_good: list[ReceivedRequest] = []
        left: list[ReceivedRequest] = []
        for card in cards:
            if needs_a_person(charter, card):
                continue
            of_another = card.why is Ended.LEFT and self._may_renew(card.request, now)
            of_another = of_another and bool(tables.people.working_on(card.request.involvement))
            (left if of_another else for_good).append(card.request)
        out_of_place = {card.request.request_id for card in cards}
        others = tables.cards.out_of_date(membership.at(), now - now % DAY)
        changed = [
            request
            for request in others
            if request.request_id not in out_of_place and self._may_renew(request, now)
        ]
        return for_good, [*left, *changed]

    def _may_renew(self, request: ReceivedRequest, now: int) -> bool:
        """Whether a card that is recalled now may leave again as far as we can know."""
        membership, decision = self._membership, request.decision
        return (
            decision is not None
            and decision.index < membership.view.size
            and membership.directory.active(request.requester) is not None
            and (request.keep_until or 0) > now
            and may_renew_on(request.renewed_at, now)
        )

    def _do(self, tables: NodeTables) -> int:
        due = self._due(tables)
        if due.unknown:
            tables.cards.take_as_current(self._membership.hub.hub_id)
        for request in due.recall:
            self._recalls.recall(tables, request)
        for request in due.renew:
            self._recalls.recall(tables, request, renew=True)
        refused = sum(self._answering.refuse_ended(tables, request) for request in due.refuse)
        for sent in due.delete:
            self._delete(tables, sent)
        gone = {sent.request_id for sent in due.delete}
        for sent in (item for item in due.stop if item.request_id not in gone):
            if sent.state is SentState.OPENED:
                self._delete(tables, sent)
            elif sent.state is SentState.RECALLED:  # another card would not be opened
                tables.sent_requests.change(sent, replace(sent, recalled_by=None))
            else:
                tables.sent_requests.change(sent, replace(sent, state=SentState.STOPPED))
        return len(due.recall) + len(due.renew) + refused

    def _delete(self, tables: NodeTables, sent: SentRequest) -> None:
        """Delete a card that came to us; once no file has it, nobody need be told."""
        over = replace(sent, state=SentState.EXPIRED, card=None, wiped=0)
        tables.sent_requests.change(sent, over)

    def _state(self, tables: NodeTables) -> int:
        """State what no file holds any more, where somebody had it deleted."""
        gone = tables.cards.unwiped(self._membership.hub.hub_id)
        asked = [request for request in gone if request.recall or request.wrong_person]
        for request in gone:
            tables.sent_requests.change(request, replace(request, wiped=1))
        for request in asked:
            body = RecallDoneBody(
                request_id=request.request_id,
                wrong_person=request.wrong_person,
                recall=request.recall,
            )
            tables.outbox.enqueue(Outgoing(request.hub_id, request.holder, body))
        return len(asked)


def to_decide(tables: NodeTables, membership: HubMembership) -> list[CardOut]:
    """Cards that a person decides about: keep them or have them deleted."""
    cards, _ = out_of_place(tables, membership)
    return [card for card in cards if needs_a_person(membership.charter, card)]


def out_of_place(
    tables: NodeTables, membership: HubMembership
) -> tuple[list[CardOut], list[ReceivedRequest]]:
    """Cards that are out of place, and requests that wait although the client's consent leaves out
    who asks: it was given anew for less, or none stands that the basis needs.
    """
    hub_id, now = membership.hub.hub_id, membership.env.clock()
    cards = tables.cards.out_of_place(membership.at())
    known = {card.request.request_id for card in cards}
    bases = [item.code for item in membership.charter.lawful_bases if item.needs_consent]
    left = left_out(tables, membership, tables.cards.with_consent(hub_id, bases, now))
    cards += [
        CardOut(item, Ended.WITHDRAWN, _since(tables, item) or now)
        for item in left
        if item.is_out and not item.kept and item.request_id not in known
    ]
    return cards, [item for item in left if not item.is_out]


def _since(tables: NodeTables, request: ReceivedRequest) -> int | None:
    """Since when a consent leaves out who asked, where one was recorded."""
    records = tables.consents.newest([request.involvement or 0]).values()
    return max((item.recorded_at for item in records), default=None)


def needs_a_person(charter: Charter, card: CardOut) -> bool:
    """Whether a card stays until a person has said: it was released on a basis that asks for no
    consent, and what ended is the permission, by its being withdrawn.
    """
    basis = charter.lawful_basis(card.request.basis)
    no_consent = basis is not None and basis.permission_class != "consent"
    return no_consent and card.why is Ended.WITHDRAWN
