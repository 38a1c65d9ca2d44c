"""The command: `python -m scripts.mutants [--workers N] [--list] [PART OF A PATH ...]`."""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from scripts.mutants.making import ROOT, Mutant, mutants_of
from scripts.mutants.mapping import WORK, Test, the_map
from scripts.mutants.trying import Kept, Outcome, outcomes

EQUIVALENT = ROOT / "scripts" / "mutants" / "equivalent.txt"
MODULES = (
    "hub/exchange/*.py", "hub/matching/publications.py", "hub/matching/limits.py",
    "hub/matching/applying.py", "hub/matching/uploading.py", "hub/members/*.py",
    "hub/server/*routes.py", "node/requests/*.py",
    "node/identity_checks/*.py", "node/links/*.py", "node/dispatch.py", "node/mail.py",
    "node/membership/*.py", "keys/holder/service.py", "keys/holder/store.py",
    "keys/holder/meter.py", "keys/holder/newcomers.py", "keys/holder/counted.py", "keys/dleq.py",
    "keys/threshold.py", "audit/witness/*.py", "protocol/requests/decide.py",
    "protocol/requests/hints.py",
    "protocol/matchkeys/score.py", "protocol/log/leaf.py", "protocol/log/tlog_proof.py",
    "protocol/log/merkle.py", "protocol/log/checkpoint.py", "protocol/log/note.py",
)  # fmt: skip


def equivalents() -> dict[str, str]:
    """Those that are argued to make no difference, by name: why."""
    found = {}
    for line in EQUIVALENT.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        name, _, why = line.rpartition(" | ")
        if " | " not in name or not why.strip():
            raise SystemExit(f"{EQUIVALENT.name}: not `place | what | why`: {line}")
        found[name] = why
    return found


def _tried(
    made: Sequence[Mutant], tests: Sequence[Test], workers: int, seconds: int
) -> Iterator[Outcome]:
    """What becomes of each, said as it comes."""
    argued, kept, due = equivalents(), Kept(), list[Mutant]()
    for mutant in made:
        if mutant.name in argued:
            yield Outcome(mutant, "equivalent")
        elif kept.holds(mutant):
            yield Outcome(mutant, "killed")
        else:
            due.append(mutant)
    for number, outcome in enumerate(outcomes(due, tests, workers, seconds), 1):
        if outcome.state == "killed":
            kept.add(outcome)
        took = f"{outcome.state:8} {outcome.tests:4} tests {outcome.seconds:5.1f} s"
        print(f"[{number}/{len(due)}] {took}  {outcome.mutant.name}", flush=True)
        yield outcome


def _account(tried: Sequence[Outcome], not_run: Sequence[str]) -> list[str]:
    """Say it by module; the names of what is left."""
    states = ("killed", "equivalent", "survived", "unmet")
    print(f"\n{'module':44}" + "".join(f"{state:>12}" for state in states))
    by_module = defaultdict[str, Counter[str]](Counter)
    for outcome in tried:
        by_module[outcome.mutant.path][outcome.state] += 1
    by_module["all of these"] = sum(by_module.values(), Counter())
    for module, counts in by_module.items():
        print(f"{module:44}" + "".join(f"{counts[state]:12}" for state in states))
    for module in not_run:
        print(f"{module:44}     not run")
    left = [one for one in tried if one.state in {"survived", "unmet"}]
    print("\nNobody notices:" if left else "\nEvery one of these is noticed.")
    return [f"{one.mutant.name}  ({one.state})" for one in left]


def main() -> int:
    """The command; 1 if something survives, or is argued away that is no longer there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modules", nargs="*", help="some of the modules, by parts of their paths")
    parser.add_argument("--workers", type=int, default=2, help="how many are tried at a time")
    parser.add_argument("--list", action="store_true", help="only say what would be taken out")
    parser.add_argument("--tests", nargs="*", default=[], help="only by some tests, by their paths")
    parser.add_argument("--seconds", type=int, default=240, help="of tests for one, at most")
    given = parser.parse_args()
    every = sorted({p.relative_to(ROOT).as_posix() for g in MODULES for p in ROOT.glob(g)})
    modules = [path for path in every if not given.modules or _is_named(path, given.modules)]
    made = [mutant for path in modules for mutant in mutants_of(path)]
    if given.list:
        print(*(mutant.name for mutant in made), sep="\n")
        return 0
    WORK.mkdir(exist_ok=True)
    tests = the_map(modules, given.tests, given.workers)
    tried = list(_tried(made, tests, given.workers, given.seconds))
    if given.tests:
        print("\nBy these tests alone:", *given.tests)
    left = _account(tried, [path for path in every if path not in modules])
    print(*(f"  {name}" for name in left), sep="\n")
    names = {mutant.name for mutant in made}
    gone = [name for name in equivalents() if name.split()[0] in modules and name not in names]
    for name in gone:
        print(f"  {name}  (in {EQUIVALENT.name}, and no longer there)")
    return 1 if left or gone else 0


def _is_named(path: str, names: Sequence[str]) -> bool:
    return any(name in path for name in names)


if __name__ == "__main__":
    raise SystemExit(main())
