"""Where two rules meet: withheld and merged, withheld and born, unborn and past, consents of work
that is gone, enquiries and what clients have. specs/09-imports.md §7, §11, §12, §14, 06-requests.md
§11, §13.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from node.actions import clients as acts
from node.actions import objections
from node.actions.attention import raise_attention
from node.actions.clients import NewClient, PerhapsKnownError
from node.actions.consents import show_consents
from node.actions.records import withdraw_now
from node.actions.withholding import agree_to_withholding, propose_withholding
from node.records import families, withholding
from node.records.by_hand import By
from node.records.clients import withdraw
from node.records.duplicates import duplicates
from node.records.held import say_same
from node.records.importer.rows import ImportedRow
from node.requests.attention import Alert
from node.store.attention import RaisedState
from node.store.merges import Preset
from node.store.objections import SaidBy
from node.store.tables import NodeTables
from protocol.errors import LocalError
from protocol.matchkeys.records import ClientRecord
from tests.sim.federation import AMIRA, DUTY, SAMIR, TODAY, SimFederation, SimNode, row
from tests.sim.front_door import Door
from tests.sim.test_always_findable import PLAN, take
from tests.sim.test_audit_people import audited
from tests.sim.test_ends import shown
from tests.sim.test_forgetting import close, forget, later, names, ramona, town
from tests.sim.test_identity_check import check
from tests.sim.test_identity_check import sent as sent_check
from tests.sim.test_newborn import UNBORN
from tests.sim.test_raise_attention import seen_by
from tests.sim.test_recalled_cards import files_with
from tests.sim.test_withheld import UNTIL, two, wish, with_both, withheld

ZARA = replace(AMIRA, nhs_number="9990000158", given="Zara", family="Okonkwo")
"""The name that the same child goes by elsewhere."""


def plan(local_id: str, record: ClientRecord = AMIRA) -> ImportedRow:
    return row(local_id, record, "child_protection", None, "S. Worker")


async def rounds(federation: SimFederation, care: SimNode) -> None:
    await care.publish()
    await federation.round()


async def seen(federation: SimFederation, care: SimNode) -> int:
    """How many records of social care the hub shows to anybody."""
    sql = "SELECT COUNT(*) AS n FROM stub WHERE agency = ? AND retired = 0"
    rows = await federation.hub_read(lambda tables: tables.tx.rows(sql, care.party_id))
    return int(rows[0]["n"])


async def known_by_two_names(federation: SimFederation) -> tuple[SimNode, int, int]:
    """A child in a refuge whom social care once knew as two: the second is part of the first."""
    care, _, manager, lead = await two(federation)
    await take(care, plan("c2", ZARA))
    await acts.merge_clients(care.service, "c2", "c1", 1)
    await withheld(care, manager, lead)
    await rounds(federation, care)
    assert await seen(federation, care) == 0
    return care, manager, lead


async def test_a_new_id_that_is_like_a_part_of_who_is_withheld_is_held_and_found_by_nobody(
    federation: SimFederation,
) -> None:
    care, *_ = await known_by_two_names(federation)
    assert (await take(care, plan("z9", ZARA))).held == 1
    await rounds(federation, care)
    assert await seen(federation, care) == 0


async def test_who_was_published_and_is_the_same_as_such_a_part_is_withheld(
    federation: SimFederation,
) -> None:
    care, *_ = await known_by_two_names(federation)
    other = replace(ZARA, nhs_number=None, given="Somebody", date_of_birth="2011-11-11")
    await take(care, plan("z9", other))
    await rounds(federation, care)
    assert await seen(federation, care) == 1
    assert (await take(care, plan("z9", ZARA))).held == 1
    await rounds(federation, care)
    assert await seen(federation, care) == 0
    now = federation.clock()
    await care.write(lambda tables: say_same(tables, "z9", (1, now)))
    await rounds(federation, care)
    assert await seen(federation, care) == 0


async def test_what_one_wants_withheld_stays_so_when_two_are_made_one(
    federation: SimFederation,
) -> None:
    care, health, manager, lead = await two(federation)
    await take(care, plan("c2", ZARA))
    number = await propose_withholding(care.service, wish(), manager)
    await acts.merge_clients(care.service, "c1", "c2", 1)
    assert await agree_to_withholding(care.service, number, lead) == "c2"
    await rounds(federation, care)
    assert await shown(health, "h1") == []
    assert await seen(federation, care) == 0


async def test_of_two_withheld_who_are_one_the_later_end_counts(
    federation: SimFederation,
) -> None:
    care, _, manager, lead = await two(federation)
    await take(care, plan("c2", ZARA))
    await withheld(care, manager, lead, "c2")
    longer = wish("c1", until=UNTIL + timedelta(days=60))
    number = await propose_withholding(care.service, longer, manager)
    await agree_to_withholding(care.service, number, lead)
    await acts.merge_clients(care.service, "c1", "c2", 1)
    await later(federation, 100)  # past the first end
    await rounds(federation, care)
    assert await seen(federation, care) == 0
    await acts.part_clients(care.service, "c1", 1)
    await rounds(federation, care)
    assert await seen(federation, care) == 0
    await later(federation, 60)
    await rounds(federation, care)
    assert await seen(federation, care) == 2


async def test_a_child_born_to_a_mother_who_is_withheld_is_withheld(
    federation: SimFederation,
) -> None:
    care, _, manager, lead = await two(federation)
    await take(care, replace(plan("b1", UNBORN), mother_local_id="c1"))
    await withheld(care, manager, lead)
    await rounds(federation, care)
    assert await seen(federation, care) == 0
    born = replace(UNBORN, given="Noor", date_of_birth=TODAY.isoformat())
    await take(care, plan("b1", born))
    await rounds(federation, care)
    assert await seen(federation, care) == 0


async def test_work_with_the_mother_that_is_over_hides_none_with_her_unborn_child(
    federation: SimFederation,
) -> None:
    care = await federation.join("Lexbridge Children", "childrens_social_care")
    health = await federation.join("Lexbridge Health", "health_provider")
    await take(care, replace(plan("m1"), permission=DUTY))
    await take(care, replace(plan("b1", UNBORN), mother_local_id="m1"))
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY, "H. Visitor"))
    await acts.close_work(care.service, "m1", 1, 1)
    await care.publish()
    await health.publish()
    await federation.round()
    assert await shown(health, "h1") == [PLAN]


async def test_a_consent_goes_with_the_client_whatever_became_of_the_work(
    federation: SimFederation,
) -> None:
    health, _ = await town(federation)
    child = replace(ramona("RQ-UNBORN"), record=UNBORN, mother_local_id="RQ-778812")
    await health.take_in(ramona(), child)
    await health.agree("RQ-778812", wording="Form Wobble-1", evidence="Cabinet Zeta-9")
    now_own = replace(ramona("RQ-UNBORN"), record=replace(UNBORN, given="Pia"))
    await health.take_in(ramona(), now_own)
    await close(health)
    await close(health, "RQ-UNBORN")
    await federation.settle()
    assert files_with(health, b"Cabinet Zeta-9")
    await later(federation, 91)
    assert (await forget(health))["gone"]["clients"] == 2
    assert await names(health) == {"A-1"}
    assert files_with(health, b"Form Wobble-1", b"Cabinet Zeta-9") == set()


async def _is_withheld(care: SimNode) -> None:
    """Two people say so; the hub has not heard of it yet."""
    manager, lead = await with_both(care)
    by = [By(person, care.membership.env.clock()) for person in (manager, lead)]

    def say(tables: NodeTables) -> None:
        number = withholding.propose(tables, wish(), by[0])
        withholding.agree(tables, number, by[1])

    await care.write(say)


async def _is_withdrawn(care: SimNode) -> None:
    await care.write(lambda tables: withdraw(tables, "c1", care.membership.env.clock()))


@pytest.mark.parametrize("ended", [_is_withheld, _is_withdrawn], ids=["withheld", "withdrawn"])
async def test_nobody_is_sent_the_details_of_who_may_not_be_found_any_more(
    federation: SimFederation,
    unsure: tuple[SimNode, SimNode],
    ended: Callable[[SimNode], Awaitable[None]],
) -> None:
    """The hub allowed an identity check, and then the asker's own client may not be found."""
    health, care = unsure
    check_id = await check(care)
    await federation.checkpoint()
    await care.service.receive(wait=0)
    assert (await sent_check(care, check_id))["state"] == "allowed"
    await ended(care)
    await care.service.advance()
    await federation.settle()
    assert (await sent_check(care, check_id))["state"] == "stopped"
    assert await health.read(lambda tables: tables.count("received_check")) == 1
    sql = "SELECT details FROM received_check"
    assert await health.read(lambda tables: tables.tx.rows(sql)) == [{"details": None}]


