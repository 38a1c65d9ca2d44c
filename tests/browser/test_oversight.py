"""What an administrator and the lead for information governance do, at a browser."""

import asyncio
from pathlib import Path

import pyrage
from playwright.async_api import Browser

from node.alarms import AlarmCode, raise_alarm
from node.records import caseload
from node.records.importer.mapping import ColumnMapping, Field, Source, dump_mapping
from node.store.people import PersonKind
from node.store.tables import NodeTables
from node.store.uploads import SavedMapping
from protocol.requests.refusals import RefusalCode
from tests.browser.screen import Screen, at_screen, pages_of
from tests.browser.test_administration import appoint
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.test_charter_change import amend, follow
from tests.sim.test_recalled_cards import asked


async def day(screen: Screen, name: str, year: int) -> None:
    """Type the third of October of a year."""
    for part, text in (("", "3"), ("-month", "10"), ("-year", str(year))):
        await screen.page.locator(f"#{name}{part}").fill(text)


async def test_an_administrator_keeps_people_duty_and_the_organisation(
    browser: Browser, linked: SimFederation, health: SimNode, tmp_path: Path
) -> None:
    await appoint(health, "I. Tech", PersonKind.ADMINISTRATOR)
    mapping = ColumnMapping(
        "East",
        {
            Field.LOCAL_ID: Source(column="Pupil ref"),
            Field.INVOLVEMENT: Source(column="Service"),
            Field.PERMISSION_BASIS: Source(fixed="UK-CA04-S10-S11"),
        },
    )
    saved = SavedMapping("East", dump_mapping(mapping), 1)
    await health.write(lambda tables: tables.uploads.save_mapping(saved))
    settings = health.service.settings
    key = pyrage.x25519.Identity.generate()
    settings.backup_folder, settings.backup_recipients = str(tmp_path), [str(key.to_public())]
    async with pages_of(health, tech="I. Tech") as address, at_screen(browser, address) as me:
        await me.sign_in("tech")
        await me.click("People")
        await me.fill("Name", "N. Ew")
        await me.click("Add")
        await me.sees("Choose what they are here")
        await me.choose("Duty worker")
        await me.click("Add")
        assert await me.heading() == "N. Ew"
        await me.page.locator("#duty").uncheck()  # who is in no team has duty for all
        await me.page.locator("#duty-2").check()
        await me.click("Save")
        await me.click("H. Visitor (East)")
        await me.click("They are leaving")
        await me.sees("What others see")
        await me.page.get_by_label("Who takes their work over").select_option("N. Ew")
        await me.click("Let them act no longer")
        await me.sees("2 pieces of work were handed over to N. Ew.")
        await me.click("Back to people")
        await me.sees("Who has left")

        await me.click("Duty")
        await me.page.get_by_label("Who", exact=True).select_option("N. Ew")
        await day(me, "last", 2026)
        await me.click("Save")
        await me.sees("3 October 2026")
        await me.sees("How long there is to answer")

        await me.click("Administration")
        await me.click("Organisation and sharing agreement")
        await me.click("Change the name, duty line or hours that everybody sees")
        await me.fill("Duty line", "01632 960777")
        await me.click("Continue")
        await me.sees("What others see")
        await me.click("Sign and publish")
        assert await me.heading() == "It is signed"

        charter = await linked.charter()
        quotas = {**charter.to_value()["quotas"], "requests_per_day": 999}
        await amend(linked, {"quotas": quotas})
        await follow(health)
        await me.click("Administration")
        await me.click("Organisation and sharing agreement")
        await me.click("Read what is new in the sharing agreement, and sign it")
        await me.sees("requests a day: 999")
        await me.sees("It does not bind you yet.")
        await me.click("Continue to sign it")
        await me.click("Sign for Health visiting")
        assert await me.heading() == "It is signed"

        await me.click("Administration")
        await me.click("Answers by rule")
        await me.page.get_by_role("checkbox").first.check()
        await me.click("Continue")
        await me.sees("Answered by rule from now on")
        await me.click("Save")
        await me.click("Administration")
        await me.click("What new clients get")
        await me.page.get_by_label("Service").select_option(label="Health visiting")
        await me.page.get_by_label("Lawful basis").select_option(index=1)
        await me.fill("Days", "365")
        me.looks = False  # test_administration looks at it
        await me.click("Save")
        me.looks = True
        await me.click("Change (Health visiting)")
        await me.choose("Call it something else")
        await me.fill("Its new name", "Visits")
        me.looks = False
        await me.click("Save")
        await me.sees("Visits")
        me.looks = True
        await me.click("Administration")
        await me.click("Saved mappings for files")
        await me.click("See it (East)")
        await me.sees("Co-operation to improve well-being")
        await me.fill("Another name for this kind of file", "West")
        await me.click("Change the name")
        me.looks = False
        await me.click("See it (West)")
        await me.click("Take this mapping away")
        me.looks = True
        await me.sees("None was saved yet.")
        await me.click("Back")
        await me.click("How long things are kept")
        await me.sees("What goes next")
        await me.click("Back")
        await me.click("Backups")
        await me.click("Make a backup now")
        await me.sees("The last one was made on")
        (made,) = await asyncio.to_thread(lambda: list(tmp_path.glob("patchwork-node-*.age")))
        assert made.stat().st_size > 1_000


