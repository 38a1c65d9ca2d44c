"""Own clients on the pages: who takes one over, what is typed of a new one, and who looked."""

import pytest

from node.actions.clients import NewClient, add_client, close_work
from node.records import caseload, people
from node.records.accounts import Role
from node.store.merges import Preset
from node.store.tables import NodeTables
from node.web.pages import governance
from tests.sim.federation import SimFederation, SimNode
from tests.sim.visitors import Visitor

WORKING = ("P. Practitioner (West)", "P. Duty (West)", "P. Manager (West)")
OTHERS = ("P. Governance lead (West)", "P. Administrator (West)")
TYPED = {"given": "Anna", "family": "Bell", "preset": "usual"}


async def test_a_client_is_handed_over_to_those_alone_who_can_open_them(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    health, worker = agencies[0], visitors[Role.PRACTITIONER]
    row, person = await on(health, WORKING[0])
    offered = await (await worker.get(f"/clients/{row}/hand-over")).text()
    assert [name in offered for name in (*WORKING[1:], *OTHERS)] == [True, True, False, False]
    answer = await worker.post(f"/clients/{row}/hand-over", to=OTHERS[0])
    assert (answer.status, "Choose a colleague" in await answer.text()) == (400, True)
    answer = await worker.post(f"/clients/{row}/hand-over", to=WORKING[1])
    assert (answer.status, answer.headers["Location"]) == (303, "/clients?handed_over")
    for role, told in ((Role.DUTY, True), (Role.PRACTITIONER, False)):
        page = await (await visitors[role].get("/news")).text()
        assert ("A colleague handed them over to you" in page) is told
    back = await visitors[Role.DUTY].post(f"/clients/{row}/hand-over", to=WORKING[0])
    assert back.status == 303
    page = await (await visitors[Role.DUTY].get("/news")).text()
    assert "handed them over" not in page, "they are theirs no more"
    answer = await worker.post(f"/clients/{row}/hand-over", to=WORKING[1])
    assert answer.status == 303
    assert await close_work(health.service, "h1", 1, person)


async def test_a_postcode_is_kept_and_what_is_none_is_said_beside_the_field(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    health, worker = agencies[0], visitors[Role.PRACTITIONER]
    usual = Preset("usual", "health_visiting", None, None, "UK-CA04-S10-S11", 365)
    await health.write(lambda t: t.merges.put_preset(usual))
    for born, postcode, said in (
        ("31 2 2019", "", "Enter a real date of birth that is not in the future"),
        ("", "", "Enter their date of birth"),
        ("1 2 2019", "LX3", "Enter a full postcode"),
    ):
        answer = await worker.post("/clients/add", **TYPED, date_of_birth=born, postcode=postcode)
        page = await answer.text()
        assert (answer.status, said in page, 'value="Anna"' in page) == (400, True, True)
    both = {"date_of_birth": "1/2/2019", "postcode": "lx3 4ab"}
    answer = await worker.post("/clients/add", **TYPED, **both)
    row = int(answer.headers["Location"].rpartition("/")[2])
    (client,) = await health.read(lambda t: t.records.clients_by_row([row]))
    assert (client.record.date_of_birth, client.record.postcode) == ("2019-02-01", "lx3 4ab")


@pytest.mark.parametrize("postcode", ["LX9 3HT", ""])
async def test_with_a_postcode_two_who_add_the_same_child_find_each_other(
    visitors: dict[Role | None, Visitor],
    federation: SimFederation,
    agencies: tuple[SimNode, SimNode],
    postcode: str,
) -> None:
    """Without one a person compares first: nothing but a possible match comes of it."""
    health, care = agencies
    who = {"given": "Juniper", "family": "Vale", "date_of_birth": "21 6 2018", "postcode": postcode}
    for node, kind in ((health, "health_visiting"), (care, "child_in_need")):
        usual = Preset("usual", kind, None, None, "UK-CA04-S10-S11", 365)
        await node.write(lambda t, usual=usual: t.merges.put_preset(usual))  # type: ignore[misc]
    person = await care.read(lambda t: people.acting(t, "S. Worker"))
    await add_client(care.service, NewClient(who, local_id="j"), person.id)
    answer = await visitors[Role.PRACTITIONER].post("/clients/add", **who, preset="usual")
    row = int(answer.headers["Location"].rpartition("/")[2])
    await federation.round()
    await federation.settle()
    (client,) = await health.read(lambda t: t.records.clients_by_row([row]))
    team = await health.team(client.local_id)
    assert len(team.others) == (1 if postcode else 0)


async def test_the_file_of_openings_is_whole_however_many_there_are(
    visitors: dict[Role | None, Visitor],
    agencies: tuple[SimNode, SimNode],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    health = agencies[0]
    monkeypatch.setattr(governance, "A_STEP", 40)
    row, person = await on(health, WORKING[0])
    who = await health.read(lambda t: t.people.get(person))
    assert who is not None

    def looked(tables: NodeTables) -> None:
        for number in range(150):
            caseload.look(tables, who, row, 1_790_000_000, f"another: =look {number:03}")

    await health.write(looked)
    file = await visitors[Role.GOVERNANCE_LEAD].get("/governance/openings.csv")
    found = [line for line in (await file.text()).splitlines() if "'=look " in line]
    assert [line[-3:] for line in found] == [f"{number:03}" for number in reversed(range(150))]


async def on(node: SimNode, name: str) -> tuple[int, int]:
    """A client's number in addresses, and that of somebody who works with them from now on."""
    client = await node.read(lambda t: t.records.client("h1"))
    person = await node.read(lambda t: people.acting(t, name))
    assert client is not None
    (work,) = await node.read(lambda t: t.records.involvements([client.id]))
    await node.write(lambda t: t.people.put_on([work.id], person.id))
    return client.id, person.id
