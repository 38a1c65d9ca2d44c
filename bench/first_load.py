"""The first load of one agency over HTTP, against the arithmetic of all parties run alone.

Hub, three key holders of whom two suffice, four witnesses and a node are processes of their own, as
in the demo; but the hub has rounds and checkpoints as often as it has them unless told otherwise.
The demo's come for whoever watches: every two seconds a round matches what has come, which is no
part of a first load (`--rounds` leaves them so). The baseline is what node and two holders compute
for as many tokens, on all processors, with nothing else going on, right after in the same run. Also
said: the memory at most and the processor time of each program, which on a busy machine tells who
holds it up.
"""

import itertools
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from bench.importing import written
from bench.results import Figure, record
from bench.tokens import BATCH, council, whole_batch
from demo.council import WEXCOMBE, Agency, enrol, found, key_ceremony, make_hub, make_key_holders
from demo.stage import BIN, ENVIRONMENT, Stage

CLIENTS = 20_000
BOUND = 1.3
SELDOM = 6  # looks at the clock of each for one at its memory, which takes 3 ms of a processor each
QUIET = 0.9  # of what the processors did was ours: the clock says something
LARGEST = 20_000  # that the demo's charter lets in without another's word
# Without NHS numbers and middle names: complete records make more tokens than real ones.
FIELDS = ("local_id", "given", "family", "date_of_birth", "sex", "address", "postcode", "worker")
FIXED = {
    "involvement": "health_visiting",
    "permission_basis": "UK-CA04-S10-S11",
    "permission_valid_until": "2030-03-31",
}
MAPPING = (
    'format = 1\ntitle = "First load"\n'
    + "".join(f'[fields.{name}]\ncolumn = "{name}"\n' for name in FIELDS)
    + "".join(f'[fields.{name}]\nfixed = "{value}"\n' for name, value in FIXED.items())
)


def main() -> None:
    """Measure so many clients."""
    sizes = [int(word) for word in sys.argv[1:] if word != "--rounds"]
    clients = sizes[0] if sizes else CLIENTS
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        stage = Stage()
        try:
            found = load(stage, clients)
        finally:
            stage.close()
            os.chdir(here)
    for name, (peak, seconds) in sorted(found.used.items()):
        print(f"{name:12s} {peak:6.0f} MB at most, {seconds:7.1f} s of processor")
    before = processor_of_children()
    alone = arithmetic(found.tokens)
    needed = processor_of_children() - before
    print(f"{clients} clients, {found.tokens} tokens: {found.took:.1f} s, alone {alone:.1f} s")
    total = sum(seconds for _, seconds in found.used.values())
    name = f"first_load_{clients // 1000}k"
    record(Figure(f"{name}_processor", total, needed, "s of processor", BOUND, "max"))
    if total > found.busy * QUIET:
        record(Figure(name, found.took, alone, "s", BOUND, "max"))
    else:
        others = 100 - 100 * total / found.busy
        print(f"others took {others:.0f} % of the processors: no ratio of the clock is kept")


@dataclass(frozen=True)
class Load:
    """Seconds that publishing took, and those of all processors that anything did meanwhile; tokens
    evaluated; and of each program megabytes at most and seconds of the processor.
    """

    took: float
    busy: float
    tokens: int
    used: dict[str, tuple[float, float]]


