"""Answering: requests from others, and our decisions on them (specs/06-requests.md §2).

`decide_holder` decides from our own facts; a person decides what it refers. What was allowed leaves
by node/requests/releasing.py.
"""

import json
from dataclasses import dataclass

import structlog

from node.config import NodeSettings
from node.links.review import denied_by_us
from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.requests.proofs import opened_facts, proven_key
from node.requests.sealed import named_part, open_part
from node.store.tables import NodeTables, Outgoing
from protocol import canonical
from protocol.commitments import commit
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel
from protocol.messages.bodies import DecisionBody, HubDecisionBody, ReceiptBody, RequestBody
from protocol.messages.parts import LinkProof
from protocol.messages.statement import Statement
from protocol.requests.decide import (
    Allow,
    Decision,
    HolderFacts,
    Refer,
    Refuse,
    allows_break_glass,
    decide_holder,
    stricter,
)
from protocol.requests.refusals import RefusalCode
from protocol.requests.sealing import SealedRequest
from protocol.wire import Delivery
from storage.engine import Row

log = structlog.get_logger()


@dataclass(frozen=True)
class Answer:
    """A person's answer: allow, or refuse with a code. `practitioner` is who decided."""

    request_id: str
    practitioner: int
    refusal: RefusalCode | None = None


