"""Asking for contact details, and answering: written down, and sent at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from node.links.team import team_of
from node.membership.hub import HubMembership
from node.requests.answering import Answer
from node.requests.asking import ContactRequest
from node.service import NodeService
from node.store.links import LinkState
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError


@dataclass(frozen=True)
class Grounds:
    """Why a practitioner asks: purpose, lawful basis, and the facts that the basis demands."""

    purpose: str
    basis: str
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Ask:
    """A request for the contact details behind a number in a client's team. `practitioner` may be
    empty: then the worker of the client asks.
    """

    client: str
    number: int
    practitioner: str
    role: str
    grounds: Grounds


async def ask_now(service: NodeService, ask: Ask) -> str:
    """Ask and send at once; the request's id. Raises LocalError or RemoteError."""
    membership = service.membership

    def request(tables: NodeTables) -> ContactRequest:
        others = _askable(tables, membership, ask.client)
        if not 1 <= ask.number <= len(others):
            raise LocalError(ErrorCode.NOT_FOUND, "no team member with that number")
        return ContactRequest(
            local_id=ask.client,
            involvement_id=others[ask.number - 1],
            practitioner=_worker(tables, ask.client, ask.practitioner),
            role=ask.role,
            purpose=ask.grounds.purpose,
            basis=ask.grounds.basis,
            facts=ask.grounds.facts,
        )

    asked = await membership.engine.read(request)
    await membership.begin()
    request_id = await membership.engine.write(lambda tables: service.asking.ask(tables, asked))
    await service.advance()
    return request_id


async def answer_now(service: NodeService, answer: Answer) -> None:
    """Answer, send at once, and release when a quorum has seen the decision."""
    membership = service.membership
    await membership.begin()
    await membership.engine.write(lambda tables: service.answering.answer(tables, answer))
    await service.advance()


async def practitioner_named(service: NodeService, name: str) -> int:
    """A practitioner of ours by name; the only one if no name is given. Raises LocalError."""

    def work(tables: NodeTables) -> int:
        records = tables.records
        found = records.practitioners_named(name) if name else records.practitioners(2)
        if not found or (not name and len(found) > 1):
            raise LocalError(ErrorCode.NOT_FOUND, "say who you are with --as NAME, as imported")
        return found[0].id

    return await service.membership.engine.read(work)


def _askable(tables: NodeTables, membership: HubMembership, client: str) -> list[str]:
    """Involvement ids by number: the team as shown, then what was shown before and has ended.

    A number that was on the screen a minute ago still asks: the hub refuses, and logs that it did.
    """
    shown = [item.involvement_id for item in team_of(tables, membership, client).others]
    row = tables.records.client(client)
    stub = tables.stubs.of_client(membership.hub.hub_id, row.id) if row else None
    links = tables.links.of_stub(membership.hub.hub_id, stub.stub_id) if stub else []
    ended = [link for link in links if link.state is LinkState.ENDED]
    return shown + [item.id for link in ended for item in link.involvements]


def _worker(tables: NodeTables, client: str, name: str) -> int:
    """Who asks: the one who is named, or the first who works with the client."""
    if name:
        workers = [item.id for item in tables.records.practitioners_named(name)]
    else:
        row = tables.records.client(client)
        involvements = tables.records.involvements([row.id]) if row else []
        workers = [item.practitioner for item in involvements if item.practitioner is not None]
    if not workers:
        raise LocalError(ErrorCode.NOT_FOUND, "say who asks with --as NAME, as imported")
    return workers[0]
