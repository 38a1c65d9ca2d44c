"""The two-agency story in memory: found, asked, answered, opened, withdrawn."""

import json

from tests.sim.federation import ON_BOTH_ENGINES, SimFederation, SimNode

pytestmark = ON_BOTH_ENGINES
Agencies = tuple[SimNode, SimNode]


async def test_two_agencies_find_each_other_and_the_twin_is_not_matched(
    agencies: Agencies,
) -> None:
    health, care = agencies
    team = await care.team("c1")
    assert [(item.label, item.agency) for item in team.others] == [
        ("Health visiting", "Health visiting")
    ]
    assert team.others[0].duty_line == "01632 960100"
    assert [item.label for item in (await health.team("h1")).others] == ["Child in need"]
    twin = await health.team("h2")
    assert (twin.others, twin.possible) == ((), 0)
    assert twin.duty_desk.phone, "no match still gives somebody to ring"


async def test_a_request_is_answered_and_the_card_opens(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    request_id = await care.ask("c1", involvement)
    await federation.settle()
    waiting = await health.received(request_id)
    assert waiting["state"] == "asks_person", "the first request from an agency goes to a person"
    assert json.loads(waiting["practitioner"])["name"] == "S. Worker"
    assert json.loads(waiting["facts"])["enquiry_reference"] == "S47-1"
    await health.answer(request_id)
    await federation.settle()
    opened = await care.sent(request_id)
    assert opened["state"] == "opened"
    card = json.loads(opened["card"])
    assert (card["practitioner"], card["phone"]) == ("H. Visitor", "07700 900123")
    assert (await health.received(request_id))["state"] == "opened", "the receipt came back"
    kinds = ["request", "hub_decision", "decision", "release", "receipt"]
    places = [(await federation.entries(kind))[0]["idx"] for kind in kinds]
    assert places == sorted(places), "the chain stands in the log in order"


async def test_a_request_without_its_facts_is_refused_and_logged(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    request_id = await care.ask("c1", involvement, facts={"informed": "informed"})
    refused = await care.sent(request_id)
    assert (refused["state"], refused["code"], refused["field"]) == (
        "refused", "missing_fact", "enquiry_reference",
    )  # fmt: skip
    assert len(await federation.entries("request")) == 1
    assert len(await federation.entries("hub_decision")) == 1


async def test_withdrawn_permission_ends_the_link_and_the_next_request_is_refused(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    await health.write(
        lambda tables: tables.tx.run("UPDATE involvement SET withdrawn_at = 1 WHERE client = 1")
    )
    report = await health.publish()
    assert report.retired == 1
    early = await care.ask("c1", involvement)
    assert (await care.sent(early))["code"] == "not_available", "at once, before any round"
    await federation.round()
    assert (await care.team("c1")).others == ()


async def test_permission_that_ends_after_the_decision_stops_the_release(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    for witness in federation.network.witnesses.values():
        witness.asleep = True
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["card"] is None, "no quorum, no card"
    await health.write(
        lambda tables: tables.tx.run("UPDATE involvement SET withdrawn_at = 1 WHERE client = 1")
    )
    for witness in federation.network.witnesses.values():
        witness.asleep = False
    await federation.settle()
    assert (await health.received(request_id))["state"] == "stopped"
    assert (await care.sent(request_id))["card"] is None


async def test_a_second_request_is_allowed_by_rule_where_the_agency_says_so(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    first = await care.ask("c1", involvement)
    await federation.settle()
    await health.answer(first)
    await federation.settle()
    health.service.answering._settings.answer_rule = "allow"
    second = await care.ask("c1", involvement)
    await federation.settle()
    assert (await care.sent(second))["state"] == "opened"


async def test_publishing_again_sends_nothing_and_evaluates_nothing(agencies: Agencies) -> None:
    health, _ = agencies
    report = await health.publish()
    assert (report.changed, report.retired, report.evaluated, report.unchanged) == (0, 0, 0, 2)
