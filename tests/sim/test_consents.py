"""A client agrees: to whom and for what is obeyed, a request rests on what both records say, and
taking it back reaches everything.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import node.requests.answering as answering
from node.actions import clients as acts
from node.actions.consents import receipt_of, show_consents
from node.actions.records import withdraw_now
from node.records.clients import apply_import
from node.records.importer.rows import ImportedRow, Permission, WorkerDetails
from node.store.objections import SaidBy
from node.store.people import PersonKind
from protocol.errors import ErrorCode as E
from protocol.errors import LocalError
from protocol.messages.bodies import RequestBody
from protocol.messages.statement import parse_statement
from protocol.requests.decide import Shown
from tests.sim.federation import AMEERA, AMIRA, DUTY, SAMIR, SimFederation, SimNode, row
from tests.sim.put_back import copy_aside, put_back
from tests.sim.test_api import BEARER, client_of
from tests.sim.test_audit_people import audited
from tests.sim.test_charter_change import accept, amend, follow
from tests.sim.test_disclosure import disclosed, opened
from tests.sim.test_ends import polled, shown
from tests.sim.test_identity_check import check
from tests.sim.test_identity_check import sent as sent_check
from tests.sim.test_people_cli import Town
from tests.sim.test_people_cli import town as town
from tests.sim.test_put_back import lost_by
from tests.sim.test_recalled_cards import CONSENT, files_with, to_decide
from tests.sim.test_restart import restart_hub

Three = tuple[SimNode, SimNode, SimNode]
DAY = 86_400
YOLA = WorkerDetails("Yola Worker", "Youth worker", "01632 960555", "yola@lea.example", "Lea")
DETAILS = (b"01632 960555", b"yola@lea.example", b"Yola Worker")
NO_CONSENT = "there is no consent of this client in force"
CHARITY, HEALTH, HOUSING = "Lea Youth", "Health visiting", "Housing"


def youth(work: str = "youth_work", permission: Permission | None = None) -> ImportedRow:
    """Amira at the charity, whose file says nothing of permission unless told."""
    return replace(row("y1", AMIRA, work, permission), worker=YOLA)


async def three(federation: SimFederation, *work: ImportedRow) -> Three:
    """A charity that works with Amira, and two agencies that do by a duty of theirs."""
    if work:
        await _shared(federation, *work)
    else:
        await federation.begin(_shared)
    charity, health, housing = federation.nodes.values()
    return charity, health, housing


async def _shared(federation: SimFederation, *work: ImportedRow) -> None:
    charity = await federation.join(CHARITY, "charity")
    health = await federation.join(HEALTH, "health_provider")
    housing = await federation.join(HOUSING, "housing")
    await charity.take_in(*(work or (youth(),)))
    await health.take_in(row("h1", AMEERA, "health_visiting", DUTY, "H. Visitor"))
    await housing.take_in(row("t1", AMIRA, "housing_tenancy", DUTY, "T. Officer"))
    for node in (charity, health, housing):
        await node.publish()
    await federation.round()


async def works_of(node: SimNode, local_id: str) -> set[str]:
    """What the charity does with a client, as another agency is shown it."""
    others = (await node.team(local_id)).others
    return {item.label for item in others if item.agency == CHARITY}


async def asks(federation: SimFederation, node: SimNode, local_id: str, **change: Any) -> str:
    """Ask the charity by consent for whom it has (`label`), and let everybody read their mail."""
    label = change.pop("label", "Youth work")
    others = (await node.team(local_id)).others
    (theirs,) = (item for item in others if (item.agency, item.label) == (CHARITY, label))
    said = {"role": "health_visitor", **CONSENT, **change}
    request_id = await node.ask(local_id, theirs.involvement_id, **said)
    await federation.settle()
    return request_id


async def card_of(federation: SimFederation, both: tuple[SimNode, SimNode], **change: Any) -> str:
    """A request of health visiting whose card is open."""
    charity, health = both
    request_id = await asks(federation, health, "h1", **change)
    await charity.answer(request_id)
    await federation.settle()
    assert (await health.sent(request_id))["state"] == "opened"
    return request_id


async def states(node: SimNode, *requests: str) -> list[str]:
    return [(await node.sent(request))["state"] for request in requests]


async def refusal(doing: Any) -> tuple[E, str]:
    with pytest.raises(LocalError) as caught:
        await doing
    return caught.value.code, caught.value.detail


async def test_a_client_who_agrees_to_health_alone_is_found_by_health_and_not_by_housing(
    federation: SimFederation,
) -> None:
    charity, health, housing = await three(federation)
    assert await works_of(health, "h1") == set(), "nobody agreed yet"
    await charity.agree("y1", classes=["health_provider"])
    await federation.round()
    assert await works_of(health, "h1") == {"Youth work"}
    assert await works_of(housing, "t1") == set()
    rows = await federation.hub_read(lambda t: t.tx.rows("SELECT involvements FROM stub"))
    said = [item for row_ in rows for item in json.loads(row_["involvements"])]
    assert sum("shown_to" in item for item in said) == 1, "others' rows keep their bytes"

    await charity.agree("y1", on="2026-09-10")  # now to everybody
    await federation.round()
    assert await works_of(housing, "t1") == {"Youth work"}
    await charity.agree("y1", on="2026-09-20", classes=["health_provider", "school"])
    await polled(federation, housing)
    await restart_hub(federation)
    assert await works_of(housing, "t1") == set(), "told at once, before any round"
    assert await works_of(health, "h1") == {"Youth work"}
    (work,) = (await show_consents(charity.service, "y1"))["work"]
    assert [item["state"] for item in work["consents"]] == ["in_force", "replaced", "replaced"]
    assert await audited(federation) == set()


async def test_a_hub_that_shows_what_the_consent_leaves_out_gets_no_card_by_it(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub forgets the classes; the holder does not, and the auditor finds the hub."""
    charity, _, housing = await three(federation)
    await charity.agree("y1", classes=["health_provider"])
    await housing.agree("t1")
    with monkeypatch.context() as patched:
        for module in ("hub.matching.terms", "protocol.requests.decide"):
            patched.setattr(f"{module}.decide_show", _shown_to_all)
        await federation.round()
        duty = {"basis": "UK-CA04-S10-S11", "facts": {"necessity": "A roof is needed."}}
        request_id = await asks(federation, housing, "t1", role="housing_officer", **duty)
    await federation.settle()
    sent = await housing.sent(request_id)
    assert (sent["state"], sent["code"]) == ("refused", "permission_ended")
    assert {code.value for _, code in await audited(federation)} & {
        "decision_differs", "round_item", "not_in_force",
    }  # fmt: skip


