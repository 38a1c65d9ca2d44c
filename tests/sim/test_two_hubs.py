"""One node at two hubs, each with its own charter and types: each sees its own; a child who moves
from one council to the other leaves nothing that links the two. specs/09-imports.md §15.
"""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from node.actions import clients as acts
from node.actions.consents import receipt_of
from node.actions.importing import findable_types, own_types
from node.actions.records import publish_now, still_findable, withdraw_now
from node.actions.resync import resync_now
from node.config import HubTerms, NodeSettings
from node.membership.hub import HubMembership, followed_charters
from node.membership.synced import notice
from node.publishing.publisher import Step
from node.records.agreements import all_agreed
from node.records.importer.rows import ImportedRow, Permission
from node.service import NodeService
from node.store.resync import Cause
from node.store.tables import NodeTables
from protocol.errors import LocalError, RemoteError
from tests.sim.federation import AMIRA, DUTY, SAMIR, SimFederation, SimNode, row
from tests.sim.test_audit_people import audited
from tests.sim.test_charter_change import accept, amend
from tests.sim.test_ends import polled, shown
from tests.sim.test_stolen_node import ordered

LEX, WEX = "Lexbridge", "Wexcombe"
TERMS = {
    LEX: HubTerms(types={"visiting_lex": "health_visiting"}),
    WEX: HubTerms(
        types={"visiting_wex": "child_health", "plan_wex": "child_protection"},
        bases={"UK-CA04-S10-S11": "WEX-DUTY"},
    ),
}


def quiet(_step: Step) -> None:
    """No progress bar."""


@dataclass
class Two:
    """Two councils; health visiting at both, social care at each."""

    lex: SimFederation
    wex: SimFederation
    at_lex: SimNode
    at_wex: SimNode
    care_lex: SimNode
    care_wex: SimNode

    @property
    def service(self) -> NodeService:
        """Health visiting, as its commands open it."""
        return self.at_lex.service

    async def take_in(self, *rows: ImportedRow) -> None:
        await self.at_lex.take_in(*rows)

    async def rounds(self) -> None:
        for federation in (self.lex, self.wex):
            await federation.round()


def settings(name: str) -> NodeSettings:
    return NodeSettings(
        name=name, member_class="health_provider", control_domain=name, clients=4000,
        duty_line="01632 960100", duty_hours="Always", poll_seconds=1, hubs=TERMS,
    )  # fmt: skip


async def wexcombe(federation: SimFederation) -> None:
    """Another council calls the work and the law otherwise."""
    value = (await federation.charter()).to_value()
    for kind in value["involvement_types"]:
        if kind["code"] == "health_visiting":
            kind |= {"code": "child_health", "labels": ["Child health"]}
        if kind["code"] == "child_protection":
            kind["basis"] = "WEX-DUTY"
    for basis in value["lawful_bases"]:
        if basis["code"] == "UK-CA04-S10-S11":
            basis["code"] = "WEX-DUTY"
    await amend(federation, value)


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with AsyncExitStack() as stack:
        made = []
        for name in (LEX, WEX):
            (tmp_path / name).mkdir()
            federation = SimFederation(tmp_path / name, name=name)
            await federation.start()
            stack.push_async_callback(federation.close)
            made.append(federation)
        lex, wex = made
        await wexcombe(wex)
        joined = await lex.join("Health", "health_provider", hubs=TERMS)
        at_wex = await wex.join_too(joined, settings("Health"))
        joined.service.others = [at_wex.membership]
        at_wex.service.others = [joined.membership]
        cares = [
            await lex.join("Lexbridge Children", "childrens_social_care"),
            await wex.join("Wexcombe Children", "childrens_social_care"),
        ]
        for care in cares:
            basis = replace(DUTY, basis="WEX-DUTY") if care is cares[1] else DUTY
            await care.take_in(row("c1", AMIRA, "child_in_need", basis, "S. Worker"))
            await care.publish()
        yield Two(lex, wex, joined, at_wex, *cares)
        del wex.nodes["Health"]  # its database is closed once


