"""What somebody hears of their clients without looking: a list of no more than the team shows."""

import json
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from node.actions.news import mark_news_seen, read_news
from node.actions.withholding import agree_to_withholding, propose_withholding
from node.links.review import Opinion
from node.news.reminders import Reminders
from node.news.teams import take_links
from node.news.telling import Event, tell
from node.records import people
from node.records.clients import withdraw
from node.records.importer.rows import Permission
from node.store.links import Link, LinkedInvolvement, LinkState
from node.store.news import NewsKind
from node.store.people import PersonKind
from node.store.stubs import PublishedStub
from node.store.tables import NodeTables
from protocol.governance.limits import DAY
from protocol.requests.refusals import RefusalCode
from storage.sqlite import SqliteTransaction
from tests.sim.crowd import crowd
from tests.sim.federation import (
    AMEERA,
    AMIRA,
    DUTY,
    NOT_SURE,
    SAMIR,
    SimFederation,
    SimNode,
    row,
    two_agencies,
)
from tests.sim.put_back import copy_aside, put_back
from tests.sim.test_api import BEARER, client_of
from tests.sim.test_charter_change import accept, amend
from tests.sim.test_people_cli import Town
from tests.sim.test_people_cli import town as town
from tests.sim.test_raise_attention import raised
from tests.sim.test_recall import wrong
from tests.sim.test_review import queue, say
from tests.sim.test_succession import back_up, last_note, succeed
from tests.sim.test_withheld import wish, with_both

Agencies = tuple[SimNode, SimNode]
TOO = "works with them too: patchwork-node team."
FOUND = f"c1: Health visiting (Health visiting) {TOO}"
GONE = "c1: somebody who was in their team is shown there no more."
POSSIBLE = "c1: a possible match waits for a person: patchwork-node review."


async def person(node: SimNode, name: str) -> int:
    found = await node.read(lambda tables: people.acting(tables, name))
    return found.id


async def news(node: SimNode, name: str, *, everything: bool = False) -> list[dict[str, Any]]:
    return await read_news(node.service, await person(node, name), everything=everything)


async def said(node: SimNode, name: str) -> list[str]:
    """What is new for somebody, the newest first; it counts as seen from then on."""
    lines = await news(node, name)
    await mark_news_seen(node.service, lines)
    return [line["says"] for line in lines]


async def lines_of(node: SimNode) -> list[tuple[str, str]]:
    """Every line that lies in the database: whose, and of what kind."""
    sql = "SELECT p.name, n.kind FROM news n JOIN practitioner p ON p.id = n.person ORDER BY n.id"
    rows = await node.read(lambda tables: tables.tx.rows(sql))
    return [(item["name"], item["kind"]) for item in rows]


async def ask(federation: SimFederation, care: SimNode) -> str:
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    return request_id