def _shown_to_all(charter: Any, viewer: str, item: Any, state: str, now: int) -> Any:
    del charter, viewer, item, now
    return Shown.INVOLVEMENT if state == "match" else Shown.NOTHING


async def test_a_request_rests_on_what_both_records_say(
    federation: SimFederation, tmp_path: Path
) -> None:
    charity, health, _ = await three(federation)
    await charity.agree("y1", classes=["health_provider"], purposes=["early_help"])
    await federation.round()

    # Without a record of the asker's own nothing leaves, and nobody types what it says.
    code, why = await refusal(asks(federation, health, "h1"))
    assert (code, "patchwork-node consent give" in why) == (E.NOT_READY, True)
    assert why.startswith(NO_CONSENT)
    code, why = await refusal(asks(federation, health, "h1", facts={"consent_date": "2026-09-01"}))
    assert (code, why.startswith("Date of consent")) == (E.MALFORMED, True)
    for narrow in ({"classes": ["school"]}, {"purposes": ["direct_care"]}):
        await health.agree("h1", **narrow)
        code, why = await refusal(asks(federation, health, "h1"))
        assert (code, "no consent of this client covers" in why) == (E.NOT_READY, True)
    assert await federation.entries("request") == []

    given_by = SaidBy.YOUNG_PERSON
    await health.agree("h1", given_by=given_by, on="2026-09-15", classes=["charity"])
    covered = await asks(federation, health, "h1")
    (entry,) = await federation.entries("request")
    facts = parse_statement(entry["envelope"]).expect(RequestBody).body.facts
    assert {name: facts[name] for name in ("consent_date", "consent_giver")} == {
        "consent_date": "2026-09-15",
        "consent_giver": "young_person",
    }
    assert set(facts) == {"consent_date", "consent_giver", "consent_form"}
    assert len(facts["consent_form"]) == 64, "a commitment"
    assert json.loads((await charity.received(covered))["facts"])["consent_form"] == "Form 4"
    await charity.answer(covered)
    await federation.settle()
    assert await states(health, covered) == ["opened"]

    # The holder's covers early help alone: another purpose is refused, though a person would allow.
    uncovered = await asks(federation, health, "h1", purpose="direct_care")
    sent = await health.sent(uncovered)
    assert (sent["state"], sent["code"]) == ("refused", "no_consent")

    # To work that is over nobody agrees any more.
    await health.write(lambda tables: tables.tx.run("UPDATE involvement SET ended_at = 1"))
    code, why = await refusal(asks(federation, health, "h1"))
    assert (code, why.startswith(NO_CONSENT)) == (E.NOT_READY, True)

    files = [await disclosed(charity, one, tmp_path / one) for one in (covered, uncovered)]
    told = [json.loads(file.read_bytes())["facts"]["consent_covers"] for file in files]
    assert told == [True, False]
    assert (await opened(federation, *files))[:2] == (0, [])


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        (lambda facts: replace(facts, consent_covers=True), []),
        (lambda facts: replace(facts, consent_covers=None), ["consent_unfounded"]),
    ],
    ids=["it says that there is one", "it does not look"],
)
async def test_a_holder_that_does_not_look_at_its_consent_is_found_by_the_auditor(
    federation: SimFederation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    facts: Callable[[Any], Any],
    found: list[str],
) -> None:
    """That a record is there nobody outside can see: what it says of it is what it answers for."""
    charity, health, _ = await three(federation)
    await charity.agree("y1", purposes=["direct_care"])
    await health.agree("h1")
    await federation.round()
    real = answering.Answering.facts
    monkeypatch.setattr(
        answering.Answering, "facts", lambda self, *given: facts(real(self, *given))
    )
    request_id = await asks(federation, health, "h1")
    await charity.answer(request_id)
    await federation.settle()
    file = await disclosed(charity, request_id, tmp_path / "disclosure")
    assert (await opened(federation))[:2] == (0, []), "from the log alone nobody can tell"
    assert (await opened(federation, file))[1] == found


