"""What is over goes when its time is over, and then no file of the node has it any more."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from node.actions import clients as acts
from node.actions.cards import take_back_now
from node.actions.clients import NewClient, PerhapsKnownError, close_work, merge_clients
from node.actions.objections import Said, record_objection
from node.actions.records import withdraw_now
from node.actions.withholding import agree_to_withholding, propose_withholding
from node.records import families
from node.records.held import say_another, say_same
from node.records.importer.rows import ImportedRow, Permission, WorkerDetails
from node.records.upkeep import Forgetting
from node.records.withholding import Wish
from node.store.merges import Preset
from node.store.objections import SaidBy
from node.store.tables import NodeTables, open_engine
from node.store.team_roles import ALL_TEAMS, TeamRole
from protocol.errors import ErrorCode, LocalError
from protocol.matchkeys.records import ClientRecord
from tests.sim.federation import AMIRA, DUTY, TODAY, SimFederation, SimNode, row
from tests.sim.put_back import copy_aside, put_back
from tests.sim.test_api import BEARER, client_of
from tests.sim.test_charter_change import amend, follow
from tests.sim.test_node_faults import running
from tests.sim.test_recalled_cards import files_with
from tests.sim.test_withheld import with_both

DAY = 86_400
RAMONA = ClientRecord("9990000131", "Ramona", "Quillon", "Featherstone", "2017-08-09", "F",
                      "77 Marigold Parade", "LX4 2BD")  # fmt: skip
QUENTIN = WorkerDetails("Quentin Workerman", "Health visitor", "01632 960777", "qw@health.example",
                        "Northgate", "Covering Person")  # fmt: skip
OF_RAMONA = (
    b"Ramona", b"RAMONA", b"Quillon", b"Featherstone", b"9990000131", b"2017-08-09", b"Marigold",
    b"LX4 2BD", b"RQ-778812", b"RQ-998877", b"Quentin", b"01632 960777", b"qw@health", b"Northgate",
    b"Covering",
)  # fmt: skip
KEPT = {
    "keep_closed_client_days": 90,
    "keep_request_days": 60,
    "keep_news_days": 400,
    "keep_withdrawn_days": 200,
}


def ramona(local_id: str = "RQ-778812", permission: Permission = DUTY) -> ImportedRow:
    return replace(row(local_id, RAMONA, "health_visiting", permission), worker=QUENTIN)


async def town(federation: SimFederation, **days: int) -> tuple[SimNode, SimNode]:
    """Health visiting knows Ramona and Amira, social care knows Ramona; they are linked. Mona of
    health visiting, who is the first in its register and on duty, answers requests.
    """
    if days:
        await _known(federation, **days)
    else:
        await federation.begin(_known)
    health, care = federation.nodes.values()
    return health, care


async def _known(federation: SimFederation, **days: int) -> None:
    health = await federation.join("Health visiting", "health_provider", **{**KEPT, **days})
    care = await federation.join("Social care", "childrens_social_care")
    await health.take_in(row("A-1", AMIRA, "health_visiting", DUTY, "Mona Other"))
    await health.take_in(ramona())
    await health.write(lambda tables: tables.team_roles.put(1, TeamRole.DUTY, [ALL_TEAMS]))
    await care.take_in(row("c1", RAMONA, "child_in_need", DUTY, "S. Worker"))
    await health.publish()
    await care.publish()
    await federation.round()


async def forget(node: SimNode, *, dry_run: bool = False) -> dict[str, Any]:
    return await node.service.forgetting.run(dry_run=dry_run)


async def close(node: SimNode, local_id: str = "RQ-778812") -> None:
    await close_work(node.service, local_id, None, 1)


async def names(node: SimNode) -> set[str]:
    rows = await node.read(lambda tables: tables.tx.rows("SELECT local_id FROM client"))
    return {row["local_id"] for row in rows}


async def held(node: SimNode) -> list[tuple[str, str | None, bool]]:
    found = await node.read(lambda tables: tables.held.all())
    return [(item.local_id, item.other_id, item.withdrawn) for item in found]


async def everything(node: SimNode) -> dict[str, list[Any]]:
    """Every row of every table."""

    def work(tables: Any) -> dict[str, list[Any]]:
        found = tables.tx.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            item["name"]: [
                tuple(one.values())
                for one in tables.tx.rows(f"SELECT * FROM {item['name']}")  # noqa: S608
            ]
            for item in found
        }

    return await node.read(work)


async def dangling(node: SimNode) -> list[tuple[str, int]]:
    """Rows that name a client or a piece of work that is not there."""
    named = [
        (table, column, "client")
        for table, column in (
            ("stub", "client"), ("sent_request", "client"), ("involvement", "client"),
            ("client_said", "client"), ("objection", "client"), ("relative", "client"),
            ("relative", "relative"), ("withheld", "client"), ("other_id", "client"),
            ("merged_client", "client"), ("merged_client", "into_client"),
        )
    ] + [
        (table, "involvement", "involvement")
        for table in ("stub_involvement", "involvement_worker", "merged_involvement",
                      "received_request")
    ]  # fmt: skip

    def work(tables: NodeTables) -> list[tuple[str, int]]:
        return [
            (table, row[column])
            for table, column, of in named
            for row in tables.tx.rows(
                f"SELECT {column} FROM {table} WHERE {column} NOT IN (SELECT id FROM {of})"  # noqa: S608
            )
        ] + [(row["table"], row["rowid"]) for row in tables.tx.rows("PRAGMA foreign_key_check")]

    return await node.read(work)


async def later(federation: SimFederation, days: int) -> None:
    """So many days on; witnesses have gone on signing."""
    federation.clock.now += days * DAY
    await federation.checkpoint()


async def test_a_closed_client_goes_after_the_time_and_no_file_has_anything_of_them(
    federation: SimFederation,
) -> None:
    health, care = await town(federation)
    request = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request)
    await federation.settle()
    assert (await care.sent(request))["state"] == "opened"
    await health.take_in(ramona("RQ-998877"))
    await merge_clients(health.service, "RQ-998877", "RQ-778812", 1)
    await record_objection(health.service, Said("RQ-778812", SaidBy.CLIENT), 1)
    await health.write(lambda tables: families.join(tables, "A-1", "RQ-778812", "sister"))
    await close(health)
    await federation.settle()
    listed = health.folder / "clients.missing.csv"
    listed.write_text("local_id,involvement\nRQ-778812,health_visiting\n")
    os.utime(listed, (federation.clock.now, federation.clock.now))

    await later(federation, 89)
    assert (await forget(health))["gone"]["clients"] == 0
    assert files_with(health, b"Featherstone")
    assert files_with(health, b"RQ-778812")
    await later(federation, 2)
    report = await forget(health)
    assert (report["gone"]["clients"], report["stays"]) == (1, {})
    assert files_with(health, *OF_RAMONA) == set()
    assert await names(health) == {"A-1"}, "whose family she was stays"
    assert await dangling(health) == []
    assert files_with(health, b"Mona Other"), "who acted here stays"
    assert (await forget(health))["gone"]["clients"] == 0


async def test_a_client_stays_while_something_keeps_them_and_it_is_said_what(
    federation: SimFederation,
) -> None:
    health, care = await town(federation)
    request = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request)
    await federation.settle()
    await health.take_in(ramona("A-1"))  # another service of Amira goes on
    now = federation.clock()
    await health.write(lambda tables: tables.tx.run("UPDATE involvement SET ended_at = ?", now))
    await later(federation, 91)
    assert (await forget(health))["stays"] == {"published": 2}, "the hub was not told"
    await health.publish()
    waiting = await forget(health)
    assert (waiting["gone"]["clients"], waiting["stays"]) == (1, {"card": 1})
    await health.service.advance()  # it recalls the card
    assert (await forget(health))["stays"] == {"card": 1}, "nobody has said that it is gone"
    await federation.settle()
    assert (await forget(health, dry_run=True))["stays"] == {}
    assert (await forget(health))["gone"]["clients"] == 1
    assert await names(health) == set()


async def test_a_request_that_waits_keeps_both_sides_until_it_has_expired(
    federation: SimFederation,
) -> None:
    health, care = await town(federation, keep_news_days=30)
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    ended = federation.clock() - 100 * DAY
    for node in (health, care):
        await node.write(lambda tables: _ended(tables, ended))
        report = await replaced(node, keep_closed_client_days=90).run(dry_run=True)
        assert report["stays"] == {"request": 1}
    await later(federation, 15)
    for node in (health, care):
        report = await replaced(node, keep_closed_client_days=90).run(dry_run=True)
        assert report["stays"] == {}


def _ended(tables: NodeTables, at: int) -> None:
    tables.tx.run("UPDATE involvement SET ended_at = ?", at)
    tables.tx.run("UPDATE stub SET retired = 1")


def replaced(node: SimNode, **days: int) -> Forgetting:
    """The deleting of a node under other settings."""
    held = node.membership
    settings = node.service.answering._settings.model_copy(update=days)
    return Forgetting(held.engine, settings, node.folder, held.env)


async def test_who_is_withheld_is_never_forgotten(federation: SimFederation) -> None:
    health, _ = await town(federation)
    manager, lead = await with_both(health)
    wish = Wish("RQ-778812", "a refuge", TODAY + timedelta(days=300), TODAY + timedelta(days=9))
    number = await propose_withholding(health.service, wish, manager)
    await close(health)
    await later(federation, 91)
    assert (await forget(health))["stays"] == {"withheld": 1}, "it is proposed"
    await agree_to_withholding(health.service, number, lead)
    assert (await forget(health))["stays"] == {"withheld": 1}
    await later(federation, 300)
    assert (await forget(health))["gone"]["clients"] == 1, "it has expired"
    assert files_with(health, b"a refuge", *OF_RAMONA) == set()


async def test_always_findable_work_that_goes_on_is_said_and_stays(
    federation: SimFederation,
) -> None:
    health, _ = await town(federation)
    await health.take_in(
        replace(row("RQ-778812", RAMONA, "child_protection", None), worker=QUENTIN)
    )
    await withdraw_now(health.service, "RQ-778812", 1)
    await later(federation, 91)
    report = await forget(health)
    assert (report["gone"]["clients"], report["stays"]) == (0, {"findable": 1})
    assert "RQ-778812" in await names(health)


async def withdrawn_and_gone(federation: SimFederation, **days: int) -> SimNode:
    """Health visiting, where Ramona withdrew before her work ended, and whose record is deleted."""
    health, _ = await town(federation, **days)
    await withdraw_now(health.service, "RQ-778812", 1)
    await close(health)
    await federation.settle()
    await later(federation, 91)
    report = await forget(health)
    assert (report["gone"]["clients"], report["gone"]["withdrew"]) == (1, 1)
    assert files_with(health, *OF_RAMONA) == set(), "the hashes say nothing"
    return health


WITHOUT_NUMBER = replace(RAMONA, nhs_number=None)
LIKE_HER = {
    "local id": ("rq-778812 ", ClientRecord(given="Somebody", family="Else")),
    "number": ("1", ClientRecord(nhs_number="9990000131")),
    "name and birth": ("1", ClientRecord(given="RAMONA", family="Fetherstone",
                                         date_of_birth="08/09/2017")),
    "family and birth": ("1", ClientRecord(family="Featherstone", date_of_birth="2017-08-09")),
    "place and birth": ("1", ClientRecord(given="R", family="Smith", date_of_birth="2017-08-09",
                                          postcode="LX42BD")),
}  # fmt: skip
UNLIKE_HER = {
    "twin": replace(RAMONA, nhs_number="9990000158", given="Silvio"),
    "twin without a number": replace(WITHOUT_NUMBER, given="Silvio"),
    "another number": replace(RAMONA, nhs_number="9990000158", given="Rita"),
    "sibling": replace(WITHOUT_NUMBER, given="Rita", date_of_birth="2019-01-02"),
    "neighbour": replace(WITHOUT_NUMBER, family="Other", date_of_birth="1987-01-02"),
}


@pytest.mark.parametrize("how", LIKE_HER)
async def test_who_withdrew_is_not_brought_back_unasked(
    federation: SimFederation, how: str
) -> None:
    health = await withdrawn_and_gone(federation)
    local_id, record = LIKE_HER[how]
    local_id = local_id.strip()
    await health.take_in(replace(ramona(), local_id=local_id, record=record))
    assert await held(health) == [(local_id, None, True)]
    assert (await health.publish()).changed == 0
    await health.take_in(replace(ramona(), local_id=local_id, record=record))
    assert await held(health) == [(local_id, None, True)], "and the next feed frees nobody"
    assert (await health.publish()).changed == 0


@pytest.mark.parametrize("how", UNLIKE_HER)
async def test_who_cannot_be_one_who_withdrew_is_taken_in(
    federation: SimFederation, how: str
) -> None:
    health = await withdrawn_and_gone(federation)
    await health.take_in(replace(ramona(), local_id="777", record=UNLIKE_HER[how]))
    assert await held(health) == []


async def test_an_empty_row_that_the_next_file_fills_in_brings_nobody_back(
    federation: SimFederation,
) -> None:
    health = await withdrawn_and_gone(federation)
    await health.take_in(replace(ramona(), local_id="777", record=ClientRecord(family="Quill")))
    assert await held(health) == []
    await health.take_in(ramona("777"))
    assert await held(health) == [("777", None, True)]


async def test_a_person_says_the_same_and_it_stays_withdrawn_for_the_whole_time_again(
    federation: SimFederation,
) -> None:
    health = await withdrawn_and_gone(federation)
    await health.take_in(ramona("777"))
    assert (await forget(health))["gone"]["clients"] == 0, "a person is asked"
    now = federation.clock()
    await health.write(lambda tables: say_same(tables, "777", (1, now)))
    assert await held(health) == []
    for _ in range(2):
        assert (await health.publish()).changed == 0
        await health.take_in(ramona("777"))
        assert await held(health) == [], "nobody is asked twice"
    await close(health, "777")
    await later(federation, 89)
    assert (await forget(health))["gone"]["clients"] == 0
    await later(federation, 2)
    assert (await forget(health))["gone"]["withdrew"] == 1


async def test_a_person_says_not_the_same_and_it_is_a_client_like_any_other(
    federation: SimFederation,
) -> None:
    health = await withdrawn_and_gone(federation)
    await health.take_in(ramona("777"))
    now = federation.clock()
    await health.write(lambda tables: say_another(tables, "777", (1, now)))
    assert (await health.publish()).changed == 1
    await health.take_in(ramona("777"), ramona("888"))
    assert await held(health) == [("888", None, True)], "of the next one it says nothing"


async def test_what_is_always_findable_is_published_though_the_row_is_held(
    federation: SimFederation,
) -> None:
    health = await withdrawn_and_gone(federation)
    plan = replace(row("777", RAMONA, "child_protection", None), worker=QUENTIN)
    await health.take_in(plan)
    assert await held(health) == [("777", None, True)]
    assert (await health.publish()).changed == 1


async def test_after_the_time_of_the_hash_it_is_a_new_client_and_the_hash_is_gone(
    federation: SimFederation,
) -> None:
    health = await withdrawn_and_gone(federation)
    await later(federation, 199)
    assert (await forget(health))["gone"]["hashes"] == 0
    await later(federation, 1)
    await health.take_in(ramona("777"))
    assert await held(health) == [], "also where nobody has deleted the hash yet"
    assert (await forget(health))["gone"]["hashes"] > 4
    found = await everything(health)
    assert (found["withdrawn_hash"], found["withdrawn_secret"]) == ([], [])


async def test_without_a_time_for_the_hashes_who_withdrew_stays(
    federation: SimFederation,
) -> None:
    await amend_away(federation)
    health, _ = await town(federation, keep_withdrawn_days=0)
    await withdraw_now(health.service, "RQ-778812", 1)
    await close(health)
    await later(federation, 91)
    assert (await forget(health))["stays"] == {"no_time": 1}


async def amend_away(federation: SimFederation) -> None:
    """A charter that says nothing of nodes' retention, as those from before."""
    await amend(federation, {"node_retention": None})


