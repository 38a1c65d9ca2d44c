"""Clock and randomness, handed in so that tests can choose them."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

Clock = Callable[[], int]
RandomBytes = Callable[[int], bytes]


@dataclass(frozen=True)
class Environment:
    """Clock (Unix seconds) and randomness."""

    clock: Clock = field(default=lambda: int(time.time()))
    random: RandomBytes = field(default=secrets.token_bytes)

    def new_id(self) -> str:
        """A fresh 16-byte id in hex."""
        return self.random(16).hex()
