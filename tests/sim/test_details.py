"""An agency's telephone and name change: signed by itself, told to all, and nobody is fooled."""

from typing import Any

import pytest

from hub.members.office import candidates, rename
from node.alarms import open_alarms
from node.membership.details import change_details
from node.oversight.about import about
from node.store.tables import NodeTables
from protocol.dsse import sign
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.messages.members import DetailsBody, RenameBody
from protocol.messages.statement import parse_statement
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_audit_people import audited
from tests.sim.test_charter_change import follow, publications
from tests.sim.test_stolen_node import ordered, rotated

Agencies = tuple[SimNode, SimNode]


async def told(agency: SimNode) -> list[str]:
    """What this node's people are told of others, once it has looked at the log."""
    await agency.service.monitor.look()
    membership = agency.membership

    def read(tables: NodeTables) -> list[str]:
        alarms = open_alarms(tables, membership.hub.hub_id)
        return [about(tables, membership, alarm) for alarm in alarms]

    return await agency.read(read)


async def renamed(federation: SimFederation, agency: SimNode, name: str) -> None:
    """The operator's command, then one pass of the running hub."""
    await federation.hub_write(lambda tables: rename(tables, agency.party_id, name))
    await federation.hub.jobs.admit()
    await federation.checkpoint()


async def test_a_new_duty_line_is_on_every_screen_and_on_every_card_at_once(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    logged = await publications(federation)
    assert await told(care) == []
    await change_details(health.membership, None, "01632 960155", "Weekdays 8 to 6")
    await federation.checkpoint()
    await follow(*agencies)
    (other,) = (await care.team("c1")).others
    assert (other.agency, other.duty_line, other.duty_hours) == (
        "Health visiting", "01632 960155", "Weekdays 8 to 6",
    )  # fmt: skip
    (line,) = (await care.team("c1")).ring
    assert (line.phone, line.hours) == ("01632 960155", "Weekdays 8 to 6")
    assert await told(care) == [
        "The duty line of Health visiting is now 01632 960155 (Weekdays 8 to 6)."
    ]
    assert [agency.membership.unaccepted() for agency in agencies] == [[], []]
    assert await publications(federation) == logged, "nothing is published again for it"
    request_id = await care.ask("c1", other.involvement_id)
    await federation.settle()
    await health.answer(request_id)
    await federation.settle()
    row = await care.sent(request_id)
    assert row["state"] == "opened"
    assert "01632 960155" in str(row["card"])
    assert await audited(federation) == set()


async def test_a_new_name_by_the_agency_and_one_by_the_operator_are_told_with_the_old_one(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    assert await told(care) == []
    await change_details(health.membership, "Health visiting North", None, None)
    await federation.checkpoint()
    assert await told(care) == ["Health visiting is now called Health visiting North."]
    await renamed(federation, health, "Northern health visiting")
    assert await told(care) == [
        "Health visiting is now called Health visiting North.",
        "Health visiting North is now called Northern health visiting.",
    ]
    assert (await care.team("c1")).others[0].agency == "Northern health visiting"
    assert health.membership.me().body.duty_line == "01632 960100", "and nothing else changed"
    shown = await federation.hub_read(candidates)
    assert {item.name for item in shown} == {"Northern health visiting", "Social care"}
    assert await audited(federation) == set()


async def test_nobody_takes_the_name_of_another_member(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    with pytest.raises(RemoteError) as caught:
        await change_details(health.membership, "Social care", None, None)
    assert caught.value.code is ErrorCode.CONFLICT
    with pytest.raises(RemoteError, match="another member has that name"):
        await renamed(federation, health, "Social care")
    with pytest.raises(LocalError, match="letters that look alike"):
        await renamed(federation, health, "Неаlth visiting")
    assert await federation.entries("rename") == []
    assert len(await federation.entries("rejection")) == 1


async def test_old_details_that_the_hub_shows_again_are_refused_by_everybody(
    federation: SimFederation, agencies: Agencies
) -> None:
    """A number that was given up may be somebody else's now."""
    health, care = agencies
    await change_details(health.membership, None, "01632 960155", None)
    await federation.checkpoint()
    await change_details(health.membership, None, "01632 960166", None)
    await federation.checkpoint()
    await care.membership.sync()
    body = DetailsBody(sequence=1, name=None, duty_line="01632 960155", duty_hours=None)
    again = health.membership.sign(body, health.membership.hub.hub_id)
    await refused_by_all(federation, care, again)
    assert (await care.team("c1")).others[0].duty_line == "01632 960166"


async def test_a_hub_cannot_give_an_agency_another_telephone(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    body = DetailsBody(sequence=1, name=None, duty_line="01632 960199", duty_hours=None)
    said = health.membership.sign(body, health.membership.hub.hub_id)
    seed = federation.hub.jobs.signer.seed
    forged = parse_statement(sign("details", said.envelope.payload, seed).encode())
    await refused_by_all(federation, care, forged)
    assert (await care.team("c1")).others[0].duty_line == "01632 960100"


async def test_an_agency_cannot_rename_another_one(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    body = RenameBody(party_id=health.party_id, name="Out of order")
    await refused_by_all(federation, health, care.membership.sign(body, health.party_id))


async def refused_by_all(federation: SimFederation, agency: SimNode, statement: Any) -> None:
    """The hub logs it all the same: nobody follows, and the auditor says where."""
    await federation.hub_write(lambda tables: federation.slip_in(tables, statement))
    holders, federation.network.holders = federation.network.holders, {}
    await federation.checkpoint()
    before = agency.membership.view
    with pytest.raises(RemoteError):
        await agency.membership.sync()
    assert agency.membership.view == before
    assert "public_leaf" in {code.value for _, code in await audited(federation)}
    federation.network.holders = holders


async def test_what_an_agency_says_of_itself_outlives_new_keys_and_a_suspension(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await change_details(care.membership, "Children's care", "01632 960177", None)
    await federation.checkpoint()
    await ordered(federation, care, "suspended")
    with pytest.raises((RemoteError, LocalError)):
        await change_details(care.membership, "Another name", None, None)
    await rotated(federation, care)
    await ordered(federation, care, "active")
    await care.membership.sync()
    await change_details(care.membership, None, None, "Always open")
    await federation.checkpoint()
    await health.membership.sync()
    member = health.membership.directory.active(care.party_id)
    assert member is not None
    assert (member.body.name, member.body.duty_line, member.body.duty_hours) == (
        "Children's care", "01632 960177", "Always open",
    )  # fmt: skip
