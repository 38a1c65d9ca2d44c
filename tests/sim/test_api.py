"""The review queue over HTTP: who gets in, who does not, and the whole way through."""

import json
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from node.actions.membership import api_token
from node.service import NodeService
from node.web.api import ReviewApi
from runtime.environment import Environment
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_identity_check import unsure as unsure
from tests.sim.test_review import Agencies, logged_states

TOKEN = "ab" * 32
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SAME = {"answer": "same", "rests_on": "records", "practitioner": "H. Visitor"}
CARE_SAME = {**SAME, "practitioner": "S. Worker"}
Api = Any


async def client_of(service: NodeService) -> Api:
    app = ReviewApi([service], TOKEN, "127.0.0.1").application()
    client = TestClient(TestServer(app))
    await client.start_server()
    return client


@pytest.fixture
async def apis(unsure: Agencies) -> AsyncIterator[tuple[Api, Api]]:
    """The interfaces of health visiting and of social care."""
    clients = [await client_of(node.service) for node in unsure]
    yield clients[0], clients[1]
    for client in clients:
        await client.close()


async def waiting(client: Api) -> list[dict[str, Any]]:
    answer = await client.get("/v1/review", headers=BEARER)
    assert answer.status == 200
    (hub,) = (await answer.json())["hubs"]
    queue: list[dict[str, Any]] = hub["queue"]
    return queue


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer " + "00" * 32},
        {"Authorization": "Basic " + TOKEN},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer \u00e4"},
    ],
)
async def test_without_the_token_nothing_is_told_or_done(
    federation: SimFederation, apis: tuple[Api, Api], headers: dict[str, str]
) -> None:
    _, care = apis
    for method, path in (
        ("GET", "/v1/review"),
        ("POST", "/v1/review/" + "11" * 16),
        ("POST", "/v1/review/" + "11" * 16 + "/identity-checks"),
        ("GET", "/v1/identity-checks/" + "11" * 16),
        ("POST", "/v1/identity-checks/" + "11" * 16),
    ):
        answer = await care.request(method, path, headers=headers, json=SAME)
        assert answer.status == 401
        assert answer.content_type == "application/problem+json"
        problem = json.loads(await answer.text())
        assert problem["code"] == "no_token"
        assert TOKEN not in json.dumps(problem)
    assert await federation.entries("verdict") == []


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}]
)
async def test_a_web_page_is_refused_though_it_has_the_token(
    apis: tuple[Api, Api], headers: dict[str, str]
) -> None:
    answer = await apis[0].get("/v1/review", headers={**BEARER, **headers})
    assert answer.status == 403
    assert json.loads(await answer.text())["code"] == "not_allowed"


async def test_two_systems_answer_and_the_link_becomes_a_match(
    federation: SimFederation, apis: tuple[Api, Api]
) -> None:
    for client, body in zip(apis, (SAME, CARE_SAME), strict=True):
        (item,) = await waiting(client)
        answer = await client.post(f"/v1/review/{item['link_id']}", headers=BEARER, json=body)
        assert answer.status == 200
        assert await waiting(client) == []
    await federation.round()
    assert await logged_states(federation) == ["match"]


