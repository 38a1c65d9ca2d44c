"""A card without a quorum meets bad timing: a hub that goes away, lines that come late, a charter
that changes meanwhile, a log that is lost.
"""

from pathlib import Path
from typing import Any

import pytest

from audit.case.case import Case
from audit.report.figures import audit_case
from hub.members.charter_changes import proposed, put_forward
from node.actions import people as acts
from node.requests.without_quorum import Urgent
from node.views import inbox as screens
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log.note import parse_signature_lines
from protocol.log.witness import parse_add_checkpoint
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_audit_people import audited
from tests.sim.test_stolen_node import ordered
from tests.sim.test_succession import back_up, last_note, succeed
from tests.sim.test_unwitnessed_card import (
    VITAL,
    alarms,
    allowed,
    ask,
    let_go,
    notices,
    provisional,
    wake,
)
from tests.sim.test_without_quorum import sleep

Agencies = tuple[SimNode, SimNode]


async def amended_unseen(federation: SimFederation, change: Any) -> None:
    """A new charter that no quorum has signed yet."""
    new = proposed(await federation.charter(), change)
    await federation.hub_write(lambda tables: put_forward(tables, new))
    await federation.hub.jobs.amend()


async def without_break_glass(federation: SimFederation) -> Any:
    """The charter with a basis for life or death that allows no card without a quorum."""
    document: Any = (await federation.charter()).model_dump(mode="json")
    (basis,) = [item for item in document["lawful_bases"] if item["code"] == "UK-VITAL"]
    basis["must_record"] = [r for r in basis["must_record"] if r["field"] == "danger"]
    return document


async def let_go_unsent(federation: SimFederation, node: SimNode, request_id: str) -> None:
    """The hub goes away between the look at the log and the card."""
    real = federation.network.post

    async def away(url: str, body: bytes, headers: Any = None) -> bytes:
        raise RemoteError(ErrorCode.UNREACHABLE, "the hub does not answer")

    federation.network.post = away  # type: ignore[method-assign]
    with pytest.raises(RemoteError) as caught:
        await let_go(node, request_id)
    assert caught.value.code is ErrorCode.UNREACHABLE
    federation.network.post = real  # type: ignore[method-assign]


