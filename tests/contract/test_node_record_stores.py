"""What the node's stores of records and publications promise, on every engine that is named here.

Each scenario runs as it is, and on an engine that runs every body once for nothing first.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from node.store.limits import LastTokens
from node.store.old import old_absences
from node.store.people import Act, Deed, PersonKind, WorkerRow
from node.store.permissions import At
from node.store.publications import (
    MOVES,
    Effect,
    Publication,
    PublicationState,
    PublishedTokens,
)
from node.store.records import (
    Client,
    ClientRow,
    Involvement,
    InvolvementRow,
    record_of,
)
from node.store.stubs import PublishedInvolvementId, PublishedStub, Rounds
from node.store.tables import SCHEMA, NodeTables
from node.store.team_roles import ALL_TEAMS, Absence, TeamRole
from protocol.errors import ErrorCode, LocalError
from protocol.governance.limits import DAY, TOKEN_DAYS
from protocol.matchkeys.records import ClientRecord
from protocol.matchkeys.shared_places import SharedPlaces
from storage.engine import Engine, NotUniqueError, Schema
from storage.sqlite import SqliteEngine, SqliteTransaction
from storage.states import check_move

HUB, OTHER = "aa" * 16, "bb" * 16
NOW = 1_790_000_000
Node = Engine[NodeTables]
Maker = Callable[[Path], Node]


def sqlite(path: Path, *, rehearse: bool = False, schema: Schema = SCHEMA) -> Node:
    return SqliteEngine(path / "node.sqlite", schema, NodeTables, rehearse=rehearse)


@pytest_asyncio.fixture(params=[False, True], ids=["sqlite", "sqlite rehearsed"])
async def node(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Node]:
    """An engine over the node's empty stores."""
    made = sqlite(tmp_path, rehearse=request.param)
    yield made
    await made.close()


def client(local_id: str, given: str = "Amira") -> ClientRow:
    return ClientRow(local_id, ClientRecord(given=given, postcode="LX3 4AB"))


def work(client_id: int, kind: str = "early_help", **change: Any) -> InvolvementRow:
    row = InvolvementRow(
        client=client_id, type=kind, permission_basis="UK-CONSENT", valid_until=NOW + DAY
    )
    return replace(row, **change)


def stub(client_id: int, stub_id: str = "", **change: Any) -> PublishedStub:
    return replace(PublishedStub(client_id, stub_id or f"s{client_id}", 1, "h", False), **change)


async def three_clients(node: Node) -> list[int]:
    ids = await node.write(lambda t: t.records.put_clients([client(n) for n in "abc"]))
    return [ids[name] for name in "abc"]


# Records


async def test_a_client_is_known_by_the_agencys_own_id_and_keeps_the_row(node: Node) -> None:
    first = await node.write(lambda t: t.records.put_clients([client("a"), client("b")]))
    again = await node.write(lambda t: t.records.put_clients([client("b", "Samir"), client("c")]))
    assert again["b"] == first["b"]
    assert len({*first.values(), *again.values()}) == 3
    found = await node.read(lambda t: t.records.clients(["b", "c", "nobody"]))
    assert sorted(found) == ["b", "c"]
    assert found["b"].record.given == "Samir"
    assert await node.read(lambda t: t.records.count()) == 3


async def test_clients_asked_for_together_are_those_asked_for_one_by_one(node: Node) -> None:
    await three_clients(node)
    names = ["c", "a", "nobody"]
    one_by_one = await node.read(lambda t: [t.records.client(name) for name in names])
    together = await node.read(lambda t: t.records.clients(names))
    assert one_by_one == [together.get(name) for name in names]


async def test_clients_are_paged_in_the_order_of_their_rows(node: Node) -> None:
    first, second, third = await three_clients(node)

    def page(tables: NodeTables, after: int) -> list[int]:
        return [item.id for item in tables.records.clients_after(after, 2)]

    assert await node.read(lambda t: page(t, 0)) == [first, second]
    assert await node.read(lambda t: page(t, second)) == [third]
    assert await node.read(lambda t: page(t, third)) == []


async def test_nothing_that_is_handed_out_shows_a_person(node: Node) -> None:
    people = [WorkerRow("Zyxw", "", "role", "01632 960001", None)]
    await node.write(lambda t: t.records.put_clients([client("Zyxw-1", "Zyxw")]))
    ids = await node.write(lambda t: t.people.put_workers(people, NOW))
    found = await node.read(lambda t: t.records.client("Zyxw-1"))
    worker = await node.read(lambda t: t.people.get(ids["Zyxw", ""]))
    assert found is not None
    assert worker is not None
    for shown in map(repr, (found, worker, client("Zyxw-1", "Zyxw"), people[0])):
        assert "Zyxw" not in shown
        assert "960001" not in shown


