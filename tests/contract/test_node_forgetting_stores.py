"""What the node's stores promise of what goes: all of it, nothing else, and by index.

Each scenario runs as it is, and on an engine that runs every body once for nothing first.
"""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from node.config import NodeSettings
from node.records.upkeep import Forgetting
from node.store.attention import Raised, Received
from node.store.governance import RecallNotice
from node.store.hubs import HubRow
from node.store.links import Link, LinkState
from node.store.news import NewsKind, NewsLevel, NewsRow
from node.store.old import Kind, old_absences, old_acts, old_asked, old_news
from node.store.outbox import Outgoing, Place
from node.store.people import Act, Deed, WorkerRow
from node.store.publications import Effect, Publication
from node.store.requests import ReceivedRequest, ReceivedState, SentRequest, SentState
from node.store.tables import NodeTables
from protocol.governance.limits import DAY
from protocol.messages.attention import AttentionBody, AttentionPins
from protocol.messages.parts import RequestPractitioner
from protocol.messages.review import VerdictBody
from runtime.environment import Environment
from storage.sqlite import SqliteTransaction
from tests.contract.test_node_record_stores import (
    NOW,
    Node,
    client,
    sqlite,
    stub,
    work,
)
from tests.contract.test_node_stores import (
    CARD,
    HUB,
    LINK,
    number,
    received_check,
    received_request,
    sent_check,
    sent_request,
)

OLD = NOW - 400 * DAY


@pytest_asyncio.fixture(params=[False, True], ids=["sqlite", "sqlite rehearsed"])
async def node(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Node]:
    """An engine over the node's empty stores."""
    made = sqlite(tmp_path, rehearse=request.param)
    yield made
    await made.close()


def forgetting(node: Node, folder: Path) -> Forgetting:
    settings = NodeSettings(keep_closed_client_days=90, keep_news_days=90, keep_withdrawn_days=90)
    return Forgetting(node, settings, folder, Environment(lambda: NOW))


async def closed(node: Node, *local_ids: str, **change: Any) -> dict[str, int]:
    """Clients whose work is over since long; their row ids."""

    def put(tables: NodeTables) -> dict[str, int]:
        ids = tables.records.put_clients([client(name) for name in local_ids])
        rows = [work(ids[name], **{"ended_at": OLD, **change}) for name in local_ids]
        tables.records.add_involvements(rows)
        return ids

    return await node.write(put)


async def left(node: Node) -> list[str]:
    rows = await node.read(lambda t: t.tx.rows("SELECT local_id FROM client ORDER BY local_id"))
    return [row["local_id"] for row in rows]


async def test_all_parts_of_a_client_are_over_or_none_is(node: Node, tmp_path: Path) -> None:
    ids = await closed(node, "a", "b", "c", "d")

    def join(tables: NodeTables) -> None:
        (person,) = tables.people.put_workers([worker()], NOW).values()
        tables.merges.merge(ids["a"], ids["b"], person, NOW)
        tables.merges.merge(ids["b"], ids["c"], person, NOW)
        tables.records.add_involvements([work(ids["d"])])

    await node.write(join)
    report = await forgetting(node, tmp_path).run(dry_run=False)
    assert (report["gone"]["clients"], await left(node)) == (1, ["d"]), "three ids, one client"


def worker(name: str = "W") -> WorkerRow:
    return WorkerRow(name, "T", None, None, None)


async def test_work_of_a_part_that_goes_on_is_not_lost(node: Node, tmp_path: Path) -> None:
    ids = await closed(node, "a", "b")

    def join(tables: NodeTables) -> None:
        (person,) = tables.people.put_workers([worker()], NOW).values()
        tables.merges.merge(ids["a"], ids["b"], person, NOW)
        tables.records.add_involvements([work(ids["a"])])

    await node.write(join)
    report = await forgetting(node, tmp_path).run(dry_run=False)
    assert (report["gone"]["clients"], await left(node)) == (0, ["a", "b"])