async def test_a_week_of_two_workers(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    assert await said(care, "S. Worker") == [FOUND]
    assert await said(health, "H. Visitor") == [
        "h1: Social care (Child in need) works with them too: patchwork-node team."
    ]
    assert await said(care, "S. Worker") == [], "it was seen"

    request_id = await ask(federation, care)
    assert await said(health, "H. Visitor") == [
        "h1: Social care asks for contact details: patchwork-node inbox."
    ]
    assert await said(care, "S. Worker") == [], "nothing came back yet"
    await health.answer(request_id)
    await federation.settle()
    answered = "c1: your request to Health visiting was answered: patchwork-node inbox."
    assert await said(care, "S. Worker") == [answered], "the card, and the decision before it"
    refused = await ask(federation, care)
    await health.answer(refused, RefusalCode.NOT_PROPORTIONATE)
    await federation.settle()
    assert await said(care, "S. Worker") == [answered]
    assert len(await said(health, "H. Visitor")) == 1

    await health.take_in(row("h1", AMIRA, "school_nursing", DUTY, "N. Urse"))
    await health.publish()
    await federation.round()
    assert await said(care, "S. Worker") == [
        "c1: Health visiting (School nursing) has joined their team: patchwork-node team."
    ]
    assert await said(health, "N. Urse") == [], "she came after what was found before"

    await wrong(health, request_id)
    await federation.settle()
    recalled = "c1: a card from Health visiting was recalled, and is deleted here."
    assert sorted(await said(care, "S. Worker")) == [recalled, GONE]
    left = "h1: somebody who was in their team is shown there no more."
    assert (await said(health, "H. Visitor"), await said(health, "N. Urse")) == ([left], [left])
    everything = await news(care, "S. Worker", everything=True)
    assert sorted(line["kind"] for line in everything) == [
        "answered", "answered", "left", "recalled"
    ], "left took the place of found by and joined"  # fmt: skip


async def test_what_ends_names_nobody_any_more(
    federation: SimFederation, agencies: Agencies
) -> None:
    """A family goes into a refuge: what social care's worker heard of them is not read again."""
    health, care = agencies
    assert await said(health, "H. Visitor") != []
    manager, lead = await with_both(care)
    number = await propose_withholding(care.service, wish("c1"), manager)
    await agree_to_withholding(care.service, number, lead)
    await federation.settle()
    assert (await health.team("h1")).others == ()
    everything = await news(health, "H. Visitor", everything=True)
    assert [line["kind"] for line in everything] == ["left"]
    assert "Social care" not in json.dumps(everything)
    assert "Child in need" not in json.dumps(everything)
    assert await lines_of(health) == [("H. Visitor", "left")]


async def test_who_comes_back_has_joined_and_left_no_more(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await health.write(lambda tables: withdraw(tables, "h1", federation.clock()))
    await health.publish()
    await federation.settle()
    assert await said(care, "S. Worker") == [GONE]
    later = Permission("UK-CONSENT", date(2030, 1, 1), date(2026, 9, 22))
    federation.clock.now += 2 * DAY
    await health.take_in(row("h1", AMIRA, "health_visiting", later, "H. Visitor"))
    await health.publish()
    await federation.round()
    (line,) = await news(care, "S. Worker", everything=True)
    assert (line["kind"], line["agency"]) == ("joined", "Health visiting"), "not found, twice"
    await health.write(lambda tables: withdraw(tables, "h1", federation.clock()))
    await health.publish()
    await federation.settle()
    assert await said(care, "S. Worker") == [GONE], "which is news again"


async def test_work_that_is_over_has_left_and_is_named_while_the_team_shows_it(
    federation: SimFederation,
) -> None:
    await amend(federation, {"past_months": 6})
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    await health.take_in(row("h1", AMIRA, "health_visiting", DUTY, "H. Visitor"))
    await care.take_in(row("c1", AMEERA, "child_in_need", DUTY, "S. Worker"))
    await health.publish()
    await care.publish()
    await federation.round()
    assert await said(care, "S. Worker") == [FOUND]
    works = await health.read(lambda tables: tables.records.involvements([1]))
    over = [replace(work, ended_at=federation.clock()) for work in works]
    await health.write(lambda tables: tables.records.set_involvements(over))
    await health.publish()
    await federation.round()
    (shown,) = (await care.team("c1")).others
    assert shown.label == "Health visiting (past)"
    assert await said(care, "S. Worker") == [
        "c1: the work of Health visiting (Health visiting (past)) with them is over."
    ]
    assert await said(health, "H. Visitor") == [], "who has no work with them any more"


async def test_a_universal_service_is_a_number_a_day_and_routine_care_is_quiet(
    federation: SimFederation,
) -> None:
    """As the template has it of health visiting, community nursing and youth work."""
    health = await federation.join("Health visiting", "health_provider")
    care = await federation.join("Social care", "childrens_social_care")
    some = list(crowd(6))
    types = ["health_visiting"] * 3 + ["community_nursing", "youth_work", "youth_work"]
    await health.take_in(
        *(
            replace(item, local_id=f"h{number}", involvement=types[number])
            for number, item in enumerate(some)
        )
    )
    await care.take_in(
        *(
            row(f"c{number}", item.record, "child_in_need", DUTY, "S. Worker")
            for number, item in enumerate(some)
        )
    )
    await health.publish()
    await care.publish()
    await federation.round()
    lines = await news(care, "S. Worker")
    assert sorted((line["level"], line["says"]) for line in lines) == [
        ("digest", "3 of your clients were found by Health visiting (Health visiting)."),
        ("notice", f"c4: Health visiting (Youth work) {TOO}"),
        ("notice", f"c5: Health visiting (Youth work) {TOO}"),
        ("quiet", f"c3: Health visiting (Community nursing) {TOO}"),
    ]
    (digest,) = (line for line in lines if line["level"] == "digest")
    assert digest["clients"] == ["c0", "c1", "c2"]
    await mark_news_seen(care.service, [digest])
    assert len(await news(care, "S. Worker")) == 3, "all that it stands for was seen, and no more"
    others = await news(health, "Worker 0")
    assert [line["level"] for line in others] == ["notice"], "by the type of the other side"


async def test_a_possible_match_says_that_it_waits_and_nothing_else(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    (line,) = await news(care, "S. Worker")
    assert (line["says"], line["agency"], line["label"]) == (POSSIBLE, None, None)
    (waiting,) = await queue(care)
    opinion = Opinion(waiting.link_id, "not_same", 1)
    await care.write(lambda tables: care.service.dispatcher.reviewing.say(tables, opinion))
    assert await news(care, "S. Worker") == [], "a colleague has answered, and it is on its way"
    await care.service.advance()
    await federation.settle()
    assert await news(care, "S. Worker", everything=True) == [], "nobody is asked any more"
    assert len(await queue(health)) == len(await news(health, "H. Visitor"))


async def test_an_answer_by_both_is_found_by(federation: SimFederation, unsure: Agencies) -> None:
    health, care = unsure
    await say(care, "same")
    await say(health, "same")
    await federation.round()
    assert await said(care, "S. Worker") == [FOUND]


async def test_where_nobody_works_duty_is_told_and_then_managers(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    now = federation.clock()

    def add(tables: NodeTables, name: str, team: str, kind: PersonKind) -> None:
        people.register(tables, name, team, kind, now)

    async def told(subject: str) -> list[str]:
        event = Event(NewsKind.ATTENTION, 1, subject)
        hub_id = care.membership.hub.hub_id
        await care.write(lambda tables: tell(tables, hub_id, [event], now))
        sql = "SELECT p.name FROM news n JOIN practitioner p ON p.id = n.person WHERE subject = ?"
        rows = await care.read(lambda tables: tables.tx.rows(f"{sql} ORDER BY p.name", subject))
        return [item["name"] for item in rows]

    assert await told("1") == ["S. Worker"]
    await care.write(lambda tables: people.close(tables, "S. Worker", "", now))
    assert await told("2") == [], "nobody at all"
    await care.write(lambda tables: add(tables, "M. Anager", "", PersonKind.MANAGER))
    assert await told("3") == ["M. Anager"]
    await care.write(lambda tables: add(tables, "D. Uty", "West", PersonKind.DUTY_WORKER))
    assert await told("4") == ["D. Uty"]
    await care.write(lambda tables: add(tables, "E. Ast", "East", PersonKind.DUTY_WORKER))
    assert await told("5") == ["E. Ast"], "the work's own team"
    await federation.settle()
    del health


async def test_the_same_event_twice_is_one_line_and_a_leaver_hands_over_what_is_unread(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await care.take_in(row("c9", SAMIR, "child_in_need", DUTY, "N. Ext"))
    await raised(health, "h1")
    await federation.settle()
    (attention,) = await care.read(lambda t: t.tx.rows("SELECT * FROM received_attention"))
    now, hub_id = federation.clock(), care.membership.hub.hub_id
    one, other = await person(care, "S. Worker"), await person(care, "N. Ext")
    event = Event(NewsKind.ATTENTION, 1, attention["attention_id"], people=(one, other))
    for _ in range(2):
        await care.write(lambda tables: tell(tables, hub_id, [event, event], now))
    assert [line["kind"] for line in await news(care, "N. Ext")] == ["attention"]
    assert [line["kind"] for line in await news(care, "S. Worker")] == ["attention", "found_by"]
    await care.write(lambda tables: people.close(tables, "S. Worker", "N. Ext", now))
    assert [line["kind"] for line in await news(care, "N. Ext")] == ["attention", "found_by"]
    assert [name for name, _ in await lines_of(care)].count("S. Worker") == 1, "the double stays"


async def test_what_is_due_of_own_work_is_news_until_it_is_done(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await amend(federation, {"confirm_months": 6})
    await accept(federation, health, care)
    agreed = Permission("UK-CONSENT", date(2027, 4, 1), date(2026, 9, 1))
    await care.take_in(row("c2", SAMIR, "early_help", agreed, "S. Worker"))
    assert await said(care, "S. Worker") == [FOUND]
    reminders = Reminders(care.membership, 28, {})
    await reminders.step()
    assert await said(care, "S. Worker") == []
    federation.clock.now += 181 * DAY
    await reminders.step()
    await reminders.step()
    unconfirmed = "nobody has said for long that this work goes on: patchwork-node clients confirm."
    ends = "their consent ends on 2027-04-01: patchwork-node consent give, if they agree again."
    assert sorted(line["says"] for line in await news(care, "S. Worker")) == [
        f"c1: {unconfirmed}", f"c2: {unconfirmed}", f"c2: {ends}",
    ]  # fmt: skip
    later = Permission("UK-CONSENT", date(2028, 4, 1), date(2027, 3, 1))
    await care.take_in(row("c2", SAMIR, "early_help", later, "S. Worker"))
    assert [line["says"] for line in await news(care, "S. Worker")] == [f"c1: {unconfirmed}"]


async def test_after_a_lost_log_or_a_backup_nobody_is_found_anew(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, care = agencies
    assert await said(care, "S. Worker") == [FOUND]
    copy_aside(care, tmp_path / "copy")
    await health.take_in(row("h3", NOT_SURE, "health_visiting", DUTY, "H. Visitor"))
    await health.publish()
    await federation.round()
    care = await put_back(federation, care, tmp_path / "copy")
    await federation.settle()
    assert [line.involvement_id for line in (await care.team("c1")).others] != []
    assert FOUND not in await said(care, "S. Worker")

    backup = back_up(federation, tmp_path / "backup")
    await succeed(federation, backup, last_note(federation))
    await federation.checkpoint()
    for node in (health, care):
        await node.service.charters.step()
    await accept(federation, health, care)
    for node in (health, care):
        await node.publish()
    await federation.round()
    assert (await care.team("c1")).others != (), "all links were told anew"
    assert await said(care, "S. Worker") == []


async def test_many_links_cost_no_more_statements_than_one(
    agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, care = agencies
    await care.take_in(*crowd(60))
    clients = await care.read(lambda tables: tables.records.clients_after(1, 60))
    hub_id = care.membership.hub.hub_id
    stubs = [PublishedStub(one.id, f"{one.id:032x}", 1, "", retired=False) for one in clients]
    await care.write(lambda tables: tables.stubs.put(hub_id, stubs, 0))
    links = [
        Link(
            hub_id=hub_id,
            link_id=f"{1000 + stub.client:032x}",
            stub_id=stub.stub_id,
            state=LinkState.MATCH,
            agency_id="ab" * 16,
            involvements=(LinkedInvolvement(f"{2000 + stub.client:032x}", "early_help", "Help"),),
            evidence=None,
            round_id="00" * 32,
        )
        for stub in stubs
    ]
    counts: list[int] = []

    def counted(*names: str) -> None:
        for name in names:
            real = getattr(SqliteTransaction, name)

            def run(self: SqliteTransaction, *values: Any, real: Any = real) -> Any:
                counts[-1] += 1
                return real(self, *values)

            monkeypatch.setattr(SqliteTransaction, name, run)

    counted("_one_by_one", "run_many")
    for some in (links[:1], links[1:]):
        counts.append(0)
        await care.write(partial(take_links, membership=care.membership, told=some))
    assert counts[0] == counts[1]
    monkeypatch.undo()
    assert len(await lines_of(care)) == 61


def test_it_is_typed_and_read(town: Town) -> None:
    town.now(two_agencies(town.federation))
    nobody = town.types("Social care", "news", who="")
    assert (nobody.exit_code, "--as NAME" in nobody.output) == (1, True)
    as_json = town.types("Social care", "news", "--json", "--as", "S. Worker")
    (line,) = json.loads(as_json.stdout)
    assert (line["says"], line["kind"], line["hub"]) == (FOUND, "found_by", "Test hub")
    assert "Nothing is new." in town.types("Social care", "news").output, "it was seen"
    assert FOUND in town.types("Social care", "news", "--all").output


async def test_it_goes_over_the_local_interface(agencies: Agencies) -> None:
    _, care = agencies
    client = await client_of(care.service)

    async def posts(path: str, **body: Any) -> tuple[int, Any]:
        answer = await client.post(path, headers=BEARER, json=body)
        return answer.status, await answer.json()

    who = {"practitioner": "S. Worker", "all": False}
    for seen, count in ((False, 1), (True, 1), (False, 0)):
        status, value = await posts("/v1/news", **who, seen=seen)
        assert (status, len(value["news"])) == (200, count)
    assert (await posts("/v1/news", practitioner="N. Obody", all=False, seen=True))[0] == 404
    assert (await posts("/v1/news", **who))[0] == 400
    wanted = {"name": "S. Worker", "mail": "daily"}
    assert await posts("/v1/people/mail", **wanted) == (200, {"mail": "daily"})
    assert (await posts("/v1/people/mail", **{**wanted, "mail": "hourly"}))[0] == 400
    assert (await posts("/v1/people/mail", **wanted, to="not an address"))[0] == 400
    await client.close()
