"""What the node promises of always findable types, withheld clients and totals, on every engine
named here.
"""

from dataclasses import replace

from node.store.figures import Totals
from node.store.held import Agreeing, Held
from node.store.people import PersonKind
from node.store.permissions import WHILE_OPEN, At, Ended
from node.store.requests import ReceivedState
from node.store.tables import NodeTables
from protocol.governance.limits import DAY
from tests.contract.test_node_record_stores import NOW, Node, stub, three_clients, work
from tests.contract.test_node_record_stores import node as node
from tests.contract.test_node_stores import HUB, OTHER, received_request

PLAN = "child_protection"
HERE = At(HUB, NOW)


async def marked(node: Node, hub_id: str = HUB) -> None:
    await node.write(lambda t: t.findable.put(hub_id, {PLAN: "UK-DUTY"}))


async def test_what_is_always_findable_is_kept_by_hub_and_written_anew(node: Node) -> None:
    await marked(node)
    await node.write(lambda t: t.findable.put(OTHER, {"a": "B1", "b": "B2"}))
    assert await node.read(lambda t: t.findable.of(HUB)) == {PLAN: "UK-DUTY"}
    assert await node.read(lambda t: t.findable.anywhere()) == {PLAN, "a", "b"}
    await node.write(lambda t: t.findable.put(OTHER, {}))
    assert await node.read(lambda t: (t.findable.of(OTHER), t.findable.anywhere())) == ({}, {PLAN})


async def test_the_law_permits_what_goes_on_at_its_hub_and_nothing_else(node: Node) -> None:
    first, second, third = await three_clients(node)
    blank = {"permission_basis": None, "valid_until": None}
    rows = [
        work(first, PLAN, **blank),
        work(first, PLAN, withdrawn_at=NOW - 1),
        work(second, PLAN, **blank, ended_at=NOW),
        work(second, PLAN, **blank, ended_at=NOW + 5),
        work(third, "early_help", **blank),
    ]
    await marked(node)
    ids = await node.write(lambda t: t.records.add_involvements(rows))
    found = await node.read(lambda t: t.records.all_in_force([first, second, third], HERE))
    assert [item.id for items in found.values() for item in items] == [ids[0], ids[1], ids[3]]
    elsewhere = At(OTHER, NOW)
    assert await node.read(lambda t: t.records.all_in_force([first, second], elsewhere)) == {}
    ends = await node.read(lambda t: [t.permissions.ends_at(item, HERE) for item in ids])
    assert ends == [WHILE_OPEN, WHILE_OPEN, None, NOW + 5, None]


async def test_work_that_is_over_is_past_only_by_a_permission_that_was_stated(node: Node) -> None:
    first, second, _ = await three_clients(node)
    await marked(node)
    rows = [
        work(first, PLAN, ended_at=NOW),
        work(second, PLAN, permission_basis=None, valid_until=None, ended_at=NOW),
    ]
    ids = await node.write(lambda t: t.records.add_involvements(rows))
    past = At(HUB, NOW, 10)
    ends = await node.read(lambda t: [t.permissions.ends_at(item, past) for item in ids])
    assert ends == [NOW + 10, None]


async def test_a_withheld_client_has_no_permission_whatever_the_work(node: Node) -> None:
    first, second, _ = await three_clients(node)
    await marked(node)
    rows = [work(first, PLAN), work(first), work(second, PLAN)]
    ids = await node.write(lambda t: t.records.add_involvements(rows))

    def propose(tables: NodeTables) -> int:
        person = tables.people.register("M", "", PersonKind.MANAGER, NOW).id
        return tables.withheld.propose(first, ("why", "2026-01-01", NOW + DAY), person, NOW)

    number = await node.write(propose)

    async def permitted(now: int) -> list[int]:
        found = await node.read(lambda t: t.records.all_in_force([first, second], At(HUB, now)))
        return [item.id for items in found.values() for item in items]

    assert await permitted(NOW) == ids, "a proposal alone changes nothing"

    def agree(tables: NodeTables) -> None:
        one = tables.withheld.get(number)
        assert one is not None
        tables.withheld.agree(one, 1, NOW)

    await node.write(agree)
    assert await permitted(NOW) == [ids[2]]
    assert await node.read(lambda t: t.permissions.ends_at(ids[1], HERE)) is None
    assert await permitted(NOW + DAY) == [ids[0], ids[2]], "it is over; what was stated is, too"
    await node.write(lambda t: t.withheld.copy([(first, second)], NOW))
    assert await permitted(NOW) == []
    await node.write(lambda t: t.withheld.end(number, 1, NOW))
    assert await permitted(NOW) == ids[:2]


