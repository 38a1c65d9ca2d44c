"""How a hub is watched: what /healthz looks at, and the numbers of /metrics."""

from collections import Counter
from pathlib import Path

from hub.log.quorum_status import QuorumStatus, quorum_status
from hub.server.jobs import PUBLISH
from hub.server.services import Services
from hub.store.members import ApplicantState
from hub.store.tables import HubTables
from protocol.errors import ErrorCode, LocalError
from runtime.metrics import Metric, Pulse, gauge, of_jobs
from transport.watched import Watch

STANDS_SECONDS = 60  # the log's writer waits a few seconds for witnesses, and never so long


def hub_watch(folder: Path, services: Services, pulse: Pulse) -> Watch:
    """A hub's own. It works while its database can be read and its log is written."""
    clock, publisher = services.signer.env.clock, services.publisher
    began = clock()

    async def check() -> None:
        await services.engine.read(lambda tables: tables.log.next_index())
        if clock() - (pulse.last(PUBLISH) or began) > STANDS_SECONDS:
            stands = f"the log has not been written for {STANDS_SECONDS} seconds"
            raise LocalError(ErrorCode.STORAGE, stands)

    async def measure() -> list[Metric]:
        now, ahead = clock(), publisher.cosignatures.ahead

        def read(tables: HubTables) -> list[Metric]:
            return [*_of_tables(tables), *_of_quorum(quorum_status(tables, now, ahead), now)]

        signed = gauge("log_signed_entries", "Entries under our own signature.", publisher.size)
        witnessed = gauge(
            "log_witnessed_entries",
            "Entries under a quorum of witnesses.",
            publisher.witnessed_size,
        )
        found = await services.engine.read(read)
        return [*found, signed, witnessed, *of_jobs([pulse], "name")]

    return Watch(folder, check, measure)


def _of_tables(tables: HubTables) -> list[Metric]:
    states = Counter(item.state for item in tables.members.applicants(*ApplicantState))
    members = Counter(body.status for body in tables.directory.current().bodies())
    return [
        gauge("log_entries", "Entries in the database.", tables.log.next_index()),
        gauge("mail_waiting", "Messages that nobody has fetched yet.", tables.mailboxes.waiting()),
        gauge("records_waiting", "Records that wait for a round.", tables.stubs.marked()),
        Metric("members", "Members by status.",
               {(str(status),): many for status, many in members.items()}, ("status",)),
        Metric("applications", "Applications by what became of them; who waits, waits for you.",
               {(state.value,): states[state] for state in ApplicantState}, ("state",)),
    ]  # fmt: skip


def _of_quorum(found: QuorumStatus | None, now: int) -> list[Metric]:
    if found is None:
        return []
    waits = 0 if found.since is None else max(1, now - found.since)
    return [
        gauge("quorum_needed", "How many witnesses must sign.", found.needed),
        Metric("witness_counts", "1 if a witness's signature counts now, else 0.",
               {(item.name,): int(item.counts) for item in found.witnesses}, ("witness",)),
        gauge("contact_details_wait_seconds", "For how long they cannot move; 0: they can.", waits),
    ]  # fmt: skip
