"""Who has a request hears of it when it comes to them, and both sides hear that it is overdue."""

from node.actions.attention import see_attention
from node.actions.cards import take_back_now
from node.actions.requests import pass_on_now
from node.records import people
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_answering import DAY, agree, staff
from tests.sim.test_news import ask, said
from tests.sim.test_raise_attention import raised, seen_by
from tests.sim.test_recalled_cards import known, opened
from tests.sim.test_renewed_cards import NEWEST, goes_first, has_number

Agencies = tuple[SimNode, SimNode]
ASKS = "h1: Social care asks for contact details: patchwork-node inbox."


async def test_it_is_told_from_hand_to_hand(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    await agree(federation, agencies)
    here = await staff(health)
    for node, name in ((health, "H. Visitor"), (care, "S. Worker")):
        await said(node, name)
    request_id = await ask(federation, care)
    assert await said(health, "H. Visitor") == [ASKS]
    assert await said(health, "D. Uty") == [], "it is not hers yet"

    await pass_on_now(health.service, request_id, 1, "C. Over")
    passed = "h1: a request was passed on to you: patchwork-node inbox."
    assert await said(health, "C. Over") == [passed]
    assert here["C. Over"]

    federation.clock.now += 2 * DAY
    for _ in range(2):
        await health.service.handing_on.step()
    assert await said(health, "D. Uty") == [ASKS], "once, however often somebody looks"
    assert await said(health, "H. Visitor") == []

    federation.clock.now += 3 * DAY
    await federation.checkpoint()
    await federation.hub.jobs.overdue()
    await federation.settle()
    await health.service.handing_on.step()
    late = "a request between you and {} is overdue: patchwork-node inbox."
    assert await said(care, "S. Worker") == ["c1: " + late.format("Health visiting")]
    assert sorted(await said(health, "M. Anager")) == sorted(
        [ASKS, "h1: " + late.format("Social care")]
    )


async def test_attention_is_news_until_somebody_has_seen_to_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    for node, name in ((health, "H. Visitor"), (care, "S. Worker")):
        await said(node, name)
    wanted = "c1: somebody in their team wants attention for them."
    for _ in range(2):
        await raised(health, "h1")
        await federation.settle()
    assert len(await seen_by(care)) == 2
    numbers = await care.read(lambda t: t.tx.rows("SELECT id FROM received_attention ORDER BY id"))
    await see_attention(care.service, numbers[0]["id"], 1)
    assert await said(care, "S. Worker") == [wanted], "the other was seen to"
    assert await said(health, "H. Visitor") == [], "whoever raised it is told nothing"


async def test_a_renewed_card_is_told_as_one_and_recalled_for_good_once_more(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    answered = "c1: your request to Health visiting was answered: patchwork-node inbox."
    recalled = "c1: a card from Health visiting was recalled, and is deleted here."
    changed = (
        "c1: what is on a card from Health visiting has changed, and the new one is here: "
        "patchwork-node inbox."
    )
    await known(federation, agencies[0])
    request_id = await opened(federation, agencies)
    await said(care, "S. Worker")
    await has_number(health, NEWEST)
    await federation.settle()
    assert await said(care, "S. Worker") == [changed], "nobody reads that it is gone"

    federation.clock.now += DAY
    await federation.checkpoint()
    await goes_first(federation, health)  # somebody looks in between
    assert await said(care, "S. Worker") == [recalled]
    await federation.settle()
    assert await said(care, "S. Worker") == [changed]

    federation.clock.now += DAY
    await federation.checkpoint()
    await has_number(health, NEWEST)
    await federation.settle()
    await take_back_now(health.service, request_id, 1)
    await federation.settle()
    assert await said(care, "S. Worker") == [recalled, answered], "the last word is the last line"


async def test_a_request_that_comes_back_is_told_and_who_was_passed_it_hears_once(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await agree(federation, agencies)
    await staff(health)
    for name in ("H. Visitor", "C. Over"):
        await said(health, name)
    request_id = await ask(federation, care)
    assert await said(health, "H. Visitor") == [ASKS]
    await pass_on_now(health.service, request_id, 1, "C. Over")
    for _ in range(2):
        await health.service.handing_on.step()
    passed = "h1: a request was passed on to you: patchwork-node inbox."
    assert await said(health, "C. Over") == [passed], "once, by the name of what it is"
    assert await said(health, "H. Visitor") == []

    now = federation.clock()
    await health.write(lambda tables: people.close(tables, "C. Over", "M. Anager", now))
    for _ in range(2):
        await health.service.handing_on.step()
    assert await said(health, "H. Visitor") == [ASKS], "it is with her again"
    assert await said(health, "D. Uty") == []
