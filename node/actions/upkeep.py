"""What an operator can have done: a look at the log, alarms put away, faults tried again."""

from node.alarms import acknowledge
from node.service import NodeService
from node.store.people import Act, Deed
from node.store.set_aside import SetAside
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError


async def look_now(service: NodeService) -> None:
    """Look at the log once, as the running node does all the time. Raises RemoteError."""
    await service.monitor.look()
    await service.outbox.check_logged()


async def acknowledge_now(service: NodeService, number: int, person: int) -> None:
    """Put an alarm away in a person's name (a row's id). Raises LocalError(NOT_FOUND)."""
    hub_id, now = service.membership.hub.hub_id, service.membership.env.clock()

    def work(tables: NodeTables) -> None:
        if not acknowledge(tables, hub_id, number, now):
            raise LocalError(ErrorCode.NOT_FOUND, "there is no alarm with that number")
        tables.people.acted(Act(person, Deed.ACKNOWLEDGED, str(number), now))

    await service.membership.engine.write(work)


async def retry_now(service: NodeService) -> list[SetAside]:
    """Try again what was set aside; what still fails.

    Raises RemoteError when the hub is away, or LocalError: then what was not reached stays.
    """
    return await service.retry()
