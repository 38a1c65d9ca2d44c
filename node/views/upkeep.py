"""What an operator is shown of faults: an id, and a fault's type and place. Nothing of a client."""

from collections.abc import Iterable
from typing import Any

from node.store.set_aside import SetAside


def set_aside_value(left: Iterable[SetAside]) -> list[dict[str, Any]]:
    """What was set aside, for scripts."""
    return [
        {
            "what": kept.item.what.value,
            "item": kept.item.item,
            "since": kept.first_seen,
            "error": kept.fault.error,
            "place": kept.fault.place,
        }
        for kept in left
    ]
