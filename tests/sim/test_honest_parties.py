"""Honest parties are neither refused for ever nor accused, and each knows what helps."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from hub.matching import uploading
from hub.members.charter_changes import put_forward
from node.alarms import TEXTS, AlarmCode, open_alarms
from node.membership.charter import accept_charter
from node.membership.details import change_details
from node.membership.synced import notice
from node.records.clients import withdraw
from node.store.resync import Cause
from protocol import canonical
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.charter import parse_charter
from protocol.governance.fingerprint import fingerprint_words
from tests.sim.crowd import crowd
from tests.sim.federation import SimFederation, SimNode
from tests.sim.put_back import copy_aside, put_back
from tests.sim.test_audit_people import audited
from tests.sim.test_backup import Safe
from tests.sim.test_daily_statements import days
from tests.sim.test_hub_backup import back_up as back_up_hub
from tests.sim.test_hub_backup import restored, started
from tests.sim.test_key_holders import FIRST, SECOND, THIRD, request_of
from tests.sim.test_late_members import answered_for, applied, is_member, joined, late
from tests.sim.test_quotas import flood, quota
from tests.sim.test_stolen_node import Agencies
from tests.sim.test_succession import back_up, last_note, succeed

DAY = 86_400


async def alarms(node: SimNode) -> set[AlarmCode]:
    hub_id = node.membership.hub.hub_id
    return {item.code for item in await node.read(lambda tables: open_alarms(tables, hub_id))}


async def test_a_late_member_that_was_answered_for_is_served_after_the_log_was_lost(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """specs/02-charter.md §6.7: whom a successor names again has not joined late."""
    _, care = agencies
    await late(federation)
    joining, membership, words = await applied(federation)
    await answered_for(care, words)
    assert await is_member(federation, membership)
    charity = await joined(federation, joining, membership)
    federation.clock.now += 7 * DAY
    await federation.checkpoint()
    assert await federation.network.holders[FIRST].answer(request_of(charity))
    await succeed(federation, back_up(federation, tmp_path / "backup"), last_note(federation))
    await federation.checkpoint()
    await charity.membership.sync()
    assert await federation.network.holders[FIRST].answer(request_of(charity))


async def test_a_founder_that_a_key_holder_never_saw_join_is_served_once_somebody_answers_for_it(
    federation: SimFederation, agencies: Agencies
) -> None:
    """The holder was off until the founding days were over. It cannot tell a founder from a member
    that the hub has written in since, and says what helps.
    """
    _, care = agencies
    held = {FIRST: federation.network.holders.pop(FIRST)}
    founder = await federation.join("Housing", "housing")
    await late(federation)
    federation.network.holders.update(held)
    await federation.checkpoint()
    with pytest.raises(RemoteError, match="patchwork-node endorse"):
        await federation.network.holders[FIRST].answer(request_of(founder))
    body = founder.membership.me().body
    words = fingerprint_words(body.party_id, body.keys)
    await answered_for(care, words, name=body.name, clients=body.clients or 0)
    federation.clock.now += 7 * DAY
    await federation.checkpoint()
    assert await federation.network.holders[FIRST].answer(request_of(founder))


async def test_details_over_the_days_number_are_no_difference_of_books(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies
    for number in range(10):
        await change_details(health.membership, None, f"01632 9602{number:02}", None)
        await federation.checkpoint()
    with pytest.raises(RemoteError) as caught:
        await change_details(health.membership, None, "01632 960299", None)
    assert caught.value.code is ErrorCode.OVER_QUOTA
    federation.clock.now += DAY
    await federation.hub.jobs.daily()
    await federation.settle()
    assert AlarmCode.BOOKS_DIFFER not in await alarms(health)
    assert await audited(federation) == set()


async def test_a_node_put_back_from_before_its_seal_key_was_renewed_is_told_to_make_new_keys(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, _ = agencies
    federation.clock.now += 320 * DAY
    await federation.checkpoint()
    copy_aside(health, tmp_path / "copy")
    await health.service.renewal.step()
    await federation.checkpoint()
    await health.service.renewal.step()
    health = await put_back(federation, health, tmp_path / "copy")
    await health.service.receive(wait=0)
    await federation.settle()
    for _ in range(2):
        await health.service.renewal.step()
        federation.clock.now += DAY
        await federation.settle()
    # The secret was never in the backup, and another key made now would look like a thief's.
    in_force = health.membership.me().body.keys.seal
    assert in_force not in health.membership.keys.seals()
    await health.service.monitor.look()
    assert AlarmCode.OWN_KEYS_DIFFER in await alarms(health)
    assert "rotate-keys" in TEXTS[AlarmCode.OWN_KEYS_DIFFER].what_to_do


async def test_a_node_put_back_agrees_with_refusals_that_it_does_not_remember(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """What was refused over quota since the backup was refused; nobody stole a key."""
    _, care = agencies
    await quota(federation, agencies, requests_per_day=1)
    await federation.settle()
    copy_aside(care, tmp_path / "copy")
    assert await flood(care, 3) == [None, "over_quota", "over_quota"]
    await federation.settle()
    care = await put_back(federation, care, tmp_path / "copy")
    hub_id, now = care.membership.hub.hub_id, federation.clock.now
    await care.write(lambda tables: notice(tables, hub_id, Cause.RESTORED, now))
    await federation.settle()
    await days(federation, 2)
    assert AlarmCode.BOOKS_DIFFER not in await alarms(care)
    assert await audited(federation) == set()


async def test_a_hub_whose_disk_was_full_for_a_moment_takes_the_next_publication(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in the log and is not in force yet; the hub goes on, and no round has come."""
    health, _ = agencies
    with monkeypatch.context() as patch:

        def full(upload: object) -> Any:
            raise LocalError(ErrorCode.STORAGE, "full")

        patch.setattr(uploading, "put_in_force", full)
        await health.take_in(*crowd(3))
        with pytest.raises(LocalError):
            await health.publish()
    await health.publish()
    (one,) = await health.read(lambda t: t.tx.rows("SELECT local_id FROM client WHERE id = 3"))
    await health.write(lambda t: withdraw(t, one["local_id"], federation.clock()))
    assert (await health.publish()).retired == 1
    assert AlarmCode.BACKUP_RESTORED not in await alarms(health)


