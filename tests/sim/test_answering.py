"""Who answers a request: rules, worker, cover, duty, manager, who it was passed on to; and why not.

specs/06-requests.md §10.
"""

import asyncio
import copy
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import hub.exchange.requests as broker
import node.requests.answering as answering
from audit.findings import FindingCode as Code
from audit.findings import Severity
from node.actions.requests import answer_now, disclose, pass_on_now
from node.records import people
from node.records.forgetting import OwnDays
from node.records.people import Appointment, Away
from node.requests.answering import Answer
from node.requests.reasons import WrittenReason
from node.store.people import PersonKind
from node.store.requests import ReceivedRequest
from node.store.team_roles import TeamRole
from protocol.errors import ErrorCode as E
from protocol.errors import LocalError, RemoteError
from protocol.requests.refusals import RefusalCode
from protocol.wire import encode_wire
from tests.sim.federation import SimFederation, SimNode, two_agencies
from tests.sim.test_api import BEARER, client_of
from tests.sim.test_audit_people import audited
from tests.sim.test_charter_change import accept, amend
from tests.sim.test_disclosure import asked, opened
from tests.sim.test_people_cli import Town
from tests.sim.test_people_cli import town as town
from tests.sim.test_privacy import layers
from tests.sim.test_recalled_cards import files_with, inbox
from tests.sim.test_references import asks, received
from tests.sim.test_references import shown as shown_to
from tests.sim.test_restart import restart_hub
from tests.sim.test_who_acts import people as register

Agencies = tuple[SimNode, SimNode]
DAY = 86_400
LATER = date(2026, 10, 2)
BASIS = "UK-CA89-S47"
ANSWERING = {
    "time_zone": "Europe/London",
    "holidays": ["2026-12-25"],
    "worker_days": 1,
    "duty_days": 1,
    "manager_days": 1,
    "urgent_duty_hours": 2,
    "urgent_manager_hours": 4,
}
WHY = "The family court sealed this.\nAsk the court, and quote Xylophagous-7."
CHRISTMAS = ("--from", "2999-12-24", "--until", "2999-12-31")
NOT_NOW = RefusalCode.NOT_PROPORTIONATE


async def agree(federation: SimFederation, agencies: Agencies, **terms: Any) -> None:
    """A charter with a clock of working days, in which the basis that people ask on has these
    terms; both sides sign it.
    """
    value = copy.deepcopy((await federation.charter()).to_value())
    for basis in value["lawful_bases"]:
        if basis["code"] == BASIS:
            basis.update(urgent=False, **terms)
    change = {"lawful_bases": value["lawful_bases"], "answering": ANSWERING}
    await amend(federation, change)
    await accept(federation, *agencies)


async def staff(health: SimNode) -> dict[str, int]:
    """H. Visitor of team East works with the child; the row ids of her colleagues."""
    now = health.membership.env.clock()
    wanted = [
        Appointment("C. Over", None, None, {}),
        Appointment("N. Obody", None, None, {}),
        Appointment("D. Uty", None, PersonKind.WORKER, {TeamRole.DUTY: ["East"]}),
        Appointment("M. Anager", None, PersonKind.MANAGER, {}),
    ]
    made = [await health.write(lambda t, one=one: people.appoint(t, one, now)) for one in wanted]  # type: ignore[misc]
    return {"H. Visitor": 1, **{person.name: person.id for person in made}}


async def shown(node: SimNode, request_id: str) -> dict[str, Any]:
    return (await inbox(node))[request_id]


async def with_whom(node: SimNode, request_id: str) -> list[str]:
    found = (await shown(node, request_id))["with"]
    return [name.partition(" (")[0] for name in found["people"]]


async def refused(doing: Any) -> tuple[E, str]:
    """How something is refused, and in which words."""
    with pytest.raises((LocalError, RemoteError)) as caught:
        await doing
    return caught.value.code, caught.value.detail