async def test_a_later_agreement_takes_the_place_of_the_one_before(node: Node) -> None:
    first, _, _ = await three_clients(node)

    def twice(tables: NodeTables) -> list[int | None]:
        person = tables.people.register("M", "", PersonKind.MANAGER, NOW).id
        for until in (NOW + 1, NOW + 9):
            number = tables.withheld.propose(first, ("why", "2026-01-01", until), person, NOW)
            one = tables.withheld.get(number)
            assert one is not None
            tables.withheld.agree(one, person, NOW)
        tables.withheld.put_back(first, NOW)
        return [one.ended_at for one in tables.withheld.all()]

    assert await node.write(twice) == [NOW, None], "and none more after a restore"
    assert await node.read(lambda t: t.withheld.is_withheld(first, NOW + 5))
    await node.write(lambda t: t.withheld.put_back(first, NOW + 9))
    assert await node.read(lambda t: t.withheld.is_withheld(first, NOW + 100 * DAY))


async def test_a_held_client_is_findable_by_law_unless_whom_they_may_be_is_withheld(
    node: Node,
) -> None:
    first, second, _ = await three_clients(node)
    await marked(node)
    ids = await node.write(
        lambda t: t.records.add_involvements([work(first, PLAN), work(first, "early_help")])
    )
    held = Held(first, second, Agreeing.NHS_NUMBER, NOW)
    await node.write(lambda t: t.held.hold([held]))

    async def permitted() -> list[int]:
        return [item.id for item in await node.read(lambda t: t.records.in_force(first, HERE))]

    assert await permitted() == ids[:1]
    await node.write(lambda t: t.withheld.put_back(second, NOW))
    assert await permitted() == []


async def test_a_card_over_withheld_work_is_out_of_place_and_one_by_law_is_not(node: Node) -> None:
    first, second, _ = await three_clients(node)
    await marked(node)
    rows = [work(first, PLAN), work(second, PLAN, permission_basis=None, valid_until=None)]
    ids = await node.write(lambda t: t.records.add_involvements(rows))

    def keep(tables: NodeTables) -> None:
        tables.withheld.put_back(first, NOW)
        for number, involvement in enumerate(ids):
            tables.received_requests.add(
                received_request(
                    number,
                    state=ReceivedState.OPENED,
                    involvement=involvement,
                    release_id="5e" * 32,
                    keep_until=NOW + DAY,
                )
            )

    await node.write(keep)
    found = await node.read(lambda t: t.cards.out_of_place(HERE))
    assert [(card.request.involvement, card.why) for card in found] == [(ids[0], Ended.WITHHELD)]


async def test_who_is_withheld_is_told_again_from_a_new_id(node: Node) -> None:
    first, _, _ = await three_clients(node)
    await node.write(lambda t: t.records.add_involvements([work(first)]))
    ended = await node.read(lambda t: t.held.ended_after(0, 10, NOW))
    assert [item.id for item in ended] == []
    await node.write(lambda t: t.withheld.put_back(first, NOW))
    ended = await node.read(lambda t: t.held.ended_after(0, 10, NOW))
    assert [item.id for item in ended] == [first]


async def test_totals_count_what_is_published_and_what_goes_on(node: Node) -> None:
    first, second, third = await three_clients(node)
    rows = [
        work(first),
        work(first, "b"),
        work(second, withdrawn_at=NOW),
        work(third, ended_at=NOW),
    ]

    def keep(tables: NodeTables) -> Totals:
        tables.records.add_involvements(rows)
        stubs = [stub(first), stub(second, retired=True), replace(stub(third), revision=0)]
        tables.stubs.put(HUB, stubs, 1)
        tables.people.register("M", "", PersonKind.MANAGER, NOW)
        gone = tables.people.register("N", "", PersonKind.WORKER, NOW)
        tables.people.close(gone.id, NOW)
        return tables.figures.totals(HUB, NOW)

    assert await node.write(keep) == Totals((1, 0, 0, 1), (2, 1), 1, None)
    begun = await node.write(lambda t: t.imports.begin("A file", NOW - 5))
    assert begun
    assert (await node.read(lambda t: t.figures.totals(OTHER, NOW))).published == (0, 0, 0, 0)
    assert (await node.read(lambda t: t.figures.totals(HUB, NOW))).last_feed == NOW - 5
