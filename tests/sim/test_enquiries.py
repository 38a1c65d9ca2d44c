"""A front door enquires about somebody who is not on its caseload. specs/06-requests.md §11."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from node.actions.asking import Grounds
from node.actions.clients import NewClient, add_client, close_work
from node.actions.enquiries import NewEnquiry, close_enquiry, enquire
from node.publishing import limits
from node.records.people import register
from node.store.merges import Preset
from node.store.people import PersonKind
from node.store.records import RECORD_FIELDS
from node.views.enquiries import enquiries_value, terms_value
from protocol.errors import ErrorCode, LocalError, PatchworkError, RemoteError
from protocol.messages.enquiries import EnquiryDecisionBody
from protocol.messages.statement import parse_statement
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.put_back import copy_aside, put_back
from tests.sim.test_api import BEARER, client_of
from tests.sim.test_audit_people import audited
from tests.sim.test_charter_change import accept, amend, evaluated
from tests.sim.test_ends import polled, shown
from tests.sim.test_privacy import MARKED, found_in
from tests.sim.test_recalled_cards import files_with

DAY = 86_400
SEEN_BY = ["childrens_social_care", "health_provider", "housing"]
KIND = {
    "code": "enquiry", "title": "Enquiry", "openness": "open", "visible_to": SEEN_BY,
    "labels": ["Enquiry"],
}  # fmt: skip
RULE: dict[str, Any] = {
    "classes": ["childrens_social_care"],
    "bases": ["UK-CA89-S47"],
    "days": 14,
    "per_person_day": 3,
    "per_agency_day": 5,
}
CHILD: Mapping[str, str] = {
    "given": "Amira", "middle": "Noor", "family": "Hassan", "date_of_birth": "14/3/2022",
    "sex": "F", "address": "12 Rowan Road", "postcode": "LX3 4AB",
}  # fmt: skip
WHY = Grounds(
    "safeguarding_child", "UK-CA89-S47",
    {"enquiry_reference": "Caller of Monday", "informed": "informed"},
)  # fmt: skip


@dataclass
class Town:
    """Children's social care with its front door, housing with a tenancy that goes on, a drug
    service, and who is at the door (row ids).
    """

    federation: SimFederation
    care: SimNode
    housing: SimNode
    clinic: SimNode
    people: Mapping[str, int]

    async def enquires(self, who: str = "Dana", **change: Any) -> str:
        """Dana enquires about the child; the enquiry's id here."""
        typed, grounds = change.pop("typed", CHILD), change.pop("grounds", WHY)
        new = NewEnquiry(typed, change.pop("role", "social_worker"), grounds, **change)
        value = await enquire(self.care.service, new, self.people[who])
        return str(value["enquiry"])

    async def stubs(self, node: SimNode) -> list[Mapping[str, Any]]:
        """What the hub has of an agency's stubs."""
        sql = "SELECT * FROM stub WHERE agency = ? ORDER BY stub_id"
        return await self.federation.hub_read(lambda t: t.tx.rows(sql, node.party_id))

    async def decisions(self) -> list[tuple[str, str | None]]:
        """What the hub has decided on enquiries, as the log has it."""
        entries = await self.federation.entries("enquiry_decision")
        bodies = [
            parse_statement(item["envelope"]).expect(EnquiryDecisionBody).body for item in entries
        ]
        return [(body.outcome, body.code) for body in bodies]


async def town(federation: SimFederation, **rule: Any) -> Town:
    care = await federation.join("Lexbridge Children", "childrens_social_care")
    housing = await federation.join("Lexbridge Homes", "housing")
    clinic = await federation.join("Lea Recovery", "health_provider")
    types = (await federation.charter()).to_value()["involvement_types"]
    change: Any = {"enquiry": {**RULE, **rule}, "involvement_types": [*types, KIND]}
    await amend(federation, change)
    await accept(federation, care, housing, clinic)
    await housing.take_in(row("t1", AMIRA, "housing_tenancy", DUTY, "T. Enancy"))
    await clinic.take_in(row("x1", AMIRA, "drug_and_alcohol", DUTY, "D. Worker"))
    for node in (housing, clinic):
        await node.publish()
    now, people = federation.clock(), {}
    for name in ("Dana", "Dele"):
        person = await care.write(
            lambda t, name=name: register(t, f"{name} Door", "", PersonKind.WORKER, now)  # type: ignore[misc]
        )
        people[name] = person.id
    await federation.round()
    return Town(federation, care, housing, clinic, people)


async def refused(town: Town, who: str = "Dana", **change: Any) -> str:
    """How an enquiry is refused, in the sentence that the person reads."""
    with pytest.raises(PatchworkError) as caught:
        await town.enquires(who, **change)
    return caught.value.detail


