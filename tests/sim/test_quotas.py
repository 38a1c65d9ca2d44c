"""Over quota the log has the day's first refusal; the rest is a number that both sides count."""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit.findings import FindingCode as Code
from hub.server.routes import HubApp
from hub.store.over_quota import OverQuota
from node.actions.resync import resync_now
from node.links.review import Opinion
from node.membership.details import change_details
from node.membership.keys import load_keys
from node.service import NodeService
from node.store.tables import open_engine
from protocol.errors import ErrorCode, RemoteError
from protocol.messages.bodies import RejectionBody
from protocol.messages.statement import parse_statement
from protocol.requests import quotas
from protocol.requests.daily import DAY
from tests.sim.federation import Clock, SimFederation, SimNode
from tests.sim.test_audit_people import audited, rules
from tests.sim.test_charter_change import amend, follow
from tests.sim.test_daily_statements import alarms, answers, days
from tests.sim.test_review import queue
from transport.client import HttpClient
from transport.problems import parse_problem
from transport.server import listening

Agencies = tuple[SimNode, SimNode]


async def quota(federation: SimFederation, agencies: Agencies, **numbers: int) -> None:
    await amend(federation, {"quotas": numbers})
    await follow(*agencies)


async def flood(care: SimNode, times: int) -> list[str | None]:
    """Ask so many times; what became of each."""
    involvement = (await care.team("c1")).others[0].involvement_id
    asked = [await care.ask("c1", involvement) for _ in range(times)]
    return [(await care.sent(request_id))["code"] for request_id in asked]


async def said(federation: SimFederation, agency: SimNode) -> list[int]:
    """What the daily statements to an agency say of refusals over quota."""
    entries = await federation.entries("daily_statement")
    found: list[Any] = [parse_statement(entry["envelope"]) for entry in entries]
    return [item.body.over_quota for item in found if item.preamble.aud == agency.party_id]