async def types_at(federation: SimFederation, node: SimNode) -> list[str]:
    """The types of all work that an agency publishes at a hub."""
    sql = "SELECT involvements FROM stub WHERE agency = ? AND retired = 0"
    rows = await federation.hub_read(lambda tables: tables.tx.rows(sql, node.party_id))
    return [one["type"] for item in rows for one in json.loads(item["involvements"])]


async def test_each_hub_is_told_of_its_own_clients_in_its_own_words(two: Two) -> None:
    await two.take_in(
        row("h1", AMIRA, "visiting_lex", DUTY), row("h2", SAMIR, "visiting_wex", DUTY)
    )
    reports = await publish_now(two.service, quiet)
    assert [(name, report.changed) for name, report in reports] == [(LEX, 1), (WEX, 1)]
    assert await types_at(two.lex, two.at_lex) == ["health_visiting"]
    assert await types_at(two.wex, two.at_wex) == ["child_health"]
    await two.rounds()
    assert await shown(two.care_lex, "c1") == ["Health visiting"]
    assert await shown(two.care_wex, "c1") == [], "Amira is of the other council"
    assert await audited(two.lex) == await audited(two.wex) == set()


async def test_a_child_who_moves_leaves_nothing_that_links_the_two(two: Two) -> None:
    await two.take_in(row("h1", AMIRA, "visiting_lex", DUTY))
    await publish_now(two.service, quiet)
    await two.rounds()
    assert await shown(two.care_lex, "c1") == ["Health visiting"]
    await two.take_in(row("h1", AMIRA, "visiting_wex", DUTY))
    await acts.close_work(two.service, "h1", 1, 1)
    await publish_now(two.service, quiet)
    await polled(two.lex, two.care_lex)
    await two.rounds()
    assert await shown(two.care_lex, "c1") == []
    assert await shown(two.care_wex, "c1") == ["Child health"]
    seen = [await everything(federation) for federation in (two.lex, two.wex)]
    assert min(map(len, seen)) > 50
    assert seen[0] & seen[1] == set(), "no id, key, token or hash is at both"
    assert two.at_lex.party_id != two.at_wex.party_id


async def everything(federation: SimFederation) -> set[str]:
    """Every long value that a hub has of agencies: ids, keys, hashes, what tokens became."""
    found: set[str] = set()
    for table in ("stub", "token", "link", "entry", "mailbox"):
        for item in await federation.hub_read(lambda t, of=table: t.tx.rows(f"SELECT * FROM {of}")):  # type: ignore[misc]  # noqa: S608
            found |= set(values(item))
    return found


def values(value: Any) -> list[str]:
    if isinstance(value, bytes):
        return values(value.decode("latin-1")) if len(value) > 200 else [value.hex()]
    if isinstance(value, dict):
        return [one for item in value.values() for one in values(item)]
    if isinstance(value, list):
        return [one for item in value for one in values(item)]
    if isinstance(value, str) and value[:1] in "[{":
        return values(json.loads(value))
    return [value] if isinstance(value, str) and len(value) >= 32 else []


async def test_a_withdrawal_reaches_both_though_one_is_away(two: Two) -> None:
    await two.take_in(
        row("h1", AMIRA, "visiting_lex", DUTY), row("h1", AMIRA, "visiting_wex", DUTY)
    )
    await publish_now(two.service, quiet)
    await two.rounds()
    assert await shown(two.care_wex, "c1") == ["Child health"]
    hub, two.lex.network.hub = two.lex.network.hub, None
    with pytest.raises(RemoteError, match="Lexbridge"):
        await withdraw_now(two.service, "h1", 1)
    await polled(two.wex, two.care_wex)
    assert await shown(two.care_wex, "c1") == [], "told, though the first hub is away"
    two.lex.network.hub = hub
    await publish_now(two.service, quiet)
    await polled(two.lex, two.care_lex)
    assert await shown(two.care_lex, "c1") == []


async def test_what_is_always_findable_is_so_at_its_hub_alone(two: Two) -> None:
    await two.take_in(row("h1", AMIRA, "plan_wex", None), row("h1", AMIRA, "visiting_lex", None))
    await publish_now(two.service, quiet)
    await two.rounds()
    assert await shown(two.care_wex, "c1") == ["Child protection plan"]
    assert await shown(two.care_lex, "c1") == []


