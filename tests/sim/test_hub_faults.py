"""What nobody foresaw stays where it happens: one message, one route, one pass of one job."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from hub.exchange.handlers import Handler
from hub.exchange.intake import Intake
from hub.log.ledger import Ledger
from hub.members.enrolment import Enrolment
from hub.server import jobs
from hub.server.jobs import Jobs
from hub.server.routes import HubApp
from hub.server.services import Services
from hub.store.members import ApplicantState
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import to_base64
from protocol.messages.kinds import KINDS, kind_of
from protocol.messages.statement import Statement
from protocol.wire import Message, encode_wire
from tests.conftest import VECTORS
from tests.sim.federation import SimFederation, SimNode
from transport.client import HttpClient
from transport.server import run_beside

Agencies = tuple[SimNode, SimNode]
Logs = list[MutableMapping[str, Any]]

SECRET = "Amira Hassan of 12 Rowan Road"
STATEMENTS = json.loads((VECTORS / "statements.json").read_text("utf-8"))["valid"]
EXAMPLES = {case["kind"]: json.loads(case["payload"])["body"] for case in STATEMENTS}
HERE = "hub."


def fail(*_: object) -> Any:
    """Raise what nobody foresaw, with somebody's data in it."""
    raise ZeroDivisionError(SECRET)


@contextmanager
def told_once(job: str = "") -> Iterator[None]:
    """One fault is told by its type and place, and nothing of what it was about is in any log."""
    with capture_logs() as logs:
        yield
    told = [item for item in logs if item["event"] == "unforeseen"]
    assert [(item["error"], item["log_level"]) for item in told] == [
        ("ZeroDivisionError", "critical")
    ]
    assert told[0]["at"].startswith(HERE)
    assert told[0].get("job", "") == job
    assert SECRET not in repr(logs)


@asynccontextmanager
async def served(services: Services) -> AsyncIterator[tuple[HttpClient, str]]:
    """The hub's real routes over HTTP."""
    server = TestServer(HubApp(services).application())
    await server.start_server()
    async with HttpClient(allow_private=True) as http:
        yield http, str(server.make_url("")).rstrip("/")
    await server.close()


async def answered(http: HttpClient, url: str, body: bytes | None) -> tuple[int, str | None]:
    """Status and, for an error, its code; the answer says nothing of the fault."""
    status, data = await http.exchange(url, body)
    assert SECRET.encode() not in data
    return status, json.loads(data)["code"] if status >= 400 else None


def example_of(kind: str, agencies: Agencies, federation: SimFederation) -> bytes:
    """A statement of a kind, signed by a member and for whom it should be."""
    sender, other = agencies
    body = KINDS[kind].body.model_validate(EXAMPLES[kind])
    hub = sender.membership.charter.charter_id
    aud = other.party_id if KINDS[kind].between_agencies else hub
    statement: Statement[Any] = sender.membership.sign(body, aud)
    envelope = to_base64(statement.envelope.encode())
    return encode_wire(Message(envelope=envelope, sealed=None, proof=None))


def handled() -> list[str]:
    real = Intake._handlers(_Nothing(), _Nothing())  # type: ignore[arg-type]
    return sorted(kind_of(body) for body in real)


class _Nothing:
    tables: Any = None
    quorum_is_missing: Any = None

    def __getattr__(self, _: str) -> "_Nothing":
        return self


