"""What an agency does with its own clients: publish them, and take a permission back."""

from collections.abc import Callable

from node.publishing.publisher import Published, Publisher, Step
from node.records.clients import withdraw
from node.service import NodeService
from node.store.people import Act, Deed
from node.store.tables import NodeTables


async def publish_now(service: NodeService, progress: Callable[[Step], None]) -> Published:
    """Publish the clients that may be published; what it did. Raises LocalError, RemoteError."""
    await service.membership.sync()
    return await Publisher(service.membership).publish(progress)


async def withdraw_now(service: NodeService, local_id: str, person: int) -> int:
    """Withdraw a client's permission in a person's name (a row's id) and tell the hub at once; how
    many involvements.
    """
    membership = service.membership
    now = membership.env.clock()

    def work(tables: NodeTables) -> int:
        count = withdraw(tables, local_id, now)
        tables.people.acted(Act(person, Deed.WITHDREW, local_id, now))
        return count

    count = await membership.engine.write(work)
    await membership.follow()
    await Publisher(membership).tell_withdrawn()
    return count
