"""Asking: for what first, then on which basis, by when; and what was chosen is not lost."""

import json
from dataclasses import replace
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestClient, TestServer

from node.records import people
from node.records.accounts import Role
from node.records.importer.rows import Course, ImportedRow
from node.requests.asking import ContactRequest
from node.store.drafts import Draft
from node.store.old import old_asked
from node.web.api import LocalApi
from protocol.errors import ErrorCode, LocalError, RemoteError
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row, two_agencies
from tests.sim.test_api import BEARER, TOKEN
from tests.sim.test_people_cli import Town
from tests.sim.test_people_cli import town as town
from tests.sim.visitors import visiting

CARE = "Social care"
S47 = (
    "--role", "social_worker", "--purpose", "safeguarding_child", "--basis", "UK-CA89-S47",
    "--fact", "informed=informed",
)  # fmt: skip
REFERENCE = ("--fact", "enquiry_reference=S47-1")


def reference(town: Town) -> str:
    shown = json.loads(town.types(CARE, "team", "c1", "--json").stdout)
    return str(shown["others"][0]["reference"])


def drafts(town: Town) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(town.types(CARE, "drafts", "--json").stdout)
    return found


def sent(town: Town) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(town.types(CARE, "inbox", "--json").stdout)["sent"]
    return found


@pytest.fixture
def met(town: Town) -> Town:
    """Health visiting and social care have found that they share Amira."""
    town.now(two_agencies(town.federation))
    return town


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("node.cli.prompts.sys", terminal)


@pytest.mark.usefixtures("keyboard")
def test_at_a_keyboard_the_purpose_comes_first_and_no_code_is_typed(met: Town) -> None:
    """The purpose by number; the basis follows, facts with their choices, the role, the day."""
    said = met.types(CARE, "ask", "c1", reference(met), typed="1\n1\nS47-1\n1\n1\n2\ny\n")
    assert said.exit_code == 0, said.output
    order = [
        "This goes to Health visiting", "1. Safeguard or promote the welfare",
        "What do you ask for?", "1. Enquiry into significant harm", "On which lawful basis?",
        "Enquiry reference", "Was the family told?", "2. unsafe to inform", "1. social worker",
        "Your role", "2. tomorrow", "Needed by", "Send it?", "Request ", "Meanwhile their duty",
    ]  # fmt: skip
    places = [said.output.index(words) for words in order]
    assert places == sorted(places), said.output
    (request,) = sent(met)
    assert request["state"] == "waiting"


@pytest.mark.usefixtures("keyboard")
def test_who_has_a_role_in_the_charter_is_not_asked_for_it(met: Town) -> None:
    care = met.federation.nodes[CARE]
    met.now(care.write(lambda t: t.tx.run("UPDATE practitioner SET role = 'Social Worker'")))
    said = met.types(CARE, "ask", "c1", reference(met), typed="1\n1\nS47-1\n1\n2\ny\n")
    assert (said.exit_code, "Your role" in said.output) == (0, False), said.output


def test_by_when_it_is_needed_reaches_whoever_answers(met: Town) -> None:
    said = met.types(CARE, "ask", "c1", reference(met), *S47, *REFERENCE, "--needed-by", "tomorrow")
    assert said.exit_code == 0, said.output
    met.now(met.federation.settle())
    (request,) = json.loads(met.types("Health visiting", "inbox", "--json").stdout)["received"]
    (ours,) = sent(met)
    assert request["needed_by"] == ours["needed_by"]
    now = met.federation.nodes[CARE].membership.env.clock()
    assert 86_400 <= request["needed_by"] - now < 2 * 86_400
    assert "Needed by" in met.types("Health visiting", "inbox").stdout


@pytest.mark.parametrize(
    ("day", "says"),
    [
        ("2020-02-29", "that day is over"),
        ("2099-01-01", "say a day no later than"),
        ("soon", "say the day as"),
        ("31-12-2026", "say the day as"),
    ],
)
def test_a_day_that_cannot_be_loses_nothing(met: Town, day: str, says: str) -> None:
    said = met.types(CARE, "ask", "c1", reference(met), *S47, *REFERENCE, "--needed-by", day)
    assert (said.exit_code, says in said.output) == (1, True), said.output
    assert sent(met) == []
    (draft,) = drafts(met)
    assert f"ask --draft {draft['draft']}" in said.output
    again = met.types(CARE, "ask", "--draft", str(draft["draft"]), "--needed-by", "today")
    assert again.exit_code == 0, again.output
    assert [item["state"] for item in sent(met)] == ["waiting"]
    assert drafts(met) == []


