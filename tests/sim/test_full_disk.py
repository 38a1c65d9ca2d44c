"""The disk is full at the moment of the commit: the hub never knows more than its log does."""

import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest

from hub.matching.uploading import Uploading
from hub.members.charter_changes import proposed, put_forward
from hub.members.office import approve_rotation, order, waiting_rotations
from hub.store.members import ApplicantState, MemberStatus
from hub.store.tables import opened
from node.membership.charter import accept_charter
from node.membership.rotation import Rotating
from protocol.errors import ErrorCode, LocalError, PatchworkError, RemoteError
from protocol.governance.directory import Directory
from storage.sqlite import SqliteDatabase
from tests.sim.federation import AMIRA, DUTY, NOT_SURE, SAMIR, SimFederation, SimNode, row

Agencies = tuple[SimNode, SimNode]


@contextmanager
def full_at_the_next_commit() -> Iterator[None]:
    """The hub's next write fails when it is committed, after its body ran to the end."""
    real = SqliteDatabase._transact
    failed: list[str] = []

    def transact(self: SqliteDatabase[Any], begin: str, work: Any) -> Any:
        def then_full() -> Any:
            result = work()
            if begin == "BEGIN IMMEDIATE" and self._path.name == "hub.sqlite" and not failed:
                failed.append(begin)
                raise sqlite3.OperationalError("database or disk is full")
            return result

        return real(self, begin, then_full)

    with mock.patch.object(SqliteDatabase, "_transact", transact):
        yield
    assert failed, "nothing was written"


async def known(federation: SimFederation) -> Directory:
    """What the running hub goes by, which must be what anybody makes of its log."""
    memory = await federation.hub_read(lambda tables: tables.directory.current())
    async with opened(federation.folder / "hub") as engine:
        assert await engine.read(lambda tables: tables.directory.current()) == memory
    return memory


async def written_at_the_second_try(
    federation: SimFederation, write: Callable[[], Awaitable[object]]
) -> Directory:
    """The disk is full at the first; nothing of it is in force, and nobody restarts the hub."""
    before = await known(federation)
    with full_at_the_next_commit(), pytest.raises(LocalError) as caught:
        await write()
    assert caught.value.code is ErrorCode.STORAGE
    assert await known(federation) == before
    await write()
    after = await known(federation)
    assert after != before
    return after


async def refusal(work: Awaitable[object]) -> ErrorCode:
    with pytest.raises(PatchworkError) as caught:
        await work
    return caught.value.code


async def test_who_was_not_admitted_is_nobody_yet(federation: SimFederation) -> None:
    joining, engine = federation.joining("Agency", "charity")
    membership, _ = await joining.apply(engine, await federation.invite(b"a" * 32))
    party_id, approved = membership.hub.party_id, ApplicantState.APPROVED
    await federation.hub_write(lambda tables: tables.members.move_applicant(party_id, approved))
    after = await written_at_the_second_try(federation, federation.hub.jobs.admit)
    assert after.active(party_id) is not None
    await engine.close()


async def test_an_acceptance_that_was_not_written_binds_nobody(federation: SimFederation) -> None:
    joining, engine = federation.joining("Agency", "health_provider")
    membership, words = await joining.apply(engine, await federation.invite(b"a" * 32))
    await federation._approve(membership.hub.party_id, words)
    await joining.wait_for_approval(membership, lambda: None)

    async def accept() -> None:
        await joining.accept_charter(membership)

    after = await written_at_the_second_try(federation, accept)
    assert after.accepted == {membership.hub.party_id: 1}
    await engine.close()


