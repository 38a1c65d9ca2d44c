"""The public register: for anybody, of organisations only, and silent about fewer than five."""

import json
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from hub.server.routes import HubApp
from tests.sim.federation import SimFederation, SimNode

Agencies = tuple[SimNode, SimNode]


async def shown(federation: SimFederation) -> tuple[str, dict[str, Any]]:
    """The page, and the same as JSON, as anybody gets them."""
    app = HubApp(federation.services).application()
    async with TestClient(TestServer(app)) as client:
        page = await (await client.get("/register")).text()
        return page, json.loads(await (await client.get("/v1/register")).text())


async def answered(federation: SimFederation, agencies: Agencies, times: int) -> None:
    health, care = agencies
    (member,) = (await care.team("c1")).others
    for _ in range(times):
        request_id = await care.ask("c1", member.involvement_id)
        await federation.settle()
        await health.answer(request_id)
        await federation.settle()


async def test_it_says_who_signed_what_and_publishes_what(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    page, found = await shown(federation)
    assert [one["name"] for one in found["members"]] == ["Health visiting", "Social care"]
    assert {one["signed"] for one in found["members"]} == {found["charter"]} == {1}
    assert "not said yet" in page
    assert '<td data-head="Kind">' in page, "rows become lists where a table is too wide"
    await health.service.figures.step()
    page, found = await shown(federation)
    assert found["members"][0]["publishes"]["clients"] == 0
    assert "fewer than 10" in page
    for text in ("Amira", "Hassan", "H. Visitor", health.party_id):
        assert text not in page + json.dumps(found)


async def test_it_says_by_whom_each_answers_once_five_were_answered(
    federation: SimFederation, agencies: Agencies
) -> None:
    await answered(federation, agencies, 4)
    page, found = await shown(federation)
    assert [one["answers"] for one in found["members"]] == [{}, {}]
    assert "Too few yet." in page
    await answered(federation, agencies, 1)
    page, found = await shown(federation)
    assert found["members"][0]["answers"] == {"UK-CA89-S47": ["person"]}
    assert "a person" in page
    assert "a rule" not in page.partition("Answers by lawful basis")[2]


async def test_a_hub_without_members_says_so(federation: SimFederation) -> None:
    _, found = await shown(federation)
    assert found["members"] == []