def test_a_shared_place_is_left_out_of_a_record_and_no_other() -> None:
    record = ClientRecord(given="A", address="1 Elm Road", postcode="lx3 4ab", locality="Lea")
    one = Client(1, "a", record)
    hidden = record_of(one, SharedPlaces(frozenset({"LX34AB"})))
    assert (hidden.given, hidden.address, hidden.postcode, hidden.locality) == (
        "A",
        None,
        None,
        None,
    )
    assert record_of(one, SharedPlaces(frozenset({"LX34AC"}))) == record


async def test_a_practitioner_is_known_by_name_and_team(node: Node) -> None:
    def put(*rows: WorkerRow) -> Callable[[NodeTables], dict[tuple[str, str], int]]:
        return lambda t: t.people.put_workers(rows, NOW)

    east = WorkerRow("W", "East", "nurse", "1", None)
    first = await node.write(put(east, replace(east, team="West")))
    again = await node.write(put(replace(east, phone="2"), replace(east, name="V")))
    assert again["W", "East"] == first["W", "East"]
    assert len({*first.values(), *again.values()}) == 3
    named = await node.read(lambda t: t.people.called("W"))
    assert [(item.team, item.phone) for item in named] == [("East", "2"), ("West", "1")]
    assert named[0] == await node.read(lambda t: t.people.get(first["W", "East"]))
    assert await node.read(lambda t: t.people.get(99)) is None


async def test_who_has_duty_or_is_a_manager_is_found_by_team_unless_they_left(node: Node) -> None:
    def put(tables: NodeTables) -> list[int]:
        names = ("D", "E", "M", "Left")
        made = [tables.people.register(n, "", PersonKind.WORKER, NOW).id for n in names]
        tables.team_roles.put(made[0], TeamRole.DUTY, ["East", "West", "East"])
        tables.team_roles.put(made[1], TeamRole.DUTY, [ALL_TEAMS])
        tables.team_roles.put(made[2], TeamRole.MANAGER, ["East"])
        tables.team_roles.put(made[3], TeamRole.DUTY, ["East"])
        tables.people.close(made[3], NOW)
        return made

    duty, all_teams, manager, _ = await node.write(put)

    async def having(role: TeamRole, *teams: str) -> list[int]:
        return await node.read(lambda t: t.team_roles.having(role, teams))

    assert await having(TeamRole.DUTY, "East") == [duty, all_teams]
    assert await having(TeamRole.DUTY, "North", "West") == [duty, all_teams]
    assert await having(TeamRole.DUTY, "North") == [all_teams]
    assert await having(TeamRole.DUTY) == [all_teams], "of work whose team nobody knows"
    assert await having(TeamRole.MANAGER, "East") == [manager]
    assert await having(TeamRole.MANAGER, "West") == []
    await node.write(lambda t: t.team_roles.put(duty, TeamRole.DUTY, []))
    assert await having(TeamRole.DUTY, "East") == [all_teams]
    found = await node.read(lambda t: t.team_roles.all())
    assert found[manager] == {TeamRole.MANAGER: ["East"]}
    assert duty not in found


async def test_an_absence_is_kept_until_it_is_over_or_ended(node: Node) -> None:
    def put(tables: NodeTables) -> list[Absence]:
        one, other = (
            tables.people.register(n, "", PersonKind.WORKER, NOW).id for n in ("One", "Other")
        )
        made = [
            Absence(one, NOW - 50, NOW - 10, None),
            Absence(one, NOW - 5, NOW + 5, other),
            Absence(one, NOW + 20, NOW + 30, None),
            Absence(other, NOW, NOW + 9, one),
        ]
        for absence in made:
            tables.absences.add(absence)
        return made

    over, now, later, others = await node.write(put)
    assert await node.read(lambda t: t.absences.from_on(NOW)) == [now, others, later]
    assert await node.write(lambda t: t.absences.end(now.person, NOW)) == 2
    assert await node.read(lambda t: t.absences.from_on(NOW)) == [others]
    assert await node.write(lambda t: t.absences.end(now.person, NOW)) == 0
    assert await node.read(lambda t: t.absences.from_on(0)) == [
        over,
        replace(now, ends_at=NOW),
        others,
    ]
    old = old_absences(NOW)
    assert await node.read(lambda t: t.old.count(old)) == 2
    assert await node.write(lambda t: t.old.remove(old, 10)) == 2
    assert await node.read(lambda t: t.absences.from_on(0)) == [others]


