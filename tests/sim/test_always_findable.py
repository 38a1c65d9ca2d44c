"""A child with a protection plan is found whatever anybody left blank: specs/09-imports.md §11."""

import json
from datetime import date
from typing import Any

import pytest

from node.actions.clients import close_work, reopen_work
from node.actions.records import still_findable, withdraw_now
from node.records.clients import apply_import
from node.records.held import say_same
from node.records.import_report import ImportReport
from node.records.importer.rows import ImportedRow, Permission
from node.records.missing import Feed
from node.store.tables import NodeTables
from protocol.canonical import JsonValue
from protocol.errors import PatchworkError
from protocol.messages.bodies import PublishedInvolvement
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.put_back import started
from tests.sim.test_audit_people import audited
from tests.sim.test_charter_change import accept, amend, follow
from tests.sim.test_ends import polled, shown
from tests.sim.test_objection import S17
from tests.sim.test_people_cli import Town
from tests.sim.test_people_cli import town as town

LAST_DAY = 253_402_214_400
YESTERDAY = Permission("UK-CONSENT", date(2026, 9, 20), date(2025, 9, 20))
PLAN = "Child protection plan"


async def two(
    federation: SimFederation, permission: Permission | None = None
) -> tuple[SimNode, SimNode]:
    """Social care has a child with a plan, health visiting the same child."""
    care = await federation.join("Lexbridge Children", "childrens_social_care")
    health = await federation.join("Lexbridge Health", "health_provider")
    await take(care, row("c1", AMIRA, "child_protection", permission, "S. Worker"))
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY, "H. Visitor"))
    for node in (care, health):
        await node.publish()
    await federation.round()
    return care, health


async def take(node: SimNode, *rows: ImportedRow) -> ImportReport:
    now = node.membership.env.clock()

    def work(tables: NodeTables) -> ImportReport:
        return apply_import(tables, rows, now, Feed(by_law=tables.findable.anywhere()))

    return await node.write(work)


async def published(federation: SimFederation, node: SimNode) -> list[PublishedInvolvement]:
    sql = "SELECT involvements FROM stub WHERE agency = ? AND retired = 0"
    rows = await federation.hub_read(lambda tables: tables.tx.rows(sql, node.party_id))
    values = [item for one in rows for item in json.loads(one["involvements"])]
    return [PublishedInvolvement.model_validate(item) for item in values]


@pytest.mark.parametrize("stated", [None, YESTERDAY], ids=["blank", "a consent that ran out"])
async def test_a_child_with_a_plan_is_found_whatever_the_clerk_left_blank(
    federation: SimFederation, stated: Permission | None
) -> None:
    care, health = await two(federation, stated)
    assert await shown(health, "h1") == [PLAN]
    assert await shown(care, "c1") == ["Health visiting"]
    report = await take(care, row("c1", AMIRA, "child_protection", stated, "S. Worker"))
    assert (report.findable, report.without_permission) == ({"child_protection": 1}, 0)
    (told,) = await published(federation, care)
    assert (told.permission.basis_class, told.permission.valid_until) == ("duty", LAST_DAY)
    assert await audited(federation) == set()


async def test_its_card_is_released_and_kept_no_longer_than_the_charter_lets_it(
    federation: SimFederation,
) -> None:
    care, health = await two(federation)
    (entry,) = (await health.team("h1")).others
    request_id = await health.ask("h1", entry.involvement_id, role="health_visitor", **S17)
    await federation.settle()
    await care.answer(request_id)
    await federation.settle()
    card = await health.sent(request_id)
    assert card["state"] == "opened"
    days = (card["keep_until"] - federation.clock()) / 86_400
    assert 0 < days <= (await federation.charter()).retention_days
    assert await withdraw_now(care.service, "c1", 1) == 1
    await federation.settle()
    assert (await health.sent(request_id))["state"] == "opened", "the plan goes on"
    await close_work(care.service, "c1", None, 1)
    await federation.settle()
    assert (await health.sent(request_id))["state"] == "recalled"


async def test_withdraw_does_not_end_it_and_a_person_or_a_date_does(
    federation: SimFederation,
) -> None:
    care, health = await two(federation, DUTY)
    assert await still_findable(care.service, "c1") == ["Child protection plan"]
    await withdraw_now(care.service, "c1", 1)
    await polled(federation, health)
    assert await shown(health, "h1") == [PLAN]
    await close_work(care.service, "c1", None, 1)
    await polled(federation, health)
    assert await shown(health, "h1") == []
    assert await still_findable(care.service, "c1") == []
    await reopen_work(care.service, "c1", None, 1)
    await federation.round()
    assert await shown(health, "h1") == [PLAN], "the withdrawal is of what was stated"