async def test_a_consent_taken_back_for_one_work_leaves_the_other(
    federation: SimFederation,
) -> None:
    charity, health, _ = await three(federation, youth(), youth("early_help"))
    await charity.agree("y1")
    await health.agree("h1")
    await federation.round()
    both = (charity, health)
    assert await works_of(health, "h1") == {"Youth work", "Early help"}
    gone, stays = [
        await card_of(federation, both, label=label) for label in ("Youth work", "Early help")
    ]
    waiting = await asks(federation, health, "h1")
    assert files_with(health, *DETAILS)

    # The hub cannot be reached, and health visiting is away.
    away = federation.nodes.pop(HEALTH)
    federation.network.hub_down = True
    with pytest.raises(Exception, match="the hub was not told"):
        await withdraw_now(charity.service, "y1", 1, 1)
    federation.network.hub_down = False
    await restart_hub(federation)
    await charity.publish()
    await federation.settle()
    federation.nodes[HEALTH] = away
    await federation.settle()
    assert await works_of(health, "h1") == {"Early help"}
    assert await states(health, gone, stays, waiting) == ["recalled", "opened", "refused"]
    assert (await health.sent(waiting))["code"] == "permission_ended"
    assert files_with(health, *DETAILS), "the other card is still here"
    assert await charity.publish() is not None
    said = [
        (item["type"], [one["state"] for one in item["consents"]])
        for item in (await show_consents(charity.service, "y1"))["work"]
    ]
    assert said == [("youth_work", ["withdrawn"]), ("early_help", ["in_force"])]

    assert await withdraw_now(charity.service, "y1", 1) == 1
    await federation.settle()
    assert await states(health, gone, stays) == ["recalled", "recalled"]
    assert files_with(health, *DETAILS) == set()
    assert await works_of(health, "h1") == set()
    assert await audited(federation) == set()


async def test_a_consent_given_anew_for_less_takes_back_what_it_leaves_out(
    federation: SimFederation,
) -> None:
    """Nothing is withdrawn in word; in deed it is, from who is left out."""
    charity, health, housing = await three(federation)
    await charity.agree("y1")
    await health.agree("h1")
    await housing.agree("t1")
    await federation.round()
    of_health = await card_of(federation, (charity, health))
    officer = {"role": "housing_officer"}
    of_housing = await asks(federation, housing, "t1", **officer)
    await charity.answer(of_housing)
    duty = {"basis": "UK-CA04-S10-S11", "facts": {"necessity": "A roof is needed."}}
    by_duty = await asks(federation, housing, "t1", **officer, **duty)
    await charity.answer(by_duty)
    await federation.settle()
    waiting = await asks(federation, housing, "t1", **officer)
    await charity.agree("y1", on="2026-09-20", classes=["health_provider"])
    await federation.settle()
    assert await states(health, of_health) == ["opened"]
    assert await states(housing, of_housing, by_duty) == ["recalled", "opened"]
    sent = await housing.sent(waiting)
    assert (sent["state"], sent["code"]) == ("refused", "permission_ended")
    assert await to_decide(charity) == {by_duty}, "a duty needs no consent: a person decides"