async def test_who_is_registered_or_closed_by_hand_stays_so_whatever_an_import_says(
    node: Node,
) -> None:
    worker = WorkerRow("W", "East", "nurse", "1", None)
    await node.write(lambda t: t.people.put_workers([worker], NOW))
    made = await node.write(lambda t: t.people.register("M", "", PersonKind.MANAGER, NOW))
    assert (made.title, made.kind, made.since, made.is_active) == ("M", "manager", NOW, True)
    await node.write(lambda t: t.people.register("W", "East", PersonKind.DUTY_WORKER, NOW))
    await node.write(lambda t: t.people.close(made.id, NOW + 1))
    again = [replace(worker, phone="2"), WorkerRow("M", "", None, None, None)]
    await node.write(lambda t: t.people.put_workers(again, NOW + 9))
    manager, nurse = await node.read(lambda t: t.people.all())
    assert (manager.id, manager.closed_at, manager.kind) == (made.id, NOW + 1, "manager")
    assert (nurse.kind, nurse.phone, nurse.since, nurse.role) == ("duty_worker", "2", NOW, "nurse")
    for name, found in (("W", [nurse]), ("W (East)", [nurse]), ("W (West)", []), ("M ()", [])):
        assert await node.read(lambda t, name=name: t.people.called(name)) == found  # type: ignore[misc]


async def test_acts_are_kept_with_who_did_them_the_newest_first(node: Node) -> None:
    made = await node.write(lambda t: t.people.register("M", "", PersonKind.MANAGER, NOW))
    done = [
        Act(made.id, Deed.WITHDREW, "Zyxw-1", NOW),
        Act(made.id, Deed.SIGNED_CHARTER, "2", NOW + 1),
    ]
    for act in done:
        await node.write(lambda t, act=act: t.people.acted(act))  # type: ignore[misc]
    assert await node.read(lambda t: t.people.acts()) == done[::-1]
    assert "Zyxw" not in repr(done)


async def test_a_practitioner_has_one_id_at_each_hub(node: Node) -> None:
    for hub, fresh, expected in ((HUB, "x", "x"), (OTHER, "y", "y"), (HUB, "z", "x")):
        given = await node.write(
            lambda t, hub=hub, fresh=fresh: t.people.id_at(hub, 1, fresh)  # type: ignore[misc]
        )
        assert given == expected


IN_FORCE: Sequence[dict[str, Any]] = (
    {"kind": "one"},
    {"kind": "two", "permission_basis": None},
    {"kind": "three", "valid_until": NOW},
    {"kind": "four", "withdrawn_at": NOW - 1},
    {"kind": "five", "for_unborn": "b1"},
)


async def test_what_is_in_force_is_the_same_for_many_as_for_each(node: Node) -> None:
    first, second, third = await three_clients(node)
    rows = [work(second), *(work(first, **change) for change in IN_FORCE)]
    await node.write(lambda t: t.records.add_involvements(rows))
    together = await node.read(
        lambda t: t.records.all_in_force([third, second, first], At(HUB, NOW))
    )
    one_by_one = await node.read(
        lambda t: {item: t.records.in_force(item, At(HUB, NOW)) for item in (first, second, third)}
    )
    assert together == {key: items for key, items in one_by_one.items() if items}
    assert [item.type for item in together[first]] == ["one", "five"], "in the order of the rows"
    assert third not in together


async def test_involvements_change_where_they_stand_and_leave_no_id_behind(node: Node) -> None:
    first, second, _ = await three_clients(node)
    rows = [work(first), work(second, for_unborn="b1"), work(second)]
    await node.write(lambda t: t.records.add_involvements(rows))
    kept = await node.read(lambda t: t.records.involvements([first, second]))
    assert [item.client for item in kept] == [first, second, second]
    assert await node.read(lambda t: t.records.involvements_for_unborn(["b1", "b2"])) == [kept[1]]
    changed = replace(kept[0], label="L", withdrawn_at=NOW)
    await node.write(lambda t: t.records.set_involvements([changed]))
    assert await node.read(lambda t: t.records.involvement(kept[0].id)) == changed

    def exchange(tables: NodeTables) -> list[Involvement]:
        tables.records.remove_involvements([item.id for item in kept[1:]])
        tables.records.add_involvements([work(first, "other"), work(second, "other")])
        return tables.records.involvements([first, second])

    after = await node.write(exchange)
    assert not {item.id for item in after[1:]} & {item.id for item in kept}
    assert await node.read(lambda t: t.records.involvement(kept[2].id)) is None


