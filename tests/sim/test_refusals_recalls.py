"""Recalls that come twice, too early, from another or after a backup: each card goes once."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from node.actions.cards import take_back_now
from node.actions.people import recall_now
from node.actions.records import withdraw_now
from node.records.clients import withdraw
from protocol.errors import ErrorCode as E
from protocol.errors import RemoteError
from protocol.messages.review import RecallBody, RecallDoneBody, WrongPersonBody
from tests.sim.federation import SimFederation, SimNode
from tests.sim.lying_hub import delivered
from tests.sim.put_back import copy_aside, put_back
from tests.sim.test_audit_people import audited
from tests.sim.test_lies import asked
from tests.sim.test_put_back import lost_by
from tests.sim.test_recall import notices, released, wrong
from tests.sim.test_recalled_cards import refused, states
from tests.sim.test_refusals_hub import NOTHING, last
from tests.sim.test_refusals_node import nothing_set_aside
from tests.sim.test_stolen_node import ordered

Agencies = tuple[SimNode, SimNode]


async def stated(node: SimNode) -> list[str]:
    """What became of each of a node's statements that a card is gone."""
    return [item["state"] for item in await node.outbox() if item["kind"] == "recall_done"]


@pytest.mark.parametrize("by_asker", [True, False])
async def test_a_recalled_card_that_is_then_said_to_be_about_the_wrong_person_goes_once(
    federation: SimFederation, agencies: Agencies, by_asker: bool
) -> None:
    health, care = agencies
    request_id = await released(federation, agencies)
    await take_back_now(health.service, request_id, 1)
    await federation.settle()
    await wrong(care if by_asker else health, request_id)
    await federation.settle()
    assert await states(care, request_id) == ["recalled"]
    for node in agencies:
        (notice,) = await notices(node)
        assert notice["recalled_at"] is not None, "its lead is told, and that it is gone"
    assert await stated(care) == ["logged"], "once: it had gone before"
    assert await audited(federation) == set()


async def test_a_card_about_the_wrong_person_that_a_lying_hub_has_recalled_too_goes_once(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await released(federation, agencies)
    release = await last(federation, "release")
    await wrong(health, request_id)
    await federation.settle()
    body = RecallBody(request_id=request_id, release=release.id)
    await delivered(federation, care, health.membership.sign(body, care.party_id))
    await care.service.advance()
    assert await stated(care) == ["logged"]
    assert await states(care, request_id) == ["recalled"]


async def test_a_card_that_was_allowed_does_not_leave_after_a_withdrawal(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Of which the hub has not heard: it would take the card."""
    health, care = agencies
    request_id = await asked(federation, agencies)
    await health.answer(request_id)
    await health.write(lambda tables: withdraw(tables, "h1", federation.clock()))
    await federation.settle()
    assert (await health.received(request_id))["state"] == "stopped"
    assert "release" not in [item["kind"] for item in await health.outbox()], "it stays here"
    assert (await care.sent(request_id))["card"] is None


async def test_what_the_hub_has_not_taken_yet_is_not_recalled(
    federation: SimFederation, agencies: Agencies
) -> None:
    """The card lies in the outbox: there is no release yet that a recall could name."""
    health, care = agencies
    request_id = await asked(federation, agencies)
    await health.answer(request_id)
    await federation.checkpoint()
    assert await health.service.releasing.release_allowed() == 1
    assert await refused(take_back_now(health.service, request_id, 1)) is E.NOT_FOUND
    await federation.settle()
    assert await states(care, request_id) == ["opened"]


async def test_a_card_is_said_to_be_gone_by_who_had_it_once_that_is_asked(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    charity = await federation.join("Charity", "charity")
    request_id = await released(federation, agencies)
    done = RecallDoneBody(request_id=request_id, wrong_person=NOTHING)
    said = []

    async def says(node: SimNode) -> None:
        await delivered(federation, health, node.membership.sign(done, health.party_id))
        kept = await health.received(request_id)
        said.append((kept["state"], kept["gone_at"] is not None))

    await says(care)
    release = await last(federation, "release")
    body = WrongPersonBody(request_id=request_id, release=release.id, decided_by="cd" * 16)
    await delivered(federation, health, care.membership.sign(body, health.party_id))
    await says(charity)
    await says(care)
    assert said == [("opened", False), ("recalled", False), ("recalled", True)]
    await nothing_set_aside(health)


class TestSayingThatItIsTheWrongPerson:
    async def test_after_the_other_side_has(
        self, federation: SimFederation, agencies: Agencies
    ) -> None:
        health, care = agencies
        request_id = await released(federation, agencies)
        await wrong(health, request_id)
        await federation.settle()
        assert await refused(wrong(care, request_id)) is E.CONFLICT
        assert len(await federation.entries("wrong_person")) == 1

    async def test_while_a_colleague_is_and_again_after_the_hub_refused(
        self, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, care = agencies
        request_id = await released(federation, agencies)
        say = partial(care.service.dispatcher.recalls.say, request_id=request_id, practitioner=1)
        await care.write(say)
        assert await refused(care.write(say)) is E.CONFLICT

        async def refuses(*_: Any) -> bytes:
            raise RemoteError(E.NOT_ALLOWED, "not today")

        with monkeypatch.context() as patched:
            patched.setattr(federation.network, "post", refuses)
            await care.service.advance()
        await care.write(say)
        await federation.settle()
        assert len(await federation.entries("wrong_person")) == 1
        assert await stated(care) == ["logged"]


@pytest.mark.parametrize(
    ("recalls", "kind"), [(take_back_now, "recall"), (recall_now, "wrong_person")]
)
async def test_a_copy_from_before_the_request_learns_all_that_it_can(
    federation: SimFederation, agencies: Agencies, tmp_path: Path, recalls: Any, kind: str
) -> None:
    """It knows nothing of the card that was recalled since; what else there is to learn it does."""
    health, care = agencies
    copy_aside(health, tmp_path / "copy")
    request_id = await released(federation, agencies)
    await recalls(health.service, request_id, 1)
    await federation.settle()
    health = await put_back(federation, health, tmp_path / "copy")
    await federation.settle()
    await federation.settle()
    lost = [entry.kind for entry in (await lost_by(health)).ours]
    assert lost == ["decision", "release", kind], "it says that these are of something it lost"
    await nothing_set_aside(health)
    assert await states(care, request_id) == ["recalled"]
    assert await audited(federation) == set()


async def test_nothing_is_decided_on_the_request_of_who_cannot_be_answered(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Who asked is suspended, and then the client withdraws: it is refused when they are back."""
    health, care = agencies
    request_id = await asked(federation, agencies)
    await ordered(federation, care, "suspended")
    away = federation.nodes.pop("Social care")
    await federation.settle()
    await withdraw_now(health.service, "h1", 1)
    await federation.settle()
    assert (await health.received(request_id))["state"] == "asks_person"
    assert "decision" not in [item["kind"] for item in await health.outbox()]
    await ordered(federation, care, "active")
    federation.nodes["Social care"] = away
    await health.membership.sync()
    await federation.settle()
    assert await states(care, request_id) == ["refused"]
