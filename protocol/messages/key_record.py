"""A member's public keys, one for each use: specs/01-statements.md §5."""

from protocol.fields import Hex32, Seconds, WireModel


class KeyRecord(WireModel):
    """A member's keys: one for each use, and the hash of an offline recovery key."""

    auth: Hex32
    sign: Hex32
    seal: Hex32
    seal_expires: Seconds
    recovery_hash: Hex32
