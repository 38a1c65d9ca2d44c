"""Whether contact details can move, since when not, and who is missing: specs/05-log.md §13.

Reads what the publisher archived and remembers on disk since when the log has no quorum. It only
tells: what may be released is decided by whoever verifies a proof, never here.
"""

from dataclasses import dataclass, replace

from hub.log.publisher import fresh_signers
from hub.store.tables import HubTables
from protocol.governance.charter import DutyDesk
from protocol.governance.follow import witness_keys
from protocol.log.checkpoint import parse_checkpoint, verify_cosigners

ALARM_SECONDS = 600


@dataclass(frozen=True)
class Seen:
    """One witness: when it signed the newest checkpoint, and whether that counts today."""

    name: str
    time: int | None
    counts: bool


@dataclass(frozen=True)
class QuorumStatus:
    """How the log stands. `since` (Unix seconds): contact details cannot move; None: they can.

    `ahead` names a witness that has seen a longer log than this hub has: the hub is an old copy of
    itself, whoever else has signed.
    """

    size: int
    witnesses: tuple[Seen, ...]
    needed: int
    since: int | None
    desk: DutyDesk
    ahead: str | None = None
    alarm: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the witnesses whose signature is wanted."""
        return tuple(item.name for item in self.witnesses if not item.counts)


def quorum_status(tables: HubTables, now: int, ahead: str | None = None) -> QuorumStatus | None:
    """How the log stands by what is on the disk; None before the first checkpoint. `ahead`: as the
    running hub knows, before it has written it down.
    """
    newest = tables.checkpoints.newest()
    if newest is None:
        return None
    charter = tables.directory.current().charter
    note, _ = parse_checkpoint(newest.note)
    times = verify_cosigners(note, witness_keys(charter))
    fresh = fresh_signers(note, charter, now)
    names = (witness.name for witness in charter.witnesses)
    seen = tuple(Seen(name, times.get(name), name in fresh) for name in names)
    ahead = ahead or tables.checkpoints.ahead()
    moves = len(fresh) >= charter.quorum and ahead is None
    since = None if moves else tables.checkpoints.closed_since() or now
    return QuorumStatus(newest.size, seen, charter.quorum, since, charter.duty_desk, ahead)


def watch(tables: HubTables, now: int, ahead: str | None = None) -> QuorumStatus | None:
    """Take down whether a quorum is there. `alarm` is set once, ten minutes after it was lost."""
    tables.checkpoints.set_ahead(ahead)
    found = quorum_status(tables, now, ahead)
    if found is None:
        return None
    if found.since is None:
        tables.checkpoints.reopen()
    else:
        tables.checkpoints.close(now)
    alarm = tables.checkpoints.is_alarm_due(now - ALARM_SECONDS)
    return replace(found, since=tables.checkpoints.closed_since(), alarm=alarm)
