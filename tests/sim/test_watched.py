"""How a service is watched: whether it works, for everybody; its numbers, for who has the token.

What is served is read by Prometheus's own parser.
"""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from audit.witness.app import make_app
from audit.witness.store import WitnessStore, make_witness
from audit.witness.watching import witness_watch
from hub.server.jobs import PUBLISH
from hub.server.routes import HubApp
from hub.server.watching import STANDS_SECONDS, hub_watch
from keys.holder.service import MAX_LOG_AGE
from node.alarms import AlarmCode, raise_alarm
from node.web.pages.site import node_site
from node.web.watching import node_watch
from protocol.signing import SecretSeed
from runtime.environment import Environment
from runtime.metrics import Pulse
from tests.sim.federation import ORIGIN, SimFederation, SimNode
from transport.client import HttpClient
from transport.watched import TOKEN_FILE, Watch

WATCHING = (Path(__file__).parents[2] / "docs/operate/watching.md").read_text(encoding="utf-8")
EVENTS = {"following", "not_following", "not_following_over"}
Numbers = dict[tuple[str, ...], float]
Client = TestClient[Request, Application]


@asynccontextmanager
async def hub_of(federation: SimFederation, pulse: Pulse) -> AsyncIterator[Client]:
    watch = hub_watch(federation.folder, federation.services, pulse)
    app = HubApp(federation.services).application(watch.routes())
    async with TestClient(TestServer(app)) as client:
        yield client


@asynccontextmanager
async def alone(watch: Watch) -> AsyncIterator[Client]:
    async with TestClient(TestServer(watch.application())) as client:
        yield client


async def numbers(client: Client, folder: Path) -> Numbers:
    """What is measured, by name and then the values of the labels."""
    token = (folder / TOKEN_FILE).read_text(encoding="utf-8").strip()
    answer = await client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 200, await answer.text()
    found = list(text_string_to_metric_families(await answer.text()))
    for family in found:
        if family.name.startswith("patchwork_"):
            written = family.name + ("_total" if family.type == "counter" else "")
            assert f"`{written}`" in WATCHING, "the manual says what it means"
    return {
        (sample.name.removeprefix("patchwork_"), *sample.labels.values()): sample.value
        for family in found
        for sample in family.samples
    }


async def test_a_hub_says_how_it_is_and_nothing_of_whom(
    federation: SimFederation, agencies: tuple[SimNode, SimNode]
) -> None:
    pulse = Pulse(federation.clock)
    async with hub_of(federation, pulse) as client:
        healthy = await client.get("/healthz")
        assert (healthy.status, await healthy.text()) == (200, "ok\n")
        found = await numbers(client, federation.folder)
        said = await (await client.get("/healthz")).text()
        token = (federation.folder / TOKEN_FILE).read_text(encoding="utf-8").strip()
        answer = await client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
        said += await answer.text()
    assert found["members", "active"] == 2
    assert found["quorum_needed",] == 3
    assert found["contact_details_wait_seconds",] == 0
    assert sum(value for key, value in found.items() if key[0] == "witness_counts") >= 3
    assert found["log_entries",] == found["log_signed_entries",] > 5
    assert found["http_requests_total", "GET", "/healthz", "200"] == 1
    for node in agencies:
        assert node.party_id not in said
        assert node.membership.me().body.name not in said
    assert "Amira" not in said


@pytest.mark.parametrize("sent", [{}, {"Authorization": "Bearer "}, {"Authorization": "Bearer 00"}])
async def test_numbers_are_for_who_has_the_token_alone(
    federation: SimFederation, sent: dict[str, str]
) -> None:
    """Also on this machine: behind a proxy everybody comes from here."""
    async with hub_of(federation, Pulse(federation.clock)) as client:
        refused = await client.get("/metrics", headers=sent)
        assert refused.status == 401
        assert (await refused.json())["code"] == "no_token"
    assert stat.S_IMODE((federation.folder / TOKEN_FILE).stat().st_mode) == 0o600


async def test_a_hub_whose_log_stands_is_not_well(federation: SimFederation) -> None:
    pulse = Pulse(federation.clock)
    async with hub_of(federation, pulse) as client:
        pulse.went_well(PUBLISH)
        federation.clock.now += STANDS_SECONDS
        assert (await client.get("/healthz")).status == 200
        federation.clock.now += 1
        stands = await client.get("/healthz")
        assert stands.status == 500
        assert "log has not been written" in (await stands.json())["detail"]
        pulse.went_well(PUBLISH)
        assert (await client.get("/healthz")).status == 200


