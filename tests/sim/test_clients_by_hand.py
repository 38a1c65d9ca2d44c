"""A charity of three people without a file: its client is found, closed, and found again; two of
its records that are one are one stub.
"""

from typing import Any

import pytest

from node.actions import clients as acts
from node.actions.clients import NewClient, PerhapsKnownError
from node.store.merges import Preset
from node.store.people import PersonKind
from node.web.own_clients import CALLS
from protocol.errors import LocalError
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row
from tests.sim.test_api import BEARER, client_of
from tests.sim.test_ends import polled, shown

TYPED = {
    name: value
    for name in ("given", "family", "date_of_birth", "postcode")
    if (value := getattr(AMIRA, name))
}
YOUTH = Preset("usual", "youth_work", None, "Lea", "UK-CONSENT", 365)


async def two(federation: SimFederation) -> tuple[SimNode, SimNode]:
    """Social care with a child, and a charity with nobody yet."""
    care = await federation.join("Lexbridge Children", "childrens_social_care")
    charity = await federation.join("Lea Youth", "charity")
    await care.take_in(row("c1", AMIRA, "child_in_need", DUTY, "S. Worker"))
    await care.publish()
    now = charity.membership.env.clock()
    kind = PersonKind.WORKER
    await charity.write(lambda tables: tables.people.register("Y. Worker", "Lea", kind, now))
    return care, charity


async def test_a_client_who_is_typed_in_is_found_closed_and_found_again(
    federation: SimFederation,
) -> None:
    care, charity = await two(federation)
    new = NewClient(TYPED, "h1", consent="today")
    with pytest.raises(LocalError, match="clients preset"):
        await acts.add_client(charity.service, new, 1)
    await charity.write(lambda tables: tables.merges.put_preset(YOUTH))
    with pytest.raises(LocalError, match="which day did they agree"):
        await acts.add_client(charity.service, NewClient(TYPED, "h1"), 1)
    assert await acts.add_client(charity.service, new, 1) == "h1"
    await federation.round()
    assert await shown(care, "c1") == ["Youth work"]
    assert await shown(charity, "h1") == ["Child in need"]
    assert await acts.close_work(charity.service, "h1", None, 1) == 1
    await polled(federation, care)
    assert await shown(care, "c1") == [], "told at once, before any round"
    assert await acts.reopen_work(charity.service, "h1", None, 1) == 1
    await federation.round()
    assert await shown(care, "c1") == ["Youth work"]


async def test_one_client_twice_is_asked_about_and_two_records_of_one_become_one_stub(
    federation: SimFederation,
) -> None:
    care, charity = await two(federation)
    await charity.write(lambda tables: tables.merges.put_preset(YOUTH))
    new = NewClient(TYPED, "h1", consent="today")
    await acts.add_client(charity.service, new, 1)
    again = NewClient(TYPED, "h2", consent="today")
    with pytest.raises(PerhapsKnownError, match="is it one of h1") as known:
        await acts.add_client(charity.service, again, 1)
    assert "Amira" not in str(known.value)
    surely = NewClient(TYPED, "h2", consent="today", is_new=True)
    await acts.add_client(charity.service, surely, 1)
    await acts.merge_clients(charity.service, "h2", "h1", 1)
    await federation.round()
    assert await shown(care, "c1") == ["Youth work", "Youth work"], "two pieces of work"
    stubs = await charity.read(lambda tables: tables.tx.rows("SELECT retired FROM stub"))
    assert sorted(stub["retired"] for stub in stubs) == [0, 1]
    await acts.part_clients(charity.service, "h2", 1)
    await federation.round()
    stubs = await charity.read(lambda tables: tables.tx.rows("SELECT retired FROM stub"))
    assert [stub["retired"] for stub in stubs] == [0, 0]


async def test_of_whom_too_little_is_known_it_is_said_that_nobody_can_find_them(
    federation: SimFederation,
) -> None:
    _, charity = await two(federation)
    await charity.write(lambda tables: tables.merges.put_preset(YOUTH))
    little = NewClient({"given": "Ruby"}, "h1", consent="today")
    with pytest.raises(LocalError, match="here as h1, but nobody can find them yet"):
        await acts.add_client(charity.service, little, 1)
    born = {"family": "Nowak", "date_of_birth": "14/3/2011", "postcode": "LX3 4AB"}
    await acts.correct_client(charity.service, "h1", born, [], 1)
    assert len(await charity.read(lambda tables: tables.tx.rows("SELECT 1 FROM stub"))) == 1


async def test_the_local_interface_does_the_same_for_whoever_has_the_token(
    federation: SimFederation,
) -> None:
    _, charity = await two(federation)
    await charity.write(lambda tables: tables.merges.put_preset(YOUTH))
    api = await client_of(charity.service)
    by = {"practitioner": "Y. Worker"}

    async def post(what: str, **body: Any) -> tuple[int, Any]:
        answer = await api.post(f"/v1/clients/{what}", headers=BEARER, json=body)
        return answer.status, await answer.json()

    try:
        for path in CALLS:
            assert (await api.post(path, json=by)).status == 401
        added = await post("add", client="h1", typed=TYPED, consent="today", **by)
        assert added == (200, {"client": "h1"})
        status, refused = await post("add", typed=TYPED, consent="today", **by)
        assert (status, refused["code"]) == (409, "conflict")
        _, found = await post("search", text="amirra")
        assert [one["client"] for one in found["clients"]] == ["h1"]
        assert await post("correct", client="h1", typed={"postcode": "LX4 2BD"}, **by) == (
            200,
            {"client": "h1"},
        )
        assert await post("close", client="h1", work=1, **by) == (200, {"closed": 1})
        _, seen = await post("show", client="h1")
        assert (seen["postcode"], seen["work"][0]["state"]) == ("LX4 2BD", "closed")
        assert await post("reopen", client="h1", **by) == (200, {"reopened": 1})
        twin = {**TYPED, "given": "Nour"}
        await post("add", client="h2", typed=twin, consent="today", is_new=True, **by)
        assert await post("merge", client="h2", into="h1", **by) == (200, {"client": "h1"})
        assert await post("part", client="h2", **by) == (200, {"went_back": 1})
        status, _ = await post("correct", client="h1", typed={}, cleared=["locality"], **by)
        assert status == 404, "there is no such field to empty"
        status, _ = await post("close", client="h1", practitioner="Nobody")
        assert status == 404
        status, _ = await post("show", client="h1", extra=1)
        assert status == 400
    finally:
        await api.close()
