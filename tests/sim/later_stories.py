"""Stories for tests/sim/test_node_faults.py: overdue requests, attention, introductions, enquiries.

Each lets whatever is thrown happen, and says what must be so at its end.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from protocol.errors import PatchworkError
from tests.sim.federation import SimFederation, two_agencies
from tests.sim.front_door import Door, built
from tests.sim.test_introductions import CHARITY, introduce, introduced, meet
from tests.sim.test_raise_attention import raised, seen_by

if TYPE_CHECKING:
    from tests.sim.test_node_faults import Breaker


async def is_late(federation: SimFederation, breaker: Breaker) -> None:
    health, care = await two_agencies(federation)
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    breaker.arm()
    federation.clock.now += 7 * 3600
    await federation.checkpoint()
    await federation.hub.jobs.overdue()
    await breaker.settle()
    assert (await care.sent(request_id))["overdue"] is not None
    assert (await health.received(request_id))["overdue"] is not None


async def raises(federation: SimFederation, breaker: Breaker) -> None:
    health, care = await two_agencies(federation)
    breaker.arm()
    with suppress(PatchworkError):  # it says that the hub has not taken it
        await raised(health, "h1")
    await federation.hub.jobs.alert()
    await breaker.settle()
    assert await seen_by(care) == [("c1", "Health visiting", "Moved home")]
    sent = await health.read(lambda tables: tables.tx.rows("SELECT state FROM sent_attention"))
    assert [item["state"] for item in sent] == ["sent"]


async def introduces(federation: SimFederation, breaker: Breaker) -> None:
    trust, charity, _ = await meet(federation)
    breaker.arm()
    await federation.hub.jobs.ends()
    await federation.hub.jobs.round()
    await breaker.settle()
    with suppress(PatchworkError):
        await introduce(federation, trust, "m1")
    await breaker.settle()
    assert CHARITY in [other.agency for other in (await trust.team("m1")).others]
    assert len(await introduced(charity)) == 1


async def enquires(federation: SimFederation, breaker: Breaker) -> None:
    await federation.begin(built)
    door = await Door.of(federation)
    breaker.arm()
    with suppress(PatchworkError):
        await door.enquires()
    await breaker.settle()
    assert await door.decisions() == [("allow", None)]
    made = await door.care.read(lambda tables: tables.tx.rows("SELECT state FROM enquiry"))
    assert [item["state"] for item in made] == ["allowed"]