async def test_withdrawing_touches_what_is_not_withdrawn_of_one_client(node: Node) -> None:
    first, second, _ = await three_clients(node)
    rows = [work(first), work(first, "b", withdrawn_at=5), work(first, "c"), work(second)]
    await node.write(lambda t: t.records.add_involvements(rows))
    assert await node.write(lambda t: t.records.withdraw(first, NOW)) == 2
    kept = await node.read(lambda t: t.records.involvements([first, second]))
    assert [item.withdrawn_at for item in kept] == [NOW, 5, NOW, None]


async def test_calls_that_take_many_take_none(node: Node) -> None:
    def work_with_nothing(tables: NodeTables) -> list[object]:
        tables.records.add_involvements([])
        tables.records.set_involvements([])
        tables.records.remove_involvements([])
        tables.stubs.put(HUB, [], 0)
        tables.stubs.put_digests(HUB, {})
        tables.stubs.add_involvement_ids(HUB, [])
        tables.sealed_tokens.put(HUB, {})
        tables.publication_counts.give_up(HUB, [], NOW)
        tables.publication_counts.put_last_tokens(HUB, [])
        tables.publication_counts.add_changes(HUB, [], NOW)
        return [
            tables.records.put_clients([]),
            tables.people.put_workers([], NOW),
            tables.records.all_in_force([], At(HUB, NOW)),
            tables.stubs.of_clients(HUB, []),
            tables.stubs.all_digests(HUB, []),
            tables.stubs.holders(HUB, []),
            tables.sealed_tokens.sealed(HUB, []),
            tables.publication_counts.former_holders(HUB, [], NOW),
        ]

    assert await node.write(work_with_nothing) == [{}] * 8


# Stubs


async def test_a_stub_is_a_clients_at_one_hub(node: Node) -> None:
    first, second, third = await three_clients(node)
    here = [stub(first), stub(second, retired=True)]
    await node.write(lambda t: t.stubs.put(HUB, here, 5))
    await node.write(lambda t: t.stubs.put(OTHER, [stub(first, "o1"), stub(third, "o3")], 5))
    await node.write(lambda t: t.stubs.put(HUB, [replace(here[0], revision=2)], 5))
    together = await node.read(lambda t: t.stubs.of_clients(HUB, [first, second, third]))
    one_by_one = await node.read(
        lambda t: [t.stubs.of_client(HUB, item) for item in (first, second, third)]
    )
    assert one_by_one == [together.get(item) for item in (first, second, third)]
    assert together == {first: replace(here[0], revision=2), second: here[1]}
    behind = await node.read(lambda t: t.stubs.client_of(HUB, "s1"))
    assert behind is not None
    assert behind.local_id == "a"
    assert await node.read(lambda t: t.stubs.client_of(OTHER, "s1")) is None


async def test_a_stub_is_compared_once_a_round_came_after_its_last_publication(node: Node) -> None:
    await three_clients(node)
    await node.write(lambda t: t.stubs.put(HUB, [stub(1)], 5))
    await node.write(lambda t: t.stubs.put(OTHER, [stub(1, "o1")], 5))

    async def compared(below: int) -> tuple[bool, bool]:
        await node.write(lambda t: t.stubs.set_rounds(HUB, Rounds(below, NOW)))
        return await node.read(
            lambda t: (t.stubs.is_compared(HUB, "s1"), t.stubs.is_compared(OTHER, "o1"))
        )

    assert not await node.read(lambda t: t.stubs.is_compared(HUB, "s1")), "nothing was said"
    assert [await compared(below) for below in (5, 6)] == [(False, False), (True, False)]
    await node.write(lambda t: t.stubs.put(HUB, [stub(1, revision=2)], 6))
    assert [await compared(below) for below in (6, 7)] == [(False, False), (True, False)]
    assert await node.read(lambda t: t.stubs.rounds(HUB)) == Rounds(7, NOW)
    await node.write(lambda t: t.tx.run("UPDATE stub SET published_at = NULL"))
    assert await compared(0) == (True, True), "published before anybody kept when"
    await node.write(lambda t: t.stubs.start_over(HUB))
    assert await node.read(lambda t: t.stubs.rounds(HUB)) is None
    assert not await node.read(lambda t: t.stubs.is_compared(HUB, "s1")), "a new log"


async def test_clients_with_a_stub_are_paged_without_the_retired(node: Node) -> None:
    first, second, third = await three_clients(node)
    stubs = [stub(first), stub(second, retired=True), stub(third)]
    await node.write(lambda t: t.stubs.put(HUB, stubs, 5))

    async def page(hub: str, after: int, size: int) -> list[int]:
        return await node.read(lambda t: t.stubs.clients_after(hub, after, size))

    assert await page(HUB, 0, 1) == [first]
    assert await page(HUB, first, 2) == [third]
    assert await page(OTHER, 0, 3) == []


