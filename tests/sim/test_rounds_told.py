"""Not published, not compared yet, and no match: three things, and `team` says which it is."""

import json
from typing import Any

import pytest

from hub.matching import rounds
from hub.store.mailboxes import Post
from hub.store.stubs import Stubs
from protocol.matchkeys.records import ClientRecord
from protocol.messages.bodies import RoundsBody
from protocol.messages.statement import parse_statement
from tests.sim.federation import (
    AMEERA,
    AMIRA,
    DUTY,
    NOON,
    SAMIR,
    SimFederation,
    SimNode,
    row,
    two_agencies,
)
from tests.sim.test_people_cli import Town
from tests.sim.test_people_cli import town as town

QUARTER = 900  # seconds between rounds, as hub.toml has it by default


async def alone(federation: SimFederation) -> SimNode:
    """Social care, which has Ameera and has published nothing."""
    care = await federation.join("Social care", "childrens_social_care")
    await care.take_in(row("c1", AMEERA, "child_in_need", DUTY, "S. Worker"))
    return care


def says(town: Town) -> str:
    return town.types("Social care", "team", "c1").stdout


def value(town: Town) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(town.types("Social care", "team", "c1", "--json").stdout)
    return found


def test_team_tells_apart_who_is_not_published_not_compared_and_without_a_match(
    town: Town,
) -> None:
    care = town.now(alone(town.federation))
    assert "is not published yet" in says(town)
    assert "No match" not in says(town), "nobody has looked"
    assert "compared yet" not in says(town)
    town.now(town.federation.round())
    town.federation.clock.now += 300
    town.now(care.publish())
    assert "Not compared yet; the hub has not said yet when" in says(town)
    town.now(town.federation.settle())
    said = says(town)
    assert "Not compared yet; next round at " in said
    assert "No match" not in said
    assert (value(town)["compared"], value(town)["next_round"]) == (False, NOON + QUARTER)
    assert "Somebody to call now" in said
    town.federation.clock.now += QUARTER
    assert "Not compared yet; the next round was due at" in says(town)
    town.now(town.federation.round())
    assert "No match was found." in says(town)
    assert "compared yet" not in says(town)
    assert value(town)["next_round"] == NOON + 300 + QUARTER + QUARTER


def test_a_record_that_changed_waits_anew_and_what_was_found_is_shown_meanwhile(
    town: Town,
) -> None:
    _, care = town.now(two_agencies(town.federation))
    assert "compared yet" not in says(town)
    moved = ClientRecord(**{**vars(AMEERA), "address": "9 Elm Road", "postcode": "LX9 9ZZ"})
    town.now(care.take_in(row("c1", moved, "child_in_need", DUTY, "S. Worker")))
    town.now(care.publish())
    town.now(town.federation.settle())
    said = says(town)
    assert "Health visiting" in said
    assert "What you published last is not compared yet; next round at" in said
    town.now(town.federation.round())
    assert "compared yet" not in says(town)


async def told(federation: SimFederation, node: SimNode) -> list[RoundsBody]:
    """What lies in an agency's mailbox of this kind."""
    sql = "SELECT envelope FROM mailbox WHERE agency = ? ORDER BY seq"
    rows = await federation.hub_read(lambda tables: tables.tx.rows(sql, node.party_id))
    found = [parse_statement(item["envelope"]) for item in rows]
    return [item.body for item in found if isinstance(item.body, RoundsBody)]


async def test_a_backlog_is_not_called_compared(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first load is more than one round takes, and the hub stops between two of them."""
    monkeypatch.setattr(rounds, "ROUND_LIMIT", 1)
    monkeypatch.setattr(Stubs, "is_any_marked", lambda _stubs: False)
    care = await alone(federation)
    await care.take_in(row("c2", SAMIR, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    for compared in (False, True):
        await federation.round()
        teams = [await care.team("c1"), await care.team("c2")]
        assert [team.compared for team in teams] == [compared] * 2


async def test_nobody_is_told_anything_by_what_another_agency_does(
    federation: SimFederation,
) -> None:
    """Social care takes its client back. A record that shared a token is looked at again; the
    therapist, to whom nothing is shown of anybody, hears nothing.
    """
    therapy = await federation.join("Therapy", "health_provider")
    await therapy.take_in(row("t1", AMIRA, "talking_therapies", DUTY))
    care = await alone(federation)
    await therapy.publish()
    await care.publish()
    await federation.round()
    await federation.settle()
    before = await told(federation, therapy)
    await care.write(lambda tables: tables.tx.run("UPDATE involvement SET withdrawn_at = 1"))
    await care.publish()
    await federation.hub.jobs.round()
    assert await told(federation, therapy) == before
    assert len(await told(federation, care)) == 2, "of its own publication: that, and the round"


async def test_another_member_cannot_say_that_a_round_was(federation: SimFederation) -> None:
    health, care = await two_agencies(federation)
    await care.take_in(row("c2", SAMIR, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    await federation.settle()
    lie = health.membership.sign(RoundsBody(compared_below=10**6, next_round=NOON), care.party_id)
    post = Post(care.party_id, lie.envelope.encode())
    await federation.hub_write(lambda tables: tables.mailboxes.post([post]))
    await federation.settle()
    assert not (await care.team("c2")).compared
    await federation.round()
    assert (await care.team("c2")).compared