async def test_other_work_with_the_child_is_as_permitted_as_before(
    federation: SimFederation,
) -> None:
    care, health = await two(federation)
    await take(
        care,
        row("c1", AMIRA, "child_protection", None, "S. Worker"),
        row("c1", AMIRA, "early_help", None, "E. Worker"),
    )
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == [PLAN]


async def test_a_new_id_of_a_withdrawn_child_is_held_and_found(
    federation: SimFederation,
) -> None:
    care, health = await two(federation)
    await withdraw_now(care.service, "c1", 1)
    await close_work(care.service, "c1", None, 1)
    await federation.round()
    assert await shown(health, "h1") == []
    report = await take(care, row("z9", AMIRA, "child_protection", None, "S. Worker"))
    assert report.held == 1
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == [PLAN], "a question does not hide a child"
    await care.write(lambda tables: say_same(tables, "z9", (1, federation.clock())))
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == [PLAN]


async def test_a_charter_that_marks_a_type_binds_only_who_accepts_it(
    federation: SimFederation,
) -> None:
    care, health = await two(federation)
    await take(care, row("c1", AMIRA, "child_in_need", None, "S. Worker"))
    await close_work(care.service, "c1", 1, 1)
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == []
    marked: dict[str, JsonValue] = {"openness": "always_findable", "basis": "UK-CA89-S17"}
    await amend(federation, changed(await federation.charter(), "child_in_need", marked))
    await follow(care, health)
    assert any("always findable" in said for said in care.membership.unaccepted())
    assert await care.read(lambda t: set(t.findable.of(care.membership.hub.hub_id))) == {
        "child_protection"
    }
    await accept(federation, care, health)
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == ["Child in need"]
    # A charter that marks it no longer tightens: it binds at once, and the child is hidden again.
    await amend(federation, changed(await federation.charter(), "child_in_need", {"basis": None}))
    await follow(care, health)
    assert care.membership.unaccepted() == []
    await care.publish()
    await federation.round()
    assert await shown(health, "h1") == []


def changed(charter: Any, code: str, change: dict[str, JsonValue]) -> dict[str, JsonValue]:
    value = charter.to_value()
    (kind,) = [item for item in value["involvement_types"] if item["code"] == code]
    kind |= change
    if kind.get("basis", "") is None:
        kind.pop("basis")
        kind["openness"] = "open"
    return dict(value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"basis": None, "openness": "always_findable"}, "name the lawful basis"),
        ({"basis": "UK-CONSENT"}, "no duty"),
        ({"basis": "UK-CA04-16LA"}, "name the lawful basis"),
        ({"openness": "open"}, "no duty"),
    ],
)
async def test_a_new_charter_says_by_what_law_something_is_always_findable(
    federation: SimFederation, change: dict[str, JsonValue], says: str
) -> None:
    value = (await federation.charter()).to_value()
    (kind,) = [item for item in value["involvement_types"] if item["code"] == "child_protection"]
    kind |= change
    if kind["basis"] is None:
        del kind["basis"]
    with pytest.raises(PatchworkError) as caught:
        await amend(federation, value)
    assert says in str(caught.value)


def test_withdraw_says_what_stays_and_who_decides(town: Town) -> None:
    town.now(two(town.federation, DUTY))
    who = {"who": "S. Worker"}
    typed = town.types("Lexbridge Children", "withdraw", "c1", **who)
    assert typed.exit_code == 0
    assert "Still found by others" in typed.output
    assert PLAN in typed.output
    assert "patchwork-node withhold" in typed.output


async def test_what_is_always_findable_is_written_down_at_a_start_though_the_log_stood_still(
    federation: SimFederation,
) -> None:
    """As after a restore, or where the agency's own word for the type was changed meanwhile."""
    care, _ = await two(federation)
    hub_id = care.membership.hub.hub_id
    kept = await care.read(lambda tables: tables.findable.of(hub_id))
    await care.write(lambda tables: tables.findable.put(hub_id, {}))
    name = next(name for name, node in federation.nodes.items() if node is care)
    await care.membership.engine.close()
    again = await started(federation, name, care)
    assert await again.membership.follow()
    assert kept
    assert await again.read(lambda tables: tables.findable.of(hub_id)) == kept