async def test_an_involvement_keeps_its_id_at_a_hub(node: Node) -> None:
    ids = [PublishedInvolvementId(n, f"i{n}", f"salt {n}") for n in (1, 2)]
    await node.write(lambda t: t.stubs.add_involvement_ids(HUB, ids))
    other = PublishedInvolvementId(1, "o1", "salt")
    await node.write(lambda t: t.stubs.add_involvement_ids(OTHER, [other]))
    with pytest.raises(NotUniqueError):
        await node.write(lambda t: t.stubs.add_involvement_ids(HUB, [replace(other, salt="x")]))
    found = await node.read(lambda t: t.stubs.involvement_ids(HUB, [2, 1, 3]))
    assert found == {1: ids[0], 2: ids[1]}
    assert await node.read(lambda t: t.stubs.involvement_of(HUB, "i2")) == 2
    assert await node.read(lambda t: t.stubs.involvement_of(OTHER, "i2")) is None


DIGESTS = {"name.1": [b"n" * 16, b"a" * 16], "dob.1": [b"d" * 16]}


async def test_what_stubs_publish_is_told_in_order_and_replaced_whole(node: Node) -> None:
    fewer = {"name.1": [b"a" * 16]}
    await node.write(lambda t: t.stubs.put_digests(HUB, {"s1": DIGESTS, "s2": fewer, "s3": {}}))
    await node.write(lambda t: t.stubs.put_digests(OTHER, {"s1": fewer}))
    together = await node.read(lambda t: t.stubs.all_digests(HUB, ["s1", "s2", "s3", "s4"]))
    one_by_one = await node.read(
        lambda t: {name: t.stubs.digests(HUB, name) for name in ("s1", "s2", "s3")}
    )
    assert together == {"s1": DIGESTS, "s2": fewer}
    assert one_by_one == {**together, "s3": {}}
    await node.write(lambda t: t.stubs.put_digests(HUB, {"s1": fewer, "s2": {}}))
    assert await node.read(lambda t: t.stubs.all_digests(HUB, ["s1", "s2"])) == {"s1": fewer}
    assert await node.read(lambda t: t.stubs.digests(OTHER, "s1")) == fewer


async def test_the_holders_of_tokens_are_those_of_one_hub(node: Node) -> None:
    fewer = {"name.1": [b"a" * 16]}
    await node.write(lambda t: t.stubs.put_digests(HUB, {"s1": DIGESTS, "s2": fewer}))
    await node.write(lambda t: t.stubs.put_digests(OTHER, {"s9": DIGESTS}))
    wanted = [b"a" * 16, b"d" * 16, b"x" * 16]
    found = await node.read(lambda t: t.stubs.holders(HUB, wanted))
    assert found == {b"a" * 16: {"s1", "s2"}, b"d" * 16: {"s1"}}


async def test_tokens_are_looked_up_by_token_or_stub_and_never_through_all_of_a_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: dict[str, tuple[object, ...]] = {}
    real = SqliteTransaction._one_by_one

    def noted(self: SqliteTransaction, sql: str, values: tuple[object, ...]) -> Any:
        said[sql] = values
        return real(self, sql, values)

    def ask(t: NodeTables) -> None:
        t.stubs.put_digests(HUB, {"s1": DIGESTS})
        t.stubs.holders(HUB, [b"1", b"2"])
        t.stubs.all_digests(HUB, ["s1", "s2"])
        t.sealed_tokens.known(HUB, [b"1", b"2"])
        t.sealed_tokens.sealed(HUB, [b"1", b"2"])
        t.publication_counts.give_up(HUB, ["s1"], NOW)
        t.old.drop_tokens_of(HUB, ["s1"])

    node = sqlite(tmp_path)
    monkeypatch.setattr(SqliteTransaction, "_one_by_one", noted)
    await node.write(ask)
    monkeypatch.undo()
    plans = await node.read(
        lambda t: {
            row["detail"]
            for sql, values in said.items()
            for row in t.tx.rows(f"EXPLAIN QUERY PLAN {sql}", *values)
        }
    )
    await node.close()
    found = {plan for plan in plans if re.search("published_token|token_cache| p ", plan)}
    assert len(found) > 3
    assert [plan for plan in found if not re.search(r"\((input_digest|stub_id)=", plan)] == []


