"""A family in a refuge: two people keep a record unpublished, whatever its type and permission.

specs/09-imports.md §12.
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from node.actions import clients as acts
from node.actions.resync import resync_now
from node.actions.withholding import (
    agree_to_withholding,
    end_withholding,
    propose_withholding,
)
from node.records.held import say_same
from node.records.withholding import Wish
from node.store.people import PersonKind
from node.store.tables import NodeTables
from node.views.status import status_value
from node.views.withheld import withheld_value
from protocol.errors import ErrorCode as E
from protocol.errors import LocalError
from protocol.messages.bodies import NoticeBody
from tests.sim.federation import AMIRA, DUTY, SAMIR, TODAY, SimFederation, SimNode, row, simulated
from tests.sim.put_back import copy_aside, put_back
from tests.sim.test_always_findable import PLAN, take
from tests.sim.test_always_findable import two as two_with_a_plan
from tests.sim.test_api import BEARER, client_of
from tests.sim.test_audit_people import audited
from tests.sim.test_ends import mail, polled, shown
from tests.sim.test_identity_check import check
from tests.sim.test_identity_check import sent as sent_check
from tests.sim.test_objection import S17
from tests.sim.test_people_cli import Town
from tests.sim.test_people_cli import town as town

DAY = 86_400
UNTIL, REVIEW = TODAY + timedelta(days=90), TODAY + timedelta(days=30)


async def with_both(node: SimNode) -> tuple[int, int]:
    """A manager and a lead for information governance of an agency (row ids)."""
    now = node.membership.env.clock()

    def register(tables: NodeTables) -> tuple[int, int]:
        manager = tables.people.register("M. Anager", "", PersonKind.MANAGER, now)
        lead = tables.people.register("G. Lead", "", PersonKind.GOVERNANCE_LEAD, now)
        return manager.id, lead.id

    return await node.write(register)


async def two(federation: SimFederation) -> tuple[SimNode, SimNode, int, int]:
    """As the scenario of a plan, with the two people who can withhold at social care."""
    care, health = await two_with_a_plan(federation)
    return care, health, *(await with_both(care))


def wish(client: str = "c1", **change: Any) -> Wish:
    usual: dict[str, Any] = {
        "client": client,
        "reason": "In a refuge",
        "until": UNTIL,
        "review": REVIEW,
    }
    return Wish(**usual | change)


async def withheld(care: SimNode, first: int, second: int, client: str = "c1") -> int:
    number = await propose_withholding(care.service, wish(client), first)
    await agree_to_withholding(care.service, number, second)
    return number


async def refused(doing: Any) -> E:
    with pytest.raises(LocalError) as caught:
        await doing
    return caught.value.code


async def test_it_takes_a_manager_and_the_lead(federation: SimFederation) -> None:
    care, health, manager, lead = await two(federation)
    service = care.service
    other = await care.write(
        lambda t: t.people.register("Other Manager", "", PersonKind.MANAGER, 1).id
    )
    assert await refused(propose_withholding(service, wish(), 1)) is E.NOT_ALLOWED, "a worker"
    for wrong, code in (
        (wish("nobody"), E.NOT_FOUND),
        (wish(reason=" "), E.MALFORMED),
        (wish(reason="x" * 201), E.MALFORMED),
        (wish(until=TODAY), E.MALFORMED),
        (wish(until=TODAY + timedelta(days=367)), E.MALFORMED),
        (wish(review=UNTIL), E.MALFORMED),
        (wish(review=TODAY - timedelta(days=1)), E.MALFORMED),
    ):
        assert await refused(propose_withholding(service, wrong, manager)) is code
    number = await propose_withholding(service, wish(), manager)
    assert await refused(propose_withholding(service, wish(), lead)) is E.CONFLICT
    for person in (manager, other, 1):
        assert await refused(agree_to_withholding(service, number, person)) is E.NOT_ALLOWED
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == [PLAN], "a wish of one changes nothing"
    assert await agree_to_withholding(service, number, lead) == "c1"
    assert await refused(agree_to_withholding(service, number, lead)) is E.CONFLICT
    assert await refused(agree_to_withholding(service, 99, lead)) is E.NOT_FOUND
    await polled(federation, health)
    assert await shown(health, "h1") == [], "at once, before any round"
    assert (await care.team("c1")).unpublished == "withheld"
    assert await audited(federation) == set()


async def test_what_waits_is_refused_and_cards_that_left_are_recalled(
    federation: SimFederation,
) -> None:
    care, health, manager, lead = await two(federation)
    (entry,) = (await health.team("h1")).others
    opened, waiting = [
        await health.ask("h1", entry.involvement_id, role="health_visitor", **S17) for _ in "12"
    ]
    await federation.settle()
    await care.answer(opened)
    await federation.settle()
    assert (await health.sent(opened))["state"] == "opened"
    await withheld(care, lead, manager)
    await federation.settle()
    assert (await health.sent(opened))["state"] == "recalled"
    assert (await health.sent(waiting))["state"] == "refused"
    assert await audited(federation) == set()


async def test_an_identity_check_finds_nothing(
    federation: SimFederation, unsure: tuple[SimNode, SimNode]
) -> None:
    health, care = unsure
    await withheld(health, *(await with_both(health)), "h1")
    check_id = await check(care)
    await federation.settle()
    sent = await sent_check(care, check_id)
    assert (sent["answer"], sent["code"]) == (None, "not_available"), "as of any record that ended"


async def _withholds(care: SimNode) -> None:
    await withheld(care, *(await with_both(care)))


async def _closes(care: SimNode) -> None:
    await acts.close_work(care.service, "c1", None, 1)


async def test_others_are_told_what_they_are_told_of_any_end(tmp_path: Path) -> None:
    told = []
    for number, ends in enumerate((_withholds, _closes)):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with simulated(folder) as federation:
            care, health = await two_with_a_plan(federation)
            before = len(await mail(federation, NoticeBody))
            await ends(care)
            await federation.hub.jobs.ends()
            notices = (await mail(federation, NoticeBody))[before:]
            told.append([body.model_dump(mode="json") for body in notices])
            await health.service.receive(wait=0)
            await federation.round()
            told[-1].append(await shown(health, "h1"))
    assert told[0] == told[1]
    assert len(told[0]) > 1


async def test_a_record_withheld_before_it_was_published_is_never_heard_of(
    federation: SimFederation,
) -> None:
    care = await federation.join("Lexbridge Children", "childrens_social_care")
    health = await federation.join("Lexbridge Health", "health_provider")
    await take(care, row("c1", AMIRA, "child_protection", None, "S. Worker"))
    await withheld(care, *(await with_both(care)))
    await care.publish()
    sql = "SELECT COUNT(*) AS n FROM stub WHERE agency = ?"
    rows = await federation.hub_read(lambda tables: tables.tx.rows(sql, care.party_id))
    assert [item["n"] for item in rows] == [0]
    assert await federation.entries("publication") == []
    assert await shown_after_round(federation, health) == []


async def shown_after_round(federation: SimFederation, health: SimNode) -> list[str]:
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY, "H. Visitor"))
    await health.publish()
    await federation.round()
    return await shown(health, "h1")


async def test_it_outlasts_imports_new_ids_and_answers(federation: SimFederation) -> None:
    care, health, manager, lead = await two(federation)
    await withheld(care, manager, lead)
    await take(care, row("c1", AMIRA, "child_protection", None, "S. Worker"))
    report = await take(care, row("z9", AMIRA, "child_protection", None, "S. Worker"))
    assert report.held == 1
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == [], "not even by law: it may be the child in the refuge"
    await care.write(lambda tables: say_same(tables, "z9", (1, federation.clock())))
    await take(care, row("z9", AMIRA, "child_protection", None, "S. Worker"))
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == []


async def test_one_published_under_another_id_before_is_withheld_when_it_is_the_same(
    federation: SimFederation,
) -> None:
    """The other id was published, and an import that fills it in makes it the withheld child's."""
    care, health, manager, lead = await two(federation)
    unknown = replace(SAMIR, nhs_number=None)
    await take(care, row("z9", unknown, "child_protection", None, "S. Worker"))
    await care.publish()
    await withheld(care, manager, lead)
    assert (await take(care, row("z9", AMIRA, "child_protection", None, "S. Worker"))).held == 1
    await care.write(lambda tables: say_same(tables, "z9", (1, federation.clock())))
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == []


