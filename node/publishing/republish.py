"""A running node under a new charter: obey it, or wait for our own person (specs/02-charter.md §7).

Follows the log. Until a charter binds us the node keeps what it has; once bound it publishes again
what the change touches.
"""

from node.membership.hub import HubMembership
from node.publishing.publisher import Publisher
from protocol.governance.charter import Charter
from runtime.logs import log


def touches(old: Charter, new: Charter) -> bool:
    """Whether a change can alter what is published: keys, not weights; types, not quotas."""

    def read(charter: Charter) -> tuple[object, ...]:
        keys = {key: (weights.cap, weights.place) for key, weights in charter.policy.keys.items()}
        return (
            keys,
            charter.token_key.epoch,
            charter.tables,
            charter.involvement_types,
            charter.lawful_bases,
            charter.quotas.stubs_per_token,
        )

    return read(old) != read(new)


class CharterWatch:
    """Looks for a new charter and does what it asks of a running node."""

    def __init__(self, membership: HubMembership) -> None:
        self._membership = membership
        self._told = 0

    async def step(self) -> None:
        """Follow the log once; publish again what a charter that binds us touches."""
        membership = self._membership
        await membership.follow()
        if membership.unaccepted():
            self._tell()
        else:
            await self._publish_touched()

    def _tell(self) -> None:
        version = self._membership.charter.version
        if version != self._told:
            self._told = version
            log.warning("charter_waits_for_acceptance", version=version)

    async def _publish_touched(self) -> None:
        membership, new = self._membership, self._membership.charter
        hub_id = membership.hub.hub_id
        version = await membership.engine.read(
            lambda tables: tables.publications.charter_version(hub_id)
        )
        if membership.directory.succession is None:
            version = version or membership.directory.accepted[membership.hub.party_id]
        if version == new.version:
            return
        old = membership.directory.charter_of(version or 0)
        if old is None or touches(old, new):
            report = await Publisher(membership).publish(known_only=True)
            log.info("published_again", version=new.version, changed=report.changed)
        else:
            await membership.engine.write(
                lambda tables: tables.publications.set_charter_version(hub_id, new.version)
            )
