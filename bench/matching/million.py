"""Two agencies of a million records each: the hub's scoring against Splink on the clear text.

    python -m bench.matching.million [RECORDS]      a million an agency unless said otherwise

Ours begins with tokens in its database and ends with every pair's outcome: compared, scored, with
rivals and support. Splink begins with clean clear text in its own and ends with every candidate
pair's weight. Told apart are what it takes to make tokens and take them in, and to learn Splink's
weights: ours were fitted before too. Both run on DuckDB, and the processor's time of all
threads is taken. Splink's candidates come from rules for data of this size: those of `make compare`
would propose billions of pairs. Wants .venv-bench, which `make compare` makes.
"""

import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, repeat
from pathlib import Path

from bench.matching.datasets import Agency, write_folder
from bench.results import Figure, record

RECORDS = 1_000_000
ROOT = Path(__file__).parents[2]
COLUMNS = (
    "NHS Number", "Forename", "Middle names", "Surname", "Date of birth", "Gender", "Address",
    "Postcode",
)  # fmt: skip
GIVEN, FAMILY, STREETS = 2_500, 40_000, 9_000
IN_BOTH = 0.6
BLOCKS = (
    ("nid",), ("born", "given_sound"), ("born", "family_sound"), ("born", "postcode"),
    ("postcode", "given_sound"), ("postcode", "family_sound"),
    ("given_sound", "family_sound", "born_ym"), ("given_sound", "family_sound", "born_md"),
    ("given_sound", "family_sound", "born_yd"),
)  # fmt: skip


def main() -> None:
    """Measure both, or Splink alone in the environment that has it."""
    if sys.argv[1:2] == ["--splink"]:
        print(json.dumps(splink(Path(sys.argv[2]))))
        return
    records = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    folder = ROOT / ".bench" / f"two-of-{records}"
    if not (folder / "truth.csv").exists():
        write_folder(folder, town(records))
    mine = ours(folder)
    print(json.dumps(mine), flush=True)
    command = [".venv-bench/bin/python", "-m", "bench.matching.million", "--splink", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    theirs = json.loads(done.stdout)
    print(json.dumps(theirs))
    name = "match_1m" if records == RECORDS else f"match_{records}"
    us = 1e6 / (2 * records)
    values = (mine["processor"] * us, theirs["predict"] * us)
    record(Figure(name, *values, "us of processor a record", 1.0, "max"))


def ours(folder: Path) -> dict[str, float]:
    """Seconds of the processor, and by the clock from files to outcomes."""
    from hub.policies.evaluate import evaluate
    from hub.policies.folder import iter_folder
    from hub.policies.packs import pack
    from hub.policies.pairing import find_candidates
    from hub.store.bulk import BulkPairs

    took: dict[str, float] = {}

    class Timed:
        def __init__(self, name: str) -> None:
            self.name, self.real = name, getattr(BulkPairs, name)
            setattr(BulkPairs, name, lambda *given: self(*given))

        def __call__(self, *given: object) -> object:
            before = time.process_time()
            answer = self.real(*given)
            took[self.name] = took.get(self.name, 0) + time.process_time() - before
            return answer

    Timed("take"), Timed("compare")
    began, policy = time.perf_counter(), pack("england")

    def say(done: int) -> None:
        if done % 200_000 == 0:
            print(f"{done:,} records, {time.perf_counter() - began:.0f} s", flush=True)

    with find_candidates(iter_folder(folder), policy, say) as candidates:
        before = time.process_time()
        told = evaluate(candidates, policy).to_json()
        took["score"] = time.process_time() - before
    clock, peak = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    names = ("best_f1", "candidate_pairs", "true_pairs", "candidate_recall", "tokens_per_client")
    return {
        "processor": took["compare"] + took["score"], **took,
        "keys": workers.ru_utime + workers.ru_stime, "clock_with_keys": clock,
        "peak_mb": peak / 1024, **{name: told[name] for name in names},
    }  # fmt: skip


def splink(folder: Path) -> dict[str, float]:
    """Seconds of the processor for learning without labels, and for scoring; best F1."""
    from bench.matching import splink_baseline
    from bench.matching.people import read_folder

    people = read_folder(folder)
    linker, connection = splink_baseline.linker_of(people, blocks=BLOCKS)
    before = time.process_time()
    splink_baseline.learn(linker, splink_baseline.present_fields(people))
    learnt, began = time.process_time(), time.perf_counter()
    found = linker.inference.predict()
    predicted, clock = time.process_time(), time.perf_counter() - began
    name, total = found.physical_name, people.truth.pairs()
    steps = connection.execute(
        f"SELECT round(match_weight, 2) w, count(*), count(*) FILTER (person_l = person_r) "  # noqa: S608
        f"FROM {name} GROUP BY w ORDER BY w DESC"
    ).fetchall()
    seen = right = 0
    best = 0.0
    for _, pairs, same in steps:
        seen, right = seen + pairs, right + same
        best = max(best, 2 * right / (seen + total))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "learn": learnt - before, "predict": predicted - learnt, "clock_predict": clock,
        "peak_mb": peak, "best_f1": best, "candidate_pairs": seen,
        "candidate_recall": right / total,
    }  # fmt: skip


