"""A whole agency's first evaluations in one go, metered, with one key holder off.

    python -m bench.evaluations [CLIENTS]        100,000 unless said otherwise

Two of three key holders with their real books evaluate 12 points for each client of an agency that
has declared so many; the third does not run. Then one point more than what is left is refused. The
points are the same in each batch, so that blinding them is not measured.
"""

import asyncio
import hashlib
import sys
import tempfile
import time
from pathlib import Path

from hub.members.charter_changes import proposed, put_forward
from keys.batch import pack_points
from keys.groups import default_group
from keys.holder.service import MAX_POINTS, HolderService
from protocol.errors import ErrorCode, RemoteError
from protocol.messages.evaluations import EvaluateBody
from tests.sim.federation import SimFederation, SimNode, simulated

CLIENTS = 100_000
TOKENS_A_CLIENT = 12
ON = (1, 3)


def main() -> None:
    """Measure."""
    SimFederation.rehearse = False
    clients = int(sys.argv[1]) if len(sys.argv) > 1 else CLIENTS
    asyncio.run(measure(clients))


async def measure(clients: int) -> None:
    """Evaluate for one agency of so many clients."""
    with tempfile.TemporaryDirectory() as folder:
        async with simulated(Path(folder)) as federation:
            await without_endorsement(federation, clients)
            agency = await federation.join("Trust", "health_provider", clients=clients)
            by_number = dict(enumerate(federation.network.holders.values(), 1))
            holders = {number: by_number[number] for number in ON}
            points = [default_group().multiply_base(item + 1) for item in range(MAX_POINTS)]
            left = TOKENS_A_CLIENT * clients
            print(f"{left:,} evaluations for {clients:,} clients, key holder 2 is off", flush=True)
            began, before = time.perf_counter(), time.process_time()
            while left:
                size = min(left, MAX_POINTS)
                await asyncio.gather(
                    *(ask(agency, number, holders[number], points[:size]) for number in ON)
                )
                left -= size
            took, used = time.perf_counter() - began, time.process_time() - before
            each = used / (len(ON) * TOKENS_A_CLIENT * clients)
            print(f"{took:.0f} s by the clock, {used:.0f} s of the processor, {each * 1e6:.0f} us")
            await spend(agency, holders[ON[0]], points, 3 * clients)


async def without_endorsement(federation: SimFederation, clients: int) -> None:
    """The charter lets an agency of this size join without another's word."""
    new = proposed(await federation.charter(), {"admission": {"largest_member": clients}})
    await federation.hub_write(lambda tables: put_forward(tables, new))
    await federation.hub.jobs.amend()
    await federation.checkpoint()


async def spend(agency: SimNode, holder: HolderService, points: list[bytes], left: int) -> None:
    """Use up what is left at one key holder: the point after it is refused."""
    while left:
        size = min(left, MAX_POINTS)
        await ask(agency, ON[0], holder, points[:size])
        left -= size
    try:
        await ask(agency, ON[0], holder, points[:1])
    except RemoteError as error:
        if error.code is not ErrorCode.OVER_QUOTA:
            raise
        print(f"then: {error.detail}")
        return
    raise SystemExit("more was evaluated than the budget holds")


async def ask(agency: SimNode, number: int, holder: HolderService, points: list[bytes]) -> None:
    """One batch at one key holder."""
    packed = pack_points(points)
    body = EvaluateBody(
        epoch=1,
        quorum=list(ON),
        count=len(points),
        points_hash=hashlib.sha256(packed).hexdigest(),
    )
    aud = agency.membership.charter.token_key.holders[number - 1].holder_id
    envelope = agency.membership.sign(body, aud).envelope.encode()
    await holder.answer(len(envelope).to_bytes(4, "big") + envelope + packed)


if __name__ == "__main__":
    main()
