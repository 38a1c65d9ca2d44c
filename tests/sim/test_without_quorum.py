"""Witnesses are away: requests and refusals go their way, and no contact detail moves."""

from typing import Any

import pytest

from hub.store.mailboxes import Post
from node.store.tables import NodeTables
from protocol.messages.statement import Context, Stamp, make_statement, parse_statement
from protocol.requests.refusals import RefusalCode
from protocol.signing import SecretSeed
from tests.sim.federation import SimFederation, SimNode

Agencies = tuple[SimNode, SimNode]


def sleep(federation: SimFederation, *, asleep: bool = True) -> None:
    """Two witnesses fall asleep, or wake up."""
    for witness in list(federation.network.witnesses.values())[:2]:
        witness.asleep = asleep


async def asked(federation: SimFederation, agencies: Agencies) -> str:
    """A request made while there is no quorum, on the holder's screen."""
    _, care = agencies
    sleep(federation)
    request_id = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    return request_id


async def test_a_request_arrives_and_a_refusal_comes_back(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await asked(federation, agencies)
    assert (await health.received(request_id))["state"] == "asks_person"
    await health.answer(request_id, RefusalCode.NOT_PROPORTIONATE)
    await federation.settle()
    sent = await care.sent(request_id)
    assert (sent["state"], sent["code"]) == ("refused", "not_proportionate")


async def test_an_allowed_card_leaves_when_the_witnesses_are_back_and_not_before(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    request_id = await asked(federation, agencies)
    await health.answer(request_id)
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "allowed"
    assert await federation.entries("release") == []
    sleep(federation, asleep=False)
    federation.clock.now += 600
    await federation.settle()
    assert (await care.sent(request_id))["state"] == "opened"


async def test_a_request_that_the_hub_forges_meanwhile_is_never_acted_on(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await asked(federation, agencies)
    (entry,) = await federation.entries("request")
    true = parse_statement(entry["envelope"])
    body: Any = true.body.model_copy(update={"request_id": "66" * 16})
    charter = health.membership.charter
    context = Context(charter.charter_id, 1, charter.log.origin, care.party_id)
    stamp = Stamp(health.party_id, "67" * 16, federation.clock())
    forged = make_statement(context, stamp, body, SecretSeed(b"\x66" * 32))

    def slip_in(tables: Any) -> None:
        logged = federation.ledger(tables).append(forged)
        tables.mailboxes.post(
            [Post(health.party_id, forged.envelope.encode(), logged, sealed=b"x")]
        )

    await federation.hub_write(slip_in)
    await federation.settle()

    def requests(tables: NodeTables) -> int:
        return tables.count("received_request")

    assert await health.read(requests) == 1, "it waits in the mailbox"
    sleep(federation, asleep=False)
    federation.clock.now += 600
    await federation.settle()
    assert await health.read(requests) == 1, "and is set aside once the log is witnessed"


async def test_news_from_a_member_that_is_not_witnessed_yet_waits_and_is_then_taken(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Care gets a second directory entry in the gap; here: health's view does not know care yet."""
    health, care = agencies
    request_id = await asked(federation, agencies)
    del request_id, monkeypatch
    view = health.membership.view
    unknown = {key: item for key, item in view.directory.members.items() if key != care.party_id}
    known, directory = view.directory, view.directory
    object.__setattr__(view, "directory", type(directory)(known.charters, unknown, known.accepted))
    second = await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    await federation.settle()
    found = await health.read(
        lambda tables: tables.tx.one("SELECT 1 FROM received_request WHERE request_id = ?", second)
    )
    assert found is None, "it waits"
    object.__setattr__(view, "directory", known)
    await federation.settle()
    assert (await health.received(second))["state"] == "asks_person"