@pytest.mark.parametrize("off", [FIRST, SECOND, THIRD])
async def test_a_first_load_passes_with_any_one_key_holder_off(
    federation: SimFederation, off: str
) -> None:
    """By the node's own client: what one holder did not answer is charged again at another, batch
    for batch. (With the third one off nobody asks it.)"""
    agency = await federation.join("Health visiting", "health_provider", clients=40)
    await agency.take_in(*crowd(30))
    del federation.network.holders[off]
    assert (await agency.publish()).changed == 30


async def test_a_small_agency_with_complete_records_comes_in_one_day(
    federation: SimFederation,
) -> None:
    """Sixteen values a record are more than fifteen, and a batch is evaluated whole or not at all:
    so nothing is ever evaluated, however long it waits."""
    agency = await federation.join("Health visiting", "health_provider", clients=30)
    await agency.take_in(*crowd(30))
    published = 0
    for _ in range(10):
        with suppress(RemoteError):
            published += (await agency.publish()).changed
        federation.clock.now += DAY
        await federation.checkpoint()
    assert published == 30


async def test_what_was_evaluated_before_the_budget_was_spent_is_kept(
    federation: SimFederation,
) -> None:
    """200 complete records are 3,140 values, in two batches, and 3,000 may be had. The first batch
    is charged and thrown away with the second one, each time: none of the 200 ever comes in."""
    agency = await federation.join("Health visiting", "health_provider", clients=200)
    await agency.take_in(*crowd(200))
    published = 0
    for _ in range(5):
        with suppress(RemoteError):
            published += (await agency.publish()).changed
        federation.clock.now += 10 * DAY
        await federation.checkpoint()
    assert published == 200


async def test_budgets_that_differ_between_key_holders_are_not_spent_on_failures(
    federation: SimFederation,
) -> None:
    """One holder has less left than the batch. Each try is charged at those that answer, for
    nothing: and so none of them is ever full at the same time as another."""
    agency = await federation.join("Health visiting", "health_provider", clients=40)
    await agency.take_in(*crowd(30))
    assert await federation.network.holders[FIRST].answer(request_of(agency, 300))
    published = 0
    for _ in range(20):
        with suppress(RemoteError):
            published += (await agency.publish()).changed
        federation.clock.now += DAY
        await federation.checkpoint()
    assert published == 30


