"""The local interface: who gets in, who does not, and links and checks the whole way through."""

import json
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from node.actions.membership import api_token
from node.service import NodeService
from node.web.api import ALL_CALLS, LocalApi
from runtime.environment import Environment
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_review import Agencies, logged_states

TOKEN = "ab" * 32
BEARER = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}
SAME = {"answer": "same", "rests_on": "records", "practitioner": "H. Visitor"}
CARE_SAME = {**SAME, "practitioner": "S. Worker"}
Api = Any


async def client_of(service: NodeService) -> Api:
    app = LocalApi([service], TOKEN, "127.0.0.1").application()
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


async def posts(client: Api, path: str, /, **body: Any) -> tuple[int, Any]:
    answer = await client.post(path, headers=BEARER, json=body)
    return answer.status, await answer.json()


async def waiting(client: Api) -> list[dict[str, Any]]:
    status, answer = await posts(client, "/v1/review")
    assert status == 200
    (hub,) = answer["hubs"]
    queue: list[dict[str, Any]] = hub["queue"]
    return queue


async def refused(answer: Any) -> None:
    assert answer.status == 401
    assert answer.content_type == "application/problem+json"
    problem = json.loads(await answer.text())
    assert problem["code"] == "no_token"
    assert TOKEN not in json.dumps(problem)


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
    for path in ALL_CALLS:
        await refused(await care.post(path, headers=headers, json=SAME))
    await refused(await care.get("/v1/openapi.json", headers=headers))
    assert await federation.entries("verdict") == []


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}]
)
async def test_a_web_page_is_refused_though_it_has_the_token(
    apis: tuple[Api, Api], headers: dict[str, str]
) -> None:
    answer = await apis[0].post("/v1/review", headers={**BEARER, **headers}, json={})
    assert answer.status == 403
    assert json.loads(await answer.text())["code"] == "not_allowed"


async def test_two_systems_answer_and_the_link_becomes_a_match(
    federation: SimFederation, apis: tuple[Api, Api]
) -> None:
    for client, body in zip(apis, (SAME, CARE_SAME), strict=True):
        (item,) = await waiting(client)
        said = await posts(client, "/v1/review/answer", link_id=item["link_id"], **body)
        assert said == (200, {"link_id": item["link_id"], "answer": "same"})
        assert await waiting(client) == []
    await federation.round()
    assert await logged_states(federation) == ["match"]


async def test_an_identity_check_from_request_to_outcome(
    federation: SimFederation, apis: tuple[Api, Api]
) -> None:
    health, care = apis
    (item,) = await waiting(care)
    body = {
        "link_id": item["link_id"],
        "role": "social_worker", "purpose": "safeguarding_child", "basis": "UK-CA89-S47",
        "facts": {"enquiry_reference": "S47-1", "informed": "informed"},
        "practitioner": "S. Worker",
    }  # fmt: skip
    status, unwarned = await posts(care, "/v1/identity-checks/ask", **body)
    assert status == 400
    assert "told at once who asks" in unwarned["detail"]
    assert await federation.entries("identity_request") == []
    _, check = await posts(care, "/v1/identity-checks/ask", **body, other_side_is_told=True)
    await federation.settle()
    _, state = await posts(care, "/v1/identity-checks/show", **check)
    assert (state["state"], state["answer"]) == ("compared", None)
    _, queue = await posts(health, "/v1/review")
    (shown,) = queue["hubs"][0]["to_compare"]
    assert shown["theirs"]["postcode"] == "LX9 9ZZ"
    found = {"answer": "not_same", "refusal": None, "practitioner": "H. Visitor"}
    said = await posts(health, "/v1/identity-checks/answer", **check, **found)
    assert said == (200, {**check, "answer": "not_same"})
    await federation.settle()
    _, state = await posts(care, "/v1/identity-checks/show", **check)
    assert (state["state"], state["answer"]) == ("answered", "not_same")


