"""What comes when the log it belongs to is lost, and what a person hears who waited for it."""

from pathlib import Path

import pytest

from protocol.errors import ErrorCode, RemoteError
from protocol.messages.bodies import PollBody
from protocol.messages.log import DailyStatementBody
from protocol.wire import ANSWER_LIMIT, Mailbag, parse_wire
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_refusals_hub import NOBODY, NOTHING
from tests.sim.test_succession import back_up, last_note, succeed
from tests.sim.test_unwitnessed_card import allowed
from tests.sim.test_unwitnessed_edges import let_go_unsent
from tests.sim.test_without_quorum import sleep

Agencies = tuple[SimNode, SimNode]


async def test_a_person_who_waits_for_a_card_hears_that_the_log_was_lost(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """Nothing has left, nor has anything where no card was let go at all."""
    health, _ = agencies
    backup, note = back_up(federation, tmp_path / "backup"), last_note(federation)
    request_id = await allowed(federation, agencies)
    await federation.services.publisher.close()
    await let_go_unsent(federation, health, request_id)
    sleep(federation, asleep=False)
    await succeed(federation, backup, note)
    await federation.checkpoint()
    await health.membership.follow()
    unwitnessed = health.service.dispatcher.unwitnessed
    for number in (request_id, NOBODY):
        with pytest.raises(RemoteError) as caught:
            await health.read(lambda tables, number=number: unwitnessed.check_gone(tables, number))  # type: ignore[misc]
        assert caught.value.code is ErrorCode.NOT_ALLOWED


async def test_mail_of_a_lost_log_does_not_move_the_place_in_the_new_mailbox(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """It was fetched before the disk was lost; while it is read the successor is found."""
    health, care = agencies
    backup, note = back_up(federation, tmp_path / "backup"), last_note(federation)
    involvement = (await care.team("c1")).others[0].involvement_id
    for _ in range(2):
        await care.ask("c1", involvement)
    held = health.membership
    place = {"generation": held.hub.generation, "cursor": held.hub.cursor}
    body = PollBody(**place, wait=0, instance=NOBODY)  # type: ignore[arg-type]
    poll = held.sign(body, held.hub.hub_id).envelope.encode()
    bag = parse_wire(Mailbag, await held.post("/v1/polls", poll), limit=ANSWER_LIMIT)
    assert len(bag.deliveries) == 4
    await federation.services.publisher.close()
    await succeed(federation, backup, note)
    for day in range(20):  # the new log has grown beyond the places that the old mail names
        said = DailyStatementBody(day=day, start=0, end=1, count=0, indexes_hash=NOTHING)
        await federation.hub_write(
            lambda tables, said=said: federation.ledger(tables).issue(said, care.party_id)  # type: ignore[misc]
        )
    await federation.checkpoint()
    await health.service.mail.take_in(bag)
    assert held.hub.genesis == federation.genesis
    assert (held.hub.generation, held.hub.cursor) == (None, 0)