async def test_between_the_two_tries_an_agency_that_did_not_accept_publishes_nothing(
    federation: SimFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    agency = await federation.join("Health visiting", "health_provider")
    await agency.take_in(row("h1", AMIRA, "health_visiting", DUTY))
    looser = {"quotas": {"requests_per_day": 900}}
    new = proposed(await federation.charter(), looser)
    await federation.hub_write(lambda tables: put_forward(tables, new))
    await federation.hub.jobs.amend()
    await federation.checkpoint()
    await agency.service.charters.step()
    with full_at_the_next_commit(), pytest.raises(LocalError):
        await accept_charter(agency.membership)
    monkeypatch.setattr(type(agency.membership), "check_bound", lambda _: None)
    assert await refusal(agency.publish()) is ErrorCode.NOT_READY


async def test_an_order_that_was_not_written_stops_nobody(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    suspended = MemberStatus.SUSPENDED
    await federation.hub_write(lambda tables: order(tables, care.party_id, suspended))
    with full_at_the_next_commit(), pytest.raises(LocalError):
        await federation.hub.jobs.admit()
    await care.service.receive(wait=0)  # it is served as ever
    after = await written_at_the_second_try(federation, federation.hub.jobs.admit)
    assert after.active(care.party_id) is None
    assert await refusal(care.service.receive(wait=0)) is ErrorCode.UNKNOWN_MEMBER


async def test_new_keys_that_were_not_written_open_nothing(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    safe = care.folder / f"recovery-{care.membership.hub.hub_id}.json"
    rotating = Rotating(care.folder, care.membership, safe)
    words = await rotating.apply()
    await federation.hub_write(lambda tables: approve_rotation(tables, care.party_id, words))
    with full_at_the_next_commit(), pytest.raises(LocalError):
        await federation.hub.jobs.admit()
    await care.service.receive(wait=0)  # by the keys that it had
    await written_at_the_second_try(federation, federation.hub.jobs.admit)
    assert await federation.hub_read(waiting_rotations) == []
    assert await refusal(care.service.receive(wait=0)) is ErrorCode.BAD_SIGNATURE
    await federation.checkpoint()
    await rotating.wait(lambda: None)
    await care.service.receive(wait=0)


async def test_a_charter_that_was_not_written_is_not_in_force(
    federation: SimFederation, agencies: Agencies
) -> None:
    _, care = agencies
    new = proposed(await federation.charter(), {"retention_days": 3000})
    await federation.hub_write(lambda tables: put_forward(tables, new))
    with full_at_the_next_commit(), pytest.raises(LocalError):
        await federation.hub.jobs.amend()
    await care.take_in(row("c2", AMIRA, "child_in_need", DUTY))
    assert (await care.publish()).changed == 1, "under the charter that is in force"
    after = await written_at_the_second_try(federation, federation.hub.jobs.amend)
    assert after.charter == new
    await care.take_in(row("c3", SAMIR, "child_in_need", DUTY))
    with pytest.raises(RemoteError, match="a new charter that no quorum has seen"):
        await care.publish()


async def test_the_head_is_not_moved_in_memory_alone(federation: SimFederation) -> None:
    await federation.hub.jobs.round()
    with full_at_the_next_commit(), pytest.raises(LocalError):
        await federation.checkpoint()
    await federation.checkpoint()
    size = await federation.hub_read(lambda tables: tables.log.next_index())
    assert federation.services.publisher.size == federation.services.publisher.witnessed_size
    assert federation.services.publisher.size == size


async def test_a_publication_whose_hub_has_no_room_left_is_sent_again_as_it_was(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in the log. Were it made anew, the hub would have another than the node knows of,
    and the node would take itself for an old copy.
    """
    health, _ = agencies
    real, put_in_force = federation.network.post, Uploading._put_in_force

    async def full(*_: object) -> None:
        monkeypatch.setattr(Uploading, "_put_in_force", put_in_force)
        raise LocalError(ErrorCode.STORAGE, "the disk is full")

    async def over_http(url: str, body: bytes, headers: Any = None) -> bytes:
        try:
            return await real(url, body, headers)
        except LocalError as error:
            raise RemoteError(error.code, error.detail) from error

    monkeypatch.setattr(federation.network, "post", over_http)
    monkeypatch.setattr(Uploading, "_put_in_force", full)
    await health.take_in(row("h3", NOT_SURE, "health_visiting", DUTY))
    assert await refusal(health.publish()) is ErrorCode.STORAGE
    before = len(await federation.entries("publication"))
    await health.publish()
    assert not await health.service.resyncing.under_way()
    assert len(await federation.entries("publication")) == before
    assert (await health.publish()).unchanged == 3