async def test_two_of_whom_one_is_withheld_are_not_made_one_and_a_part_is_withheld(
    federation: SimFederation,
) -> None:
    care, health, manager, lead = await two(federation)
    await take(care, row("c2", AMIRA, "child_protection", None, "S. Worker"))
    await withheld(care, manager, lead)
    for pair in (("c1", "c2"), ("c2", "c1")):
        assert await refused(acts.merge_clients(care.service, *pair, 1)) is E.CONFLICT
    await withheld(care, manager, lead, "c2")
    await acts.merge_clients(care.service, "c2", "c1", 1)
    now = federation.clock()
    for number in [one["id"] for one in await care.read(lambda t: withheld_value(t, now))]:
        await end_withholding(care.service, number, manager)
        await end_withholding(care.service, number, lead)
    await withheld(care, manager, lead)
    await acts.part_clients(care.service, "c2", 1)
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == [], "whoever was part of them is in the same danger"


async def test_it_ends_by_both_or_by_its_date_and_can_be_made_longer(
    federation: SimFederation,
) -> None:
    care, health, manager, lead = await two(federation)
    number = await withheld(care, manager, lead)
    assert await end_withholding(care.service, number, lead) is False
    assert await end_withholding(care.service, number, lead) is False
    assert await refused(end_withholding(care.service, number, 1)) is E.NOT_ALLOWED
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == []
    assert await end_withholding(care.service, number, manager) is True
    await federation.round()
    assert await shown(health, "h1") == [PLAN]

    await withheld(care, manager, lead)
    federation.clock.now += 31 * DAY
    now = federation.clock()
    (due,) = await care.read(lambda tables: withheld_value(tables, now))
    assert due["due"] is True
    assert (await care.read(lambda tables: status_value(tables, None, now)))["withheld_due"] == 1
    longer = wish(until=UNTIL + timedelta(days=60), review=UNTIL)
    number = await propose_withholding(care.service, longer, lead)
    await agree_to_withholding(care.service, number, manager)
    federation.clock.now += 60 * DAY  # past the first end
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == []
    federation.clock.now += 60 * DAY
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == [PLAN], "it ran out"


