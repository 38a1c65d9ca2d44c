"""What the node's commands do, apart from parsing and printing."""

import asyncio
import json
import signal
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from pathlib import Path

from node.links.team import team_of
from node.membership.hub import HubMembership
from node.publishing.publisher import Publisher
from node.records.clients import withdraw
from node.requests.answering import Answer
from node.requests.asking import ContactRequest
from node.service import NodeService
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import from_base64
from protocol.wire import Invitation, parse_wire


@dataclass(frozen=True)
class Located:
    """Which involvement is asked for, and who asks."""

    involvement_id: str
    practitioner: int


def init_folder(folder: Path, name: str, member_class: str, line: str, hours: str) -> None:
    """Write a new node.toml. Raises LocalError(CONFLICT) if there is one."""
    path = folder / "node.toml"
    if path.exists():
        raise LocalError(ErrorCode.CONFLICT, "node.toml is there already")
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        "name": name,
        "member_class": member_class,
        "control_domain": name,
        "duty_line": line,
        "duty_hours": hours,
    }
    # A JSON string is a TOML basic string.
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
    path.write_text(text, encoding="utf-8")


def read_invitation(text: str) -> Invitation:
    """The invitation as the operator handed it over. Raises RemoteError(INVITATION)."""
    try:
        return parse_wire(Invitation, from_base64("".join(text.split())))
    except (ValueError, RemoteError) as error:
        raise RemoteError(ErrorCode.INVITATION, "this is not an invitation; copy all of it") from (
            error
        )


async def withdraw_and_publish(membership: HubMembership, local_id: str) -> int:
    """Withdraw a client's permission and tell the hub at once; how many involvements."""
    now = membership.env.clock()
    count = await membership.engine.write(lambda tables: withdraw(tables, local_id, now))
    await membership.follow()
    await Publisher(membership).tell_withdrawn()
    return count


async def ask_now(service: NodeService, question: ContactRequest) -> str:
    """Ask and send at once; the request's id."""
    membership = service.membership
    await membership.follow()
    request_id = await membership.engine.write(lambda tables: service.asking.ask(tables, question))
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
            raise LocalError(ErrorCode.NOT_FOUND, "nobody of that number is in the client's team")
        return Located(others[number - 1], _worker(tables, client, name))

    return await membership.engine.read(work)


async def practitioner_named(membership: HubMembership, name: str) -> int:
    """A practitioner of ours by name; the only one if no name is given."""

    def work(tables: NodeTables) -> int:
        rows = tables.tx.rows("SELECT id FROM practitioner WHERE ? IN ('', name) ORDER BY id", name)
        if not rows or (not name and len(rows) > 1):
            raise LocalError(ErrorCode.NOT_FOUND, "say who you are with --as NAME, as imported")
        return int(rows[0]["id"])

    return await membership.engine.read(work)


async def until_stopped(work: Sequence[Awaitable[object]]) -> None:
    """Run until SIGINT or SIGTERM, then cancel cleanly."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.ensure_future(item) for item in work]
    waiter = asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait([waiter, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in (waiter, *tasks):
        task.cancel()
    await asyncio.gather(waiter, *tasks, return_exceptions=True)
    for task in done:
        task.result()  # a part that failed ends the program loudly, for its supervisor to see


def _askable(tables: NodeTables, membership: HubMembership, client: str) -> list[str]:
    """Involvement ids by number: the team as shown, then what was shown before and has ended.

    A number that was on the screen a minute ago still asks: the hub refuses, and logs that it did.
    """
    shown = [item.involvement_id for item in team_of(tables, membership, client).others]
    row = tables.records.client(client)
    stub = tables.stubs.of_client(membership.hub.hub_id, row.id) if row else None
    ended = tables.tx.rows(
        "SELECT involvements FROM link WHERE hub_id = ? AND stub_id = ? AND state = 'ended' "
        "ORDER BY link_id",
        membership.hub.hub_id, stub.stub_id if stub else "",
    )  # fmt: skip
    return shown + [item["id"] for link in ended for item in json.loads(link["involvements"])]


def _worker(tables: NodeTables, client: str, name: str) -> int:
    sql = (
        "SELECT p.id FROM practitioner p JOIN involvement i ON i.practitioner = p.id "
        "JOIN client c ON c.id = i.client WHERE c.local_id = ?"
        if not name
        else "SELECT id FROM practitioner WHERE name = ?"
    )
    row = tables.tx.one(sql, name or client)
    if row is None:
        raise LocalError(ErrorCode.NOT_FOUND, "say who asks with --as NAME, as imported")
    return int(row["id"])
