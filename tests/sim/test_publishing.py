"""Publishing costs what changed, and says what is true when it is sent, not when it was read."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from node.publishing.drafts import Drafter
from node.publishing.settled import Settled
from node.publishing.tokens import TokenCache, TokenClient, TokenPair
from node.publishing.works import known_ids, works_of
from node.records.clients import withdraw
from node.store.stub_parts import _OF_WORK
from node.store.tables import SCHEMA, NodeTables
from protocol.errors import ErrorCode, RemoteError
from storage.sqlite import SqliteDatabase
from tests.columns import columns_read
from tests.sim.crowd import crowd
from tests.sim.federation import DUTY, SimFederation, SimNode, row
from tests.sim.test_charter_change import amend

FIVE = list(crowd(5))


@pytest.fixture
def drafted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The local ids of those whose match keys were made, in order."""
    names: list[str] = []
    real = Drafter._inputs

    def noted(self: Drafter, client: Any) -> Any:
        names.append(client.local_id)
        return real(self, client)

    monkeypatch.setattr(Drafter, "_inputs", noted)
    return names


async def joined(federation: SimFederation) -> SimNode:
    agency = await federation.join("Health visiting", "health_provider")
    await agency.membership.sync()
    await agency.take_in(*FIVE)
    return agency


def moved(number: int) -> Any:
    one = FIVE[number]
    return replace(one, record=replace(one.record, postcode="LX3 4AB"))


async def test_only_who_changed_is_drafted_again(
    federation: SimFederation, drafted: list[str]
) -> None:
    agency = await joined(federation)
    assert (await agency.publish()).changed == 5
    drafted.clear()
    report = await agency.publish()
    assert (report.unchanged, report.changed, drafted) == (5, 0, [])
    await agency.take_in(moved(3))
    report = await agency.publish()
    assert (report.unchanged, report.changed, drafted) == (4, 1, ["p3"])


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE involvement SET withdrawn_at = 1 WHERE id = 3",
        "UPDATE involvement SET valid_until = valid_until + 86400 WHERE id = 3",
        "UPDATE involvement SET ended_at = {now} + 5 WHERE id = 3",
        "UPDATE involvement SET type = 'gp_practice' WHERE id = 3",
        "UPDATE involvement SET consent_date = '2026-01-01' WHERE id = 3",
        "DELETE FROM stub_involvement WHERE involvement = 3",
        "UPDATE involvement SET permission_basis = 'UK-CA89-S17' WHERE id = 3",
        "INSERT INTO withheld (client, reason, proposed_at, agreed_at) VALUES (3, 'safety', 0, 0)",
        "UPDATE client SET family = 'Other' WHERE id = 3",
        "UPDATE stub SET published_hash = '' WHERE client = 3",
    ],
)
async def test_whatever_a_stub_is_made_of_is_told_when_it_changes(
    federation: SimFederation, sql: str
) -> None:
    agency = await joined(federation)
    await agency.publish()
    await agency.write(lambda tables: tables.tx.run(sql.format(now=federation.clock.now)))
    report = await agency.publish()
    assert (report.changed + report.retired, report.unchanged) == (1, 4)


async def test_what_time_alone_brings_is_told(federation: SimFederation) -> None:
    await amend(federation, {"past_months": 3})
    agency, start = await joined(federation), federation.clock.now
    past = agency.membership.charter.past_seconds

    def work(tables: NodeTables) -> None:
        tables.tx.run("UPDATE involvement SET valid_until = ? WHERE id = 1", start + 100)
        tables.tx.run("UPDATE involvement SET ended_at = ? WHERE id = 2", start + 200)
        tables.tx.run(
            "INSERT INTO withheld (client, reason, proposed_at, agreed_at, expires_at) "
            "VALUES (3, 'safety', 0, 0, ?)",
            start + 300,
        )

    await agency.write(work)
    assert (await agency.publish()).changed == 4, "nobody hears of whom two people withhold"
    for at, retired, changed in (
        (start + 50, 0, 0),
        (start + 150, 1, 0),
        (start + 250, 0, 0),
        (start + 350, 0, 1),
        (start + 200 + past, 1, 0),
    ):
        federation.clock.now = at
        report = await agency.publish()
        assert (report.retired, report.changed) == (retired, changed), f"after {at - start} s"


