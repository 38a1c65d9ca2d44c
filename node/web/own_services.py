"""Sensitive services behind the agency's own clients over the local interface.

specs/07-transport.md §1. Like commands: what is asked, is asked in somebody's name.
"""

from dataclasses import asdict
from functools import partial
from typing import Annotated

from pydantic import Field

from node.actions.asking import Grounds
from node.actions.introductions import Introduce, introduce_now, service_of
from node.actions.register import who_acts
from node.links.team import team_of
from node.service import NodeService
from node.web.calls import Act, Answer, LocalId, Person, Text
from node.web.own_clients import ClientIn
from node.web.shown_requests import ServiceHintOut
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import BasisCode, Code, WireModel
from protocol.requests.sealing import FACT_LIMIT

FactText = Annotated[str, Field(min_length=1, max_length=FACT_LIMIT)]


class IntroduceIn(WireModel):
    """Which service to be introduced to, by its reference, and why. `service_is_told`: that whoever
    asks knows it; without it nothing is asked.
    """

    client: LocalId
    reference: Text
    role: Code
    purpose: Code
    basis: BasisCode
    facts: Annotated[dict[Code, FactText], Field(max_length=12)]
    practitioner: Person
    service_is_told: bool = False


class ServicesOut(Answer):
    """What can be reached; `desk_hints` are what the duty desk is asked by."""

    services: list[ServiceHintOut]
    desk_hints: list[str]


class IntroducedOut(Answer):
    """The hint that it was asked by."""

    hint_id: str


async def services(service: NodeService, body: ClientIn) -> ServicesOut:
    """Show what can be reached, not named; and whether the duty desk can put in touch."""
    team = await service.read(partial(team_of, local_id=body.client))
    found = [asdict(item) for item in team.services]
    return ServicesOut.of({"services": found, "desk_hints": list(team.desk_hints)})


async def introduce(service: NodeService, body: IntroduceIn) -> IntroducedOut:
    """Ask the hub to be introduced."""
    if not body.service_is_told:
        raise RemoteError(
            ErrorCode.MALFORMED,
            "service_is_told must be true: the service is told at once who asks, about which of "
            "its clients, and why",
        )
    person = await who_acts(service, body.practitioner)
    found = await service_of(service, body.client, body.reference)
    grounds = Grounds(body.purpose, body.basis, body.facts)
    await introduce_now(service, Introduce(found, person, body.role, grounds))
    return IntroducedOut(hint_id=found.hint_id)


CALLS: dict[str, Act] = {
    "/v1/clients/services": services,
    "/v1/clients/services/introduce": introduce,
}
"""What may be posted where."""
