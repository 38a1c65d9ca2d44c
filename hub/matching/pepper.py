"""The pepper: tokens are stored as HMAC(pepper, token), and the pepper is outside the database.

specs/04-matching.md §8. A stolen database or backup is then worthless even together with the
token key.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import cached_property

STORED_TOKEN_BYTES = 16


@dataclass(frozen=True)
class Pepper:
    """A 32-byte secret whose repr shows nothing of it."""

    value: bytes = field(repr=False)

    def __call__(self, token: bytes) -> bytes:
        """The 16 bytes under which a token is stored and compared."""
        keyed = self._keyed.copy()
        keyed.update(token)
        return keyed.digest()[:STORED_TOKEN_BYTES]

    @cached_property
    def _keyed(self) -> hmac.HMAC:
        return hmac.new(self.value, digestmod=hashlib.sha256)
