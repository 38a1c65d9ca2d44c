"""Asking for an identity check: request, the hub's decision, the sealed details, the answer.

specs/06-requests.md §6. Name, birth date and postcode leave only after the hub's decision is in
the log under a quorum, and in two locks: the other agency's key, and a value that both hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import nacl.secret

from node.links.review import latest_publication
from node.links.secrets import secret_for
from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.membership.proofs import logged_decision, verify_logged
from node.oversight.gossip import check_gossip
from node.requests.asking import DAY
from node.requests.facts import practitioner_name, request_facts
from node.requests.grounds import Ground, with_recorded
from node.requests.sealed import Recipient, seal_for
from node.store.checks import SENT_CHECK_MOVES, SentCheck, SentCheckState
from node.store.links import Link, LinkState, ReviewState
from node.store.outbox import Outgoing
from node.store.records import record_of
from node.store.set_aside import Kind
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel, to_base64
from protocol.messages.parts import LinkProof, RequestPractitioner
from protocol.messages.review import (
    IdentityAnswerBody,
    IdentityCheckBody,
    IdentityDecisionBody,
    IdentityPins,
    IdentityRequestBody,
)
from protocol.messages.statement import Statement
from protocol.requests.sealing import IdentityDetails, SealedCheck, details_key
from protocol.tokens import link_key, link_proof
from protocol.wire import Delivery, encode_wire
from runtime.logs import log
from storage.states import sources

TEXT_LIMIT = 200
UNDECIDED = frozenset(sources(SENT_CHECK_MOVES, SentCheckState.REFUSED))
UNANSWERED = frozenset(sources(SENT_CHECK_MOVES, SentCheckState.ANSWERED))
UNDER_WAY = frozenset(sources(SENT_CHECK_MOVES, SentCheckState.FAILED))


@dataclass(frozen=True)
class IdentityCheckRequest:
    """An identity check that a practitioner wants: over which link, why, on what basis."""

    link_id: str
    practitioner: int
    role: str
    purpose: str
    basis: str
    facts: Mapping[str, str]
    days: int = 7


class IdentityAsking:
    """The asking side of identity checks at one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    def ask(self, tables: NodeTables, wanted: IdentityCheckRequest) -> str:
        """Put an identity request into the outbox; its id. Raises LocalError."""
        membership, hub_id = self._membership, self._membership.hub.hub_id
        link = self._link(tables, wanted.link_id)
        client = tables.stubs.client_of(hub_id, link.stub_id)
        if client is None:
            raise LocalError(ErrorCode.NOT_FOUND, "the client of that link is not here any more")
        ground = Ground(wanted.basis, wanted.purpose, None)
        values, _ = with_recorded(tables, membership, client.id, ground, wanted.facts)
        facts, openings = request_facts(membership, wanted.basis, values)
        now, check_id = membership.env.clock(), membership.env.new_id()
        expires = now + min(wanted.days, membership.charter.request_lifetime_days) * DAY
        name = practitioner_name(tables, wanted.practitioner)
        person = tables.people.id_at(hub_id, wanted.practitioner, membership.env.new_id())
        body = IdentityRequestBody(
            check_id=check_id,
            link_id=link.link_id,
            stub_id=link.stub_id,
            practitioner=RequestPractitioner(id=person, role=wanted.role),
            purpose=wanted.purpose,
            basis=wanted.basis,
            facts=facts,
            needed_by=expires,
            expires=expires,
            pins=IdentityPins(
                round=link.round_id,
                publication=latest_publication(tables, hub_id),
                requester_membership=membership.me().statement_id,
                charter=membership.directory.charter_at(None).statement_id,
            ),
        )
        tables.sent_checks.add(
            SentCheck(
                hub_id=hub_id,
                check_id=check_id,
                link_id=link.link_id,
                practitioner=name,
                openings=openings,
                asked_at=now,
                expires=body.expires,
            )
        )
        tables.outbox.enqueue(Outgoing(hub_id, hub_id, body))
        return check_id

    def on_request_sent(self, tables: NodeTables, sent: Sent) -> None:
        """The hub has logged our request; its decision comes by mail, with its place in the log."""
        body = sent.statement.expect(IdentityRequestBody).body
        check = self._get(tables, body.check_id)
        if check is not None and check.state is SentCheckState.SENDING:
            waiting = replace(check, state=SentCheckState.WAITING, statement_id=sent.statement.id)
            tables.sent_checks.change(check, waiting)

    def on_failed(
        self, tables: NodeTables, statement: Statement[WireModel], error: RemoteError
    ) -> None:
        """The hub did not take the request or the check."""
        check = self._get(tables, getattr(statement.body, "check_id", ""))
        if check is not None and check.state in UNDER_WAY:
            failed = replace(
                check, state=SentCheckState.FAILED, code=error.code.value, openings=None
            )
            tables.sent_checks.change(check, failed)

    def on_decision(
        self, tables: NodeTables, statement: Statement[IdentityDecisionBody], delivery: Delivery
    ) -> None:
        """The hub decided: keep the decision with its place in the log."""
        body = statement.body
        check = self._get(tables, body.check_id)
        if check is None or check.statement_id not in {None, body.request}:
            raise RemoteError(ErrorCode.NOT_FOUND, "a decision on a check we did not ask for")
        if check.state not in UNDECIDED:
            raise RemoteError(ErrorCode.CONFLICT, "the check does not wait for a decision")
        refused = body.outcome == "refuse" or body.holder is None or body.evidence is None
        after = replace(
            check,
            statement_id=body.request,
            state=SentCheckState.REFUSED if refused else SentCheckState.ALLOWED,
            openings=None if refused else check.openings,
            code=body.code,
            field=body.field,
            holder=body.holder,
            evidence=body.evidence,
            decision=logged_decision(statement, delivery),
        )
        tables.sent_checks.change(check, after)

    async def send_allowed(self) -> int:
        """Send the details of every check whose decision is under a quorum; how many."""
        membership, faults = self._membership, self._membership.faults
        hub_id = membership.hub.hub_id
        checks, aside = await membership.engine.read(
            lambda tables: (
                tables.sent_checks.allowed(hub_id),
                faults.passed_over(tables, Kind.CHECK),
            )
        )
        await faults.forget(Kind.CHECK, aside.difference(item.check_id for item in checks))
        sent = 0
        for check in checks:
            known = check.check_id in aside
            if known and not faults.again:
                continue
            async with faults.guarded(Kind.CHECK, check.check_id, known=known):
                sent += await self._send_witnessed(check)
        return sent

    def on_answer(self, tables: NodeTables, statement: Statement[IdentityAnswerBody]) -> None:
        """The other agency answered. Our own verdict is still ours to give."""
        body, sender = statement.body, statement.preamble.sender
        check = self._get(tables, body.check_id)
        if check is None or (check.holder, check.sent_id) != (sender, body.check):
            raise RemoteError(ErrorCode.NOT_FOUND, "an answer to no check of ours")
        if check.state not in UNANSWERED:
            raise RemoteError(ErrorCode.CONFLICT, "the check does not wait for an answer")
        answered = replace(check, state=SentCheckState.ANSWERED, answer=body.answer, code=body.code)
        tables.sent_checks.change(check, answered)

    def on_check_sent(self, tables: NodeTables, sent: Sent) -> None:
        """The details are with the other agency."""
        body = sent.statement.expect(IdentityCheckBody).body
        check = self._get(tables, body.check_id)
        if check is None:
            return
        after = replace(check, sent_id=sent.statement.id, openings=None)
        if check.state is SentCheckState.SENDING_DETAILS:  # else it has ended meanwhile
            after = replace(after, state=SentCheckState.COMPARED)
        tables.sent_checks.change(check, after)

    def forget_expired(self, tables: NodeTables) -> None:
        """Give up what nobody decided or answered in time."""
        tables.sent_checks.expire(self._membership.hub.hub_id, self._membership.env.clock())

    async def _send_witnessed(self, check: SentCheck) -> bool:
        """Send one check's details if a quorum has seen the decision; else they stay here."""
        membership, decision = self._membership, check.decision
        if decision is None:
            return False
        try:
            url = f"{membership.hub.url}/v1/proofs/{decision.index}?wait=10"
            proof = await membership.http.get(url)
            place = (decision.index, decision.salt)
            verify_logged(membership.charter, proof, place, decision.envelope)
            await check_gossip(membership, proof)
        except RemoteError as error:
            log.warning("check_waits", code=error.code.value)
            return False
        problem = await membership.engine.write(lambda tables: self._send(tables, check, proof))
        if problem is not None:
            log.warning("check_stopped", code=problem.code.value)
        return problem is None

    def _send(
        self, tables: NodeTables, allowed: SentCheck, proof: bytes
    ) -> LocalError | RemoteError | None:
        """Put the details of one check into the outbox, unless the link has ended meanwhile; why
        they do not go.
        """
        check = self._get(tables, allowed.check_id)
        if check is None or check.state is not SentCheckState.ALLOWED:
            return LocalError(ErrorCode.CONFLICT, "another process was quicker, or it has ended")
        try:
            tables.outbox.enqueue(self._details_of(tables, check, proof))
        except (LocalError, RemoteError) as error:
            stopped = replace(check, state=SentCheckState.STOPPED, openings=None)
            tables.sent_checks.change(check, stopped)
            return error
        tables.sent_checks.change(check, replace(check, state=SentCheckState.SENDING_DETAILS))
        return None

    def _details_of(self, tables: NodeTables, check: SentCheck, proof: bytes) -> Outgoing:
        """The statement that the details leave by. Raises LocalError or RemoteError."""
        membership, check_id = self._membership, check.check_id
        link, evidence, holder = self._link(tables, check.link_id), check.evidence, check.holder
        if evidence is None or holder is None or check.decision is None:
            raise LocalError(ErrorCode.NOT_READY, "a check without the hub's decision")
        scope = (membership.hub.hub_id, evidence.epoch, evidence.match_key_id)
        secret = secret_for(tables, membership, link.stub_id, evidence)
        box = nacl.secret.SecretBox(details_key(link_key(secret, *scope), check_id))
        nonce = membership.env.random(box.NONCE_SIZE)
        details = bytes(box.encrypt(encode_wire(self._details(tables, link, check_id)), nonce))
        plaintext = SealedCheck(
            practitioner=check.practitioner,
            openings=dict(check.openings or {}),
            details=to_base64(details),
        )
        sealed = seal_for(membership, Recipient("identity_check", holder, check_id), plaintext)
        body = IdentityCheckBody(
            check_id=check_id,
            decision=check.decision.id,
            link_proof=LinkProof(
                match_key_id=evidence.match_key_id,
                epoch=evidence.epoch,
                proof=link_proof(secret, *scope, check_id).hex(),
            ),
            seal_key=sealed.seal_key,
            sealed_hash=sealed.hash,
            tree_size=membership.view.size,
        )
        return Outgoing(check.hub_id, holder, body, sealed.data, proof)

    def _details(self, tables: NodeTables, link: Link, check_id: str) -> IdentityDetails:
        client = tables.stubs.client_of(self._membership.hub.hub_id, link.stub_id)
        if client is None:
            raise LocalError(ErrorCode.NOT_FOUND, "the client of that link is not here any more")
        if not tables.records.in_force(client.id, self._membership.at()):
            raise LocalError(ErrorCode.NOT_ALLOWED, "nothing of that client may be shared now")
        record = record_of(client, self._membership.shared_places)
        return IdentityDetails(
            check_id=check_id,
            given=shown(record.given),
            family=shown(record.family),
            date_of_birth=shown(record.date_of_birth),
            postcode=shown(record.postcode),
        )

    def _link(self, tables: NodeTables, link_id: str) -> Link:
        """A link that may be checked: a possible one, or a match that somebody doubts."""
        hub_id = self._membership.hub.hub_id
        link, review = tables.links.get(hub_id, link_id), tables.reviews.get(hub_id, link_id)
        doubted = review is not None and (
            review.state is ReviewState.ASKED or review.answer == "not_same"
        )
        if link is None or not (link.state is LinkState.POSSIBLE or doubted):
            raise LocalError(ErrorCode.NOT_FOUND, "no open link with that id waits for comparison")
        return link

    def _get(self, tables: NodeTables, check_id: str) -> SentCheck | None:
        return tables.sent_checks.get(self._membership.hub.hub_id, check_id)


def shown(text: str | None) -> str | None:
    """A field of a record as it travels: what no screen could show is left out."""
    clean = "".join(c for c in text or "" if c.isprintable()).strip()[:TEXT_LIMIT]
    return clean or None
