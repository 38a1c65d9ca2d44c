"""The pepper: tokens are stored as HMAC(pepper, token), and the pepper is outside the database.

specs/04-matching.md §8. A stolen database or backup is then worthless even together with the
token key.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

STORED_TOKEN_BYTES = 16


@dataclass(frozen=True)
class Pepper:
    """A 32-byte secret whose repr shows nothing of it."""

    value: bytes = field(repr=False)

    def __call__(self, tokens: Iterable[bytes]) -> list[bytes]:
        """The 16 bytes each under which tokens are stored and compared."""
        keyed = self._keyed.copy  # half of what the standard library's takes, for every token
        stored = []
        for token in tokens:
            mac = keyed()
            mac.update(token)
            stored.append(mac.finalize()[:STORED_TOKEN_BYTES])
        return stored

    @cached_property
    def _keyed(self) -> HMAC:
        return HMAC(self.value, SHA256())
