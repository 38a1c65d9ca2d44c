"""From one's own clients to a colleague's number: the team, the request, the card."""

from playwright.async_api import Browser

from node.records import people
from node.records.people import Appointment
from node.store.people import PersonKind
from protocol.matchkeys.records import ClientRecord
from tests.browser.screen import Screen, at_screen, pages_of
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row

SOCIAL_CARE = "01632 960100"


async def ask(me: Screen) -> str:
    """From the team's page to "sent"; the request's id."""
    await me.click("Ask for contact details", exact=False)
    await me.choose("Safeguard or promote the welfare of a child")
    await me.click("Continue")
    await me.choose("Co-operation to improve well-being")
    await me.click("Continue")
    await me.choose("Health visitor")
    await me.click("Continue")
    await me.fill("Why is it necessary?", "New worries since the last visit")
    await me.click("Continue")
    await me.sees("Child in need")
    await me.choose("Tomorrow")
    await me.click("Send request")
    return me.page.url.rpartition("/")[2]


async def test_from_my_clients_to_a_colleagues_number(
    browser: Browser, linked: SimFederation, health: SimNode, care: SimNode
) -> None:
    async with pages_of(health, visitor="H. Visitor") as address, at_screen(browser, address) as me:
        await me.sign_in("visitor")
        await me.click("Amira Hassan")
        await me.sees("Social care works with them too: Child in need.")
        line = me.page.get_by_role("link", name=f"Social care: {SOCIAL_CARE}").first
        assert await line.get_attribute("href") == "tel:01632960100"
        assert me.counted.clicks == 1  # and the second one dials

        me.counted.pages = 0
        request = await ask(me)
        assert me.counted.pages <= 6
        assert await me.heading() == "Your request is with Social care"
        await me.sees("with the worker until")
        await me.page.go_back()
        await me.page.go_back()
        await linked.settle()
        assert len(await linked.entries("request")) == 1

        await care.answer(request)
        await linked.settle()
        await me.open(f"/requests/{request}")
        assert await me.heading() == "Contact details from Social care"
        await me.sees("S. Worker")
        number = me.page.get_by_role("link", name="07700 900123")
        assert await number.get_attribute("href") == "tel:07700900123"
        await me.sees("You may keep this until")
        await me.click("Go to this client’s page")
        await me.sees("S. Worker")
        await me.lacks("New since you last looked")
        await me.click("See contact details", exact=False)

        await me.click("This is about the wrong person")
        await me.click("Yes, it is the wrong person")
        assert await me.heading() == "It was the wrong person"
        await me.lacks("07700 900123")
        await me.click("Requests I sent")
        await me.sees("It was the wrong person")


async def test_a_page_of_somebody_whom_nobody_was_found_for_says_whom_to_call(
    browser: Browser, linked: SimFederation, health: SimNode
) -> None:
    fresh = ClientRecord(None, "Maya", None, "Osei", "2019-05-01", "F", "3 Elm Way", "LX1 1AA")
    await health.take_in(
        row("n1", fresh, "health_visiting", None, "H. Visitor"),
        row("n2", ClientRecord(given="Jo"), "health_visiting", DUTY, "H. Visitor"),
        row("n3", fresh, "health_visiting", DUTY, "H. Visitor"),
    )
    said = {
        "h2": "This does not mean that nobody else works with them",
        "n1": "no permission to share",
        "n2": "too little in this record",
        "n3": "not shared yet",
    }
    async with pages_of(health, visitor="H. Visitor") as address, at_screen(browser, address) as me:
        me.looks = False
        await me.sign_in("visitor")
        pages = {one: await page_of(me, health, one) for one in said}
        await health.publish()
        pages["n3 later"] = await page_of(me, health, "n3")
    said["n3 later"] = "Not compared yet"
    for one, text in pages.items():
        assert said[one] in text, one
        assert "tel:01632960100" in text, "social care's duty line"
        assert "tel:01632960000" in text, "the duty desk"
        assert [words for words in said.values() if words in text] == [said[one]], one


async def test_attention_family_and_a_missing_organisation(
    browser: Browser, linked: SimFederation, health: SimNode, care: SimNode
) -> None:
    async with pages_of(health, visitor="H. Visitor") as address, at_screen(browser, address) as me:
        me.looks = False
        await me.sign_in("visitor")
        await me.click("Amira Hassan")
        me.looks = True
        await me.click("Raise attention: ask their whole team to call you")
        await me.sees("In their team now: Social care")
        await me.click("Tell their team")
        await me.sees("Choose what you want attention for")
        await me.choose("There is a new worry")
        await me.page.get_by_label("In which role do you ask?").select_option("health_visitor")
        await me.click("Tell their team")
        assert await me.heading() == "Their team is told"
        me.looks = False
        await me.click("Go to this client’s page")
        await me.click("Change who is family")
        me.looks = True
        relative = "Name, date of birth, postcode or number of the relative"
        await me.fill(relative, "h1")
        await me.fill("What they are to this client", "twin brother")
        await me.click("Find")
        await me.sees("Only this client is called that")
        await me.fill(relative, "Sammir Hassan")
        await me.click("Find")
        assert await me.heading() == "Which of them?"
        await me.click("Add to family")
        await me.sees("Choose one of them")
        await me.choose("Samir Hassan")
        await me.click("Add to family")
        await me.click("Samir Hassan")
        await me.sees("for whom this client is twin brother")
        await me.sees("Child in need, Social care")

        await me.click("Is an organisation missing? Ask the council to invite it")
        await me.click("Ask the council")
        await me.sees("Choose what kind of organisation it is")
        await me.fill("Name of the organisation", "Lexbridge Stars")
        await me.fill("Its duty line, or the number you have", "01632 960555")
        await me.choose("Housing")
        await me.click("Ask the council")
        assert await me.heading() == "The council is asked"

    await linked.settle()
    async with pages_of(care, worker="S. Worker") as address, at_screen(browser, address) as me:
        me.looks = False
        await me.sign_in("worker")
        me.looks = True
        await me.click("Ameera Hasan")
        await me.sees("Health visiting wants attention for them: There is a new worry.")
        me.looks = False
        await me.click("I have seen to this")
        await me.lacks("There is a new worry")