@pytest.mark.parametrize("kind", handled())
async def test_a_fault_in_one_message_is_that_messages_alone(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    real = Intake._handlers

    def broken(self: Intake, ledger: Ledger) -> Mapping[Any, Handler]:
        return {**real(self, ledger), KINDS[kind].body: fail}

    entries = await federation.hub_read(lambda tables: tables.log.next_index())
    message = example_of(kind, agencies, federation)
    async with served(federation.services) as (http, url):
        with monkeypatch.context() as patched, told_once():
            patched.setattr(Intake, "_handlers", broken)
            assert await answered(http, f"{url}/v1/statements", message) == (500, "internal")
        after = await federation.hub_read(lambda tables: tables.log.next_index())
        assert after == entries, "it is as if the message had not come"
        _, code = await answered(http, f"{url}/v1/statements", message)
    assert code != "internal", "and is taken, or refused for what it says"
    request_id = await agencies[1].ask("c1", await involvement(agencies[1]))
    await federation.settle()
    assert (await agencies[0].received(request_id))["state"] == "asks_person"


async def involvement(node: SimNode) -> str:
    return (await node.team("c1")).others[0].involvement_id


class FailsOnce:
    """The services of a hub, of which the first that is asked for fails."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.failed = False

    def __getattr__(self, name: str) -> Any:
        if not self.failed:
            self.failed = True
            fail()
        return getattr(self._services, name)


async def test_a_fault_in_one_route_is_that_requests_alone(
    federation: SimFederation, agencies: Agencies
) -> None:
    note = federation.services.publisher.tiles.read_checkpoint()
    message = example_of("receipt", agencies, federation)
    places = {"path": "0/000", "hash": "00" * 32, "index": "0", "id": "00" * 32, "old": "0"}
    table = HubApp(federation.services).routes()
    assert len(table) > 10
    for route in table:
        services: Any = FailsOnce(federation.services)
        path = route.path
        for name, value in places.items():
            path = "".join(filled(path, name, value))
        body = note if path.endswith("/cosignatures") else message
        sent = body if route.method == "POST" else None
        async with served(services) as (http, url):
            with told_once():
                assert await answered(http, url + path, sent) == (500, "internal"), route.path
            assert services.failed
            status, code = await (seen(http, url + path) if sent is None else
                                  answered(http, url + path, sent))  # fmt: skip
            assert (status, code) != (500, "internal"), route.path


async def seen(http: HttpClient, url: str) -> tuple[int, str | None]:
    status, _ = await http.exchange(url, None)
    return status, None


def filled(path: str, name: str, value: str) -> Iterator[str]:
    """A route's path with a value in place of `{name:pattern}`; patterns may hold braces."""
    before, found, rest = path.partition("{" + name + ":")
    yield before
    if found:
        depth = 1
        for place, letter in enumerate(rest):
            depth += {"{": 1, "}": -1}.get(letter, 0)
            if depth == 0:
                yield value
                yield rest[place + 1 :]
                return


JOBS = {
    "round": "round",
    "admit": "admit",
    "charter": "amend",
    "erase": "erase",
    "daily": "daily",
    "watch": "watch",
}


@pytest.mark.parametrize("name", JOBS)
async def test_a_fault_in_one_pass_of_one_job_stops_nothing(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for seconds in ("ADMIT_SECONDS", "ERASE_SECONDS", "DAILY_SECONDS", "WATCH_SECONDS"):
        monkeypatch.setattr(jobs, seconds, 0.01)
    settings = federation.hub.settings
    monkeypatch.setattr(settings, "round_seconds", 0.01)
    monkeypatch.setattr(settings, "batch_seconds", 0.01)
    done: dict[str, int] = dict.fromkeys(JOBS.values(), 0)

    def counting(method: str) -> Any:
        real = getattr(Jobs, method)

        async def counted(self: Jobs) -> None:
            done[method] += 1
            others = min(done.values()) > 0 and federation.services.publisher.size > size
            if done[JOBS[name]] >= 4 and others:
                enough.set()
            if method == JOBS[name] and done[method] <= 2:
                fail()
            await real(self)

        return counted

    for method in JOBS.values():
        monkeypatch.setattr(Jobs, method, counting(method))

    enough, size = asyncio.Event(), federation.services.publisher.size

    async def serving() -> None:
        await enough.wait()

    network: Any = federation.network
    with told_once(name):
        async with asyncio.timeout(60):  # rounds are logged, and published
            await run_beside(serving(), federation.hub.jobs.loops(network))


async def test_the_same_fault_is_told_to_a_person_once(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Mapping[str, object]] = []

    async def alarm(_: object, value: Mapping[str, object]) -> bool:
        told.append(value)
        return True

    monkeypatch.setattr(jobs, "run_alarm", alarm)
    with told_once("round"):
        for _ in range(3):
            await federation.hub.jobs._apart("round", failing)
    assert [item["alarm"] for item in told] == ["unforeseen"]
    assert SECRET not in repr(told)


async def failing() -> None:
    fail()


async def test_one_newcomer_that_cannot_be_admitted_holds_up_nobody_else(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = []
    for name in ("First", "Second"):
        joining, engine = federation.joining(name, "charity")
        membership, _ = await joining.apply(engine, await federation.invite(name[:1].encode() * 32))
        ids.append(membership.hub.party_id)
        await engine.close()
    approved = ApplicantState.APPROVED
    for party_id in ids:
        await federation.hub_write(
            lambda tables, party_id=party_id: tables.members.move_applicant(party_id, approved)  # type: ignore[misc]
        )
    real = Enrolment.admit

    def admit(self: Enrolment, party_id: str) -> Any:
        return fail() if party_id == ids[0] else real(self, party_id)

    with monkeypatch.context() as patched, told_once(f"admit {ids[0]}"):
        patched.setattr(Enrolment, "admit", admit)
        await federation.hub.jobs.admit()
    directory = await federation.hub_read(lambda tables: tables.directory.current())
    assert [directory.active(party_id) is not None for party_id in ids] == [False, True]

    def refused(self: Enrolment, party_id: str) -> Any:
        raise RemoteError(ErrorCode.WEAK_KEY, party_id)

    with monkeypatch.context() as patched:
        patched.setattr(Enrolment, "admit", refused)
        await federation.hub.jobs.admit()  # told as well, and nothing else waits for it
    await federation.hub.jobs.admit()
    directory = await federation.hub_read(lambda tables: tables.directory.current())
    assert directory.active(ids[0]) is not None


async def test_the_logs_writer_stops_the_service(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub whose log is not published any more must not answer as if it were."""
    monkeypatch.setattr(federation.services.publisher, "step", fail)
    service = federation.hub

    async def start() -> Services:
        return federation.services

    monkeypatch.setattr(service, "start", start)
    with told_once("publish"), pytest.raises(LocalError) as caught:
        async with asyncio.timeout(30):
            await service.run(lambda _: None)
    assert caught.value.code is ErrorCode.INTERNAL
    assert SECRET not in str(caught.value)