NOT_TOLD = {
    ("client", "locality"), ("client", "sort_name"), ("client", "found_by"),
    ("involvement", "team"), ("involvement", "own_id"), ("involvement", "is_waiting"),
    ("involvement", "started_on"), ("involvement", "ended_by"), ("involvement", "last_contact"),
    ("involvement", "next_visit"), ("involvement", "import_id"), ("involvement", "confirmed_at"),
    ("client", "local_id"), ("stub_involvement", "salt"), ("involvement", "withdrawn_at"),
}  # fmt: skip
"""Columns that come along with a row, and of which a hub is told nothing; or that never change."""


async def test_all_that_a_stub_is_drafted_of_is_compared(federation: SimFederation) -> None:
    agency = await joined(federation)
    await agency.publish()
    membership, now = agency.membership, federation.clock.now

    def drafted(tables: NodeTables) -> object:
        clients = tables.records.clients_by_row(range(1, 6))
        works = works_of(membership, tables, clients, now)
        return known_ids(tables, membership.hub.hub_id, works)

    def compared(tables: NodeTables) -> object:
        settled = Settled(membership, TokenCache(membership))
        return settled.look(tables, range(1, 6), now)

    database = SqliteDatabase(agency.folder / "node.sqlite", SCHEMA, NodeTables)
    drafting, comparing = (columns_read(database, work) for work in (drafted, compared))
    database.close()
    assert {("client", "family"), ("involvement", "label"), ("consent", "classes")} <= drafting
    # Of a condition alone a column says whether work is permitted, and no more.
    named = {("involvement", name) for name in re.findall(r"i\.(\w+)", _OF_WORK.split("FROM")[0])}
    comparing = {one for one in comparing if one[0] != "involvement"} | named
    assert drafting - comparing <= NOT_TOLD, "compare it (node/store/stub_parts.py)"


def meanwhile(monkeypatch: pytest.MonkeyPatch, what: Callable[[], Awaitable[object]]) -> list[int]:
    """Do something once, while tokens are being evaluated; how many were, each time."""
    real, sizes = TokenClient.evaluate, list[int]()

    async def evaluate(self: TokenClient, inputs: Sequence[bytes]) -> list[TokenPair]:
        sizes.append(len(inputs))
        if len(sizes) == 1:
            await what()
        return await real(self, inputs)

    monkeypatch.setattr(TokenClient, "evaluate", evaluate)
    return sizes


def stubs(tables: NodeTables) -> int:
    return tables.count("stub")


async def test_a_permission_withdrawn_while_tokens_are_made_is_never_published(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    agency = await joined(federation)
    now = federation.clock.now
    meanwhile(monkeypatch, lambda: agency.write(lambda tables: withdraw(tables, "p2", now)))
    assert (await agency.publish()).changed == 4
    assert await agency.read(stubs) == 4, "the hub has never heard of the fifth"


async def test_a_record_that_changed_while_tokens_were_made_is_published_as_it_is_then(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch, drafted: list[str]
) -> None:
    agency = await joined(federation)
    meanwhile(monkeypatch, lambda: agency.take_in(moved(2)))
    assert (await agency.publish()).changed == 5
    assert drafted.count("p2") == 2, "drafted once more, from the new record"
    drafted.clear()
    assert (await agency.publish()).unchanged == 5
    assert drafted == []


async def test_tokens_of_one_batch_are_kept_when_another_fails(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    agency = await joined(federation)
    monkeypatch.setattr(TokenClient, "batch", 10)
    real, made = TokenClient.evaluate, list[int]()

    async def third_fails(self: TokenClient, inputs: Sequence[bytes]) -> list[TokenPair]:
        made.append(len(inputs))
        if len(made) == 3:
            raise RemoteError(ErrorCode.UNREACHABLE, "the key holder's machine was switched off")
        return await real(self, inputs)

    with monkeypatch.context() as patched:
        patched.setattr(TokenClient, "evaluate", third_fails)
        with pytest.raises(RemoteError, match="switched off"):
            await agency.publish()
    kept = await agency.read(lambda tables: tables.count("token_cache"))
    assert kept == sum(made) - made[2]
    report = await agency.publish()
    assert (report.changed, report.evaluated) == (5, made[2]), "nothing is paid for twice"


async def test_a_client_who_is_held_back_is_looked_at_each_time(
    federation: SimFederation, drafted: list[str]
) -> None:
    agency = await joined(federation)
    same = [row(f"s{n}", FIVE[0].record, "health_visiting", DUTY) for n in range(6)]
    await agency.take_in(*same)
    await agency.publish()
    drafted.clear()
    report = await agency.publish()
    assert report.insufficient_identifiers, "too many share these tokens"
    assert set(report.insufficient_identifiers) <= set(drafted)
    assert not set(drafted) & {"p1", "p2", "p3", "p4"}, "nothing of these changed"