@dataclass
class Names:
    """Invented names, few common and many rare."""

    rand: random.Random
    given: list[str] = field(default_factory=list)
    family: list[str] = field(default_factory=list)
    streets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make them up."""
        taken = set[str]()
        for names, count in ((self.given, GIVEN), (self.family, FAMILY), (self.streets, STREETS)):
            while len(names) < count:
                name = "".join(
                    self.rand.choice("bcdfghjklmnprstvw") + self.rand.choice("aeiou")
                    for _ in range(self.rand.choice((2, 2, 3, 3, 4)))
                ) + self.rand.choice(("", "n", "r", "s", "th", "ck"))
                if name not in taken:
                    taken.add(name)
                    names.append(name.title())

    def one_of(self, names: list[str], flatness: int) -> str:
        """The name of rank r with a weight of about 1 / (r + flatness)."""
        top = (len(names) + flatness) / flatness
        return names[min(len(names) - 1, int(flatness * (top ** self.rand.random() - 1)))]


Row = dict[str, str]


def town(records: int) -> Iterable[Agency]:
    """Two agencies that share people, with what goes wrong in records as often as in our data."""
    names = Names(random.Random(17))  # noqa: S311 - invented people
    shared = int(records * IN_BOTH)
    held: dict[str, list[tuple[str, Row]]] = {"child": [], "health": []}
    for number, row in enumerate(islice(people(names), 2 * records - shared)):
        for agency in (
            ("child", "health") if number < shared else (("child", "health")[number % 2],)
        ):
            if len(held[agency]) < records:
                held[agency].append((f"p{number}", written(names, row)))
    return [Agency(name, COLUMNS, tuple(rows)) for name, rows in held.items()]


def people(names: Names) -> Iterator[Row]:
    """Households of one family name and address; one child in fifty is a twin."""
    rand, numbers = names.rand, _numbers()
    while True:
        family, born = names.one_of(names.family, 60), _date(rand)
        spot = rand.randrange(len(names.streets))
        address = f"{rand.randrange(1, 140)} {names.streets[spot]} Road"
        postcode = (
            f"LX{spot // 400} {spot % 10}{'ABDEFGHJLN'[spot // 10 % 10]}{'PQRSTUWXYZ'[spot % 7]}"
        )
        for _ in range(rand.choice((1, 1, 2, 3, 4))):
            yield {
                "NHS Number": next(numbers) if rand.random() < 0.6 else "",
                "Forename": names.one_of(names.given, 12),
                "Middle names": names.one_of(names.given, 12) if rand.random() < 0.5 else "",
                "Surname": family, "Date of birth": born, "Gender": rand.choice("FM"),
                "Address": address, "Postcode": postcode,
            }  # fmt: skip
            if rand.random() > 0.02:
                born = _date(rand)


def written(names: Names, row: Row) -> Row:
    """A person as an agency has written them down."""
    rand, row = names.rand, dict(row)
    for column, share in (("Forename", 0.03), ("Surname", 0.03)):
        if rand.random() < share:
            at = rand.randrange(len(row[column]))
            row[column] = row[column][:at] + rand.choice("aeinrst") + row[column][at + 1 :]
    if rand.random() < 0.22:
        spot = rand.randrange(len(names.streets))
        row["Address"] = f"{rand.randrange(1, 140)} {names.streets[spot]} Road"
        row["Postcode"] = f"LX{spot // 400} {spot % 10}{'ABDEFGHJLN'[spot // 10 % 10]}Q"
    if rand.random() < 0.07:
        row["Surname"] = names.one_of(names.family, 60)
    if rand.random() < 0.03:
        row["Date of birth"] = _date(rand)[:5] + row["Date of birth"][5:]
    for column, share in (("NHS Number", 0.3), ("Postcode", 0.05), ("Middle names", 0.3)):
        if rand.random() < share:
            row[column] = ""
    return row


def _date(rand: random.Random) -> str:
    return f"{rand.randrange(1935, 2026)}-{rand.randrange(1, 13):02}-{rand.randrange(1, 29):02}"


def _numbers() -> Iterator[str]:
    """Each number of the 999 test range, then none."""
    for base in range(1_000_000):
        nine = f"999{base:06}"
        check = 11 - sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1))) % 11
        if check != 10:
            yield nine + str(check % 11)
    yield from repeat("")


if __name__ == "__main__":
    main()