async def test_an_import_knows_the_agencys_own_words(two: Two) -> None:
    charters = await two.at_lex.read(followed_charters)
    assert set(own_types(charters, TERMS)) == {"visiting_lex", "visiting_wex", "plan_wex"}
    assert "child_health" in own_types(charters, {LEX: TERMS[LEX]}), "its own, where it says none"


async def test_what_is_always_findable_at_any_hub_is_asked_about_when_it_is_missing(
    two: Two,
) -> None:
    value = (await two.wex.charter()).to_value()
    for kind in value["involvement_types"]:
        if kind["code"] == "child_protection":
            kind["openness"] = "open"
            del kind["basis"]
    await amend(two.wex, value)
    await two.at_wex.membership.sync()
    charters = await two.at_lex.read(followed_charters)
    for order in (charters, charters[::-1]):
        assert findable_types(order, {}) == {"child_protection"}


async def test_a_charter_that_one_hub_changes_touches_nothing_at_the_other(two: Two) -> None:
    await two.take_in(
        row("h1", AMIRA, "visiting_lex", DUTY), row("h1", AMIRA, "visiting_wex", DUTY)
    )
    await publish_now(two.service, quiet)
    await two.rounds()
    await amend(two.wex, {"past_months": 3})
    await two.rounds()
    assert await shown(two.care_lex, "c1") == ["Health visiting"]
    assert two.at_lex.membership.unaccepted() == []
    await accept(two.wex, two.at_wex)
    await acts.close_work(two.service, "h1", None, 1)
    await two.rounds()
    assert await shown(two.care_lex, "c1") == []


async def test_what_is_told_to_one_hub_is_told_though_we_are_suspended_at_the_other(
    two: Two,
) -> None:
    await two.take_in(
        row("h1", AMIRA, "visiting_lex", DUTY), row("h1", AMIRA, "visiting_wex", DUTY)
    )
    await publish_now(two.service, quiet)
    await two.rounds()
    await ordered(two.lex, two.at_lex, "suspended")
    await two.at_lex.membership.sync()
    with pytest.raises(LocalError, match=r"withdrawn here.*Lexbridge"):
        await withdraw_now(two.service, "h1", 1)
    await polled(two.wex, two.care_wex)
    assert await shown(two.care_wex, "c1") == []


async def test_what_one_hub_took_is_said_though_the_other_is_away(two: Two) -> None:
    await two.take_in(
        row("h1", AMIRA, "visiting_lex", DUTY), row("h1", AMIRA, "visiting_wex", DUTY)
    )
    two.lex.network.hub = None
    done: list[tuple[str, int]] = []
    with pytest.raises(RemoteError, match="Lexbridge"):
        await publish_now(two.service, quiet, lambda name, said: done.append((name, said.changed)))
    assert done == [(WEX, 1)]


async def test_withdrawing_says_what_stays_findable_at_any_hub(two: Two) -> None:
    await two.take_in(row("h1", AMIRA, "plan_wex", None))
    await withdraw_now(two.service, "h1", 1)
    assert await still_findable(two.service, "h1") == ["Child protection plan"]


async def test_a_consent_is_one_at_each_hub_by_whatever_name(two: Two) -> None:
    """Wexcombe calls consent otherwise: what was agreed counts there too, and covers requests."""
    value = (await two.wex.charter()).to_value()
    for basis in value["lawful_bases"]:
        if basis["code"] == "UK-CONSENT":
            basis["code"] = "WEX-CONSENT"
    await amend(two.wex, value)
    await accept(two.wex, two.at_wex)
    bases = {**TERMS[WEX].bases, "UK-CONSENT": "WEX-CONSENT"}
    two.at_wex.membership.terms = HubTerms(types=TERMS[WEX].types, bases=bases)
    await two.take_in(
        row("h1", AMIRA, "visiting_lex", None), row("h1", AMIRA, "visiting_wex", None)
    )
    await two.at_wex.agree("h1", basis="WEX-CONSENT")
    await publish_now(two.service, quiet)
    await two.rounds()
    assert await shown(two.care_lex, "c1") == ["Health visiting"]
    assert await shown(two.care_wex, "c1") == ["Child health"]
    for node, code in ((two.at_lex, "UK-CONSENT"), (two.at_wex, "WEX-CONSENT")):
        stand = await node.service.read(_stand)
        assert stand == {code}
        made = await receipt_of(node.service, 1)
        assert made.value["pii_processing"][0]["lawful_basis"] != code, "its source in the law"


