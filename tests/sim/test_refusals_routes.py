"""What the hub's own addresses refuse of whoever asks, over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

import hub.server.routes
import transport.door
from hub.server.routes import HubApp
from hub.store.tables import HubTables
from protocol.fields import to_base64
from protocol.messages.bodies import ExportBody
from protocol.wire import ExportRecord, Message, encode_wire, parse_wire
from tests.sim.federation import SimFederation, SimNode
from transport.door import Visit

Agencies = tuple[SimNode, SimNode]


@pytest.fixture
async def address(federation: SimFederation, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Where the hub answers, and refuses at once."""
    monkeypatch.setattr(transport.door, "PAUSE_SECONDS", 0)
    async with TestServer(HubApp(federation.services).application()) as server:
        yield str(server.make_url("")).rstrip("/")


async def answer(method: str, url: str, body: bytes | None = None) -> tuple[int, str]:
    """Status and code of an answer."""
    async with aiohttp.ClientSession() as http, http.request(method, url, data=body) as response:
        data = await response.read()
        problem = response.content_type == "application/problem+json"
        return response.status, json.loads(data)["code"] if problem else ""


async def test_what_is_not_there(address: str, agencies: Agencies) -> None:
    del agencies
    nothing = "00" * 32
    assert {
        "a tile": await answer("GET", f"{address}/tile/0/999"),
        "a tile beside its place": await answer("GET", f"{address}/tile/0/../../keys.json"),
        "a charter": await answer("GET", f"{address}/v1/charters/{nothing}"),
        "a proof": await answer("GET", f"{address}/v1/proofs/999999"),
        "chunks of no manifest": await answer(
            "POST", f"{address}/v1/publications/{nothing}/chunks", b"x"
        ),
    } == {
        "a tile": (404, "not_found"),
        "a tile beside its place": (404, "not_found"),
        "a charter": (404, "not_found"),
        "a proof": (404, "not_found"),
        "chunks of no manifest": (404, "not_found"),
    }


async def test_what_cannot_be_read(address: str) -> None:
    for path in ("enrolments", "rotations", "statements", "publications", "polls", "exports"):
        for body in (b"", b"{}", b"[]", b'{"envelope":"AAAA","proof":null,"sealed":null}'):
            status, code = await answer("POST", f"{address}/v1/{path}", body)
            assert (status, code) in {(400, "malformed"), (400, "unknown_field")}, (path, body)


async def test_chunks_of_no_manifest_are_not_even_read(address: str, agencies: Agencies) -> None:
    """Two megabytes of nobody's are announced, and none is sent: the answer waits for none."""
    del agencies
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /v1/publications/{'00' * 32}/chunks HTTP/1.1\r\nHost: {host}\r\n"
    writer.write(f"{head}Content-Length: 1000000\r\n\r\n".encode())
    async with asyncio.timeout(5):
        assert await reader.readline() == b"HTTP/1.1 404 Not Found\r\n"
    writer.close()
    await writer.wait_closed()


async def exported(address: str, auditor: SimNode, start: int, end: int) -> list[int]:
    """The indexes of the entries that an auditor is given."""
    statement = auditor.membership.sign(
        ExportBody(start=start, end=end), auditor.membership.hub.hub_id
    )
    envelope = to_base64(statement.envelope.encode())
    body = encode_wire(Message(envelope=envelope, sealed=None, proof=None))
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{address}/v1/exports", data=body) as got,
    ):
        assert got.status == 200
        data = await got.read()
    indexes = []
    while data:
        record, data = cut(data)
        found = parse_wire(ExportRecord, record, limit=len(record))
        indexes.append(found.index)
        for _ in range(found.evidence):
            _, data = cut(data)
    return indexes


def cut(data: bytes) -> tuple[bytes, bytes]:
    """The first record of a stream, and the rest."""
    length = int.from_bytes(data[:4], "big")
    return data[4 : 4 + length], data[4 + length :]


