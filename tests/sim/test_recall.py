"""Wrong person: the card goes, the link ends, both leads are told, and nothing flows any more."""

import pytest

from node.actions.people import mark_alerts_seen
from node.records.accounts import Role
from node.views.governance import governance_value
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.matchkeys.records import ClientRecord
from protocol.messages.bodies import ReleaseBody
from protocol.messages.review import WrongPersonBody
from protocol.messages.statement import parse_statement
from tests.sim.federation import DUTY, SimFederation, SimNode, row
from tests.sim.visitors import visiting

Agencies = tuple[SimNode, SimNode]


async def released(federation: SimFederation, agencies: Agencies) -> str:
    """A request of social care whose card is open."""
    health, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"
    return request_id


async def wrong(node: SimNode, request_id: str) -> None:
    await node.membership.sync()
    await node.write(lambda tables: node.service.dispatcher.recalls.say(tables, request_id, 1))
    await node.service.advance()


async def notices(node: SimNode) -> list[dict[str, object]]:
    return await node.read(lambda tables: governance_value(tables, node.membership))


async def test_the_card_goes_at_once_while_the_hub_is_away(
    federation: SimFederation, agencies: Agencies
) -> None:
    """As the page says before; the other side hears of it when the hub is there again."""
    health, care = agencies
    request_id = await released(federation, agencies)
    async with visiting(care) as found:
        manager, path = found[Role.MANAGER], f"/requests/{request_id}"
        federation.network.hub_down = True
        answer = await manager.post(f"{path}/wrong-person")
        assert (answer.status, answer.headers.get("Location")) == (303, path)
        assert "07700" not in await (await manager.get(path)).text()
    gone = await care.sent(request_id)
    assert (gone["card"], gone["state"]) == (None, "recalled")
    federation.network.hub_down = False
    await federation.settle()
    (told,) = await notices(health)
    assert told["said_by_us"] is False


@pytest.mark.parametrize("by_asker", [True, False])
async def test_either_side_recalls_the_card_and_both_leads_are_told(
    federation: SimFederation, agencies: Agencies, by_asker: bool
) -> None:
    health, care = agencies
    request_id = await released(federation, agencies)
    await wrong(care if by_asker else health, request_id)
    await federation.settle()
    gone = await care.sent(request_id)
    assert (gone["card"], gone["state"]) == (None, "recalled")
    (asker,), (holder,) = await notices(care), await notices(health)
    assert (asker["we_asked"], asker["said_by_us"]) == (True, by_asker)
    assert (holder["we_asked"], holder["said_by_us"]) == (False, not by_asker)
    assert asker["recalled_at"] is not None
    assert holder["recalled_at"] is not None, "the asker's node stated that it deleted the card"
    sent = [item["kind"] for node in agencies for item in await node.outbox()]
    assert sent.count("recall_done") == 1, "who had no card says nothing of it"
    kinds = ["release", "wrong_person", "recall_done"]
    places = [(await federation.entries(kind))[0]["idx"] for kind in kinds]
    assert places == sorted(places)
    assert await mark_alerts_seen(care.service, 1) == 1
    assert [item["seen"] for item in await notices(care)] == [True]


async def test_the_link_ends_at_once_and_stays_ended(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await released(federation, agencies)
    involvement = (await care.team("c1")).others[0].involvement_id
    await wrong(health, request_id)
    early = await care.ask("c1", involvement)
    assert (await care.sent(early))["code"] == "not_available", "before any round, any mail"
    await federation.settle()
    assert (await care.team("c1")).others == (await health.team("h1")).others == ()
    for _ in range(2):
        await federation.hub_write(
            lambda tables: tables.tx.run(
                "INSERT OR IGNORE INTO dirty_stub SELECT stub_id FROM stub"
            )
        )
        await federation.round()
    assert (await care.team("c1")).others == (await health.team("h1")).others == ()


async def test_a_card_that_went_with_another_is_stated_to_be_gone_too(
    federation: SimFederation, agencies: Agencies
) -> None:
    """The asker deleted both when it recalled the first; then the holder recalls the second."""
    health, care = agencies
    first, second = [await released(federation, agencies) for _ in range(2)]
    await wrong(care, first)
    await federation.settle()
    assert (await care.sent(second))["state"] == "recalled"
    await wrong(health, second)
    await federation.settle()
    assert all(item["recalled_at"] for item in await notices(health))
    assert len(await federation.entries("recall_done")) == 2


async def test_what_is_under_way_over_the_link_stops(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await released(federation, agencies)
    second = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    assert (await health.received(second))["state"] == "asks_person"
    await wrong(care, request_id)
    await federation.settle()
    assert (await health.received(second))["state"] == "stopped"
    with pytest.raises(LocalError):
        await health.answer(second)


async def test_a_card_that_was_not_fetched_yet_never_opens(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    await health.answer(request_id)
    while (await health.received(request_id))["release_id"] is None:
        await federation.checkpoint()
        await health.service.advance()
    await wrong(health, request_id)
    cards = await federation.hub_read(
        lambda tables: tables.tx.rows("SELECT sealed FROM mailbox WHERE proof IS NOT NULL")
    )
    assert [item["sealed"] for item in cards] == [None]
    await federation.settle()
    sent = await care.sent(request_id)
    assert (sent["state"], sent["card"]) == ("recalled", None)
    assert len(await notices(care)) == 1


async def test_a_changed_record_may_be_found_again_and_is_asked_about(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await wrong(health, await released(federation, agencies))
    await federation.round()
    moved = ClientRecord("9990000026", "Ameera", "Noor", "Hassan", "2022-03-14", "F",
                         "12 Rowan Road", "LX34AB")  # fmt: skip
    await care.take_in(row("c1", moved, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    await federation.round()
    assert (await care.team("c1")).others, "the score speaks again"
    assert (await care.team("c1")).waiting == (await health.team("h1")).waiting == 1


async def test_nobody_recalls_what_was_not_released_or_is_not_theirs(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    for node, number in ((health, request_id), (care, request_id), (care, "00" * 16)):
        with pytest.raises(LocalError) as caught:
            await wrong(node, number)
        assert caught.value.code is ErrorCode.NOT_FOUND
    await health.answer(request_id)
    await federation.settle()
    (entry,) = await federation.entries("release")
    release = parse_statement(entry["envelope"]).expect(ReleaseBody)
    housing = await federation.join("Housing", "housing")
    body = WrongPersonBody(request_id=request_id, release=release.id, decided_by="00" * 16)
    forged = housing.membership.sign(body, care.party_id)
    with pytest.raises(RemoteError) as refused:
        await housing.membership.post("/v1/statements", forged.envelope.encode())
    assert refused.value.code is ErrorCode.NOT_FOUND
    await wrong(care, request_id)
    with pytest.raises(LocalError) as twice:
        await wrong(care, request_id)
    assert twice.value.code is ErrorCode.CONFLICT
