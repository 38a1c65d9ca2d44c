"""A key holder that is set up wrongly, or asked by who may not: it evaluates nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from keys.holder.config import HolderSettings
from keys.holder.service import HolderService
from protocol.errors import ErrorCode, LocalError, PatchworkError, RemoteError
from protocol.messages.bodies import PollBody
from protocol.messages.evaluations import EvaluateBody
from protocol.messages.statement import Context, Stamp, make_statement, parse_statement
from runtime.secrets import read_secrets, write_secrets
from tests.sim.federation import HUB, SimFederation, SimNode
from tests.sim.test_key_holders import SECOND, closed, holder, put_back, request_of, used

Agencies = tuple[SimNode, SimNode]
E = ErrorCode


def parts(request: bytes) -> tuple[Any, bytes]:
    """The statement of a request, and its points."""
    length = int.from_bytes(request[:4], "big")
    return parse_statement(request[4 : 4 + length]).expect(EvaluateBody), request[4 + length :]


def framed(envelope: bytes, points: bytes) -> bytes:
    return len(envelope).to_bytes(4, "big") + envelope + points


async def says(service: HolderService, request: bytes) -> ErrorCode | None:
    """How a key holder refuses a request; None if it answers."""
    try:
        await service.answer(request)
    except PatchworkError as error:
        return error.code
    return None


async def test_requests_that_are_for_somebody_else_or_come_too_late(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    good = request_of(health)
    statement, points = parts(good)
    charter, own = health.membership.charter, health.membership.keys.auth
    aud, now = statement.preamble.aud, federation.clock()

    def signed(charter_id: str, origin: str, iat: int, body: Any = statement.body) -> bytes:
        context = Context(charter_id, charter.version, origin, health.party_id)
        stamp = Stamp(aud, federation.random(16).hex(), iat)
        return framed(make_statement(context, stamp, body, own).envelope.encode(), points)

    here = (charter.charter_id, charter.log.origin)
    poll = PollBody(generation=None, cursor=0, wait=0, instance="00" * 16)
    before = await used(holder(federation))
    said = {
        "of another federation": await says(holder(federation), signed("ab" * 16, here[1], now)),
        "of another log": await says(holder(federation), signed(here[0], "other/log", now)),
        "of an hour ago": await says(holder(federation), signed(*here, now - 3600)),
        "of another kind": await says(holder(federation), signed(*here, now, poll)),
        "with a length beyond its end": await says(holder(federation), b"\xff" * 4 + good[4:]),
        "of three bytes": await says(holder(federation), good[:3]),
    }
    assert said == {
        "of another federation": E.WRONG_CHARTER,
        "of another log": E.WRONG_CHARTER,
        "of an hour ago": E.EXPIRED,
        "of another kind": E.UNKNOWN_KIND,
        "with a length beyond its end": E.MALFORMED,
        "of three bytes": E.MALFORMED,
    }
    assert await used(holder(federation)) == before, "what is refused costs nothing"
    assert await says(holder(federation), good) is None


async def test_a_folder_that_is_not_this_councils(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, _ = agencies
    request, data = request_of(health), await closed(federation)
    folder = federation.folder / "holder-1"
    (share,) = folder.glob("share-1.json")
    share.rename(tmp_path / "share")
    anew = await put_back(federation, data)
    await anew.sync(federation.network)  # type: ignore[arg-type]
    assert await says(anew, request) is E.NOT_READY, "its share is not there"
    await closed(federation)
    (tmp_path / "share").rename(share)
    keys = read_secrets(folder / "keys.json")
    (folder / "keys.json").unlink()
    write_secrets(folder / "keys.json", {**keys, "sign": b"\x07" * 32})
    anew = await put_back(federation, data)
    with pytest.raises(LocalError, match="does not name this key holder"):
        anew._own(health.membership.charter)
    for lacks in ({"genesis": ""}, {"hub_url": ""}):
        right = HolderSettings(hub_url=HUB, genesis=federation.genesis)
        settings = right.model_copy(update=lacks)
        other = HolderService(folder, settings, federation.clock)
        with pytest.raises(LocalError, match="needs hub_url and genesis"):
            await other.start()
        await other.close()


async def test_an_answer_about_its_counts_that_is_cut_short(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would serve again what its budget has given away already."""
    health, _ = agencies
    data = await closed(federation)
    await federation.round()
    anew = await put_back(federation, data)

    async def nothing(_url: str, _body: bytes) -> AsyncIterator[bytes]:
        nothing_at_all: list[bytes] = []
        for record in nothing_at_all:
            yield record

    monkeypatch.setattr(federation.network, "stream_records", nothing)
    await federation.hub.jobs.daily()
    await federation.services.publisher.step(federation.network)  # type: ignore[arg-type]
    with pytest.raises(RemoteError) as caught:
        await anew.sync(federation.network)  # type: ignore[arg-type]
    assert caught.value.code is E.UNREACHABLE
    assert await says(anew, request_of(health)) is E.NOT_READY


async def test_counts_in_the_log_that_it_has_itself_are_no_sign_of_a_backup(
    federation: SimFederation, agencies: Agencies
) -> None:
    """It was stopped after it had posted them and before it saw them there."""
    health, _ = agencies
    await holder(federation).answer(request_of(health))
    federation.clock.now += 86_400
    assert await holder(federation).report(federation.network) == 1  # type: ignore[arg-type]
    anew = await put_back(federation, await closed(federation))
    await federation.services.publisher.step(federation.network)  # type: ignore[arg-type]
    await anew.sync(federation.network)  # type: ignore[arg-type]
    assert len(await federation.entries("resync")) == 1
    assert await says(anew, request_of(health)) is None


async def test_founders_that_a_book_from_before_has_not_taken_down_are_served(
    federation: SimFederation, agencies: Agencies
) -> None:
    first = holder(federation)
    await first._engine.write(lambda tables: tables.tx.run("DELETE FROM member_seen"))
    assert await says(first, request_of(agencies[0])) is None


async def test_a_damaged_book_is_noticed_before_anybody_is_served(
    federation: SimFederation, agencies: Agencies
) -> None:
    """A disk that lost a page: what was used would be forgotten with it."""
    del agencies
    data = bytearray(await closed(federation))
    middle = len(data) // 2
    data[middle : middle + 4096] = b"\x55" * 4096
    folder = federation.folder / "holder-1"
    (folder / "holder.sqlite").write_bytes(data)
    settings = holder(federation, SECOND).settings
    anew = HolderService(folder, settings.model_copy(update={"port": 0}), federation.clock)
    served: list[int] = []
    async with asyncio.timeout(20):
        with pytest.raises(LocalError) as caught:
            await anew.run(served.append)
    assert caught.value.code is E.STORAGE
    assert served == []
    await anew.close()


async def test_a_log_that_stands_or_only_grows_is_no_news_to_a_key_holder(
    federation: SimFederation, agencies: Agencies
) -> None:
    """All of them have been off for a moment: none asks for its counts, none sees a successor."""
    del agencies
    assert await federation.entries("resync") == []
    with capture_logs() as logs:
        await federation.hub.jobs.round()
        await federation.checkpoint()
    assert "log_succeeded" not in {line["event"] for line in logs}