async def test_a_new_log_of_a_hub_begins_with_the_same_stubs_and_no_tokens(node: Node) -> None:
    await node.write(lambda t: t.stubs.put(HUB, [stub(1), stub(2, revision=7, retired=True)], 5))
    await node.write(lambda t: t.stubs.put(OTHER, [stub(1, "o1")], 5))
    await node.write(lambda t: t.stubs.put_digests(HUB, {"s1": DIGESTS}))
    await node.write(lambda t: t.stubs.put_digests(OTHER, {"o1": DIGESTS}))
    await node.write(lambda t: t.stubs.start_over(HUB))
    found = await node.read(lambda t: t.stubs.of_clients(HUB, [1, 2]))
    assert {(s.stub_id, s.revision, s.published_hash) for s in found.values()} == {
        ("s1", 0, ""), ("s2", 0, ""),
    }  # fmt: skip
    assert await node.read(lambda t: t.stubs.digests(HUB, "s1")) == {}
    assert await node.read(lambda t: t.stubs.of_client(OTHER, 1)) == stub(1, "o1")
    assert await node.read(lambda t: t.stubs.digests(OTHER, "o1")) == DIGESTS


async def test_sealed_tokens_are_kept_for_one_hub(node: Node) -> None:
    await node.write(lambda t: t.sealed_tokens.put(HUB, {b"1": b"old", b"2": b"two"}))
    await node.write(lambda t: t.sealed_tokens.put(HUB, {b"1": b"new"}))
    await node.write(lambda t: t.sealed_tokens.put(OTHER, {b"1": b"other"}))
    asked = [b"1", b"2", b"3"]
    assert await node.read(lambda t: t.sealed_tokens.known(HUB, asked)) == {b"1", b"2"}
    found = await node.read(lambda t: t.sealed_tokens.sealed(HUB, asked))
    assert found == {b"1": b"new", b"2": b"two"}
    await node.write(lambda t: t.sealed_tokens.forget(HUB))
    assert await node.read(lambda t: t.sealed_tokens.known(HUB, asked)) == set()
    assert await node.read(lambda t: t.sealed_tokens.known(OTHER, asked)) == {b"1"}


# What limits count


async def test_new_stubs_are_counted_by_day_and_hub(node: Node) -> None:
    for hub, day, count in ((HUB, 1, 2), (HUB, 1, 3), (HUB, 2, 1), (OTHER, 1, 9)):
        await node.write(
            lambda t, hub=hub, day=day, count=count: t.publication_counts.add_new_stubs(  # type: ignore[misc]
                hub, day, count
            )
        )
    assert await node.read(lambda t: t.publication_counts.new_stubs(HUB)) == {1: 5, 2: 1}


async def test_tokens_that_were_given_up_count_for_a_while(node: Node) -> None:
    await node.write(lambda t: t.stubs.put_digests(HUB, {"s1": DIGESTS, "s2": DIGESTS}))

    async def former(now: int, hub: str = HUB) -> dict[bytes, set[str]]:
        asked = [b"d" * 16, b"x" * 16]
        return await node.read(lambda t: t.publication_counts.former_holders(hub, asked, now))

    await node.write(lambda t: t.publication_counts.give_up(HUB, ["s1"], NOW))
    until = NOW + TOKEN_DAYS * DAY
    assert await former(until - 1) == {b"d" * 16: {"s1"}}
    assert await former(until) == {}
    assert await former(NOW, OTHER) == {}
    await node.write(lambda t: t.publication_counts.give_up(HUB, ["s1", "s2"], NOW + 5))
    assert await former(until) == {b"d" * 16: {"s1", "s2"}}, "the later of two counts"
    assert await node.write(lambda t: t.old.drop_former(HUB, until + 5, 10)) == 6
    assert await former(NOW) == {}, "what is over is deleted"


async def test_last_tokens_and_changes_are_told_for_many_as_for_each(node: Node) -> None:
    last = [LastTokens(name, f"hash {name}", "salt", 1) for name in ("s1", "s2")]
    await node.write(lambda t: t.publication_counts.put_last_tokens(HUB, last))
    newer = replace(last[0], charter_version=2)
    await node.write(lambda t: t.publication_counts.put_last_tokens(HUB, [newer]))
    await node.write(lambda t: t.publication_counts.add_changes(HUB, ["s1", "s2"], 5))
    await node.write(lambda t: t.publication_counts.add_changes(HUB, ["s1"], 5))
    await node.write(lambda t: t.publication_counts.add_changes(OTHER, ["s3"], 5))
    names = ["s1", "s2", "s3"]

    def told(tables: NodeTables, asked: Sequence[str]) -> tuple[Any, Any]:
        counts = tables.publication_counts
        return counts.last_tokens(HUB, asked), counts.changes(HUB, asked)

    assert await node.read(lambda t: told(t, names)) == (
        {"s1": newer, "s2": last[1]},
        {"s1": [5, 5], "s2": [5]},
    )
    for name in names:
        alone = await node.read(lambda t, name=name: told(t, [name]))  # type: ignore[misc]
        together = await node.read(lambda t: told(t, names))
        assert alone == tuple({k: v for k, v in part.items() if k == name} for part in together)


