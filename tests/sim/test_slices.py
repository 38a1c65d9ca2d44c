"""A publication is applied in slices: others go in between, and it is still whole or not at all."""

import asyncio
import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.exchange.intake import Intake
from hub.matching import applying, uploading
from hub.matching.rounds import Matcher
from hub.matching.turns import Turns
from hub.matching.uploading import Uploading
from hub.store.tables import HubTables
from node.records.clients import withdraw
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import to_base64
from protocol.messages.bodies import ChunkRef, PublicationBody, RowsChunk, StubRow
from protocol.wire import Message, encode_wire
from tests.sim.crowd import crowd
from tests.sim.federation import SimFederation, SimNode
from tests.sim.test_audit_people import audited
from tests.sim.test_restart import restart_hub

Agencies = tuple[SimNode, SimNode]
PROGRAM = "tests.sim.slices_child"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of one row."""
    for name in ("ROWS_A_STEP", "ROWS_A_STEP_IN_FORCE"):
        monkeypatch.setattr(applying, name, 1)


async def test_others_are_answered_between_its_first_slice_and_its_last(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    posted, real = [], Intake.add_chunk
    last, done = asyncio.Event(), asyncio.Event()

    async def noticed(self: Intake, statement_id: str, data: bytes) -> Any:
        posted.append(data)
        if len(posted) == 2:  # rows, tokens
            last.set()
        state = await real(self, statement_id, data)
        if len(posted) == 2:
            done.set()
        return state

    monkeypatch.setattr(Intake, "add_chunk", noticed)
    await health.take_in(*crowd(20))
    publishing = asyncio.create_task(health.publish())
    await last.wait()
    answered = 0
    while not done.is_set():
        await care.service.receive(wait=0)
        answered += 1
    await publishing
    assert answered > 20, "a poll fits between any two slices"
    assert len(await federation.entries("publication")) == 3


async def test_killed_between_any_two_slices_it_is_whole_or_not_at_all(tmp_path: Path) -> None:
    command = [sys.executable, "-m", PROGRAM, str(tmp_path)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kills: list[list[dict[str, Any]]] = [json.loads(line) for line in done.stdout.splitlines()]
    before, after = kills[0][0], kills[-1][0]
    assert before["published"] == {str(n): [1, False] for n in range(4)}
    assert after["published"] == {
        "0": [2, False], "1": [2, False], "2": [2, True], "3": [1, False], "4": [1, False],
    }  # fmt: skip
    assert len(kills) > 20, "every row is a step to check and a step to put in force"
    assert (after["owed"] - before["owed"], after["lost"]) == (1, 1), "of the one that is retired"
    halves = 0
    for crashed, started, sent_again in kills:
        whole = after if crashed["logged"] == 2 else before
        for seen in ("published", "evidence"):
            assert crashed[seen] == whole[seen], "what is published goes by the log alone"
        halves += crashed["half"]
        for seen in ("published", "tokens", "logged", "changes", "owed", "lost"):
            assert started[seen] == whole[seen]
            assert sent_again[seen] == after[seen], "and nothing of it twice"
        assert (started["half"], sent_again["left"]) == (False, 0)
        assert crashed["logged"] == 1 or started["left"] == 0
    assert halves > 5, "some were killed between the leaf and the last slice"


async def test_no_round_sees_half_of_it(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, _ = agencies
    seen, real = [], Matcher.run

    def run(self: Matcher, tables: HubTables) -> int:
        seen.append(tables.uploads.logged())
        return real(self, tables)

    monkeypatch.setattr(Matcher, "run", run)
    await health.take_in(*crowd(10))
    publishing = asyncio.create_task(health.publish())
    while not publishing.done():
        await federation.hub.jobs.round()
    await publishing
    assert len(seen) > 1
    assert not any(seen)


async def interrupted(health: SimNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Amira's permission ends at health visiting; the hub stops just after it has logged that."""
    with monkeypatch.context() as patch:

        def stopped(upload: object) -> Any:
            raise LocalError(ErrorCode.STORAGE, "stopped")

        patch.setattr(uploading, "put_in_force", stopped)
        now = health.membership.env.clock()
        await health.write(lambda tables: withdraw(tables, "h1", now))
        with pytest.raises(LocalError):
            await health.publish()


