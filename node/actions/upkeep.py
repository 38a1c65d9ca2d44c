"""What an operator can have done for a node that met faults of this program."""

from typing import Any

from node.service import NodeService
from node.store.set_aside import SetAside


async def retry_now(service: NodeService) -> list[dict[str, Any]]:
    """Try again what was set aside; what is so still, for scripts and screens.

    Raises RemoteError when the hub is away, or LocalError: then what was not reached stays.
    """
    return [_value(kept) for kept in await service.retry()]


def _value(kept: SetAside) -> dict[str, Any]:
    """What was set aside: an id, and the fault's type and place. Nothing of any client."""
    return {
        "what": kept.item.what.value,
        "item": kept.item.item,
        "since": kept.first_seen,
        "error": kept.fault.error,
        "place": kept.fault.place,
    }