def whole(**change: Any) -> bytes:
    """A verdict on a link that is put in later, with a change."""
    return json.dumps({"link_id": "LINK", **SAME, **change}).encode()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed"),
        (b"[]", 400, "malformed"),
        (whole(answer="maybe"), 400, "malformed"),
        (whole(link_id="11" * 15), 400, "malformed"),
        (b'{"answer":"same"}', 400, "unknown_field"),
        (whole(x=1), 400, "unknown_field"),
        (whole(practitioner="Nobody"), 404, "not_found"),
        (whole(practitioner=""), 409, "not_ready"),
        (whole()[:-1] + b',"answer":"same"}', 400, "malformed"),
        (b"\xff" * 10, 400, "malformed"),
        (b'{"a":' * 2000, 400, "malformed"),
        (b"x" * 20_000, 413, "too_large"),
    ],
)
async def test_bad_bodies_are_problems_and_change_nothing(
    federation: SimFederation, apis: tuple[Api, Api], body: bytes, status: int, code: str
) -> None:
    (item,) = await waiting(apis[0])
    body = body.replace(b"LINK", item["link_id"].encode())
    answer = await apis[0].post("/v1/review/answer", headers=BEARER | JSON, data=body)
    assert (answer.status, json.loads(await answer.text())["code"]) == (status, code)
    assert await federation.entries("verdict") == []


@pytest.mark.parametrize(
    "marked", ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream", ""]
)
async def test_what_is_not_marked_as_json_is_not_read(
    federation: SimFederation, apis: tuple[Api, Api], marked: str
) -> None:
    """A form of a web page can be sent as these without asking anybody."""
    (item,) = await waiting(apis[0])
    body = whole().replace(b"LINK", item["link_id"].encode())
    headers = {**BEARER, "Content-Type": marked}
    answer = await apis[0].post("/v1/review/answer", headers=headers, data=body)
    assert (answer.status, json.loads(await answer.text())["code"]) == (415, "not_json")
    assert await federation.entries("verdict") == []


async def test_a_wrong_address_or_method_is_a_problem_too(apis: tuple[Api, Api]) -> None:
    for method, path, status, code, allow in (
        ("GET", "/v1/review", 405, "wrong_method", "POST"),
        ("POST", "/v1/openapi.json", 405, "wrong_method", "GET"),
        ("POST", "/v1/clients/h1", 404, "not_found", None),
        ("POST", "/v1/review/", 404, "not_found", None),
        ("GET", "/", 404, "not_found", None),
    ):
        answer = await apis[0].request(method, path, headers=BEARER)
        problem = json.loads(await answer.text())
        assert (answer.status, problem["code"]) == (status, code), path
        assert answer.content_type == "application/problem+json"
        allowed = answer.headers.get("Allow")
        assert (allowed and allowed.replace(" ", "")) == allow, path


@pytest.mark.parametrize("query", ["?hubb=Other", "?hub=Test%20hub&hub=Other", "?client=h1"])
async def test_what_is_mistyped_in_the_address_is_not_taken_for_the_only_hub(
    apis: tuple[Api, Api], query: str
) -> None:
    status, said = await posts(apis[0], f"/v1/clients/show{query}", client="h1")
    assert (status, said["code"]) == (400, "unknown_field")
    assert (await posts(apis[0], "/v1/clients/show?hub=Test%20hub", client="h1"))[0] == 200
    assert (await posts(apis[0], "/v1/clients/show?hub=Other", client="h1"))[0] == 404


async def test_an_unknown_link_is_not_found(apis: tuple[Api, Api]) -> None:
    status, _ = await posts(apis[0], "/v1/review/answer", link_id="11" * 16, **SAME)
    assert status == 404


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
    app = LocalApi([care.service, other], TOKEN, "127.0.0.1").application()
    client = TestClient(TestServer(app))
    await client.start_server()
    (queued,) = await care.read(care.service.dispatcher.reviewing.queue)
    path, said = "/v1/review/answer", {"link_id": queued.link_id, **CARE_SAME}
    copy = (
        "INSERT INTO link SELECT ?, link_id, stub_id, state, agency_id, involvements, evidence, "
        "round_id FROM link"
    )
    await care.write(lambda tables: tables.tx.run(copy, "ee" * 16))
    status, problem = await posts(client, path, **said)
    assert (status, problem["code"]) == (409, "conflict")
    assert await federation.entries("verdict") == []
    sql = "UPDATE link SET link_id = ? WHERE hub_id = ?"
    await care.write(lambda tables: tables.tx.run(sql, "ab" * 16, "ee" * 16))
    assert (await posts(client, path, **said))[0] == 200
    assert len(await federation.entries("verdict")) == 1
    await client.close()