@pytest.mark.parametrize("has", ["a part", "a consent"])
async def test_who_is_the_same_as_somebody_who_withdrew_keeps_what_was_taken_down_of_them(
    federation: SimFederation, has: str
) -> None:
    care = await federation.join("Lexbridge Children", "childrens_social_care")
    nobody = ClientRecord(family="Quill")
    await take(care, row("e1", AMIRA, "child_in_need", DUTY, "S. Worker"))
    await withdraw_now(care.service, "e1", 1)
    await take(care, *(row(one, nobody, "early_help", None, "S. Worker") for one in ("c1", "c2")))
    if has == "a part":
        await acts.merge_clients(care.service, "c2", "c1", 1)
    else:
        await care.agree("c1")
    assert (await take(care, row("c1", AMIRA, "early_help", None, "S. Worker"))).held == 1
    now = federation.clock()
    await care.write(lambda tables: say_same(tables, "c1", (1, now)))
    await rounds(federation, care)
    assert await seen(federation, care) == 0
    if has == "a part":
        assert await acts.part_clients(care.service, "c2", 1) == 1
    else:
        (work,) = (await show_consents(care.service, "c1"))["work"]
        assert len(work["consents"]) == 1


async def test_who_was_made_one_does_not_look_like_two_any_more(
    federation: SimFederation,
) -> None:
    care, *_ = await two(federation)
    await take(care, plan("c2"))
    assert len(await care.service.read(duplicates)) == 1
    await acts.merge_clients(care.service, "c2", "c1", 1)
    assert await care.service.read(duplicates) == []


