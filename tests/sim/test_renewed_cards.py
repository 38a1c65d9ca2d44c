"""A worker's number changes: the cards that carry it go, and new ones come without anybody asking.
specs/06-requests.md §7, Renewed cards.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.case.case import Case
from audit.findings import FindingCode as Code
from audit.report.figures import audit_case
from audit.rules.history import RENEWAL
from hub.exchange.requests import Broker
from node.actions.cards import take_back_now
from node.actions.people import let_go_now, recall_now
from node.actions.records import withdraw_now
from node.membership.details import change_details
from node.records.importer.rows import WorkerDetails
from node.requests import keeping
from node.requests.without_quorum import Urgent
from protocol.errors import ErrorCode as E
from protocol.messages.bodies import ReleaseBody
from protocol.messages.log import ProvisionalBody
from protocol.messages.review import RecallBody
from protocol.messages.statement import parse_statement
from tests.sim.federation import SimFederation, SimNode
from tests.sim.lying_hub import delivered
from tests.sim.put_back import copy_aside, put_back, started
from tests.sim.test_audit_people import audited
from tests.sim.test_charter_change import follow
from tests.sim.test_objection import objects
from tests.sim.test_recalled_cards import (
    CONSENT,
    DAY,
    HELEN,
    PHONE,
    amira,
    files_with,
    inbox,
    known,
    opened,
    states,
)
from tests.sim.test_refusals_hub import but, last, says
from tests.sim.test_refusals_node import nothing_set_aside
from tests.sim.test_restart import restart_hub
from tests.sim.test_stolen_node import ordered
from tests.sim.test_unwitnessed_card import VITAL, wake
from tests.sim.test_without_quorum import sleep

Agencies = tuple[SimNode, SimNode]
NEW, NEWEST = "01632 960888", "01632 960999"


async def has_number(health: SimNode, phone: str) -> None:
    """The next file says that Helen has another number."""
    await health.take_in(replace(amira(), worker=replace(HELEN, phone=phone)))


async def phone_on(care: SimNode, request_id: str) -> str | None:
    card = (await inbox(care))[request_id]["card"]
    return card["phone"] if card else None


async def text_of(node: SimNode, request_id: str) -> str:
    return str((await inbox(node))[request_id]["state_text"])


async def counts(federation: SimFederation, *kinds: str) -> list[int]:
    return [len(await federation.entries(kind)) for kind in kinds]


async def goes_first(federation: SimFederation, health: SimNode) -> None:
    """The number changes, and the old cards go. The holder has not heard of it yet."""
    await has_number(health, NEW)
    away = federation.nodes.pop("Health visiting")
    await health.service.advance()
    await federation.settle()
    federation.nodes["Health visiting"] = away


async def in_between(federation: SimFederation, agencies: Agencies, request_id: str) -> None:
    """The old card of a request is gone, and the new one has not left."""
    health, care = agencies
    await goes_first(federation, health)
    assert await states(care, request_id) == ["recalled"]
    assert await counts(federation, "recall_done") == [1]


async def released_again(federation: SimFederation, health: SimNode, count: int = 2) -> None:
    """The new card lies in the mailbox of social care."""
    while len(await federation.entries("release")) < count:
        await federation.checkpoint()
        await health.service.receive(wait=0)
        await health.service.advance()


async def test_a_new_number_reaches_who_has_a_card_without_anybody_asking(
    federation: SimFederation, agencies: Agencies, request_id: str
) -> None:
    health, care = agencies
    before = (await last(federation, "release")).body
    federation.clock.now += 8 * DAY  # the request has expired, the card may be kept
    await federation.checkpoint()
    await has_number(health, PHONE)
    await federation.settle()
    assert await counts(federation, "recall") == [0], "the same number again moves nothing"

    await has_number(health, NEW)
    away = federation.nodes.pop("Social care")
    await health.service.advance()  # the recall leaves
    await restart_hub(federation)
    await federation.settle()
    assert "being renewed" in await text_of(health, request_id)
    assert await counts(federation, "recall", "release") == [1, 1], "no second card before"
    federation.nodes["Social care"] = away
    there = federation.nodes.pop("Health visiting")
    await federation.settle()
    assert files_with(care, PHONE.encode()) == set(), "the old number is in no file"
    assert (await inbox(care))[request_id]["card"] is None
    assert "a new one comes by itself" in await text_of(care, request_id)

    await there.membership.engine.close()  # the holder stops in between
    health = await started(federation, "Health visiting", there)
    await restart_hub(federation)
    await has_number(health, NEWEST)  # and it changes once more meanwhile
    await federation.settle()
    assert await phone_on(care, request_id) == NEWEST
    assert "this is the new card" in await text_of(care, request_id)
    assert files_with(care, PHONE.encode(), NEW.encode()) == set()
    assert "since renewed" in await text_of(health, request_id)
    kinds = ("request", "decision", "recall", "recall_done", "release", "receipt")
    assert await counts(federation, *kinds) == [1, 1, 1, 1, 2, 2]
    again = (await last(federation, "release")).body
    assert again.keep_until == before.keep_until, "it may be kept no longer than the first"
    assert again.decision == before.decision
    for node in (health, care):
        await nothing_set_aside(node)
    assert await audited(federation) == set()
    case = audit_case(Case(federation.folder / "case"), None, [])
    days = case.history.days.values()
    assert [sum(day[kind] for day in days) for kind in ("release", "receipt", RENEWAL)] == [
        *(1, 1, 2),
    ], "the report counts one disclosure"

    await has_number(health, PHONE)  # once more on the same day: that waits for the next
    await federation.settle()
    assert await phone_on(care, request_id) == NEWEST
    federation.clock.now += DAY
    await federation.settle()
    assert await phone_on(care, request_id) == PHONE
    assert files_with(care, NEWEST.encode()) == set()
    await take_back_now(health.service, request_id, 1)  # and it is recalled like any other
    await federation.settle()
    assert await states(care, request_id) == ["recalled"]
    assert files_with(care, PHONE.encode()) == set()
    assert "states that its node deleted" in await text_of(health, request_id)
    assert await audited(federation) == set()


async def nothing_more_leaves(federation: SimFederation, agencies: Agencies, cards: int) -> None:
    """No new card, today or on another day, whatever the number is."""
    health, care = agencies
    await federation.settle()
    await has_number(health, NEWEST)
    federation.clock.now += DAY
    await federation.settle()
    sent = await care.read(lambda tables: tables.tx.rows("SELECT card FROM sent_request"))
    assert [item["card"] for item in sent] == [None] * cards
    assert await counts(federation, "release", "recall", "recall_done") == [cards] * 3
    assert await audited(federation) == set()


@pytest.mark.parametrize("heard", [True, False], ids=["heard", "unheard"])
async def test_no_new_card_leaves_if_a_person_takes_it_back_or_the_client_objects_in_between(
    federation: SimFederation, agencies: Agencies, heard: bool
) -> None:
    """Whether or not the holder has heard that the old card is gone."""
    health, _ = agencies
    await known(federation, health)
    taken_back, objected_to = [await opened(federation, agencies) for _ in range(2)]
    await goes_first(federation, health)
    if heard:
        while await health.service.receive(wait=0):
            pass
        assert "the new one is on its way" in await text_of(health, taken_back)
    await objects(health)
    await take_back_now(health.service, taken_back, 1)
    await nothing_more_leaves(federation, agencies, 2)
    assert "states that its node deleted" in await text_of(health, taken_back) or heard
    for request_id in (taken_back, objected_to):
        assert (await text_of(health, request_id)).startswith("recalled")


async def test_no_new_card_leaves_if_the_permission_is_withdrawn_in_between(
    federation: SimFederation, agencies: Agencies, request_id: str
) -> None:
    health, _ = agencies
    await in_between(federation, agencies, request_id)
    await withdraw_now(health.service, "h1", 1)
    await nothing_more_leaves(federation, agencies, 1)
    assert "not renewed" in await text_of(health, request_id)


@pytest.mark.parametrize("by_asker", [True, False], ids=["asker", "holder"])
async def test_no_new_card_leaves_after_the_wrong_person(
    federation: SimFederation, agencies: Agencies, by_asker: bool
) -> None:
    """Nor another over that link, which is on its way too."""
    health, care = agencies
    await known(federation, health)
    request_id, _ = [await opened(federation, agencies) for _ in range(2)]
    await goes_first(federation, health)
    await recall_now((care if by_asker else health).service, request_id, 1)
    await nothing_more_leaves(federation, agencies, 2)
    assert "wrong person" in await text_of(health, request_id)


async def test_the_wrong_person_is_said_of_the_old_card_when_the_new_one_has_left(
    federation: SimFederation, agencies: Agencies, request_id: str
) -> None:
    health, care = agencies
    await in_between(federation, agencies, request_id)
    await released_again(federation, health)
    await recall_now(care.service, request_id, 1)  # which knows of the first alone
    await federation.settle()
    assert await states(care, request_id) == ["recalled"]
    assert (await care.sent(request_id))["card"] is None
    assert (await health.received(request_id))["state"] == "recalled"
    assert (await care.team("c1")).others == (await health.team("h1")).others == ()
    assert await audited(federation) == set()


async def test_an_asker_whose_own_client_takes_consent_back_gets_no_new_card(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await known(federation, health)
    await health.agree("h1")
    await care.agree("c1")
    request_id = await opened(federation, agencies, **CONSENT)
    receipt = (await last(federation, "receipt")).body
    await goes_first(federation, health)
    await withdraw_consent(care)
    await released_again(federation, health)
    await delivered(federation, health, care.membership.sign(receipt, health.party_id))
    await federation.settle()
    assert (await health.received(request_id))["state"] == "released", "that was of the first"
    assert (await care.sent(request_id))["card"] is None
    assert files_with(care, NEW.encode()) == set()
    assert await counts(federation, "release") == [2], "it came, and stays closed"


async def withdraw_consent(care: SimNode) -> None:
    now = care.membership.env.clock()
    await care.write(lambda tables: tables.consents.withdraw([1], now, 1))
    await care.service.dispatcher.keeping.step()


async def test_an_asker_who_is_away_until_the_card_is_over_gets_no_other(
    federation: SimFederation, agencies: Agencies, request_id: str
) -> None:
    health, care = agencies
    until = (await last(federation, "release")).body.keep_until
    away = federation.nodes.pop("Social care")
    await has_number(health, NEW)
    await federation.settle()
    federation.clock.now = until
    assert (await inbox(care))[request_id]["card"] is None
    federation.nodes["Social care"] = away
    await federation.settle()
    assert (await care.sent(request_id))["card"] is None
    assert files_with(care, PHONE.encode(), NEW.encode()) == set()
    assert await counts(federation, "release") == [1]
    assert "states that its node deleted" in await text_of(health, request_id)


async def test_a_card_that_was_recalled_unread_comes_with_the_new_number_alone(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await known(federation, health)
    away = federation.nodes.pop("Social care")
    involvement = (await care.team("c1")).others[0].involvement_id
    request_id = await care.ask("c1", involvement)
    await federation.settle()
    await health.answer(request_id)
    await federation.settle()
    await has_number(health, NEW)
    await federation.settle()
    federation.nodes["Social care"] = away
    await federation.settle()
    assert await phone_on(care, request_id) == NEW
    assert await counts(federation, "release", "receipt") == [2, 1]
    alarms = await care.read(lambda tables: tables.alarms.open(care.membership.hub.hub_id))
    assert alarms == [], "that the first could not be opened is no news any more"


async def test_whatever_the_card_says_of_a_worker_is_as_it_is_now_and_the_duty_line_as_in_the_log(
    federation: SimFederation, agencies: Agencies, request_id: str
) -> None:
    health, care = agencies
    await change_details(health.membership, None, "01632 960155", "Weekdays 8 to 6")
    await federation.checkpoint()
    await follow(*agencies)
    await federation.settle()
    before = (await inbox(care))[request_id]["card"]
    assert (before["duty_line"], before["duty_hours"]) == ("01632 960155", "Weekdays 8 to 6")
    assert await counts(federation, "recall") == [0], "which everybody reads there"
    other = WorkerDetails("Hugh Visitor", "Nurse", None, "hugh@health.example", "East")
    await health.take_in(replace(amira(), worker=other))
    await federation.settle()
    after = (await inbox(care))[request_id]["card"]
    changed = {name: after[name] for name in before if before[name] != after[name]}
    assert changed == {
        "practitioner": "Hugh Visitor",
        "role": "Nurse",
        "phone": None,
        "email": "hugh@health.example",
    }
    assert await counts(federation, "recall", "release") == [1, 2]


async def test_a_card_that_left_without_a_quorum_is_renewed_when_there_is_one_again(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Recalled before, it would be gone with nothing in its place."""
    health, care = agencies
    await known(federation, health)
    sleep(federation)
    involvement = (await care.team("c1")).others[0].involvement_id
    request_id = await care.ask("c1", involvement, **VITAL)
    await federation.settle()
    await health.answer(request_id)
    await federation.settle()
    await let_go_now(health.service, Urgent(request_id, 1))
    await federation.settle()
    await has_number(health, NEW)
    await federation.settle()
    assert await phone_on(care, request_id) == PHONE
    await wake(federation)
    await federation.settle()
    assert await phone_on(care, request_id) == NEW
    assert await counts(federation, "provisional", "release", "receipt") == [1, 1, 2]
    assert await audited(federation) == set()