async def test_an_identity_check_from_request_to_outcome(
    federation: SimFederation, apis: tuple[Api, Api]
) -> None:
    health, care = apis
    (item,) = await waiting(care)
    body = {
        "role": "social_worker", "purpose": "safeguarding_child", "basis": "UK-CA89-S47",
        "facts": {"enquiry_reference": "S47-1", "informed": "informed"},
        "practitioner": "S. Worker",
    }  # fmt: skip
    address = f"/v1/review/{item['link_id']}/identity-checks"
    unwarned = await care.post(address, headers=BEARER, json=body)
    assert unwarned.status == 400
    assert "told at once who asks" in json.loads(await unwarned.text())["detail"]
    assert await federation.entries("identity_request") == []
    asked = await care.post(address, headers=BEARER, json={**body, "other_side_is_told": True})
    place = f"/v1/identity-checks/{(await asked.json())['check_id']}"
    await federation.settle()
    state = await (await care.get(place, headers=BEARER)).json()
    assert (state["state"], state["answer"]) == ("compared", None)
    queue = await (await health.get("/v1/review", headers=BEARER)).json()
    (shown,) = queue["hubs"][0]["to_compare"]
    assert shown["theirs"]["postcode"] == "LX9 9ZZ"
    found = {"answer": "not_same", "refusal": None, "practitioner": "H. Visitor"}
    assert (await health.post(place, headers=BEARER, json=found)).status == 200
    await federation.settle()
    state = await (await care.get(place, headers=BEARER)).json()
    assert (state["state"], state["answer"]) == ("answered", "not_same")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed"),
        (b"[]", 400, "malformed"),
        (b'{"answer":"maybe","rests_on":"records","practitioner":""}', 400, "malformed"),
        (b'{"answer":"same"}', 400, "unknown_field"),
        (b'{"answer":"same","rests_on":"records","practitioner":"","x":1}', 400, "unknown_field"),
        (b'{"answer":"same","rests_on":"records","practitioner":"Nobody"}', 404, "not_found"),
        (b'{"answer":"same","rests_on":"records","practitioner":""}', 409, "not_ready"),
        (b"\xff" * 10, 400, "malformed"),
        (b'{"a":' * 2000, 400, "malformed"),
        (b"x" * 20_000, 413, "too_large"),
    ],
)
async def test_bad_bodies_are_problems_and_change_nothing(
    federation: SimFederation, apis: tuple[Api, Api], body: bytes, status: int, code: str
) -> None:
    (item,) = await waiting(apis[0])
    answer = await apis[0].post(f"/v1/review/{item['link_id']}", headers=BEARER, data=body)
    assert (answer.status, json.loads(await answer.text())["code"]) == (status, code)
    assert await federation.entries("verdict") == []


async def test_an_unknown_link_is_not_found(apis: tuple[Api, Api]) -> None:
    answer = await apis[0].post("/v1/review/" + "11" * 16, headers=BEARER, json=SAME)
    assert answer.status == 404


async def test_the_token_is_drawn_once_and_for_the_owner_alone(agencies: Agencies) -> None:
    node: SimNode = agencies[0]
    first = api_token(node.folder, Environment())
    assert api_token(node.folder, Environment()) == first
    assert len(first) == 64
    mode = (node.folder / "api-token.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


async def test_a_hub_that_reuses_anothers_id_does_not_get_the_answer(
    federation: SimFederation, unsure: Agencies
) -> None:
    """Two hubs of one node: what is asked under an id that both use is refused, not guessed."""
    _, care = unsure
    other = NodeService(replace(care.membership), federation.settings("Social care", "x"))
    other.membership.hub = replace(care.membership.hub, hub_id="ee" * 16)
    app = ReviewApi([care.service, other], TOKEN, "127.0.0.1").application()
    client = TestClient(TestServer(app))
    await client.start_server()
    (queued,) = await care.read(care.service.dispatcher.reviewing.queue)
    path = f"/v1/review/{queued.link_id}"
    copy = (
        "INSERT INTO link SELECT ?, link_id, stub_id, state, agency_id, involvements, evidence, "
        "round_id FROM link"
    )
    await care.write(lambda tables: tables.tx.run(copy, "ee" * 16))
    answer = await client.post(path, headers=BEARER, json=CARE_SAME)
    assert (answer.status, json.loads(await answer.text())["code"]) == (409, "conflict")
    assert await federation.entries("verdict") == []
    sql = "UPDATE link SET link_id = ? WHERE hub_id = ?"
    await care.write(lambda tables: tables.tx.run(sql, "ab" * 16, "ee" * 16))
    answer = await client.post(path, headers=BEARER, json=CARE_SAME)
    assert answer.status == 200
    assert len(await federation.entries("verdict")) == 1
    await client.close()