async def test_a_part_that_is_published_keeps_the_whole(node: Node, tmp_path: Path) -> None:
    ids = await closed(node, "a", "b")

    def join(tables: NodeTables) -> None:
        (person,) = tables.people.put_workers([worker()], NOW).values()
        tables.merges.merge(ids["a"], ids["b"], person, NOW)
        tables.stubs.put(HUB, [stub(ids["a"])], 3)

    await node.write(join)
    report = await forgetting(node, tmp_path).run(dry_run=False)
    assert report["stays"] == {"published": 1}
    await node.write(lambda t: t.stubs.put(HUB, [stub(ids["a"], retired=True)], 4))
    assert (await forgetting(node, tmp_path).run(dry_run=False))["gone"]["clients"] == 1


async def test_a_withdrawal_counts_from_when_it_was_made(node: Node, tmp_path: Path) -> None:
    await closed(node, "late", withdrawn_at=NOW - 89 * DAY)
    await closed(node, "early", withdrawn_at=NOW - 90 * DAY)
    report = await forgetting(node, tmp_path).run(dry_run=False)
    assert (report["gone"]["withdrew"], await left(node)) == (1, ["late"])


async def test_an_act_goes_with_the_client_it_names_and_with_no_other(
    node: Node, tmp_path: Path
) -> None:
    await closed(node, "5", "a b")
    kept = [
        (Deed.SAW_ALERTS, "5"),
        (Deed.CLOSED_WORK, "55"),
        (Deed.MERGED_CLIENT, "55 65"),
    ]
    gone = [
        (Deed.CLOSED_WORK, "5"),
        (Deed.MERGED_CLIENT, "5 65"),
        (Deed.MERGED_CLIENT, "65 a b"),
    ]

    def act(tables: NodeTables) -> None:
        (person,) = tables.people.put_workers([worker()], NOW).values()
        for what, subject in kept + gone:
            tables.people.acted(Act(person, what, subject, NOW))

    await node.write(act)
    await forgetting(node, tmp_path).run(dry_run=False)
    acts = await node.read(lambda t: t.people.acts())
    assert sorted((one.what, one.subject) for one in acts) == sorted(kept)


async def test_news_of_a_client_goes_with_them_and_no_other(node: Node, tmp_path: Path) -> None:
    ids = await closed(node, "a") | await closed(node, "open", ended_at=None)

    def put(tables: NodeTables) -> None:
        people = tables.people.put_workers([worker("first"), worker("other")], NOW)
        tables.news.put(
            line(one, client_id, NOW, f"link of {name}")
            for one in people.values()
            for name, client_id in ids.items()
        )
        tables.links.take([Link(HUB, LINK, "s1", LinkState.MATCH, "ab" * 16, (), None, "r")])
        tables.stubs.put(HUB, [stub(ids["a"], "s1", retired=True)], 3)
        tables.news.remember_shown(HUB)

    await node.write(put)
    assert await node.read(lambda t: t.news.shown_before(HUB, ids.values())) != set()
    await forgetting(node, tmp_path).run(dry_run=False)
    rows = await node.read(lambda t: t.tx.rows("SELECT client FROM news"))
    assert [row["client"] for row in rows] == [ids["open"]] * 2
    assert await node.read(lambda t: t.count("shown_before")) == 0


async def test_a_worker_goes_whom_nothing_names(node: Node, tmp_path: Path) -> None:
    ids = await closed(node, "a")
    await closed(node, "open", ended_at=None)

    def put(tables: NodeTables) -> None:
        rows = [worker(name) for name in ("idle", "acted", "busy", "typed in")]
        people = tables.people.put_workers(rows, NOW)
        (place,) = tables.records.involvements([ids["a"]])
        (other,) = tables.tx.rows("SELECT id FROM involvement WHERE ended_at IS NULL")
        tables.records.add_workers(
            [
                (place.id, one, None if name == "typed in" else 1)
                for (name, _), one in people.items()
            ]
        )
        tables.records.add_workers([(other["id"], people["busy", "T"], None)])
        tables.people.acted(Act(people["acted", "T"], Deed.CLOSED_WORK, "a", NOW))

    await node.write(put)
    await forgetting(node, tmp_path).run(dry_run=False)
    assert [one.name for one in await node.read(lambda t: t.people.all())] == [
        "acted",
        "busy",
        "typed in",
    ]


