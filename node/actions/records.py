"""What an agency does with its own clients: publish them, and take a permission back."""

from collections.abc import Callable

from node.publishing.publisher import Published, Publisher, Step
from node.records.agreements import withdraw
from node.records.by_hand import By
from node.service import NodeService
from protocol.errors import RemoteError


async def publish_now(service: NodeService, progress: Callable[[Step], None]) -> Published:
    """Publish the clients that may be published; what it did. Raises LocalError, RemoteError."""
    await service.membership.sync()
    return await Publisher(service.membership).publish(progress)


async def withdraw_now(
    service: NodeService, local_id: str, person: int, number: int | None = None
) -> int:
    """Withdraw a client's permission in a person's name (a row's id), to all work or to one piece
    of it (its number, as `show` has it), and tell the hub at once; of how many pieces.

    It is withdrawn here whatever the hub says; whoever asks is refused from now on.
    """
    membership = service.membership
    by = By(person, membership.env.clock())
    count = await membership.engine.write(lambda tables: withdraw(tables, local_id, number, by))
    try:
        await membership.follow()
        await Publisher(membership).tell_withdrawn()
    except RemoteError as error:
        said = "withdrawn here, but the hub was not told; run this command again: "
        raise RemoteError(error.code, said + error.detail) from error
    return count
