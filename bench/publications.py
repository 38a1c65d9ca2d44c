"""Publications applied, the ends and rounds that follow, on a real SQLite file: rows, statements.

Two agencies' stubs of the same people are there; the third's are applied, its clients are matched,
then every one of them moves house, and in the end all are withdrawn. Invented stubs with 15 tokens
each; the database alone, so without the network, the signatures of nodes and the log's tiles.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.statements import counted_statements
from tests.synthetic import CARE, HEALTH, SCHOOL, SyntheticHub, stubs

STUBS = 500


def main() -> None:
    """Measure."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else STUBS
    people = range(number)
    with tempfile.TemporaryDirectory() as folder:
        hub = SyntheticHub(Path(folder) / "hub.sqlite")
        for agency in (HEALTH, SCHOOL):
            hub.publish(agency, people)
            all_rounds(hub)
        print(f"{number} stubs of one agency; as many of each of two others are there")
        new = hub.upload(CARE, *stubs(CARE, people))
        line("apply, all new", number, lambda: hub.apply(new))
        line("ends, none", number, hub.tell_ends)
        line("rounds over them", number, lambda: all_rounds(hub))
        hub.pass_days(1)
        moved = hub.upload(CARE, *stubs(CARE, people, 2))
        line("apply, all changed", number, lambda: hub.apply(moved))
        line("rounds over these", number, lambda: all_rounds(hub))
        line("apply, all retired", number, lambda: hub.retire(CARE, people, 3))
        line("ends, all", number, hub.tell_ends)
        hub.close()


def all_rounds(hub: SyntheticHub) -> None:
    """Rounds until no stub is marked."""
    while hub.write(lambda tables: tables.tx.one("SELECT 1 FROM dirty_stub")):
        hub.round()


def line(name: str, rows: int, work: Callable[[], None]) -> None:
    """One row of the table. On a busy machine the processor's time is the steadier figure."""
    began, processor = time.perf_counter(), time.process_time()
    with counted_statements() as said:
        work()
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    print(
        f"{name:20s} {seconds:7.2f} s, of processor {processor:6.2f} s, "
        f"{rows / seconds:5.0f} rows/s, {len(said):7d} statements, {len(said) / rows:6.2f} a row"
    )


if __name__ == "__main__":
    main()
