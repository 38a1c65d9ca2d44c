"""What the node promises of cards, permissions and objections, on every engine named here."""

from typing import Any

import pytest

from node.store.consents import ConsentRow, How
from node.store.objections import SaidBy
from node.store.people import WorkerRow
from node.store.permissions import At, Ended
from node.store.records import InvolvementRow
from node.store.requests import ReceivedState, SentState
from node.store.search import Whose
from node.store.tables import NodeTables
from protocol.governance.limits import DAY
from storage.engine import NotUniqueError
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


async def test_which_cards_carry_something_else_than_they_would_now(node: Node) -> None:
    """0 is right; 1 to 3 are not; the others stay as they are, each for its reason."""

    def workers(phone: str) -> list[WorkerRow]:
        return [
            WorkerRow(name, "", "Nurse", phone if name == "B" else "1", None)
            for name in ("A", "B", "C")
        ]

    def keep(tables: NodeTables) -> None:
        ids = tables.records.put_clients([client(str(n)) for n in range(3)])
        who = tables.people.put_workers(workers("1"), NOW)
        by = [(who["A", ""],), (who["B", ""], who["C", ""]), ()]
        tables.records.add_involvements(
            [work(item, workers=names) for item, names in zip(ids.values(), by, strict=True)]
        )
        right, old = tables.cards.carries(1), tables.cards.carries(2)
        nobody = tables.cards.carries(3)
        changes: list[dict[str, Any]] = [
            {"involvement": 1, "carried": right},
            {"involvement": 2, "carried": old},
            {"involvement": 1, "carried": nobody},
            {"involvement": 3, "carried": right},
            {"involvement": 2, "carried": None},
            {"involvement": 2, "carried": old, "kept": 1},
            {"involvement": 2, "carried": old, "keep_until": NOW},
            {"involvement": 2, "carried": old, "release_id": None},
            {"involvement": 2, "carried": old, "state": ReceivedState.RECALLED},
            {"involvement": 2, "carried": old, "renewed_at": NOW - 10},
            {"involvement": 9, "carried": old},
        ]
        for n, change in enumerate(changes):
            values: dict[str, Any] = {
                "state": ReceivedState.OPENED, "release_id": "5e" * 32, "keep_until": NOW + DAY,
            }  # fmt: skip
            tables.received_requests.add(received_request(n, **{**values, **change}))
        tables.people.put_workers(workers("2"), NOW)

    await node.write(keep)

    async def found(renewed_before: int = NOW - 10) -> set[str]:
        cards = await node.read(lambda t: t.cards.out_of_date(At(HUB, NOW), renewed_before))
        return {card.request_id for card in cards}

    assert await found() == {number(n) for n in (1, 2, 3)}
    assert await found(NOW - 9) == {number(n) for n in (1, 2, 3, 9)}, "renewed yesterday"
    assert await node.read(lambda t: t.cards.is_any_unknown(HUB))
    assert not await node.read(lambda t: t.cards.is_any_unknown(OTHER))
    await node.write(lambda t: t.cards.take_as_current(HUB))
    assert not await node.read(lambda t: t.cards.is_any_unknown(HUB))
    assert await found() == {number(n) for n in (1, 2, 3)}
    await node.write(lambda t: t.people.put_workers(workers("1"), NOW) and None)
    assert await found() == {number(n) for n in (2, 3, 4)}, "of the fourth it is known by now"


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


def consent(involvement: int, n: int = 1, **change: Any) -> ConsentRow:
    values: dict[str, Any] = {
        "record_id": number(n),
        "involvement": involvement,
        "basis": "UK-CONSENT",
        "given_by": SaidBy.ATTORNEY,
        "how": How.BY_VIDEO,
        "given_on": "2026-09-01",
        "wording": "Form 4",
        "valid_until": NOW + DAY,
        "recorded_by": 1,
        "recorded_at": NOW,
    }
    return ConsentRow(**{**values, **change})


async def recorded(node: Node, *rows: ConsentRow) -> list[int]:
    """Consents recorded by somebody who is here, each by its number."""

    def keep(tables: NodeTables) -> list[int]:
        tables.people.put_workers([WorkerRow("H. Visitor", "", None, None, None)], NOW)
        return [tables.consents.record(row) for row in rows]

    return await node.write(keep)