def test_what_the_hub_refuses_is_kept_and_mended(met: Town) -> None:
    """The enquiry's reference is left out: the hub says so, and only that is typed again."""
    said = met.types(CARE, "ask", "c1", reference(met), *S47, "--needed-by", "tomorrow")
    assert said.exit_code == 1
    assert "asks for a fact that is missing" in said.output
    (draft,) = drafts(met)
    assert draft["needed_by"] is not None
    assert "asks for a fact that is missing" in draft["why"]
    assert draft["facts"] == {"informed": "informed"}
    again = met.types(CARE, "ask", "--draft", str(draft["draft"]), *REFERENCE)
    assert again.exit_code == 0, again.output
    assert sorted(item["state"] for item in sent(met)) == ["refused", "waiting"]
    assert {item["needed_by"] for item in sent(met)} == {draft["needed_by"]}
    assert drafts(met) == []


@pytest.mark.usefixtures("keyboard")
def test_who_breaks_off_finds_what_they_chose(met: Town) -> None:
    said = met.types(
        CARE, "ask", "c1", reference(met), "--purpose", "safeguarding_child", "--basis",
        "UK-CA89-S47", typed="S47-1\n",
    )  # fmt: skip
    assert (said.exit_code, "ask --draft" in said.output) == (1, True), said.output
    (draft,) = drafts(met)
    assert (draft["purpose"], draft["basis"]) == ("safeguarding_child", "UK-CA89-S47")
    assert draft["facts"] == {"enquiry_reference": "S47-1"}
    assert met.now(met.federation.entries("request")) == []
    dropped = met.types(CARE, "drafts", "--drop", str(draft["draft"]))
    assert (dropped.exit_code, "No drafts" in dropped.output) == (0, True)
    twice = met.types(CARE, "drafts", "--drop", str(draft["draft"]))
    assert (twice.exit_code, "no draft has that number" in twice.output) == (1, True)


def test_a_fact_that_is_too_long_says_how_long_it_is(met: Town) -> None:
    facts = ("--fact", f"enquiry_reference={'x' * 2001}")
    said = met.types(CARE, "ask", "c1", reference(met), *S47, *facts)
    assert said.exit_code == 1
    assert "has 2001 characters, and at most 2000" in said.output
    assert [len(draft["facts"]["enquiry_reference"]) for draft in drafts(met)] == [2001]


def test_a_draft_of_a_team_that_has_changed_is_not_sent_to_somebody_else(met: Town) -> None:
    met.types(CARE, "ask", "c1", reference(met), *S47)
    (draft,) = drafts(met)
    care = met.federation.nodes[CARE]
    met.now(care.write(lambda t: t.tx.run("UPDATE link SET involvements = '[]'")))
    said = met.types(CARE, "ask", "--draft", str(draft["draft"]), *REFERENCE)
    assert (said.exit_code, "the team has changed" in said.output) == (1, True)
    assert len(drafts(met)) == 1


def test_a_leavers_drafts_go(met: Town) -> None:
    met.types(CARE, "ask", "c1", reference(met), *S47)
    assert len(drafts(met)) == 1
    care = met.federation.nodes[CARE]
    met.now(care.write(lambda tables: people.close(tables, "S. Worker", "", 1_790_000_000)))
    assert drafts(met) == []


async def test_a_request_that_is_on_its_way_is_no_draft(federation: SimFederation) -> None:
    _, care = await two_agencies(federation)
    draft = await drafted(care)
    request = replace(await request_of(care), draft=draft)
    await care.write(lambda tables: care.service.asking.ask(tables, request))
    hub_id = care.membership.hub.hub_id
    assert await care.read(lambda t: t.drafts.of_hub(hub_id)) == []
    assert await care.read(lambda t: t.count("request_draft")) == 1, "the hub may refuse it"
    await care.service.advance()
    assert await care.read(lambda t: t.count("request_draft")) == 0