async def test_a_service_that_is_not_named_is_asked_for(
    browser: Browser, linked: SimFederation, health: SimNode
) -> None:
    charity = await linked.join("Lea Recovery", "charity")
    await charity.take_in(row("d1", AMIRA, "drug_and_alcohol", None, "D. Worker"))
    await health.take_in(row("h1", AMIRA, "adult_mental_health", None, "H. Visitor"))
    await health.agree("h1", classes=["charity"])
    await charity.publish()
    await charity.agree("d1", classes=["health_provider"])
    await health.publish()
    await linked.round()
    async with pages_of(health, visitor="H. Visitor") as address, at_screen(browser, address) as me:
        me.looks = False
        await me.sign_in("visitor")
        me.looks = True
        await me.click("Amira Hassan")
        await me.sees("A service of this kind works with them too: Contracted charity.")
        await me.lacks("Drug and alcohol")
        me.counted.pages = 0
        me.looks = False
        await me.click("Ask to be introduced")
        await me.choose("Give direct care")
        await me.click("Continue")
        await me.choose("Explicit consent")
        await me.click("Continue")
        await me.choose("Nurse")
        me.looks = True
        await me.click("Continue")
        await me.sees("The service is told at once")
        me.looks = False
        await me.click("Ask to be introduced")
        await linked.settle()
        await me.open(me.page.url.removeprefix(address))
        await me.sees("Drug and alcohol service")
        assert me.counted.pages <= 7


async def test_nothing_typed_is_lost_and_nobody_elses_is_opened(
    browser: Browser, linked: SimFederation, health: SimNode, care: SimNode
) -> None:
    bidi, script = "safe\u202etext", "<script>alert(1)</script> \u05d0\u05d1\u05d2"
    said = Appointment("C. Olleague", "East", PersonKind.WORKER, {})
    await health.write(lambda tables: people.appoint(tables, said, 1))
    names = {"visitor": "H. Visitor", "colleague": "C. Olleague"}
    async with pages_of(health, **names) as address, at_screen(browser, address) as me:
        me.looks = False
        await me.sign_in("visitor")
        await me.click("Amira Hassan")
        await me.click("Ask for contact details", exact=False)
        await me.click("Continue")
        await me.sees("Choose the reason")
        await me.choose("Safeguard or promote the welfare of a child")
        await me.click("Continue")
        await me.choose("Co-operation to improve well-being")
        await me.click("Continue")
        await me.choose("Nurse")
        await me.click("Continue")
        me.looks = True
        await me.fill("Why is it necessary?", bidi)
        await me.click("Continue")
        await me.sees("characters that cannot be seen")
        assert await me.page.get_by_label("Why is it necessary?").input_value() == bidi
        me.looks = False
        await me.fill("Why is it necessary?", "x" * 2001)
        await me.click("Continue")
        await me.sees("Use 2000 characters or fewer")
        await me.fill("Why is it necessary?", f"{script}\nsecond line")
        await me.click("Continue")
        await me.sees(script)
        check = me.page.url.removeprefix(address)

        linked.network.hub_down = True
        await me.choose("Tomorrow")
        me.looks = True
        await me.click("Send request")
        await me.sees("hub cannot be reached")
        await me.sees(script)
        assert await me.page.get_by_label("Tomorrow").is_checked()
        async with at_screen(browser, address) as other:
            other.looks = False
            await other.sign_in("colleague")
            assert (await other.page.request.get(address + check)).status == 404
        await me.click("Requests I sent")
        me.looks = False
        await me.click("Go on", exact=False)
        linked.network.hub_down = False
        await me.choose("There is no hurry")
        await me.click("Send request")
        assert await me.heading() == "Your request is with Social care"
        await me.open(check)
        assert await me.heading() == "Page not found"
    await linked.settle()
    assert len(await linked.entries("request")) == 1


async def page_of(me: Screen, node: SimNode, local_id: str) -> str:
    """A client's page, as HTML."""
    client = await node.read(lambda tables: tables.records.client(local_id))
    assert client is not None
    return await (await me.page.request.get(f"{me.address}/clients/{client.id}")).text()
