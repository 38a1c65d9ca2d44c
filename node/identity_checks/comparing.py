"""Answering an identity check: prove, open, show it to a person, say what the person found.

specs/06-requests.md §6. The details open only with a quorum's proof of the hub's decision, are
shown beside our own record, and are deleted with the answer.
"""

from dataclasses import dataclass, replace
from typing import Literal

import nacl.exceptions
import nacl.secret

from node.alarms import AlarmCode, raise_alarm
from node.membership.hub import HubMembership
from node.membership.proofs import logged_decision, verify_logged
from node.publishing.narrowing import all_seen_by
from node.requests.facts import opened_facts, proven_key
from node.requests.grounds import Ground, covers
from node.requests.reasons import check_code
from node.requests.sealed import named_part, open_part
from node.store.checks import ReceivedCheck, ReceivedCheckState
from node.store.links import Link
from node.store.outbox import Outgoing
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.messages.review import (
    IdentityAnswerBody,
    IdentityCheckBody,
    IdentityDecisionBody,
    IdentityRequestBody,
)
from protocol.messages.statement import Statement
from protocol.requests.decide import HolderFacts, Refuse, decide_holder
from protocol.requests.refusals import RefusalCode
from protocol.requests.sealing import IdentityDetails, SealedCheck, details_key
from protocol.wire import Delivery, parse_wire

Found = Literal["same", "not_same", "cannot_say"]


@dataclass(frozen=True)
class Comparison:
    """What a person found who looked at both records, or why nothing is said."""

    check_id: str
    practitioner: int
    found: Found = "cannot_say"
    refusal: RefusalCode | None = None


@dataclass(frozen=True)
class Answer:
    """What is said to the other agency: what was found, or a refusal's code, and by whom."""

    said: Literal["same", "not_same", "cannot_say", "refused"]
    code: RefusalCode | None
    person: str | None


