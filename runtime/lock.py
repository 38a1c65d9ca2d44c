"""One process a folder: a lock while a service lives (specs/05-log.md §6 for the hub's).

Two hubs on one folder would each sign what the other does not know of. The compare-and-swap of the
head stops the second at its first checkpoint; this stops it before it has answered anybody. Two of
another service would take each other's mail, or charge one budget twice.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from protocol.errors import ErrorCode, LocalError


@contextmanager
def only_one(folder: Path, service: str, *, of_many: bool = False) -> Iterator[None]:
    """Hold a service's lock in its folder; `service` is hub, node, holder or witness. `of_many`:
    others of this kind may run beside it, and nobody who wants it for himself.

    Raises LocalError(CONFLICT) while another process holds it.
    """
    descriptor = os.open(folder / f"{service}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            how = fcntl.LOCK_SH if of_many else fcntl.LOCK_EX
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalError(
                ErrorCode.CONFLICT, f"another {service} is running from this folder: stop it first"
            ) from error
        yield
    finally:
        os.close(descriptor)  # which lets go of the lock, as the end of the process does