async def test_a_consent_given_anew_for_another_purpose_takes_back_what_it_no_longer_covers(
    federation: SimFederation,
) -> None:
    """Health visiting may still know of the work, and keeps what rests on a duty."""
    charity, health, _ = await three(federation)
    await charity.agree("y1")
    await health.agree("h1")
    await federation.round()
    duty = {"basis": "UK-CA04-S10-S11", "facts": {"necessity": "She is small."}}
    covered, by_duty = [await card_of(federation, (charity, health), **ask) for ask in ({}, duty)]
    waiting = await asks(federation, health, "h1")
    await charity.agree("y1", on="2026-09-20", purposes=["direct_care"])
    await federation.settle()
    assert await states(health, covered, by_duty, waiting) == ["recalled", "opened", "refused"]
    assert (await health.sent(waiting))["code"] == "no_consent"
    assert await works_of(health, "h1") == {"Youth work"}
    assert await to_decide(charity) == set(), "nobody needs to decide"


async def test_what_the_askers_own_client_takes_back_ends_what_rests_on_it_there(
    federation: SimFederation,
) -> None:
    """Health visiting works with Amira by a duty too: the link goes on, and so does that card."""
    nurse = row("h1", AMEERA, "school_nursing", DUTY, "N. Nurse")
    charity, health, _ = await three(federation)
    await health.take_in(row("h1", AMEERA, "health_visiting", DUTY, "H. Visitor"), nurse)
    await health.publish()
    await charity.agree("y1")
    await health.agree("h1", work=1)
    await federation.round()
    both = (charity, health)
    by_consent = await card_of(federation, both)
    duty = {"basis": "UK-CA04-S10-S11", "facts": {"necessity": "She is small."}}
    by_duty = await card_of(federation, both, **duty)
    waiting = await asks(federation, health, "h1")
    assert files_with(health, *DETAILS)
    federation.network.hub_down = True
    with pytest.raises(Exception, match="the hub was not told"):
        await withdraw_now(health.service, "h1", 1, 1)
    await health.service.dispatcher.keeping.step()
    assert await states(health, by_consent, waiting, by_duty) == ["expired", "stopped", "opened"]
    federation.network.hub_down = False
    await federation.settle()
    await charity.answer(waiting)
    await federation.settle()
    assert await states(health, waiting) == ["stopped"], "what comes now stays closed"
    assert (await health.sent(by_consent))["card"] is None
    assert await works_of(health, "h1") == {"Youth work"}
    code, _ = await refusal(asks(federation, health, "h1"))
    assert code is E.NOT_READY
    assert await audited(federation) == set()


async def test_a_consent_from_before_the_withdrawal_does_not_end_it(
    federation: SimFederation,
) -> None:
    charity, health, _ = await three(federation)
    await charity.agree("y1")
    await federation.round()
    await withdraw_now(charity.service, "y1", 1)
    today = datetime.fromtimestamp(federation.clock(), UTC).date().isoformat()
    for day in ("2026-09-01", "2026-09-20", today):
        code, why = await refusal(charity.agree("y1", on=day))
        assert (code, f"withdrawn on {today}" in why) == (E.CONFLICT, True)
    await charity.take_in(
        youth(permission=Permission("UK-CONSENT", date(2028, 1, 1), date(2026, 9, 20)))
    )
    await charity.publish()
    await federation.round()
    assert await works_of(health, "h1") == set()
    assert (await charity.agree("y1", on="now")) == [2], "this minute is after it"
    await federation.round()
    assert await works_of(health, "h1") == {"Youth work"}
    federation.clock.now += DAY
    await withdraw_now(charity.service, "y1", 1)
    federation.clock.now += DAY
    await charity.agree("y1", on="today")
    await federation.round()
    assert await works_of(health, "h1") == {"Youth work"}


async def test_a_consent_ends_with_its_last_day(federation: SimFederation) -> None:
    charity, health, _ = await three(federation)
    await charity.agree("y1", until="2026-10-01")
    await health.agree("h1")
    await federation.round()
    request_id = await card_of(federation, (charity, health))
    over = int(datetime(2026, 10, 2, tzinfo=UTC).timestamp())
    assert (await health.sent(request_id))["keep_until"] == over
    federation.clock.now = over
    federation.network.hub_down = True
    await health.service.dispatcher.keeping.step()
    assert await states(health, request_id) == ["expired"], "nobody had to say so"
    assert files_with(health, *DETAILS) == set()
    federation.network.hub_down = False
    await federation.settle()
    await federation.round()
    assert await works_of(health, "h1") == set()
    (work,) = (await show_consents(charity.service, "y1"))["work"]
    assert [item["state"] for item in work["consents"]] == ["expired"]