class IdentityAnswering:
    """The answering side of identity checks at one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    def on_request(self, tables: NodeTables, statement: Statement[IdentityRequestBody]) -> None:
        """Keep what the other agency asked the hub; it says why, and nothing of the client."""
        body, hub_id = statement.body, self._membership.hub.hub_id
        if statement.preamble.aud != hub_id:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "an identity request goes to the hub")
        if self._get(tables, body.check_id) is not None:
            raise RemoteError(ErrorCode.REPLAYED, "a check with that id was already received")
        check = ReceivedCheck(
            hub_id=hub_id,
            check_id=body.check_id,
            statement_id=statement.id,
            requester=statement.preamble.sender,
            link_id=body.link_id,
            role=body.practitioner.role,
            purpose=body.purpose,
            basis=body.basis,
            facts=body.model_dump(mode="json"),
            expires=body.expires,
            received_at=self._membership.env.clock(),
        )
        tables.received_checks.add(check)

    def on_decision(
        self, tables: NodeTables, statement: Statement[IdentityDecisionBody], delivery: Delivery
    ) -> None:
        """Keep the hub's decision with its place in the log: the proof must be of this one."""
        body = statement.body
        check = self._get(tables, body.check_id)
        allowed = body.outcome != "refuse" and body.holder == self._membership.hub.party_id
        if check is None or check.statement_id != body.request or not allowed:
            raise RemoteError(ErrorCode.NOT_FOUND, "no decision that sends us anything")
        decision = logged_decision(statement, delivery)
        tables.received_checks.change(check, replace(check, decision=decision))

    def on_check(
        self, tables: NodeTables, statement: Statement[IdentityCheckBody], delivery: Delivery
    ) -> None:
        """Check the proof, decide, and open the details for a person; or refuse."""
        body, sender = statement.body, statement.preamble.sender
        check = self._get(tables, body.check_id)
        arrived = check is not None and check.state is ReceivedCheckState.ARRIVED
        if check is None or check.requester != sender or not arrived:
            raise RemoteError(ErrorCode.NOT_FOUND, "details without a request before them")
        if check.decision is None or body.decision != check.decision.id:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "no decision we know of lets these come")
        if delivery.sealed is None or delivery.proof is None:
            raise RemoteError(ErrorCode.NO_QUORUM, "details without a proof stay closed")
        place = (check.decision.index, check.decision.salt)
        charter, proof = self._membership.charter, from_base64(delivery.proof)
        verify_logged(charter, proof, place, check.decision.envelope)
        sealed = named_part(delivery.sealed, body.sealed_hash)
        taken = replace(check, check_statement=statement.id)
        tables.received_checks.change(check, taken)
        self._take(tables, taken, statement, sealed)

    def answer(self, tables: NodeTables, comparison: Comparison) -> None:
        """A person answers. Raises LocalError; what may not be shared is refused, whoever asks."""
        check_code(comparison.refusal)
        check = self._get(tables, comparison.check_id)
        if check is None or check.state is not ReceivedCheckState.ASKS_PERSON:
            raise LocalError(ErrorCode.NOT_FOUND, "no identity check with that id waits for you")
        if check.expires <= self._membership.env.clock():
            raise LocalError(ErrorCode.TOO_LATE, "the identity check has expired")
        person = tables.people.id_at(
            check.hub_id, comparison.practitioner, self._membership.env.new_id()
        )
        link = tables.links.get(check.hub_id, check.link_id)
        limit = decide_holder(self._facts(tables, link, check, proven=True))
        refusal = limit.code if isinstance(limit, Refuse) else comparison.refusal
        said = "refused" if refusal else comparison.found
        self._say(tables, check, Answer(said, refusal, person))

    def on_answer_failed(
        self, tables: NodeTables, statement: Statement[WireModel], _error: RemoteError
    ) -> None:
        """The hub did not take our answer: link or time has ended."""
        check = self._get(tables, statement.expect(IdentityAnswerBody).body.check_id)
        if check is not None:
            tables.received_checks.change(check, replace(check, state=ReceivedCheckState.STOPPED))

    def forget_expired(self, tables: NodeTables) -> None:
        """Delete the details of checks that nobody answered in time, and tell a person who asked
        the hub about our clients and never sent any.
        """
        hub_id, now = self._membership.hub.hub_id, self._membership.env.clock()
        for check in tables.received_checks.late(hub_id, now):
            if check.state is ReceivedCheckState.ARRIVED and check.decision is not None:
                code = AlarmCode.IDENTITY_UNSENT
                raise_alarm(tables, hub_id, code, now, place=check.requester)
        tables.received_checks.expire(hub_id, now)

    def _facts(
        self, tables: NodeTables, link: Link | None, check: ReceivedCheck, *, proven: bool
    ) -> HolderFacts:
        """What `decide_holder` goes by: whether to compare is always a person's to say, but that
        nobody overrides an objection for it.
        """
        membership, at = self._membership, self._membership.at()
        client = tables.stubs.client_of(link.hub_id, link.stub_id) if link else None
        member = membership.directory.member(check.requester)
        member_class = member.body.member_class if member else ""
        works = tables.records.in_force(client.id, at) if client is not None else []
        seen = all_seen_by(tables, membership.agreement, works, member_class)
        objects = (
            client is not None and tables.objections.newest(client.id, member_class) is not None
        )
        ground = Ground(check.basis, check.purpose, member_class)
        return HolderFacts(
            permission_in_force=bool(seen),
            objection=objects,
            link_proven=proven,
            earlier_requests_from_requester=0,
            rule="ask",
            consent_covers=covers(tables, membership, seen, ground),
        )

    def _take(
        self,
        tables: NodeTables,
        check: ReceivedCheck,
        statement: Statement[IdentityCheckBody],
        sealed: bytes,
    ) -> None:
        """Open the details for a person, or refuse."""
        body, link = statement.body, tables.links.get(check.hub_id, check.link_id)
        key, proof = b"", body.link_proof
        if link is not None:
            key = proven_key(tables, self._membership, link.stub_id, proof, body.check_id)
        limit = decide_holder(self._facts(tables, link, check, proven=bool(key)))
        if isinstance(limit, Refuse):
            self._say(tables, check, Answer("refused", limit.code, None))
            return
        outer = open_part(self._membership, statement, body.check_id, sealed, SealedCheck)
        request = IdentityRequestBody.model_validate(check.facts)
        facts = opened_facts(self._membership, request, outer.openings)
        details = _unbox(details_key(key, body.check_id), from_base64(outer.details))
        if details.check_id != body.check_id:
            raise RemoteError(ErrorCode.NOT_OPENED, "the details are of another check")
        after = replace(
            check,
            state=ReceivedCheckState.ASKS_PERSON,
            practitioner=outer.practitioner,
            facts=facts,
            details=details,
        )
        tables.received_checks.change(check, after)

    def _say(self, tables: NodeTables, check: ReceivedCheck, answer: Answer) -> None:
        """Put an answer into the outbox; the details go with it."""
        code = answer.code.value if answer.code else None
        body = IdentityAnswerBody(
            check_id=check.check_id,
            check=check.check_statement or "",
            answer=answer.said,
            code=code,
            decided_by=answer.person,
        )
        refused = answer.said == "refused"
        after = replace(
            check,
            state=ReceivedCheckState.REFUSED if refused else ReceivedCheckState.ANSWERED,
            answer=answer.said,
            code=code,
            details=None,
            facts={},
        )
        tables.received_checks.change(check, after)
        tables.outbox.enqueue(Outgoing(check.hub_id, check.requester, body))

    def _get(self, tables: NodeTables, check_id: str) -> ReceivedCheck | None:
        return tables.received_checks.get(self._membership.hub.hub_id, check_id)


def _unbox(key: bytes, data: bytes) -> IdentityDetails:
    """The details in the inner box. Raises RemoteError."""
    try:
        opened = nacl.secret.SecretBox(key).decrypt(data)
    except (nacl.exceptions.CryptoError, ValueError):
        raise RemoteError(ErrorCode.NOT_OPENED, "locked by a value that we do not hold") from None
    return parse_wire(IdentityDetails, opened)