class Answering:
    """The answering side of requests at one hub."""

    def __init__(self, membership: HubMembership, settings: NodeSettings) -> None:
        self._membership = membership
        self._settings = settings

    def on_request(
        self, tables: NodeTables, statement: Statement[RequestBody], delivery: Delivery
    ) -> None:
        """Open and keep a request; it waits for the hub's decision on it."""
        membership, body = self._membership, statement.body
        if delivery.sealed is None:
            raise RemoteError(ErrorCode.MALFORMED, "a request comes with its sealed part")
        sealed = named_part(delivery.sealed, body.sealed_hash)
        opened = open_part(membership, statement, body.request_id, sealed, SealedRequest)
        facts = opened_facts(membership, body, opened.openings)
        involvement = tables.tx.one(
            "SELECT involvement FROM stub_involvement WHERE hub_id = ? AND involvement_id = ?",
            membership.hub.hub_id, body.involvement_id,
        )  # fmt: skip
        tables.insert(
            "received_request",
            {
                "hub_id": membership.hub.hub_id,
                "request_id": body.request_id,
                "statement_id": statement.id,
                "requester": statement.preamble.sender,
                "link_id": body.link_id,
                "involvement": involvement["involvement"] if involvement else None,
                "purpose": body.purpose,
                "basis": body.basis,
                "facts": json.dumps(facts),
                "practitioner": json.dumps(
                    {"name": opened.practitioner, "role": body.practitioner.role}
                ),
                "link_proof": json.dumps(body.link_proof.model_dump()),
                "expires": body.expires,
                "received_at": membership.env.clock(),
                "state": "arrived",
            },
        )

    def on_hub_decision(self, tables: NodeTables, statement: Statement[HubDecisionBody]) -> None:
        """The hub's part is here: decide ours, or put it to a person."""
        hub_id, body = self._membership.hub.hub_id, statement.body
        if statement.preamble.sender != hub_id or body.outcome == "refuse":
            raise RemoteError(ErrorCode.NOT_ALLOWED, "not a decision of the hub that we act on")
        row = self.received(tables, body.request_id)
        if row is None or row["statement_id"] != body.request:
            raise RemoteError(ErrorCode.NOT_FOUND, "a decision on a request we do not have")
        tables.tx.run(
            "UPDATE received_request SET hub_decision = ?, hub_outcome = ? "
            "WHERE hub_id = ? AND request_id = ?",
            statement.id, body.outcome, hub_id, body.request_id,
        )  # fmt: skip
        hub_part: Decision = Allow() if body.outcome == "allow" else Refer()
        row = {**row, "hub_decision": statement.id}
        decision = stricter(hub_part, decide_holder(self.facts(tables, row)))
        if isinstance(decision, Allow) and self._membership.unaccepted():
            decision = Refer()  # no rule allows under a charter that does not bind us
        if isinstance(decision, Refer):
            self.set_state(tables, body.request_id, "asks_person")
        else:
            self._decide(tables, row, decision, None)

    def answer(self, tables: NodeTables, answer: Answer) -> None:
        """A person answers. Raises LocalError; never more permissive than `decide_holder`."""
        row = self.received(tables, answer.request_id)
        if row is None or row["state"] != "asks_person":
            raise LocalError(ErrorCode.NOT_FOUND, "no request of that id waits for an answer")
        if row["expires"] <= self._membership.env.clock():
            raise LocalError(ErrorCode.TOO_LATE, "the request has expired; they can ask again")
        person: Decision = Refuse(answer.refusal) if answer.refusal else Allow()
        limit = decide_holder(self.facts(tables, row))
        decision = limit if isinstance(limit, Refuse) else person
        practitioner = tables.practitioner_id(
            self._membership.hub.hub_id, answer.practitioner, self._membership.env.new_id()
        )
        self._decide(tables, row, decision, practitioner)

    def on_decision_sent(self, tables: NodeTables, sent: Sent) -> None:
        """Our decision is in the log: keep its place, for the proof."""
        body = sent.statement.expect(DecisionBody).body
        state = "allowed" if body.outcome == "allow" else "refused"
        tables.tx.run(
            "UPDATE received_request SET state = ?, decision_id = ?, decision_index = ?, "
            "decision_salt = ?, decision_envelope = ? WHERE hub_id = ? AND request_id = ?",
            state, sent.statement.id, sent.accepted.index, sent.salt,
            sent.statement.envelope.encode(), self._membership.hub.hub_id, body.request_id,
        )  # fmt: skip

    def on_decision_failed(
        self, tables: NodeTables, statement: Statement[WireModel], _error: RemoteError
    ) -> None:
        """The hub did not take our decision: a person must look at it again."""
        body = statement.expect(DecisionBody).body
        self.set_state(tables, body.request_id, "asks_person")

    def on_receipt(self, tables: NodeTables, statement: Statement[ReceiptBody]) -> None:
        """The card was opened."""
        row = self.received(tables, statement.body.request_id)
        if row is None or row["requester"] != statement.preamble.sender:
            raise RemoteError(ErrorCode.NOT_FOUND, "a receipt for nothing we released to them")
        if row["state"] != "recalled":
            self.set_state(tables, statement.body.request_id, "opened")

    def _decide(
        self, tables: NodeTables, row: Row, decision: Decision, practitioner_id: str | None
    ) -> None:
        refusal = decision if isinstance(decision, Refuse) else None
        facts: canonical.JsonValue = {
            "rule": self._rule(row["basis"]),
            "decided_by_person": practitioner_id is not None,
        }
        body = DecisionBody(
            request=row["statement_id"],
            request_id=row["request_id"],
            hub_decision=row["hub_decision"],
            outcome="refuse" if refusal else "allow",
            code=refusal.code.value if refusal else None,
            decided_by=practitioner_id,
            facts_commitment=commit(self._membership.env.random(32), facts),
        )
        self.set_state(tables, row["request_id"], "deciding")
        tables.enqueue(Outgoing(row["hub_id"], row["requester"], body))

    def facts(self, tables: NodeTables, row: Row) -> HolderFacts:
        """What `decide_holder` goes by for a received request, as things are now."""
        now = self._membership.env.clock()
        involvement = tables.tx.one("SELECT * FROM involvement WHERE id = ?", row["involvement"])
        in_force = involvement is not None and any(
            item["id"] == involvement["id"] for item in tables.in_force(involvement["client"], now)
        )
        earlier = tables.tx.one(
            "SELECT COUNT(*) AS n FROM received_request "
            "WHERE hub_id = ? AND requester = ? AND state IN ('released', 'opened')",
            row["hub_id"], row["requester"],
        )  # fmt: skip
        return HolderFacts(
            permission_in_force=in_force,
            objection=False,
            link_proven=self._link_proven(tables, row),
            earlier_requests_from_requester=earlier["n"] if earlier else 0,
            rule=self._rule(row["basis"]),
            doubted=denied_by_us(tables, row["hub_id"], row["link_id"]),
        )

    def _rule(self, basis: str) -> str:
        """By which rule a request is decided: one that may do without witnesses, by a person."""
        if allows_break_glass(self._membership.charter.lawful_basis(basis)):
            return "ask"
        return self._settings.answer_rule

    def _link_proven(self, tables: NodeTables, row: Row) -> bool:
        """Whether the asker proved to hold a value that we hold too, on the link we know, and
        asks for an involvement of that very client.
        """
        membership = self._membership
        link = tables.link(row["hub_id"], row["link_id"])
        proof = LinkProof.model_validate(json.loads(row["link_proof"]))
        if link is None or link["agency_id"] != row["requester"]:
            return False
        if link["state"] != "match" and not denied_by_us(tables, row["hub_id"], row["link_id"]):
            return False
        client = tables.client_of_stub(row["hub_id"], link["stub_id"])
        involvement = tables.tx.one("SELECT * FROM involvement WHERE id = ?", row["involvement"])
        if client is None or involvement is None or involvement["client"] != client["id"]:
            return False
        return proven_key(tables, membership, link["stub_id"], proof, row["request_id"]) is not None

    def received(self, tables: NodeTables, request_id: str) -> Row | None:
        """The row of a request that came to us."""
        return tables.tx.one(
            "SELECT * FROM received_request WHERE hub_id = ? AND request_id = ?",
            self._membership.hub.hub_id, request_id,
        )  # fmt: skip

    def set_state(self, tables: NodeTables, request_id: str, state: str) -> None:
        """Say how far a received request has come."""
        tables.tx.run(
            "UPDATE received_request SET state = ? WHERE hub_id = ? AND request_id = ?",
            state, self._membership.hub.hub_id, request_id,
        )  # fmt: skip