async def test_who_asks_before_the_last_slice_is_answered_by_what_the_log_says(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, care = agencies
    involvement = (await care.team("c1")).others[0].involvement_id
    await interrupted(health, monkeypatch)
    assert (await care.sent(await care.ask("c1", involvement)))["code"] == "not_available"
    await federation.round()
    assert (await care.team("c1")).others == (), "the round has finished what was interrupted"
    assert await audited(federation) == set()


async def test_a_hub_that_starts_again_finishes_it_first(
    federation: SimFederation, agencies: Agencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    health, _ = agencies
    await interrupted(health, monkeypatch)
    await restart_hub(federation)
    assert await federation.hub_read(lambda tables: tables.uploads.logged()) == []
    await health.publish()
    assert len(await federation.entries("publication")) == 3, "the node has its answer, once"


async def test_what_is_refused_at_its_last_row_leaves_nothing(
    federation: SimFederation, agencies: Agencies
) -> None:
    health, _ = agencies

    def nobody(number: int) -> StubRow:
        return StubRow(
            stub_id=f"{number:032x}", revision=1, retired=True, involvements=[],
            token_commitment="00" * 32,
        )  # fmt: skip

    code = await refused(federation, health, [nobody(1), nobody(2), nobody(1)])
    assert code is ErrorCode.MALFORMED, "one row a stub"
    left = ("upload", "upload_chunk", "staged_stub")
    for name in left:
        rows = await federation.hub_read(lambda t, name=name: t.tx.rows(f"SELECT * FROM {name}"))  # type: ignore[misc]  # noqa: S608
        assert rows == []
    assert await federation.hub_read(lambda t: t.stubs.among([f"{1:032x}"])) == {}
    assert len(await federation.entries("rejection")) == 1


async def refused(federation: SimFederation, agency: SimNode, rows: list[StubRow]) -> ErrorCode:
    """Why the hub does not take a second publication of these rows."""
    chunk = encode_wire(RowsChunk(rows=rows))
    digest = hashlib.sha256(chunk).hexdigest()
    refs = [ChunkRef(hash=digest, length=len(chunk), count=len(rows))]
    body = PublicationBody(sequence=2, epoch=1, rows=refs, tokens=[])
    statement = agency.membership.sign(body, agency.membership.hub.hub_id)
    envelope, intake = to_base64(statement.envelope.encode()), federation.services.intake
    await intake.begin_publication(Message(envelope=envelope, sealed=None, proof=None))
    with pytest.raises(RemoteError) as caught:
        await intake.add_chunk(statement.id, chunk)
    return caught.value.code


async def test_two_publications_of_one_agency_do_not_get_into_each_other(
    federation: SimFederation, agencies: Agencies
) -> None:
    """The last chunk is posted twice at once: the second gets the first one's answer."""
    health, _ = agencies
    real = Uploading.apply
    applied = []

    async def twice(self: Uploading, statement: Any) -> Any:
        both = await asyncio.gather(real(self, statement), real(self, statement))
        applied.append(both[0] == both[1])
        return both[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Uploading, "apply", twice)
        await health.take_in(*crowd(3))
        await health.publish()
    assert applied == [True]
    assert len(await federation.entries("publication")) == 3


@pytest.mark.parametrize("late", range(0, 35, 6))
async def test_two_processes_are_given_the_last_chunk_at_once(
    federation: SimFederation, agencies: Agencies, late: int
) -> None:
    """The publication is applied once, and both answer so: neither refuses what the other takes."""
    health, _ = agencies
    real, applied = Uploading.apply, []

    async def twice(self: Uploading, statement: Any) -> Any:
        async def other() -> Any:
            for _ in range(late):
                await self.engine.read(lambda tables: tables.uploads.dropped())
            return await real(replace(self, turns=Turns()), statement)

        both = await asyncio.gather(real(self, statement), other())
        applied.append(both[0] == both[1])
        return both[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Uploading, "apply", twice)
        await health.take_in(*crowd(3))
        await health.publish()
    assert applied == [True]
    assert len(await federation.entries("publication")) == 3
    assert await federation.entries("rejection") == []


@pytest.mark.parametrize("code", [ErrorCode.INTERNAL, ErrorCode.NOT_FOUND])
async def test_a_hub_that_logs_and_fails_then_is_asked_again(
    federation: SimFederation, agencies: Agencies, code: ErrorCode
) -> None:
    """The node does not take itself for a backup, whose publications the hub has and it has not."""
    health, _ = agencies
    real = Intake.add_chunk

    async def fails(self: Intake, statement_id: str, data: bytes) -> Any:
        state = await real(self, statement_id, data)
        if not state.missing:
            raise RemoteError(code, "see the service's log")
        return state

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Intake, "add_chunk", fails)
        await health.take_in(*crowd(3))
        with pytest.raises(RemoteError):
            await health.publish()
    await health.publish()
    assert len(await federation.entries("publication")) == 3
    await health.take_in(*crowd(4))
    await health.publish()
    assert len(await federation.entries("publication")) == 4
