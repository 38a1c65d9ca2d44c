"""How a witness is watched: what /healthz looks at, and the numbers of /metrics."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from audit.witness.store import WitnessStore
from runtime.metrics import Metric, Pulse, of_jobs
from transport.watched import Watch


def witness_watch(folder: Path, store: WitnessStore, pulse: Pulse | None = None) -> Watch:
    """A witness's own, by what is on its disk. `pulse`: of one that pulls."""

    async def check() -> None:
        await asyncio.to_thread(store.logs)

    async def measure() -> Iterable[Metric]:
        sizes, forks = await asyncio.to_thread(_counted, store)
        return [
            Metric("log_witnessed_entries", "Entries of a log that we have signed.",
                   sizes, ("log",)),
            Metric("forks", "Notes of a log that contradict what we have signed: proof against it.",
                   forks, ("log",)),
            *of_jobs([pulse] if pulse else [], "name"),
        ]  # fmt: skip

    return Watch(folder, check, measure)


def _counted(store: WitnessStore) -> list[dict[tuple[str, ...], float]]:
    """By log: how many entries we have signed, and how many notes contradict that."""
    sizes: dict[tuple[str, ...], float] = {}
    forks: dict[tuple[str, ...], float] = {}
    for log in store.logs():
        sizes[(log.key.name,)] = log.head.size if log.head else 0
        forks[(log.key.name,)] = len(store.forks(log.key.name))
    return [sizes, forks]
