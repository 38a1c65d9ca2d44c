"""A charity that joins after the founding days: endorsed by another organisation, then a wait."""

import asyncio

import pytest

from hub.members.enrolment import Enrolment
from hub.members.office import resize
from hub.store.members import ApplicantState
from hub.store.tables import HubTables
from node.actions.membership import Answering, endorse
from node.membership.hub import HubMembership
from node.membership.joining import Joining
from node.service import NodeService
from protocol.errors import ErrorCode, LocalError, RemoteError
from tests.sim.federation import DUTY, SAMIR, SimFederation, SimNode, row
from tests.sim.test_key_holders import FIRST, request_of
from tests.sim.test_stolen_node import Agencies

DAY = 86_400
NAME = "A late charity"


async def late(federation: SimFederation) -> None:
    """The founding days are over."""
    federation.clock.now += 61 * DAY
    await federation.checkpoint()


async def applied(
    federation: SimFederation, name: str = NAME
) -> tuple[Joining, HubMembership, str]:
    """Somebody applies and the operator approves; the words that they read out."""
    invitation = await federation.invite(federation.random(32))
    joining, engine = federation.joining(name, "charity", clients=20)
    membership, words = await joining.apply(engine, invitation)
    approved, party_id = ApplicantState.APPROVED, membership.hub.party_id
    await federation.hub_write(lambda tables: tables.members.move_applicant(party_id, approved))
    return joining, membership, words


async def is_member(federation: SimFederation, membership: HubMembership) -> bool:
    await federation.hub.jobs.admit()
    await federation.checkpoint()
    directory = await federation.hub_read(lambda tables: tables.directory.current())
    return directory.active(membership.hub.party_id) is not None


async def answered_for(node: SimNode, words: str, name: str = NAME, clients: int = 20) -> None:
    await endorse(node.service, Answering(words, name, clients), 1)


async def joined(federation: SimFederation, joining: Joining, membership: HubMembership) -> SimNode:
    await asyncio.wait_for(joining.wait_for_approval(membership, lambda: None), 30)
    await joining.accept_charter(membership)
    await federation.checkpoint()
    service = NodeService(membership, federation.settings(NAME, "charity"))
    return SimNode(service, federation.folder / NAME)


async def test_a_late_charity_waits_for_another_organisation_and_then_for_key_holders(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    await late(federation)
    joining, membership, words = await applied(federation)
    assert joining.needs_endorsement(membership), "and is told so when it waits"
    assert not await is_member(federation, membership), "approved by the operator alone"
    await answered_for(care, words)
    assert await is_member(federation, membership)
    await membership.follow()
    assert not joining.needs_endorsement(membership)
    charity = await joined(federation, joining, membership)
    await charity.take_in(row("c1", SAMIR, "youth_work", DUTY))
    with pytest.raises(RemoteError, match=r"key holders serve a late member from .* UTC on"):
        await charity.publish()
    federation.clock.now += 7 * DAY
    await federation.checkpoint()
    assert (await charity.publish()).changed == 1


async def test_words_of_nobody_and_the_same_answer_twice_are_refused_and_not_logged(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    await late(federation)
    _, _, words = await applied(federation)
    with pytest.raises(RemoteError, match="compare them once more") as caught:
        await answered_for(care, "acorn " + words.partition(" ")[2])
    assert caught.value.code is ErrorCode.NOT_FOUND
    await answered_for(care, words)
    with pytest.raises(RemoteError, match="said so already"):
        await answered_for(care, words)
    assert len(await federation.entries("endorsement")) == 1


async def test_an_endorsement_of_another_name_lets_nobody_in(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    await late(federation)
    _, membership, words = await applied(federation)
    await answered_for(care, words, name="Another charity")
    assert not await is_member(federation, membership)


async def test_a_hub_that_writes_a_member_of_its_own_making_back_dated_gains_nothing(
    federation: SimFederation, agencies: Agencies
) -> None:
    """It states a time within the founding days; key holders saw no such member then."""
    founded = federation.clock.now
    await late(federation)
    joining, membership, _ = await applied(federation)
    honest = federation.clock.now

    def lie(tables: HubTables) -> None:
        federation.clock.now = founded
        Enrolment(federation.ledger(tables)).admit(membership.hub.party_id)
        federation.clock.now = honest

    await federation.hub_write(lie)
    await federation.checkpoint()
    sham = await joined(federation, joining, membership)
    for _ in range(2):
        with pytest.raises(RemoteError, match="has answered for it") as caught:
            await federation.network.holders[FIRST].answer(request_of(sham))
        assert caught.value.code is ErrorCode.NOT_ALLOWED
        federation.clock.now += 30 * DAY
        await federation.checkpoint()


async def test_founders_are_served_at_once_and_after_a_key_holder_lost_its_book(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    await late(federation)
    first = federation.network.holders[FIRST]
    assert await first.answer(request_of(health))
    await first.close()
    (federation.folder / "holder-1" / "holder.sqlite").unlink()
    anew = type(first)(first.folder, first.settings, federation.clock)
    await anew.start()
    federation.network.holders[FIRST] = anew
    await federation.checkpoint()
    assert await anew.answer(request_of(health)), "it goes by what the log says of each"


async def test_an_agency_that_grows_has_more_once_the_operator_says_so(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    holder = federation.network.holders[FIRST]
    party = health.party_id

    async def ordered(clients: int) -> None:
        await federation.hub_write(lambda tables: resize(tables, party, clients))
        await federation.hub.jobs.admit()
        await federation.checkpoint()

    await ordered(20)
    await holder.answer(request_of(health, 400))
    with pytest.raises(RemoteError, match="of 450 evaluations"):
        await holder.answer(request_of(health, 100))
    await ordered(40)
    await holder.answer(request_of(health, 100))
    with pytest.raises(LocalError, match="must answer for so many first") as caught:
        await ordered(90_000)
    words = caught.value.detail.split('"')[1]
    await answered_for(care, words, name="Health visiting", clients=90_000)
    await ordered(90_000)
    await holder.answer(request_of(health, 4_000))
