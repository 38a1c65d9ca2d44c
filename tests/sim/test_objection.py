"""A client objects: nothing is shared, unless the sharing agreement says who may override that."""

import json
from pathlib import Path
from typing import Any

import pytest

from node.actions.objections import Said, end_objection, record_objection
from node.actions.requests import read_override
from node.requests.answering import Answer
from node.store.objections import SaidBy
from node.views.inbox import inbox_value
from protocol.errors import ErrorCode as E
from protocol.errors import LocalError
from protocol.requests.refusals import RefusalCode
from tests.sim.federation import SimFederation, SimNode, two_agencies
from tests.sim.test_api import BEARER, client_of
from tests.sim.test_charter_change import accept, amend, follow
from tests.sim.test_disclosure import disclosed, opened
from tests.sim.test_identity_check import check
from tests.sim.test_identity_check import sent as sent_check
from tests.sim.test_people_cli import Town
from tests.sim.test_people_cli import town as town

Agencies = tuple[SimNode, SimNode]
S17: dict[str, Any] = {
    "basis": "UK-CA89-S17",
    "facts": {"views": "sought", "proportionality": "No less intrusive way."},
}


async def asked(federation: SimFederation, agencies: Agencies, **change: Any) -> str:
    care = agencies[1]
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id, **change)
    await federation.settle()
    return request_id


async def objects(
    health: SimNode, member_class: str | None = None, client: str = "h1", at: int | None = None
) -> int:
    said = Said(client, SaidBy.PARENTAL_RESPONSIBILITY, member_class, at)
    return await record_objection(health.service, said, 1)


async def allows(health: SimNode, request_id: str, reason: str = "", role: str = "") -> E | None:
    """How a person's yes is refused here; None if it goes."""
    answer = Answer(request_id, 1, None, read_override(reason, role))
    try:
        await health.write(lambda tables: health.service.answering.answer(tables, answer))
    except LocalError as error:
        return error.code
    await health.service.advance()
    return None


async def refused(doing: Any) -> E:
    with pytest.raises(LocalError) as caught:
        await doing
    return caught.value.code


