"""Releasing: the card of an allowed request leaves (specs/06-requests.md §2 and §8).

It leaves only when our decision is in the log under a quorum of witnesses, or, where the basis lets
it, when a person says so (node/requests/without_quorum.py). Either way it is decided once more.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

from node.config import NodeSettings
from node.faults import AT_ONCE, together
from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.membership.proofs import verify_logged
from node.oversight.gossip import check_gossip
from node.requests.answering import Answering
from node.requests.grounds import consent_ends
from node.requests.sealed import Recipient, seal_for
from node.store.decisions import LoggedDecision
from node.store.outbox import Outgoing
from node.store.people import Person
from node.store.requests import ReceivedRequest, ReceivedState
from node.store.set_aside import Kind
from node.store.tables import NodeTables
from protocol.contact import read_email, read_name, read_phone
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel
from protocol.governance.retention import DAY, keep_until
from protocol.log.tlog_proof import parse_tlog_proof
from protocol.messages.bodies import ReleaseBody
from protocol.messages.kinds import kind_of
from protocol.messages.log import ProvisionalBody
from protocol.messages.statement import Statement
from protocol.requests.sealing import ContactCard
from runtime.logs import log

WAIT_SECONDS = 10


@dataclass(frozen=True)
class LetGo:
    """Whether a card goes; `problem` is why theirs, or their key, cannot be used."""

    gone: bool
    problem: ErrorCode | None = None


class Releasing:
    """Cards that leave this node at one hub."""

    def __init__(
        self, membership: HubMembership, answering: Answering, settings: NodeSettings
    ) -> None:
        self._membership = membership
        self._answering = answering
        self._settings = settings

    def on_sent(self, tables: NodeTables, sent: Sent) -> None:
        """The hub has logged what a card leaves by: keep its id, for a wrong person, and when that
        was if it renews one.
        """
        body: Any = sent.statement.body
        request = tables.received_requests.get(self._membership.hub.hub_id, body.request_id)
        if request is not None:
            again, at = request.former_release is not None, sent.statement.preamble.iat
            renewed_at = at if again else request.renewed_at
            released = replace(request, release_id=sent.statement.id, renewed_at=renewed_at)
            tables.received_requests.change(request, released)

    def on_failed(
        self, tables: NodeTables, statement: Statement[WireModel], _error: RemoteError
    ) -> None:
        """The hub did not take our release: link or permission ended, or the time ran out."""
        body = statement.expect(ReleaseBody).body
        request = tables.received_requests.get(self._membership.hub.hub_id, body.request_id)
        if request is not None and request.state is ReceivedState.RELEASED:
            stopped = replace(request, state=ReceivedState.STOPPED)
            tables.received_requests.change(request, stopped)

    async def release_allowed(self) -> int:
        """Release every allowed request whose decision is under a quorum; how many."""
        membership, faults = self._membership, self._membership.faults
        hub_id, now = membership.hub.hub_id, membership.env.clock()
        requests, aside = await membership.engine.read(
            lambda tables: (
                tables.received_requests.allowed(hub_id, now),
                faults.passed_over(tables, Kind.CARD),
            )
        )
        await faults.forget(Kind.CARD, aside.difference(item.request_id for item in requests))

        async def release(request: ReceivedRequest, wait: int) -> int:
            known = request.request_id in aside
            async with faults.guarded(Kind.CARD, request.request_id, known=known):
                return await self._release_witnessed(request, wait)
            return 0  # it was set aside

        due = [one for one in requests if faults.again or one.request_id not in aside]
        due.sort(key=_index)  # the first in the log is witnessed first
        # Without a quorum all of them wait for the same thing: once is enough.
        released = sum([await release(one, WAIT_SECONDS) for one in due[:1]])
        for at in range(1, len(due), AT_ONCE):
            released += sum(await together(release(one, 0) for one in due[at : at + AT_ONCE]))
        return released

    async def _release_witnessed(self, request: ReceivedRequest, wait: int) -> bool:
        """Release one card if a quorum has seen the decision; else it stays allowed, and closed."""
        if request.decision is None:
            return False
        if not wait and request.decision.index >= self._membership.view.size:
            return False
        try:
            proof = await self._proof(request.decision, wait)
        except RemoteError as error:
            log.warning("release_waits", code=error.code.value)
            return False
        outcome = await self._membership.engine.write(
            lambda tables: self.let_go(tables, request, ReleaseBody, proof)
        )
        if outcome.problem is not None:
            log.warning("release_stopped", code=outcome.problem.value)
        return outcome.gone

    async def _proof(self, decision: LoggedDecision, wait: int) -> bytes:
        """A proof, under a quorum and consistent with our view, that our decision is in the log."""
        membership, index = self._membership, decision.index
        url = f"{membership.hub.url}/v1/proofs/{index}?wait={wait}"
        proof = await membership.http.get(url)
        if wait or membership.view.size <= index:  # once is enough for all that leave together
            await membership.follow()
        if membership.view.size <= index:
            # The newest checkpoint may have lost its quorum since.
            await membership.sync(parse_tlog_proof(proof).checkpoint_note)
        verify_logged(membership.charter, proof, (index, decision.salt), decision.envelope)
        await check_gossip(membership, proof)
        return proof

    def let_go(
        self,
        tables: NodeTables,
        allowed: ReceivedRequest,
        kind: type[ReleaseBody | ProvisionalBody],
        proof: bytes | None,
    ) -> LetGo:
        """Decide once more and put an allowed card into the outbox; whether it goes."""
        request = tables.received_requests.get(allowed.hub_id, allowed.request_id)
        if request is None or request.state is not ReceivedState.ALLOWED:
            return LetGo(gone=False)  # another process of this node was quicker, or it has ended
        stopped = replace(request, state=ReceivedState.STOPPED, renew=0)
        outcome, after = LetGo(gone=False), stopped
        if self._answering.still_allows(tables, request):
            until, worker = self._kept(tables, request)
            leaves = replace(
                request.as_released(),
                keep_until=until,
                worker=worker.id if worker else None,
                carried=tables.cards.carries(request.involvement),
            )
            try:
                tables.outbox.enqueue(
                    self._card_of(leaves, self._card(tables, leaves, worker), kind, proof)
                )
                outcome, after = LetGo(gone=True), leaves
            except RemoteError as error:
                # They left, or their seal key is of no use: this one ends, the others go on.
                outcome = LetGo(gone=False, problem=error.code)
        tables.received_requests.change(request, after)
        return outcome

    def would_send(self, tables: NodeTables, request: ReceivedRequest) -> tuple[int, ContactCard]:
        """Until when the card of a request could be kept, and what is on it, if it left now."""
        until, worker = self._kept(tables, request)
        return until, self._card(tables, request, worker)

    def _kept(self, tables: NodeTables, request: ReceivedRequest) -> tuple[int, Person | None]:
        """Until when a card may be kept that leaves now, and whose details are on it."""
        now, charter = self._membership.env.clock(), self._membership.charter
        ends = tables.permissions.ends_at(request.involvement, self._membership.at()) or now
        basis = charter.lawful_basis(request.basis)
        if basis is not None and basis.needs_consent:
            ends = min(ends, consent_ends(tables, self._membership, request))
        if request.renew and request.keep_until is not None:
            ends = min(ends, request.keep_until)  # no longer than the card that it renews
        workers = tables.people.working_on(request.involvement)
        return keep_until(charter, ends, now), next(iter(workers), None)

    def _card_of(
        self,
        request: ReceivedRequest,
        card: ContactCard,
        kind: type[ReleaseBody | ProvisionalBody],
        proof: bytes | None,
    ) -> Outgoing:
        """The statement that a card leaves by, with the card. Raises RemoteError."""
        membership, aud = self._membership, request.requester
        if request.decision is None:
            raise LocalError(ErrorCode.NOT_READY, "an allowed request without its decision")
        recipient = Recipient(kind_of(kind), aud, request.request_id)
        sealed = seal_for(membership, recipient, card)
        body = kind(
            request_id=request.request_id,
            decision=request.decision.id,
            seal_key=sealed.seal_key,
            sealed_hash=sealed.hash,
            tree_size=membership.view.size,
            keep_until=request.keep_until,
        )
        now = isinstance(body, ProvisionalBody)  # a person says so now: it never leaves later
        envelope = membership.sign(body, aud).envelope.encode() if now else None
        return Outgoing(request.hub_id, aud, body, sealed.data, proof, envelope)

    def _card(
        self, tables: NodeTables, request: ReceivedRequest, worker: Person | None
    ) -> ContactCard:
        own = self._membership.me().body
        # A record of before may hold what no card takes: that costs its field, not the card.
        phone = read_phone(worker.phone) if worker else None
        return ContactCard(
            practitioner=read_name(worker.name) if worker else None,
            role=read_name(worker.role) if worker else None,
            phone=phone.number if phone else None,
            email=read_email(worker.email) if worker else None,
            team=read_name(worker.team) if worker else None,
            duty_line=own.duty_line,
            duty_hours=own.duty_hours,
            **self._visits(tables, request),
        )

    def _visits(self, tables: NodeTables, request: ReceivedRequest) -> dict[str, int | None]:
        """When the work began, last contact and next visit, where the agency shares them: a visit
        that is over is not the next one.
        """
        item = tables.records.involvement(request.involvement)
        if item is None or item.type not in self._settings.visits_on_cards:
            return {"last_contact": None, "next_visit": None}
        following, now = _noon_of(item.next_visit), self._membership.env.clock()
        return {
            "since": _noon_of(item.started_on),
            "last_contact": _noon_of(item.last_contact),
            "next_visit": following if following and following > now - DAY // 2 else None,
        }


def _index(request: ReceivedRequest) -> int:
    return request.decision.index if request.decision else 0


def _noon_of(day: str | None) -> int | None:
    """A day (yyyy-mm-dd) as a card has it: specs/06-requests.md §2."""
    if day is None:
        return None
    return int(datetime.combine(date.fromisoformat(day), time(12), UTC).timestamp())
