"""Clients held back at the import, as values."""

from node.store.held import HeldPair


def held_value(item: HeldPair) -> dict[str, object]:
    """A held client, and beside whom."""
    return {
        "client": item.local_id,
        "perhaps": item.other_id,
        "why": item.why.value,
        "withdrawn": item.withdrawn,
        "held_at": item.held_at,
    }
