"""What a node watches at each look at the log: specs/05-log.md §14.

Turns what is wrong into alarms on disk. The hub is trusted with nothing; our own view of the log
never moves because of anything here.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median_low

import structlog

from node.alarms import (
    Alarm,
    AlarmCode,
    Severity,
    clear_alarm,
    keep_evidence,
    open_alarms,
    raise_alarm,
)
from node.federation import Federation
from node.store import NodeTables
from protocol.checkpoint import parse_checkpoint
from protocol.directory import Directory
from protocol.errors import ErrorCode, RemoteError
from protocol.follow import verify_note_by_charter
from transport.alarm import run_alarm

STALE_SECONDS = 15 * 60
FUTURE_SECONDS = 300
PATIENCE_SECONDS = 10 * 60

log = structlog.get_logger()


@dataclass(frozen=True)
class Noticed:
    """Something that is so now, and where (an index or an id, or nothing)."""

    code: AlarmCode
    place: str = ""


class Monitor:
    """Watches one hub for one node. `command` is run for each new alarm (transport/alarm.py)."""

    def __init__(self, federation: Federation, command: list[str]) -> None:
        self._federation = federation
        self._command = command
        self._no_quorum_since: int | None = None

    async def look(self) -> list[Alarm]:
        """Look at the log once; the alarms that are news. Raises RemoteError if nobody answers."""
        federation = self._federation
        before = federation.view
        found = [*await self._follow(), *self._freshness(), *self._own_keys()]
        if federation.view.size < before.size:  # cannot be: our view only grows
            raise RemoteError(ErrorCode.BAD_TREE, "our own view became shorter")
        news = await federation.engine.write(lambda db: self._note(NodeTables(db), found))
        for alarm in news:
            proof = alarm.text.severity is Severity.PROOF
            (log.critical if proof else log.warning)("alarm", code=alarm.code.value)
            value = {
                "alarm": alarm.code.value,
                "hub": federation.hub.hub_id,
                "says": alarm.text.sentence,
                "what_to_do": alarm.text.what_to_do,
            }
            await run_alarm(self._command, value)
        return news

    async def _follow(self) -> list[Noticed]:
        """Advance the view; what stands in the way, with both notes kept where there are two."""
        federation, now = self._federation, self._federation.outside.clock()
        try:
            witnessed = await federation.follow()
        except RemoteError as error:
            if error.code is not ErrorCode.BAD_TREE:
                raise
            return [await self._contradiction()]
        self._no_quorum_since = None if witnessed else self._no_quorum_since or now
        waited = now - self._no_quorum_since if self._no_quorum_since is not None else 0
        return [Noticed(AlarmCode.NO_QUORUM)] if waited >= PATIENCE_SECONDS else []

    async def _contradiction(self) -> Noticed:
        """What the hub serves does not extend what we have seen: keep both, and say how."""
        federation = self._federation
        view, served = (
            federation.view,
            await federation.http.get(f"{federation.hub.url}/checkpoint"),
        )
        _, theirs = parse_checkpoint(served)
        # Without the signatures of those we know it would be anybody's word.
        await asyncio.to_thread(verify_note_by_charter, served, federation.charter)
        now, hub_id = federation.outside.clock(), federation.hub.hub_id
        name = await federation.engine.write(
            lambda db: keep_evidence(NodeTables(db), hub_id, view.note, served, now)
        )
        code = AlarmCode.ROOT_DIFFERS
        if theirs.size < view.size:
            code = AlarmCode.ROLLED_BACK
        elif theirs.size == view.size and theirs.root != view.frontier.root():
            code = AlarmCode.TWO_LOGS
        return Noticed(code, name[:16])

    def _freshness(self) -> Iterator[Noticed]:
        """Whether the witnesses of our newest checkpoint signed lately, by our own clock."""
        view, now = self._federation.view, self._federation.outside.clock()
        times = verify_note_by_charter(view.note, view.directory.charter).cosigners
        seen = median_low(times.values())
        if seen < now - STALE_SECONDS:
            yield Noticed(AlarmCode.CHECKPOINT_STALE)
        if seen > now + FUTURE_SECONDS:
            yield Noticed(AlarmCode.CHECKPOINT_FUTURE)

    def _own_keys(self) -> Iterator[Noticed]:
        federation = self._federation
        member = federation.directory.member(federation.hub.party_id)
        if member is None:
            return
        held, own = member.body.keys, federation.keys.record(0, "0" * 64)
        if (held.auth, held.sign, held.seal) != (own.auth, own.sign, own.seal):
            yield Noticed(AlarmCode.OWN_KEYS_DIFFER)

    def _note(self, tables: NodeTables, found: list[Noticed]) -> list[Alarm]:
        """Write down what is so and what no longer is; the alarms that are news."""
        federation = self._federation
        hub_id, now = federation.hub.hub_id, federation.outside.clock()
        changes = self._changes(tables, hub_id)
        new = {
            item
            for item in [*found, *changes]
            if raise_alarm(tables, hub_id, item.code, now, place=item.place)
        }
        for code in CLEARED_WHEN_OVER - {item.code for item in found}:
            clear_alarm(tables, hub_id, code, now)
        alarms = open_alarms(tables, hub_id)
        return [alarm for alarm in alarms if Noticed(alarm.code, alarm.place) in new]

    def _changes(self, tables: NodeTables, hub_id: str) -> list[Noticed]:
        """New charters, members, keys since a person was told last; nothing at the first look."""
        view = self._federation.view
        row = tables.one("SELECT told_size FROM watched WHERE hub_id = ?", hub_id)
        tables.run("INSERT OR REPLACE INTO watched VALUES (?, ?)", hub_id, view.size)
        return list(changed_since(view.directory, row["told_size"])) if row else []


CLEARED_WHEN_OVER = {
    AlarmCode.NO_QUORUM,
    AlarmCode.CHECKPOINT_STALE,
    AlarmCode.CHECKPOINT_FUTURE,
}


def changed_since(directory: Directory, size: int) -> Iterable[Noticed]:
    """What the log has held since it had `size` entries, for a person to ask about."""
    for version in directory.charters:
        if version.index >= size:
            yield Noticed(AlarmCode.CHARTER_CHANGED, str(version.charter.version))
    for party_id, states in directory.members.items():
        for before, state in zip((None, *states), states, strict=False):
            if state.index < size:
                continue
            rekeyed = before is not None and before.body.keys != state.body.keys
            code = AlarmCode.KEYS_CHANGED if rekeyed else AlarmCode.MEMBER_CHANGED
            yield Noticed(code, f"{party_id}:{state.index}")
