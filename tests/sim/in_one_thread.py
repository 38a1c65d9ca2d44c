"""The federation in one thread: what goes to a database's thread elsewhere is done on the spot, and
what was verified once is not verified again by each of ten parties in the same process.

Handing every statement to a thread and back is a sixth of a scenario's time, and verifying the same
signatures another. tests/contract and the stories of real processes have the threads.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from hashlib import blake2b
from typing import Any

import nacl.bindings
import pytest

import storage.threaded
from protocol.signing import SIGNATURE_BYTES


class OnTheSpot:
    """Stands where an engine's ThreadPoolExecutor stands: what is submitted is done."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def submit(self, work: Callable[..., Any], *args: object) -> Future[Any]:
        """Do it now."""
        outcome: Future[Any] = Future()
        outcome.set_running_or_notify_cancel()
        try:
            outcome.set_result(work(*args))
        except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
            outcome.set_exception(error)
        return outcome

    def shutdown(self, **_: object) -> None:
        """There is nothing to stop."""


def verified_once(verify: Callable[[bytes, bytes], bytes]) -> Callable[[bytes, bytes], bytes]:
    """The same answers, and the same refusals: a signature that is valid stays valid."""
    valid: set[bytes] = set()

    def look(signed: bytes, public_key: bytes) -> bytes:
        said = blake2b(public_key + signed).digest()
        if said in valid:
            return signed[SIGNATURE_BYTES:]
        message = verify(signed, public_key)
        valid.add(said)
        return message

    return look


@pytest.fixture(scope="package", autouse=True)
def in_one_thread() -> Iterator[None]:
    """Every scenario of a federation in memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage.threaded, "ThreadPoolExecutor", OnTheSpot)
        verify = nacl.bindings.crypto_sign_open
        patch.setattr(nacl.bindings, "crypto_sign_open", verified_once(verify))
        yield
