"""A front door enquires about somebody who is not on its caseload. specs/06-requests.md §11."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from node.actions.clients import NewClient, add_client, close_work, reopen_work
from node.actions.enquiries import close_enquiry
from node.actions.importing import ChosenMapping, ImportFile, own_types, run_import
from node.config import HubTerms
from node.membership.succession import move_on
from node.publishing import limits
from node.records.importer.mapping import load_mapping
from node.records.people import register
from node.store.merges import Preset
from node.store.people import PersonKind
from node.store.records import RECORD_FIELDS
from node.views.bases import presettable
from node.views.enquiries import enquiries_value, terms_value
from node.views.who_asked import who_asked
from protocol.errors import ErrorCode, LocalError, PatchworkError, RemoteError
from tests.sim.federation import AMIRA, DUTY, SimFederation, row
from tests.sim.front_door import CHILD, WHY, Door, built
from tests.sim.put_back import copy_aside, put_back
from tests.sim.test_api import BEARER, client_of
from tests.sim.test_audit_people import audited
from tests.sim.test_charter_change import MAPPING, accept, amend, evaluated
from tests.sim.test_ends import polled, shown
from tests.sim.test_people_cli import Town
from tests.sim.test_people_cli import town as town
from tests.sim.test_privacy import MARKED, found_in
from tests.sim.test_recalled_cards import files_with

DAY = 86_400


async def refused(door: Door, who: str = "Dana", **change: Any) -> str:
    """How an enquiry is refused, in the sentence that the person reads."""
    with pytest.raises(PatchworkError) as caught:
        await door.enquires(who, **change)
    return caught.value.detail


async def test_the_front_door_finds_open_work_and_the_other_side_sees_that_it_asks(
    federation: SimFederation,
    door: Door,
) -> None:
    terms = await door.care.read(lambda t: terms_value(t, door.care.membership, 1))
    assert terms == {
        "may_enquire": True, "days": 14, "bases": ["UK-CA89-S47"], "left_today": 12,
        "seen_by": ["Children's social care", "Health provider", "Housing"],
    }  # fmt: skip
    before = await evaluated(federation, door.care)
    enquiry = await door.enquires()
    assert await evaluated(federation, door.care) > before, "its evaluations count"
    assert await shown(door.care, enquiry) == [], "the round is still to come"
    await federation.round()
    assert await shown(door.care, enquiry) == ["Housing tenancy"], "and never the drug service"
    assert await shown(door.housing, "t1") == ["Enquiry"]
    (seen,) = (await door.housing.team("t1")).others
    assert (seen.agency, seen.label) == ("Lexbridge Children", "Enquiry")
    assert await door.decisions() == [("allow", None)]

    # She asks for the contact details, as for a client of her own.
    (entry,) = (await door.care.team(enquiry)).others
    request_id = await door.care.ask(enquiry, entry.involvement_id)
    await federation.settle()
    await door.housing.answer(request_id)
    await federation.settle()
    assert (await door.care.sent(request_id))["state"] == "opened"

    # A colleague enquires again about the same child: the same record and the same stub.
    assert await door.enquires("Dele") == enquiry
    (stub,) = await door.stubs(door.care)
    assert (stub["revision"], stub["retired"]) == (2, 0)
    (listed,) = await door.care.read(lambda t: enquiries_value(t, door.care.membership))
    assert sorted(item["by"] for item in listed["asked"]) == ["Dana Door", "Dele Door"]
    found = await door.care.read(lambda t: who_asked(t, door.care.membership, 0, 2**40))
    assert sorted(
        (one["practitioner"], one["client"], one["outcome"], one["why"])
        for one in found
        if one["what"] == "enquiry"
    ) == [("Dana Door", enquiry, "allowed", None), ("Dele Door", enquiry, "allowed", None)]
    assert {one["what"] for one in found} == {"enquiry", "card"}

    # It is no client: nobody's figures, lists or searches have it.
    assert await door.care.read(lambda t: t.figures.by_service(federation.clock())) == []
    totals = await door.care.read(
        lambda t: t.figures.totals(door.care.membership.hub.hub_id, federation.clock())
    )
    assert (totals.published[0], totals.permitted[0]) == (0, 0)
    assert await door.care.read(lambda t: t.records.clients_after(0, 10)) == []

    # Its end is the charter's: both sides see nobody, and no file has the child any more.
    federation.clock.now += 14 * DAY
    await federation.hub.jobs.expire()
    for node in (door.care, door.housing):
        await polled(federation, node)
    assert await shown(door.care, enquiry) == []
    assert await shown(door.housing, "t1") == []
    await door.care.service.tell_enquiries()
    await federation.settle()
    report = await door.care.service.forgetting.run(dry_run=False)
    assert (report["gone"]["enquiries"], report["settled"]) == (1, True)
    assert not files_with(door.care, b"Amira", b"AMIRA", b"Hassan", b"Rowan", b"Caller of Monday")
    assert not files_with(door.care, enquiry.encode(), b"01632 960100 ext")
    assert await door.care.read(lambda t: t.count("sent_request")) == 0, "and no card of hers"
    assert await audited(federation) == set()


async def test_a_sensitive_service_is_unseen_to_the_byte(
    federation: SimFederation, door: Door
) -> None:
    federation.network.captured.clear()
    await door.enquires()
    await federation.round()
    told = [data for data in federation.network.captured if b"drug" in data or b"Lea" in data]
    assert told == []
    links = await door.care.read(lambda t: t.tx.rows("SELECT * FROM link"))
    assert [link["agency_id"] for link in links] == [door.housing.party_id]


async def test_neither_hub_nor_key_holders_learn_whom_it_is_about_or_who_asks(
    federation: SimFederation,
    door: Door,
) -> None:
    person = await door.care.write(
        lambda t: register(t, "M. Markworker", "", PersonKind.WORKER, federation.clock())
    )
    door.people = {"Mark": person.id}
    typed = {name: str(getattr(MARKED, name) or "") for name in RECORD_FIELDS}
    facts = {"enquiry_reference": "REFMARK-17", "informed": "informed"}
    await door.enquires("Mark", typed=typed, grounds=replace(WHY, facts=facts))
    await federation.round()
    for data in federation.network.captured:
        assert found_in(data) == set(), "on the wire"
    for name in ("hub", "holder-1", "holder-2", "holder-3"):
        for path in (federation.folder / name).rglob("*"):
            if path.is_file():
                assert found_in(path.read_bytes()) == set(), f"in {path.name} of {name}"


async def test_an_enquirer_sees_nothing_that_is_past_and_cannot_ask_for_it(
    federation: SimFederation,
    door: Door,
) -> None:
    await amend(federation, {"past_months": 3})
    await accept(federation, door.care, door.housing, door.clinic)
    enquiry = await door.enquires()
    await federation.round()
    (entry,) = (await door.care.team(enquiry)).others
    asked = await door.care.request(enquiry, entry.involvement_id)
    await close_work(door.housing.service, "t1", None, 1)
    await polled(federation, door.care)
    assert await shown(door.care, enquiry) == []
    await federation.round()
    assert await shown(door.care, enquiry) == []
    request_id = await door.care.write(lambda t: door.care.service.asking.ask(t, asked))
    await door.care.service.advance()
    assert (await door.care.sent(request_id))["code"] == "not_available"
    assert await audited(federation) == set()


async def test_budgets_of_a_person_and_of_the_agency(federation: SimFederation, door: Door) -> None:
    await door.bounded(per_person_day=1, per_agency_day=2)
    await door.enquires()
    assert await refused(door) == "You have used up today's enquiries. Call the duty line."
    assert "Your organisation has used up" in await refused(door, "Dele")
    assert await door.decisions() == [("allow", None), ("refuse", "over_own_quota")]
    assert len(await federation.entries("rejection")) == 1
    federation.clock.now += DAY
    await federation.checkpoint()
    await door.enquires("Dele")
    assert await audited(federation) == set()


async def test_who_may_not_is_told_why(federation: SimFederation, door: Door) -> None:
    little = {"given": "Amira", "postcode": "LX3 4AB"}
    assert "by so little" in await refused(door, typed=little)
    without = replace(WHY, facts={"informed": "informed"})
    assert "missing: enquiry_reference" in await refused(door, grounds=without)
    other = replace(WHY, basis="UK-CA04-S10-S11", facts={})
    assert "This lawful basis cannot be used here" in await refused(door, grounds=other)
    assert "Your role" in await refused(door, role="astronaut")
    assert await door.stubs(door.care) == [], "nothing of it was published"
    door.care, door.people = door.housing, {"Dana": 1}
    assert "Your kind of organisation" in await refused(door, is_new=True, typed={
        **CHILD, "given": "Zoran", "family": "Petrov", "nhs_number": "",
    })  # fmt: skip
    assert await audited(federation) == set()


async def test_about_ones_own_client_and_somebody_like_them(
    federation: SimFederation, door: Door
) -> None:
    await door.care.take_in(row("c1", AMIRA, "child_in_need", DUTY, "S. Worker"))
    said = await refused(door)
    assert "your own client c1" in said
    assert "patchwork-node team c1" in said
    twin = {**CHILD, "given": "Samir"}
    assert "is it one of your own, c1?" in await refused(door, typed=twin)
    assert (await door.enquires(typed=twin, is_new=True)).startswith("enquiry-")
    assert len(await door.decisions()) == 1


@pytest.mark.parametrize("how", ["by hand", "by a file"])
async def test_who_becomes_a_client_is_enquired_about_no_more(
    federation: SimFederation, door: Door, how: str
) -> None:
    enquiry = await door.enquires()
    await federation.round()
    if how == "by hand":
        preset = Preset("usual", "child_in_need", None, None, "UK-CA04-S10-S11", 90)
        await door.care.write(lambda t: t.merges.put_preset(preset))
        local_id = await add_client(door.care.service, NewClient(CHILD), door.people["Dana"])
    else:
        local_id, file = "c1", door.care.folder / "new.csv"
        (door.care.folder / "node.toml").touch()
        file.write_text(
            "id,given,family,born,address,postcode\n"
            "c0,Somebody,Else,2019-05-06,7 Elm Court,LX9 1AB\n"
            "c1,Amira,Hassan,2022-03-14,12 Rowan Road,LX3 4AB\n"
        )
        chosen = ChosenMapping(load_mapping(MAPPING + 'fixed = "child_in_need"'))
        await run_import(door.care.folder, ImportFile(file, chosen, door.care.folder), print)
        await door.care.publish()
    await federation.round()
    assert await shown(door.housing, "t1") == ["Child in need"]
    assert await shown(door.care, local_id) == ["Housing tenancy"]
    assert await shown(door.care, enquiry) == []
    assert await audited(federation) == set()


async def test_about_somebody_who_is_withheld_nothing_is_asked(door: Door) -> None:
    """Their work is closed; all the same nobody may find them, through us least of all."""
    await door.care.take_in(row("c1", AMIRA, "child_in_need", DUTY, "S. Worker"))
    await close_work(door.care.service, "c1", None, 1)
    assert "is it one of your own, c1?" in await refused(door)
    (client,) = await door.care.read(lambda t: t.records.clients_after(0, 1))
    await door.care.write(lambda t: t.withheld.put_back(client.id, 1))
    assert "your own client c1" in await refused(door, is_new=True)
    assert await door.stubs(door.care) == []


async def test_a_lost_log_ends_what_it_had_allowed(federation: SimFederation, door: Door) -> None:
    enquiry = await door.enquires()
    (hub,) = await door.care.read(lambda t: t.hubs.all())
    now = federation.clock()
    await door.care.write(lambda t: move_on(t, hub, "ab" * 32, now))
    (listed,) = await door.care.read(lambda t: enquiries_value(t, door.care.membership))
    assert (listed["enquiry"], listed["goes_on"]) == (enquiry, False)
    assert listed["asked"][0]["state"] == "log_lost"


async def test_closed_early_it_is_gone_at_once_and_opened_again_it_is_the_same_stub(
    federation: SimFederation,
    door: Door,
) -> None:
    enquiry = await door.enquires()
    await federation.round()
    await close_enquiry(door.care.service, enquiry, door.people["Dana"])
    await polled(federation, door.housing)
    assert await shown(door.housing, "t1") == []
    with pytest.raises(LocalError, match="no client"):
        await reopen_work(door.care.service, enquiry, None, door.people["Dana"])
    with pytest.raises(LocalError) as caught:
        await close_enquiry(door.care.service, enquiry, door.people["Dana"])
    assert caught.value.code is ErrorCode.CONFLICT
    (before,) = await door.stubs(door.care)
    assert await door.enquires("Dele") == enquiry
    (after,) = await door.stubs(door.care)
    assert (before["stub_id"], before["retired"]) == (after["stub_id"], 1)
    assert after["retired"] == 0
    await federation.round()
    assert await shown(door.housing, "t1") == ["Enquiry"]


@pytest.mark.parametrize("honest", [True, False])
async def test_one_address_after_another_meets_the_cap_on_one_stub(
    federation: SimFederation, door: Door, monkeypatch: pytest.MonkeyPatch, honest: bool
) -> None:
    if not honest:
        monkeypatch.setattr(limits, "may_change", lambda *_: True)
    for number in range(4):
        await door.enquires(typed={**CHILD, "postcode": f"LX{number} 4AB", "address": ""})
    assert len(await door.stubs(door.care)) == 1
    sets = await federation.hub_read(lambda t: t.tx.rows("SELECT * FROM stub_change"))
    assert len(sets) == 3
    fifth = {**CHILD, "postcode": "LX5 4AB", "address": ""}
    if honest:
        await door.enquires(typed=fifth)
        again = await federation.hub_read(lambda t: t.tx.rows("SELECT * FROM stub_change"))
        assert again == sets, "what it publishes is as it was"
        assert await audited(federation) == set()
    else:
        with pytest.raises(RemoteError) as caught:
            await door.enquires(typed=fifth)
        assert caught.value.code is ErrorCode.OVER_LIMIT


async def test_deleted_and_enquired_anew_the_tokens_still_count(
    federation: SimFederation, door: Door
) -> None:
    """Three stubs in ninety days, whatever the node has forgotten of who they were about."""
    await door.bounded(days=1)
    for _ in range(3):
        await door.enquires()
        federation.clock.now += 2 * DAY
        await federation.checkpoint()
        await door.care.service.tell_enquiries()
        await federation.settle()
        report = await door.care.service.forgetting.run(dry_run=False)
        assert report["gone"]["enquiries"] == 1
    assert len(await door.stubs(door.care)) == 3
    assert "a limit of the sharing agreement" in await refused(door)
    assert len(await door.stubs(door.care)) == 3


async def test_a_row_without_a_decision_is_refused_by_the_hub_and_found_by_the_auditor(
    federation: SimFederation, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.store.permissions.ENQUIRY", "none")
    monkeypatch.setattr("node.config.ENQUIRY", "none")
    await door.care.take_in(row("c1", AMIRA, "enquiry", DUTY))
    with pytest.raises(RemoteError) as caught:
        await door.care.publish()
    assert caught.value.code is ErrorCode.NOT_ALLOWED
    assert await door.stubs(door.care) == []
    assert await audited(federation) == set(), "refused, and logged so"
    monkeypatch.setattr("hub.matching.applying.publishes_unfounded", lambda *_: False)
    await door.care.publish()
    assert {code for _, code in await audited(federation)} == {"enquiry_unfounded"}


@pytest.mark.parametrize("lost_at", ["/v1/statements", "/v1/publications"])
async def test_the_hub_lost_between_two_steps_loses_and_doubles_nothing(
    federation: SimFederation, door: Door, lost_at: str
) -> None:

    def answer_lost(_data: bytes) -> bytes:
        raise RemoteError(ErrorCode.UNREACHABLE, "the answer is lost")

    federation.network.tamper[lost_at] = answer_lost
    with pytest.raises(RemoteError):
        await door.enquires()
    if lost_at == "/v1/statements":
        assert "is on its way to the hub already" in await refused(door, "Dele")
    federation.network.tamper.clear()
    await door.care.service.advance()
    await door.care.service.tell_enquiries()
    await federation.round()
    assert await shown(door.housing, "t1") == ["Enquiry"]
    assert len(await federation.entries("enquiry")) == 1
    (stub,) = await door.stubs(door.care)
    assert stub["revision"] == 1
    assert await audited(federation) == set()


async def test_it_is_a_word_of_the_protocol_that_no_record_has(door: Door) -> None:
    terms = {"Test hub": HubTerms(types={"asked": "enquiry", "tenancy": "housing_tenancy"})}
    charters = [("Test hub", door.care.membership.charter)]
    assert "enquiry" not in own_types(charters, {})
    assert list(own_types(charters, terms)) == ["tenancy"]
    types, _ = await door.care.read(lambda t: presettable(t, door.care.membership))
    assert "enquiry" not in types


@pytest.mark.parametrize("types", [{}, {"our_plan": "child_in_need"}])
async def test_a_backup_that_was_put_back_does_not_bring_a_closed_enquiry_back(
    federation: SimFederation, door: Door, tmp_path: Path, types: dict[str, str]
) -> None:
    """Also where the agency has a table of its own types, in which no enquiry stands."""
    door.care.membership.terms = HubTerms(types=types)
    enquiry = await door.enquires()
    await federation.round()
    copy_aside(door.care, tmp_path / "copy")
    await close_enquiry(door.care.service, enquiry, door.people["Dana"])
    await door.enquires(typed={**CHILD, "given": "Zoran", "family": "Petrov"}, is_new=True)
    await federation.settle()
    door.care = await put_back(federation, door.care, tmp_path / "copy")
    door.care.membership.terms = HubTerms(types=types)
    assert await door.care.service.receive(wait=0) == 0, "it read more than it knows"
    with pytest.raises(LocalError, match="came back from a backup"):
        await door.care.publish()
    await federation.settle()
    await door.care.publish()
    assert all(stub["retired"] for stub in await door.stubs(door.care))
    await federation.round()
    assert await shown(door.housing, "t1") == []
    assert await audited(federation) == set()


async def test_over_the_local_interface(federation: SimFederation, door: Door) -> None:
    api: Any = await client_of(door.care.service)
    try:
        body = {
            "typed": {**CHILD}, "role": "social_worker", "purpose": WHY.purpose,
            "basis": WHY.basis, "facts": {**WHY.facts}, "practitioner": "Dana Door",
        }  # fmt: skip
        made = await api.post("/v1/enquiries/new", json=body, headers=BEARER)
        value = await made.json()
        assert made.status == 200, value
        again = await api.post("/v1/enquiries/list", json={}, headers=BEARER)
        assert (await again.json())["enquiries"] == [value]
        ended = {"enquiry": value["enquiry"], "practitioner": "Dana Door"}
        closed = await api.post("/v1/enquiries/close", json=ended, headers=BEARER)
        assert await closed.json() == {"enquiry": value["enquiry"]}
        assert (await api.post("/v1/enquiries/new", json=body)).status == 401
    finally:
        await api.close()


async def test_without_a_word_of_it_in_the_charter_nobody_enquires(
    federation: SimFederation,
) -> None:
    care = await federation.join("Lexbridge Children", "childrens_social_care")
    await care.write(lambda t: register(t, "Dana Door", "", PersonKind.WORKER, 1))
    door = Door(federation, care, care, care, {"Dana": 1})
    assert "knows no enquiries" in await refused(door)
    assert await care.read(lambda t: t.enquiries.everybody()) == []


def test_on_the_command_line_it_is_said_who_will_see_it_and_how_many_are_left(
    town: Town,
) -> None:
    door = town.now(built(town.federation))
    name = "Lexbridge Children"

    def types(*words: str) -> Result:
        return town.types(name, "enquire", *words, who="Dana Door")

    assert "enquires about nobody" in types("list").output
    who = [word for pair in (("--given", "Amira"), ("--family", "Hassan"), ("--born", "14/3/2022"),
                             ("--postcode", "LX3 4AB"), ("--nhs-number", "999 000 0026"))
           for word in pair]  # fmt: skip
    why = [
        "--role", "social_worker", "--purpose", WHY.purpose, "--basis", WHY.basis,
        "--fact", "informed=informed", "--yes",
    ]  # fmt: skip
    refused = types("new", *who, *why)
    assert (refused.exit_code, "missing: enquiry_reference" in refused.output) == (1, True)
    made = types("new", *who, *why, "--fact", "enquiry_reference=Monday")
    assert made.exit_code == 0, made.output
    assert "For 14 days whoever works with them sees" in made.output
    assert "Children's social care, Health provider, Housing." in made.output
    assert "You have 11 enquiries left today." in made.output
    (enquiry,) = re.findall(r"as (enquiry-[0-9a-f]{8}),", made.output)
    town.now(door.federation.round())
    assert "Housing tenancy" in town.types(name, "team", enquiry).output
    listed = types("list").output
    assert f"{enquiry}  Amira Hassan, born 2022-03-14: until" in listed
    assert "Dana Door" in listed
    assert "refused: The lawful basis you chose asks for a fact that is missing" in listed
    assert types("close", enquiry).output.startswith("Closed.")
    assert ": over" in types("list").output
    assert types("close", "enquiry-00000000").exit_code == 1