async def test_a_flood_of_requests_is_one_leaf_and_a_number_that_its_node_agrees_with(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, care = agencies
    await quota(federation, agencies, requests_per_day=2)
    assert await flood(care, 6) == [None, None, *["over_quota"] * 4]
    assert len(await federation.entries("request")) == 2
    assert len(await federation.entries("hub_decision")) == 2
    (leaf,) = await federation.entries("rejection")
    body = parse_statement(leaf["envelope"]).expect(RejectionBody).body
    assert (body.kind, body.code) == ("request", "over_quota")
    await days(federation, 2)
    assert (await said(federation, care), await said(federation, health)) == ([4, 0], [0, 0])
    assert await answers(federation) == ["agree"] * 4
    assert await alarms(care) == []
    assert await audited(federation) == set()
    assert await flood(care, 3) == [None, None, "over_quota"], "tomorrow is another day"
    assert len(await federation.entries("rejection")) == 2


async def test_each_kind_with_a_quota_is_refused_before_it_is_logged(
    federation: SimFederation, unsure: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.sim.test_identity_check import check

    _, care = unsure
    monkeypatch.setattr(quotas, "VERDICTS_A_DAY", 1)
    await quota(federation, unsure, identity_checks_per_day=1)
    for _ in range(3):
        await check(care)
    (waiting,) = await queue(care)
    for answer in ("same", "not_same", "same"):
        opinion = Opinion(waiting.link_id, answer, 1)
        await care.write(lambda t, o=opinion: care.service.dispatcher.reviewing.say(t, o))  # type: ignore[misc]
        await care.service.advance()
    logged = [len(await federation.entries(kind)) for kind in ("identity_request", "verdict")]
    assert logged == [1, 1]
    assert len(await federation.entries("rejection")) == 2, "the first of each"
    await days(federation)
    assert await said(federation, care) == [4]
    assert await answers(federation) == ["agree"] * 2
    assert await audited(federation) == set()


async def _details(agency: SimNode, number: int) -> None:
    await change_details(agency.membership, None, f"01632 960{number:03}", None)


async def _resync(agency: SimNode, _number: int) -> None:
    await resync_now(agency.service, ask=True)


@pytest.mark.parametrize(("change", "refused"), [(_details, 3), (_resync, 1)])
async def test_what_an_agency_says_of_itself_is_taken_ten_times_a_day(
    federation: SimFederation,
    agencies: Agencies,
    change: Callable[[SimNode, int], Awaitable[None]],
    refused: int,
) -> None:
    """A resync that was refused is the same statement when it is tried again."""
    health, _ = agencies
    for number in range(13):
        await federation.checkpoint()
        if number < 10:
            await change(health, number)
            continue
        with pytest.raises(RemoteError) as caught:
            await change(health, number)
        assert caught.value.code is ErrorCode.OVER_QUOTA
    kind = change.__name__.removeprefix("_")
    assert len(await federation.entries(kind)) == 10
    assert len(await federation.entries("rejection")) == 1, "the first of the day"
    federation.clock.now += DAY
    with suppress(RemoteError):  # what it could not ask yesterday is too old, and asked anew
        await health.service.receive(wait=0)
    await federation.settle()
    await federation.hub.jobs.daily()
    await federation.settle()
    assert await said(federation, health) == [refused]
    assert await answers(federation) == ["agree"] * 2
    assert await audited(federation) == set()


async def test_a_statement_that_is_sent_again_counts_once(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    await quota(federation, agencies, requests_per_day=1)
    await flood(care, 1)
    real, posted = federation.services.intake.submit, []

    async def refused(*arguments: Any) -> Any:
        posted.append(arguments[0])
        try:
            return await real(*arguments)
        except RemoteError as error:
            if len(posted) < 3:
                raise RemoteError(ErrorCode.UNREACHABLE, "the answer is lost") from error
            raise

    object.__setattr__(federation.services.intake, "submit", refused)
    with pytest.raises(RemoteError):
        await flood(care, 1)
    for _ in range(2):
        try:
            await care.service.advance()
        except RemoteError:
            continue
    assert len({message.envelope for message in posted}) == 1
    object.__setattr__(federation.services.intake, "submit", real)
    await days(federation)
    assert await said(federation, care) == [1]
    assert await answers(federation) == ["agree"] * 2


async def test_a_hub_that_counts_wrong_is_noticed(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, care = agencies
    await quota(federation, agencies, requests_per_day=1)
    await flood(care, 3)
    monkeypatch.setattr(OverQuota, "take", lambda *_: 0)
    await days(federation)
    assert "books_differ" in await alarms(care)
    found = await audited(federation)
    assert rules(Code.BOOKS_DIFFER, Code.DAILY_STATEMENT_DIFFERS) <= found


async def test_who_floods_with_stolen_keys_is_in_the_owners_statement(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    _, care = agencies
    await quota(federation, agencies, requests_per_day=0)
    shutil.copytree(care.folder, tmp_path / "stolen")
    held = care.membership
    keys = load_keys(tmp_path / "stolen", held.hub.hub_id)
    stolen = replace(held, engine=open_engine(tmp_path / "stolen"), keys=keys)
    thief = SimNode(NodeService(stolen, care.service.answering._settings), tmp_path / "stolen")
    assert await flood(thief, 2) == ["over_quota"] * 2
    await days(federation)
    assert await alarms(care) == ["books_differ"], "nothing of it is logged, and still it is seen"
    await stolen.engine.close()


async def test_a_hub_that_refuses_within_the_quota_is_found(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RemoteError(ErrorCode.OVER_QUOTA, "so it says")

    monkeypatch.setattr("hub.exchange.intake.check_quota", refuse)
    assert await flood(agencies[1], 1) == ["over_quota"]
    assert await audited(federation) == rules(Code.REFUSAL_UNFOUNDED)


@asynccontextmanager
async def over_http(federation: SimFederation) -> AsyncIterator[list[tuple[int, str | None]]]:
    """Statements go to the hub by HTTP meanwhile: the status of each, and its Retry-After."""
    real, heard = federation.network.post, list[tuple[int, str | None]]()
    async with (
        listening(HubApp(federation.services).application(), "127.0.0.1", 0) as port,
        HttpClient(allow_private=True) as http,
    ):

        async def posted(url: str, body: bytes, headers: Any = None) -> bytes:
            if not url.endswith("/v1/statements"):
                return await real(url, body, headers)
            async with http._open().post(f"http://127.0.0.1:{port}/v1/statements", data=body) as it:
                heard.append((it.status, it.headers.get("Retry-After")))
                data = await it.read()
            if heard[-1][0] != 200:
                raise parse_problem(heard[-1][0], data, "the hub")
            return data

        federation.network.post = posted  # type: ignore[method-assign]
        yield heard
        federation.network.post = real  # type: ignore[method-assign]


@pytest.mark.parametrize("behind", [0, 60, -20])
async def test_a_flood_is_told_truly_when_to_come_again_and_others_are_served(
    federation: SimFederation, agencies: Agencies, behind: int
) -> None:
    """Ten times the quota, 90 seconds before the day ends. The day is that of the statement's own
    time: so the answer is true for who sends it, whose clock may differ from the hub's.
    """
    health, care = agencies
    await quota(federation, agencies, requests_per_day=2)
    clock = Clock()
    object.__setattr__(care.membership.env, "clock", clock)
    federation.clock.now += 86_400 - federation.clock.now % 86_400 - 90
    clock.now = federation.clock.now - behind
    involvement = (await health.team("h1")).others[0].involvement_id
    async with over_http(federation) as heard:
        flooding = asyncio.create_task(flood(care, 20))
        for number in range(2):
            assert await health.ask("h1", involvement)
            await health.service.receive(wait=0)
            assert flooding.done() == (number > 1), "in the midst of it"
        assert await flooding == [None, None, *["over_quota"] * 18]
        assert Counter(heard) == {(200, None): 4, (429, str(90 + behind)): 18}
        for wait, code in ((89 + behind, "over_quota"), (1, None)):
            federation.clock.now += wait
            clock.now += wait
            assert await flood(care, 1) == [code]
        assert heard[-2:] == [(429, "1"), (200, None)]
    logged = [entry["sender"] for entry in await federation.entries("request")]
    assert Counter(logged) == {care.party_id: 3, health.party_id: 2}, "what was taken is kept"
    assert await audited(federation) == set()
