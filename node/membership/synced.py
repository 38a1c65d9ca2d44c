"""Whether this database is as new as what the hub knows of us: specs/05-log.md §16.

A node that came back from a backup publishes and shows nothing before it has asked what it missed:
what was withdrawn since would be back, and cards that were recalled.
"""

from node.alarms import AlarmCode, raise_alarm
from node.store.resync import Cause
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError


def notice(tables: NodeTables, hub_id: str, cause: Cause, now: int) -> None:
    """Take down that this database is older than what the hub knows, and tell a person."""
    if tables.resyncs.begin(hub_id, cause, now):
        raise_alarm(tables, hub_id, AlarmCode.BACKUP_RESTORED, now, place=str(now))


def check_synced(tables: NodeTables, hub_id: str) -> None:
    """Refuse what needs this database to be as new as the hub's. Raises LocalError(NOT_READY)."""
    resync = tables.resyncs.get(hub_id)
    if resync is not None and resync.under_way:
        raise LocalError(
            ErrorCode.NOT_READY,
            "this node came back from a backup and does not know yet what it missed. A running "
            "patchwork-node serve asks the hub by itself; or run patchwork-node resync",
        )