async def test_forgetting_counts_is_for_one_hub(node: Node) -> None:
    def count(tables: NodeTables, hub: str) -> None:
        counts = tables.publication_counts
        tables.stubs.put_digests(hub, {"s1": DIGESTS})
        counts.give_up(hub, ["s1"], NOW)
        counts.add_new_stubs(hub, 1, 1)
        counts.put_last_tokens(hub, [LastTokens("s1", "h", "s", 1)])
        counts.add_changes(hub, ["s1"], NOW)

    def kept(tables: NodeTables, hub: str) -> list[bool]:
        counts = tables.publication_counts
        return [
            bool(counts.former_holders(hub, [b"d" * 16], NOW)),
            bool(counts.new_stubs(hub)),
            bool(counts.last_tokens(hub, ["s1"])),
            bool(counts.changes(hub, ["s1"])),
        ]

    await node.write(lambda t: count(t, HUB))
    await node.write(lambda t: count(t, OTHER))
    await node.write(lambda t: t.publication_counts.forget(HUB))
    assert await node.read(lambda t: kept(t, HUB)) == [False] * 4
    assert await node.read(lambda t: kept(t, OTHER)) == [True] * 4


# Publications


def publication(sequence: int = 1, hub: str = HUB) -> Publication:
    effects = [
        Effect(stub(1), DIGESTS, PublishedTokens("h", "salt", counted=True)),
        Effect(stub(2, retired=True), {}, None),
    ]
    return Publication(hub, sequence, f"id {sequence}", b"signed", [b"\x00\xff", b"two"], effects)


async def test_a_publication_is_kept_as_it_was_until_it_is_applied(node: Node) -> None:
    assert await node.read(lambda t: t.publications.next_sequence(HUB)) == 1
    await node.write(lambda t: t.publications.add(publication(1)))
    await node.write(lambda t: t.publications.add(publication(2)))
    with pytest.raises(NotUniqueError):
        await node.write(lambda t: t.publications.add(publication(2)))
    assert await node.read(lambda t: t.publications.next_sequence(HUB)) == 3
    assert await node.read(lambda t: t.publications.next_sequence(OTHER)) == 1
    kept = await node.read(lambda t: t.publications.pending(HUB))
    assert kept is not None
    assert (kept.sequence, list(kept.chunks), kept.envelope) == (
        1,
        [b"\x00\xff", b"two"],
        b"signed",
    )
    assert list(kept.effects) == publication().effects
    assert await node.read(lambda t: t.publications.pending(OTHER)) is None


async def test_an_applied_publication_is_the_latest_and_forgets_its_parts(node: Node) -> None:
    await node.write(lambda t: t.publications.add(publication(1)))
    await node.write(lambda t: t.publications.add(publication(2)))
    assert await node.read(lambda t: t.publications.latest(HUB)) is None
    await node.write(lambda t: t.publications.set_applied(HUB, 1))
    kept = await node.read(lambda t: t.publications.get(HUB, 1))
    assert kept is not None
    assert kept.state is PublicationState.APPLIED
    assert (kept.chunks, kept.effects) == ((), ())
    assert await node.read(lambda t: t.publications.latest(HUB)) == "id 1"
    following = await node.read(lambda t: t.publications.pending(HUB))
    assert following is not None
    assert following.sequence == 2


async def test_what_is_applied_is_not_applied_again_nor_dropped(node: Node) -> None:
    await node.write(lambda t: t.publications.add(publication()))
    await node.write(lambda t: t.publications.set_applied(HUB, 1))
    with pytest.raises(LocalError) as caught:
        await node.write(lambda t: t.publications.set_applied(HUB, 1))
    assert caught.value.code is ErrorCode.CONFLICT
    with pytest.raises(LocalError) as caught:
        await node.write(lambda t: t.publications.set_applied(OTHER, 1))
    assert caught.value.code is ErrorCode.NOT_FOUND
    assert not await node.write(lambda t: t.publications.drop(HUB, 1))
    assert await node.read(lambda t: t.publications.latest(HUB)) == "id 1"
    for state in PublicationState:
        with pytest.raises(LocalError):
            check_move(MOVES, state, PublicationState.PENDING)