@pytest.mark.parametrize("first", [LEX, WEX])
async def test_a_consent_that_ends_is_told_once_whichever_hub_knows_its_basis(
    two: Two, first: str
) -> None:
    """The other council calls consent otherwise, and has another place among the hubs."""
    there = two.wex if first == LEX else two.lex
    value = (await there.charter()).to_value()
    for basis in value["lawful_bases"]:
        if basis["code"] == "UK-CONSENT":
            basis["code"] = "ANOTHER"
    await amend(there, value)
    for node in (two.at_lex, two.at_wex):
        await node.service.receive(wait=0)
        await node.service.membership.follow()
    agreed = Permission("UK-CONSENT", date(2026, 10, 1), date(2026, 9, 1))
    await two.take_in(row("h1", AMIRA, "visiting_lex", agreed, "H. Visitor"))
    for node in (two.at_lex, two.at_wex):
        await node.service.reminders.step()
    told = await two.at_lex.read(lambda tables: tables.tx.rows("SELECT kind, item FROM news"))
    assert [one["kind"] for one in told] == ["review_due"]


def _stand(tables: NodeTables, membership: HubMembership) -> set[str]:
    """On which bases of a hub's charter something stands of what the clients agreed to."""
    works = tables.records.involvements([1])
    now = membership.env.clock()
    return {one.basis for one in all_agreed(tables, membership.agreement, works, now).values()}


async def test_a_duty_that_the_agency_calls_otherwise_stays_beside_a_consent(two: Two) -> None:
    terms = HubTerms(types=TERMS[LEX].types, bases={"our_duty": DUTY.basis})
    two.at_lex.membership.terms = terms
    await two.take_in(row("h1", AMIRA, "visiting_lex", replace(DUTY, basis="our_duty")))
    await two.at_lex.agree("h1", classes=["housing"])
    (work,) = await two.at_lex.read(lambda tables: tables.records.involvements([1]))
    assert work.permission_basis == "our_duty"
    await publish_now(two.service, quiet)
    await two.rounds()
    assert await shown(two.care_lex, "c1") == ["Health visiting"], "it narrows nothing"


async def test_a_backup_takes_back_at_a_hub_what_ended_at_that_hub_alone(two: Two) -> None:
    await two.take_in(
        row("h1", AMIRA, "visiting_lex", DUTY), row("h1", AMIRA, "visiting_wex", DUTY)
    )
    await publish_now(two.service, quiet)
    await two.rounds()
    await acts.close_work(two.service, "h1", 1, 1)
    await two.lex.checkpoint()
    hub_id, now = two.at_lex.membership.hub.hub_id, two.lex.clock()

    def as_before(tables: NodeTables) -> None:
        """The database as a backup has it from before the work at Lexbridge was over."""
        tables.tx.run("UPDATE involvement SET ended_at = NULL, ended_by = NULL")
        sql = "UPDATE stub SET retired = 0, revision = 1 WHERE hub_id = ?"
        tables.tx.run(sql, hub_id)
        notice(tables, hub_id, Cause.RESTORED, now)

    await two.at_lex.write(as_before)
    with suppress(RemoteError):  # what it asks is in the log then
        await resync_now(two.service)
    await two.lex.checkpoint()
    await resync_now(two.service)
    await publish_now(two.service, quiet)
    await polled(two.lex, two.care_lex)
    await polled(two.wex, two.care_wex)
    await two.rounds()
    assert await shown(two.care_lex, "c1") == [], "that stays so"
    assert await shown(two.care_wex, "c1") == ["Child health"], "which nobody took back"
