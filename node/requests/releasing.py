"""Releasing: the card of an allowed request leaves (specs/06-requests.md §2 and §8).

It leaves only when our decision is in the log under a quorum of witnesses, or, where the basis lets
it, when a person says so (node/requests/without_quorum.py). Either way it is decided once more.
"""

from typing import Any

import structlog

from node.membership.hub import HubMembership
from node.membership.outbox import Sent
from node.membership.proofs import verify_logged
from node.oversight.gossip import check_gossip
from node.requests.answering import Answering
from node.requests.sealed import Recipient, seal_for
from node.store.tables import NodeTables, Outgoing
from protocol.errors import RemoteError
from protocol.fields import WireModel
from protocol.log.tlog_proof import parse_tlog_proof
from protocol.messages.bodies import ReleaseBody
from protocol.messages.kinds import kind_of
from protocol.messages.log import ProvisionalBody
from protocol.messages.statement import Statement
from protocol.requests.decide import Refuse, decide_holder
from protocol.requests.sealing import ContactCard
from storage.engine import Row

log = structlog.get_logger()

WAIT_SECONDS = 10


class Releasing:
    """Cards that leave this node at one hub."""

    def __init__(self, membership: HubMembership, answering: Answering) -> None:
        self._membership = membership
        self._answering = answering

    def on_sent(self, tables: NodeTables, sent: Sent) -> None:
        """The hub has logged what a card leaves by: keep its id, for a wrong person."""
        body: Any = sent.statement.body
        tables.tx.run(
            "UPDATE received_request SET release_id = ? WHERE hub_id = ? AND request_id = ?",
            sent.statement.id, self._membership.hub.hub_id, body.request_id,
        )  # fmt: skip

    def on_failed(
        self, tables: NodeTables, statement: Statement[WireModel], _error: RemoteError
    ) -> None:
        """The hub did not take our release: link or permission ended, or the time ran out."""
        body = statement.expect(ReleaseBody).body
        self._answering.set_state(tables, body.request_id, "stopped")

    async def release_allowed(self) -> int:
        """Release every allowed request whose decision is under a quorum; how many."""
        membership = self._membership
        sql = (
            "SELECT * FROM received_request WHERE hub_id = ? AND state = 'allowed' AND expires > ?"
        )
        now = membership.env.clock()
        rows = await membership.engine.read(
            lambda tables: tables.tx.rows(sql, membership.hub.hub_id, now)
        )
        released = 0
        for number, row in enumerate(rows):
            try:
                # Without a quorum all of them wait for the same thing: once is enough.
                wait = 0 if number else WAIT_SECONDS
                url = f"{membership.hub.url}/v1/proofs/{row['decision_index']}?wait={wait}"
                proof = await membership.http.get(url)
                await membership.follow()
                if membership.view.size <= row["decision_index"]:
                    # The newest checkpoint may have lost its quorum since.
                    await membership.sync(parse_tlog_proof(proof).checkpoint_note)
                place = (row["decision_index"], row["decision_salt"])
                verify_logged(membership.charter, proof, place, row["decision_envelope"])
                await check_gossip(membership, proof)
            except RemoteError as error:
                # It stays allowed, and closed, until there is a proof that holds.
                log.warning("release_waits", code=error.code.value)
                continue
            released += await self._release(row, proof)
        return released

    async def _release(self, row: Row, proof: bytes) -> bool:
        return await self._membership.engine.write(
            lambda tables: self.let_go(tables, row, ReleaseBody, proof)
        )

    def let_go(
        self,
        tables: NodeTables,
        row: Row,
        kind: type[ReleaseBody | ProvisionalBody],
        proof: bytes | None,
    ) -> bool:
        """Decide once more and put an allowed card into the outbox; whether it goes."""
        # Another process of this node may have been quicker: claim the request first.
        claimed = tables.tx.run(
            "UPDATE received_request SET state = 'released' "
            "WHERE hub_id = ? AND request_id = ? AND state = 'allowed'",
            row["hub_id"], row["request_id"],
        )  # fmt: skip
        if not claimed:
            return False
        if isinstance(decide_holder(self._answering.facts(tables, row)), Refuse):
            self._answering.set_state(tables, row["request_id"], "stopped")
            return False
        try:
            self._enqueue_card(tables, row, kind, proof)
        except RemoteError as error:
            # They left, or their seal key is of no use: this one ends, the others go on.
            log.warning("release_stopped", code=error.code.value)
            self._answering.set_state(tables, row["request_id"], "stopped")
            return False
        return True

    def _enqueue_card(
        self,
        tables: NodeTables,
        row: Row,
        kind: type[ReleaseBody | ProvisionalBody],
        proof: bytes | None,
    ) -> None:
        membership = self._membership
        recipient = Recipient(kind_of(kind), row["requester"], row["request_id"])
        sealed = seal_for(membership, recipient, self._card(tables, row))
        body = kind(
            request_id=row["request_id"],
            decision=row["decision_id"],
            seal_key=sealed.seal_key,
            sealed_hash=sealed.hash,
            tree_size=membership.view.size,
        )
        aud = row["requester"]
        now = isinstance(body, ProvisionalBody)  # a person says so now: it never leaves later
        envelope = membership.sign(body, aud).envelope.encode() if now else None
        tables.enqueue(Outgoing(row["hub_id"], aud, body, sealed.data, proof, envelope))

    def _card(self, tables: NodeTables, row: Row) -> ContactCard:
        own = self._membership.me().body
        worker = tables.tx.one(
            "SELECT p.* FROM practitioner p JOIN involvement i ON i.practitioner = p.id "
            "WHERE i.id = ?",
            row["involvement"],
        )
        values: dict[str, Any] = dict(worker) if worker else {}
        return ContactCard(
            practitioner=values.get("name"),
            role=values.get("role"),
            phone=values.get("phone"),
            email=values.get("email"),
            team=values.get("team") or None,
            duty_line=own.duty_line,
            duty_hours=own.duty_hours,
            last_contact=None,
            next_visit=None,
        )