async def test_the_charter_bounds_the_agency_and_without_a_number_nothing_goes(
    federation: SimFederation,
) -> None:
    health, _ = await town(federation)
    said = {"closed_client_days": 100, "request_days": 50, "news_days": 40, "withdrawn_days": 30}
    assert (await forget(health, dry_run=True))["days"] == {
        "closed_clients": 90, "requests": 60, "news": 400, "withdrawn": 200
    }  # fmt: skip
    await amend(federation, {"node_retention": said})
    await follow(health)
    assert (await forget(health, dry_run=True))["days"] == {
        "closed_clients": 90, "requests": 50, "news": 40, "withdrawn": 30
    }  # fmt: skip
    await amend_away(federation)
    await follow(health)
    mute = replaced(health, **dict.fromkeys(KEPT, 0))
    await close(health)
    await later(federation, 5000)
    report = await mute.run(dry_run=False)
    assert report["without_time"] == [
        "clients", "acts", "absences", "alarms", "alerts", "news",
    ]  # fmt: skip
    assert sum(report["gone"].values()) == 0
    assert report["days"]["requests"] == 2555, "as the log keeps what they say"


async def test_requests_and_news_go_by_themselves_and_a_dry_run_says_the_same(
    federation: SimFederation,
) -> None:
    health, care = await town(federation, keep_news_days=100)
    request = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request)
    await federation.settle()
    await acts.confirm_work(health.service, "A-1", None, 1)
    await withdraw_now(health.service, "RQ-778812", 1)
    await close(health)
    await federation.settle()
    await later(federation, 101)
    before = await everything(health)
    said = await forget(health, dry_run=True)
    assert await everything(health) == before, "a dry run changes nothing"
    done = await forget(health)
    assert done == {**said, "dry_run": False}
    gone = {kind: count for kind, count in done["gone"].items() if count}
    assert gone == {"clients": 1, "withdrew": 1, "requests": 1, "acts": 3, "news": 1}
    after = await everything(health)
    for table in ("received_request", "act", "outbox", "news"):
        assert after[table] == [], table
    assert [row for row in after["client"] if "A-1" in row], "work goes on"


