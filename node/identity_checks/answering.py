"""Answering an identity check: prove, open, show it to a person, say what the person found.

specs/06-requests.md §6. The details open only with a quorum's proof of the hub's decision, are
shown beside our own record, and are deleted with the answer.
"""

import json
from dataclasses import dataclass
from typing import Literal

import nacl.exceptions
import nacl.secret

from node.membership.hub import HubMembership
from node.membership.proofs import verify_logged
from node.requests.proofs import opened_facts, proven_key
from node.requests.sealed import named_part, open_part
from node.store.tables import NodeTables, Outgoing
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
from storage.engine import Row

Found = Literal["same", "not_same", "cannot_say"]


@dataclass(frozen=True)
class Comparison:
    """What a person found who looked at both records, or why nothing is said."""

    check_id: str
    practitioner: int
    found: Found = "cannot_say"
    refusal: RefusalCode | None = None


class IdentityAnswering:
    """The answering side of identity checks at one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership

    def on_request(self, tables: NodeTables, statement: Statement[IdentityRequestBody]) -> None:
        """Keep what the other agency asked the hub; it says why, and nothing of the client."""
        body = statement.body
        if statement.preamble.aud != self._membership.hub.hub_id:
            raise RemoteError(ErrorCode.WRONG_RECIPIENT, "an identity request goes to the hub")
        tables.insert(
            "received_check",
            {
                "hub_id": self._membership.hub.hub_id,
                "check_id": body.check_id,
                "statement_id": statement.id,
                "requester": statement.preamble.sender,
                "link_id": body.link_id,
                "role": body.practitioner.role,
                "purpose": body.purpose,
                "basis": body.basis,
                "facts": json.dumps(body.model_dump(mode="json")),
                "expires": body.expires,
                "received_at": self._membership.env.clock(),
                "state": "arrived",
            },
        )

    def on_decision(
        self, tables: NodeTables, statement: Statement[IdentityDecisionBody], delivery: Delivery
    ) -> None:
        """Keep the hub's decision with its place in the log: the proof must be of this one."""
        body = statement.body
        row = self._row(tables, body.check_id)
        allowed = body.outcome != "refuse" and body.holder == self._membership.hub.party_id
        if row is None or row["statement_id"] != body.request or not allowed:
            raise RemoteError(ErrorCode.NOT_FOUND, "no decision that sends us anything")
        tables.tx.run(
            "UPDATE received_check SET decision_id = ?, decision_index = ?, decision_salt = ?, "
            "decision_envelope = ? WHERE hub_id = ? AND check_id = ?",
            statement.id, delivery.index, delivery.salt, statement.envelope.encode(),
            row["hub_id"], row["check_id"],
        )  # fmt: skip

    def on_check(
        self, tables: NodeTables, statement: Statement[IdentityCheckBody], delivery: Delivery
    ) -> None:
        """Check the proof, decide, and open the details for a person; or refuse."""
        body, sender = statement.body, statement.preamble.sender
        row = self._row(tables, body.check_id)
        if row is None or row["requester"] != sender or row["state"] != "arrived":
            raise RemoteError(ErrorCode.NOT_FOUND, "details without a request before them")
        if row["decision_id"] is None or body.decision != row["decision_id"]:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "no decision we know of lets these come")
        if delivery.sealed is None or delivery.proof is None:
            raise RemoteError(ErrorCode.NO_QUORUM, "details without a proof stay closed")
        place = (row["decision_index"], row["decision_salt"])
        charter, proof = self._membership.charter, from_base64(delivery.proof)
        verify_logged(charter, proof, place, row["decision_envelope"])
        sealed = named_part(delivery.sealed, body.sealed_hash)
        tables.tx.run(
            "UPDATE received_check SET check_statement = ? WHERE hub_id = ? AND check_id = ?",
            statement.id, row["hub_id"], row["check_id"],
        )  # fmt: skip
        link = tables.link(row["hub_id"], row["link_id"])
        key = (
            proven_key(tables, self._membership, link["stub_id"], body.link_proof, body.check_id)
            if link
            else None
        )
        limit = decide_holder(self._facts(tables, row, proven=key is not None))
        if isinstance(limit, Refuse) or key is None:
            code = limit.code if isinstance(limit, Refuse) else RefusalCode.LINK_NOT_PROVEN
            self._say(tables, row["check_id"], "refused", code)
            return
        self._open(tables, (row, statement), sealed, key)

    def answer(self, tables: NodeTables, comparison: Comparison) -> None:
        """A person answers. Raises LocalError; what may not be shared is refused, whoever asks."""
        row = self._row(tables, comparison.check_id)
        if row is None or row["state"] != "asks_person":
            raise LocalError(ErrorCode.NOT_FOUND, "no identity check of that id waits for you")
        if row["expires"] <= self._membership.env.clock():
            raise LocalError(ErrorCode.TOO_LATE, "the identity check has expired")
        person = tables.practitioner_id(
            row["hub_id"], comparison.practitioner, self._membership.env.new_id()
        )
        limit = decide_holder(self._facts(tables, row, proven=True))
        refusal = limit.code if isinstance(limit, Refuse) else comparison.refusal
        said = "refused" if refusal else comparison.found
        self._say(tables, row["check_id"], said, refusal, person)

    def on_answer_failed(
        self, tables: NodeTables, statement: Statement[WireModel], _error: RemoteError
    ) -> None:
        """The hub did not take our answer: link or time has ended."""
        body = statement.expect(IdentityAnswerBody).body
        self._finish(tables, body.check_id, "stopped")

    def forget_expired(self, tables: NodeTables) -> None:
        """Delete the details of checks that nobody answered in time."""
        tables.tx.run(
            "UPDATE received_check SET details = NULL, state = 'expired' "
            "WHERE hub_id = ? AND state = 'asks_person' AND expires <= ?",
            self._membership.hub.hub_id, self._membership.env.clock(),
        )  # fmt: skip

    def _facts(self, tables: NodeTables, row: Row, *, proven: bool) -> HolderFacts:
        """What `decide_holder` goes by: whether to compare is always a person's to say."""
        hub_id, now = row["hub_id"], self._membership.env.clock()
        link = tables.link(hub_id, row["link_id"])
        client = tables.client_of_stub(hub_id, link["stub_id"]) if link else None
        in_force = client is not None and bool(tables.in_force(client["id"], now))
        return HolderFacts(
            permission_in_force=in_force,
            objection=False,
            link_proven=proven,
            earlier_requests_from_requester=0,
            rule="ask",
        )

    def _open(
        self,
        tables: NodeTables,
        asked: tuple[Row, Statement[IdentityCheckBody]],
        sealed: bytes,
        key: bytes,
    ) -> None:
        membership, (row, statement) = self._membership, asked
        body = statement.body
        outer = open_part(membership, statement, body.check_id, sealed, SealedCheck)
        request = IdentityRequestBody.model_validate(json.loads(row["facts"]))
        facts = opened_facts(membership, request, outer.openings)
        details = _unbox(details_key(key, body.check_id), from_base64(outer.details))
        if details.check_id != body.check_id:
            raise RemoteError(ErrorCode.NOT_OPENED, "the details are of another check")
        tables.tx.run(
            "UPDATE received_check SET state = 'asks_person', practitioner = ?, facts = ?, "
            "details = ? WHERE hub_id = ? AND check_id = ?",
            outer.practitioner, json.dumps(facts), json.dumps(details.model_dump()),
            row["hub_id"], row["check_id"],
        )  # fmt: skip

    def _say(
        self,
        tables: NodeTables,
        check_id: str,
        said: Literal["same", "not_same", "cannot_say", "refused"],
        code: RefusalCode | None = None,
        person: str | None = None,
    ) -> None:
        row = self._row(tables, check_id)
        if row is None or row["check_statement"] is None:
            return
        body = IdentityAnswerBody(
            check_id=check_id,
            check=row["check_statement"],
            answer=said,
            code=code.value if code else None,
            decided_by=person,
        )
        tables.tx.run(
            "UPDATE received_check SET answer = ?, code = ? WHERE hub_id = ? AND check_id = ?",
            said, body.code, row["hub_id"], check_id,
        )  # fmt: skip
        self._finish(tables, check_id, "refused" if said == "refused" else "answered")
        tables.enqueue(Outgoing(row["hub_id"], row["requester"], body))

    def _finish(self, tables: NodeTables, check_id: str, state: str) -> None:
        tables.tx.run(
            "UPDATE received_check SET state = ?, details = NULL, facts = '{}' "
            "WHERE hub_id = ? AND check_id = ?",
            state, self._membership.hub.hub_id, check_id,
        )  # fmt: skip

    def _row(self, tables: NodeTables, check_id: str) -> Row | None:
        sql = "SELECT * FROM received_check WHERE hub_id = ? AND check_id = ?"
        return tables.tx.one(sql, self._membership.hub.hub_id, check_id)


def _unbox(key: bytes, data: bytes) -> IdentityDetails:
    """The details in the inner box. Raises RemoteError."""
    try:
        opened = nacl.secret.SecretBox(key).decrypt(data)
    except (nacl.exceptions.CryptoError, ValueError):
        raise RemoteError(ErrorCode.NOT_OPENED, "locked by a value that we do not hold") from None
    return parse_wire(IdentityDetails, opened)
