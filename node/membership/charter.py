"""A new charter at this node: obey it, or wait for our own person (specs/02-charter.md §7).

Follows the log. What loosens nothing binds at once; anything else waits for `charter accept`, and
until then the node keeps what it has. Once bound it publishes again what the change touches. Not
trusted with the decision to sign: that is a person's.
"""

import structlog

from node.membership.hub import HubMembership
from node.publishing.publisher import Publisher
from protocol.governance.changes import Differences, differences
from protocol.governance.charter import Charter
from protocol.messages.bodies import CharterAcceptBody
from protocol.wire import Submitted, parse_wire

log = structlog.get_logger()


def touches(old: Charter, new: Charter) -> bool:
    """Whether a change can alter what is published: keys, not weights; types, not quotas."""

    def read(charter: Charter) -> tuple[object, ...]:
        keys = {key: (weights.cap, weights.place) for key, weights in charter.policy.keys.items()}
        return (
            keys,
            charter.policy.strong_id,
            charter.token_key.epoch,
            charter.tables,
            charter.involvement_types,
            charter.lawful_bases,
            charter.quotas.stubs_per_token,
        )

    return read(old) != read(new)


def waiting_differences(membership: HubMembership) -> Differences:
    """How the charter in force differs from the one that this agency signed last."""
    accepted = membership.directory.accepted_charter(membership.hub.party_id)
    if accepted is None:
        return Differences(tuple(membership.unaccepted()), ())
    return differences(accepted, membership.charter)


async def accept_charter(membership: HubMembership) -> None:
    """Sign the charter in force in the agency's name; a public leaf. Raises RemoteError."""
    charter = membership.charter
    if membership.directory.accepted.get(membership.hub.party_id) == charter.version:
        return
    body = CharterAcceptBody(version=charter.version, document_hash=charter.document_hash)
    statement = membership.sign(body, charter.charter_id)
    answer = await membership.post("/v1/statements", statement.envelope.encode())
    membership.check_accepted(parse_wire(Submitted, answer), statement.id)


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
        version = await membership.engine.read(lambda tables: tables.published_under(hub_id))
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
                lambda tables: tables.set_published_under(hub_id, new.version)
            )
