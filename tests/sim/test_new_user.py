"""What made somebody stop who used the pages without reading anything first."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from node.records.accounts import Role
from node.records.importer.rows import WorkerDetails
from node.store.merges import Preset
from node.store.news import NewsKind, NewsLevel, NewsRow
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.test_caseload_pages import on
from tests.sim.test_charter_change import amend
from tests.sim.test_pages_kept import suspended
from tests.sim.visitors import Visitor, visiting

Agencies = tuple[SimNode, SimNode]
Visitors = dict[Role | None, Visitor]
TYPED = {"given": "Anna", "family": "Bell", "date_of_birth": "1/2/2019", "preset": "asked"}


def agreed(day: datetime) -> dict[str, str]:
    parts = {"agreed-day": day.day, "agreed-month": day.month, "agreed-year": day.year}
    return {**{name: str(part) for name, part in parts.items()}, "asked": "yes"}


async def test_a_wrong_day_of_consent_is_said_where_it_was_asked_and_nothing_is_typed_anew(
    visitors: Visitors, agencies: Agencies
) -> None:
    """It was called a wrong date of birth, on another page; and going back emptied the form."""
    health, worker = agencies[0], visitors[Role.PRACTITIONER]
    asked = Preset("asked", "health_visiting", None, None, "UK-CONSENT", 365)
    await health.write(lambda t: t.merges.put_preset(asked))
    today = datetime.fromtimestamp(health.service.membership.env.clock(), UTC)
    for day, said in (
        (today + timedelta(days=2), "must be today or in the past"),
        (today - timedelta(days=800), "has ended by now"),
    ):
        answer = await worker.post("/clients/add", **TYPED, **agreed(day))
        page = await answer.text()
        assert (answer.status, said in page) == (400, True)
        assert 'name="given" value="Anna"' in page
        assert 'id="agreed"' in page, "the summary leads to the field"
    answer = await worker.post("/clients/add", **TYPED, back="yes")
    page = await answer.text()
    assert (answer.status, 'value="Anna"' in page, 'value="1/2/2019"' in page) == (200, True, True)
    answer = await worker.post("/clients/add", **TYPED, **agreed(today))
    assert answer.status == 303


async def test_a_client_without_a_name_and_a_birth_date_as_a_file_wrote_it_can_be_read(
    visitors: Visitors, agencies: Agencies
) -> None:
    health, worker = agencies[0], visitors[Role.PRACTITIONER]
    nobody = replace(AMIRA, given=None, middle=None, family=None, date_of_birth="05/06/2015")
    theirs = row("n2", nobody, "health_visiting", DUTY)
    west = WorkerDetails("P. Practitioner", "Practitioner", "07700 900124", "p@a.example", "West")
    await health.take_in(theirs, replace(theirs, local_id="n1", worker=west))
    own, other = [
        await (await worker.post("/clients/find", words=number)).text() for number in ("n1", "n2")
    ]
    assert ">No name, number n1</a>" in own
    assert "5 June 2015" in own
    assert ">No name, number n2</a>" in other
    assert ">2015<" in other, "of another team's client the year alone"


async def test_the_number_of_changes_is_of_what_the_client_s_page_shows(
    visitors: Visitors, agencies: Agencies
) -> None:
    """Answers to requests have their place elsewhere: nobody found them behind “5 changes”."""
    health, worker = agencies[0], visitors[Role.PRACTITIONER]
    hub_id, now = health.membership.hub.hub_id, health.membership.env.clock()
    client, who = await on(health, "P. Practitioner (West)")
    lines = [
        NewsRow(hub_id, who, client, kind, f"{n}" * 32, "", NewsLevel.NOTICE, now)
        for n, kind in enumerate((NewsKind.ANSWERED, NewsKind.LEFT))
    ]
    await health.write(lambda t: t.news.put(lines))
    page = await (await worker.get("/clients")).text()
    assert "1 change<" in page


async def test_what_is_corrected_is_shown_as_it_is_typed_and_said_to_be_done(
    visitors: Visitors, agencies: Agencies
) -> None:
    """A date stood there as no example said, any word did for a sex, and nothing was said."""
    health, worker = agencies[0], visitors[Role.PRACTITIONER]
    client, _ = await on(health, "P. Practitioner (West)")
    path = f"/clients/{client}/correct"
    page = await (await worker.get(path)).text()
    typed = dict(re.findall(r'name="(\w+)" type="text"\s+value="([^"]*)"', page))
    assert (typed["date_of_birth"], typed["nhs_number"]) == ("14 3 2022", "999 000 0026")
    wrong = {**typed, "sex": "unicorn", "nhs_number": "1", "date_of_birth": "1 1 2999"}
    page = await (await worker.post(path, **wrong)).text()
    summary = re.findall(r'<li><a href="#(\w+)">', page)
    assert summary == ["date_of_birth", "sex", "nhs_number"], "as the fields stand on the page"
    before = await health.read(lambda t: t.records.clients_by_row([client]))
    answer = await worker.post(path, **typed)
    assert await health.read(lambda t: t.records.clients_by_row([client])) == before
    page = await (await worker.get(answer.headers["Location"])).text()
    assert "What you typed is saved." in page


async def test_of_two_people_of_one_name_each_can_be_let_in_without_a_name_to_think_of(
    visitors: Visitors,
) -> None:
    """“Somebody else signs in by that name”, it said, to who had typed none."""
    administrator = visitors[Role.ADMINISTRATOR]
    people = "/administration/people"
    found = []
    for team in ("North", "South"):
        answer = await administrator.post(people, name="Sam P. Lee", team=team, kind="worker")
        page = await (await administrator.get(answer.headers["Location"])).text()
        assert "They cannot sign in yet" in page
        answer = await administrator.post("/administration/accounts", person=f"Sam P. Lee ({team})")
        found += re.findall(r"They sign in as ([^ <]+)\.", await answer.text())
    assert found == ["sam.p.lee", "sam.p.lee.2"]
    third = {"name": "Sam P. Lee", "team": "North", "kind": "worker"}
    page = await (await administrator.post(people, **third)).text()
    assert "If they are two people" in page


async def test_a_suspended_organisation_s_people_are_told_so_where_they_look(
    visitors: Visitors, agencies: Agencies, federation: SimFederation
) -> None:
    """Their pages looked as ever, and the administrator's said that nothing was amiss."""
    health, worker = agencies[0], visitors[Role.PRACTITIONER]
    client, _ = await on(health, "P. Practitioner (West)")
    assert "not an active member" not in await (await worker.get(f"/clients/{client}")).text()
    await suspended(federation, health)
    assert "not an active member" in await (await worker.get(f"/clients/{client}")).text()
    answer = await visitors[Role.ADMINISTRATOR].get("/administration/health")
    page = await answer.text()
    assert ("no active member" in page, "Nothing is amiss" in page) == (True, False)


