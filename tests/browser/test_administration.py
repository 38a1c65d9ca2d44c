"""Letting somebody in, what new clients get, who looked at whom, and what is new."""

from datetime import date

from playwright.async_api import Browser

from node.records import caseload, people
from node.records.people import Appointment
from node.store.people import PersonKind
from tests.browser.screen import PASSWORD, at_screen, pages_of
from tests.sim.federation import SimFederation, SimNode


async def appoint(node: SimNode, name: str, kind: PersonKind, team: str = "") -> int:
    said = Appointment(name, team, kind, {})
    person = await node.write(lambda tables: people.appoint(tables, said, 1))
    return person.id


async def test_an_administrator_lets_somebody_in_who_chooses_a_password(
    browser: Browser, health: SimNode
) -> None:
    admin = await appoint(health, "I. Tech", PersonKind.ADMINISTRATOR)
    async with (
        pages_of(health, tech="I. Tech") as address,
        at_screen(browser, address) as me,
        at_screen(browser, address) as new,
    ):
        await me.sign_in("tech")
        assert await me.heading() == "Administration"
        await me.click("Accounts")
        await me.click("Make a link")
        await me.sees("Choose somebody who is on record here")
        await me.page.get_by_label("Whom", exact=True).select_option("H. Visitor (East)")
        await me.click("Make a link")
        await me.sees("They sign in as h.visitor.")
        link = await me.page.locator(".govuk-inset-text").inner_text()
        await new.open(link.removeprefix(address))
        await new.fill("Password", "short")
        await new.fill("The same password again", "short")
        await new.click("Save and sign in")
        await new.sees("Use 12 characters or more")
        await new.fill("Password", PASSWORD)
        await new.fill("The same password again", PASSWORD)
        await new.click("Save and sign in")
        assert await new.heading() == "Clients you work with"
        await me.click("Administration")
        await me.click("What new clients get")
        await me.click("Save")
        await me.sees("Choose a service")
        await me.page.get_by_label("Service").select_option(label="Health visiting")
        await me.page.get_by_label("Lawful basis").select_option(index=1)
        await me.fill("Days", "365")
        await me.click("Save")
        await me.sees("Health visiting")
        await me.click("Back")
        await me.click("Health")
        await me.sees("Your duty line, as others see it")
        health.service.settings.web_required = ["training"]
        await health.write(lambda t: t.clearances.put(admin, "training", date(2099, 1, 1)))
        await me.click("Back")
        await me.click("Accounts")
        await me.sees("Not on record: they cannot sign in")
        await new.open("/clients")
        assert await new.heading() == "You cannot sign in at the moment"
        await me.click("h.visitor")
        await me.click("Until when they may use Patchwork")
        await me.page.locator("#training").fill("31")
        await me.page.locator("#training-month").fill("3")
        await me.page.locator("#training-year").fill("2098")
        await me.click("Save")
        await new.open("/sign-in")
        await new.fill("Your sign-in name", "h.visitor")
        await new.fill("Password", PASSWORD)
        await new.click("Sign in")
        assert await new.heading() == "Clients you work with"
        await me.choose("Sign them out everywhere: a telephone or computer was lost")
        await me.click("Continue")
        await new.open("/clients")
        assert await new.heading() == "Sign in"


async def test_the_lead_sees_who_looked_at_whom_and_a_worker_what_is_new(
    browser: Browser, linked: SimFederation, health: SimNode, care: SimNode
) -> None:
    await appoint(health, "G. Lead", PersonKind.GOVERNANCE_LEAD)
    curious = await appoint(health, "=W. Est", PersonKind.WORKER, "West")
    row = await health.read(lambda t: t.records.client("h1").id)  # type: ignore[union-attr]
    person = await health.read(lambda t: t.people.get(curious))
    assert person is not None
    now = health.membership.env.clock()
    await health.write(lambda t: caseload.look(t, person, row, now, "another: =1+1 looked"))
    (member,) = (await care.team("c1")).others
    await care.ask("c1", member.involvement_id)
    await linked.settle()
    async with (
        pages_of(health, lead="G. Lead", visitor="H. Visitor") as address,
        at_screen(browser, address) as me,
        at_screen(browser, address) as worker,
    ):
        await me.sign_in("lead")
        await me.click("Account changes")
        await me.sees("Made a link to choose a password")
        await me.click("Overview")
        await me.sees("Nothing waits for you.")
        await me.sees("=1+1 looked")
        await me.click("Who looked")
        await me.sees("=W. Est (West)")
        file = await me.page.request.get(f"{address}/governance/openings.csv")
        lines = (await file.text()).splitlines()
        assert ",'=W. Est (West),h1,'=1+1 looked" in lines[1]
        assert (await me.page.request.get(f"{address}/clients")).status == 403
        await worker.sign_in("visitor")
        await worker.click("News")
        await worker.sees("Social care asks for contact details.")
        await worker.sees("Social care (Child in need) works with them too.")
        await worker.click("I have seen all of this")
        await worker.sees("Nothing is new.")
        await worker.click("Show what I have seen too")
        await worker.sees("Social care asks for contact details.")
        await worker.click("Open the request")
        assert await worker.heading() == "Social care asks for contact details"
