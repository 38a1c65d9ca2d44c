"""A disk that stays full: `python -m tests.faults.full FOLDER PARTY [ACTS]`, with LD_PRELOAD.

From the request on, nothing that needs room succeeds at a party. Whoever wants something of it is
told so in a sentence, what is read is answered, and once there is room the story goes on to its
end (or that of its first `ACTS`) as if nothing had been. Says as JSON what people were told.
"""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path

import structlog

from protocol.errors import PatchworkError
from tests.faults.checks import audit, check
from tests.faults.council import Council
from tests.faults.seams import Seams
from tests.faults.story import ACTS, LATER, NotYetError, Story
from tests.sim.federation import HUB

TIMES = 3
BEFORE = "allow"


async def main(folder: Path, party: str, names: list[str]) -> None:
    """See the module."""
    seams = Seams()
    founded = Council(folder)
    await founded.start()
    await founded.invite_both()
    await founded.stop()
    council = Council(folder, seams)
    await council.start_again()
    story = Story(council)
    before = names.index(BEFORE)
    for name in names[:before]:
        await ACTS[name](story)
    seams.full = party
    said = []
    for _ in range(TIMES):
        try:
            await ACTS[BEFORE](story)
        except PatchworkError as error:
            said.append([error.code.value, error.detail])
        except NotYetError:
            said.append(["", "it waits"])
        await _read(council)
        await council.go_on()
    assert seams.refused, "nothing needed room"
    seams.full = ""
    for name in names[before:]:
        council.clock.now += LATER.get(name, 60)
        for _ in range(TIMES):
            with suppress(NotYetError):
                await ACTS[name](story)
                break
    council = await council.restart()
    await council.settle()
    await check(council)
    await audit(council)
    await council.stop()
    sys.stdout.write(json.dumps(said))


async def _read(council: Council) -> None:
    """What is only read is answered."""
    for node, client in ((Story(council).health, "h1"), (Story(council).care, "c1")):
        assert (await node.team(client)).others, "the team is shown"
    for path in ("/checkpoint", "/v1/status"):
        assert await council.lines["node"].get(f"{HUB}{path}")


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    acts = [*ACTS][: int(sys.argv[3]) if len(sys.argv) > 3 else len(ACTS)]
    Path(sys.argv[1]).mkdir()
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], acts))
