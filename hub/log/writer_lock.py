"""One writer a log: a lock on the hub's folder while its process lives (specs/05-log.md §6).

Two hubs on one folder would each sign what the other does not know of. The compare-and-swap of the
head stops the second at its first checkpoint; this stops it before it has answered anybody.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from protocol.errors import ErrorCode, LocalError


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises LocalError(CONFLICT) while another process holds it."""
    descriptor = os.open(folder / "hub.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalError(
                ErrorCode.CONFLICT, "another hub is running from this folder: stop it first"
            ) from error
        yield
    finally:
        os.close(descriptor)  # which lets go of the lock, as the end of the process does
