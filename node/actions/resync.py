"""Learn at once what was missed since the backup that this node came back from."""

from node.membership.synced import notice
from node.service import NodeService
from node.store.resync import Cause, Resync
from protocol.errors import ErrorCode, RemoteError


async def resync_now(service: NodeService, *, ask: bool = False) -> Resync | None:
    """Go on until it is done; what came of it, or None if this node never came back. `ask`:
    though nothing but its people knows that it did.

    Raises RemoteError where the hub or witnesses are away.
    """
    if ask:
        hub_id, now = service.membership.hub.hub_id, service.membership.env.clock()
        await service.membership.engine.write(
            lambda tables: notice(tables, hub_id, Cause.RESTORED, now)
        )
    try:
        await service.receive(wait=0)
        await service.receive(wait=0)
    except RemoteError as error:
        if error.code is not ErrorCode.SECOND_INSTANCE:
            raise  # else the running node does it
    hub_id = service.membership.hub.hub_id
    return await service.membership.engine.read(lambda tables: tables.resyncs.get(hub_id))
