"""Many at once: fifty tabs of one person, one request decided in two windows, a file of 200 MB."""

import asyncio

from node.records import people
from node.records.accounts import Role
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_importing_pages import send
from tests.sim.visitors import Visitor

TABS = 50
PIECE, PIECES = b"1,2,3,4\n" * 2**17, 200


async def test_fifty_tabs_of_one_person_are_all_answered_and_nobody_else_waits(
    visitors: dict[Role | None, Visitor],
) -> None:
    worker, other = visitors[Role.PRACTITIONER], visitors[Role.MANAGER]
    pages = ("/clients", "/inbox", "/inbox/latest", "/news", "/clients/add")
    tabs = [asyncio.create_task(worker.get(pages[n % len(pages)])) for n in range(TABS)]
    answer = await other.get("/clients")
    assert answer.status == 200
    assert {(await tab).status for tab in tabs} == {200}
    assert (await worker.get("/clients")).status == 200, "and the session stands"


async def test_two_windows_in_which_one_request_is_decided_make_one_decision(
    visitors: dict[Role | None, Visitor],
    federation: SimFederation,
    agencies: tuple[SimNode, SimNode],
) -> None:
    health, care = agencies
    (theirs,) = (await care.team("c1")).others
    request_id = await care.ask("c1", theirs.involvement_id)
    await federation.checkpoint()
    await health.service.receive(wait=0)
    person = await health.read(lambda t: people.acting(t, "P. Practitioner (West)"))
    row = await health.read(lambda t: t.tx.one("SELECT id FROM involvement"))
    assert row is not None
    await health.write(lambda t: t.people.put_on([row["id"]], person.id))
    worker, path = visitors[Role.PRACTITIONER], f"/inbox/{request_id}"
    both = (worker.post(path, answer="allow", once=once) for once in ("one", "two"))
    answers = await asyncio.gather(*both)
    assert all(answer.status < 500 for answer in answers)
    await health.service.advance()
    decisions = [one for one in await health.outbox() if "decision" in one["kind"]]
    assert len(decisions) == 1


async def test_a_file_of_200_mb_is_refused_with_a_sentence_and_nothing_of_it_stays(
    visitors: dict[Role | None, Visitor], agencies: tuple[SimNode, SimNode]
) -> None:
    manager, health = visitors[Role.MANAGER], agencies[0]
    (health.folder / "node.toml").touch()

    content = PIECE * PIECES
    answer = await send(manager, content, "all.csv")
    said = await answer.text()
    assert (answer.status, "larger than 100 MB" in said) == (400, True)
    assert list((health.folder / "uploads").glob("*/*")) == []