async def test_what_was_taken_back_since_a_backup_does_not_come_back_with_it(
    federation: SimFederation, tmp_path: Path
) -> None:
    """One work was withdrawn, and one consent given anew for less: the records of both are lost."""
    works = (youth(), youth("early_help"), youth("care_leaver"))
    charity, health, housing = await three(federation, *works)
    await charity.agree("y1")
    await federation.round()
    copy_aside(charity, tmp_path / "copy")
    await withdraw_now(charity.service, "y1", 1, 1)
    await charity.agree("y1", work=2, on="2026-09-20", classes=["health_provider"])
    await federation.round()
    assert await works_of(housing, "t1") == {"Care leaver"}
    charity = await put_back(federation, charity, tmp_path / "copy")
    await federation.settle()
    assert (await lost_by(charity)).withdrawn == ("y1",)
    await charity.take_in(*(replace(work, permission=DUTY) for work in (youth(), works[1])))
    await charity.publish()
    await federation.round()
    for other, client in ((health, "h1"), (housing, "t1")):
        assert await works_of(other, client) == {"Care leaver"}, "not by the next file either"


async def test_a_card_by_consent_is_kept_no_longer_than_the_consent_beside_a_duty(
    federation: SimFederation,
) -> None:
    """The charity shares by a duty of its own; the consent is beside that, and narrows nothing."""
    charity, health, housing = await three(federation, youth(permission=DUTY))
    await charity.agree("y1", until="2026-10-01", classes=["health_provider"])
    await health.agree("h1")
    await housing.agree("t1")
    await federation.round()
    assert await works_of(housing, "t1") == {"Youth work"}
    refused = await asks(federation, housing, "t1", role="housing_officer")
    assert (await housing.sent(refused))["code"] == "no_consent"
    request_id = await card_of(federation, (charity, health))
    over = int(datetime(2026, 10, 2, tzinfo=UTC).timestamp())
    assert (await health.sent(request_id))["keep_until"] == over


async def test_a_file_neither_ends_nor_widens_what_a_person_recorded(
    federation: SimFederation,
) -> None:
    charity, health, housing = await three(federation)
    await charity.agree("y1", classes=["health_provider"])
    for permission in (None, DUTY, Permission("UK-CONSENT", date(2030, 1, 1), date(2026, 9, 20))):
        rows = [youth(permission=permission)]
        report = await charity.write(partial(apply_import, rows=rows, now=federation.clock()))
        assert report.without_permission == 0, "there is one, whatever the file says"
        await charity.publish()
        await federation.round()
        assert await works_of(health, "h1") == {"Youth work"}
        assert await works_of(housing, "t1") == set()
    await withdraw_now(charity.service, "y1", 1, 1)
    await charity.take_in(youth(permission=DUTY))
    await charity.publish()
    await federation.round()
    assert await works_of(health, "h1") == set()


async def test_an_imported_consent_is_the_holders_and_says_the_asker_no_more_than_the_day(
    federation: SimFederation, tmp_path: Path
) -> None:
    agreed = Permission("UK-CONSENT", date(2028, 1, 1), date(2026, 9, 1))
    charity, health, _ = await three(federation, youth(permission=agreed))
    await federation.round()
    await health.take_in(row("h1", AMEERA, "health_visiting", agreed, "H. Visitor"))
    code, why = await refusal(asks(federation, health, "h1"))
    assert (code, why.startswith("Who gave consent?")) == (E.NOT_READY, True)
    await health.agree("h1")
    request_id = await asks(federation, health, "h1")
    assert (await charity.received(request_id))["state"] == "asks_person", "it is covered"
    await charity.answer(request_id)
    await federation.settle()
    file = await disclosed(charity, request_id, tmp_path / "disclosure")
    assert json.loads(file.read_bytes())["facts"]["consent_covers"] is True
    await federation.settle()
    assert await states(health, request_id) == ["opened"]
    await charity.take_in(youth(permission=DUTY))  # the file knows of no consent any more
    await federation.settle()
    assert await states(health, request_id) == ["recalled"]
    undated = Permission("UK-CONSENT", date(2028, 1, 1), None)
    await charity.take_in(youth(permission=undated))
    again = await asks(federation, health, "h1")
    assert (await health.sent(again))["code"] == "no_consent", "on no day is no consent"