async def test_a_refused_publication_is_dropped_and_its_number_used_again(node: Node) -> None:
    await node.write(lambda t: t.publications.add(publication()))
    assert not await node.write(lambda t: t.publications.drop(OTHER, 1))
    assert await node.write(lambda t: t.publications.drop(HUB, 1))
    assert await node.read(lambda t: t.publications.pending(HUB)) is None
    assert await node.read(lambda t: t.publications.next_sequence(HUB)) == 1


async def test_a_hubs_publications_and_charter_version_are_forgotten_together(node: Node) -> None:
    for hub in (HUB, OTHER):
        await node.write(lambda t, hub=hub: t.publications.add(publication(1, hub)))  # type: ignore[misc]
        for version in (1, 2):
            await node.write(
                lambda t, hub=hub, version=version: t.publications.set_charter_version(  # type: ignore[misc]
                    hub, version
                )
            )
    await node.write(lambda t: t.publications.forget(HUB))
    assert await node.read(lambda t: t.publications.pending(HUB)) is None
    assert await node.read(lambda t: t.publications.charter_version(HUB)) is None
    assert await node.read(lambda t: t.publications.charter_version(OTHER)) == 2
    assert await node.read(lambda t: t.publications.pending(OTHER)) is not None


# A database of the version before


BEFORE = Schema(SCHEMA.scripts[:6])
OLD_EFFECT = (
    '[{"client": 1, "stub_id": "s1", "revision": 1, "published_hash": "h", "retired": 0, '
    '"digests": {"dob.1": ["6464"]}, "tokens_hash": "t", "salt": "aa", "counted": false}, '
    '{"client": 2, "stub_id": "s2", "revision": 3, "published_hash": "", "retired": 1, '
    '"digests": {}, "tokens_hash": null}]'
)


async def test_a_database_written_before_opens_with_all_that_is_in_it(tmp_path: Path) -> None:
    old = sqlite(tmp_path, schema=BEFORE)
    row = {"hub_id": HUB, "sequence": 1, "statement_id": "id", "envelope": b"e", "chunks": "[]",
           "effects": OLD_EFFECT, "state": "pending"}  # fmt: skip

    def fill(tables: NodeTables) -> None:
        tables.tx.insert("client", {"local_id": "a", "given": "Amira", "row_hash": "h"})
        tables.tx.insert("practitioner", {"name": "S. Worker", "team": "East"})
        for kind, child in (("early_help", None), ("b", "b1")):
            old = {"client": 1, "type": kind, "practitioner": 1, "permission_basis": "UK-CONSENT"}
            tables.tx.insert("involvement", {**old, "valid_until": NOW + DAY, "for_unborn": child})
        ids = [PublishedInvolvementId(9, "i9", "salt")]  # of work that was deleted since
        tables.stubs.add_involvement_ids(HUB, ids)
        tables.stubs.put_digests(HUB, {"s1": DIGESTS})
        for hub in (HUB, OTHER):
            sealed = {"hub_id": hub, "input_digest": b"d" * 16, "sealed": hub.encode()}
            tables.tx.insert("token_cache", sealed)
        tables.tx.insert("publication", row)

    await old.write(fill)
    await old.close()
    new = sqlite(tmp_path)
    early = Involvement(
        id=1, client=1, type="early_help", team="East", permission_basis="UK-CONSENT",
        valid_until=NOW + DAY, import_id=0, workers=(1,),
    )  # fmt: skip
    kept = [early, replace(early, id=2, type="b", for_unborn="b1")]
    assert await new.read(lambda t: t.records.involvements([1])) == kept
    found = await new.read(lambda t: t.records.client("a"))
    assert found is not None
    assert found.record == ClientRecord(given="Amira")
    (said,) = (await new.read(lambda t: t.imports.said([1])))[1]
    assert said.record == found.record
    await new.write(lambda t: t.records.add_involvements([work(1, "c")]))
    last = (await new.read(lambda t: t.records.involvements([1])))[-1]
    assert last.id == 10, "no involvement is given an id that a hub knows another by"
    assert await new.read(lambda t: t.stubs.holders(HUB, [b"d" * 16])) == {b"d" * 16: {"s1"}}
    sealed = await new.read(lambda t: t.sealed_tokens.sealed(HUB, [b"d" * 16]))
    assert sealed == {b"d" * 16: HUB.encode()}
    pending = await new.read(lambda t: t.publications.pending(HUB))
    assert pending is not None
    assert list(pending.effects) == [
        Effect(stub(1), {"dob.1": [b"dd"]}, PublishedTokens("t", "aa", counted=False)),
        Effect(stub(2, revision=3, published_hash="", retired=True), {}, None),
    ]
    await new.close()
