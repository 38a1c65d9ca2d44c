"""What an agency does with its own clients: publish them, and take a permission back."""

from collections.abc import Callable
from functools import partial

from node.actions.clients import at_each_hub, tell_hub
from node.membership.hub import HubMembership
from node.publishing.publisher import Published, Publisher, Step
from node.records.agreements import withdraw
from node.records.by_hand import By
from node.service import NodeService
from node.store.permissions import At
from node.store.records import Involvement
from node.store.tables import NodeTables


async def publish_now(
    service: NodeService,
    progress: Callable[[Step], None],
    done: Callable[[str, Published], None] = lambda _hub, _report: None,
) -> list[tuple[str, Published]]:
    """Publish the clients that may be published at each hub; what it did, with the hub's name,
    which `done` is told hub by hub. One hub that is away keeps nothing from another. Raises
    LocalError, RemoteError, once all were tried.
    """
    reports = []

    async def publish(membership: HubMembership) -> None:
        await membership.sync()
        reports.append((membership.hub.name, await Publisher(membership).publish(progress)))
        done(*reports[-1])

    await at_each_hub(service, publish)
    return reports


async def still_findable(service: NodeService, local_id: str) -> list[str]:
    """The kinds of work with a client that stay findable by law at some hub, as people call
    them.
    """
    found = set[str]()
    for membership in (service.membership, *service.others):
        kinds, at = membership.agreement.types, membership.at()
        works = await membership.engine.read(partial(_findable, local_id=local_id, at=at))
        found |= {kinds[item.type].title for item in works if item.type in kinds}
    return sorted(found)


def _findable(tables: NodeTables, local_id: str, at: At) -> list[Involvement]:
    client, findable = tables.records.client(local_id), tables.findable.of(at.hub_id)
    works = tables.records.in_force(client.id, at) if client is not None else []
    return [item for item in works if item.type in findable]


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
