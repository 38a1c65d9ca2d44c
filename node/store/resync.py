"""That this node came back from a backup, by hub: how far it is in learning what it missed.

specs/05-log.md §16. The only place that writes these states.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from storage.engine import Row, Transaction


class Cause(StrEnum):
    """How it was noticed."""

    RESTORED = "restored"
    BEHIND = "behind"
    CONFLICT = "conflict"


class ResyncState(StrEnum):
    """How far it is. `taken`: what the log says of us is in; what the mail says is not."""

    NOTICED = "noticed"
    TAKEN = "taken"
    DONE = "done"


@dataclass(frozen=True)
class Entry:
    """An entry of the log that this database did not know."""

    index: int
    kind: str
    at: int


@dataclass(frozen=True)
class Lost:
    """What is not as the backup had it, or cannot be brought back. Ids of clients are our own.

    `unreadable` are requests to us, by id, and who asked.
    """

    withdrawn: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()
    unknown_clients: int = 0
    cards: int = 0
    recalled: int = 0
    asked: int = 0
    unreadable: tuple[tuple[str, str], ...] = ()
    ours: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Resync:
    """A node's return from a backup at one hub."""

    hub_id: str
    noticed_at: int
    cause: Cause
    state: ResyncState
    envelope: bytes | None
    lost: Lost

    @property
    def under_way(self) -> bool:
        """Whether nothing may be published or shown yet."""
        return self.state is not ResyncState.DONE


class Resyncs:
    """Returns from a backup, one a hub: the last."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, hub_id: str) -> Resync | None:
        """The last return at a hub."""
        row = self._tx.one("SELECT * FROM resync WHERE hub_id = ?", hub_id)
        return _resync(row) if row else None

    def begin(self, hub_id: str, cause: Cause, now: int) -> bool:
        """Take down that this database is older than what the hub knows; False if one is under way
        that has not been answered yet.
        """
        before = self.get(hub_id)
        if before is not None and before.state is ResyncState.NOTICED:
            return False
        self._put(Resync(hub_id, now, cause, ResyncState.NOTICED, None, Lost()))
        return True

    def ask(self, resync: Resync, envelope: bytes | None) -> None:
        """Keep the signed question, so that the same one is asked again; None: sign it anew."""
        self._tx.update("resync", {"envelope": envelope}, {"hub_id": resync.hub_id})

    def move(self, resync: Resync, state: ResyncState, lost: Lost) -> None:
        """It is so far now, and this is lost."""
        values = {"state": state.value, "lost": json.dumps(asdict(lost))}
        key = {"hub_id": resync.hub_id, "noticed_at": resync.noticed_at}
        self._tx.update("resync", values, key)

    def lose_stubs(self, hub_id: str, revisions: Mapping[str, int]) -> None:
        """Keep stubs whose clients are not known here, with their revisions."""
        rows = [
            {"hub_id": hub_id, "stub_id": stub_id, "revision": revision}
            for stub_id, revision in revisions.items()
        ]
        self._tx.put_many("lost_stub", rows, ("hub_id", "stub_id"))

    def lost_stubs(self, hub_id: str, most: int) -> dict[str, int]:
        """Some of those that are not retired yet, with their revisions."""
        sql = "SELECT stub_id, revision FROM lost_stub WHERE hub_id = ? ORDER BY stub_id LIMIT ?"
        return {row["stub_id"]: row["revision"] for row in self._tx.rows(sql, hub_id, most)}

    def retired(self, hub_id: str, stub_ids: Collection[str]) -> None:
        """The hub has retired these."""
        sql = "DELETE FROM lost_stub WHERE hub_id = ? AND stub_id IN (:among)"
        self._tx.run_among(sql, hub_id, among=stub_ids)

    def forget_stubs(self, hub_id: str) -> None:
        """A new log of the hub knows none of them."""
        self._tx.run("DELETE FROM lost_stub WHERE hub_id = ?", hub_id)

    def forget_clients(self, local_ids: Collection[str]) -> None:
        """Name these no more among those whom a return from a backup changed."""
        for row in self._tx.rows("SELECT * FROM resync"):
            held = _resync(row)
            withdrawn, shortened = (
                tuple(one for one in names if one not in local_ids)
                for names in (held.lost.withdrawn, held.lost.shortened)
            )
            lost = replace(held.lost, withdrawn=withdrawn, shortened=shortened)
            if lost != held.lost:
                said = {"lost": json.dumps(asdict(lost))}
                self._tx.update("resync", said, {"hub_id": held.hub_id})

    def _put(self, resync: Resync) -> None:
        row = {
            **vars(resync),
            "cause": resync.cause.value,
            "state": resync.state.value,
            "lost": json.dumps(asdict(resync.lost)),
        }
        self._tx.put("resync", row, ("hub_id",))


def _resync(row: Row) -> Resync:
    said = json.loads(row["lost"])
    lost = Lost(
        **{
            **said,
            "withdrawn": tuple(said["withdrawn"]),
            "shortened": tuple(said["shortened"]),
            "unreadable": tuple((one, other) for one, other in said["unreadable"]),
            "ours": tuple(Entry(**entry) for entry in said["ours"]),
        }
    )
    cause, state = Cause(row["cause"]), ResyncState(row["state"])
    return Resync(row["hub_id"], row["noticed_at"], cause, state, row["envelope"], lost)
