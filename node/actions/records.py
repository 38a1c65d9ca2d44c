"""What an agency does with its own clients: publish them, and take a permission back."""

from collections.abc import Callable

from node.publishing.publisher import Published, Publisher, Step
from node.records.clients import withdraw
from node.service import NodeService
from node.store.people import Act, Deed
from node.store.tables import NodeTables
from protocol.errors import RemoteError


async def publish_now(service: NodeService, progress: Callable[[Step], None]) -> Published:
    """Publish the clients that may be published; what it did. Raises LocalError, RemoteError."""
    await service.membership.sync()
    return await Publisher(service.membership).publish(progress)


async def still_findable(service: NodeService, local_id: str) -> list[str]:
    """The kinds of work with a client that stay findable by law, as people call them."""
    membership = service.membership

    def work(tables: NodeTables) -> list[str]:
        client, at = tables.records.client(local_id), membership.at()
        findable = tables.findable.of(at.hub_id)
        kinds = {item.code: item.title for item in membership.charter.involvement_types}
        works = tables.records.in_force(client.id, at) if client is not None else []
        return sorted({kinds.get(item.type, item.type) for item in works if item.type in findable})

    return await membership.engine.read(work)


async def withdraw_now(service: NodeService, local_id: str, person: int) -> int:
    """Withdraw a client's permission in a person's name (a row's id) and tell the hub at once; how
    many involvements.

    It is withdrawn here whatever the hub says; whoever asks is refused from now on.
    """
    membership = service.membership
    now = membership.env.clock()

    def work(tables: NodeTables) -> int:
        count = withdraw(tables, local_id, now)
        tables.people.acted(Act(person, Deed.WITHDREW, local_id, now))
        return count

    count = await membership.engine.write(work)
    try:
        await membership.follow()
        await Publisher(membership).tell_withdrawn()
    except RemoteError as error:
        said = "withdrawn here, but the hub was not told; run this command again: "
        raise RemoteError(error.code, said + error.detail) from error
    return count