async def test_consents_stay_with_the_work_when_two_clients_are_one_and_are_two_again(
    federation: SimFederation,
) -> None:
    other = replace(row("y2", SAMIR, "early_help", None), worker=YOLA)
    charity, health, housing = await three(federation, youth(), other)
    await charity.agree("y1", classes=["health_provider"])
    await charity.agree("y2", classes=["housing"])
    await acts.merge_clients(charity.service, "y2", "y1", 1)
    await federation.round()
    assert await works_of(health, "h1") == {"Youth work"}
    assert await works_of(housing, "t1") == {"Early help"}
    value = await show_consents(charity.service, "y1")
    assert [len(item["consents"]) for item in value["work"]] == [1, 1]
    assert await withdraw_now(charity.service, "y1", 1, 2) == 1
    await acts.part_clients(charity.service, "y2", 1)
    (work,) = (await show_consents(charity.service, "y2"))["work"]
    assert [item["state"] for item in work["consents"]] == ["withdrawn"]


async def test_nobody_compares_identities_on_a_consent_that_does_not_cover_it(
    federation: SimFederation, unsure: tuple[SimNode, SimNode]
) -> None:
    health, care = unsure
    by_consent: dict[str, Any] = {**CONSENT}
    await care.agree("c1", purposes=["direct_care"])
    code, why = await refusal(check(care, **by_consent))
    assert (code, "covers that organisation and this purpose" in why) == (E.NOT_READY, True)
    await care.agree("c1", classes=["health_provider"])
    code, why = await refusal(check(care, **by_consent))
    assert (code, "who is at the other end" in why) == (E.NOT_READY, True)
    await care.agree("c1")
    refused = await check(care, **by_consent)
    await federation.settle()
    sent = await sent_check(care, refused)
    assert (sent["answer"], sent["code"]) == ("refused", "no_consent")
    await health.agree("h1", classes=["childrens_social_care"])
    asked = await check(care, **by_consent)
    await federation.settle()
    assert (await sent_check(care, asked))["answer"] is None, "it is with a person"


async def test_what_a_consent_may_not_say_is_refused_and_nothing_is_kept(
    federation: SimFederation,
) -> None:
    charity, _, _ = await three(federation)
    wrong: list[tuple[dict[str, Any], E, str]] = [
        ({"classes": ["gardeners"]}, E.NOT_FOUND, "there are these classes"),
        ({"purposes": ["safeguarding_child"]}, E.NOT_FOUND, "there are these purposes: early_help"),
        ({"basis": "UK-CA89-S17"}, E.NOT_FOUND, "on consent: UK-CONSENT"),
        ({"on": "2026-12-24"}, E.MALFORMED, "consent date: the date is in the future"),
        ({"on": "soon"}, E.MALFORMED, "consent date"),
        ({"until": "2026-09-20"}, E.MALFORMED, "ended on 2026-09-20"),
        ({"until": "never"}, E.MALFORMED, "permission valid until"),
        ({"wording": " "}, E.MALFORMED, "wording: say it in one line"),
        ({"evidence": "x" * 201}, E.MALFORMED, "evidence: say it in one line"),
        ({"work": 2}, E.NOT_FOUND, "no work of that number"),
    ]
    for change, code, words in wrong:
        found, why = await refusal(charity.agree("y1", **change))
        assert (found, words in why) == (code, True), (change, why)
    assert (await refusal(charity.agree("nobody")))[0] is E.NOT_FOUND
    await acts.close_work(charity.service, "y1", None, 1)
    code, why = await refusal(charity.agree("y1"))
    assert (code, "clients reopen" in why) == (E.CONFLICT, True)
    assert await charity.read(lambda tables: tables.count("consent")) == 0


async def test_a_charter_of_before_goes_on_and_a_stricter_one_binds_at_once(
    federation: SimFederation,
) -> None:
    charity, health, _ = await three(federation, youth(permission=DUTY))
    whole = (await federation.charter()).to_value()
    shipped = whole["lawful_bases"]
    consent = next(item for item in shipped if item["code"] == "UK-CONSENT")
    typed = [
        {name: rule[name] for name in ("field", "title", "type", "choices")}
        for rule in consent["must_record"]
        if rule["side"] == "asker"
    ]
    others = [item for item in shipped if item is not consent]
    before = [*others, {**consent, "must_record": typed}]
    await amend(federation, {**whole, "lawful_bases": before})
    await follow(charity, health)
    assert charity.membership.unaccepted(), "typed facts again loosen"
    await accept(federation, charity, health)
    facts = {"consent_date": "2026-09-01", "consent_giver": "client", "consent_form": "A1"}
    request_id = await asks(federation, health, "h1", facts=facts)
    await charity.answer(request_id)
    await federation.settle()
    assert await states(health, request_id) == ["opened"], "as it was, without any record"
    kept = json.loads((await charity.received(request_id))["disclosure"])["facts"]
    assert "consent_covers" not in kept

    whole = (await federation.charter()).to_value()
    await amend(federation, {**whole, "lawful_bases": shipped})
    await follow(charity, health)
    await federation.settle()
    assert await states(health, request_id) == ["opened"], "another charter takes back nothing"
    assert not charity.membership.unaccepted()
    code, _ = await refusal(asks(federation, health, "h1", facts=facts))
    assert code is E.MALFORMED
    assert await audited(federation) == set()


