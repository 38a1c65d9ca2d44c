"""A card goes when what it was released over has ended, whatever ended it, and no file keeps it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from audit.findings import FindingCode as Code
from node.actions.cards import keep_now, take_back_now
from node.actions.clients import close_work
from node.actions.people import let_go_now
from node.actions.records import withdraw_now
from node.records import people
from node.records.importer.rows import ImportedRow, Permission, WorkerDetails
from node.requests.without_quorum import Urgent
from node.views.governance import governance_value
from node.views.inbox import inbox_value
from protocol.errors import ErrorCode as E
from protocol.errors import LocalError
from protocol.messages.review import RecallBody, RecallDoneBody
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row, two_agencies
from tests.sim.lying_hub import delivered
from tests.sim.put_back import copy_aside, put_back
from tests.sim.test_audit_people import audited
from tests.sim.test_refusals_hub import but, last, says
from tests.sim.test_refusals_node import nothing_set_aside
from tests.sim.test_restart import restart_hub
from tests.sim.test_stolen_node import ordered
from tests.sim.test_unwitnessed_card import VITAL
from tests.sim.test_without_quorum import sleep

Agencies = tuple[SimNode, SimNode]
PHONE, EMAIL = "01632 960777", "helen.visitor@health.example"
HELEN = WorkerDetails("Helen Visitor", "Health visitor", PHONE, EMAIL, "East")
DETAILS = (PHONE.encode(), EMAIL.encode(), b"Helen Visitor")
CONSENT: dict[str, Any] = {"basis": "UK-CONSENT", "purpose": "early_help", "facts": {}}
DAY = 86_400


def amira(permission: Permission = DUTY, involvement: str = "health_visiting") -> ImportedRow:
    return replace(row("h1", AMIRA, involvement, permission), worker=HELEN)


async def known(federation: SimFederation, health: SimNode, permission: Permission = DUTY) -> None:
    """Helen works with Amira, and the hub knows until when that may be shared."""
    await health.take_in(amira(permission))
    await health.publish()
    await federation.round()


async def opened(federation: SimFederation, agencies: Agencies, **change: Any) -> str:
    """A request of social care whose card is open."""
    health, care = agencies
    request_id = await asked(federation, agencies, **change)
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"
    return request_id


async def opened_first(federation: SimFederation) -> None:
    """Social care has opened the card of Helen, who works with Amira."""
    health, care = await two_agencies(federation)
    await known(federation, health)
    await opened(federation, (health, care))


async def asked(federation: SimFederation, agencies: Agencies, **change: Any) -> str:
    care = agencies[1]
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id, **change)
    await federation.settle()
    return request_id


async def released_unread(federation: SimFederation, agencies: Agencies) -> str:
    """A request whose card lies in the mailbox of social care."""
    health = agencies[0]
    request_id = await asked(federation, agencies)
    await health.answer(request_id)
    while (await health.received(request_id))["release_id"] is None:
        await federation.checkpoint()
        await health.service.advance()
    return request_id


async def states(node: SimNode, *requests: str) -> list[str]:
    return [(await node.sent(request))["state"] for request in requests]


def files_with(node: SimNode, *details: bytes) -> set[str]:
    """The names of a node's files in which any of these bytes stand: database, journal, all."""
    found = set()
    for path in (path for path in Path(node.folder).rglob("*") if path.is_file()):
        data = path.read_bytes()
        found |= {path.name for detail in details if detail in data}
    return found


async def inbox(node: SimNode) -> dict[str, dict[str, Any]]:
    value = await node.read(lambda tables: inbox_value(tables, node.membership))
    return {item["request_id"]: item for item in value["received"] + value["sent"]}


async def to_decide(node: SimNode) -> set[str]:
    """The cards that the lead is told to decide about."""
    value = await node.read(lambda tables: governance_value(tables, node.membership))
    return {item["request_id"] for item in value if item["what"] == "card_after_withdrawal"}


async def refused(doing: Any) -> E:
    with pytest.raises(LocalError) as caught:
        await doing
    return caught.value.code


