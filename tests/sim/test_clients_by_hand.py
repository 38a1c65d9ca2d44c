"""A charity of three people without a file: its client is found, closed, and found again; two of
its records that are one are one stub.
"""

import pytest

from node.actions import clients as acts
from node.actions.clients import NewClient, PerhapsKnownError
from node.store.merges import Preset
from node.store.people import PersonKind
from protocol.errors import LocalError
from tests.sim.federation import AMIRA, DUTY, SimFederation, SimNode, row
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
