"""People decide: who is told what, who is asked, and what an answer does to a link."""

import pytest

from hub.store.tables import HubTables
from node.links.review import Opinion, Waiting
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.matchkeys.records import ClientRecord
from protocol.messages.review import VerdictBody
from storage.engine import Row
from tests.sim.federation import AMEERA, AMIRA, DUTY, NOT_SURE, SimFederation, SimNode, row

Agencies = tuple[SimNode, SimNode]

MOVED = ClientRecord(None, "Amira", None, "Hassan", "2022-03-14", "F", "40 Oak Street", "LX1 1AA")


async def queue(node: SimNode) -> list[Waiting]:
    return await node.read(node.service.dispatcher.reviewing.queue)


async def say(node: SimNode, said: str, link_id: str | None = None) -> str:
    """Answer about the only waiting link, or about this one; its id."""
    if link_id is None:
        (waiting,) = await queue(node)
        link_id = waiting.link_id
    opinion = Opinion(link_id, said, 1)  # type: ignore[arg-type]
    await node.membership.sync()
    await node.write(lambda tables: node.service.dispatcher.reviewing.say(tables, opinion))
    await node.service.advance()
    return link_id


async def told(node: SimNode) -> list[tuple[str, str | None]]:
    """State and other agency of each link, as the node was told."""
    rows = await node.read(lambda tables: tables.tx.rows("SELECT * FROM link ORDER BY link_id"))
    return [(item["state"], item["agency_id"]) for item in rows]


async def hub_notices(federation: SimFederation) -> list[tuple[str, str | None]]:
    """What the hub means each side to know: `ended` for nothing."""
    (link,) = await federation.hub_read(_all_links)
    return [
        ("shown" if link[f"notice_{side}"] else "ended", link[f"review_{side}"]) for side in "ab"
    ]


async def logged_states(federation: SimFederation) -> list[str]:
    rows = await federation.hub_read(lambda tables: tables.tx.rows("SELECT state FROM link"))
    return [item["state"] for item in rows]


async def test_a_possible_match_waits_in_a_queue_and_names_nobody(unsure: Agencies) -> None:
    for node, client in zip(unsure, ("h1", "c1"), strict=True):
        (waiting,) = await queue(node)
        assert (waiting.client, waiting.state) == (client, "possible")
        assert (waiting.agency, waiting.labels) == (None, ())
        team = await node.team(client)
        assert (team.others, team.possible) == ((), 1)