async def test_a_request_whose_card_is_kept_here_stays_with_it(federation: SimFederation) -> None:
    health, care = await town(federation)
    request = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request)
    await federation.settle()
    await later(federation, 100)
    for node in (health, care):
        report = await replaced(node, keep_request_days=60).run(dry_run=False)
        assert report["gone"]["requests"] == 0
    assert (await care.sent(request))["card"] is not None


async def test_stopped_anywhere_it_goes_on_and_nothing_is_half_deleted(
    federation: SimFederation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.records.forgetting.PAGE", 1)
    monkeypatch.setattr("node.records.upkeep.PAGE", 1)
    health, _ = await town(federation, keep_news_days=80)
    await withdraw_now(health.service, "RQ-778812", 1)
    await close(health)
    await close(health, "A-1")
    await federation.settle()
    await later(federation, 91)
    copy_aside(health, tmp_path / "before")
    steps, ended = 0, False
    while not ended:
        steps += 1
        copy = tmp_path / str(steps)
        copy_aside(SimNode(health.service, tmp_path / "before"), copy)
        ended = await _dies_at(health, copy, steps)
        engine = open_engine(copy)
        left = await engine.read(_whole)
        assert left["half"] == []
        assert left["hashes"] or "RQ-778812" in left["names"], "no client goes without the hashes"
        settings = health.service.answering._settings
        again = Forgetting(engine, settings, copy, health.membership.env)
        await again.run(dry_run=False)
        assert (await engine.read(_whole))["names"] == []
        await engine.close()
        found = [path for path in copy.iterdir() if path.is_file()]
        assert not [name for name in OF_RAMONA for path in found if name in path.read_bytes()]
    assert steps > 4


async def _dies_at(node: SimNode, folder: Path, step: int) -> bool:
    """Delete in a folder with an engine whose nth write never comes; whether it got through."""
    engine, count = open_engine(folder), 0
    write = engine.write

    async def dying(body: Callable[[NodeTables], Any]) -> Any:
        nonlocal count
        count += 1
        if count == step:
            raise KeyError("killed")
        return await write(body)

    engine.write = dying  # type: ignore[method-assign]
    settings = node.service.answering._settings
    forgetting = Forgetting(engine, settings, folder, node.membership.env)
    try:
        await forgetting.run(dry_run=False)
    except KeyError:
        return False
    finally:
        await engine.close()
    return True


def _whole(tables: NodeTables) -> dict[str, Any]:
    names = [row["local_id"] for row in tables.tx.rows("SELECT local_id FROM client ORDER BY id")]
    half = tables.tx.rows("PRAGMA foreign_key_check")
    half += tables.tx.rows("SELECT client FROM stub WHERE client NOT IN (SELECT id FROM client)")
    return {"names": names, "half": half, "hashes": tables.count("withdrawn_hash")}


async def test_a_backup_from_before_brings_nobody_back(
    federation: SimFederation, tmp_path: Path
) -> None:
    health, care = await town(federation)
    copy_aside(health, tmp_path / "copy")
    await health.take_in(replace(ramona("N-1"), record=replace(AMIRA, given="Nadia")))
    await health.publish()
    await withdraw_now(health.service, "RQ-778812", 1)
    for local_id in ("RQ-778812", "N-1"):
        await close(health, local_id)
    await federation.settle()
    await later(federation, 91)
    assert (await forget(health))["gone"]["clients"] == 2

    days = health.service.answering._settings
    health = await put_back(federation, health, tmp_path / "copy")
    with pytest.raises(LocalError) as caught:
        await _restored(health)
    assert caught.value.code is ErrorCode.NOT_READY, "first it asks what it missed"
    await federation.settle()
    assert (await health.publish()).changed == 0, "whose stub was retired stays withdrawn"
    assert (await care.team("c1")).others == ()
    await close(health)
    await later(federation, 91)
    report = await Forgetting(
        health.membership.engine, days, health.folder, health.membership.env
    ).run(dry_run=False)
    assert report["gone"]["withdrew"] == 1
    assert files_with(health, *OF_RAMONA) == set(), "what the resync said of her too"


async def _restored(node: SimNode) -> None:
    """What a node that was put back from a backup and has not asked yet says to deleting."""
    hub_id, now = node.membership.hub.hub_id, node.membership.env.clock()

    def begin(tables: NodeTables) -> None:
        from node.membership.synced import notice
        from node.store.resync import Cause

        notice(tables, hub_id, Cause.RESTORED, now)

    await node.write(begin)
    await forget(node, dry_run=True)


async def test_the_running_node_does_it_by_itself(federation: SimFederation) -> None:
    health, _ = await town(federation)
    await close(health)
    await later(federation, 91)

    async def is_gone() -> bool:
        return await names(health) == {"A-1"}

    async with running(health.service) as loops:
        await loops.until(is_gone)


async def test_it_is_done_over_the_local_interface_too(federation: SimFederation) -> None:
    health, _ = await town(federation)
    await close(health)
    await later(federation, 91)
    api = await client_of(health.service)
    try:
        refused = await api.post("/v1/forget", headers=BEARER, json={})
        assert refused.status == 400, "whether it is a dry run is said"
        for dry_run in (True, True, False):
            answer = await api.post("/v1/forget", headers=BEARER, json={"dry_run": dry_run})
            assert (await answer.json())["gone"]["clients"] == 1
        assert await names(health) == {"A-1"}
    finally:
        await api.close()


async def test_who_adds_somebody_by_hand_is_told_that_they_withdrew(
    federation: SimFederation,
) -> None:
    health = await withdrawn_and_gone(federation)
    preset = Preset("new", "youth_work", None, None, "UK-CA04-S10-S11", 90)
    await health.write(lambda tables: tables.merges.put_preset(preset))
    typed = {"given": "Ramona", "family": "Featherstone", "date_of_birth": "2017-08-09"}
    with pytest.raises(PerhapsKnownError, match="withdrew, and the record was deleted") as known:
        await acts.add_client(health.service, NewClient(typed), 1)
    assert (known.value.alike, known.value.withdrew) == ([], True)
    assert await names(health) == {"A-1"}
    await acts.add_client(health.service, NewClient(typed, is_new=True), 1)
    assert len(await names(health)) == 2


async def test_what_comes_of_a_request_that_is_gone_here_disturbs_nobody(
    federation: SimFederation,
) -> None:
    health, care = await town(federation, keep_request_days=30)
    request = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request)
    await federation.settle()
    await take_back_now(health.service, request, 1)
    await health.service.advance()
    await later(federation, 200)
    await health.membership.sync()
    await health.service.advance()  # the recall is seen in the log
    gone = federation.clock() - 100 * DAY  # as if the card had been kept until then
    await health.write(
        lambda tables: tables.tx.run("UPDATE received_request SET keep_until = ?", gone)
    )
    assert (await forget(health))["gone"]["requests"] == 1
    await federation.settle()  # social care says that it has deleted the card
    assert (await care.sent(request))["wiped"] == 1
    hub_id = health.membership.hub.hub_id
    assert await health.read(lambda tables: tables.set_aside.all(hub_id)) == []
    assert (await everything(health))["received_request"] == []
