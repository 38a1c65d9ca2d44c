"""What a node watches at each look at the log: specs/05-log.md §14.

Turns what is wrong into alarms on disk. The hub is trusted with nothing; our own view of the log
never moves because of anything here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from node.alarms import (
    Alarm,
    AlarmCode,
    Severity,
    clear_alarm,
    mark_told,
    raise_alarm,
    untold,
)
from node.membership.hub import HubMembership
from node.membership.keys import Keys, load_keys
from node.oversight.about import about
from node.oversight.journal import overdue
from node.store.alarms import Watched
from node.store.tables import NodeTables
from protocol.errors import RemoteError
from protocol.governance.amendments import new_keys
from protocol.governance.directory import Directory, Member
from protocol.governance.follow import verify_note_by_charter
from runtime.alarm import run_alarm
from runtime.logs import log
from runtime.patience import Patience

STALE_SECONDS = 15 * 60
FUTURE_SECONDS = 300
PATIENCE_SECONDS = 10 * 60


@dataclass(frozen=True)
class Noticed:
    """Something that is so now, and where (an index or an id, or nothing)."""

    code: AlarmCode
    place: str = ""


class Monitor:
    """Watches one hub for one node. `command` is run for each new alarm (runtime/alarm.py)."""

    def __init__(self, membership: HubMembership, command: list[str]) -> None:
        self._membership = membership
        self._command = command
        self._patience = Patience("monitor_waits", membership.hub.url)

    async def look(self) -> list[Alarm]:
        """Look at the log once; the alarms of which the operator was not told before."""
        membership, hub_id = self._membership, self._membership.hub.hub_id
        witnessed = await self._follow()
        found = [*self._freshness(), *self._own_keys()]
        news = await membership.engine.write(
            lambda tables: self._note(tables, found, witnessed=witnessed)
        )
        for alarm, who in news:
            proof = alarm.text.severity is Severity.PROOF
            (log.critical if proof else log.warning)("alarm", code=alarm.code.value, about=who)
            value = {
                "alarm": alarm.code.value,
                "hub": hub_id,
                "hub_name": membership.hub.name,
                "says": alarm.text.sentence,
                "about": who,
                "what_to_do": alarm.text.what_to_do,
            }
            await run_alarm(self._command, value)
            await membership.engine.write(partial(mark_told, hub_id=hub_id, alarm=alarm))
        return [alarm for alarm, _ in news]

    async def _follow(self) -> bool | None:
        """Advance the view; whether the newest checkpoint has a quorum, None if nobody can say.

        A hub that does not answer shows in how old our newest checkpoint gets; what contradicts
        our view was kept where it was met (node/membership/hub.py).
        """
        try:
            witnessed = await self._membership.follow()
        except RemoteError as error:
            self._patience.failed("monitor", error)
            return None
        self._patience.went_well("monitor")
        return witnessed

    def _freshness(self) -> Iterator[Noticed]:
        """Whether the witnesses of our newest checkpoint signed lately, by our own clock."""
        view, now = self._membership.view, self._membership.env.clock()
        seen = verify_note_by_charter(view.note, view.directory.charter).seen_at
        if seen < now - STALE_SECONDS:
            yield Noticed(AlarmCode.CHECKPOINT_STALE)
        if seen > now + FUTURE_SECONDS:
            yield Noticed(AlarmCode.CHECKPOINT_FUTURE)

    def _own_keys(self) -> Iterator[Noticed]:
        membership = self._membership
        member = membership.directory.member(membership.hub.party_id)
        if member is None:
            return
        held, own = member.body.keys, membership.keys.record(0, "0" * 64)
        if (held.auth, held.sign) != (own.auth, own.sign):
            yield Noticed(AlarmCode.OWN_KEYS_DIFFER, held.sign[:8] + own.sign[:8])
        elif not any(held.seal in keys.seals() for keys in (membership.keys, self._kept())):
            yield Noticed(AlarmCode.OWN_KEYS_DIFFER, held.seal[:16])

    def _kept(self) -> Keys:
        """The keys on disk: the running node may have renewed its seal key beside a command."""
        return load_keys(self._membership.folder, self._membership.hub.hub_id)

    def _note(
        self, tables: NodeTables, found: list[Noticed], *, witnessed: bool | None
    ) -> list[tuple[Alarm, str]]:
        """Write down what is so and what no longer is; the alarms that nobody was told of, with
        what each is about.
        """
        hub_id, now = self._membership.hub.hub_id, self._membership.env.clock()
        so = [*found, *self._since(tables, hub_id, witnessed=witnessed)]
        for item in so:
            raise_alarm(tables, hub_id, item.code, now, place=item.place)
        for code in CLEARED_WHEN_OVER - {item.code for item in so}:
            clear_alarm(tables, hub_id, code, now)
        new = untold(tables, hub_id)
        return [(alarm, about(tables, self._membership, alarm)) for alarm in new]

    def _since(
        self, tables: NodeTables, hub_id: str, *, witnessed: bool | None
    ) -> Iterator[Noticed]:
        """What has been so for long enough, and what is new since a person was told last."""
        view, now = self._membership.view, self._membership.env.clock()
        before = tables.alarms.watched(hub_id)
        since = before.no_quorum_since if before else None
        if witnessed is not None:
            since = None if witnessed else since or now
        tables.alarms.watch(hub_id, Watched(view.size, since))
        if since is not None and now - since >= PATIENCE_SECONDS:
            yield Noticed(AlarmCode.NO_QUORUM)
        if overdue(tables, hub_id, now):
            yield Noticed(AlarmCode.STATEMENT_OVERDUE)
        if before is not None:
            yield from changed_since(
                view.directory, before.told_size, self._membership.hub.party_id
            )


CLEARED_WHEN_OVER = {
    AlarmCode.NO_QUORUM,
    AlarmCode.STATEMENT_OVERDUE,
    AlarmCode.CHECKPOINT_STALE,
    AlarmCode.CHECKPOINT_FUTURE,
}


def changed_since(directory: Directory, size: int, own: str) -> Iterable[Noticed]:
    """What the log has held since it had `size` entries, for a person to ask about: of `own`, what
    others did, and not what it did itself.
    """
    for version in directory.charters:
        if version.index >= size:
            yield Noticed(AlarmCode.CHARTER_CHANGED, str(version.charter.version))
    for party_id, states in directory.members.items():
        for before, state in zip((None, *states), states, strict=False):
            if state.index < size:
                continue
            code = _change(before, state)
            if code is not None and not (party_id == own and _is_own_act(code, before, state)):
                yield Noticed(code, f"{party_id}:{state.index}")


def _is_own_act(code: AlarmCode, before: Member | None, now: Member) -> bool:
    """Whether an agency did itself what happened to it: it joined, renewed its keys (keys that are
    not its own are an alarm of their own) or signed its details.
    """
    return before is None or code is AlarmCode.KEYS_CHANGED or now.details != before.details


def _change(before: Member | None, now: Member) -> AlarmCode | None:
    """What a person is told of a member's new state. A seal key is renewed every year: nothing."""
    if before is None or before.body.status != now.body.status:
        return AlarmCode.MEMBER_CHANGED
    if new_keys(before.body.keys, now.body.keys):
        return AlarmCode.KEYS_CHANGED
    same = before.body.model_copy(update={"keys": now.body.keys}) == now.body
    return None if same else AlarmCode.DETAILS_CHANGED
