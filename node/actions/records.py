"""What an agency does with its own clients: publish them, and take a permission back."""

from collections.abc import Callable

from node.actions.clients import tell_hub
from node.publishing.publisher import Published, Publisher, Step
from node.records.agreements import withdraw
from node.records.by_hand import By
from node.service import NodeService
from node.store.tables import NodeTables
from protocol.errors import RemoteError


async def publish_now(
    service: NodeService, progress: Callable[[Step], None]
) -> list[tuple[str, Published]]:
    """Publish the clients that may be published at each hub; what it did, with the hub's name. One
    hub that is away keeps nothing from another. Raises LocalError, RemoteError.
    """
    done, failed = [], None
    for membership in (service.membership, *service.others):
        try:
            await membership.sync()
            done.append((membership.hub.name, await Publisher(membership).publish(progress)))
        except RemoteError as error:
            failed = failed or error
    if failed is not None:
        raise failed
    return done


async def still_findable(service: NodeService, local_id: str) -> list[str]:
    """The kinds of work with a client that stay findable by law, as people call them."""
    membership = service.membership

    def work(tables: NodeTables) -> list[str]:
        client, at = tables.records.client(local_id), membership.at()
        findable = tables.findable.of(at.hub_id)
        kinds = membership.agreement.types
        works = tables.records.in_force(client.id, at) if client is not None else []
        return sorted({kinds[item.type].title for item in works if item.type in findable})

    return await membership.engine.read(work)


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
    await tell_hub(service, "withdrawn here, but the hub was not told; run this command again: ")
    return count