async def test_no_caller_makes_the_numbers_longer(federation: SimFederation) -> None:
    """An address that nobody serves is no label: somebody would invent a million of them."""
    async with hub_of(federation, Pulse(federation.clock)) as client:
        for path in ("/wp-login.php", "/tile/x", "/v1/charters/" + "0" * 64):
            await client.get(path)
        found = await numbers(client, federation.folder)
    routes = {key[2] for key in found if key[0] == "http_requests_total"}
    assert routes == {"", "/tile/{path}", "/v1/charters/{hash}"}


async def test_a_key_holder_that_has_not_followed_is_not_well(
    federation: SimFederation, agencies: tuple[SimNode, SimNode]
) -> None:
    holder = next(iter(federation.network.holders.values()))
    async with alone(holder.watch()) as client:
        assert (await client.get("/healthz")).status == 200
        found = await numbers(client, holder.folder)
        assert found["points_evaluated_total",] >= 0
        assert found["key_shares",] == 1
        assert found["log_followed_entries",] > 0
        federation.clock.now += MAX_LOG_AGE + 100
        assert (await client.get("/healthz")).status == 503


async def test_a_node_counts_what_waits_and_what_is_amiss(
    federation: SimFederation, agencies: tuple[SimNode, SimNode]
) -> None:
    care = agencies[1]
    membership, name = care.membership, care.membership.hub.name
    assert not await care.service.attempt("advance", _fails)
    assert await care.service.attempt("watch", _works)
    hub_id, now = membership.hub.hub_id, federation.clock()
    await care.write(lambda tables: raise_alarm(tables, hub_id, AlarmCode.NO_QUORUM, now))
    pages = node_site(
        membership.engine, [care.service], care.service.settings, Environment()
    ).application()
    watch = node_watch(membership.folder, membership.engine, [care.service], [pages])
    async with alone(watch) as client, TestClient(TestServer(pages)) as browser:
        assert (await client.get("/healthz")).status == 200
        assert (await browser.get("/sign-in")).status == 200
        assert (await browser.get("/welcome/a-secret-link")).status >= 400
        found = await numbers(client, membership.folder)
    assert found["http_requests_total", "GET", "/sign-in", "200"] == 1, "pages count too"
    assert found["http_requests_total", "GET", "/healthz", "200"] == 1
    assert not [labels for labels in found if "secret-link" in "".join(labels)]
    assert found["alarms", name, "missing"] == 1
    assert found["alarms", name, "proof"] == 0
    assert found["outbox_waiting", name] == 0
    assert found["job_failures_total", name, "advance"] == 1
    assert found["job_last_success_timestamp_seconds", name, "watch"] == now


async def _fails() -> None:
    raise ValueError("unforeseen")


async def _works() -> None:
    """All went well."""


async def test_a_witness_says_how_far_it_has_signed(
    federation: SimFederation, tmp_path: Path
) -> None:
    folder = tmp_path / "w9"
    make_witness(folder, "w9.example", SecretSeed(b"\x09" * 32))
    store = WitnessStore(folder)
    try:
        key = federation.services.publisher._signer.key
        store.add_log(key)
        app = make_app(store, federation.clock, witness_watch(folder, store).routes())
        async with TestClient(TestServer(app)) as client:
            assert (await client.get("/healthz")).status == 200
            assert (await client.get("/metrics")).status == 401
            found = await numbers(client, folder)
        assert found["log_witnessed_entries", key.name] == 0
        assert found["forks", key.name] == 0
    finally:
        store.close()


async def test_a_key_holder_says_that_following_began_and_once_why_it_does_not(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = next(iter(federation.network.holders.values()))
    monkeypatch.setattr("keys.holder.service.SYNC_SECONDS", 0)
    monkeypatch.setattr("runtime.patience.FIRST_SECONDS", 0)
    passes, real, over = 0, holder.sync, asyncio.Event()

    async def sync(http: HttpClient) -> None:
        """Three passes with the hub, ten without, one with it again."""
        nonlocal passes
        passes += 1
        federation.network.hub_down = 3 < passes <= 13
        if passes == 15:
            over.set()
        await real(http)

    monkeypatch.setattr(holder, "sync", sync)
    with capture_logs() as logs:
        following = asyncio.create_task(holder._follow(federation.network))  # type: ignore[arg-type]
        await asyncio.wait_for(over.wait(), 60)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    said = [line for line in logs if line["event"] in EVENTS]
    assert [line["event"] for line in said] == ["following", "not_following", "not_following_over"]
    began, waits, _ = said
    assert began["log"] == ORIGIN
    assert began["entries"] > 0
    assert (waits["cause"], waits["host"]) == ("unreachable", began["host"])