async def test_a_wish_is_taken_back_by_one(federation: SimFederation) -> None:
    care, _, manager, lead = await two(federation)
    number = await propose_withholding(care.service, wish(), manager)
    assert await end_withholding(care.service, number, manager) is True
    assert await refused(agree_to_withholding(care.service, number, lead)) is E.NOT_FOUND


async def test_a_backup_of_before_does_not_bring_it_back(
    federation: SimFederation, tmp_path: Path
) -> None:
    care, health, manager, lead = await two(federation)
    copy_aside(care, tmp_path / "copy")
    await withheld(care, manager, lead)
    await federation.settle()
    care = await put_back(federation, care, tmp_path / "copy")
    await resync_now(care.service)
    await take(care, row("c1", AMIRA, "child_protection", None, "S. Worker"))
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == []
    now = federation.clock()
    (kept,) = await care.read(lambda tables: withheld_value(tables, now))
    assert (kept["due"], kept["expires_at"], kept["proposed_by"]) == (True, None, None)
    await end_withholding(care.service, kept["id"], manager)
    assert await end_withholding(care.service, kept["id"], lead) is True
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == [PLAN]


def test_it_is_typed_and_read(town: Town) -> None:
    town.now(two(town.federation))
    agency = "Lexbridge Children"
    days = ("--until", UNTIL.isoformat(), "--review", REVIEW.isoformat())
    said = town.types(
        agency, "withhold", "propose", "c1", "--reason", "In a refuge", *days, who="G. Lead"
    )
    assert (said.exit_code, "still found as before" in said.output) == (0, True)
    alone = town.types(agency, "withhold", "agree", "1", who="G. Lead")
    assert (alone.exit_code, "it takes two" in alone.output) == (1, True)
    done = town.types(agency, "withhold", "agree", "1", who="M. Anager")
    assert (done.exit_code, "c1 is withheld" in done.output) == (0, True)
    folder = town.federation.nodes[agency].folder
    (folder / "node.toml").write_text('name = "An agency"\n', encoding="utf-8")
    where = ("--dir", str(folder))
    shown = town.types(agency, "clients", "show", "c1", *where).output
    assert "Withheld by two of your people" in shown
    assert "permission by law" in shown
    listed = town.types(agency, "withhold", "list", *where).output
    assert "c1: withheld until" in listed
    assert "In a refuge" in listed
    half = town.types(agency, "withhold", "end", "1", who="M. Anager")
    assert "until the other one" in half.output
    over = town.types(agency, "withhold", "end", "1", who="G. Lead")
    assert (over.exit_code, "published again" in over.output) == (0, True)


async def test_it_goes_over_the_local_interface(federation: SimFederation) -> None:
    care, health, *_ = await two(federation)
    client = await client_of(care.service)

    async def posts(path: str, **body: Any) -> tuple[int, Any]:
        answer = await client.post(f"/v1/clients/{path}", headers=BEARER, json=body)
        return answer.status, await answer.json()

    wanted = {"client": "c1", "reason": "In a refuge", "until": UNTIL.isoformat()}
    who = {"practitioner": "M. Anager"}
    assert (await posts("withhold", **wanted, review="soon", **who))[0] == 400
    proposed = await posts("withhold", **wanted, review=REVIEW.isoformat(), **who)
    assert proposed == (200, {"number": 1})
    assert (await posts("withhold/agree", number=1, **who))[0] == 403
    agreed = await posts("withhold/agree", number=1, practitioner="G. Lead")
    assert agreed == (200, {"client": "c1"})
    assert await shown(health, "h1") == [PLAN]
    await polled(federation, health)
    assert await shown(health, "h1") == []
    status, value = await posts("withhold/list")
    assert (status, value["withheld"][0]["client"]) == (200, "c1")
    assert (await posts("withhold/end", number=1, **who))[1] == {"ended": False}
    assert (await posts("withhold/end", number=1, practitioner="G. Lead"))[1] == {"ended": True}
    await client.close()