async def test_many_cards_of_one_worker_are_renewed_some_at_a_time(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    await known(federation, health)
    requests = [await opened(federation, agencies) for _ in range(3)]
    monkeypatch.setattr(keeping, "AT_ONCE", 2)
    await has_number(health, NEW)
    await health.service.dispatcher.keeping.step()
    waiting = [item["kind"] for item in await health.outbox() if item["state"] == "pending"]
    assert waiting == ["recall", "recall"]
    await federation.settle()
    assert [await phone_on(care, request) for request in requests] == [NEW] * 3


class TestCopiesThatArePutBack:
    async def test_in_between_they_go_on_where_they_were(
        self, federation: SimFederation, agencies: Agencies, request_id: str, tmp_path: Path
    ) -> None:
        health, care = agencies
        await in_between(federation, agencies, request_id)
        for node in agencies:
            copy_aside(node, tmp_path / node.folder.name.lower())
        health = await put_back(federation, health, tmp_path / "health visiting")
        care = await put_back(federation, care, tmp_path / "social care")
        await federation.settle()
        assert await phone_on(care, request_id) == NEW
        assert await counts(federation, "recall", "recall_done", "release") == [1, 1, 2]
        assert await audited(federation) == set()

    async def test_of_before_they_learn_all_of_it(
        self, federation: SimFederation, agencies: Agencies, request_id: str, tmp_path: Path
    ) -> None:
        health, care = agencies
        for node in agencies:
            copy_aside(node, tmp_path / node.folder.name.lower())
        await has_number(health, NEW)
        await federation.settle()
        assert await phone_on(care, request_id) == NEW
        health = await put_back(federation, health, tmp_path / "health visiting")
        care = await put_back(federation, care, tmp_path / "social care")
        await federation.settle()
        await federation.settle()
        held = await health.received(request_id)
        release = await last(federation, "release")
        assert (held["state"], held["release_id"]) == ("opened", release.id)
        assert held["keep_until"] == release.body.keep_until
        assert await states(care, request_id) == ["closed"], "the card that came is lost"
        assert files_with(care, PHONE.encode()) == set()
        assert await counts(federation, "recall", "recall_done", "release") == [1, 1, 2]

        federation.clock.now += DAY  # the next file has the number that the copy does not know
        await has_number(health, NEW)
        await federation.settle()
        assert await phone_on(care, request_id) == NEW
        assert await audited(federation) == set()

    async def test_an_asker_of_before_opens_what_still_waits_for_it(
        self, federation: SimFederation, agencies: Agencies, request_id: str, tmp_path: Path
    ) -> None:
        health, care = agencies
        copy_aside(care, tmp_path / "copy")
        await goes_first(federation, health)
        await released_again(federation, health)
        care = await put_back(federation, care, tmp_path / "copy")
        assert files_with(care, PHONE.encode())
        await federation.settle()
        await federation.settle()
        assert await phone_on(care, request_id) == NEW
        assert files_with(care, PHONE.encode()) == set()
        assert await counts(federation, "recall_done", "receipt") == [1, 2]
        assert await audited(federation) == set()

    async def test_a_holder_that_does_not_know_why_it_recalled_renews_nothing(
        self, federation: SimFederation, agencies: Agencies, request_id: str, tmp_path: Path
    ) -> None:
        """It may have been a person's."""
        health, care = agencies
        copy_aside(health, tmp_path / "copy")
        await take_back_now(health.service, request_id, 1)
        await federation.settle()
        health = await put_back(federation, health, tmp_path / "copy")
        await has_number(health, NEW)
        await federation.settle()
        await federation.settle()
        assert await states(care, request_id) == ["recalled"]
        assert await counts(federation, "release") == [1]


class TestWhatIsForged:
    async def test_the_hub_refuses_a_second_release_that_renews_nothing(
        self, federation: SimFederation, agencies: Agencies, request_id: str
    ) -> None:
        health, care = agencies
        card, first = await sent_release(health, request_id), await last(federation, "release")
        until = first.body.keep_until

        async def refusal(**change: Any) -> E | None:
            body = but(card.body, **change)
            return await says(health, body, care.party_id, card.sealed, card.proof)

        recall = RecallBody(request_id=request_id, release=first.id)
        refusals = {"not recalled": await refusal()}
        await says(health, recall, care.party_id)
        refusals["not gone"] = await refusal()
        await federation.settle()
        assert await states(care, request_id) == ["recalled"]
        refusals["kept longer"] = await refusal(keep_until=until + 1)
        refusals["of another decision"] = await refusal(decision="ab" * 32)
        provisional = ProvisionalBody(**card.body.model_dump())
        refusals["without a quorum"] = await says(
            health, provisional, care.party_id, card.sealed, None
        )
        assert set(refusals.values()) == {E.NOT_ALLOWED}, refusals
        assert await refusal() is None
        await federation.settle()
        recall = but(recall, release=(await last(federation, "release")).id)
        assert await says(health, recall, care.party_id) is None
        await federation.settle()
        assert await refusal() is E.NOT_ALLOWED, "twice on one day"
        federation.clock.now += DAY
        await federation.checkpoint()
        assert await refusal() is None
        assert await audited(federation) == set()

    async def test_what_a_lying_hub_passes_on_stays_closed_and_is_found(
        self,
        federation: SimFederation,
        agencies: Agencies,
        request_id: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        health, care = agencies
        card = await sent_release(health, request_id)

        async def passed_on(**change: Any) -> None:
            release = health.membership.sign(but(card.body, **change), care.party_id)
            await delivered(federation, care, release, card.sealed, card.proof)

        await passed_on()
        assert await counts(federation, "receipt") == [1], "the first is open, and nothing else"
        found = {code for _, code in await audited(federation)}
        assert found == {Code.CHAIN_BROKEN}

        second = await last(federation, "release")
        recall = RecallBody(request_id=request_id, release=(await released_first(federation)).id)
        await delivered(federation, care, health.membership.sign(recall, care.party_id))
        await care.service.advance()
        assert await states(care, request_id) == ["recalled"]
        await passed_on(keep_until=second.body.keep_until + 1)
        assert (await care.sent(request_id))["card"] is None, "kept longer than the first"

    async def test_an_auditor_finds_a_card_that_is_kept_longer_than_the_one_it_renews(
        self,
        federation: SimFederation,
        agencies: Agencies,
        request_id: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        health, care = agencies
        shorter = (await last(federation, "release")).body.keep_until - DAY
        card, first = await sent_release(health, request_id), await last(federation, "release")
        monkeypatch.setattr("hub.exchange.requests.may_follow", lambda *_: None)
        recall = RecallBody(request_id=request_id, release=first.id)
        for until in (shorter, shorter + 1):
            assert await says(health, recall, care.party_id) is None
            await federation.settle()
            body = but(card.body, keep_until=until)
            assert await says(health, body, care.party_id, card.sealed, card.proof) is None
            await federation.settle()
            recall = but(recall, release=(await last(federation, "release")).id)
            federation.clock.now += DAY
            await federation.checkpoint()
        found = {code for _, code in await audited(federation)}
        assert found == {Code.CARD_KEPT_TOO_LONG}

    async def test_what_the_hub_recalled_is_not_renewed(
        self,
        federation: SimFederation,
        agencies: Agencies,
        request_id: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        health, care = agencies
        card = await sent_release(health, request_id)
        away = federation.nodes.pop("Health visiting")
        await ordered(federation, health, "suspended")
        await federation.settle()
        assert await states(care, request_id) == ["recalled"]
        await ordered(federation, health, "active")
        federation.nodes["Health visiting"] = away
        await has_number(health, NEW)
        await federation.settle()
        assert await counts(federation, "release") == [1], "its own node renews nothing"
        # The link has ended too: here that shall not be the reason.
        monkeypatch.setattr(Broker, "_check_still_in_force", lambda *_: card.body.keep_until)
        refusal = await says(health, card.body, care.party_id, card.sealed, card.proof)
        assert refusal is E.NOT_ALLOWED
        release = health.membership.sign(card.body, care.party_id)
        await delivered(federation, care, release, card.sealed, card.proof)
        assert (await care.sent(request_id))["card"] is None, "nor does the asker open it"
        assert Code.CHAIN_BROKEN in {code for _, code in await audited(federation)}


async def sent_release(health: SimNode, request_id: str) -> Any:
    """What a card left by, with all that went beside it."""

    def find(tables: Any) -> Any:
        return tables.outbox.about(health.membership.hub.hub_id, ReleaseBody, request_id)[-1]

    return await health.read(find)


async def released_first(federation: SimFederation) -> Any:
    """The first release in the log."""
    return parse_statement((await federation.entries("release"))[0]["envelope"])
