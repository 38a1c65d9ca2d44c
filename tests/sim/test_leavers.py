"""Somebody leaves: their work is handed over, what they asked for ends, their cards go.
Work that nobody confirms is asked about. specs/09-imports.md §13.
"""

from dataclasses import replace
from typing import Any

import pytest

from node.actions import clients as acts
from node.records import people
from node.records.by_hand import By, confirm
from node.records.people import Left
from node.store.people import PersonKind
from node.store.tables import NodeTables
from node.views.status import unconfirmed_value
from protocol.errors import ErrorCode as E
from protocol.errors import LocalError
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.test_api import BEARER, client_of
from tests.sim.test_audit_people import audited
from tests.sim.test_people_cli import Town
from tests.sim.test_people_cli import town as town
from tests.sim.test_recalled_cards import DETAILS, HELEN, asked, files_with, known, opened

Agencies = tuple[SimNode, SimNode]
MONTH = 30 * 86_400


async def leaves(node: SimNode, name: str, hand_to: str = "") -> Left:
    now = node.membership.env.clock()
    return await node.write(lambda tables: people.close(tables, name, hand_to, now))


async def joins(node: SimNode, name: str) -> int:
    now = node.membership.env.clock()
    return await node.write(
        lambda tables: tables.people.register(name, "", PersonKind.WORKER, now).id
    )


async def workers(node: SimNode, involvement: int = 1) -> list[str]:
    return [
        person.name
        for person in await node.read(lambda tables: tables.people.working_on(involvement))
    ]