async def test_the_front_door_finds_open_work_and_the_other_side_sees_that_it_asks(
    federation: SimFederation,
) -> None:
    here = await town(federation)
    terms = await here.care.read(lambda t: terms_value(t, here.care.membership, 1))
    assert terms == {
        "may_enquire": True, "days": 14, "bases": ["UK-CA89-S47"], "left_today": 3,
        "seen_by": ["Children's social care", "Health provider", "Housing"],
    }  # fmt: skip
    before = await evaluated(federation, here.care)
    enquiry = await here.enquires()
    assert await evaluated(federation, here.care) > before, "its evaluations count"
    assert await shown(here.care, enquiry) == [], "the round is still to come"
    await federation.round()
    assert await shown(here.care, enquiry) == ["Housing tenancy"], "and never the drug service"
    assert await shown(here.housing, "t1") == ["Enquiry"]
    (seen,) = (await here.housing.team("t1")).others
    assert (seen.agency, seen.label) == ("Lexbridge Children", "Enquiry")
    assert await here.decisions() == [("allow", None)]

    # She asks for the contact details, as for a client of her own.
    (entry,) = (await here.care.team(enquiry)).others
    request_id = await here.care.ask(enquiry, entry.involvement_id)
    await federation.settle()
    await here.housing.answer(request_id)
    await federation.settle()
    assert (await here.care.sent(request_id))["state"] == "opened"

    # A colleague enquires again about the same child: the same record and the same stub.
    assert await here.enquires("Dele") == enquiry
    (stub,) = await here.stubs(here.care)
    assert (stub["revision"], stub["retired"]) == (2, 0)
    (listed,) = await here.care.read(lambda t: enquiries_value(t, here.care.membership))
    assert [item["by"] for item in listed["asked"]] == ["Dana Door", "Dele Door"]

    # It is no client: nobody's figures, lists or searches have it.
    assert await here.care.read(lambda t: t.figures.by_service(federation.clock())) == []
    totals = await here.care.read(
        lambda t: t.figures.totals(here.care.membership.hub.hub_id, federation.clock())
    )
    assert (totals.published[0], totals.permitted[0]) == (0, 0)
    assert await here.care.read(lambda t: t.records.clients_after(0, 10)) == []

    # Its end is the charter's: both sides see nobody, and no file has the child any more.
    federation.clock.now += 14 * DAY
    await federation.hub.jobs.expire()
    for node in (here.care, here.housing):
        await polled(federation, node)
    assert await shown(here.care, enquiry) == []
    assert await shown(here.housing, "t1") == []
    await here.care.service.tell_enquiries()
    await federation.settle()
    report = await here.care.service.forgetting.run(dry_run=False)
    assert (report["gone"]["enquiries"], report["settled"]) == (1, True)
    assert not files_with(here.care, b"Amira", b"AMIRA", b"Hassan", b"Rowan", b"Caller of Monday")
    assert not files_with(here.care, enquiry.encode(), b"01632 960100 ext")
    assert await here.care.read(lambda t: t.count("sent_request")) == 0, "and no card of hers"
    assert await audited(federation) == set()


async def test_a_sensitive_service_is_unseen_to_the_byte(federation: SimFederation) -> None:
    here = await town(federation)
    federation.network.captured.clear()
    await here.enquires()
    await federation.round()
    told = [data for data in federation.network.captured if b"drug" in data or b"Lea" in data]
    assert told == []
    links = await here.care.read(lambda t: t.tx.rows("SELECT * FROM link"))
    assert [link["agency_id"] for link in links] == [here.housing.party_id]


async def test_neither_hub_nor_key_holders_learn_whom_it_is_about_or_who_asks(
    federation: SimFederation,
) -> None:
    here = await town(federation)
    person = await here.care.write(
        lambda t: register(t, "M. Markworker", "", PersonKind.WORKER, federation.clock())
    )
    here.people = {"Mark": person.id}
    typed = {name: str(getattr(MARKED, name) or "") for name in RECORD_FIELDS}
    facts = {"enquiry_reference": "REFMARK-17", "informed": "informed"}
    await here.enquires("Mark", typed=typed, grounds=replace(WHY, facts=facts))
    await federation.round()
    for data in federation.network.captured:
        assert found_in(data) == set(), "on the wire"
    for name in ("hub", "holder-1", "holder-2", "holder-3"):
        for path in (federation.folder / name).rglob("*"):
            if path.is_file():
                assert found_in(path.read_bytes()) == set(), f"in {path.name} of {name}"


