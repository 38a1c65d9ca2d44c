"""Kills a hub between any two steps of a publication, and says what a new one makes of it.

Run as a program of its own: `python -m tests.sim.slices_child WORK`. Each hub is a child process
that ends, without a word to anybody, before its nth commit. Prints one JSON line a kill.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from hub.matching import applying
from hub.store.stubs import HeldTokens
from hub.store.tables import HubTables
from protocol.messages.bodies import PublicationBody
from protocol.messages.statement import parse_statement
from storage.sqlite import SqliteDatabase
from tests.sim.crash_child import KILLED, in_child
from tests.synthetic import CARE, SyntheticHub, stub_id, stubs

PEOPLE = range(4)


def main() -> None:
    """Every place in turn, until a hub gets to the end unharmed."""
    work = Path(sys.argv[1])
    base, moment, done = work / "base.sqlite", 0, False
    in_child(lambda: upload(base))
    while not done:
        moment += 1
        path = work / f"{moment}.sqlite"
        for part in work.glob("base.sqlite*"):
            shutil.copy(part, work / part.name.replace("base", str(moment)))
        done = not was_killed(path, moment)
        found = in_child(lambda path=path: after(path))
        sys.stdout.write(json.dumps(found) + "\n")


def upload(path: Path) -> None:
    """Four people are published, and new tokens for two of them, one retired and one more wait."""
    hub = SyntheticHub(path)
    hub.publish(CARE, PEOPLE)
    hub.pass_days(1)
    rows, tokens = stubs(CARE, range(3), 2)
    gone = rows[2].model_copy(update={"retired": True, "involvements": []})
    more, new = stubs(CARE, range(4, 5))
    hub.upload(CARE, [*rows[:2], gone, *more], [*tokens[:2], *new], 2)
    hub.close()


def was_killed(path: Path, moment: int) -> bool:
    """Apply what waits, and die at a moment."""
    child = os.fork()
    if child == 0:
        applying.ROWS_A_STEP = applying.ROWS_A_STEP_IN_FORCE = 1
        hub = SyntheticHub(path)
        die_at(moment)
        hub.apply(waiting(hub))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, KILLED}, f"the hub ended by itself with {code}"
    return code == KILLED


def die_at(moment: int) -> None:
    """Count commits from here on; the nth does not come."""
    left, transact = [moment], SqliteDatabase._transact

    def tick() -> None:
        left[0] -= 1
        if left[0] == 0:
            os._exit(KILLED)

    def dying(self: SqliteDatabase[Any], begin: str, work: Any) -> Any:
        if begin == "BEGIN":
            return transact(self, begin, work)

        def worked() -> Any:
            result = work()
            tick()
            return result

        return transact(self, begin, worked)

    SqliteDatabase._transact = dying  # type: ignore[method-assign]


def waiting(hub: SyntheticHub) -> Any:
    """The manifest that waits, if it does."""
    (row,) = hub.write(
        lambda tables: tables.tx.rows("SELECT * FROM upload WHERE state = 'waiting'")
    )
    return parse_statement(row["envelope"]).expect(PublicationBody)


def after(path: Path) -> list[dict[str, Any]]:
    """What a new hub finds; what it makes of it at its start; and how it stands when the agency has
    sent again what it has no answer to.
    """
    hub = SyntheticHub(path)
    states = [hub.write(state)]
    hub.finish()
    states.append(hub.write(state))
    if hub.write(lambda tables: tables.tx.rows("SELECT 1 FROM upload")):
        hub.apply(waiting(hub))
    states.append(hub.write(state))
    hub.close()
    return states


def state(tables: HubTables) -> dict[str, Any]:
    """What is published, what matching finds, what the log says, and what lies about."""
    names = {stub_id(CARE, person): person for person in range(5)}
    published = tables.stubs.among(names)
    tokens = tables.stubs.tokens_of(names)
    rows = tables.tx.rows
    return {
        "published": {names[i]: [s.revision, s.retired] for i, s in sorted(published.items())},
        "tokens": {names[i]: repr(sorted(held.by_key.items())) for i, held in tokens.items()},
        "logged": len(rows("SELECT 1 FROM entry WHERE kind = 'publication'")),
        "half": bool(tables.uploads.logged()),
        "left": sum(
            len(rows(f"SELECT 1 FROM {name}"))  # noqa: S608 - our names
            for name in ("upload", "upload_chunk", "staged_stub")
        )
        + len(rows("SELECT 1 FROM publication WHERE idx IS NULL"))
        + len(rows("SELECT 1 FROM token"))
        - sum(map(_count, tokens.values())),
        "changes": len(rows("SELECT 1 FROM stub_change")),
        "evidence": len(rows("SELECT 1 FROM evidence")),
        "owed": tables.ends.owed(),
        "lost": len(rows("SELECT 1 FROM lost_stub")),
    }


def _count(held: HeldTokens) -> int:
    return sum(map(len, held.by_key.values()))


if __name__ == "__main__":
    main()