async def test_the_lead_sees_who_asked_and_withholds_with_a_manager(
    browser: Browser, linked: SimFederation, health: SimNode, care: SimNode
) -> None:
    lead = await appoint(health, "G. Lead", PersonKind.GOVERNANCE_LEAD)
    await appoint(health, "M. Anager", PersonKind.MANAGER)
    request_id = await asked(linked, (health, care))
    await health.answer(request_id, RefusalCode.NOT_PROPORTIONATE)
    await linked.settle()
    hub_id, now = health.membership.hub.hub_id, health.membership.env.clock()
    await health.take_in(*(row(f"x{one}", AMIRA, "health_visiting", DUTY) for one in range(21)))

    def happens(tables: NodeTables) -> None:
        raise_alarm(tables, hub_id, AlarmCode.KEYS_CHANGED, now, place="1")
        raise_alarm(tables, hub_id, AlarmCode.IDENTITY_UNSENT, now, place=care.party_id)
        person = tables.people.get(lead)
        for one in range(21):
            client = tables.records.client(f"x{one}")
            assert client is not None
            assert person is not None
            caseload.look(tables, person, client.id, now, "another: curious")

    await health.write(happens)
    async with (
        pages_of(health, lead="G. Lead", manager="M. Anager") as address,
        at_screen(browser, address) as me,
        at_screen(browser, address) as other,
    ):
        await me.sign_in("lead")
        await me.sees("Ask them why.")
        await me.click("Who asked")
        await me.sees("They asked us: Social care")
        await me.choose("What was refused, and why")
        await day(me, "from", 2026)
        await day(me, "until", 2025)
        await me.click("Show")
        await me.sees("The last day must be the first day or later")
        await day(me, "until", 2027)
        await me.page.locator("#from-month").fill("9")
        await me.click("Show")
        await me.sees("sharing was found not proportionate")
        await me.click("Overview")
        await me.click("Unusual days")
        await me.sees("Opened the pages of 21 clients")
        await me.click("Back")
        await me.click("What was done in whose name")
        await me.sees("Nothing was done yet.")
        await me.click("Alarms")
        await me.sees("Telephone it and ask whether it is meant.")
        me.looks = False
        await me.click("I have dealt with this")
        await me.lacks("An organisation has new keys.")
        await me.open("/governance/acts")
        await me.sees("Put an alarm away")
        me.looks = True

        await me.click("Withheld")
        await me.sees("Nobody is withheld.")
        await me.click("Have a client withheld")
        await me.fill("Their number in your own system", "h1")
        await me.fill("Why", "In a refuge")
        await me.page.locator("#until").fill("3")
        await me.click("Send it to the other one of the two")
        await me.sees("Enter a day to come")
        await day(me, "until", 2026)
        await day(me, "review", 2026)
        await me.page.locator("#review").fill("2")
        await me.click("Send it to the other one of the two")
        other.looks = False
        await other.sign_in("manager")
        await other.click("Withheld")
        await other.click("h1")
        await other.sees("Others find this client as before")
        await other.choose("Agree: nobody outside finds them from now on")
        await other.click("Continue")
        await me.open("/withheld/1")
        await me.sees("To others it looks as if you had no such record.")
        await me.sees("3 October 2026")
    await linked.settle()
    assert (await care.team("c1")).others == ()