async def test_consents_are_kept_as_they_were_said_and_the_last_one_counts(node: Node) -> None:
    scope = {"classes": ("health_provider", "school"), "purposes": ("care",), "evidence": "File 7"}
    numbers = await recorded(
        node, consent(1, 1), consent(2, 2), consent(1, 3, **scope), consent(3, 4)
    )
    assert numbers == [1, 2, 3, 4]
    (first, last) = await node.read(lambda t: t.consents.of([1]))
    assert vars(last) == {**vars(consent(1, 3, **scope)), "id": 3, "withdrawn_at": None,
                          "withdrawn_by": None}  # fmt: skip
    assert (first.classes, first.purposes, first.evidence) == ((), (), None)
    newest = await node.read(lambda t: t.consents.newest([1, 2, 9]))
    assert {work: item.id for work, item in newest.items()} == {1: 3, 2: 2}
    assert "Form" not in repr(last), "a log has nothing of it"

    await node.write(lambda t: t.consents.withdraw([1, 2], NOW + 1, 1))
    await node.write(lambda t: t.consents.withdraw([1], NOW + 2, 1))
    everything = await node.read(lambda t: t.consents.of([1, 2, 3]))
    assert {item.id: item.withdrawn_at for item in everything} == {
        1: NOW + 1, 2: NOW + 1, 3: NOW + 1, 4: None,
    }  # fmt: skip
    in_force = [item.id for item in everything if item.is_in_force(NOW)]
    assert in_force == [4]
    assert not everything[3].is_in_force(NOW + DAY), "its last second is over"
    assert await node.read(lambda t: t.consents.get(9)) is None
    assert await recorded(node, consent(1, 5)) == [5], "a number is never given again"
    with pytest.raises(NotUniqueError):
        await recorded(node, consent(1, 5))


async def test_which_requests_to_us_a_consent_may_leave_out(node: Node) -> None:
    """Those over work with a record, and those on bases that need one."""
    await recorded(node, consent(1))
    out, asks = ReceivedState.RELEASED, ReceivedState.ASKS_PERSON
    sent: dict[str, Any] = {"state": out, "release_id": "5e" * 32, "keep_until": NOW + 1}
    for n, change in enumerate(
        (
            {**sent, "involvement": 1},
            {**sent, "involvement": 2},
            {**sent, "involvement": 2, "basis": "UK-CONSENT"},
            {**sent, "involvement": 1, "keep_until": NOW},
            {**sent, "involvement": 1, "release_id": None},
            {"state": asks, "involvement": 1},
            {"state": asks, "involvement": 1, "expires": NOW},
            {"state": ReceivedState.REFUSED, "involvement": 1},
        )
    ):
        await node.write(
            lambda t, n=n, change=change: t.received_requests.add(  # type: ignore[misc]
                received_request(n, received_at=NOW - n, **change)
            )
        )
    found = await node.read(lambda t: t.cards.with_consent(HUB, ["UK-CONSENT"], NOW))
    assert [item.request_id for item in found] == [number(5), number(2), number(0)]
    without = await node.read(lambda t: t.cards.with_consent(HUB, [], NOW))
    assert [item.request_id for item in without] == [number(5), number(0)]
    assert await node.read(lambda t: t.cards.with_consent(OTHER, ["UK-CONSENT"], NOW)) == []


async def test_which_requests_of_ours_rest_on_a_consent_that_has_ended(node: Node) -> None:
    def keep(tables: NodeTables) -> list[int]:
        ids = tables.records.put_clients([client("a")])
        tables.records.add_involvements([work(ids["a"]), work(ids["a"], withdrawn_at=NOW)])
        return [item.id for item in tables.records.involvements(ids.values())]

    going_on, taken_back = await node.write(keep)
    found = await node.read(lambda t: t.records.by_row([going_on, taken_back, 99]))
    assert {number_: item.withdrawn_at for number_, item in found.items()} == {
        going_on: None, taken_back: NOW,
    }  # fmt: skip
    await recorded(
        node,
        consent(going_on, 1),
        consent(going_on, 2, valid_until=NOW),
        consent(taken_back, 3),
        consent(99, 4),
        consent(98, 5),
    )
    await node.write(lambda t: t.consents.withdraw([98], NOW, 1))
    for n, (state, rests_on) in enumerate(
        (
            (SentState.WAITING, 1),
            (SentState.WAITING, 2),
            (SentState.OPENED, 3),
            (SentState.ALLOWED, 4),
            (SentState.SENDING, 5),
            (SentState.OPENED, None),
            (SentState.EXPIRED, 5),
        )
    ):
        made = sent_request(n, state=state, consent=rests_on)
        await node.write(lambda t, made=made: t.sent_requests.add(made))  # type: ignore[misc]
    ended = await node.read(lambda t: t.cards.without_consent(HUB, NOW))
    assert {item.request_id for item in ended} == {number(1), number(2), number(4)}
    assert await node.read(lambda t: t.cards.without_consent(OTHER, NOW)) == []


