"""Withholding clients: two people together keep a record unpublished, and what follows is told."""

from collections.abc import Callable
from typing import TypeVar

from node.actions.clients import tell_hub
from node.records import withholding
from node.records.by_hand import By
from node.records.withholding import Wish
from node.service import NodeService
from node.store.tables import NodeTables

Result = TypeVar("Result")


async def propose_withholding(service: NodeService, wish: Wish, person: int) -> int:
    """Take down in a person's name (a row's id) that a client is to be withheld; its number. The
    other one of the two has to agree. Raises LocalError.
    """
    return await _write(service, person, lambda tables, by: withholding.propose(tables, wish, by))


async def agree_to_withholding(service: NodeService, number: int, person: int) -> str:
    """Withhold a client, whom the other one of the two wants withheld, and tell the hub that their
    record ended; their own id. Raises LocalError, RemoteError.
    """
    one = await _write(service, person, lambda tables, by: withholding.agree(tables, number, by))
    await tell_hub(service, "withheld here, but the hub was not told; run publish: ")
    return one.local_id


async def end_withholding(service: NodeService, number: int, person: int) -> bool:
    """Say that it is to end; whether it has, and the client is published. Raises LocalError,
    RemoteError.
    """
    ended = await _write(service, person, lambda tables, by: withholding.end(tables, number, by))
    if ended:
        await tell_hub(service, "ended here, but the hub was not told; run publish: ")
    return ended


async def _write(
    service: NodeService, person: int, work: Callable[[NodeTables, By], Result]
) -> Result:
    by = By(person, service.membership.env.clock())
    return await service.membership.engine.write(lambda tables: work(tables, by))