async def test_same_by_one_side_raises_nothing_and_is_not_told(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    before = [dict(item) for item in await care.read(_all_links)]
    await say(care, "same")
    await federation.round()
    assert await queue(care) == [], "care has answered"
    (waiting,) = await queue(health)
    assert waiting.agency is None, "health learns neither who nor that somebody answered"
    assert [dict(item) for item in await care.read(_all_links)] == before
    assert await logged_states(federation) == ["possible"]
    assert (await health.team("h1")).others == ()


async def test_same_by_both_sides_makes_a_match_with_evidence_that_works(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    await say(care, "same")
    await say(health, "same")
    await federation.round()
    assert await queue(health) == await queue(care) == []
    others = (await care.team("c1")).others
    assert [item.agency for item in others] == ["Health visiting"]
    request_id = await care.ask("c1", others[0].involvement_id)
    await federation.settle()
    assert (await health.received(request_id))["state"] == "asks_person", "the link is proven"


async def test_not_the_same_by_one_side_hides_there_and_changes_nothing_elsewhere(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    before = [dict(item) for item in await care.read(_all_links)]
    entry = await queue(care)
    link_id = await say(health, "not_same")
    assert (await health.team("h1")).possible == 0, "hidden at once"
    await federation.round()
    assert (await health.team("h1")).possible == 0
    assert ("ended", None) in await hub_notices(federation), "the hub tells it no more either"
    assert await queue(health) == []
    assert await queue(care) == entry, "the same entry, byte for byte"
    assert [dict(item) for item in await care.read(_all_links)] == before
    await say(care, "same", link_id)
    await federation.round()
    assert await logged_states(federation) == ["possible"], "one no and one yes settle nothing"
    assert (await health.team("h1")).possible == 0


async def test_not_the_same_by_both_ends_it_and_it_stays_ended(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    await say(health, "not_same")
    await say(care, "not_same")
    await federation.round()
    assert await logged_states(federation) == ["ended"]
    await federation.hub_write(
        lambda tables: tables.tx.run("INSERT OR IGNORE INTO dirty_stub SELECT stub_id FROM stub")
    )
    await federation.round()
    assert await logged_states(federation) == ["ended"], "looked at again, it is still ended"
    assert await queue(health) == await queue(care) == []


async def test_a_changed_record_puts_the_question_again(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    await say(health, "not_same")
    await say(care, "not_same")
    await federation.round()
    await care.take_in(row("c1", MOVED, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    await federation.round()
    assert await logged_states(federation) == ["possible"]
    assert len(await queue(health)) == len(await queue(care)) == 1
    await say(health, "same")
    await say(care, "same")
    await federation.round()
    assert await logged_states(federation) == ["match"]


async def test_a_record_that_did_not_change_is_not_asked_about_again(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    await say(health, "not_same")
    await say(care, "not_same")
    await federation.round()
    longer = row("c1", NOT_SURE, "child_in_need", DUTY.__class__(
        "UK-CA04-S10-S11", DUTY.valid_until.replace(year=2031), None), "S. Worker")  # fmt: skip
    await care.take_in(longer)
    assert (await care.publish()).changed == 1, "a longer permission is a new revision"
    await federation.round()
    assert await logged_states(federation) == ["ended"]


async def test_a_person_may_change_their_mind(federation: SimFederation, unsure: Agencies) -> None:
    health, care = unsure
    link_id = await say(health, "not_same")
    await say(care, "same")
    await federation.round()
    await say(health, "same", link_id)
    await federation.round()
    assert await logged_states(federation) == ["match"]
    await say(care, "not_same", link_id)
    await federation.round()
    assert await logged_states(federation) == ["possible"]
    assert await told(care) == [("ended", None)] or (await care.team("c1")).others == ()


async def test_an_automatic_match_may_be_denied_and_the_other_side_is_asked(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    assert await queue(care) == await queue(health) == []
    link = (await care.read(_all_links))[0]["link_id"]
    await say(care, "not_same", link)
    await federation.round()
    assert (await care.team("c1")).others == (), "the side that denies it sees it no more"
    assert len((await health.team("h1")).others) == 1, "the other side still does"
    (waiting,) = await queue(health)
    assert (waiting.state, waiting.agency) == ("match", "Social care")
    await say(health, "not_same")
    await federation.round()
    assert (await health.team("h1")).others == ()
    assert await logged_states(federation) == ["ended"]


async def test_who_denies_a_link_does_not_ask_over_it_and_is_asked_by_a_person(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    link = (await care.read(_all_links))[0]["link_id"]
    await say(care, "not_same", link)
    with pytest.raises(LocalError) as caught:
        await care.ask("c1", involvement)
    assert caught.value.code is ErrorCode.NOT_ALLOWED
    care.service.answering._settings.answer_rule = "allow"
    for _ in range(2):
        others = (await health.team("h1")).others
        request_id = await health.ask(
            "h1", others[0].involvement_id, role="health_visitor", basis="UK-CA89-S17",
            purpose="early_help", facts={"views": "sought", "proportionality": "Needed."},
        )  # fmt: skip
        await federation.settle()
        waits = await care.received(request_id)
        assert waits["state"] == "asks_person", "neither allowed nor refused by a rule"
        await federation.round()  # it ends the link for us, and not yet for them
        (ended,) = [item for item in await care.read(_all_links) if item["link_id"] == link]
        assert ended["state"] == "ended"


async def test_an_answer_to_a_question_that_has_changed_is_not_taken(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    (waiting,) = await queue(health)
    await care.take_in(row("c1", MOVED, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    await federation.hub.jobs.round()
    await federation.checkpoint()
    await say(health, "not_same", waiting.link_id)
    (row_,) = await health.read(lambda tables: tables.tx.rows("SELECT * FROM review"))
    assert (row_["answer"], row_["error"]) == (None, "conflict")
    await federation.settle()
    assert len(await queue(health)) == 1, "asked again, about the record as it is"


async def test_nor_is_one_that_comes_between_the_change_and_the_round(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    await care.take_in(row("c1", MOVED, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    await say(health, "same")
    await say(care, "same")
    for node in unsure:
        (row_,) = await node.read(lambda tables: tables.tx.rows("SELECT * FROM review"))
        assert (row_["answer"], row_["error"]) == (None, "conflict")
    assert await federation.entries("verdict") == []


async def test_nobody_answers_for_a_link_that_is_not_theirs(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, _ = unsure
    housing = await federation.join("Housing", "housing")
    await housing.take_in(row("x1", AMEERA, "housing_support", DUTY))
    (waiting,) = await queue(health)
    with pytest.raises(LocalError) as caught:
        await say(housing, "same", waiting.link_id)
    assert caught.value.code is ErrorCode.NOT_FOUND


async def test_who_may_see_nothing_of_a_link_is_not_asked_and_cannot_find_it_by_answering(
    federation: SimFederation,
) -> None:
    therapy = await federation.join("Talking therapies", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    await therapy.take_in(row("t1", AMIRA, "talking_therapies", DUTY, "T. Herapist"))
    await care.take_in(row("c1", NOT_SURE, "child_in_need", DUTY, "S. Worker"))
    await therapy.publish()
    await care.publish()
    await federation.round()
    assert len(await queue(therapy)) == 1, "the sensitive service may see that somebody is there"
    assert await queue(care) == []
    assert await told(care) == []
    reviews = await care.read(lambda tables: tables.tx.rows("SELECT * FROM review"))
    assert reviews == [], "not so much as a question reaches it"
    link = await federation.hub_read(lambda tables: tables.tx.one("SELECT * FROM link"))
    stub = await care.read(lambda tables: tables.tx.one("SELECT stub_id FROM stub"))
    assert link is not None
    assert stub is not None
    answers = []
    for link_id in (link["link_id"], "77" * 16):
        forged = VerdictBody(
            link_id=link_id,
            stub_id=stub["stub_id"],
            question=None,
            round=link["round_id"],
            publication="00" * 32,
            answer="not_same",
            rests_on="records",
            decided_by="00" * 16,
        )
        envelope = care.membership.sign(forged, care.membership.hub.hub_id).envelope.encode()
        with pytest.raises(RemoteError) as caught:
            await care.membership.post("/v1/statements", envelope)
        answers.append((caught.value.code, caught.value.detail))
    assert answers[0] == answers[1]
    assert answers[0][0] is ErrorCode.NOT_FOUND


def _all_links(tables: NodeTables | HubTables) -> list[Row]:
    return tables.tx.rows("SELECT * FROM link ORDER BY link_id")