@pytest.mark.parametrize("moment", ["before the hub has it", "before we hear of it"])
def test_what_is_on_its_way_is_not_asked_twice(
    met: Town, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The hub is lost as the request leaves: it goes out by itself, and its draft is no other."""
    network, to = met.federation.network, reference(met)
    post = network._hub_post

    async def cut_off(url: str, body: bytes) -> bytes:
        if url.endswith("/v1/statements"):
            if moment == "before we hear of it":
                await post(url, body)
            raise RemoteError(ErrorCode.UNREACHABLE, "the hub is away")
        return await post(url, body)

    with monkeypatch.context() as lost:
        lost.setattr(network, "_hub_post", cut_off)
        said = met.types(CARE, "ask", "c1", to, *S47, *REFERENCE)
        assert (said.exit_code, "ask --draft" in said.output) == (1, False), said.output
        assert "goes out by itself" in said.output
        again = met.types(CARE, "ask", "--draft", "1", "--needed-by", "today")
        assert (again.exit_code, "on its way" in again.output) == (1, True), again.output
        dropped = met.types(CARE, "drafts", "--drop", "1")
        assert (dropped.exit_code, "on its way" in dropped.output) == (1, True), dropped.output
    met.now(met.federation.settle())
    assert [item["state"] for item in sent(met)] == ["waiting"]
    assert len(met.now(met.federation.entries("request"))) == 1
    assert drafts(met) == []
    gone = met.types(CARE, "ask", "--draft", "1")
    assert (gone.exit_code, "no draft has that number" in gone.output) == (1, True), gone.output


async def test_two_who_send_one_draft_at_once_send_it_once(federation: SimFederation) -> None:
    _, care = await two_agencies(federation)
    request = replace(await request_of(care), draft=await drafted(care))
    await care.write(lambda tables: care.service.asking.ask(tables, request))
    for found in (ErrorCode.CONFLICT, ErrorCode.CONFLICT):
        with pytest.raises(LocalError) as refused:
            await care.write(lambda tables: care.service.asking.ask(tables, request))
        assert refused.value.code is found
        await care.service.advance()  # the hub takes the first, and the draft is gone
    assert len(await federation.entries("request")) == 1


async def test_a_draft_goes_with_its_client_and_with_its_time(federation: SimFederation) -> None:
    _, care = await two_agencies(federation)
    await drafted(care)
    hub_id, now = care.membership.hub.hub_id, care.membership.env.clock()
    (old,) = [one for one in old_asked(hub_id, now, now) if one.table == "request_draft"]
    before = replace(old, values=(hub_id, now - 1))
    assert await care.read(lambda t: t.old.count(before)) == 0
    assert await care.write(lambda t: t.old.remove(old, 10)) == 1
    await drafted(care)
    (client,) = await care.read(lambda t: t.records.clients(["c1"]).values())
    await care.write(lambda t: t.going.delete(t.going.look([client.id], now, now)))
    assert await care.read(lambda t: t.count("request_draft")) == 0


async def request_of(care: SimNode) -> ContactRequest:
    (visitor,) = (await care.team("c1")).others
    return await care.request("c1", visitor.involvement_id)


async def drafted(care: SimNode) -> int:
    request = await request_of(care)
    draft = Draft(
        hub_id=care.membership.hub.hub_id,
        client=await care.read(lambda t: t.records.clients(["c1"])["c1"].id),
        practitioner=1,
        link_id=request.link_id,
        involvement_id=request.involvement_id,
        holder=request.holder,
        role=request.role,
        purpose=request.purpose,
        basis=request.basis,
        facts=request.facts,
        needed_by=None,
        saved_at=care.membership.env.clock(),
    )
    return await care.write(lambda tables: tables.drafts.keep(draft))


def seen(last: str, following: str) -> ImportedRow:
    item = row("h1", AMIRA, "health_visiting", DUTY, "H. Visitor")
    days = (date.fromisoformat(day) for day in ("2026-02-01", last, following))
    began, last_contact, next_visit = days
    return replace(
        item, course=Course(started=began, last_contact=last_contact, next_visit=next_visit)
    )


@pytest.mark.parametrize(
    ("types", "following", "says"),
    [
        ((), "2026-09-24", (None, None, None)),
        (("school_nursing",), "2026-09-24", (None, None, None)),
        (("health_visiting",), "2026-09-24", ("2026-02-01", "2026-09-02", "2026-09-24")),
        (("health_visiting",), "2026-09-03", ("2026-02-01", "2026-09-02", None)),
    ],
)
async def test_a_card_says_when_somebody_was_there_where_the_agency_shares_it(
    federation: SimFederation,
    types: tuple[str, ...],
    following: str,
    says: tuple[str | None, str | None, str | None],
) -> None:
    health = await federation.join(
        "Health visiting", "health_provider", visits_on_cards=frozenset(types)
    )
    care = await federation.join("Social care", "childrens_social_care")
    await health.take_in(seen("2026-09-02", following))
    await care.take_in(row("c1", AMIRA, "child_in_need", DUTY, "S. Worker"))
    await health.publish()
    await care.publish()
    await federation.round()
    request_id = await care.ask("c1", (await request_of(care)).involvement_id)
    await federation.settle()
    await health.answer(request_id)
    await federation.settle()
    (kept,) = await care.read(lambda t: t.tx.rows("SELECT card FROM sent_request"))
    card = json.loads(kept["card"])
    for zone in ("Europe/London", "Australia/Melbourne", "America/New_York"):
        days = tuple(
            str(datetime.fromtimestamp(at, ZoneInfo(zone)).date()) if at else None
            for at in (card.get("since"), card["last_contact"], card["next_visit"])
        )
        assert days == says, zone
    if says[2] is not None:
        async with visiting(care) as visitors:
            me = visitors[Role.PRACTITIONER]
            assert (
                await me.post("/clients/1/reason", reason="another", more="Covers")
            ).status == 303
            page = await (await me.get("/clients/1")).text()
            assert "Health visiting, since 1 February 2026" in page, "the picture"
            for line in ("Since 1 Feb", "Last contact 2 Sept", "Next visit 24 Sept"):
                assert line in page


async def test_another_program_of_the_agency_asks_over_the_local_interface(
    federation: SimFederation,
) -> None:
    health, care = await two_agencies(federation)
    async with TestClient(
        TestServer(LocalApi([care.service], TOKEN, "127.0.0.1").application())
    ) as api:

        async def post(path: str, **body: Any) -> tuple[int, dict[str, Any]]:
            answer = await api.post(path, json=body, headers=BEARER)
            return answer.status, await answer.json()

        _, found = await post("/v1/team", client="c1")
        (entry,) = found["teams"][0]["others"]
        whom = {"client": "c1", "reference": entry["reference"], "practitioner": "S. Worker"}
        _, offered = await post("/v1/requests/offered", **whom)
        assert offered["to"] == "Health visiting (Health visiting)"
        (purpose,) = [one for one in offered["purposes"] if one["code"] == "safeguarding_child"]
        (basis,) = [one for one in purpose["bases"] if one["code"] == "UK-CA89-S47"]
        asked = {fact["field"]: fact["choices"] for fact in basis["facts"]}
        assert list(asked) == ["enquiry_reference", "informed"]
        why = {
            "role": "social_worker", "purpose": "safeguarding_child", "basis": "UK-CA89-S47",
            "facts": {"informed": asked["informed"][0]},
        }  # fmt: skip
        status, refused = await post("/v1/requests/ask", **whom, **why, needed_by="tomorrow")
        assert (status, refused["state"], refused["code"]) == (200, "refused", "missing_fact")
        _, listed = await post("/v1/requests/drafts")
        (draft,) = listed["drafts"]
        why["facts"] = {**draft["facts"], "enquiry_reference": "S47-1"}
        anew = {"draft": draft["draft"], "practitioner": "S. Worker"}
        status, taken = await post("/v1/requests/ask", **anew, **why)
        assert (status, taken["state"]) == (200, "waiting")
        assert taken["needed_by"] == refused["needed_by"]
        assert (await post("/v1/requests/drafts"))[1] == {"drafts": []}
        status, problem = await post("/v1/requests/drafts/drop", draft=draft["draft"])
        assert (status, problem["code"]) == (404, "not_found")
        _, box = await post("/v1/inbox")
        assert sorted(item["state"] for item in box["sent"]) == ["refused", "waiting"]
    await federation.settle()
    assert len(await health.read(lambda t: t.tx.rows("SELECT * FROM received_request"))) == 1