async def test_the_card_of_a_leaver_goes_and_one_of_who_took_over_comes_by_itself(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await known(federation, health)
    request_id = await opened(federation, agencies)
    await joins(health, "New Visitor")
    left = await leaves(health, "Helen Visitor", "New Visitor")
    assert (left.handed_over, left.stopped) == (1, 0)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"
    assert "New Visitor" in (await care.sent(request_id))["card"]
    assert files_with(care, *DETAILS) == set()
    assert len(await federation.entries("request")) == 1, "nobody asked again"
    assert len(await federation.entries("recall_done")) == 1
    assert await audited(federation) == set()


async def test_the_card_of_a_leaver_whom_nobody_follows_goes_and_who_asks_again_gets_another(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await known(federation, health)
    before = await opened(federation, agencies)
    await leaves(health, "Helen Visitor")
    await federation.settle()
    assert (await care.sent(before))["state"] == "recalled"
    assert files_with(care, *DETAILS) == set()
    await joins(health, "New Visitor")
    await leaves(health, "Helen Visitor", "New Visitor")  # said too late: that card is gone
    await federation.settle()
    assert (await care.sent(before))["state"] == "recalled"
    again = await opened(federation, agencies)
    assert "New Visitor" in (await care.sent(again))["card"]


async def test_a_file_that_still_names_the_leaver_undoes_nothing(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await known(federation, health)
    (involvement,) = [
        work.id for work in await health.read(lambda tables: tables.records.involvements([1]))
    ]
    await joins(health, "New Visitor")
    await leaves(health, "Helen Visitor", "New Visitor")
    assert await workers(health, involvement) == ["New Visitor"]
    await known(federation, health)
    assert await workers(health, involvement) == ["New Visitor"]


async def test_what_a_leaver_asked_for_is_stopped_and_an_answer_that_comes_opens_nothing(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await asked(federation, agencies)
    other = await joins(care, "Other Worker")
    kept = await care.ask(
        "c1", (await care.team("c1")).others[0].involvement_id, practitioner=other
    )
    await federation.settle()
    left = await leaves(care, "S. Worker")
    assert (left.handed_over, left.stopped, left.alone) == (0, 1, 1)
    for one in (request_id, kept):
        await health.answer(one)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "stopped"
    assert (await care.sent(request_id))["card"] is None
    assert (await care.sent(kept))["state"] == "opened"


async def test_nobody_takes_over_from_themselves_or_from_nobody(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    for name, to, code in (
        ("S. Worker", "S. Worker", E.CONFLICT),
        ("S. Worker", "Nobody", E.NOT_FOUND),
        ("Nobody", "S. Worker", E.NOT_FOUND),
    ):
        with pytest.raises(LocalError) as caught:
            await leaves(care, name, to)
        assert caught.value.code is code
    assert await workers(care) == ["S. Worker"], "nothing was half done"
    await leaves(care, "S. Worker")
    await joins(care, "Late Worker")
    assert (await leaves(care, "S. Worker", "Late Worker")).handed_over == 1, "after all"
    assert await workers(care) == ["Late Worker"]


async def test_who_works_on_it_already_stays_in_their_place_and_closed_work_keeps_its_names(
    federation: SimFederation,
) -> None:
    care = await federation.join("Lexbridge Children", "childrens_social_care")
    second = replace(HELEN, name="Second Worker")
    await care.take_in(
        replace(row("c1", AMIRA, "child_in_need", DUTY), worker=HELEN),
        replace(row("c1", AMIRA, "child_in_need", DUTY), worker=second),
        replace(row("c1", AMIRA, "early_help", DUTY), worker=HELEN),
    )
    await acts.close_work(care.service, "c1", 2, 1)
    left = await leaves(care, "Helen Visitor", "Second Worker")
    assert (left.handed_over, left.alone) == (1, 0)
    assert await workers(care, 1) == ["Second Worker"]
    sql = "SELECT practitioner FROM involvement_worker WHERE involvement = 2"
    rows = await care.read(lambda tables: tables.tx.rows(sql))
    assert [item["practitioner"] for item in rows] == [1], "who did it then is not another one now"


async def test_work_that_neither_file_nor_person_confirms_is_asked_about(
    federation: SimFederation,
) -> None:
    care = await federation.join("Lexbridge Children", "childrens_social_care")
    rows = (
        row("c1", AMIRA, "child_in_need", DUTY),
        row("c1", AMIRA, "early_help", DUTY),
        row("c1", AMIRA, "child_protection", DUTY),
    )
    await care.take_in(*rows)
    start = federation.clock()

    async def asked_about(months: int | None, now: int) -> list[str]:
        found = await care.read(lambda tables: unconfirmed_value(tables, months, now))
        return [item["type"] for item in found]

    everything = ["child_in_need", "early_help", "child_protection"]
    assert await asked_about(6, start + 6 * MONTH - 1) == []
    assert await asked_about(6, start + 6 * MONTH) == everything
    assert await asked_about(None, start + 600 * MONTH) == [], "the charter asks for nothing"
    federation.clock.now += 6 * MONTH
    await federation.checkpoint()
    now = federation.clock()
    await care.take_in(rows[1])  # a file of changes confirms what it has
    await acts.close_work(care.service, "c1", 3, 1)
    assert await asked_about(6, now) == ["child_in_need"]
    assert await acts.confirm_work(care.service, "c1", 1, 1) == 1
    assert await asked_about(6, now) == []
    with pytest.raises(LocalError, match="clients reopen"):
        await acts.confirm_work(care.service, "c1", 3, 1)
    federation.clock.now += 6 * MONTH
    await care.take_in(rows[0])
    assert await asked_about(6, federation.clock()) == ["early_help"]


def test_it_is_typed_and_told(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    care = town.now(town.federation.join("Lexbridge Children", "childrens_social_care"))
    town.now(care.take_in(row("c1", AMIRA, "child_in_need", DUTY, "S. Worker")))
    (care.folder / "node.toml").write_text('name = "An agency"\n', encoding="utf-8")
    folder = ("--dir", str(care.folder))
    alone = town.types("Lexbridge Children", "people", "close", "S. Worker", *folder)
    assert "1 piece of work has nobody to call now" in alone.output
    town.now(joins(care, "New Worker"))
    done = town.types(
        "Lexbridge Children", "people", "close", "S. Worker", "--hand-to", "New Worker", *folder
    )
    assert "1 piece of work was handed over to New Worker" in done.output
    listed = town.types("Lexbridge Children", "clients", "unconfirmed", *folder)
    assert "has been confirmed" in listed.output
    monkeypatch.setattr("node.actions.clients.confirm_months", lambda _: 1)

    def long_ago(tables: NodeTables) -> None:
        tables.tx.run("UPDATE imported SET at = 1")

    town.now(care.write(long_ago))
    asked_about = town.types("Lexbridge Children", "clients", "unconfirmed", *folder)
    assert "c1, child_in_need" in asked_about.output
    assert "clients confirm" in asked_about.output


async def test_it_goes_over_the_local_interface(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    await joins(care, "New Worker")
    client = await client_of(care.service)

    async def posts(path: str, **body: Any) -> tuple[int, Any]:
        answer = await client.post(path, headers=BEARER, json=body)
        return answer.status, await answer.json()

    closed = await posts("/v1/people/close", name="S. Worker", hand_to="New Worker")
    assert closed == (200, {"handed_over": 1, "stopped": 0, "alone": 0})
    who = {"practitioner": "New Worker"}
    assert await posts("/v1/clients/confirm", client="c1", **who) == (200, {"confirmed": 1})
    await client.close()


def test_by(town: Town) -> None:
    """A confirmation is in somebody's name."""
    care = town.now(town.federation.join("Lexbridge Children", "childrens_social_care"))
    town.now(care.take_in(row("c1", AMIRA, "child_in_need", DUTY, "S. Worker")))
    now = town.federation.clock()
    town.now(care.write(lambda tables: confirm(tables, "c1", None, By(1, now))))
    acted = town.now(care.read(lambda tables: tables.people.acts()))
    assert [(act.what, act.subject) for act in acted] == [("confirmed_work", "c1")]
