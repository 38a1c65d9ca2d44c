"""Asking for an identity check: request, the hub's decision, the sealed details, the answer.

specs/06-requests.md §6. Name, birth date and postcode leave only after the hub's decision is in
the log under a quorum, and in two locks: the other agency's key, and a value that both hold.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import nacl.secret
import structlog

from node.links.review import denied_by_us, latest_publication
from node.links.secrets import secret_for
from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.membership.proofs import verify_logged
from node.oversight.gossip import check_gossip
from node.requests.asking import DAY
from node.requests.proofs import practitioner_name, request_facts
from node.requests.sealed import Recipient, seal_for
from node.store.tables import NodeTables, Outgoing, record_of
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import WireModel, to_base64
from protocol.messages.parts import LinkEvidence, LinkProof, RequestPractitioner
from protocol.messages.review import (
    IdentityAnswerBody,
    IdentityCheckBody,
    IdentityDecisionBody,
    IdentityPins,
    IdentityRequestBody,
)
from protocol.messages.statement import Statement
from protocol.requests.sealing import IdentityDetails, Opening, SealedCheck, details_key
from protocol.tokens import link_key, link_proof
from protocol.wire import Delivery, encode_wire
from storage.engine import Row

log = structlog.get_logger()
TEXT_LIMIT = 200


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

    def ask(self, tables: NodeTables, inquiry: IdentityCheckRequest) -> str:
        """Put an identity request into the outbox; its id. Raises LocalError."""
        membership, hub_id = self._membership, self._membership.hub.hub_id
        link = self._link(tables, inquiry.link_id)
        facts, openings = request_facts(membership, inquiry.basis, inquiry.facts)
        now, check_id = membership.env.clock(), membership.env.new_id()
        name = practitioner_name(tables, inquiry.practitioner)
        person = tables.practitioner_id(hub_id, inquiry.practitioner, membership.env.new_id())
        body = IdentityRequestBody(
            check_id=check_id,
            link_id=link["link_id"],
            stub_id=link["stub_id"],
            practitioner=RequestPractitioner(id=person, role=inquiry.role),
            purpose=inquiry.purpose,
            basis=inquiry.basis,
            facts=facts,
            needed_by=now + inquiry.days * DAY,
            expires=now + inquiry.days * DAY,
            pins=IdentityPins(
                round=link["round_id"],
                publication=latest_publication(tables, hub_id),
                requester_membership=membership.me().statement_id,
                charter=membership.directory.charter_at(None).statement_id,
            ),
        )
        tables.insert(
            "sent_check",
            {
                "hub_id": hub_id,
                "check_id": check_id,
                "link_id": link["link_id"],
                "practitioner": name,
                "openings": json.dumps({key: item.model_dump() for key, item in openings.items()}),
                "asked_at": now,
                "expires": body.expires,
                "state": "sending",
            },
        )
        tables.enqueue(Outgoing(hub_id, hub_id, body))
        return check_id

    def on_request_sent(self, tables: NodeTables, sent: Sent) -> None:
        """The hub has logged our request; its decision comes by mail, with its place in the log."""
        body = sent.statement.expect(IdentityRequestBody).body
        tables.tx.run(
            "UPDATE sent_check SET statement_id = ?, state = 'waiting' "
            "WHERE hub_id = ? AND check_id = ? AND state = 'sending'",
            sent.statement.id, self._membership.hub.hub_id, body.check_id,
        )  # fmt: skip

    def on_failed(
        self, tables: NodeTables, statement: Statement[WireModel], error: RemoteError
    ) -> None:
        """The hub did not take the request or the check."""
        check_id = getattr(statement.body, "check_id", "")
        tables.tx.run(
            "UPDATE sent_check SET state = 'failed', code = ?, openings = NULL "
            "WHERE hub_id = ? AND check_id = ?",
            error.code.value, self._membership.hub.hub_id, check_id,
        )  # fmt: skip

    def on_decision(
        self, tables: NodeTables, statement: Statement[IdentityDecisionBody], delivery: Delivery
    ) -> None:
        """The hub decided: keep the decision with its place in the log."""
        hub_id, body = self._membership.hub.hub_id, statement.body
        row = self._row(tables, body.check_id)
        if row is None or row["statement_id"] not in {None, body.request}:
            raise RemoteError(ErrorCode.NOT_FOUND, "a decision on a check we did not ask for")
        refused = body.outcome == "refuse" or body.holder is None or body.evidence is None
        tables.tx.run(
            "UPDATE sent_check SET statement_id = ?, state = ?, code = ?, field = ?, holder = ?, "
            "evidence = ?, decision_id = ?, decision_index = ?, decision_salt = ?, "
            "decision_envelope = ? WHERE hub_id = ? AND check_id = ?",
            body.request, "refused" if refused else "allowed", body.code, body.field, body.holder,
            json.dumps(body.evidence.model_dump()) if body.evidence else None, statement.id,
            delivery.index, delivery.salt, statement.envelope.encode(), hub_id, body.check_id,
        )  # fmt: skip

    async def send_allowed(self) -> int:
        """Send the details of every check whose decision is under a quorum; how many."""
        membership = self._membership
        sql = "SELECT * FROM sent_check WHERE hub_id = ? AND state = 'allowed'"
        rows = await membership.engine.read(
            lambda tables: tables.tx.rows(sql, membership.hub.hub_id)
        )
        sent = 0
        for row in rows:
            try:
                url = f"{membership.hub.url}/v1/proofs/{row['decision_index']}?wait=10"
                proof = await membership.http.get(url)
                place = (row["decision_index"], row["decision_salt"])
                verify_logged(membership.charter, proof, place, row["decision_envelope"])
                await check_gossip(membership, proof)
            except RemoteError as error:
                # The details stay here until there is a proof that holds.
                log.warning("check_waits", code=error.code.value)
                continue
            sent += await self._send(row, proof)
        return sent

    def on_answer(self, tables: NodeTables, statement: Statement[IdentityAnswerBody]) -> None:
        """The other agency answered. Our own verdict is still ours to give."""
        body = statement.body
        row = self._row(tables, body.check_id)
        if row is None or (row["holder"], row["sent_id"]) != (
            statement.preamble.sender,
            body.check,
        ):
            raise RemoteError(ErrorCode.NOT_FOUND, "an answer to no check of ours")
        tables.tx.run(
            "UPDATE sent_check SET state = 'answered', answer = ?, code = ? "
            "WHERE hub_id = ? AND check_id = ?",
            body.answer, body.code, self._membership.hub.hub_id, body.check_id,
        )  # fmt: skip

    def on_check_sent(self, tables: NodeTables, sent: Sent) -> None:
        """The details are with the other agency."""
        body = sent.statement.expect(IdentityCheckBody).body
        tables.tx.run(
            "UPDATE sent_check SET sent_id = ?, state = 'compared', openings = NULL "
            "WHERE hub_id = ? AND check_id = ?",
            sent.statement.id, self._membership.hub.hub_id, body.check_id,
        )  # fmt: skip

    def forget_expired(self, tables: NodeTables) -> None:
        """Give up what nobody decided or answered in time."""
        tables.tx.run(
            "UPDATE sent_check SET openings = NULL, state = 'expired' "
            "WHERE hub_id = ? AND expires <= ? "
            "AND state IN ('sending', 'waiting', 'allowed', 'sending_details', 'compared')",
            self._membership.hub.hub_id, self._membership.env.clock(),
        )  # fmt: skip

    async def _send(self, row: Row, proof: bytes) -> bool:
        """Put the details of one check into the outbox, unless the link has ended meanwhile."""

        def work(tables: NodeTables) -> bool:
            current = self._row(tables, row["check_id"])
            if current is None or current["state"] != "allowed":
                return False
            try:
                self._enqueue(tables, row, proof)
            except (LocalError, RemoteError) as error:
                log.warning("check_stopped", code=error.code.value)
                self._set_state(tables, row["check_id"], "stopped")
                return False
            self._set_state(tables, row["check_id"], "sending_details")
            return True

        return await self._membership.engine.write(work)

    def _enqueue(self, tables: NodeTables, row: Row, proof: bytes) -> None:
        membership, check_id = self._membership, row["check_id"]
        link = self._link(tables, row["link_id"])
        evidence = LinkEvidence.model_validate(json.loads(row["evidence"]))
        scope = (membership.hub.hub_id, evidence.epoch, evidence.match_key_id)
        secret = secret_for(tables, membership, link["stub_id"], evidence)
        box = nacl.secret.SecretBox(details_key(link_key(secret, *scope), check_id))
        nonce = membership.env.random(box.NONCE_SIZE)
        details = bytes(box.encrypt(encode_wire(self._details(tables, link, check_id)), nonce))
        openings = json.loads(row["openings"])
        plaintext = SealedCheck(
            practitioner=row["practitioner"],
            openings={key: Opening.model_validate(item) for key, item in openings.items()},
            details=to_base64(details),
        )
        recipient = Recipient("identity_check", row["holder"], check_id)
        sealed = seal_for(membership, recipient, plaintext)
        body = IdentityCheckBody(
            check_id=check_id,
            decision=row["decision_id"],
            link_proof=LinkProof(
                match_key_id=evidence.match_key_id,
                epoch=evidence.epoch,
                proof=link_proof(secret, *scope, check_id).hex(),
            ),
            seal_key=sealed.seal_key,
            sealed_hash=sealed.hash,
            tree_size=membership.view.size,
        )
        tables.enqueue(Outgoing(row["hub_id"], row["holder"], body, sealed.data, proof))

    def _details(self, tables: NodeTables, link: Row, check_id: str) -> IdentityDetails:
        client = tables.client_of_stub(self._membership.hub.hub_id, link["stub_id"])
        if client is None:
            raise LocalError(ErrorCode.NOT_FOUND, "the client of that link is not here any more")
        record = record_of(client, self._membership.shared_postcodes)
        return IdentityDetails(
            check_id=check_id,
            given=shown(record.given),
            family=shown(record.family),
            date_of_birth=shown(record.date_of_birth),
            postcode=shown(record.postcode),
        )

    def _link(self, tables: NodeTables, link_id: str) -> Row:
        """A link that may be checked: a possible one, or a match that somebody doubts."""
        hub_id = self._membership.hub.hub_id
        link = tables.link(hub_id, link_id)
        asked = tables.tx.one(
            "SELECT 1 FROM review WHERE hub_id = ? AND link_id = ? AND state = 'asked'",
            hub_id, link_id,
        )  # fmt: skip
        doubted = asked is not None or denied_by_us(tables, hub_id, link_id)
        if link is None or not (link["state"] == "possible" or doubted):
            raise LocalError(ErrorCode.NOT_FOUND, "no open link of that id waits for comparison")
        return link

    def _row(self, tables: NodeTables, check_id: str) -> Row | None:
        sql = "SELECT * FROM sent_check WHERE hub_id = ? AND check_id = ?"
        return tables.tx.one(sql, self._membership.hub.hub_id, check_id)

    def _set_state(self, tables: NodeTables, check_id: str, state: str) -> None:
        sql = "UPDATE sent_check SET state = ? WHERE hub_id = ? AND check_id = ?"
        tables.tx.run(sql, state, self._membership.hub.hub_id, check_id)


def shown(text: str | None) -> str | None:
    """A field of a record as it travels: what no screen could show is left out."""
    clean = "".join(c for c in text or "" if c.isprintable()).strip()[:TEXT_LIMIT]
    return clean or None
