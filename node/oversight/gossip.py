"""Gossip: what one agency saw of the log, beside what another saw (specs/06-requests.md §2).

Every card and every identity check brings the checkpoint under which its decision stands. If hub
and witnesses showed two agencies two logs, the first message between them gives it away.
"""

import asyncio

from node.alarms import AlarmCode, keep_evidence, raise_alarm
from node.membership.hub import HubMembership
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, RemoteError
from protocol.governance.follow import verify_note_by_charter
from protocol.log.checkpoint import Checkpoint, parse_checkpoint
from protocol.log.tlog_proof import parse_tlog_proof
from runtime.logs import log
from transport.consistency import check_consistent


async def check_gossip(membership: HubMembership, proof: bytes) -> None:
    """Check that the checkpoint in a proof file is of the log that we follow.

    Raises RemoteError: BAD_TREE if it is not (both notes are kept, and an alarm is raised), what
    the proof's own faults are, or UNREACHABLE: then it is to be tried again.
    """
    note, theirs = _checkpoint_in(proof)
    if membership.seen.is_ours(theirs.size, theirs.root):
        return  # who signed it, the proof is checked for where it is used
    # Before it can accuse anybody it must be this log's, under a quorum.
    await asyncio.to_thread(verify_note_by_charter, note, membership.charter)
    if theirs.size > membership.view.size:
        await membership.follow()
    view = membership.view
    ours = Checkpoint(membership.charter.log.origin, view.size, view.frontier.root())
    try:
        await check_consistent(membership.http, membership.hub.url, ours, theirs)
    except RemoteError as error:
        if error.code is not ErrorCode.BAD_TREE:
            detail = f"no proof that it is one log: {error.code}"
            raise RemoteError(ErrorCode.UNREACHABLE, detail) from error
        await membership.engine.write(lambda tables: _accuse(tables, membership, (view.note, note)))
        log.critical("two_logs")
        raise


def is_known(membership: HubMembership, proof: bytes) -> bool:
    """Whether the checkpoint in a proof file is one that we have seen: then there is nothing to
    check. Raises RemoteError for what is no proof.
    """
    _, theirs = _checkpoint_in(proof)
    return membership.seen.is_ours(theirs.size, theirs.root)


def _checkpoint_in(proof: bytes) -> tuple[bytes, Checkpoint]:
    note = parse_tlog_proof(proof).checkpoint_note
    _, theirs = parse_checkpoint(note)
    return note, theirs


def _accuse(tables: NodeTables, membership: HubMembership, notes: tuple[bytes, bytes]) -> None:
    now, hub_id = membership.env.clock(), membership.hub.hub_id
    name = keep_evidence(tables, hub_id, *notes, now)
    raise_alarm(tables, hub_id, AlarmCode.TWO_LOGS, now, place=name[:16])
