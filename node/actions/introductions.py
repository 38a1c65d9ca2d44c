"""Asking the hub to be introduced to a service that we may not see: written down, sent at once."""

from dataclasses import dataclass
from functools import partial

from node.actions.asking import Grounds
from node.links.team import Service, team_of
from node.membership.hub import HubMembership
from node.requests.introductions import IntroductionRequest
from node.service import NodeService
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError

LEAST = 4


@dataclass(frozen=True)
class Introduce:
    """A wish to be introduced to a service behind a client; `person` is who asks (a row's id)."""

    service: Service
    person: int
    role: str
    grounds: Grounds


async def service_of(service: NodeService, client: str, reference: str) -> Service:
    """The service behind a client that a reference names, as it stands now. Raises LocalError."""
    return await service.read(partial(_service, client=client, reference=reference))


async def introduce_now(service: NodeService, wanted: Introduce) -> None:
    """Ask, and send at once. Raises LocalError or RemoteError. The hub's answer comes by mail."""
    membership, grounds = service.membership, wanted.grounds
    request = IntroductionRequest(
        hint_id=wanted.service.hint_id,
        practitioner=wanted.person,
        role=wanted.role,
        purpose=grounds.purpose,
        basis=grounds.basis,
        facts=grounds.facts,
    )
    await membership.begin()
    await membership.engine.write(
        lambda tables: service.dispatcher.introductions.ask(tables, request)
    )
    await service.advance()


def _service(tables: NodeTables, membership: HubMembership, client: str, reference: str) -> Service:
    typed = reference.strip().upper()
    services = team_of(tables, membership, client).services
    found = [item for item in services if item.hint_id.upper().startswith(typed)]
    if len(typed) < LEAST or len(found) != 1:
        raise LocalError(
            ErrorCode.NOT_FOUND,
            "no service that can be reached has that reference now: see patchwork-node team",
        )
    return found[0]