async def test_wordings_and_consents_that_end_are_found(node: Node) -> None:
    """Only the last record of work ends, and none that was withdrawn."""
    await recorded(
        node,
        consent(1, 1, wording="Form 4", valid_until=NOW + DAY),
        consent(1, 2, wording="Form 5", valid_until=NOW + 5 * DAY),
        consent(2, 3, wording="Form 4", valid_until=NOW + 2 * DAY),
        consent(3, 4, wording="Form 6", valid_until=NOW + 2 * DAY),
        consent(4, 5, wording="Form 7", valid_until=NOW - DAY),
    )
    await node.write(lambda t: t.consents.withdraw([3], NOW, 1))
    assert await node.read(lambda t: t.consents.wordings(3)) == ["Form 7", "Form 6", "Form 4"]

    def begin(tables: NodeTables) -> None:
        clients = tables.records.put_clients([client(str(n)) for n in range(6)])
        stated = [None, None, None, None, NOW + DAY, NOW + DAY]
        over = [None, None, None, None, None, NOW]
        tables.records.add_involvements(
            [
                InvolvementRow(client=one, type="a", team="North" if one < 3 else "South",
                               permission_basis="SOME-LAW" if ends else None, valid_until=ends,
                               ended_at=end)
                for one, ends, end in zip(clients.values(), stated, over, strict=True)
            ]
        )  # fmt: skip

    await node.write(begin)
    north = Whose(teams=frozenset({"North"}))
    found = await node.read(lambda t: t.search.ending(Whose(), NOW, NOW + 3 * DAY, NOW))
    assert found == {2: (NOW + 2 * DAY, True), 5: (NOW + DAY, False)}
    found = await node.read(lambda t: t.search.ending(Whose(), NOW - 2 * DAY, NOW + 5 * DAY, NOW))
    assert found == {
        1: (NOW + 5 * DAY, True), 2: (NOW + 2 * DAY, True), 4: (NOW - DAY, True),
        5: (NOW + DAY, False),
    }  # fmt: skip
    assert await node.read(lambda t: t.search.ending(north, NOW, NOW + 3 * DAY, NOW)) == {
        2: (NOW + 2 * DAY, True)
    }


async def test_a_consent_that_was_begun_is_its_beginners_and_goes_in_time(node: Node) -> None:
    def begin(tables: NodeTables) -> tuple[int, int]:
        (one,) = tables.records.put_clients([client("1")]).values()
        worker = WorkerRow("H. Visitor", "", None, None, None)
        return one, tables.people.put_workers([worker], NOW)["H. Visitor", ""]

    one, person = await node.write(begin)
    said = {"purposes": "early_help", "wording": "Form 4"}
    await node.write(lambda t: t.consent_drafts.keep(one, person, {}, NOW))
    await node.write(lambda t: t.consent_drafts.keep(one, person, said, NOW))
    assert await node.read(lambda t: t.consent_drafts.get(one, person)) == said
    assert await node.read(lambda t: t.consent_drafts.get(one, person + 1)) is None
    await node.write(lambda t: t.consent_drafts.drop_of(person + 1))
    assert await node.read(lambda t: t.count("consent_draft")) == 1
    (other,) = await node.write(lambda t: list(t.records.put_clients([client("2")]).values()))
    await node.write(lambda t: t.consent_drafts.keep(other, person, {}, NOW + 31 * DAY))
    assert await node.read(lambda t: t.consent_drafts.get(one, person)) is None
    await node.write(lambda t: t.consent_drafts.drop(other, person))
    assert await node.read(lambda t: t.count("consent_draft")) == 0