def load(stage: Stage, clients: int) -> Load:
    """Found a council, import, and publish twice."""
    agency = Agency("load", "Load", "health_provider", "01632 960110", "W", clients=clients)
    make_hub(stage)
    holders = make_key_holders(stage)
    key_ceremony(stage, holders)
    found(stage, holders)
    if clients > LARGEST:
        allow(stage, clients)
        enrol(stage, Agency("first", "First", "charity", "01632 960111", "F", clients=10))
    enrol(stage, agency)
    if "--rounds" not in sys.argv:
        slow_down(stage)
    folder, mapping = agency.folder, agency.folder / "load.mapping.toml"
    mapping.write_text(MAPPING, "utf-8")
    file = written(folder, clients)
    began = time.perf_counter()
    stage.run(
        "patchwork-node", "import", str(file), "--mapping", str(mapping), "--dir", str(folder),
        "--yes",
    )  # fmt: skip
    print(f"import: {time.perf_counter() - began:.1f} s", flush=True)
    peaks = Peaks(stage)
    began, busy = time.perf_counter(), busy_seconds()
    words = [str(BIN / "patchwork-node"), "publish", "--dir", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:  # noqa: S603
        stage.processes["publish"] = process
        said = process.communicate()[0].decode("utf-8")
    took, busy = time.perf_counter() - began, busy_seconds() - busy
    used = peaks.stop()
    del stage.processes["publish"]
    print(said, flush=True)
    evaluated = re.search(r"(\d+)\s+tokens\s+were", said)
    began = time.perf_counter()
    stage.run("patchwork-node", "publish", "--dir", str(folder))
    print(f"publish unchanged: {time.perf_counter() - began:.1f} s", flush=True)
    return Load(took, busy, int(evaluated[1]) if evaluated else 0, used)


def allow(stage: Stage, clients: int) -> None:
    """Let an agency of this size join without another's word, once a first one goes by that."""
    change = WEXCOMBE.hub / "change.toml"
    change.write_text(f"[admission]\nlargest_member = {clients}\n", "utf-8")
    stage.run(
        "patchwork-hub", "charter", "change", str(change), "--yes", "--dir", str(WEXCOMBE.hub)
    )


def slow_down(stage: Stage) -> None:
    """Have the hub go on with rounds and checkpoints as often as it has them by itself."""
    settings = WEXCOMBE.hub / "hub.toml"
    lines = settings.read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(("round_seconds", "batch_seconds"))]
    stage.stop("hub")
    settings.write_text("".join(kept), "utf-8")
    stage.resume("hub")


class Peaks:
    """Watches memory and processor of what runs; of the node with its workers together."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._done = stage, threading.Event()
        self._most: dict[str, float] = {}
        self._before = {name: tree_seconds(p.pid) for name, p in stage.processes.items()}
        self._seconds: dict[str, float] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, tuple[float, float]]:
        """The most megabytes that each had, and the seconds that it took meanwhile."""
        self._done.set()
        self._thread.join()
        return {
            name: (most, self._seconds[name] - self._before.get(name, 0.0))
            for name, most in self._most.items()
        }

    def _watch(self) -> None:
        for look in itertools.count():
            if self._done.wait(0.5):
                return
            for name, process in list(self._stage.processes.items()):
                if look % SELDOM == 0:
                    megabytes = tree_megabytes(process.pid)
                    self._most[name] = max(self._most.get(name, 0), megabytes)
                taken = tree_seconds(process.pid)
                self._seconds[name] = max(self._seconds.get(name, 0), taken)


def tree_megabytes(pid: int) -> float:
    """Megabytes that a process and its children have to themselves."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        return 0.0
    own = sum(int(kb) for kb in re.findall(r"^Pss:\s+(\d+)", text, re.M)) / 1024
    return own + sum(tree_megabytes(int(child)) for child in children)


def tree_seconds(pid: int) -> float:
    """Seconds of the processor that a process and its children have taken."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        return 0.0
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")  # those that ended are in it
    return own + sum(tree_seconds(int(child)) for child in children)


def busy_seconds() -> float:
    """Seconds that all processors of this machine have worked, for whomever."""
    user, nice, system, _, _, *interrupts = map(
        int, Path("/proc/stat").read_text("ascii").split("\n")[0].split()[1:8]
    )
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def processor_of_children() -> float:
    """Seconds of the processor that children of this process took, of those that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def arithmetic(tokens: int) -> float:
    """Seconds for what all parties compute for so many tokens, on all processors."""
    count = os.cpu_count() or 1
    with ProcessPoolExecutor(count, get_context("spawn")) as pool:
        list(pool.map(council, range(count)))  # they have begun
        began = time.perf_counter()
        list(pool.map(whole_batch, range(-(-tokens // BATCH))))
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