async def test_an_export_does_not_end_where_a_whole_batch_was_erased(
    address: str, federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the seventh year the first two hundred requests are gone, and the later ones are not."""
    del agencies
    auditor = await federation.join("Auditor", "auditor")
    monkeypatch.setattr(hub.server.routes, "EXPORT_BATCH", 2)

    def as_erasure_leaves_it(tables: HubTables) -> int:
        tables.tx.run("DELETE FROM payload WHERE idx BETWEEN 4 AND 7")
        return tables.log.next_index()

    size = await federation.hub_write(as_erasure_leaves_it)
    left = [index for index in range(size) if index not in range(4, 8)]
    assert await exported(address, auditor, 0, size) == left
    questions = [size, size + 1]  # which are in the log, too
    assert await exported(address, auditor, size - 1, 2**40) == [size - 1, *questions]


async def test_what_a_pulling_witness_is_told_that_holds_more(
    address: str, federation: SimFederation
) -> None:
    size = federation.services.publisher.size
    async with aiohttp.ClientSession() as http:
        for old, status, body in ((size + 1, 409, b"%d\n" % size), (size, 200, None)):
            async with http.get(f"{address}/v1/add-checkpoint/{old}") as got:
                assert got.status == status
                assert body is None or await got.read() == body


def public(federation: SimFederation) -> Path:
    """The folder of the log's public tree."""
    return federation.folder / "hub" / "log"


async def test_only_what_never_changes_may_be_kept_for_ever(
    address: str, federation: SimFederation
) -> None:
    """A full tile by any name that a log of 256 entries has."""
    tiles = public(federation) / "tile" / "0"
    partial = next(tiles.glob("*.p/*"))
    (tiles / "000").write_bytes(bytes(32 * 256))
    async with aiohttp.ClientSession() as http:
        for path, control in (("0/000", "immutable"), (f"0/000.p/{partial.name}", None)):
            async with http.get(f"{address}/tile/{path}") as got:
                assert (got.status, got.headers.get("Cache-Control")) == (200, control)


async def test_before_the_first_checkpoint_there_is_none(
    address: str, federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    (public(federation) / "checkpoint").unlink()
    monkeypatch.setattr(federation.services.publisher.tiles, "_published", None)
    assert await answer("GET", f"{address}/checkpoint") == (404, "not_found")


async def test_a_proof_is_not_waited_for_longer_than_was_asked(
    address: str, federation: SimFederation, agencies: Agencies
) -> None:
    """An entry that no quorum has signed yet; what is no number of seconds is none."""
    del agencies
    for witness in federation.network.witnesses.values():
        witness.asleep = True
    await federation.hub.jobs.daily()
    newest = await federation.hub_read(lambda tables: tables.log.next_index()) - 1
    for wait in ("", "?wait=0", "?wait=x", "?wait=-1", "?wait=9999", "?wait=\u0669\u0669"):
        async with asyncio.timeout(10):
            code = await answer("GET", f"{address}/v1/proofs/{newest}{wait}")
        assert code == (503, "no_quorum"), wait


async def test_who_reads_no_further_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """An export is not kept open for an auditor whose disk is full."""
    monkeypatch.setattr(hub.server.routes, "WRITE_SECONDS", 0.01)

    class Full:
        async def write(self, _data: bytes) -> None:
            await asyncio.Event().wait()

    with pytest.raises(ConnectionResetError):
        await hub.server.routes._write(Full(), b"a record")  # type: ignore[arg-type]


async def test_a_proof_is_waited_for_and_given_with_the_quorum(
    address: str, federation: SimFederation, agencies: Agencies
) -> None:
    del agencies
    witnesses = federation.network.witnesses.values()
    for witness in witnesses:
        witness.asleep = True
    await federation.hub.jobs.daily()
    newest = await federation.hub_read(lambda tables: tables.log.next_index()) - 1
    waiting = asyncio.create_task(answer("GET", f"{address}/v1/proofs/{newest}?wait=29"))
    await federation.checkpoint()
    assert not waiting.done()
    for witness in witnesses:
        witness.asleep = False
    await federation.checkpoint()
    async with asyncio.timeout(25):
        assert await waiting == (200, "")


async def test_only_who_waits_gives_the_turn_back(
    address: str, federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four read at a time, however many ask; what is no number of seconds is none."""
    given: list[object] = []
    monkeypatch.setattr(Visit, "give_back", lambda visit: given.append(visit))
    size = federation.services.publisher.size
    url = f"{address}/v1/add-checkpoint/{size}"
    for wait in ("", "?wait=0", "?wait=x", "?wait=\u0669\u0669", "?wait=9999999999999999"):
        async with asyncio.timeout(10):
            assert await answer("GET", f"{url}{wait}") == (200, "")
    assert len(given) == 5, "each at its end"
    assert await answer("GET", f"{address}/v1/add-checkpoint/{size - 1}?wait=20") == (200, "")
    assert len(given) == 7, "at its end, and before it waits"
    async with asyncio.timeout(10):
        assert await answer("GET", f"{address}/v1/notes?after=x") == (200, "")