async def test_release_now_does_not_say_on_its_way_while_the_card_waits_for_a_charter(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    request_id = await allowed(federation, agencies)
    await amended_unseen(federation, {"quotas": {"requests_per_day": 100}})
    with pytest.raises(RemoteError) as caught:
        await let_go(health, request_id)
    assert caught.value.code is ErrorCode.WRONG_CHARTER
    assert "no card has left" in caught.value.detail
    assert await federation.entries("provisional") == []
    assert (await health.received(request_id))["state"] == "allowed"
    assert await notices(health) == []


async def test_a_refused_provisional_does_not_end_what_a_proof_would_let_go(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Council changes the basis meanwhile: the quorum is back, and an ordinary release may go."""
    health, care = agencies
    request_id = await allowed(federation, agencies)
    document = await without_break_glass(federation)
    await let_go_unsent(federation, health, request_id)
    await amended_unseen(federation, document)
    await wake(federation)
    await health.service.charters.step()
    await federation.settle()
    assert (await health.received(request_id))["state"] != "stopped"
    assert (await care.sent(request_id))["state"] == "opened"


async def test_the_same_without_a_charter_change_ends_well(
    federation: SimFederation, agencies: Agencies
) -> None:
    """The control of the test above."""
    health, care = agencies
    request_id = await allowed(federation, agencies)
    await let_go_unsent(federation, health, request_id)
    await wake(federation)
    assert (await care.sent(request_id))["state"] == "opened"


async def test_late_lines_over_an_earlier_checkpoint_do_not_convict_an_honest_agency(
    federation: SimFederation, agencies: Agencies
) -> None:
    """With late lines an earlier checkpoint has its quorum: the card leaves by that proof."""
    health, care = agencies
    request_id = await allowed(federation, agencies)
    publisher = federation.services.publisher
    two = list(federation.network.witnesses.values())[:2]
    bodies = []
    for witness in two:
        assert witness.log is not None
        assert witness.log.head is not None
        bodies.append(await publisher.request_from(witness.log.head.size))
    index = (await health.received(request_id))["decision_index"]
    assert publisher.size > index
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.checkpoint()  # the log has grown; only one witness signs
    for witness, body in zip(two, bodies, strict=True):
        assert body is not None
        witness.asleep = False
        status, lines = witness.add_checkpoint(body)
        witness.asleep = True
        assert status == 200
        text = parse_add_checkpoint(body).note.text
        assert await publisher.take(text, parse_signature_lines(lines))
    await federation.checkpoint()
    federation.clock.now += 900
    await federation.settle()
    assert len(await federation.entries("release")) == 1
    assert (await care.sent(request_id))["state"] == "opened"
    with pytest.raises(LocalError):
        await let_go(health, request_id)
    await wake(federation)
    assert await audited(federation) == set()
    notes = federation.folder / "kept"
    notes.mkdir()
    rows = await federation.hub_read(lambda t: t.tx.rows("SELECT seq, note FROM note"))
    for row in rows:
        (notes / f"{row['seq']:06}").write_bytes(row["note"])
    report = audit_case(Case(federation.folder / "case"), None, [notes]).report
    assert [(item.code.value, item.detail) for item in report.findings] == []


async def test_with_every_witness_awake_nothing_leaves_without_them(
    federation: SimFederation, agencies: Agencies
) -> None:
    """A person presses before the next checkpoint: no witness is away."""
    health, _ = agencies
    request_id = await ask(federation, agencies, **VITAL)
    await federation.checkpoint()
    await health.answer(request_id)
    assert (await health.received(request_id))["state"] == "allowed"
    assert await health.membership.follow(), "the newest checkpoint has its quorum"
    with pytest.raises((LocalError, RemoteError)):
        await let_go(health, request_id)
    assert "provisional" not in [item["kind"] for item in await health.outbox()]
    await health.service.monitor.look()
    value = await health.read(lambda tables: screens.inbox_value(tables, health.membership))
    assert [item["may_go_now"] for item in value["received"]] == [False], "nor is it offered"


async def test_succession_ends_a_card_that_the_hub_did_not_answer_and_says_so(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, _ = agencies
    backup = back_up(federation, tmp_path / "backup")
    note = last_note(federation)
    request_id = await allowed(federation, agencies)
    await federation.services.publisher.close()
    await let_go_unsent(federation, health, request_id)
    sleep(federation, asleep=False)
    await succeed(federation, backup, note)
    await federation.checkpoint()
    for node in agencies:
        await node.service.monitor.look()
    assert "successor" in await alarms(health)
    row = await health.received(request_id)
    assert row["state"] == "log_lost", "it can be asked again"
    assert "card_in_no_log" in await alarms(health), "it may have left: nobody here can tell"


async def test_succession_tells_that_a_card_that_left_was_never_seen_in_a_log(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """A card left without a quorum; then the log is lost before a witness signed it."""
    health, care = agencies
    backup = back_up(federation, tmp_path / "backup")
    note = last_note(federation)
    request_id = await allowed(federation, agencies)
    await let_go(health, request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"
    sleep(federation, asleep=False)
    await succeed(federation, backup, note)
    await federation.checkpoint()
    for node in agencies:
        await node.service.monitor.look()
    for node in agencies:
        said = set(await alarms(node)) - {"successor", "card_unwitnessed"}
        assert said, "no alarm says that the provisional is in no log and will not be looked up"


async def test_release_now_says_that_the_card_waits_when_the_hub_is_away(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Five minutes it may still leave, and the person is told so; hours later it does not."""
    health, _ = agencies
    request_id = await allowed(federation, agencies)
    await let_go_unsent(federation, health, request_id)
    with pytest.raises(LocalError) as again:
        await acts.may_let_go(health.service, request_id)
    federation.clock.now += 6 * 3600
    await federation.settle()
    assert "within five minutes" in again.value.detail
    assert await federation.entries("provisional") == []
    assert (await health.received(request_id))["state"] == "allowed", "it may be let go again"
    assert await notices(health) == []
    unwitnessed, again_now = health.service.dispatcher.unwitnessed, Urgent(request_id, 1)
    await health.write(lambda tables: unwitnessed.let_go(tables, again_now, witnessed=False))
    federation.clock.now += 6 * 3600
    await federation.settle()
    assert await federation.entries("provisional") == [], "nor if the power failed before it went"
    await let_go(health, request_id)
    assert len(await federation.entries("provisional")) == 1


async def test_a_card_that_waited_in_the_outbox_is_decided_again_before_it_leaves(
    federation: SimFederation, agencies: Agencies
) -> None:
    """The permission ends here while the card waits; the hub does not know yet."""
    health, _ = agencies
    request_id = await allowed(federation, agencies)
    await let_go_unsent(federation, health, request_id)
    await health.write(lambda tables: tables.tx.run("UPDATE involvement SET withdrawn_at = 1"))
    federation.clock.now += 3600
    await federation.settle()
    assert await federation.entries("provisional") == []


async def test_an_unacknowledged_provisional_that_stays_closed_is_told_to_the_askers_lead(
    federation: SimFederation, agencies: Agencies
) -> None:
    """The quorum returns with a charter without break-glass before the asker polls."""
    health, care = agencies
    request_id = await allowed(federation, agencies)
    await let_go(health, request_id)
    document = await without_break_glass(federation)
    await amended_unseen(federation, document)
    await wake(federation)
    sent = await care.sent(request_id)
    assert sent["state"] == "closed"
    assert "card_closed" in await alarms(care)


async def test_a_quorum_that_comes_between_two_steps_is_kept_though_the_log_grows(
    federation: SimFederation, agencies: Agencies
) -> None:
    """05-log.md §13.3: late lines for the newest checkpoint are published."""
    health, care = agencies
    request_id = await allowed(federation, agencies)
    publisher = federation.services.publisher
    index = (await health.received(request_id))["decision_index"]
    for witness in list(federation.network.witnesses.values())[:2]:
        assert witness.log is not None
        assert witness.log.head is not None
        body = await publisher.request_from(witness.log.head.size)
        assert body is not None
        witness.asleep = False
        _, lines = witness.add_checkpoint(body)
        witness.asleep = True
        await publisher.take(parse_add_checkpoint(body).note.text, parse_signature_lines(lines))
    assert len(await federation.signers()) == 3, "the hub holds a quorum over the decision"
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.checkpoint()
    assert publisher.has_quorum(index)


async def test_an_honest_hub_stops_a_suspended_agency_without_a_quorum_too(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await allowed(federation, agencies)
    await ordered(federation, care, "suspended")
    with pytest.raises(RemoteError) as caught:
        await let_go(health, request_id)
    assert caught.value.code is ErrorCode.NOT_ALLOWED
    assert await federation.entries("provisional") == []


async def test_the_hub_too_waits_for_witnesses_that_are_awake(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    request_id = await ask(federation, agencies, **VITAL)
    await federation.checkpoint()
    await health.answer(request_id)
    assert (await provisional(health, request_id)).code is ErrorCode.CONFLICT
    sleep(federation)
    await federation.checkpoint()
    await let_go(health, request_id)
    assert len(await federation.entries("provisional")) == 1
