"""The hub is killed at every step of "entries, tiles, signed head, publish", and started again."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub.server.service import HubService
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.log.checkpoint import Checkpoint
from protocol.log.note import Note
from runtime.lock import only_one
from tests.sim.federation import SimFederation, SimNode

Agencies = tuple[SimNode, SimNode]
PROGRAM = "tests.sim.crash_child"


async def test_killed_anywhere_it_goes_on_with_one_history(
    federation: SimFederation, agencies: Agencies, tmp_path: Path
) -> None:
    del agencies
    await federation.services.engine.close()
    command = [sys.executable, "-m", PROGRAM, str(federation.folder / "hub"), str(tmp_path)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "steps.jsonl").read_text().splitlines()
    steps: list[list[Any]] = [json.loads(line) for line in lines]
    assert len(steps) > 15, "entries, tiles, head and checkpoint are each more than one step"
    for before, crashed, restarted, again, unharmed in steps:
        assert restarted == "ok"
        assert all((*crashed["true"], *again["true"])), "no head that its entries do not give"
        assert before["published"] <= crashed["published"] <= crashed["head"] <= crashed["entries"]
        assert crashed["leaves"][: before["entries"]] == before["leaves"]
        assert again["leaves"] == crashed["leaves"], "what was durable stays, in its place"
        assert again["published"] == again["head"] == again["entries"]
        assert not unharmed or crashed["published"] == before["entries"] + 2
    assert [step[-1] for step in steps] == [False] * (len(steps) - 1) + [True]
    assert {step[1]["published"] for step in steps} > {steps[0][0]["published"]}


def test_a_second_hub_on_one_folder_is_refused(tmp_path: Path) -> None:
    second = only_one(tmp_path, "hub")
    with (
        only_one(tmp_path, "hub"),
        pytest.raises(LocalError, match="another hub is") as caught,
        second,
    ):
        raise AssertionError("both run")
    assert caught.value.code is ErrorCode.CONFLICT
    with only_one(tmp_path, "hub"):
        pass


def test_the_lock_of_a_killed_hub_is_free(tmp_path: Path) -> None:
    holding = (
        "import pathlib, sys; from runtime.lock import only_one\n"
        f"with only_one(pathlib.Path({str(tmp_path)!r}), 'hub'):\n"
        "  print('held', flush=True); sys.stdin.read()"  # until we end, if nobody kills it before
    )
    pipe, command = subprocess.PIPE, [sys.executable, "-c", holding]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "held\n"
            with pytest.raises(LocalError), only_one(tmp_path, "hub"):
                raise AssertionError("both run")
        finally:
            child.kill()
    with only_one(tmp_path, "hub"):
        pass


async def test_serving_takes_the_lock(federation: SimFederation) -> None:
    folder = federation.folder / "hub"
    await federation.services.engine.close()
    twin = HubService(folder, federation.hub.settings, federation.hub.env)
    with only_one(folder, "hub"), pytest.raises(LocalError, match="another hub"):
        await twin.run(lambda _: None)


async def test_the_head_moves_for_one_of_two_writers_only(
    federation: SimFederation, agencies: Agencies
) -> None:
    """A writer that went past the lock, on another machine say, is stopped by compare-and-swap."""
    del agencies
    twin = HubService(federation.folder / "hub", federation.hub.settings, federation.hub.env)
    second = await twin.start()
    second.publisher.cosignatures._urls = {}
    size, _ = await federation.hub_read(lambda tables: tables.checkpoints.head())
    await federation.hub.jobs.round()
    original = second.publisher._save

    async def late(old_size: int, checkpoint: Checkpoint) -> Note:
        await federation.checkpoint()
        return await original(old_size, checkpoint)

    second.publisher._save = late  # type: ignore[method-assign]
    with pytest.raises(RemoteError) as caught:
        await second.publisher.step(None)  # type: ignore[arg-type]
    assert caught.value.code is ErrorCode.CONFLICT
    moved, _ = await federation.hub_read(lambda tables: tables.checkpoints.head())
    assert moved == size + 1
    await twin.engine.close()