async def test_tokens_go_that_no_stub_has_or_had(node: Node) -> None:
    def put(tables: NodeTables) -> None:
        tables.sealed_tokens.put(HUB, {bytes([n]) * 16: b"sealed" for n in range(4)})
        digests = {"s1": {"k": [b"\0" * 16, b"\1" * 16, b"\2" * 16]}, "s2": {"k": [b"\1" * 16]}}
        tables.stubs.put_digests(HUB, digests)
        tables.publication_counts.give_up(HUB, ["s1"], OLD)
        tables.stubs.put_digests(HUB, {"s1": {}, "s3": {"k": [b"\2" * 16]}})
        tables.publication_counts.give_up(HUB, ["s3"], NOW)
        tables.stubs.put_digests(HUB, {"s3": {}})

    await node.write(put)
    assert await node.write(lambda t: t.old.drop_former(HUB, NOW, 2)) == 2
    assert await node.write(lambda t: t.old.drop_former(HUB, NOW, 2)) == 1
    wanted = [bytes([n]) * 16 for n in range(4)]
    assert await node.read(lambda t: t.sealed_tokens.known(HUB, wanted)) == set(wanted[1:])


def line(person: int, client_id: int, at: int, subject: str = LINK) -> NewsRow:
    return NewsRow(HUB, person, client_id, NewsKind.FOUND_BY, subject, "", NewsLevel.DIGEST, at)


async def test_news_go_when_they_are_over_and_old(node: Node) -> None:
    ids = await closed(node, "a")

    def put(tables: NodeTables) -> None:
        (person,) = tables.people.put_workers([worker()], NOW).values()
        for code in ("open", "cleared", "put away"):
            tables.alarms.seen(HUB, code, "", OLD)
        tables.alarms.clear(HUB, "cleared", [""], OLD)
        tables.alarms.acknowledge(HUB, 3, OLD)
        tables.people.acted(Act(person, Deed.CLOSED_WORK, "x", OLD))
        tables.people.acted(Act(person, Deed.CLOSED_WORK, "x", NOW))
        tables.news.put([line(person, ids["a"], OLD, "1"), line(person, ids["a"], NOW, "2")])

    await node.write(put)
    for old in (*old_news(HUB, NOW - DAY), old_acts(NOW - DAY)):
        counted = await node.read(lambda t, old=old: t.old.count(old))  # type: ignore[misc]
        gone = await node.write(lambda t, old=old: t.old.remove(old, 10))  # type: ignore[misc]
        assert gone == counted == {Kind.ALARMS: 2, Kind.ACTS: 1, Kind.NEWS: 1}.get(old.kind, 0)
    assert [one.code for one in await node.read(lambda t: t.alarms.open(HUB))] == ["open"]


Put = Callable[[NodeTables, int], object]


def verdict(tables: NodeTables, *, logged: bool) -> None:
    body = VerdictBody(
        link_id=LINK, stub_id="5b" * 16, question=None, round="00" * 32, publication="00" * 32,
        answer="same", rests_on="records", decided_by="0d" * 16,
    )  # fmt: skip
    item = tables.outbox.enqueue(Outgoing(HUB, HUB, body))
    if logged:
        tables.outbox.sign(HUB, item, b"envelope")
        tables.outbox.sent(HUB, item, Place(1, None))
        tables.outbox.looked_for(HUB, [item], there=True)


