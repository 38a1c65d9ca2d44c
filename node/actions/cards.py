"""Cards that left: a person has one deleted, or lets it stay after a permission was withdrawn."""

from node.service import NodeService
from node.store.people import Act, Deed
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError


async def take_back_now(service: NodeService, request_id: str, person: int) -> None:
    """Recall the card of a request in a person's name (a row's id); no reason is sent. Raises
    LocalError where none is out; RemoteError where the hub is away: it is told later.
    """
    membership, recalls = service.membership, service.dispatcher.recalls
    hub_id, now = membership.hub.hub_id, membership.env.clock()

    def work(tables: NodeTables) -> None:
        request = tables.received_requests.get(hub_id, request_id)
        if request is None:
            raise LocalError(ErrorCode.NOT_FOUND, "no request with that id came here")
        recalls.take_back(tables, request)
        tables.people.acted(Act(person, Deed.RECALLED_CARD, request_id, now))

    await membership.check_synced()
    await membership.engine.write(work)
    try:
        await membership.follow()
        await service.advance()
    except RemoteError as error:
        said = "it is recalled, and patchwork-node serve tells the other organisation later: "
        raise RemoteError(error.code, said + error.detail) from error


async def keep_now(service: NodeService, request_id: str, person: int) -> None:
    """Let a card stay that was released on a basis without consent, though the permission was
    withdrawn. Raises LocalError unless that is asked.
    """
    membership, keeping = service.membership, service.dispatcher.keeping
    now = membership.env.clock()

    def work(tables: NodeTables) -> None:
        keeping.keep(tables, request_id)
        tables.people.acted(Act(person, Deed.KEPT_CARD, request_id, now))

    await membership.check_synced()
    await membership.engine.write(work)
