"""How a node is watched: what /healthz looks at, and the numbers of /metrics, for each hub.

No number is about one client or one other agency.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from node.alarms import Severity, open_alarms
from node.service import NodeService
from node.store.tables import NodeEngine, NodeTables
from runtime.metrics import Metric, gauge, of_jobs
from transport.watched import Watch


def node_watch(
    folder: Path,
    engine: NodeEngine,
    services: Sequence[NodeService],
    beside: Sequence[web.Application] = (),
) -> Watch:
    """A node's own. It works while its database can be read: a hub that is away is an alarm.
    `beside`: its pages and its local interface.
    """

    async def check() -> None:
        await engine.read(lambda tables: tables.hubs.all())

    async def measure() -> list[Metric]:
        def read(tables: NodeTables) -> list[Metric]:
            return _of_tables(tables, services)

        found = await engine.read(read)
        return [gauge("hubs", "Hubs that this node has joined.", len(services)), *found]

    return Watch(folder, check, measure, beside)


def _of_tables(tables: NodeTables, services: Sequence[NodeService]) -> list[Metric]:
    hubs = {one.membership.hub.name: one for one in services}
    ids = {name: one.membership.hub.hub_id for name, one in hubs.items()}
    alarms = {
        name: Counter(alarm.text.severity for alarm in open_alarms(tables, hub_id))
        for name, hub_id in ids.items()
    }
    return [
        Metric("log_followed_entries", "Entries of the log followed.",
               {(name,): one.membership.view.size for name, one in hubs.items()}, ("hub",)),
        Metric("outbox_waiting", "Statements that wait to be sent.",
               {(name,): tables.outbox.waiting(hub_id) for name, hub_id in ids.items()}, ("hub",)),
        Metric("set_aside", "What a fault kept from being done.",
               {(name,): len(tables.set_aside.all(hub_id)) for name, hub_id in ids.items()},
               ("hub",)),
        Metric("alarms", "Alarms that stand, by how bad they are.",
               {(name, one.name.lower()): alarms[name][one] for name in hubs for one in Severity},
               ("hub", "severity")),
        *of_jobs([one.pulse for one in services], "hub", "name"),
    ]  # fmt: skip