async def test_an_objection_decides_and_who_may_override_it_says_why(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, care = agencies
    assert await refused(objects(health, client="nobody")) is E.NOT_FOUND
    assert await refused(objects(health, "no_such_class")) is E.NOT_FOUND
    assert await refused(objects(health, at=federation.clock() + 1)) is E.CONFLICT
    to_police = await objects(health, "police")
    before = await asked(federation, agencies, **S17)
    assert (await health.received(before))["state"] == "asks_person", "it is not about them"
    number = await objects(health, "childrens_social_care")

    # S17 lets nobody override: what waits is refused when it is answered, and what comes at once.
    assert await allows(health, before, "significant_harm", "manager") is None
    late = await asked(federation, agencies, **S17)
    await federation.settle()
    for request_id in (before, late):
        sent = await care.sent(request_id)
        assert (sent["state"], sent["code"]) == ("refused", "objection")

    # S47 lets people in two roles override, for two reasons.
    overridden = await asked(federation, agencies)
    value = await health.read(lambda tables: inbox_value(tables, health.membership))
    (shown,) = [item for item in value["received"] if item["request_id"] == overridden]
    assert shown["override"]["roles"] == ["manager", "duty_worker"]
    assert set(shown["override"]["reasons"]) == {"significant_harm", "serious_crime"}
    assert {
        "without a reason": await allows(health, overridden),
        "for another reason": await allows(health, overridden, "curiosity", "manager"),
        "in another role": await allows(health, overridden, "significant_harm", "nurse"),
    } == dict.fromkeys(("without a reason", "for another reason", "in another role"), E.NOT_ALLOWED)
    assert await refused_override("significant_harm", "") is E.NOT_READY
    assert await allows(health, overridden, "significant_harm", "manager") is None
    await federation.settle()
    assert (await care.sent(overridden))["state"] == "opened"

    await end_objection(health.service, number, 1)
    assert await refused(end_objection(health.service, number, 1)) is E.NOT_FOUND
    again = await asked(federation, agencies, **S17)
    assert await allows(health, again, "significant_harm", "manager") is E.CONFLICT
    assert await allows(health, again) is None
    await federation.settle()
    assert (await care.sent(again))["state"] == "opened"
    assert to_police != number

    # The auditor makes each decision again, and finds one in spite of it without a reason.
    files = [await disclosed(health, one, tmp_path / one) for one in (before, late, overridden)]
    facts = json.loads(files[2].read_bytes())["facts"]
    assert facts["override"] == {"reason": "significant_harm", "role": "manager"}
    assert json.loads(files[0].read_bytes())["facts"]["override"] is None, "nothing was overridden"
    assert (await opened(federation, *files))[:2] == (0, [])


async def test_whoever_may_override_an_objection_may_refuse(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await objects(health)
    request_id = await asked(federation, agencies)
    await health.answer(request_id, RefusalCode.NOT_PROPORTIONATE)
    await federation.settle()
    sent = await care.sent(request_id)
    assert (sent["state"], sent["code"]) == ("refused", "not_proportionate")


async def refused_override(reason: str, role: str) -> E:
    with pytest.raises(LocalError) as caught:
        read_override(reason, role)
    return caught.value.code


async def test_a_card_that_was_allowed_does_not_leave_after_an_objection(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Not on any basis, unless whoever allowed it knew of this very objection."""
    health, care = agencies
    plain, on_s17, knowing = [await asked(federation, agencies, **basis) for basis in ({}, S17, {})]
    for request_id in (plain, on_s17):
        assert await allows(health, request_id) is None
    await objects(health, "childrens_social_care")
    assert await allows(health, knowing, "serious_crime", "duty_worker") is None
    last = await objects(health)
    await federation.settle()
    states = [(await health.received(one))["state"] for one in (plain, on_s17, knowing)]
    assert states == ["stopped"] * 3, "the last objection came after every decision"
    assert await federation.entries("release") == []
    known = await asked(federation, agencies)
    assert await allows(health, known, "significant_harm", "manager") is None
    await end_objection(health.service, last, 1)
    await federation.settle()
    assert (await care.sent(known))["state"] == "opened", "what is left was known too"


async def test_a_decision_in_spite_of_an_objection_without_a_reason_is_found(
    federation: SimFederation,
    agencies: Agencies,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    health, _ = agencies
    await objects(health)
    monkeypatch.setattr("node.requests.answering.check_override", lambda *_: None)
    files = []
    for reason, role in (("", ""), ("curiosity", "manager")):
        request_id = await asked(federation, agencies)
        assert await allows(health, request_id, reason, role) is None
        await federation.settle()
        files.append(await disclosed(health, request_id, tmp_path / request_id))
    monkeypatch.setattr("node.requests.answering.is_overridable", lambda *_: True)
    request_id = await asked(federation, agencies, **S17)
    assert await allows(health, request_id, "significant_harm", "manager") is None
    files.append(await disclosed(health, request_id, tmp_path / request_id))
    assert (await opened(federation))[:2] == (0, []), "from the log alone nobody can tell"
    assert (await opened(federation, *files))[:2] == (4, ["override_unfounded"] * 3)


async def test_a_charter_that_lets_more_be_overridden_binds_only_who_accepts_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    value = (await federation.charter()).to_value()
    (s17,) = [item for item in value["lawful_bases"] if item["code"] == "UK-CA89-S17"]
    s17["objection"] = {
        "holder_classes": ["health_provider"],
        "roles": ["manager"],
        "reasons": [{"code": "need", "title": "The child is in need"}],
    }
    await objects(health)
    await amend(federation, value)
    await follow(health, care)
    assert any("overriding an objection" in said for said in health.membership.unaccepted())
    await accept(federation, health, care)
    request_id = await asked(federation, agencies, **S17)
    assert await allows(health, request_id, "need", "manager") is None
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"


async def test_nobody_compares_identities_in_spite_of_an_objection(
    federation: SimFederation, unsure: Agencies
) -> None:
    health, care = unsure
    await objects(health)
    check_id = await check(care)
    await federation.settle()
    sent = await sent_check(care, check_id)
    assert (sent["answer"], sent["code"]) == ("refused", "objection")


def test_objections_and_recalls_as_they_are_typed(town: Town) -> None:
    agencies = town.now(two_agencies(town.federation))
    typed = town.types("Health visiting", "objection", "record", "h1", "--said-by", "client")
    assert (typed.exit_code, "Objection 1 is recorded" in typed.output) == (0, True)
    listed = town.types("Health visiting", "objection", "list").output
    assert "h1: to sharing with anybody, said by the client" in listed
    request_id = town.now(asked(town.federation, agencies))
    inbox = town.types("Health visiting", "inbox").output
    assert "The client objects" in inbox
    assert "significant_harm: A child suffers" in inbox
    allow = ("answer", request_id, "--allow")
    said = town.types("Health visiting", *allow)
    assert (said.exit_code, "significant_harm, serious_crime" in said.output) == (1, True)
    assert "manager, duty_worker" in said.output
    half = town.types("Health visiting", *allow, "--override", "significant_harm")
    assert (half.exit_code, "--role ROLE" in half.output) == (1, True)
    why = ("--override", "significant_harm", "--role", "manager")
    assert town.types("Health visiting", *allow, *why).exit_code == 0
    town.now(town.federation.settle())
    assert town.types("Health visiting", "objection", "end", "1").exit_code == 0
    assert "No objection stands" in town.types("Health visiting", "objection", "list").output
    assert "taken back" in town.types("Health visiting", "objection", "list", "--all").output

    early = town.types("Health visiting", "recall", request_id, "--keep")
    assert (early.exit_code, "waits for a decision" in early.output) == (1, True)
    assert town.types("Health visiting", "withdraw", "h1").exit_code == 0
    recall = f"patchwork-node recall {request_id}"
    assert recall in town.types("Health visiting", "inbox").output
    assert recall in town.types("Health visiting", "alerts").output
    assert town.types("Health visiting", "recall", request_id, "--keep").exit_code == 0
    assert recall not in town.types("Health visiting", "inbox").output
    assert town.types("Health visiting", "recall", request_id).exit_code == 0
    assert "has not said yet" in town.types("Health visiting", "inbox").output
    town.now(town.federation.settle())
    assert "states that its node deleted" in town.types("Health visiting", "inbox").output
    asker = town.types("Social care", "inbox").output
    assert "the card is deleted here" in asker
    assert "07700" not in asker
    acts = town.now(agencies[0].read(lambda tables: tables.tx.rows("SELECT what FROM act")))
    assert [act["what"] for act in acts] == [
        *("recorded_objection", "ended_objection", "withdrew", "kept_card", "recalled_card"),
    ]


async def test_objections_and_recalls_over_http(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await asked(federation, agencies)
    await health.answer(request_id)
    await federation.settle()
    client = await client_of(health.service)
    who = {"practitioner": "H. Visitor"}

    async def posts(path: str, **body: Any) -> tuple[int, Any]:
        answer = await client.post(path, headers=BEARER, json={**who, **body})
        return answer.status, await answer.json()

    said = {"client": "h1", "said_by": "attorney", "member_class": "police"}
    assert await posts("/v1/objections/record", **said) == (200, {"objection": 1})
    assert (await posts("/v1/objections/record", **{**said, "said_by": "a neighbour"}))[0] == 400
    listed = await (await client.post("/v1/objections/list", headers=BEARER, json={})).json()
    assert [(item["local_id"], item["said_by"]) for item in listed["objections"]] == [
        ("h1", "attorney")
    ]
    assert await posts("/v1/objections/end", objection=1) == (200, {"objection": 1})
    assert (await posts("/v1/objections/end", objection=1))[0] == 404
    recall, one = "/v1/requests/recall", {"request_id": request_id}
    assert (await posts(recall, **one, keep=True))[0] == 404, "nobody asks whether it stays"
    assert (await posts(recall, request_id="ab" * 16, keep=False))[0] == 404
    assert await posts(recall, **one, keep=False) == (
        200,
        {"request_id": request_id, "kept": False},
    )
    await client.close()
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "recalled"