async def received_request(health: SimNode, request_id: str) -> ReceivedRequest:
    hub_id = health.membership.hub.hub_id
    found = await health.read(lambda tables: tables.received_requests.get(hub_id, request_id))
    assert found is not None
    return found


def says(health: SimNode, request_id: str, person: int, **said: Any) -> Any:
    return answer_now(health.service, Answer(request_id, person, **said))


async def test_a_request_goes_from_hand_to_hand_and_is_refused_with_its_reason(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """The hub is stopped and started between the steps."""
    health, care = agencies
    await agree(federation, agencies, reason_in_writing=True)
    who = await staff(health)
    request_id = await asked(federation, agencies)
    assert await with_whom(health, request_id) == ["H. Visitor"]
    code, sentence = await refused(says(health, request_id, who["N. Obody"]))
    assert (code, "is with H. Visitor (East)" in sentence) == (E.NOT_ALLOWED, True)

    # She is away, her cover passes it on, and the colleague leaves.
    today = health.service.zone
    away = Away("H. Visitor", None, LATER, "C. Over")
    now = federation.clock()
    await health.write(lambda tables: people.away(tables, away, today, now))
    assert await with_whom(health, request_id) == ["C. Over"]
    await restart_hub(federation)
    passed = await pass_on_now(health.service, request_id, who["C. Over"], "N. Obody")
    assert passed == "N. Obody"
    assert await with_whom(health, request_id) == ["N. Obody"]
    assert (await shown(health, request_id))["with"]["passed_by"] == "C. Over"
    await health.write(lambda tables: people.close(tables, "N. Obody", "", now))
    assert await with_whom(health, request_id) == ["C. Over"], "back by the chain"
    assert (await refused(says(health, request_id, who["N. Obody"])))[0] is E.NOT_ALLOWED

    # Nobody answers: duty has it on Wednesday, a manager on Thursday, and on Friday it is overdue.
    seen = []
    for _ in range(3):
        federation.clock.now += DAY + 3600
        await federation.settle()
        item = (await shown(health, request_id))["with"]
        seen.append((item["people"], item["step"], item["until_text"]))
    assert seen == [
        (["C. Over"], "worker", "the end of Tuesday 22 September"),
        (["D. Uty"], "duty", "the end of Wednesday 23 September"),
        (["M. Anager"], "manager", "the end of Thursday 24 September"),
    ]
    federation.clock.now += DAY
    await federation.settle()
    await federation.hub.jobs.overdue()
    await federation.settle()
    item = await shown(health, request_id)
    assert (item["with"]["until"], item["clock"]["overdue"]) == (None, True)

    # The manager refuses, and the law wants a reason.
    manager, no = who["M. Anager"], {"refusal": NOT_NOW}
    code, sentence = await refused(says(health, request_id, manager, **no))
    assert (code, "whoever refuses says why in writing" in sentence) == (E.NOT_READY, True)
    code, sentence = await refused(says(health, request_id, manager, **no, reason="x" * 2001))
    assert (code, "2001 characters, and at most 2000" in sentence) == (E.TOO_LARGE, True)
    assert (await refused(says(health, request_id, manager, reason=WHY)))[0] is E.CONFLICT
    assert await federation.entries("decision") == [], "nothing was half done"
    await restart_hub(federation)
    await says(health, request_id, manager, **no, reason=f"  {WHY}\r\n")
    await restart_hub(federation)
    await federation.settle()

    sent = await shown(care, request_id)
    assert (sent["state"], sent["code"], sent["reason"]) == ("refused", NOT_NOW.value, WHY)
    received = await shown(health, request_id)
    assert (received["answered_by"], received["reason"]) == ("M. Anager", WHY)
    assert len(await federation.entries("decision")) == 1
    assert await refused(says(health, request_id, who["D. Uty"])) == (
        E.NOT_FOUND,
        "M. Anager refused it already (not_proportionate)",
    )
    passing = pass_on_now(health.service, request_id, manager, "D. Uty")
    assert (await refused(passing))[0] is E.NOT_FOUND

    # The hub never had it, nor who had the request; the auditor is content, and can be shown it.
    captured = b"".join(layer for data in federation.network.captured for layer in layers(data))
    for word in (b"Xylophagous", b"Anager", b"D. Uty", b"C. Over"):
        assert word not in captured
        for path in (federation.folder / "hub").rglob("*"):
            assert not path.is_file() or word not in path.read_bytes(), path.name
    assert await audited(federation) == set()
    value = await disclose(health.service, request_id, manager)
    assert b"Xylophagous" not in encode_wire(value), "not unless it is asked for"
    value = await disclose(health.service, request_id, manager, with_reason=True)
    file = tmp_path / "disclosure.json"
    await asyncio.to_thread(file.write_bytes, encode_wire(value))
    assert (await opened(federation, file))[:2] == (0, [])
    forged = encode_wire(value).replace(b"Xylophagous-7", b"Xylophagous-8")
    await asyncio.to_thread(file.write_bytes, forged)
    assert (await opened(federation, file))[:2] == (4, ["disclosure_differs"])

    # It goes with the request, at both sides.
    federation.clock.now += 3000 * DAY
    for node in agencies:
        assert files_with(node, b"Xylophagous") != set()
        node.service.forgetting._own = OwnDays(requests=30)
        await node.service.forgetting.run(dry_run=False)
        assert files_with(node, b"Xylophagous") == set()


async def test_who_has_it_when_nobody_is_left_is_said_and_can_be_mended(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    who = await staff(health)
    request_id = await asked(federation, agencies)
    now = federation.clock()
    for name in ("H. Visitor", "D. Uty", "M. Anager"):
        await health.write(lambda tables, name=name: people.close(tables, name, "", now))  # type: ignore[misc]
    assert await with_whom(health, request_id) == []
    code, sentence = await refused(says(health, request_id, who["C. Over"]))
    assert (code, "patchwork-node people add" in sentence) == (E.NOT_ALLOWED, True)
    duty = Appointment("C. Over", None, None, {TeamRole.DUTY: [""]})
    await health.write(lambda tables: people.appoint(tables, duty, now))
    await says(health, request_id, who["C. Over"])
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"


async def test_nobody_refuses_with_what_the_hub_alone_can_say(
    federation: SimFederation, agencies: Agencies
) -> None:
    """The asker would read that its enquiries are used up, or that it may not make any."""
    health, care = agencies
    who = await staff(health)
    request_id = await asked(federation, agencies)
    for code in ("kind_not_known", "over_quota", "over_own_quota", "may_not_enquire"):
        with_code = says(health, request_id, who["H. Visitor"], refusal=RefusalCode(code))
        error, sentence = await refused(with_code)
        assert error is E.NOT_ALLOWED
        known = sentence.partition("refuse with one of ")[2].split(", ")
        assert "not_proportionate" in known
        assert code not in known
    assert (await care.sent(request_id))["state"] == "waiting"
    await says(health, request_id, who["H. Visitor"])


async def test_what_is_passed_on_to_nobody_who_can_take_it_stays_where_it_is(
    federation: SimFederation, agencies: Agencies
) -> None:
    """It is urgent: duty has it at once."""
    health, _ = agencies
    who = await staff(health)
    request_id = await asked(federation, agencies)
    now = federation.clock()
    away = Away("C. Over", None, LATER, "")
    await health.write(lambda tables: people.away(tables, away, health.service.zone, now))

    def passed(person: int, to: str) -> Any:
        return refused(pass_on_now(health.service, request_id, person, to))

    codes = {
        "to who has it": (await passed(1, "D. Uty"))[0],
        "to who is away": (await passed(1, "C. Over"))[0],
        "to nobody": (await passed(1, "Nobody"))[0],
        "by who has it not": (await passed(who["N. Obody"], "N. Obody"))[0],
    }
    assert codes == {
        "to who has it": E.CONFLICT,
        "to who is away": E.CONFLICT,
        "to nobody": E.NOT_FOUND,
        "by who has it not": E.NOT_ALLOWED,
    }
    assert await with_whom(health, request_id) == ["D. Uty"]
    acts = await health.read(lambda tables: tables.people.acts())
    assert [act for act in acts if act.what == "passed_on"] == []


async def test_of_two_who_answer_at_once_one_is_first_and_the_other_is_told(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    who = await staff(health)
    request_id = await asked(federation, agencies)
    both = await asyncio.gather(
        says(health, request_id, 1),
        says(health, request_id, who["D. Uty"], refusal=NOT_NOW),
        return_exceptions=True,
    )
    (lost,) = [one for one in both if isinstance(one, BaseException)]
    assert isinstance(lost, LocalError)
    first = both.index(lost) == 1
    told = "H. Visitor (East) allowed it already" if first else "D. Uty refused it already"
    assert lost.detail.startswith(told)
    await federation.settle()
    assert len(await federation.entries("decision")) == 1
    assert (await care.sent(request_id))["state"] == ("opened" if first else "refused")


async def test_a_rule_answers_where_charter_and_agency_let_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    first = await asked(federation, agencies)
    await health.answer(first)
    await federation.settle()
    settings = health.service.answering._settings
    settings.answer_rules = {BASIS: {"*": "allow", "police": "ask"}}
    by_rule = await asked(federation, agencies)
    await federation.settle()
    assert (await care.sent(by_rule))["state"] == "opened"
    settings.answer_rules = {BASIS: {"childrens_social_care": "ask", "*": "allow"}}
    assert await with_whom(health, await asked(federation, agencies)) == ["H. Visitor"]

    await agree(federation, agencies, by_rule=["police"])
    settings.answer_rules, settings.answer_rule = {}, "allow"
    assert await with_whom(health, await asked(federation, agencies)) == ["H. Visitor"]
    assert await federation.entries("rejection") == [], "the node knows it without being told"
    assert await audited(federation) == set()
    settings.answer_rules = {"UK-OLD-1": {"*": "allow"}, "*": {"police": "ask", "priests": "ask"}}
    assert health.service.answering.unknown_rules() == ["UK-OLD-1", "priests"]


async def test_a_node_that_lets_a_rule_answer_all_the_same_is_refused_and_found(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    await health.answer(await asked(federation, agencies))
    await federation.settle()
    await agree(federation, agencies, by_rule=[])
    health.service.answering._settings.answer_rule = "allow"
    monkeypatch.setattr(answering, "rule_may_allow", lambda *_: True)
    request_id = await asked(federation, agencies)
    assert (await health.received(request_id))["state"] == "asks_person", "the hub did not take it"
    assert (await care.sent(request_id))["state"] == "waiting"
    assert await audited(federation) == set()

    monkeypatch.setattr(broker, "lacks_person", lambda *_: False)
    await asked(federation, agencies)
    await federation.settle()
    assert await audited(federation) == {(Severity.RULE, Code.PERSON_NEEDED)}


async def test_a_refusal_without_the_reason_that_is_wanted_is_refused_and_found(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    await agree(federation, agencies, reason_in_writing=True)
    request_id = await asked(federation, agencies)
    monkeypatch.setattr(answering, "reason_of", lambda *_: "")
    code, sentence = await refused(says(health, request_id, 1, refusal=NOT_NOW))
    assert (code, "waits for one again" in sentence) == (E.NOT_ALLOWED, True)
    assert (await health.received(request_id))["state"] == "asks_person"
    assert await audited(federation) == set()

    monkeypatch.setattr(broker, "lacks_reason", lambda *_: False)
    await says(health, request_id, 1, refusal=NOT_NOW)
    await federation.settle()
    sent = await shown(care, request_id)
    assert (sent["state"], sent["reason"], sent["reason_closed"]) == ("refused", None, False)
    assert await audited(federation) == {(Severity.RULE, Code.REASON_MISSING)}


async def test_what_was_written_is_kept_until_the_hub_has_it(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused once by the hub, then away: it is sent once, and nobody writes it twice."""
    health, care = agencies
    await agree(federation, agencies, reason_in_writing=True)
    who = await staff(health)
    request_id = await asked(federation, agencies)
    monkeypatch.setattr(broker, "lacks_reason", lambda *_: True)
    no = {"refusal": NOT_NOW}
    await refused(says(health, request_id, 1, **no, reason=WHY))
    monkeypatch.undo()
    item = await shown(health, request_id)
    assert (item["state"], item["reason"], item["answered_by"]) == (
        "asks_person", WHY, "H. Visitor (East)",
    )  # fmt: skip
    await pass_on_now(health.service, request_id, 1, "M. Anager")
    code, _ = await refused(says(health, request_id, who["M. Anager"], **no))
    assert code is E.NOT_READY, "nobody signs what another one wrote"

    await health.membership.begin()
    said = Answer(request_id, 1, NOT_NOW)
    await health.write(lambda tables: health.service.answering.answer(tables, said))
    federation.network.hub_down = True
    with pytest.raises(RemoteError):
        await health.service.advance()
    federation.network.hub_down = False
    await federation.settle()
    assert (await shown(care, request_id))["reason"] == WHY
    assert len(await federation.entries("decision")) == 1
    assert await audited(federation) - {(Severity.RULE, Code.REFUSAL_UNFOUNDED)} == set()


async def test_a_reason_that_does_not_open_is_said_and_the_refusal_counts(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await asked(federation, agencies)
    await says(health, request_id, 1, refusal=NOT_NOW, reason=WHY)
    sql = "UPDATE mailbox SET sealed = ? WHERE sealed IS NOT NULL"
    await federation.hub_write(lambda tables: tables.tx.run(sql, b"\x00" * 80))
    await federation.settle()
    sent = await shown(care, request_id)
    assert (sent["state"], sent["reason"], sent["reason_closed"]) == ("refused", None, True)
    left = await federation.hub_read(
        lambda tables: tables.tx.rows("SELECT sealed FROM mailbox WHERE sealed IS NOT NULL")
    )
    assert left == [], "fetched, and deleted"


async def test_a_reason_that_is_not_the_one_committed_to_is_not_shown(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an agency could write one thing to the asker and show an auditor another."""
    health, care = agencies
    request_id = await asked(federation, agencies)
    monkeypatch.setattr(WrittenReason, "commitment", "0c" * 32)
    await says(health, request_id, 1, refusal=NOT_NOW, reason=WHY)
    await federation.settle()
    sent = await shown(care, request_id)
    assert (sent["state"], sent["reason"], sent["reason_closed"]) == ("refused", None, True)


async def test_the_hub_takes_no_sealed_part_but_the_one_that_the_decision_names(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    request_id = await asked(federation, agencies)
    real = WrittenReason.of(
        health.membership, await received_request(health, request_id), "Something else."
    )
    spoilt = replace(real, part=replace(real.part, data=real.part.data + b"0"))
    monkeypatch.setattr(WrittenReason, "of", lambda *_: spoilt)
    code, _ = await refused(says(health, request_id, 1, refusal=NOT_NOW, reason=WHY))
    assert code is E.NOT_ALLOWED
    assert await federation.entries("decision") == []
    monkeypatch.setattr(WrittenReason, "of", lambda *_: real)
    await says(health, request_id, 1, refusal=NOT_NOW, reason=WHY)
    await federation.settle()
    assert (await shown(care, request_id))["reason"] == "Something else."


async def test_what_the_rules_refuse_is_their_answer_whoever_was_asked(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await agree(federation, agencies, reason_in_writing=True)
    request_id = await asked(federation, agencies)
    withdrawn = "UPDATE involvement SET withdrawn_at = 1 WHERE client = 1"
    await health.write(lambda tables: tables.tx.run(withdrawn))
    decision = await says(health, request_id, 1, refusal=NOT_NOW, reason=WHY)
    assert decision.code is RefusalCode.PERMISSION_ENDED
    await federation.settle()
    sent = await shown(care, request_id)
    assert (sent["code"], sent["reason"]) == ("permission_ended", None)
    assert await audited(federation) == set()


def test_what_a_person_types_to_pass_on_and_to_refuse(town: Town, tmp_path: Path) -> None:
    health, _ = town.now(two_agencies(town.federation))
    typed: list[tuple[tuple[str, ...], str]] = [
        (("add", "C. Over"), "C. Over may act here as worker: --as 'C. Over'.\n"),
        (
            ("add", "D. Uty", "--kind", "duty_worker", "--duty", "East"),
            "D. Uty may act here as duty worker: --as 'D. Uty'.\n",
        ),
        (
            ("away", "H. Visitor", *CHRISTMAS, "--cover", "C. Over"),
            "H. Visitor is away until the end of 31 December 2999; C. Over covers.\n",
        ),
    ]
    for words, printed in typed:
        assert register(town, health, *words).stdout == printed
    refusals: list[tuple[tuple[str, ...], str]] = [
        (("add", "E. Lse", "--duty", "Nowhere"), "nobody here is in a team of that name"),
        (("add", "E. Lse", "--manager", "all", "--manager", "East"), "or all, or none"),
        (("away", "C. Over", "--until", "next week"), "yyyy-mm-dd"),
        (("away", "C. Over", "--until", "2020-01-01"), "--until is the last day"),
        (("away", "C. Over", "--until", "9999-12-31"), "--until is the last day"),
        (
            ("away", "C. Over", "--from", "0001-01-01", "--until", "0001-01-02"),
            "--until is the last",
        ),
        (("away", "C. Over", "--until", "2999-12-31", "--cover", "C. Over"), "somebody else"),
        (("away", "H. Visitor", *CHRISTMAS), "away then already"),
        (("back", "E. Lse"), "nobody here has that name"),
    ]
    for words, sentence in refusals:
        said = register(town, health, *words)
        assert (said.exit_code, sentence in said.output) == (1, True), said.output
    listed = register(town, health, "list").stdout
    assert "E. Lse" not in listed, "nothing was half done"
    assert "    on duty: East\n" in listed
    assert "    away 24 December 2999 to 31 December 2999, C. Over covers\n" in listed

    assert asks(town, shown_to(town)[0]["reference"]).exit_code == 0
    town.now(town.federation.settle())
    (request,) = received(town, "Health visiting")
    request_id = request["request_id"]
    assert "    With D. Uty (on duty), until " in town.types("Health visiting", "inbox").stdout
    passing = ("pass", request_id, "--to", "C. Over")
    assert town.types("Health visiting", *passing).stdout == "It is with C. Over now.\n"
    assert (
        "With C. Over, passed on by H. Visitor (East), until"
        in town.types("Health visiting", "inbox").stdout
    )

    file = tmp_path / "why.txt"
    refusing = ("answer", request_id, "--refuse", "excluded_information", "--reason-file")
    file.write_bytes(b"\xff\xfe\x00")
    said = town.types("Health visiting", *refusing, str(file), who="C. Over")
    assert (said.exit_code, "not text in UTF-8" in said.output) == (1, True)
    file.write_text("é" * 2001, encoding="utf-8")
    said = town.types("Health visiting", *refusing, str(file), who="C. Over")
    assert (said.exit_code, "has 2001 characters" in said.output) == (1, True)
    assert len(file.read_text("utf-8")) == 2001, "the draft stays"
    file.write_text("Sealed by the court.\nAsk [bold]there[/bold].\n", encoding="utf-8")
    said = town.types("Health visiting", *refusing, str(file), who="C. Over")
    assert said.stdout == "Your answer is in the council's log.\n"
    town.now(town.federation.settle())
    theirs = town.types("Social care", "inbox").stdout
    assert (
        "    They wrote why:\n        Sealed by the court.\n        Ask [bold]there[/bold].\n"
        in theirs
    )
    assert "Written by C. Over:" in town.types("Health visiting", "inbox").stdout
    to = tmp_path / "shown.json"
    shows = ("disclose", request_id, "--to", str(to), "--with-reason")
    assert "may name your client" in town.types("Health visiting", *shows).stdout
    assert json.loads(to.read_bytes())["reason"]["value"].startswith("Sealed by")
    assert "is here." in register(town, health, "back", "H. Visitor").stdout
    assert "was not away." in register(town, health, "back", "H. Visitor").stdout


async def test_the_local_interface_answers_and_passes_on_for_whoever_has_the_token(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    api = await client_of(health.service)

    async def post(path: str, **body: Any) -> tuple[int, Any]:
        answer = await api.post(path, headers=BEARER, json=body)
        return answer.status, await answer.json()

    try:
        request_id = await asked(federation, agencies)
        path, one, by = "/v1/requests", {"request_id": request_id}, {"practitioner": "H. Visitor"}
        added = await post("/v1/people/add", name="C. Over", duty=["East"])
        assert added == (200, {"name": "C. Over"})
        assert (await post("/v1/people/add", name="N. Obody"))[0] == 200
        status, said = await post("/v1/people/add", name="E. Lse", manager=["Nowhere"])
        assert (status, said["code"]) == (404, "not_found")
        status, _ = await post(
            "/v1/people/away", name="H. Visitor", last="2026-10-02", cover="C. Over"
        )
        assert status == 200
        listed = (await post("/v1/people/list"))[1]["people"]
        assert [(one["name"], one["duty"], len(one["away"])) for one in listed] == [
            ("C. Over", ["East"], 0),
            ("H. Visitor (East)", [], 1),
            ("N. Obody", [], 0),
        ]
        _, value = await post("/v1/inbox")
        assert value["received"][0]["with"]["people"] == ["C. Over"]
        assert await post("/v1/people/back", name="H. Visitor") == (200, {"ended": 1})
        long_ago = {"first": "1960-01-01", "last": "2026-10-02"}
        status, said = await post("/v1/people/away", name="N. Obody", **long_ago)
        assert (status, said.get("from")) == (200, 1_789_945_200), "midnight of today in London"
        assert (await post("/v1/people/list"))[0] == 200
        assert await post("/v1/people/back", name="N. Obody") == (200, {"ended": 1})
        assert await post(f"{path}/pass", **one, to="N. Obody", **by) == (
            200,
            {"request_id": request_id, "with": "N. Obody"},
        )
        no = {"refusal": NOT_NOW.value, "practitioner": "N. Obody"}
        status, said = await post(f"{path}/answer", **one, reason="x" * 2001, **no)
        assert (status, said["code"]) == (400, "malformed")
        status, said = await post(
            f"{path}/answer", **one, refusal="because", practitioner="N. Obody"
        )
        assert (status, said["code"]) == (400, "malformed")
        assert await post(f"{path}/answer", **one, reason=WHY, **no) == (
            200,
            {"request_id": request_id, "refusal": NOT_NOW.value},
        )
        status, said = await post(f"{path}/answer", **one, refusal=None, **by)
        assert (status, said["detail"]) == (404, "N. Obody refused it already (not_proportionate)")
        await federation.settle()
        assert (await shown(care, request_id))["reason"] == WHY
        status, opening = await post(f"{path}/disclosure", **one, with_reason=True, **by)
        assert (status, opening["reason"]["value"]) == (200, WHY)
    finally:
        await api.close()
