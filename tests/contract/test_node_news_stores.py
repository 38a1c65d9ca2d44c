"""What the node's store of news promises, on every engine that is named here.

Each scenario runs as it is, and on an engine that runs every body once for nothing first.
"""

from dataclasses import replace

import pytest

from node.store.links import Link, LinkState
from node.store.news import IN_TEAM, NewsKind, NewsLevel, NewsMail, NewsRow
from node.store.people import WorkerRow
from node.store.tables import NodeTables
from tests.contract.test_node_record_stores import HUB, NOW, OTHER, Node, stub, three_clients
from tests.contract.test_node_record_stores import node as node


@pytest.fixture
async def line(node: Node) -> NewsRow:
    """A line for the first of two people, about the first of three clients."""
    clients = await three_clients(node)
    workers = [WorkerRow(name, "", None, None, None) for name in ("A", "B")]
    people = await node.write(lambda t: t.people.put_workers(workers, NOW))
    level = NewsLevel.NOTICE
    return NewsRow(HUB, people["A", ""], clients[0], NewsKind.FOUND_BY, "link", "one", level, NOW)


async def test_a_line_that_is_there_stays_as_it_is(node: Node, line: NewsRow) -> None:
    later = replace(line, at=NOW + 9, level=NewsLevel.QUIET)
    await node.write(lambda t: t.news.put([line, later]))
    await node.write(lambda t: t.news.put([later, replace(line, hub_id=OTHER, at=NOW + 1)]))
    found = await node.read(lambda t: t.news.of_person(line.person, unseen=True))
    assert [(one.hub_id, one.at, one.level) for one in found] == [
        (OTHER, NOW + 1, NewsLevel.NOTICE),
        (HUB, NOW, NewsLevel.NOTICE),
    ]


async def test_what_is_removed_is_named_by_kind_subject_and_item(node: Node, line: NewsRow) -> None:
    lines = [
        line,
        replace(line, item="two"),
        replace(line, kind=NewsKind.LEFT),
        replace(line, kind=NewsKind.JOINED),
    ]

    def put(tables: NodeTables) -> None:
        tables.news.put(lines)
        tables.news.remove(HUB, IN_TEAM, [("link", "one"), ("elsewhere", "two")])
        tables.news.remove(OTHER, [NewsKind.LEFT], [("link", "one")])

    await node.write(put)
    found = await node.read(lambda t: t.news.of_person(line.person, unseen=True))
    assert {(one.kind, one.item) for one in found} == {
        (NewsKind.FOUND_BY, "two"),
        (NewsKind.LEFT, "one"),
    }


async def test_who_takes_over_gets_what_was_not_seen_once(node: Node, line: NewsRow) -> None:
    other = line.person + 1

    def put(tables: NodeTables) -> None:
        tables.news.put([line, replace(line, item="two"), replace(line, item="seen")])
        tables.news.put([replace(line, person=other)])
        seen = [
            one.id for one in tables.news.of_person(line.person, unseen=True) if one.item == "seen"
        ]
        tables.news.mark_seen(seen, NOW)
        tables.news.hand_over(line.person, other)

    await node.write(put)
    found = await node.read(lambda t: t.news.of_person(other, unseen=False))
    assert sorted(one.item for one in found) == ["one", "two"]


async def test_what_waits_for_mail(node: Node, line: NewsRow) -> None:
    lines = [
        line,
        replace(line, item="two", at=NOW + 5),
        replace(line, item="three", level=NewsLevel.DIGEST, at=NOW + 7),
        replace(line, item="four", level=NewsLevel.QUIET, at=NOW - 7),
    ]
    mail = NewsMail(line.person, "ab" * 16, NOW, 0, NOW)
    people = [line.person, line.person + 1]

    def put(tables: NodeTables) -> None:
        tables.news.put(lines)
        tables.news.put_mail(mail)
        tables.news.put_mail(replace(mail, attempts=1, next_at=NOW + 60))

    await node.write(put)
    assert await node.read(lambda t: t.news.unmailed(people)) == {
        line.person: {NewsLevel.NOTICE: NOW, NewsLevel.DIGEST: NOW + 7}
    }
    assert (await node.read(lambda t: t.news.mails()))[line.person].attempts == 1
    found = await node.read(lambda t: t.news.of_person(line.person, unseen=True))
    first = [one.id for one in found if one.item == "one"]
    await node.write(lambda t: t.news.mailed(line.person, first, NOW))
    assert await node.read(lambda t: t.news.mails()) == {}
    assert await node.read(lambda t: t.news.unmailed(people)) == {
        line.person: {NewsLevel.NOTICE: NOW + 5, NewsLevel.DIGEST: NOW + 7}
    }


async def test_what_links_showed_is_remembered_until_it_is_told_anew(
    node: Node, line: NewsRow
) -> None:
    shown, ended = (
        Link(HUB, state, "s1", state, agency, (), None, "r")
        for state, agency in ((LinkState.MATCH, "aa"), (LinkState.ENDED, "bb"))
    )

    def put(tables: NodeTables) -> None:
        tables.stubs.put(HUB, [stub(line.client, "s1")], 1)
        tables.links.take([shown, ended])
        tables.news.remember_shown(HUB)
        tables.news.remember_shown(HUB)

    await node.write(put)
    known = await node.read(lambda t: t.news.shown_before(HUB, [line.client]))
    assert known == {(line.client, "aa")}
    await node.write(lambda t: t.news.forget_shown(HUB, known))
    assert await node.read(lambda t: t.news.shown_before(HUB, [line.client])) == set()
