"""Once a week an agency says how much it publishes: an asker reads it beside "no match", the
council sees take-up, and nobody works out a small number. specs/02-charter.md §10.
"""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from hub.cli.figures import figures_value
from node.cli.printing import print_team
from node.membership.synced import notice
from node.records.people import close
from node.store.resync import Cause
from node.views.team import team_value
from protocol.errors import ErrorCode as E
from protocol.errors import RemoteError
from protocol.matchkeys.records import ClientRecord
from protocol.messages.members import FiguresBody
from tests.sim.federation import DUTY, SAMIR, SimFederation, SimNode, row
from tests.sim.test_audit_people import audited

Agencies = tuple[SimNode, SimNode]
WEEK = 7 * 86_400


def somebody(number: int) -> ClientRecord:
    """One of many, every other one without a postcode and nobody with an NHS number."""
    return replace(
        SAMIR,
        nhs_number=None,
        given=f"Ka{chr(97 + number // 26)}{chr(97 + number % 26)}lo",
        date_of_birth=f"19{10 + number:02d}-03-14",
        address=None,
        postcode=f"LX{number % 9 + 1} 4AB" if number % 2 else None,
    )


async def many(node: SimNode, count: int) -> None:
    rows = [row(f"m{number}", somebody(number), "early_help", DUTY) for number in range(count)]
    await node.take_in(*rows)
    await node.publish()


async def say(federation: SimFederation, *nodes: SimNode) -> None:
    """One pass of each running node's loop; then the log shows it."""
    for node in nodes:
        await node.service.figures.step()
    await federation.checkpoint()
    for node in nodes:
        await node.membership.sync()


async def shown(node: SimNode, local_id: str = "c1") -> dict[str, Any]:
    """What an asker is shown, by agency."""
    value = team_value(await node.team(local_id))
    return {one["agency"]: one["figures"] for one in value["publishers"]}


async def test_an_asker_reads_who_was_looked_through_and_how_fresh_it_is(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    assert await shown(care) == {"Health visiting": None}
    await many(health, 58)
    federation.clock.now += 3 * 86_400
    await federation.checkpoint()
    await say(federation, health, care)
    said = (await shown(care))["Health visiting"]
    assert said == {
        "clients": 60,
        "shares": {"nhs_number": 1, "date_of_birth": 9, "postcode": 5, "permission": 9},
        "feed_age_days": 3,
        "practitioners": "under_5",
    }
    assert (await shown(health, "h2"))["Social care"]["shares"] is None
    assert await audited(federation) == set()


async def test_the_council_sees_take_up(federation: SimFederation, agencies: Agencies) -> None:
    health, _ = agencies
    await federation.join("Lea Youth", "charity")
    await say(federation, health)
    found = {one["name"]: one["figures"] for one in await federation.hub_read(figures_value)}
    assert found["Lea Youth"] is None
    assert found["Health visiting"] is not None


async def test_it_is_said_once_a_week_and_by_nobody_sooner(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    for _ in range(3):
        await say(federation, health)
    assert len(await federation.entries("figures")) == 1
    body = FiguresBody(clients=90, shares=None, feed_age_days=0, practitioners="under_5")
    federation.clock.now += 6 * 86_400 - 1
    await federation.checkpoint()
    with pytest.raises(RemoteError) as caught:
        await health.membership.say(body)
    assert caught.value.code is E.CONFLICT
    await say(federation, health)
    assert len(await federation.entries("figures")) == 1
    federation.clock.now += 86_401
    await federation.checkpoint()
    await many(health, 12)
    await say(federation, health)
    await care.membership.sync()
    assert len(await federation.entries("figures")) == 2
    assert (await shown(care))["Health visiting"]["clients"] == 10
    assert await audited(federation) == set()


async def test_a_backup_that_was_put_back_says_nothing_before_it_knows_what_it_missed(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    hub_id, now = health.membership.hub.hub_id, federation.clock()
    await health.write(lambda tables: notice(tables, hub_id, Cause.RESTORED, now))
    await say(federation, health)
    assert await federation.entries("figures") == []
    await federation.settle()
    await say(federation, health)
    assert len(await federation.entries("figures")) == 1


async def test_what_is_withheld_closed_or_withdrawn_is_in_no_number(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await many(health, 8)  # ten with Amira and her twin
    assert (await health.service.figures.now()).clients == 10
    await health.write(lambda tables: tables.records.withdraw(1, federation.clock()))
    await health.publish()
    now = await health.service.figures.now()
    assert now.clients == 0
    await health.write(lambda tables: close(tables, "W. Orker", "", federation.clock()))
    assert (await health.service.figures.now()).practitioners == "under_5"


async def test_no_match_reads_with_who_was_looked_through(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await many(care, 3)
    await say(federation, health)
    await care.membership.sync()
    await federation.round()
    out = Console(record=True, width=120, file=io.StringIO())
    print_team(out, "m1", await care.team("m1"))
    text = out.export_text()
    assert "No match was found. That does not mean" in text
    assert "Health visiting: fewer than 10 clients, newest file of that day (as of" in text
