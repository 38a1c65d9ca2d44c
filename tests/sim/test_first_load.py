"""The first publication of an agency, in several parts: the power goes, and it goes on."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

PROGRAM = "tests.sim.first_load_child"


async def test_killed_anywhere_a_first_load_goes_on_and_nobody_is_lost_or_there_twice(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", PROGRAM, str(tmp_path)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *killed, whole = [json.loads(line) for line in done.stdout.splitlines()]
    tokens = sum(map(len, whole["tokens"].values()))
    assert len({one["kept"] for one in killed}) > 2, "before, between and after its batches"
    for one in killed:
        assert one["tokens"] == whole["tokens"], "of each client what it is without a kill"
        assert one["same"], "the hub has the stubs that the node knows of, and no others"
        assert (one["rows"], one["waiting"]) == (tokens, 0), "nothing is left of another try"
        assert one["kept"] + one["evaluated"] == tokens, "what came is not paid for twice"