async def test_a_withdrawal_reaches_every_card_and_a_closure_what_a_person_had_kept(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await known(federation, health)
    await health.agree("h1")
    await care.agree("c1")
    by_consent = await opened(federation, agencies, **CONSENT)
    taken, kept = [await opened(federation, agencies) for _ in range(2)]
    waiting = await asked(federation, agencies)
    assert files_with(care, *DETAILS), "a search that finds nothing would prove nothing"
    assert await refused(keep_now(health.service, kept, 1)) is E.NOT_FOUND, "nobody asks yet"

    # The holder cannot reach the hub when the client withdraws; social care is away meanwhile.
    away = federation.nodes.pop("Social care")
    federation.network.hub_down = True
    with pytest.raises(Exception, match="the hub was not told"):
        await withdraw_now(health.service, "h1", 1)
    federation.network.hub_down = False
    await restart_hub(federation)
    await health.service.advance()
    await health.publish()
    await federation.settle()
    assert await states(care, by_consent, kept, taken) == ["opened"] * 3
    await restart_hub(federation)
    federation.nodes["Social care"] = away
    await federation.settle()

    assert await states(care, by_consent, kept, taken) == ["recalled", "opened", "opened"]
    refusal = (await inbox(care))[waiting]
    assert (refusal["state"], refusal["code"]) == ("refused", "permission_ended")
    assert "states that its node deleted" in (await inbox(health))[by_consent]["state_text"]
    assert await to_decide(health) == {kept, taken}
    assert (await inbox(health))[kept]["recall_or_keep"]
    await keep_now(health.service, kept, 1)
    await take_back_now(health.service, taken, 1)
    await federation.settle()
    assert await states(care, kept, taken) == ["opened", "recalled"]
    assert await to_decide(health) == set()
    assert await refused(take_back_now(health.service, taken, 1)) is E.NOT_FOUND

    await close_work(health.service, "h1", None, 1)  # the work itself has ended
    await federation.settle()
    assert await states(care, kept) == ["recalled"]
    assert len(await federation.entries("recall")) == len(await federation.entries("recall_done"))
    assert files_with(care, *DETAILS) == set()
    assert files_with(health, *DETAILS), "it is the holder's own worker"
    assert await audited(federation) == set()


async def test_a_card_whose_time_is_over_goes_though_nobody_says_so(
    federation: SimFederation, agencies: Agencies
) -> None:
    """The holder is offline for ever, and so is the hub."""
    health, care = agencies
    await known(federation, health, Permission("UK-CA04-S10-S11", date(2026, 9, 24), None))
    request_id = await opened(federation, agencies)
    assert (await inbox(care))[request_id]["card"]["phone"] == PHONE
    unread = await released_unread(federation, agencies)
    before = (await last(federation, "release")).body.keep_until
    assert before is not None
    entries = await federation.hub_read(lambda tables: tables.log.next_index())
    federation.network.hub_down = True
    federation.clock.now = before
    shown = (await inbox(care))[request_id]
    assert shown["card"] is None, "a program that did not run meanwhile shows it no more"
    await care.service.dispatcher.keeping.step()
    assert await states(care, request_id) == ["expired"]
    assert files_with(care, *DETAILS) == set()
    federation.network.hub_down = False
    await health.service.dispatcher.keeping.step()
    kinds = [item["kind"] for node in agencies for item in await node.outbox()]
    assert {"recall", "recall_done"}.isdisjoint(kinds), "no message is needed"
    assert await federation.hub_read(lambda tables: tables.log.next_index()) == entries
    await federation.settle()
    assert await states(care, unread) == ["closed"], "it came too late to be opened"


async def test_a_leaver_and_a_suspended_agency(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await known(federation, health)
    of_leaver = await opened(federation, agencies)
    await federation.hub.jobs.admit()
    assert await federation.entries("recall") == [], "the hub recalls nobody's who is active"
    await health.write(lambda tables: people.close(tables, "Helen Visitor", "", federation.clock()))
    await federation.settle()
    assert await states(care, of_leaver) == ["recalled"]
    assert files_with(care, *DETAILS) == set()

    await health.take_in(replace(amira(), worker=replace(HELEN, name="Hugh Visitor")))
    of_suspended = await opened(federation, agencies)
    unread = await released_unread(federation, agencies)
    away = federation.nodes.pop("Health visiting")
    await ordered(federation, health, "suspended")
    await restart_hub(federation)
    await federation.settle()
    assert await states(care, of_suspended) == ["recalled"]
    assert (await care.sent(unread))["card"] is None, "it is not delivered any more"
    assert files_with(care, PHONE.encode(), EMAIL.encode()) == set()
    assert len(await federation.entries("recall")) == 3
    await federation.hub.jobs.admit()
    assert len(await federation.entries("recall")) == 3, "each once"
    await ordered(federation, health, "active")
    federation.nodes["Health visiting"] = away
    await federation.settle()
    assert (await health.received(of_suspended))["state"] == "recalled"
    assert (await health.received(of_suspended))["gone_at"] is not None
    assert await audited(federation) == set()


async def test_a_card_that_came_without_a_quorum_goes_the_same_way(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await known(federation, health)
    sleep(federation)
    request_id = await asked(federation, agencies, **VITAL)
    await health.answer(request_id)
    await federation.settle()
    await let_go_now(health.service, Urgent(request_id, 1))
    await federation.settle()
    assert await states(care, request_id) == ["opened"]
    assert (await last(federation, "provisional")).body.keep_until is not None
    await withdraw_now(health.service, "h1", 1)
    await federation.settle()
    assert await to_decide(health) == {request_id}, "a life needs no consent"
    await take_back_now(health.service, request_id, 1)
    await federation.settle()
    assert await states(care, request_id) == ["recalled"], "also while nobody witnesses"
    assert files_with(care, *DETAILS) == set()


async def test_who_may_recall_what(federation: SimFederation, agencies: Agencies) -> None:
    health, care = agencies
    charity = await federation.join("Charity", "charity")
    request_id = await opened(federation, agencies)
    release, nothing = await last(federation, "release"), "ab" * 32
    real = RecallBody(request_id=request_id, release=release.id)
    done = RecallDoneBody(request_id=request_id, wrong_person=None, recall=nothing)
    aud = care.party_id
    assert {
        "of another card": await says(health, but(real, release=nothing), aud),
        "of no request": await says(health, but(real, request_id="ab" * 16), aud),
        "to somebody else": await says(health, real, charity.party_id),
        "by who has it": await says(care, real, health.party_id),
        "by a third": await says(charity, real, aud),
        "done before": await says(care, done, health.party_id),
    } == {
        "of another card": E.NOT_FOUND,
        "of no request": E.NOT_FOUND,
        "to somebody else": E.WRONG_RECIPIENT,
        "by who has it": E.NOT_ALLOWED,
        "by a third": E.NOT_FOUND,
        "done before": E.NOT_FOUND,
    }
    # The hub lies: it lets through what it must refuse, and recalls a card of an active member.
    by_hub = await federation.hub_write(lambda tables: federation.ledger(tables).sign(real, aud))
    await delivered(federation, care, by_hub)
    for sender, body in (
        (charity, real),
        (health, but(real, release=nothing)),
        (health, but(real, request_id="ab" * 16)),
    ):
        await delivered(federation, care, sender.membership.sign(body, aud))
    assert await states(care, request_id) == ["opened"]
    await nothing_set_aside(care)
    found = {code for _, code in await audited(federation)}
    assert found == {Code.CHAIN_BROKEN, Code.RECALL_UNFOUNDED}
    # And the honest way, once each.
    assert await says(health, real, aud) is None
    assert await says(health, real, aud) is E.CONFLICT
    await federation.settle()
    done = but(done, recall=(await last(federation, "recall")).id)
    assert await says(care, done, health.party_id) is E.CONFLICT, "its node has stated it already"
    assert await states(care, request_id) == ["recalled"]


async def test_until_when_a_card_may_be_kept(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A holder that says nothing, or too much, is refused by the hub and by the asker."""
    health, care = agencies
    await known(federation, health)
    now, ends = federation.clock(), 1_893_542_400  # the end of 1 January 2030
    longest = now + (await federation.charter()).retention_days * DAY
    assert longest > ends
    releasing = type(health.service.releasing)
    real, given = releasing._card_of, []

    def says_until(until: int | None) -> Callable[..., Any]:
        def card_of(self: Any, request: Any, *rest: Any) -> Any:
            outgoing = real(self, request, *rest)
            given.append(outgoing)
            return replace(outgoing, body=outgoing.body.model_copy(update={"keep_until": until}))

        return card_of

    refusals = {}
    cases = {"nothing": None, "over": now, "too long": ends + 1, "for ever": longest + DAY}
    for name, until in cases.items():
        monkeypatch.setattr(releasing, "_card_of", says_until(until))
        request_id = await asked(federation, agencies)
        await health.answer(request_id)
        await federation.settle()
        refusals[name] = (await health.outbox())[-1]["error"]
        # The hub lies, and passes it on.
        outgoing = given.pop()
        body = outgoing.body.model_copy(update={"keep_until": until})
        release = health.membership.sign(body, care.party_id)
        await delivered(federation, care, release, outgoing.sealed, outgoing.proof)
        expected = "opened" if name == "too long" else "closed"
        assert await states(care, request_id) == [expected], "the asker cannot know the permission"
    assert refusals == {
        "nothing": "unknown_field",
        "over": "not_allowed",
        "too long": "not_allowed",
        "for ever": "not_allowed",
    }
    found = {code for _, code in await audited(federation)}
    assert found == {Code.CARD_KEPT_TOO_LONG}


async def test_copies_that_are_put_back_learn_what_was_recalled_since(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, care = agencies
    await known(federation, health)
    request_id = await opened(federation, agencies)
    for node in agencies:
        copy_aside(node, tmp_path / node.folder.name.lower())
    await take_back_now(health.service, request_id, 1)
    await federation.settle()
    care = await put_back(federation, care, tmp_path / "social care")
    assert files_with(care, *DETAILS), "the copy has it"
    health = await put_back(federation, health, tmp_path / "health visiting")
    assert (await health.received(request_id))["state"] == "opened"
    await federation.settle()
    await federation.settle()
    assert await states(care, request_id) == ["recalled"]
    assert files_with(care, *DETAILS) == set()
    there = await health.received(request_id)
    assert (there["state"], there["gone_at"] is not None) == ("recalled", True)
    for kind in ("recall", "recall_done"):
        assert len(await federation.entries(kind)) == 1, "that was said before"
    assert await audited(federation) == set()