async def test_a_consent_by_whom_the_charter_does_not_take_is_no_ground(
    federation: SimFederation,
) -> None:
    charity, health, _ = await three(federation, youth(permission=DUTY))
    whole = (await federation.charter()).to_value()
    for basis in whole["lawful_bases"]:
        for rule in basis["must_record"]:
            if rule["field"] == "consent_giver":
                rule["choices"] = ["client"]
    await amend(federation, whole)
    await follow(charity, health)
    await accept(federation, charity, health)
    await health.agree("h1", given_by=SaidBy.PARENTAL_RESPONSIBILITY)
    code, why = await refusal(asks(federation, health, "h1"))
    assert code is E.NOT_ALLOWED
    assert "Who gave consent?" in why
    assert "does not take: parental responsibility" in why
    assert await federation.entries("request") == []
    await health.agree("h1", on="2026-09-10")
    await asks(federation, health, "h1")
    assert len(await federation.entries("request")) == 1


@pytest.mark.parametrize("why", ["the charter has ceased to", "an earlier program did not"])
async def test_a_card_stays_if_nobody_asks_for_the_holders_consent(
    federation: SimFederation, why: str
) -> None:
    charity, health, _ = await three(federation)
    await charity.agree("y1")
    await health.agree("h1")
    await federation.round()
    card = await card_of(federation, (charity, health))
    if why == "an earlier program did not":
        sql = "UPDATE received_request SET disclosure = NULL"
        await charity.write(lambda tables: tables.tx.run(sql))
    else:
        whole = (await federation.charter()).to_value()
        for basis in whole["lawful_bases"]:
            rules = basis["must_record"]
            basis["must_record"] = [rule for rule in rules if rule.get("side") != "holder"]
        await amend(federation, whole)
        await accept(federation, charity, health)
    await charity.agree("y1", on="2026-09-20", purposes=["direct_care"])
    await federation.settle()
    assert await states(health, card) == ["opened"]