async def test_an_enquirer_sees_nothing_that_is_past_and_cannot_ask_for_it(
    federation: SimFederation,
) -> None:
    here = await town(federation)
    await amend(federation, {"past_months": 3})
    await accept(federation, here.care, here.housing, here.clinic)
    enquiry = await here.enquires()
    await federation.round()
    (entry,) = (await here.care.team(enquiry)).others
    asked = await here.care.request(enquiry, entry.involvement_id)
    await close_work(here.housing.service, "t1", None, 1)
    await polled(federation, here.care)
    assert await shown(here.care, enquiry) == []
    await federation.round()
    assert await shown(here.care, enquiry) == []
    request_id = await here.care.write(lambda t: here.care.service.asking.ask(t, asked))
    await here.care.service.advance()
    assert (await here.care.sent(request_id))["code"] == "not_available"
    assert await audited(federation) == set()


async def test_budgets_of_a_person_and_of_the_agency(federation: SimFederation) -> None:
    here = await town(federation, per_person_day=1, per_agency_day=2)
    await here.enquires()
    assert await refused(here) == "You have used up today's enquiries. Call the duty line."
    assert "Your organisation has used up" in await refused(here, "Dele")
    assert await here.decisions() == [("allow", None), ("refuse", "over_own_quota")]
    assert len(await federation.entries("rejection")) == 1
    federation.clock.now += DAY
    await federation.checkpoint()
    await here.enquires("Dele")
    assert await audited(federation) == set()


async def test_who_may_not_is_told_why(federation: SimFederation) -> None:
    here = await town(federation)
    little = {"given": "Amira", "postcode": "LX3 4AB"}
    assert "by so little" in await refused(here, typed=little)
    without = replace(WHY, facts={"informed": "informed"})
    assert "missing: enquiry_reference" in await refused(here, grounds=without)
    other = replace(WHY, basis="UK-CA04-S10-S11", facts={})
    assert "This lawful basis cannot be used here" in await refused(here, grounds=other)
    assert "Your role" in await refused(here, role="astronaut")
    assert await here.stubs(here.care) == [], "nothing of it was published"
    here.care, here.people = here.housing, {"Dana": 1}
    assert "Your kind of organisation" in await refused(here, is_new=True, typed={
        **CHILD, "given": "Zoran", "family": "Petrov", "nhs_number": "",
    })  # fmt: skip
    assert await audited(federation) == set()


async def test_about_ones_own_client_and_somebody_like_them(federation: SimFederation) -> None:
    here = await town(federation)
    await here.care.take_in(row("c1", AMIRA, "child_in_need", DUTY, "S. Worker"))
    said = await refused(here)
    assert "your own client c1" in said
    assert "patchwork-node team c1" in said
    twin = {**CHILD, "given": "Samir"}
    assert "is it one of your own, c1?" in await refused(here, typed=twin)
    assert (await here.enquires(typed=twin, is_new=True)).startswith("enquiry-")
    assert len(await here.decisions()) == 1


async def test_who_becomes_a_client_is_enquired_about_no_more(federation: SimFederation) -> None:
    here = await town(federation)
    enquiry = await here.enquires()
    await federation.round()
    preset = Preset("usual", "child_in_need", None, None, "UK-CA04-S10-S11", 90)
    await here.care.write(lambda t: t.merges.put_preset(preset))
    local_id = await add_client(here.care.service, NewClient(CHILD), here.people["Dana"])
    await federation.round()
    assert await shown(here.housing, "t1") == ["Child in need"]
    assert await shown(here.care, local_id) == ["Housing tenancy"]
    assert await shown(here.care, enquiry) == []
    assert await audited(federation) == set()


async def test_closed_early_it_is_gone_at_once_and_opened_again_it_is_the_same_stub(
    federation: SimFederation,
) -> None:
    here = await town(federation)
    enquiry = await here.enquires()
    await federation.round()
    await close_enquiry(here.care.service, enquiry, here.people["Dana"])
    await polled(federation, here.housing)
    assert await shown(here.housing, "t1") == []
    with pytest.raises(LocalError) as caught:
        await close_enquiry(here.care.service, enquiry, here.people["Dana"])
    assert caught.value.code is ErrorCode.CONFLICT
    (before,) = await here.stubs(here.care)
    assert await here.enquires("Dele") == enquiry
    (after,) = await here.stubs(here.care)
    assert (before["stub_id"], before["retired"]) == (after["stub_id"], 1)
    assert after["retired"] == 0
    await federation.round()
    assert await shown(here.housing, "t1") == ["Enquiry"]


