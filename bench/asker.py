"""One asking agency of bench.requests: its node, and a practitioner who asks at a steady rate.

    python -m bench.asker FOLDER A_SECOND SECONDS

The node serves from its folder as `patchwork-node serve` does, and each question goes the way of
the page on which somebody presses *Ask*. It says `ready`, reads from its input when to begin
(seconds of the machine's monotonic clock), and says for each request its id and when it was due.
"""

import asyncio
import sys
import time
from pathlib import Path

from node.actions.asking import Ask, Grounds, addressee_of, ask_now
from node.actions.session import open_service
from node.links.references import Entry, entries_of
from node.links.team import known_links
from node.membership.hub import HubMembership
from node.service import NodeService
from node.store.tables import NodeTables

MOST = 1000  # clients
GROUNDS = Grounds(
    "safeguarding_child", "UK-CA89-S47", {"enquiry_reference": "S47-1", "informed": "informed"}
)


async def main() -> None:
    """Serve until this process is ended."""
    folder, a_second, seconds = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    async with open_service(folder, "") as service:
        questions = [
            Ask(local_id, await addressee_of(service, local_id, entry.name), 1, "social_worker",
                GROUNDS)
            for local_id, entry in await service.read(_teams)
        ]  # fmt: skip
        serving = asyncio.ensure_future(service.run())
        print("ready", flush=True)
        begins = float(await asyncio.to_thread(sys.stdin.readline))
        async with asyncio.TaskGroup() as asking:
            for number in range(round(a_second * seconds)):
                due = begins + number / a_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                question = questions[number % len(questions)]
                asking.create_task(_ask(service, question, due))
        await serving


async def _ask(service: NodeService, question: Ask, due: float) -> None:
    print("asked", await ask_now(service, question), due, flush=True)


def _teams(tables: NodeTables, membership: HubMembership) -> list[tuple[str, Entry]]:
    """Each client's id and whom to ask about them."""
    found = []
    for client in tables.records.clients_after(0, MOST):
        stub = tables.stubs.of_client(membership.hub.hub_id, client.id)
        links = known_links(tables, membership, stub)
        found += [(client.local_id, entry) for entry in entries_of(links)]
    return found


if __name__ == "__main__":
    asyncio.run(main())
