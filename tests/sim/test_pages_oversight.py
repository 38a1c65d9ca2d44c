"""What the lead and the administrator do on pages, and what nobody else or nobody alone can do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage

from node.actions.records import withdraw_now
from node.alarms import AlarmCode, raise_alarm
from node.records import caseload
from node.records.accounts import Role
from node.store.tables import NodeTables
from protocol.requests.refusals import RefusalCode
from storage.backup import opened_backup
from tests.sim import test_identity_check as identity
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.test_answering import BASIS
from tests.sim.test_charter_change import amend, follow
from tests.sim.test_recalled_cards import asked, known, opened, to_decide
from tests.sim.visitors import Visitor, visiting

Agencies = tuple[SimNode, SimNode]
Visitors = dict[Role | None, Visitor]
LATER = {
    "until-day": "20", "until-month": "12", "until-year": "2026",
    "review-day": "1", "review-month": "12", "review-year": "2026",
}  # fmt: skip


async def text(answer: Any) -> str:
    """What a page says, as a reader would find it."""
    return str(await answer.text()).replace("&#39;", "'").replace("\n", " ")


async def deeds(node: SimNode) -> list[str]:
    acts = await node.read(lambda tables: tables.people.acts())
    return [act.what.value for act in reversed(acts)]


async def person(node: SimNode, name: str) -> Any:
    (found,) = await node.read(lambda tables: tables.people.called(name))
    return found


async def test_it_takes_two_to_withhold_a_client_and_two_to_end_it(
    visitors: Visitors, agencies: Agencies, federation: SimFederation
) -> None:
    health, care = agencies
    manager, lead = visitors[Role.MANAGER], visitors[Role.GOVERNANCE_LEAD]
    wish = {"client": "h1", "reason": "In a refuge", **LATER}
    for change, says in (
        ({"client": "nobody"}, "Nobody of yours has this number"),
        ({"until-year": "2036"}, "at most a year from today"),
        ({"review-month": "1"}, "Enter a day from today"),
        ({"reason": ""}, "Write why"),
    ):
        answer = await manager.post("/withheld/propose", **wish | change)
        assert (answer.status, says in await text(answer)) == (400, True), change
    assert (await manager.post("/withheld/propose", **wish)).status == 303
    answer = await manager.post("/withheld/1", what="agree")
    assert answer.status == 400
    assert "one after the other" in await text(answer)
    assert len((await care.team("c1")).others) == 1, "a wish of one changes nothing"

    assert (await lead.post("/withheld/1", what="agree")).headers["Location"] == "/withheld"
    await federation.settle()
    assert (await care.team("c1")).others == ()
    assert (await lead.post("/withheld/1", what="agree")).status == 400, "said already"
    assert (await lead.post("/withheld/1", what="end")).status == 303
    assert "P. Governance lead (West) says that it is to end" in await text(
        await manager.get("/withheld")
    )
    assert (await health.team("h1")).unpublished == "withheld"
    assert (await manager.post("/withheld/1", what="end")).status == 303
    assert (await health.team("h1")).unpublished is None
    assert (await manager.get("/withheld/1")).status == 404


async def test_the_lead_sees_who_asked_both_ways_by_whom_and_why_it_was_refused(
    visitors: Visitors, agencies: Agencies, federation: SimFederation
) -> None:
    health, care = agencies
    request_id = await asked(federation, agencies)
    await health.answer(request_id, RefusalCode.NOT_PROPORTIONATE)
    await federation.settle()
    lead = visitors[Role.GOVERNANCE_LEAD]
    for by in ("agency", "practitioner", "client", "refused"):
        page = await text(await lead.get(f"/governance/asked?by={by}"))
        assert "They asked us: Social care" in page, by
        assert "sharing was found not proportionate" in page, by
        assert "Answered by H. Visitor" in page, by
        assert ">h1<" in page, by
    file = await (await lead.get("/governance/asked.csv")).text()
    assert "They asked us,Contact details,Social care," in file
    page = await text(await lead.get("/governance/asked?from=2026-01-01&until=2026-02-01"))
    assert "Nobody asked on these days." in page
    for odd in (
        "from=x&until=y",
        "from=2026-02-01&until=2026-01-01",
        "by=nothing",
        "from=0001-01-01&until=0001-01-02",
    ):
        assert "Social care" in await text(await lead.get(f"/governance/asked?{odd}")), odd
    span = {"from-day": "1", "from-month": "9", "from-year": "2026"}
    span |= {"until-day": "30", "until-month": "9", "until-year": "2026", "by": "client"}
    answer = await lead.post("/governance/asked", **span)
    assert answer.headers["Location"] == (
        "/governance/asked?from=2026-09-01&until=2026-09-30&by=client"
    )
    for change in ({"from-month": "10"}, {"until-year": "2028"}, {"from-day": "31"}, {"by": ""}):
        assert (await lead.post("/governance/asked", **span | change)).status == 400, change

    async with visiting(care) as others:
        page = await text(await others[Role.GOVERNANCE_LEAD].get("/governance/asked?by=refused"))
    assert "We asked: Health visiting" in page
    assert "S. Worker" in page
    assert "(Enquiry into significant harm)" in page, "why we asked is known of what we sent"
    assert "sharing was found not proportionate" in page


async def test_the_lead_sees_identity_checks_both_ways(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    check_id = await identity.check(care)
    await federation.settle()
    await identity.answer(health, check_id, "same")
    await federation.settle()
    for node, way, client in (
        (health, "They asked us: Social care", "h1"),
        (care, "We asked: Health visiting", "c1"),
    ):
        async with visiting(node) as found:
            page = await text(await found[Role.GOVERNANCE_LEAD].get("/governance/asked?by=client"))
        for said in (way, "An identity check", "Compared", "S. Worker", f">{client}<"):
            assert said in page, said
        assert "(Enquiry into significant harm)" in page


async def test_somebody_who_opens_far_more_than_usual_is_shown_to_the_lead(
    visitors: Visitors, agencies: Agencies
) -> None:
    health, _ = agencies
    await health.take_in(
        *(row(f"x{number}", AMIRA, "health_visiting", DUTY) for number in range(21))
    )
    curious, now = await person(health, "P. Practitioner"), health.membership.env.clock()

    def look(tables: NodeTables) -> None:
        for number in range(21):
            client = tables.records.client(f"x{number}")
            assert client is not None
            caseload.look(tables, curious, client.id, now, "another: curious")

    lead = visitors[Role.GOVERNANCE_LEAD]
    assert "Nobody did." in await text(await lead.get("/governance/unusual"))
    await health.write(look)
    page = await text(await lead.get("/governance/unusual"))
    assert "P. Practitioner (West)" in page
    assert "Opened the pages of 21 clients" in page


async def test_the_lead_decides_about_a_card_that_is_out_after_a_withdrawal(
    visitors: Visitors, agencies: Agencies, federation: SimFederation
) -> None:
    health, care = agencies
    await known(federation, health)
    kept, taken = [await opened(federation, agencies) for _ in range(2)]
    lead = visitors[Role.GOVERNANCE_LEAD]
    assert (await lead.get(f"/governance/cards/{kept}")).status == 404, "nobody asks yet"
    await withdraw_now(health.service, "h1", 1)
    await federation.settle()
    assert await to_decide(health) == {kept, taken}
    page = await text(await lead.get("/governance"))
    assert f"/governance/cards/{kept}" in page
    assert (await lead.post(f"/governance/cards/{kept}", what="")).status == 400
    assert (await lead.post(f"/governance/cards/{kept}", what="keep")).status == 303
    assert (await lead.post(f"/governance/cards/{taken}", what="recall")).status == 303
    await federation.settle()
    assert [(await care.sent(one))["state"] for one in (kept, taken)] == ["opened", "recalled"]
    assert (await lead.get(f"/governance/cards/{kept}")).status == 404
    assert {"kept_card", "recalled_card"} <= set(await deeds(health))


async def test_an_administrator_says_who_people_are_and_that_somebody_leaves(
    visitors: Visitors, agencies: Agencies
) -> None:
    health, _ = agencies
    me, home = visitors[Role.ADMINISTRATOR], "/administration/people"
    new = {"name": "N. Ew", "team": "East", "kind": "worker"}
    answer = await me.post(home, **new)
    path = answer.headers["Location"]
    assert (await me.post(home, **new)).status == 400, "on record already"
    assert (await me.post(home, **new | {"kind": "king"})).status == 400
    assert (await me.post(path, kind="worker", duty="Nowhere")).status == 400
    assert (await me.post(path, kind="manager")).status == 303
    roles = await health.read(lambda tables: tables.team_roles.all())
    number = int(path.rpartition("/")[2])
    assert {role.value: [*teams] for role, teams in roles[number].items()} == {"manager": [""]}
    assert (await me.post(path, kind="manager", manager="*", duty="West")).status == 303
    assert (await me.post(path, kind="manager", duty="West")).status == 303
    roles = await health.read(lambda tables: tables.team_roles.all())
    assert {role.value: [*teams] for role, teams in roles[number].items()} == {"duty": ["West"]}

    own = await person(health, "P. Administrator")
    assert "Somebody else has to change" in await text(
        await me.post(f"{home}/{own.id}", kind="governance_lead")
    )
    assert (await me.post(f"{home}/{own.id}/leave")).status == 400
    gone = await person(health, "P. Manager")
    assert (await visitors[Role.MANAGER].get("/clients")).status == 200
    assert (await me.post(f"{home}/{gone.id}/leave", to="Nobody")).status == 400
    page = await text(await me.post(f"{home}/{gone.id}/leave", to="N. Ew (East)"))
    assert "P. Manager (West) acts here no longer" in page
    assert (await visitors[Role.MANAGER].get("/clients")).status == 403
    assert (await me.post(f"{home}/{gone.id}", kind="manager")).status == 303, "here again"
    assert (await visitors[Role.MANAGER].get("/clients")).status == 303, "and signs in anew"
    assert (await deeds(health)).count("appointed") == 5
    assert "let_go" in await deeds(health)


async def test_a_manager_says_who_is_away_and_who_covers(
    visitors: Visitors, agencies: Agencies
) -> None:
    health, _ = agencies
    manager = visitors[Role.MANAGER]
    away = {"name": "P. Duty (West)", "cover": "P. Practitioner (West)"}
    away |= {"first-day": "1", "first-month": "10", "first-year": "2026"}
    away |= {"last-day": "9", "last-month": "10", "last-year": "2026"}
    for change, says in (
        ({"name": "Nobody"}, "Choose who will be away"),
        ({"cover": "P. Duty (West)"}, "Choose somebody else who is here to cover"),
        ({"last-month": "9"}, "today or later"),
        ({"last-year": "9999", "last-month": "12", "last-day": "31"}, "today or later"),
        ({"first-day": "x"}, "Enter a day"),
    ):
        answer = await manager.post("/duty", **away | change)
        assert (answer.status, says in await text(answer)) == (400, True), change
    assert (await manager.post("/duty", **away)).status == 303
    assert "Some of these days were said before" in await text(await manager.post("/duty", **away))
    page = await text(await manager.get("/duty"))
    assert "1 October 2026 to 9 October 2026" in page
    assert "If a holiday is wrong or missing, ask the council to change the agreement" in page
    assert (await manager.post("/duty", back="P. Duty (West)")).status == 303
    assert "Nobody is away" in await text(await manager.get("/duty"))
    assert (await deeds(health))[-2:] == ["said_away", "said_back"]


async def test_what_everybody_sees_is_shown_before_it_is_signed(
    visitors: Visitors, agencies: Agencies, federation: SimFederation
) -> None:
    health, care = agencies
    me = visitors[Role.ADMINISTRATOR]
    path = f"/administration/agency/{health.membership.hub.hub_id}/details"
    said = {"name": "Health visiting", "duty_line": "01632 960777", "duty_hours": "Nights"}
    wrong = await me.post(path, name="", duty_line="ring us", duty_hours="")
    assert (wrong.status, "such as 01632 960100" in await text(wrong)) == (400, True)
    page = await text(await me.post(path, **said))
    assert "01632 960777" in page
    assert "Stays as it is" in page
    assert "What others see" in page
    assert await federation.entries("details") == [], "nothing was signed yet"
    assert (await me.get(f"{path}/sign")).headers["Location"] == path
    assert (await me.post(f"{path}/sign", **said)).headers["Location"].endswith("/signed")
    await federation.settle()
    await care.membership.sync()
    member = care.membership.directory.member(health.party_id)
    assert member is not None
    assert (member.body.duty_line, member.body.duty_hours) == ("01632 960777", "Nights")
    assert (await deeds(health))[-1] == "changed_details"


async def test_an_agreement_is_read_old_beside_new_and_the_version_that_was_read_is_signed(
    visitors: Visitors, agencies: Agencies, federation: SimFederation
) -> None:
    health, _ = agencies
    me, charter = visitors[Role.ADMINISTRATOR], await federation.charter()
    path = f"/administration/agency/{health.membership.hub.hub_id}/agreement"
    assert (await me.get(f"{path}/sign")).status == 303, "nothing to sign"
    more = charter.quotas.requests_per_day + 7
    quotas = {**charter.to_value()["quotas"], "requests_per_day": more}
    new = await amend(federation, {"quotas": quotas})
    await follow(health)
    page = await text(await me.get(path))
    assert f"requests a day: {charter.quotas.requests_per_day}" in page
    assert f"requests a day: {more}" in page
    assert "It does not bind you yet." in page
    answer = await me.post(f"{path}/sign", version=str(charter.version))
    assert (answer.status, "Read it first" in await text(answer)) == (400, True)
    assert (await me.post(f"{path}/sign", version=str(new.version))).status == 303
    await federation.settle()
    await health.membership.sync()
    assert health.membership.directory.accepted[health.party_id] == new.version
    assert "You have signed it." in await text(await me.get("/administration/agency"))


async def test_a_rule_that_somebody_chose_answers_and_the_settings_file_goes_before_it(
    visitors: Visitors, agencies: Agencies, federation: SimFederation
) -> None:
    health, care = agencies
    me, home = visitors[Role.ADMINISTRATOR], "/administration/rules"
    first = await asked(federation, agencies)
    await health.answer(first)
    await federation.settle()
    rule = f"childrens_social_care {BASIS}"
    assert f'value="{rule}"' in await text(await me.get(home))
    page = await text(await me.post(home, rule=rule))
    assert "Answered by rule from now on" in page
    waits = await asked(federation, agencies)
    assert (await care.sent(waits))["state"] == "waiting", "it was not saved yet"
    assert (await me.post(f"{home}/check", rule="priests nothing")).status == 400
    assert (await me.post(f"{home}/check", rule=rule)).status == 303
    by_rule = await asked(federation, agencies)
    await federation.settle()
    assert (await care.sent(by_rule))["state"] == "opened"

    assert (await me.post(f"{home}/check")).status == 303, "nobody is ticked any more"
    last = await asked(federation, agencies)
    assert (await care.sent(last))["state"] == "waiting"
    assert (await me.post(f"{home}/check", rule=rule)).status == 303

    settings = health.service.settings
    settings.answer_rules = {BASIS: {"childrens_social_care": "ask"}}
    assert f'value="{rule}"' not in await text(await me.get(home))
    assert (await me.post(f"{home}/check", rule=rule)).status == 400
    again = await asked(federation, agencies)
    assert (await care.sent(again))["state"] == "waiting"
    assert (await deeds(health))[-1] == "changed_rule"


async def test_a_backup_that_somebody_makes_opens_with_the_key_in_the_safe_alone(
    visitors: Visitors, agencies: Agencies, tmp_path: Path
) -> None:
    health, _ = agencies
    me, settings = visitors[Role.ADMINISTRATOR], health.service.settings
    assert (await me.post("/administration/backups")).status == 400
    assert "No folder for backups is set up" in await text(await me.get("/administration/backups"))
    key, folder = pyrage.x25519.Identity.generate(), tmp_path / "backups"
    settings.backup_folder, settings.backup_recipients = str(folder), [str(key.to_public())]
    answer = await me.post("/administration/backups")
    assert (answer.status, "missing, full or closed" in await text(answer)) == (400, True)
    folder.mkdir()
    assert (await me.post("/administration/backups")).status == 303
    (made,) = folder.iterdir()
    page = await text(await me.get("/administration/backups"))
    assert made.name in page
    assert str(folder) in page
    identity = tmp_path / "identity.txt"
    identity.touch(mode=0o600)
    identity.write_text(str(key))
    with opened_backup(made, [identity], "patchwork-node", tmp_path / "open") as staging:
        assert "node.sqlite" in {path.name for path in staging.iterdir()}
    assert (await deeds(health))[-1] == "made_backup"


async def test_alarms_are_told_in_words_of_the_pages_and_put_away_by_whom_they_concern(
    visitors: Visitors, agencies: Agencies
) -> None:
    health, _ = agencies
    hub_id, now = health.membership.hub.hub_id, health.membership.env.clock()

    def amiss(code: AlarmCode) -> Callable[[NodeTables], bool]:
        return lambda tables: raise_alarm(tables, hub_id, code, now, place="1")

    for code in AlarmCode:
        await health.write(amiss(code))
    me, lead = visitors[Role.ADMINISTRATOR], visitors[Role.GOVERNANCE_LEAD]
    for visitor, path in ((me, "/administration/health"), (lead, "/governance/alarms")):
        page = await text(await visitor.get(path))
        assert page.count("What to do:") == len(AlarmCode)
        assert "patchwork-node" not in page
    rows = await health.read(lambda tables: tables.alarms.open(hub_id))
    number = {row.code: str(row.id) for row in rows}
    for code in (AlarmCode.NO_QUORUM, AlarmCode.QUESTIONS_HELD):
        answer = await me.post("/administration/health", hub=hub_id, alarm=number[code])
        assert answer.status == 400, "it goes by itself, or is the lead's"
    answer = await lead.post("/governance/alarms", hub=hub_id, alarm=number[AlarmCode.KEYS_CHANGED])
    assert answer.headers["Location"] == "/governance/alarms"
    page = await text(await me.get("/administration/health"))
    assert page.count("What to do:") == len(AlarmCode) - 1


async def test_what_new_clients_get_is_renamed_and_taken_away(
    visitors: Visitors, agencies: Agencies
) -> None:
    health, _ = agencies
    me, home = visitors[Role.ADMINISTRATOR], "/administration/new-clients"
    one = {"type": "health_visiting", "basis": DUTY.basis, "days": "365"}
    assert (await me.post(home, **one, called="Usual")).status == 303
    assert (await me.post(home, **one, called="Other")).status == 303
    change = f"{home}/change"
    assert "Change Usual" in await text(await me.post(change, preset="Usual"))
    for called, says in (("", "Enter its new name"), ("Other", "Another one has this name")):
        answer = await me.post(change, preset="Usual", what="rename", called=called)
        assert (answer.status, says in await text(answer)) == (400, True)
    await me.post(change, preset="Usual", what="rename", called="Visits")
    await me.post(change, preset="Other", what="remove")
    assert (await me.post(change, preset="Other", what="remove")).headers["Location"] == home
    names = await health.read(lambda tables: [one.name for one in tables.merges.presets()])
    assert names == ["Visits"]
