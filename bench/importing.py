"""Importing a file, the same file again, and with 1 % of it changed, as the command does: seconds,
processor, peak memory.

The second time every row is judged and found to change nothing; from the third on it is known by
its hash. Memory must not grow with the file; the time of a row must not either.
"""

import asyncio
import csv
import resource
import sys
import tempfile
import time
from pathlib import Path

from node.actions.importing import ChosenMapping, Imported, ImportFile, run_import
from node.records.importer.mapping import load_mapping
from tests.sim.crowd import crowd

SIZES = (5_000, 20_000)
FIELDS = (
    "nhs_number", "given", "middle", "family", "date_of_birth", "sex", "address", "postcode",
)  # fmt: skip
MAPPING = load_mapping(
    "format = 1\n"
    + "".join(f'[fields.{name}]\ncolumn = "{name}"\n' for name in ("local_id", *FIELDS, "worker"))
    + '[fields.involvement]\nfixed = "health_visiting"\n'
)


def main() -> None:
    """Measure each size."""
    sizes = [int(text) for text in sys.argv[1:]] or SIZES
    print(f"{'rows':>8s} {'step':8s} {'seconds':>8s}", end=" ")
    print(f"{'processor':>9s} {'ms each':>8s} {'peak MB':>8s}")
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "node.toml").touch()
            file = written(folder, size)
            for step in ("import", "again", "third"):
                measure(folder, file, step, size)
            change(file)
            measure(folder, file, "1 %", size)
            measure(folder, file, "after", size)


def written(folder: Path, size: int) -> Path:
    """A file of so many invented clients."""
    path = folder / "clients.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["local_id", *FIELDS, "worker"])
        for row in crowd(size):
            values = [getattr(row.record, name) for name in FIELDS]
            rows.writerow([row.local_id, *values, row.worker.name])
    return path


def change(path: Path) -> None:
    """Let every hundredth client have moved."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    for row in rows[100::100]:
        row[-3] = f"1 New {row[-3]}"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def measure(folder: Path, path: Path, step: str, size: int) -> None:
    """Import once and print a row of the table."""
    file = ImportFile(path, ChosenMapping(MAPPING), folder, agreed=None)
    began, before = time.perf_counter(), time.process_time()
    done: Imported = asyncio.run(run_import(folder, file, lambda _: None))
    took, used = time.perf_counter() - began, time.process_time() - before
    if done.report.stored != size:
        raise SystemExit("not every row was stored")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{size:8d} {step:8s} {took:8.2f} {used:9.2f} {used / size * 1000:8.3f} {peak:8.0f}")


if __name__ == "__main__":
    main()
