"""A new seal key before the old one ends, without a person: specs/02-charter.md §9.

The new key is on disk before anybody hears of it; the old one opens what was sealed to it until
nothing can come any more. A seal key in the log that is not ours is never replaced here: that is
an alarm (node/oversight/monitor.py), and for a person.
"""

import asyncio

from node.alarms import AlarmCode, raise_alarm
from node.membership.hub import HubMembership
from node.membership.keys import SEAL_KEY_SECONDS, add_seal, forget_seals
from node.store.tables import NodeTables
from protocol.governance.directory import Member
from protocol.messages.members import SealRenewalBody
from runtime.logs import log
from transport.seal import seal_public_key

DAY = 86_400
AHEAD_SECONDS = 60 * DAY
AGAIN_SECONDS = 10 * 60


class SealRenewal:
    """Renews the seal key of one node at one hub."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership
        self._not_before = 0
        self._promised: int | None = None

    async def step(self) -> None:
        """Renew the key if it ends soon and no renewal is under way. Raises RemoteError."""
        membership, now = self._membership, self._membership.env.clock()
        await membership.follow()
        await asyncio.to_thread(self._forget)
        member = membership.directory.active(membership.hub.party_id)
        if member is None or await self._is_under_way(member):
            return
        due = member.body.keys.seal_expires - AHEAD_SECONDS <= now
        if due and now >= self._not_before and member.body.keys.seal in membership.keys.seals():
            self._not_before = now + AGAIN_SECONDS
            await self.renew(member)

    async def renew(self, member: Member) -> None:
        """Put a new seal key in the place of the one in force. Raises RemoteError."""
        membership = self._membership
        fresh = await asyncio.to_thread(self._fresh)
        body = SealRenewalBody(
            replaces=member.body.keys.seal,
            seal=fresh,
            seal_expires=membership.env.clock() + SEAL_KEY_SECONDS,
        )
        self._promised = (await membership.say(body)).index
        log.info("seal_key_renewed", expires=body.seal_expires)

    async def _is_under_way(self, member: Member) -> bool:
        """Whether the log has not come to our renewal yet. Passed over, it is an alarm."""
        membership, promised = self._membership, self._promised
        if promised is None:
            return False
        if membership.view.size <= promised:
            return True
        self._promised = None
        if member.body.keys.seal not in {state.body.keys.seal for state in self._states(promised)}:
            return False

        def tell(tables: NodeTables) -> None:
            now, hub_id = membership.env.clock(), membership.hub.hub_id
            raise_alarm(tables, hub_id, AlarmCode.NOT_IN_LOG, now, place=str(promised))

        await membership.engine.write(tell)
        return False

    def _states(self, end: int | None = None) -> list[Member]:
        """What the log has said of us, before an index."""
        states = self._membership.directory.members.get(self._membership.hub.party_id, ())
        return [state for state in states if end is None or state.index < end]

    def _fresh(self) -> str:
        """A seal key that the log has not named yet: the one that lies here since a renewal was
        cut off, or a new one.
        """
        membership = self._membership
        newest = seal_public_key(membership.keys.seal.value)
        if newest not in {state.body.keys.seal for state in self._states()}:
            return newest
        hub_id = membership.hub.hub_id
        membership.keys = add_seal(membership.folder, hub_id, membership.env)
        return seal_public_key(membership.keys.seal.value)

    def _forget(self) -> None:
        """Delete the keys to which nothing can come any more: ended, and the retention over."""
        membership, states = self._membership, self._states()
        if len(membership.keys.seals()) == 1 or not states:
            return
        kept = membership.charter.retention_days * DAY
        ends = {state.body.keys.seal: state.body.keys.seal_expires + kept for state in states}
        now, in_force = membership.env.clock(), states[-1].body.keys.seal
        gone = {seal for seal, end in ends.items() if end <= now and seal != in_force}
        if gone & membership.keys.seals().keys():
            membership.keys = forget_seals(membership.folder, membership.hub.hub_id, gone)
