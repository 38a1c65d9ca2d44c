"""Asking: request, what comes back, and opening the card (specs/06-requests.md §2).

A card is opened only with a proof, signed by a quorum of witnesses, that the holder's decision is
in the log. Then a receipt goes out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from node.alarms import AlarmCode, raise_alarm
from node.links.review import denied_by_us, latest_publication
from node.links.secrets import evidence_secret
from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.membership.proofs import verify_logged
from node.requests.proofs import practitioner_name, request_facts
from node.requests.sealed import Recipient, named_part, open_part, seal_for
from node.store.tables import NodeTables, Outgoing
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.messages.bodies import DecisionBody, ReceiptBody, ReleaseBody, RequestBody
from protocol.messages.log import ProvisionalBody
from protocol.messages.parts import LinkProof, RequestPins, RequestPractitioner
from protocol.messages.statement import Statement
from protocol.requests.sealing import ContactCard, SealedRequest
from protocol.tokens import link_proof
from protocol.wire import Delivery
from storage.engine import Row

DAY = 86_400
Card = Statement[ReleaseBody] | Statement[ProvisionalBody]
"""What a card comes with: under a quorum, or without one."""


@dataclass(frozen=True)
class ContactRequest:
    """What a practitioner wants to ask: about whom, through which involvement, on what basis.

    `facts` are in the clear, as typed; those that the charter marks `committed` leave only sealed.
    """

    local_id: str
    involvement_id: str
    practitioner: int
    role: str
    purpose: str
    basis: str
    facts: Mapping[str, str]
    days: int = 7


class Asking:
    """The asking side of requests at one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    def ask(self, tables: NodeTables, question: ContactRequest) -> str:
        """Put a request into the outbox; its id. Raises LocalError or RemoteError.

        Whether it may be asked is the hub's decision, so that refusals are logged too: nothing
        is held back here that the hub would refuse.
        """
        membership = self._membership
        membership.check_bound()
        hub_id, now = membership.hub.hub_id, membership.env.clock()
        client, link = self._link(tables, question)
        request_id = membership.env.new_id()
        holder = str(link["agency_id"])
        name = practitioner_name(tables, question.practitioner)
        facts, openings = request_facts(membership, question.basis, question.facts)
        recipient = Recipient("request", holder, request_id)
        plain = SealedRequest(practitioner=name, openings=openings)
        sealed = seal_for(membership, recipient, plain)
        evidence, secret = evidence_secret(tables, membership, link)
        charter = membership.charter
        proof = link_proof(
            secret, charter.charter_id, evidence.epoch, evidence.match_key_id, request_id
        )
        body = RequestBody(
            request_id=request_id,
            link_id=link["link_id"],
            stub_id=link["stub_id"],
            involvement_id=question.involvement_id,
            practitioner=RequestPractitioner(
                id=tables.practitioner_id(hub_id, question.practitioner, membership.env.new_id()),
                role=question.role,
            ),
            purpose=question.purpose,
            basis=question.basis,
            facts=facts,
            needed_by=now + question.days * DAY,
            expires=now + question.days * DAY,
            pins=self._pins(tables, link),
            link_proof=LinkProof(
                match_key_id=evidence.match_key_id, epoch=evidence.epoch, proof=proof.hex()
            ),
            sealed_hash=sealed.hash,
        )
        tables.insert(
            "sent_request",
            {
                "hub_id": hub_id,
                "request_id": request_id,
                "client": client,
                "holder": holder,
                "link_id": link["link_id"],
                "asked_at": now,
                "expires": body.expires,
                "state": "sending",
            },
        )
        tables.enqueue(Outgoing(hub_id, holder, body, sealed=sealed.data))
        return request_id

    def on_request_sent(self, tables: NodeTables, sent: Sent) -> None:
        """Take the hub's decision on our request."""
        body = sent.statement.expect(RequestBody).body
        if sent.decision is None or sent.decision.body.request != sent.statement.id:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "the hub decided another request")
        decision = sent.decision.body
        refused = decision.outcome == "refuse"
        tables.tx.run(
            "UPDATE sent_request SET statement_id = ?, state = ?, code = ?, field = ? "
            "WHERE hub_id = ? AND request_id = ?",
            sent.statement.id, "refused" if refused else "waiting", decision.code, decision.field,
            self._membership.hub.hub_id, body.request_id,
        )  # fmt: skip

    def on_request_failed(
        self, tables: NodeTables, statement: Statement[WireModel], error: RemoteError
    ) -> None:
        """The hub did not take the request at all."""
        body = statement.expect(RequestBody).body
        tables.tx.run(
            "UPDATE sent_request SET state = 'failed', code = ? "
            "WHERE hub_id = ? AND request_id = ?",
            error.code.value, self._membership.hub.hub_id, body.request_id,
        )  # fmt: skip

    def on_decision(
        self, tables: NodeTables, statement: Statement[DecisionBody], delivery: Delivery
    ) -> None:
        """The holder decided: keep the decision with its place in the log."""
        row = self._sent(tables, statement.body.request_id, statement.preamble.sender)
        body = statement.body
        if body.request != row["statement_id"]:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "decision is on another request")
        state = {"allow": "allowed", "refer": "waiting", "refuse": "refused"}[body.outcome]
        tables.tx.run(
            "UPDATE sent_request SET state = ?, code = ?, decision_id = ?, decision_index = ?, "
            "decision_salt = ?, decision_envelope = ? WHERE hub_id = ? AND request_id = ?",
            state, body.code, statement.id, delivery.index, delivery.salt,
            statement.envelope.encode(), row["hub_id"], row["request_id"],
        )  # fmt: skip

    def on_release(
        self, tables: NodeTables, statement: Statement[ReleaseBody], delivery: Delivery
    ) -> None:
        """Check the proof of the decision, open the card, and send a receipt."""
        row = self.allowed(tables, statement)
        if row is None:
            return
        if delivery.proof is None:
            raise RemoteError(ErrorCode.NO_QUORUM, "a release without a proof stays closed")
        place = (row["decision_index"], row["decision_salt"])
        proof = from_base64(delivery.proof)
        verify_logged(self._membership.charter, proof, place, row["decision_envelope"])
        self.open_card(tables, row, statement, delivery)

    def allowed(self, tables: NodeTables, statement: Card) -> Row | None:
        """Our request that this card answers, by the holder's decision; None if it is open."""
        body = statement.body
        row = self._sent(tables, body.request_id, statement.preamble.sender)
        if row["state"] == "opened":
            return None
        if row["state"] != "allowed" or body.decision != row["decision_id"]:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "no decision we know of allows this release")
        return row

    def open_card(
        self,
        tables: NodeTables,
        row: Row,
        statement: Card,
        delivery: Delivery,
    ) -> None:
        """Open the card that a statement names, keep it, and send a receipt."""
        body, hub_id = statement.body, row["hub_id"]
        if delivery.sealed is None:
            raise RemoteError(ErrorCode.NOT_OPENED, "a release comes with its card")
        sealed = named_part(delivery.sealed, body.sealed_hash)
        card = open_part(self._membership, statement, body.request_id, sealed, ContactCard)
        tables.tx.run(
            "UPDATE sent_request SET state = 'opened', card = ?, release_id = ? "
            "WHERE hub_id = ? AND request_id = ?",
            json.dumps(card.model_dump()), statement.id, hub_id, body.request_id,
        )  # fmt: skip
        receipt = ReceiptBody(
            request_id=body.request_id, release=statement.id, sealed_hash=body.sealed_hash
        )
        tables.enqueue(Outgoing(hub_id, statement.preamble.sender, receipt))

    def on_closed(self, tables: NodeTables, statement: Statement[Any]) -> None:
        """A card by the holder of our request was set aside: nothing else will come, so tell."""
        body, sender = statement.body, statement.preamble.sender
        if not isinstance(body, ReleaseBody | ProvisionalBody):
            return
        hub_id = self._membership.hub.hub_id
        closed = tables.tx.run(
            "UPDATE sent_request SET state = 'closed' WHERE hub_id = ? AND request_id = ? "
            "AND holder = ? AND decision_id = ? AND state = 'allowed'",
            hub_id, body.request_id, sender, body.decision,
        )  # fmt: skip
        if closed:
            now = self._membership.env.clock()
            raise_alarm(tables, hub_id, AlarmCode.CARD_CLOSED, now, place=body.request_id)

    def _sent(self, tables: NodeTables, request_id: str, holder: str) -> Row:
        row = tables.tx.one(
            "SELECT * FROM sent_request WHERE hub_id = ? AND request_id = ?",
            self._membership.hub.hub_id, request_id,
        )  # fmt: skip
        if row is None or row["holder"] != holder:
            raise RemoteError(ErrorCode.NOT_FOUND, "we made no such request to them")
        return row

    def _link(self, tables: NodeTables, question: ContactRequest) -> tuple[int, Row]:
        hub_id = self._membership.hub.hub_id
        client = tables.client(question.local_id)
        stub = tables.stub_of(hub_id, client["id"]) if client else None
        if client is None or stub is None:
            raise LocalError(ErrorCode.NOT_READY, "this client is not published; publish first")
        sql = "SELECT * FROM link WHERE hub_id = ? AND stub_id = ? AND agency_id IS NOT NULL"
        for link in tables.tx.rows(sql, hub_id, stub["stub_id"]):
            shown = json.loads(link["involvements"])
            if any(item["id"] == question.involvement_id for item in shown):
                if denied_by_us(tables, hub_id, link["link_id"]):
                    raise LocalError(
                        ErrorCode.NOT_ALLOWED, "your organisation says this is not the same person"
                    )
                return client["id"], link
        raise LocalError(ErrorCode.NOT_FOUND, "nobody of that number is in the client's team")

    def _pins(self, tables: NodeTables, link: Row) -> RequestPins:
        membership = self._membership
        holder = membership.directory.active(str(link["agency_id"]))
        if holder is None:
            raise LocalError(ErrorCode.NOT_READY, "the other organisation has left; sync first")
        return RequestPins(
            round=link["round_id"],
            publication=latest_publication(tables, membership.hub.hub_id),
            requester_membership=membership.me().statement_id,
            holder_membership=holder.statement_id,
            charter=membership.directory.charter_at(None).statement_id,
        )
