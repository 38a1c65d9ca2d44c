"""What the hub decides by where something that a request names is not there: it refuses, and says
in the log exactly which facts it had."""

from protocol.messages.bodies import HubDecisionBody, RequestBody
from protocol.messages.review import IdentityDecisionBody, IdentityRequestBody
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_identity_check import check
from tests.sim.test_refusals_hub import NOBODY, but, last, says

Agencies = tuple[SimNode, SimNode]
GONE = "ef" * 16


async def test_a_request_that_names_what_is_not_there(
    federation: SimFederation, agencies: Agencies
) -> None:
    """Each is logged, decided and refused; the last one, in which all is there, goes through."""
    health, care = agencies
    charity = await federation.join("Charity", "charity")
    await care.ask("c1", (await care.team("c1")).others[0].involvement_id)
    real = (await last(federation, "request")).expect(RequestBody).body
    sealed = (await care.outbox())[-1]["sealed"]
    tries = {
        "no such link": ({"link_id": NOBODY}, health.party_id),
        "no such involvement": ({"involvement_id": GONE}, health.party_id),
        "no such record of ours": ({"stub_id": GONE}, health.party_id),
        "another agency than is across the link": ({}, charity.party_id),
        "nobody at all": ({}, GONE),
        "as it is": ({}, health.party_id),
    }
    decided = {}
    for number, (name, (change, aud)) in enumerate(tries.items()):
        body = but(real, request_id=f"{number:032x}", **change)
        assert await says(care, body, aud, sealed) is None, name
        found = (await last(federation, "hub_decision")).expect(HubDecisionBody).body
        pins = found.facts
        named = (pins.round, pins.requester_publication, pins.holder_publication)
        decided[name] = (found.code, tuple(pin is not None for pin in named))
    assert decided == {
        "no such link": ("not_available", (False, True, False)),
        "no such involvement": ("not_available", (True, True, True)),
        "no such record of ours": ("not_available", (False, False, False)),
        "another agency than is across the link": ("not_available", (True, True, True)),
        "nobody at all": ("not_available", (True, True, True)),
        "as it is": (None, (True, True, True)),
    }


async def test_an_identity_request_that_names_what_is_not_there(
    federation: SimFederation, unsure: Agencies
) -> None:
    _, care = unsure
    await check(care)
    real = (await last(federation, "identity_request")).expect(IdentityRequestBody).body
    hub_id = care.membership.hub.hub_id
    decided = {}
    for number, change in enumerate(({"link_id": NOBODY}, {"stub_id": GONE}, {})):
        body = but(real, check_id=f"{number:032x}", **change)
        assert await says(care, body, hub_id) is None
        found = (await last(federation, "identity_decision")).expect(IdentityDecisionBody).body
        pins = found.facts
        named = (pins.round, pins.requester_publication, pins.holder_publication, found.holder)
        decided["".join(change)] = (found.code, tuple(pin is not None for pin in named))
    assert decided == {
        "link_id": ("not_available", (False, True, False, False)),
        "stub_id": ("not_available", (False, False, False, False)),
        "": (None, (True, True, True, True)),
    }
