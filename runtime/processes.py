"""Processes of our own for work that fills a processor, one for each."""

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor


def process_pool() -> "ProcessPoolExecutor":
    """A pool whose processes begin with the first work; who takes it shuts it down."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    return ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """Ctrl-C is our parent's to handle; and whoever kills it leaves none of us behind."""
    import signal
    from multiprocessing import parent_process

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
