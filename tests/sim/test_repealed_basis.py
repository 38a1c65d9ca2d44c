"""A lawful basis goes out of the charter while a request on it waits and a card by it is out."""

from node.actions.records import withdraw_now
from protocol.requests.refusals import RefusalCode
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_audit_people import audited
from tests.sim.test_charter_change import amend, follow
from tests.sim.test_recalled_cards import asked, known, opened, states, to_decide
from tests.sim.test_refusals_node import nothing_set_aside

Agencies = tuple[SimNode, SimNode]
SECTION_47 = "UK-CA89-S47"


async def test_what_was_asked_on_a_basis_that_is_repealed_is_answered_and_its_card_goes(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Nobody can say any more that it needed no consent: a withdrawal takes the card back."""
    health, care = agencies
    await known(federation, health)
    await health.agree("h1")  # beside the duty that it rests on
    card = await opened(federation, agencies)
    waiting, late = [await asked(federation, agencies) for _ in range(2)]
    whole = (await federation.charter()).to_value()
    left = [item for item in whole["lawful_bases"] if item["code"] != SECTION_47]
    await amend(federation, {**whole, "lawful_bases": left})
    await follow(health, care)
    assert health.membership.charter.lawful_basis(SECTION_47) is None

    await health.answer(waiting, RefusalCode.NOT_PROPORTIONATE)
    await federation.settle()
    assert await states(care, waiting, card) == ["refused", "opened"]
    await withdraw_now(health.service, "h1", 1)
    await federation.settle()
    assert await to_decide(health) == set()
    assert await states(care, card, late) == ["recalled", "refused"]
    await nothing_set_aside(health, care)
    assert await audited(federation) == set()
