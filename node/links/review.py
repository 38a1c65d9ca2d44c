"""The review queue: links that wait for a person, and the answers (specs/06-requests.md §5).

The hub says what waits; a possible link tells nothing of the other side. What our own people said
is remembered here, and hides a link from them at once.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from node.alarms import AlarmCode, clear_alarm, raise_alarm
from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.news.teams import take_links
from node.news.telling import Event, clients_behind, tell
from node.store.links import Queued, Review, ReviewState
from node.store.news import NewsKind
from node.store.outbox import Outgoing
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel
from protocol.messages.review import QuestionsHeldBody, ReviewBody, VerdictBody
from protocol.messages.statement import Statement

Said = Literal["same", "not_same"]
RestsOn = Literal["records", "identity_check"]


@dataclass(frozen=True)
class Opinion:
    """What a person says of a link, who it is (row id), and what it rests on."""

    link_id: str
    said: Said
    practitioner: int
    rests_on: RestsOn = "records"


@dataclass(frozen=True)
class Waiting:
    """A link that waits for a person: our client, and what we know of the other side."""

    link_id: str
    client: str
    state: str
    agency: str | None
    labels: tuple[str, ...]
    asked_at: int
    problem: str | None


class Reviewing:
    """What waits for our people at one hub, and what they say."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    def on_review(self, tables: NodeTables, statement: Statement[ReviewBody]) -> None:
        """Take what waits for us. Raises RemoteError unless the hub said it."""
        hub_id, items = self._membership.hub.hub_id, statement.body.links
        if statement.preamble.sender != hub_id:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "only the hub asks for a review")
        known = tables.reviews.of_links(hub_id, [item.link_id for item in items])
        changed: dict[str, Review] = {}
        for item in items:
            old = changed.get(item.link_id, known.get(item.link_id))
            if item.question is not None:
                if old is None or old.answered_question != item.question:
                    new = self._asked(item.link_id, item.stub_id, item.question)
                    changed[item.link_id] = new
            elif old is not None:
                asked = old.state is ReviewState.ASKED
                state = ReviewState.IDLE if asked else old.state
                changed[item.link_id] = replace(old, question=None, state=state)
        tables.reviews.put(hub_id, changed.values())
        self._tell(tables, [one for one in changed.values() if one.question is not None])

    def _tell(self, tables: NodeTables, asked: list[Review]) -> None:
        """Whoever works with these clients hears that a possible match waits."""
        hub_id, now = self._membership.hub.hub_id, self._membership.env.clock()
        clients = clients_behind(tables, hub_id, {one.stub_id for one in asked})
        events = [
            Event(NewsKind.REVIEW_DUE, clients[one.stub_id], one.link_id, one.question or "")
            for one in asked
            if one.stub_id in clients
        ]
        tell(tables, hub_id, events, now)

    def on_held(self, tables: NodeTables, statement: Statement[QuestionsHeldBody]) -> None:
        """Tell a person whose questions wait. Raises RemoteError unless the hub said it."""
        hub_id, body = self._membership.hub.hub_id, statement.body
        if statement.preamble.sender != hub_id:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "only the hub holds questions")
        change = raise_alarm if body.held else clear_alarm
        now = self._membership.env.clock()
        change(tables, hub_id, AlarmCode.QUESTIONS_HELD, now, place=body.agency)

    def queue(self, tables: NodeTables, among: Collection[str] | None = None) -> list[Waiting]:
        """What waits for a person, oldest first; of one client one question at a time. `among`: of
        these links, all that wait of a client.
        """
        hub_id = self._membership.hub.hub_id
        waiting = [self._waiting(item) for item in tables.reviews.queue(hub_id, among)]
        first = {item.client: item for item in reversed(waiting)}
        return [item for item in waiting if item is first[item.client]]

    def say(self, tables: NodeTables, opinion: Opinion) -> None:
        """Put a verdict into the outbox. Raises LocalError for no link of ours, or a second one
        while the first is on its way.
        """
        membership, hub_id = self._membership, self._membership.hub.hub_id
        link = tables.links.get(hub_id, opinion.link_id)
        if link is None:
            raise LocalError(ErrorCode.NOT_FOUND, "no link with that id; see patchwork-node review")
        before = tables.reviews.get(hub_id, opinion.link_id)
        if before is not None and before.state is ReviewState.SENDING:
            raise LocalError(ErrorCode.CONFLICT, "your last answer is still on its way")
        review = before or self._asked(opinion.link_id, link.stub_id, None)
        body = VerdictBody(
            link_id=opinion.link_id,
            stub_id=link.stub_id,
            question=review.question,
            round=link.round_id,
            publication=latest_publication(tables, hub_id),
            answer=opinion.said,
            rests_on=opinion.rests_on,
            decided_by=tables.people.id_at(hub_id, opinion.practitioner, membership.env.new_id()),
        )
        said = replace(
            review,
            state=ReviewState.SENDING,
            answer=opinion.said,
            rests_on=opinion.rests_on,
            answered_at=membership.env.clock(),
            answered_question=review.question,
            error=None,
        )
        tables.reviews.put(hub_id, [said])
        tables.outbox.enqueue(Outgoing(hub_id, hub_id, body))

    def on_verdict_sent(self, tables: NodeTables, sent: Sent) -> None:
        """Our answer is logged: a link that we deny is not shown to us from now on.

        Where the hub has asked anew meanwhile it counts for nothing: the new question stays.
        """
        hub_id, body = self._membership.hub.hub_id, sent.statement.expect(VerdictBody).body
        review = tables.reviews.get(hub_id, body.link_id)
        if review is None or review.state is not ReviewState.SENDING:
            return
        tables.reviews.change(review, replace(review, state=ReviewState.SAID, question=None))
        if body.answer == "not_same":
            take_links(tables, self._membership, [], ended=[body.link_id])

    def on_verdict_failed(
        self, tables: NodeTables, statement: Statement[WireModel], error: RemoteError
    ) -> None:
        """The hub did not take our answer: it is as if we had given none, and says why."""
        hub_id, body = self._membership.hub.hub_id, statement.expect(VerdictBody).body
        review = tables.reviews.get(hub_id, body.link_id)
        if review is None:
            return
        after = replace(review, error=error.code.value)
        if review.state is ReviewState.SENDING:
            state = ReviewState.IDLE if review.question is None else ReviewState.ASKED
            after = replace(after, state=state, answer=None, answered_question=None)
        tables.reviews.change(review, after)

    def _asked(self, link_id: str, stub_id: str, question: str | None) -> Review:
        return Review(
            hub_id=self._membership.hub.hub_id,
            link_id=link_id,
            stub_id=stub_id,
            question=question,
            asked_at=self._membership.env.clock(),
            state=ReviewState.ASKED,
        )

    def _waiting(self, item: Queued) -> Waiting:
        link, review = item.link, item.review
        member = self._membership.directory.member(link.agency_id or "")
        return Waiting(
            link_id=link.link_id,
            client=item.local_id,
            state=link.state.value,
            agency=member.body.name if member else None,
            labels=tuple(involvement.label for involvement in link.involvements),
            asked_at=review.asked_at or 0,
            problem=review.error,
        )


def latest_publication(tables: NodeTables, hub_id: str) -> str:
    """The statement id of our last applied publication. Raises LocalError(NOT_READY)."""
    latest = tables.publications.latest(hub_id)
    if latest is None:
        raise LocalError(ErrorCode.NOT_READY, "publish first")
    return latest