def test_consent_as_it_is_typed(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.now(three(town.federation, youth(), youth("early_help")))
    by = {"who": "Yola Worker"}
    bare = town.types(CHARITY, "consent", "give", "y1", **by)
    assert (bare.exit_code, "say it with --work: 1, 2, all" in bare.output) == (1, True)
    half = town.types(CHARITY, "consent", "give", "y1", "--work", "1", **by)
    assert "--by: client, parental_responsibility, young_person, attorney" in half.output
    given = ("--by", "client", "--how", "by_telephone", "--on", "2026-09-01", "--until", "1/9/2028")
    scope = ("--to", "health_provider", "--purpose", "all", "--evidence", "File 7, p. 2")
    wide = town.types(
        CHARITY, "consent", "give", "y1", "--work", "1", *given, "--wording", "F4", **by
    )
    assert "say it with --to: all, childrens_social_care" in wide.output, "silence is not all"
    typed = ("consent", "give", "y1", "--work", "1", *given, "--wording", "F4", *scope)
    said = town.types(CHARITY, *typed, **by)
    assert (said.exit_code, "Consent 1 is recorded" in said.output) == (0, True), said.output

    # At a keyboard everything is asked for, and chosen from lists.
    keyboard = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    answers = iter([2, 2, 1, "today", "1/9/2027", "Form 5", "9", "2, 3", ""])
    with monkeypatch.context() as patched:
        patched.setattr("node.cli.prompts.sys", keyboard)
        patched.setattr("node.cli.prompts.typer.prompt", lambda *_, **__: next(answers))
        asked = town.types(CHARITY, "consent", "give", "y1", **by)
    assert (asked.exit_code, next(answers, "all asked")) == (0, "all asked"), asked.output
    for line in ("2. Early help", "3. everything that goes on", "2. Somebody with parental",
                 "1. In writing", "3. Health provider", "2. Give direct care"):  # fmt: skip
        assert line in asked.output
    assert "Please type numbers from 1 to" in asked.output
    value = json.loads(town.types(CHARITY, "consent", "show", "y1", "--json", **by).output)
    first, second = (item["consents"][0] for item in value["work"])
    assert (first["evidence"], first["how"], first["until"]) == (
        "File 7, p. 2", "by_telephone", "2028-09-01",
    )  # fmt: skip
    assert (second["given_by"], second["classes"]) == (
        "parental_responsibility", ["adult_social_care", "health_provider"],
    )  # fmt: skip
    told = town.types(CHARITY, "consent", "show", "y1", **by).output
    assert "to: health provider; for: all; recorded by Yola Worker (Lea)" in told

    receipt = tmp_path / "receipt.json"
    written = town.types(CHARITY, "consent", "receipt", "1", "--to", str(receipt), **by)
    assert (written.exit_code, "Nothing of it was sent" in written.output) == (0, True)
    fields = json.loads(receipt.read_text("utf-8"))
    assert fields["schema_version"] == "ISO/IEC TS 27560:2023"
    (processing,) = fields["pii_processing"]
    assert processing["recipient_third_parties"] == ["health_provider"]
    assert processing["withdrawal_method"] == "tell your worker, or call 01632 960100 (Always)"
    assert (fields["events"][0]["event_time"], fields["events"][0]["validity_duration"]) == (
        "2026-09-01", "P732D",
    )  # fmt: skip
    page = receipt.with_suffix(".txt").read_text("utf-8")
    for words in ("Your consent, for Amira Hassan", "  - Health provider", "Give direct care",
                  "until 1 September 2028", "01632 960100 (Always)", "Wording: F4"):  # fmt: skip
        assert words in page
    assert "Housing" not in page
    again = town.types(CHARITY, "consent", "receipt", "1", "--to", str(receipt), **by)
    assert again.exit_code == 1, "what is there is not written over"
    beside = ("consent", "receipt", "1", "--to", str(tmp_path / "receipt.j"))
    assert town.types(CHARITY, *beside, **by).exit_code == 1, "nor the page"
    assert {path.name for path in tmp_path.glob("receipt*")} == {"receipt.json", "receipt.txt"}
    assert town.types(CHARITY, "consent", "receipt", "9", "--to", "x", **by).exit_code == 1

    off = town.types(CHARITY, "consent", "withdraw", "y1", "--work", "1", **by)
    assert "Permission withdrawn for 1 involvement;" in off.output
    told = town.types(CHARITY, "consent", "show", "y1", **by).output
    assert "taken down by Yola Worker (Lea)" in told
    whole = town.types(CHARITY, "withdraw", "y1", **by)
    assert "Permission withdrawn for 1 involvement;" in whole.output
    sent = [bytes(item) for item in town.federation.network.captured]
    for secret in (b"File 7", b"Form 5", b"by_telephone"):
        assert not any(secret in item for item in sent), "the record stays at the node"


async def test_consent_over_http(federation: SimFederation) -> None:
    charity, health, _ = await three(federation)
    await charity.write(
        lambda t: t.tx.run("UPDATE practitioner SET kind = ?", PersonKind.WORKER.value)
    )
    api = await client_of(charity.service)

    async def posts(what: str, **body: Any) -> tuple[int, Any]:
        answer = await api.post(f"/v1/clients/consent/{what}", headers=BEARER, json=body)
        return answer.status, await answer.json()

    by = {"practitioner": "Yola Worker"}
    said: dict[str, Any] = {
        "client": "y1", "work": None, "given_by": "attorney", "how": "by_video", "on": "today",
        "until": "2027-09-01", "wording": "Form 4", "classes": ["health_provider"], "purposes": [],
    }  # fmt: skip
    try:
        assert (await api.post("/v1/clients/consent/give", json={**said, **by})).status == 401
        assert await posts("give", **said, **by) == (200, {"consents": [1]})
        for wrong in ({"how": "by_pigeon"}, {"given_by": "a neighbour"}, {"classes": ["X"]}):
            assert (await posts("give", **{**said, **wrong}, **by))[0] == 400
        missing = {name: value for name, value in said.items() if name != "classes"}
        assert (await posts("give", **missing, **by))[0] == 400, "silence is not all"
        assert (await posts("give", **said, practitioner="Nobody"))[0] == 404
        await federation.round()
        assert "Youth work" in await shown(health, "h1")
        _, value = await posts("show", client="y1")
        assert [one["state"] for one in value["work"][0]["consents"]] == ["in_force"]
        _, made = await posts("receipt", consent=1)
        assert made["receipt"]["record_id"] in made["text"]
        assert "your attorney, by video" in made["text"]
        assert await posts("withdraw", client="y1", work=1, **by) == (
            200,
            {"withdrawn": 1, "still_findable": []},
        )
        status, refused = await posts("give", **{**said, "on": "2026-09-01"}, **by)
        assert (status, refused["code"]) == (409, "conflict")
        assert (await posts("receipt", consent=9))[0] == 404
    finally:
        await api.close()
    made = await receipt_of(charity.service, 1)
    assert "It was taken back on 21 September 2026." in made.text
    assert [item["event_state"] for item in made.value["events"]] == ["given", "withdrawn"]
