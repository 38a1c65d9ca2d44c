"""What the node promises of cards, permissions and objections, on every engine named here."""

from typing import Any

import pytest

from node.store.objections import SaidBy
from node.store.people import WorkerRow
from node.store.permissions import At, Ended
from node.store.requests import ReceivedState, SentState
from node.store.tables import NodeTables
from protocol.governance.limits import DAY
from tests.contract.test_node_record_stores import NOW, Node, client, work
from tests.contract.test_node_record_stores import node as node
from tests.contract.test_node_stores import CARD, HUB, OTHER, number, received_request, sent_request


async def test_why_a_card_is_out_of_place_is_told_whatever_ended_it(node: Node) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"withdrawn_at": NOW - 1},
        {"withdrawn_at": NOW - 1, "valid_until": NOW},
        {"permission_basis": None},
        {"valid_until": NOW},
        {},
        {"withdrawn_at": NOW - 1},
        {"withdrawn_at": NOW - 1},
    ]

    def keep(tables: NodeTables) -> list[int]:
        ids = tables.records.put_clients([client(str(n)) for n in range(len(changes))])
        rows = [work(item, **change) for item, change in zip(ids.values(), changes, strict=True)]
        tables.records.add_involvements(rows)
        worker = WorkerRow("H. Visitor", "", None, None, None)
        left = tables.people.put_workers([worker], NOW)["H. Visitor", ""]
        tables.tx.run("UPDATE practitioner SET closed_at = ? WHERE id = ?", NOW, left)
        held = sorted(item.id for item in tables.records.involvements(list(ids.values())))
        for n, involvement in enumerate([*held, held[-1] + 1]):
            request = received_request(
                n,
                state=ReceivedState.OPENED if n % 2 else ReceivedState.RELEASED,
                involvement=involvement,
                release_id="5e" * 32,
                worker=left if n == 5 else None,
                kept=int(n == 6),
                keep_until=NOW if n == 7 else NOW + DAY,
            )
            tables.received_requests.add(request)
        tables.received_requests.add(
            received_request(20, state=ReceivedState.RELEASED, involvement=held[1])
        )
        return held

    held = await node.write(keep)
    found = await node.read(lambda t: t.cards.out_of_place(At(HUB, NOW)))
    assert {int(card.request.request_id, 16): card.why for card in found} == {
        int(number(n), 16): why
        for n, why in {
            1: Ended.WITHDRAWN,
            2: Ended.EXPIRED,
            3: Ended.CLOSED,
            4: Ended.EXPIRED,
            5: Ended.LEFT,
            8: Ended.CLOSED,
        }.items()
    }, "in force, kept by a person, over by itself, and not passed on yet: not these"
    assert await node.read(lambda t: t.cards.out_of_place(At(OTHER, NOW))) == []
    ends = await node.read(lambda t: [t.permissions.ends_at(item, At(HUB, NOW)) for item in held])
    assert ends == [NOW + DAY, None, None, None, None, NOW + DAY, None, None]
    assert not await node.read(lambda t: t.permissions.is_in_force(None, At(HUB, NOW)))


async def test_what_is_deleted_is_owed_until_it_is_wiped(node: Node) -> None:
    def keep(tables: NodeTables) -> None:
        for n, until in enumerate((NOW, NOW + 1, None, None)):
            asked_at = NOW - DAY if n == 2 else NOW
            tables.sent_requests.add(
                sent_request(
                    n, state=SentState.OPENED, card=CARD, keep_until=until, asked_at=asked_at
                )
            )
        tables.sent_requests.add(sent_request(9, state=SentState.RECALLED, wiped=0))
        tables.sent_requests.add(sent_request(10, state=SentState.RECALLED, wiped=1))

    await node.write(keep)
    late = await node.read(lambda t: t.cards.kept_too_long(HUB, NOW, NOW - 5))
    assert [item.request_id for item in late] == [number(0), number(2)]
    owed = await node.read(lambda t: t.cards.unwiped(HUB))
    assert [item.request_id for item in owed] == [number(9)]
    assert await node.read(lambda t: t.cards.unwiped(OTHER)) == []


@pytest.mark.parametrize(
    ("member_class", "newest"), [("police", 3), ("charity", 1), ("housing", 1)]
)
async def test_an_objection_is_to_anybody_or_to_one_class_until_it_is_taken_back(
    node: Node, member_class: str, newest: int
) -> None:
    ids = await node.write(lambda t: t.records.put_clients([client("a"), client("b")]))
    for who, whom in (("a", None), ("a", "charity"), ("a", "police"), ("b", None)):
        await node.write(
            lambda t, who=who, whom=whom: t.objections.record(  # type: ignore[misc]
                ids[who], whom, SaidBy.CLIENT, NOW
            )
        )
    ended = await node.write(lambda t: t.objections.end(2, NOW + 1))
    assert ended is not None
    assert (ended.local_id, ended.ended_at) == ("a", NOW + 1)
    assert await node.write(lambda t: t.objections.end(2, NOW + 2)) is None
    assert await node.read(lambda t: t.objections.newest(ids["a"], member_class)) == newest
    assert await node.read(lambda t: t.objections.newest(99, member_class)) is None
    assert [item.ended_at for item in await node.read(lambda t: t.objections.all())] == [
        *(None, NOW + 1, None, None),
    ]