def raised(tables: NodeTables, client_id: int, *, logged: bool) -> None:
    (person,) = tables.people.put_workers([worker()], NOW).values()
    tables.attention.raise_(Raised(HUB, "a7" * 16, client_id, person, "missing", OLD))
    tables.attention.receive(Received(HUB, "a8" * 16, "g", LINK, "s1", "r", "missing", OLD))
    body = AttentionBody(
        attention_id="a7" * 16, stub_id="5b" * 16, kind="missing",
        practitioner=RequestPractitioner(id="0d" * 16, role="manager"),
        pins=AttentionPins(**dict.fromkeys(AttentionPins.model_fields, "00" * 32)),
    )  # fmt: skip
    item = tables.outbox.enqueue(Outgoing(HUB, HUB, body))
    if logged:
        tables.outbox.sign(HUB, item, b"envelope")
        tables.outbox.sent(HUB, item, Place(1, None))
        tables.outbox.looked_for(HUB, [item], there=True)


def alert(tables: NodeTables, seen_at: int | None) -> None:
    tables.received_requests.add(received_request(1, expires=OLD))
    notice = RecallNotice(HUB, number(1), we_asked=False, other="", said_by="", told_at=OLD)
    tables.governance.put_recall(replace(notice, seen_at=seen_at))


def pending(tables: NodeTables, client_id: int) -> None:
    effects = [Effect(stub(client_id, "s1"), {}, None)]
    tables.publications.add(Publication(HUB, 1, "id", b"", [], effects))


def sent(client_id: int, **change: Any) -> SentRequest:
    return sent_request(1, client=client_id, **{"expires": OLD, **change})


def received(**change: Any) -> ReceivedRequest:
    return received_request(1, **{"expires": OLD, **change})


KEEPS: dict[str, tuple[str, Put, Put]] = {
    "a request of ours": (
        "request",
        lambda t, c: t.sent_requests.add(sent(c, expires=NOW + 1, state=SentState.WAITING)),
        lambda t, c: t.sent_requests.add(sent(c, expires=NOW + 1, state=SentState.REFUSED)),
    ),
    "a request that waits for a person": (
        "request",
        lambda t, _: t.received_requests.add(
            received(expires=NOW + 1, state=ReceivedState.ASKS_PERSON)
        ),
        lambda t, _: t.received_requests.add(received(state=ReceivedState.ASKS_PERSON)),
    ),
    "a card here": (
        "card",
        lambda t, c: t.sent_requests.add(sent(c, state=SentState.OPENED, card=CARD)),
        lambda t, c: t.sent_requests.add(sent(c, state=SentState.EXPIRED, wiped=1)),
    ),
    "a card that a file may still hold": (
        "card",
        lambda t, c: t.sent_requests.add(sent(c, state=SentState.RECALLED, wiped=0)),
        lambda t, c: t.sent_requests.add(sent(c, state=SentState.RECALLED, wiped=1)),
    ),
    "a card that left": (
        "card",
        lambda t, _: t.received_requests.add(
            received(state=ReceivedState.OPENED, keep_until=NOW + 1)
        ),
        lambda t, _: t.received_requests.add(received(state=ReceivedState.OPENED, keep_until=NOW)),
    ),
    "a card that was recalled and of which nobody said that it is gone": (
        "card",
        lambda t, _: t.received_requests.add(
            received(state=ReceivedState.RECALLED, keep_until=NOW + 1)
        ),
        lambda t, _: t.received_requests.add(
            received(state=ReceivedState.RECALLED, keep_until=NOW + 1, gone_at=NOW)
        ),
    ),
    "an identity check of ours": (
        "check",
        lambda t, _: t.sent_checks.add(sent_check()),
        lambda t, _: t.sent_checks.add(sent_check(answer="same")),
    ),
    "an identity check to answer": (
        "check",
        lambda t, _: t.received_checks.add(received_check()),
        lambda t, _: t.received_checks.add(received_check(expires=NOW)),
    ),
    "a statement on its way": (
        "statement",
        lambda t, _: verdict(t, logged=False),
        lambda t, _: verdict(t, logged=True),
    ),
    "attention on its way": (
        "statement",
        lambda t, c: raised(t, c, logged=False),
        lambda t, c: raised(t, c, logged=True),
    ),
    "an alert": ("alert", lambda t, _: alert(t, None), lambda t, _: alert(t, OLD)),
    "a publication on its way": ("published", pending, lambda t, c: None),
    "a stub": (
        "published",
        lambda t, c: t.stubs.put(HUB, [stub(c, "s1")], 3),
        lambda t, c: None,
    ),
}