@pytest.mark.parametrize("honest", [True, False])
async def test_one_address_after_another_meets_the_cap_on_one_stub(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch, honest: bool
) -> None:
    here = await town(federation, per_person_day=10, per_agency_day=10)
    if not honest:
        monkeypatch.setattr(limits, "may_change", lambda *_: True)
    for number in range(4):
        await here.enquires(typed={**CHILD, "postcode": f"LX{number} 4AB", "address": ""})
    assert len(await here.stubs(here.care)) == 1
    sets = await federation.hub_read(lambda t: t.tx.rows("SELECT * FROM stub_change"))
    assert len(sets) == 3
    fifth = {**CHILD, "postcode": "LX5 4AB", "address": ""}
    if honest:
        await here.enquires(typed=fifth)
        again = await federation.hub_read(lambda t: t.tx.rows("SELECT * FROM stub_change"))
        assert again == sets, "what it publishes is as it was"
        assert await audited(federation) == set()
    else:
        with pytest.raises(RemoteError) as caught:
            await here.enquires(typed=fifth)
        assert caught.value.code is ErrorCode.OVER_LIMIT


async def test_deleted_and_enquired_anew_the_tokens_still_count(federation: SimFederation) -> None:
    """Three stubs in ninety days, whatever the node has forgotten of who they were about."""
    here = await town(federation, days=1)
    for _ in range(3):
        await here.enquires()
        federation.clock.now += 2 * DAY
        await federation.checkpoint()
        await here.care.service.tell_enquiries()
        await federation.settle()
        report = await here.care.service.forgetting.run(dry_run=False)
        assert report["gone"]["enquiries"] == 1
    assert len(await here.stubs(here.care)) == 3
    assert "a limit of the sharing agreement" in await refused(here)
    assert len(await here.stubs(here.care)) == 3


async def test_a_row_without_a_decision_is_refused_by_the_hub_and_found_by_the_auditor(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await town(federation)
    monkeypatch.setattr("node.store.permissions.ENQUIRY", "none")
    monkeypatch.setattr("node.config.ENQUIRY", "none")
    await here.care.take_in(row("c1", AMIRA, "enquiry", DUTY))
    with pytest.raises(RemoteError) as caught:
        await here.care.publish()
    assert caught.value.code is ErrorCode.NOT_ALLOWED
    assert await here.stubs(here.care) == []
    assert await audited(federation) == set(), "refused, and logged so"
    monkeypatch.setattr("hub.matching.applying.publishes_unfounded", lambda *_: False)
    await here.care.publish()
    assert {code for _, code in await audited(federation)} == {"enquiry_unfounded"}


@pytest.mark.parametrize("lost_at", ["/v1/statements", "/v1/publications"])
async def test_the_hub_lost_between_two_steps_loses_and_doubles_nothing(
    federation: SimFederation, lost_at: str
) -> None:
    here = await town(federation)

    def answer_lost(_data: bytes) -> bytes:
        raise RemoteError(ErrorCode.UNREACHABLE, "the answer is lost")

    federation.network.tamper[lost_at] = answer_lost
    with pytest.raises(RemoteError):
        await here.enquires()
    if lost_at == "/v1/statements":
        assert "is on its way to the hub already" in await refused(here, "Dele")
    federation.network.tamper.clear()
    await here.care.service.advance()
    await here.care.service.tell_enquiries()
    await federation.round()
    assert await shown(here.housing, "t1") == ["Enquiry"]
    assert len(await federation.entries("enquiry")) == 1
    (stub,) = await here.stubs(here.care)
    assert stub["revision"] == 1
    assert await audited(federation) == set()


async def test_a_backup_that_was_put_back_does_not_bring_a_closed_enquiry_back(
    federation: SimFederation, tmp_path: Path
) -> None:
    here = await town(federation)
    enquiry = await here.enquires()
    await federation.round()
    copy_aside(here.care, tmp_path / "copy")
    await close_enquiry(here.care.service, enquiry, here.people["Dana"])
    await here.enquires(typed={**CHILD, "given": "Zoran", "family": "Petrov"}, is_new=True)
    await federation.settle()
    here.care = await put_back(federation, here.care, tmp_path / "copy")
    assert await here.care.service.receive(wait=0) == 0, "it read more than it knows"
    with pytest.raises(LocalError, match="came back from a backup"):
        await here.care.publish()
    await federation.settle()
    await here.care.publish()
    assert all(stub["retired"] for stub in await here.stubs(here.care))
    await federation.round()
    assert await shown(here.housing, "t1") == []
    assert await audited(federation) == set()


async def test_over_the_local_interface(federation: SimFederation) -> None:
    here = await town(federation)
    api: Any = await client_of(here.care.service)
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
    here = Town(federation, care, care, care, {"Dana": 1})
    assert "knows no enquiries" in await refused(here)
    assert await care.read(lambda t: t.enquiries.everybody()) == []
