"""What the node's commands do, apart from parsing and printing."""

from dataclasses import dataclass

from node.links.team import team_of
from node.membership.hub import HubMembership
from node.publishing.publisher import Publisher
from node.records.clients import withdraw
from node.requests.answering import Answer
from node.requests.asking import ContactRequest
from node.service import NodeService
from node.store.links import LinkState
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError


@dataclass(frozen=True)
class Located:
    """Which involvement is asked for, and who asks."""

    involvement_id: str
    practitioner: int


async def withdraw_and_publish(membership: HubMembership, local_id: str) -> int:
    """Withdraw a client's permission and tell the hub at once; how many involvements."""
    now = membership.env.clock()
    count = await membership.engine.write(lambda tables: withdraw(tables, local_id, now))
    await membership.follow()
    await Publisher(membership).tell_withdrawn()
    return count


async def ask_now(service: NodeService, request: ContactRequest) -> str:
    """Ask and send at once; the request's id."""
    membership = service.membership
    await membership.follow()
    request_id = await membership.engine.write(lambda tables: service.asking.ask(tables, request))
    await service.advance()
    return request_id


async def answer_now(service: NodeService, answer: Answer) -> None:
    """Answer, send at once, and release when a quorum has seen the decision."""
    membership = service.membership
    await membership.follow()
    await membership.engine.write(lambda tables: service.answering.answer(tables, answer))
    await service.advance()


async def locate(membership: HubMembership, client: str, number: int, name: str) -> Located:
    """The involvement behind a number of the team, and the practitioner who asks."""

    def work(tables: NodeTables) -> Located:
        others = _askable(tables, membership, client)
        if not 1 <= number <= len(others):
            raise LocalError(ErrorCode.NOT_FOUND, "no team member with that number")
        return Located(others[number - 1], _worker(tables, client, name))

    return await membership.engine.read(work)


async def practitioner_named(membership: HubMembership, name: str) -> int:
    """A practitioner of ours by name; the only one if no name is given."""

    def work(tables: NodeTables) -> int:
        records = tables.records
        found = records.practitioners_named(name) if name else records.practitioners(2)
        if not found or (not name and len(found) > 1):
            raise LocalError(ErrorCode.NOT_FOUND, "say who you are with --as NAME, as imported")
        return found[0].id

    return await membership.engine.read(work)


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