async def test_a_charter_that_drops_admission_stops_nobody(
    federation: SimFederation, agencies: Agencies
) -> None:
    """One word of the hub, which nobody accepted; or the other way round, an old council that
    brings its charter up to date."""
    health, care = agencies
    value = (await federation.charter()).to_value()
    del value["admission"]
    held = await federation.charter()
    value |= {"version": held.version + 1, "predecessor": held.document_hash}
    new = parse_charter(canonical.encode(value))
    await federation.hub_write(lambda tables: put_forward(tables, new))
    await federation.hub.jobs.amend()
    await federation.checkpoint()
    for agency in (health, care):
        await agency.membership.sync()
        assert agency.membership.unaccepted() == [], "the terms stay as they were"
    await federation.checkpoint()
    await federation.settle()
    assert await care.ask("c1", (await care.team("c1")).others[0].involvement_id)


async def test_a_small_publication_is_not_told_of_every_slice_of_a_large_one(
    federation: SimFederation,
) -> None:
    """One agency loads many clients; another, that published one, gets a message for each fifty of
    them: mail without use, and the size of the load."""
    large = await federation.join("Health visiting", "health_provider")
    small = await federation.join("Social care", "childrens_social_care")
    people = list(crowd(160))
    await large.take_in(*people)
    await large.publish()
    await small.take_in(people[0])
    await small.publish()

    async def mail() -> int:
        sql = "SELECT COUNT(*) AS n FROM mailbox WHERE agency = ?"
        rows = await federation.hub_read(lambda tables: tables.tx.rows(sql, small.party_id))
        return int(rows[0]["n"])

    before = await mail()
    await federation.hub.jobs.round()
    assert await mail() - before <= 3, "a notice, a question, and how far rounds have come"


async def test_a_node_put_back_from_before_the_log_was_lost_brings_nobody_back(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    health, care = agencies
    copy_aside(health, tmp_path / "copy")
    await health.write(lambda tables: withdraw(tables, "h1", federation.clock()))
    await health.publish()
    await federation.settle()
    await succeed(federation, back_up(federation, tmp_path / "backup"), last_note(federation))
    await federation.checkpoint()
    for node in (health, care):
        await node.membership.sync()
        await node.service.charters.step()
        await accept_charter(node.membership)
        await federation.checkpoint()
        await node.service.charters.step()
    await federation.round()
    health = await put_back(federation, health, tmp_path / "copy")
    hub_id, now = health.membership.hub.hub_id, federation.clock.now
    await health.write(lambda tables: notice(tables, hub_id, Cause.RESTORED, now))
    await federation.settle()
    await health.publish()
    await federation.round()
    rows = await federation.hub_read(lambda t: t.tx.rows("SELECT * FROM stub WHERE retired = 0"))
    assert len(rows) == 2
    assert (await care.team("c1")).others == ()


async def test_a_hub_from_its_newest_backup_is_not_accused_of_refusals_that_it_forgot(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    """All but the day's first leave no entry, so a backup can be the newest and lack them."""
    _, care = agencies
    await quota(federation, agencies, requests_per_day=0)
    assert await flood(care, 1) == ["over_quota"]
    await federation.settle()
    safe = Safe(tmp_path)
    backup, pepper = back_up_hub(federation, safe)
    assert await flood(care, 2) == ["over_quota"] * 2
    await started(federation, await restored(federation, backup, pepper, safe))
    await federation.settle()
    await days(federation, 2)
    assert AlarmCode.BOOKS_DIFFER not in await alarms(care)


async def test_a_member_cannot_fill_what_everybody_keeps_with_endorsements(
    federation: SimFederation, agencies: Agencies
) -> None:
    """specs/02-charter.md §6.7: once. Public entries are kept by all, for ever."""
    _, care = agencies
    await late(federation)
    _, _, words = await applied(federation)
    for clients in range(20, 60):
        with suppress(RemoteError):
            await answered_for(care, words, clients=clients)
    assert len(await federation.entries("endorsement")) <= 10
