"""While one member does its worst, another member's poll is answered. Figures are printed (`-s`).

A hub's own parts over a real SQLite file: 36 chunks of a publication that is applied, and requests
far over their quota.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hub.exchange.intake import Intake
from hub.exchange.mailboxes import Mailbox
from hub.matching.uploading import Uploading
from hub.store.tables import HubEngine, open_engine
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import to_base64
from protocol.messages.bodies import PollBody
from protocol.messages.review import VerdictBody
from protocol.messages.statement import Statement
from protocol.requests.quotas import VERDICTS_A_DAY
from protocol.signing import SecretSeed
from protocol.wire import Message
from tests.synthetic import CARE, HEALTH, SCHOOL, SyntheticHub, stubs
from tests.unit.audit_log import CHARTER_ID

ROW_CHUNKS = 18
ROWS_A_CHUNK = 300
MOST_SHARE = 0.1  # of the whole time: on a machine that does other things too, all takes longer
FLOOD = 3_000


@dataclass
class Town:
    """A hub with two agencies' records, and the engine that it runs on."""

    hub: SyntheticHub
    engine: HubEngine

    def message(self, statement: Statement[Any]) -> Message:
        envelope = to_base64(statement.envelope.encode())
        return Message(envelope=envelope, sealed=None, proof=None)

    async def waits(self, attack: Coroutine[Any, Any, object]) -> list[float]:
        """Seconds that each poll of health visiting takes until the attack is over."""
        mailbox, took = Mailbox(self.engine, lambda: self.hub.signer.now), []
        attacking = asyncio.create_task(attack)
        key = SecretSeed(bytes([1]) * 31 + HEALTH.party.letter.encode())
        body = PollBody(generation=None, cursor=0, wait=0, instance="11" * 16)
        while not attacking.done():
            poll = self.hub.signer.sign(HEALTH.party, body, CHARTER_ID, seed=key)
            began = time.perf_counter()
            await mailbox.poll(self.message(poll))
            took.append(time.perf_counter() - began)
        await attacking
        return sorted(took)


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    hub = SyntheticHub(tmp_path / "hub.sqlite")
    for agency in (HEALTH, SCHOOL):
        hub.publish(agency, range(500))
    hub.write(lambda tables: tables.mailboxes.begin("77" * 16))
    engine = open_engine(tmp_path)
    yield Town(hub, engine)
    await engine.close()
    hub.close()


def tell(name: str, took: list[float]) -> None:
    middle, most = took[len(took) // 2], took[int(len(took) * 0.99)]
    sys.stdout.write(
        f"\n{name}: {len(took)} polls meanwhile, median {middle * 1000:.0f} ms, "
        f"99% {most * 1000:.0f} ms, longest {took[-1] * 1000:.0f} ms\n"
    )


async def test_a_publication_of_36_chunks_keeps_nobody_waiting(town: Town) -> None:
    people = range(ROW_CHUNKS * ROWS_A_CHUNK)
    statement = town.hub.upload(CARE, *stubs(CARE, people), ROWS_A_CHUNK)
    assert len(statement.body.rows) + len(statement.body.tokens) == 36
    uploading = Uploading(town.engine, town.hub.pen)
    began = time.perf_counter()
    took = await town.waits(uploading.apply(statement))
    whole = time.perf_counter() - began
    tell(f"36 chunks in {whole:.1f} s", took)
    assert took[-1] < MOST_SHARE * whole
    found = await town.engine.read(lambda t: t.tx.rows("SELECT COUNT(*) AS n FROM stub"))
    assert found[0]["n"] == 1_000 + len(people)


async def test_a_flood_over_quota_keeps_nobody_waiting_and_logs_one_leaf(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protocol.requests.quotas.VERDICTS_A_DAY", 0)
    assert VERDICTS_A_DAY > 0
    uploading = Uploading(town.engine, town.hub.pen)
    intake = Intake(town.engine, town.hub.pen, uploading, town.hub.pepper, lambda _: False)
    body = VerdictBody(
        link_id="11" * 16, stub_id="22" * 16, question=None, round="33" * 32,
        publication="44" * 32, answer="same", rests_on="records", decided_by="55" * 16,
    )  # fmt: skip
    before = await town.engine.read(lambda tables: tables.log.next_index())

    async def flood() -> None:
        for _ in range(FLOOD):
            statement = town.hub.signer.sign(CARE.party, body, CHARTER_ID)
            with pytest.raises(RemoteError) as caught:
                await intake.submit(town.message(statement))
            assert caught.value.code is ErrorCode.OVER_QUOTA

    began = time.perf_counter()
    took = await town.waits(flood())
    tell(f"{FLOOD} statements over quota", took)
    assert took[-1] < MOST_SHARE * (time.perf_counter() - began)
    assert await town.engine.read(lambda tables: tables.log.next_index()) == before + 1
