"""Every service that is told to stop ends within ten seconds, a hundred times in a row.

At any moment of its life: while it starts, follows, publishes, polls.
"""

import signal
import time

import pytest

from demo.council import CHILD
from demo.stage import Stage

TIMES = 100
LONGEST = 10.0


@pytest.mark.parametrize("name", ["hub", "holder-1", "w1.example", "w4.example", "node"])
def test_a_service_stops_a_hundred_times_in_a_row(stage: Stage, name: str) -> None:
    if name == "node":
        command = ("patchwork-node", "serve", "--dir", str(CHILD.folder))
        stage.start("node", *command, until="serving")
    until = {"node": "serving", "w4.example": "pulling"}.get(name, "listening")
    for number in range(TIMES):
        time.sleep(0.006 * number)  # the moment is what is tried here
        process = stage.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=LONGEST) == 0, stage.log(name).read_text()
        program, *arguments = stage._started[name]
        stage.start(name, program, *arguments, until=until)
    stage.check_alive()