async def test_who_adds_somebody_is_told_of_whom_a_part_may_be(federation: SimFederation) -> None:
    care, *_ = await known_by_two_names(federation)
    preset = Preset("new", "early_help", None, None, DUTY.basis, 90)
    await care.write(lambda tables: tables.merges.put_preset(preset))
    typed = {"given": "Zara", "family": "Okonkwo"}
    with pytest.raises(PerhapsKnownError, match=r"is it one of c1\?"):
        await acts.add_client(care.service, NewClient(typed), 1)


async def test_a_front_door_tells_those_who_see_that_it_enquires(
    federation: SimFederation, door: Door
) -> None:
    """They are shown it as work that goes on; a drug service that nobody sees is told unseen."""
    enquiry = await door.enquires()
    await federation.round()
    alert = Alert(enquiry, door.people["Dana"], "social_worker", "missing")
    assert await raise_attention(door.care.service, alert) is RaisedState.SENT
    await federation.settle()
    line = ("Lexbridge Children", "Missing from home or school")
    assert await seen_by(door.housing) == [("t1", *line)]
    assert await seen_by(door.clinic) == [("x1", *line)]
    assert await audited(federation) == set()


async def test_what_clients_have_nobody_has_who_is_only_enquired_about(
    federation: SimFederation, door: Door
) -> None:
    """It would go with the enquiry, after days, without a word."""
    enquiry, dana = await door.enquires(), door.people["Dana"]
    await take(door.care, row("c9", SAMIR, "child_in_need", DUTY, "S. Worker"))
    manager, _ = await with_both(door.care)
    said = objections.Said(enquiry, SaidBy.CLIENT)
    tries = (
        door.care.write(lambda tables: families.join(tables, "c9", enquiry, "sister")),
        door.care.write(lambda tables: families.join(tables, enquiry, "c9", "brother")),
        objections.record_objection(door.care.service, said, dana),
        propose_withholding(door.care.service, wish(enquiry), manager),
    )
    for attempt in tries:
        with pytest.raises(LocalError, match="that is an enquiry and no client"):
            await attempt
