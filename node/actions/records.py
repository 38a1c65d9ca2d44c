"""What an agency does with its own clients: publish them, and take a permission back."""

from collections.abc import Callable

from node.publishing.publisher import Published, Publisher, Step
from node.records.clients import withdraw
from node.service import NodeService


async def publish_now(service: NodeService, progress: Callable[[Step], None]) -> Published:
    """Publish the clients that may be published; what it did. Raises LocalError, RemoteError."""
    await service.membership.sync()
    return await Publisher(service.membership).publish(progress)


async def withdraw_now(service: NodeService, local_id: str) -> int:
    """Withdraw a client's permission and tell the hub at once; how many involvements."""
    membership = service.membership
    now = membership.env.clock()
    count = await membership.engine.write(lambda tables: withdraw(tables, local_id, now))
    await membership.follow()
    await Publisher(membership).tell_withdrawn()
    return count
