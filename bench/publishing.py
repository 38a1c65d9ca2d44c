"""Importing and publishing an agency, and publishing it again when nothing has changed.

Prints seconds by the clock and of the processor, and what a client costs in processor time and in
statements to the database, for a small and a large agency: that must not grow with the agency.
Tokens are hashes and the hub says yes to everything (tests/sim/crowd.py), so that only the node's
own work is measured; its database work is real. The large ones are not published but written down
as if they had been: what publishing again reads is the same.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.results import RUNS, Figure, record
from node.publishing.publisher import PAGE, Publisher
from node.publishing.settled import Settled
from node.publishing.tokens import TokenCache
from node.publishing.works import works_of
from node.records.clients import apply_import
from node.store.stubs import PublishedInvolvementId, PublishedStub
from node.store.tables import NodeTables
from tests.sim.crowd import alone, crowd
from tests.sim.federation import SimFederation, SimNode, simulated
from tests.statements import counted_statements

SIZES = (10_000, 100_000)
FIRST = 1000
LARGEST = 20_000  # with more somebody else has to approve the agency, and nobody does here


def main() -> None:
    """Measure each size; a client's cost in the largest, against the smallest."""
    SimFederation.rehearse = False
    sizes = [int(text) for text in sys.argv[1:]] or SIZES
    print(f"{'clients':>8s} {'step':20s} {'seconds':>8s} {'processor':>9s}", end=" ")
    print(f"{'ms each':>8s} {'statements':>10s}")
    asyncio.run(measure(FIRST))
    costs = [asyncio.run(measure(size)) for size in sizes]
    name = f"publish_unchanged_{sizes[-1] // 1000}k"
    record(Figure(name, costs[-1] * 1e6, costs[0] * 1e6, "us of processor a client", 1.2, "max"))


async def measure(size: int) -> float:
    """One agency of so many clients; seconds a client when nothing has changed, best of three."""
    with tempfile.TemporaryDirectory() as folder:
        async with simulated(Path(folder)) as federation:
            said = min(size, LARGEST)
            agency = await federation.join("Agency", "health_provider", clients=said)
            await agency.membership.sync()
            with alone():
                await timed("import", size, lambda: imported(agency, size))
                if size == FIRST:
                    await timed("publish", size, lambda: published(agency, size))
                    return await timed("publish unchanged", size, lambda: published(agency, 0))
                await timed("as if published", size, lambda: settled(agency))
                return min(
                    [
                        await timed("publish unchanged", size, lambda: published(agency, 0))
                        for _ in range(RUNS)
                    ]
                )


async def imported(agency: SimNode, size: int) -> None:
    """Import them all, in one transaction."""
    report = await agency.write(lambda tables: apply_import(tables, crowd(size), 0))
    if report.stored != size:
        raise SystemExit("not every row was stored")


async def published(agency: SimNode, expected: int) -> None:
    """Publish; so many stubs must change."""
    report = await Publisher(agency.membership).publish()
    if report.changed != expected:
        raise SystemExit(f"{report.changed} stubs changed, not {expected}")


async def settled(agency: SimNode) -> None:
    """Have the stubs of everybody as if they had been published: tokens are not looked at again."""
    membership, after = agency.membership, 0
    hub_id, terms = membership.hub.hub_id, Settled(membership, TokenCache(membership))

    def work(tables: NodeTables) -> int:
        clients = tables.records.clients_after(after, PAGE)
        works = works_of(membership, tables, clients, membership.env.clock())
        fresh = [
            PublishedInvolvementId(item.involvement.id, membership.env.new_id(), "00" * 32)
            for items in works.values()
            for item in items
        ]
        tables.stubs.add_involvement_ids(hub_id, fresh)
        names = terms.names(tables, works, membership.env.clock())
        stubs = [
            PublishedStub(
                client.id, membership.env.new_id(), 1, "ab" * 32, retired=False,
                made_of=names[client.id],
            )
            for client in clients
        ]  # fmt: skip
        tables.stubs.put(hub_id, stubs, 1)
        return clients[-1].id if clients else 0

    while after := await membership.engine.write(work):
        pass


async def timed(name: str, size: int, work: Callable[[], Awaitable[None]]) -> float:
    """Run once and print a row of the table; seconds of the processor a client."""
    with counted_statements() as said:
        began, before = time.perf_counter(), time.process_time()
        await work()
        took, used = time.perf_counter() - began, time.process_time() - before
    each = f"{used / size * 1000:8.3f} {len(said) / size:10.4f}"
    print(f"{size:8d} {name:20s} {took:8.2f} {used:9.2f} {each}", flush=True)
    return used / size


if __name__ == "__main__":
    main()