@pytest.mark.parametrize("what", KEEPS)
async def test_a_client_stays_while_there_is(node: Node, tmp_path: Path, what: str) -> None:
    why, keeping, over = KEEPS[what]
    (client_id,) = (await closed(node, "a")).values()

    def begin(tables: NodeTables, put: Put) -> None:
        tables.hubs.save(HubRow(HUB, "https://h", "h", "g", "p", b"", None, 0))
        tables.stubs.put(HUB, [stub(client_id, "s1", retired=True)], 3)
        tables.links.take([Link(HUB, LINK, "s1", LinkState.ENDED, None, (), None, "r")])
        put(tables, client_id)

    await node.write(lambda tables: begin(tables, keeping))
    report = await forgetting(node, tmp_path).run(dry_run=False)
    assert (report["stays"], await left(node)) == ({why: 1}, ["a"])
    for table in ("sent_request", "received_request", "sent_check", "received_check", "outbox",
                  "governance_notice", "publication", "sent_attention",
                  "received_attention"):  # fmt: skip
        await node.write(lambda t, table=table: t.tx.run(f"DELETE FROM {table}"))  # type: ignore[misc]  # noqa: S608
    await node.write(lambda tables: begin(tables, over))
    report = await forgetting(node, tmp_path).run(dry_run=False)
    assert (report["stays"], await left(node)) == ({}, [])
    for table in ("sent_request", "received_request", "sent_check", "received_check", "outbox",
                  "governance_notice", "link", "stub", "sent_attention",
                  "received_attention"):  # fmt: skip
        assert await node.read(lambda t, table=table: t.count(table)) == 0, table  # type: ignore[misc]


SMALL = {
    "hub", "resync", "withheld", "withdrawn_secret", "member", "p", "practitioner", "publication",
    "always_findable", "alarm", "n", "set_aside", "governance_notice", "unwitnessed_card",
    "constant",
}  # fmt: skip
"""What has a row a hub, a person or an alarm, and never one a client."""


async def test_nothing_walks_a_table(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await closed(node, *(f"c{n}" for n in range(5)), withdrawn_at=OLD)
    said: dict[str, tuple[object, ...]] = {}
    real = SqliteTransaction._one_by_one

    def noted(self: SqliteTransaction, sql: str, values: tuple[object, ...]) -> Any:
        said[sql] = values
        return real(self, sql, values)

    def put(tables: NodeTables) -> None:
        tables.hubs.save(HubRow(HUB, "https://h", "h", "g", "p", b"", None, 0))
        tables.stubs.put(HUB, [stub(one, retired=True) for one in ids.values()], 3)
        for count, one in enumerate(ids.values()):
            tables.sent_requests.add(sent_request(count, client=one, expires=OLD))
            tables.received_requests.add(received_request(count, expires=OLD))

    await node.write(put)
    monkeypatch.setattr(SqliteTransaction, "_one_by_one", noted)
    report = await forgetting(node, tmp_path).run(dry_run=False)
    for old in (*old_asked(HUB, NOW, OLD), *old_news(HUB, NOW), old_absences(NOW)):
        await node.write(lambda t, old=old: t.old.remove(old, 10))  # type: ignore[misc]
    await node.write(lambda t: t.old.old_statements(HUB, NOW, 0, 10))
    await node.write(lambda t: t.old.drop_former(HUB, NOW, 10))
    monkeypatch.undo()
    assert report["gone"]["clients"] == 5
    assert len(said) > 40
    walks = await node.read(
        lambda t: [
            (row["detail"], sql)
            for sql, values in said.items()
            for row in t.tx.rows(f"EXPLAIN QUERY PLAN {sql}", *values)
            if (found := re.match(r"SCAN (\w+)", row["detail"]))
            and found[1].lower() not in SMALL
            and "act_of_merges" not in row["detail"]
        ]
    )
    assert walks == []