async def test_people_are_told_that_a_new_agreement_waits_to_be_signed(
    visitors: Visitors, agencies: Agencies, federation: SimFederation
) -> None:
    """Asking failed with a guess at suspension and backups, and no word of the true cause."""
    health, worker = agencies[0], visitors[Role.PRACTITIONER]
    client, _ = await on(health, "P. Practitioner (West)")
    await amend(federation, {"past_months": 6})
    await health.membership.follow()
    said = "A new sharing agreement waits until somebody signs it for Health visiting"
    assert said in await (await worker.get(f"/clients/{client}")).text()


async def test_who_gave_a_reason_to_look_can_take_the_client_on_there(
    visitors: Visitors,
) -> None:
    """Ticked as “mine too”, asked why, and then there was no way on."""
    worker = visitors[Role.PRACTITIONER]
    answer = await worker.post("/clients", client="1")
    assert answer.headers["Location"] == "/clients/1/reason"
    await worker.post("/clients/1/reason", reason="covering")
    page = await (await worker.get("/clients/1")).text()
    assert "I work with them too" in page
    assert (await worker.post("/clients", client="1")).headers["Location"] == "/clients"
    page = await (await worker.get("/clients/1")).text()
    assert "I work with them too" not in page


async def test_who_has_compared_is_not_sent_to_compare_again(unsure: Agencies) -> None:
    """“1 possible match. Compare”, and behind that: “Nothing waits to be compared”."""
    health, _ = unsure
    hub_id = health.membership.hub.hub_id
    async with visiting(health) as found:
        worker = found[Role.PRACTITIONER]
        client, _ = await on(health, "P. Practitioner (West)")
        assert ">Compare<" in await (await worker.get(f"/clients/{client}")).text()
        (link,) = await health.read(health.service.dispatcher.reviewing.queue)
        path = f"/clients/{client}/matches/{hub_id}/{link.link_id}"
        assert (await worker.post(path, answer="same")).status == 303
        page = await (await worker.get(f"/clients/{client}")).text()
        assert ">Compare<" not in page
        assert "1 possible match: Health visiting has said" in page


async def test_whoever_cannot_sign_in_is_marked_where_work_is_handed_over(
    visitors: Visitors, agencies: Agencies
) -> None:
    """A request that was passed to them lay where nobody saw it until duty had it."""
    health, worker = agencies[0], visitors[Role.PRACTITIONER]
    client, _ = await on(health, "P. Practitioner (West)")
    page = await (await worker.get(f"/clients/{client}/hand-over")).text()
    offered = re.findall(r"<option value=\"([^\"]+)\">([^<]+)</option>", page)
    marked = [name for name, said in offered if said == f"{name}: cannot sign in here"]
    assert marked == ["H. Visitor (East)"]
    assert offered[-1][0] == "H. Visitor (East)", "those who can come first"
    answer = await worker.post(f"/clients/{client}/hand-over", to="H. Visitor (East)")
    page = await (await worker.get(answer.headers["Location"])).text()
    assert "They are your colleague’s from now on." in page
