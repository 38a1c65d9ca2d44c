"""Proofs that an entry is in the log, and the entries that are still looked for there.

specs/05-log.md §8. What was received or published is remembered until it was seen in the log.
"""

from typing import Any

from node.membership.hub import HubMembership
from node.store.decisions import LoggedDecision
from node.store.journal import ExpectedEntry
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64
from protocol.governance.charter import Charter
from protocol.governance.follow import log_key, witness_keys
from protocol.log.leaf import sealed_leaf
from protocol.log.tlog_proof import parse_tlog_proof, verify_tlog_proof
from protocol.messages.statement import Statement
from protocol.wire import Delivery


def verify_logged(
    charter: Charter, data: bytes, place: tuple[int, str | None], envelope: bytes
) -> None:
    """Check a tlog-proof that an envelope is the log entry at (index, salt), under a quorum.

    Raises RemoteError.
    """
    index, salt = place
    proof = parse_tlog_proof(data)
    if proof.index != index or not salt:
        raise RemoteError(ErrorCode.BAD_TREE, "the proof is about another entry")
    leaf = sealed_leaf(bytes.fromhex(salt), envelope)
    verify_tlog_proof(proof, leaf, log_key(charter), witness_keys(charter), charter.quorum)


def logged_decision(statement: Statement[Any], delivery: Delivery) -> LoggedDecision:
    """A decision as it came, with its place in the log. Raises RemoteError where it has none."""
    if delivery.index is None:
        raise RemoteError(ErrorCode.MALFORMED, "a decision is in the log")
    envelope = statement.envelope.encode()
    return LoggedDecision(statement.id, delivery.index, delivery.salt, envelope)


def keep_received(
    tables: NodeTables, membership: HubMembership, delivery: Delivery, statement_id: str
) -> None:
    """Remember what came with a place in the log, until it was seen there."""
    if delivery.index is not None and delivery.salt is not None:
        envelope = from_base64(delivery.envelope)
        entry = ExpectedEntry(delivery.index, statement_id, delivery.salt, envelope)
        tables.journal.expect(membership.hub.hub_id, entry, membership.env.clock())
