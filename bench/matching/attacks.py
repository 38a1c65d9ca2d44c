"""What a curious hub and a curious agency can do with tokens: specs/04-matching.md §8 and §10.

Three attacks. The hub ranks tokens by how often they occur and names each by the public table of
the same rank; it links households; an agency that knows a name and a birth date searches for the
address. The forbidden keys are measured beside ours, to show what the rules are for.

Without a folder it runs on a small made-up town. DIR of --data holds council-train (the public
table) and council-validate (the people attacked).
"""

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from bench.matching import population
from bench.matching.population import Population
from bench.matching.search import report_search
from hub.policies.packs import DEFAULT, pack
from protocol.governance.numbers import Quotas
from protocol.matchkeys.leakage import PEOPLE, Leakage, breaks_rules, measure
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.recipes import RECIPES
from protocol.matchkeys.records import NormalRecord

SAMPLE = 4_000
TEMPLATE = Path(__file__).parents[2] / "hub/members/charter_template.json"
Values = Callable[[NormalRecord], Collection[str]]


def _joined(*fields: str | None) -> tuple[str, ...]:
    present = [field for field in fields if field]
    return ("|".join(present),) if len(present) == len(fields) else ()


FORBIDDEN: Mapping[str, Values] = {
    "given name": lambda r: _joined(r.given),
    "family name": lambda r: _joined(r.family),
    "year of birth and sex": lambda r: _joined(r.born and r.born[:4], r.sex),
    "date of birth": lambda r: _joined(r.born),
    "given and family name": lambda r: _joined(r.given, r.family),
    "postcode and house number": lambda r: _joined(r.postcode, r.house),
}


@dataclass(frozen=True)
class Attacked:
    """One key type on one population: shares of the records that have a value."""

    key: str
    named_by_rank: float
    share_with_others: float
    most_holders: int


def attack(key: str, values: Values, public: Population, attacked: Population) -> Attacked:
    """Rank attack and linkage of different people, through one key type."""
    holders: dict[str, set[str]] = defaultdict(set)
    held = [
        (person, set(values(record)))
        for record, person in zip(attacked.records, attacked.people, strict=True)
    ]
    for person, mine in held:
        for value in mine:
            holders[value].add(person)
    having = [mine for _, mine in held if mine]
    shared = sum(any(len(holders[value]) > 1 for value in mine) for mine in having)
    seen = Counter(value for mine in having for value in mine)
    table = Counter(value for record in public.records for value in set(values(record)))
    # A token's order among equals tells nothing: the hub sees pseudo-random bytes.
    tokens = sorted(seen, key=lambda value: (-seen[value], sha256(value.encode()).digest()))
    public_order = sorted(table, key=lambda value: (-table[value], value))
    named = {token for token, guess in zip(tokens, public_order, strict=False) if token == guess}
    right = sum(bool(mine & named) for mine in having)
    count = max(1, len(having))
    most = max(map(len, holders.values()), default=0)
    return Attacked(key, right / count, shared / count, most)


def measured(key: str, held: Population) -> Leakage:
    """The figures of the leakage rules for one key type."""
    recipe = RECIPES[key]
    by_person: dict[str, list[NormalRecord]] = defaultdict(list)
    for record, person in zip(held.records, held.people, strict=True):
        by_person[person].append(record)
    values = {
        person: {value for record in records for value in recipe.values(record)}
        for person, records in by_person.items()
    }
    parts = [
        [
            {value for record in records for value in part.values(record) if value}
            for records in by_person.values()
        ]
        for part in recipe.parts
    ]
    return measure(values, parts)


def report_ranks(policy: MatchPolicy, public: Population, attacked: Population) -> None:
    """Print what equality of tokens gives away, key by key; of many people, what breaks a rule."""
    enough = len(set(attacked.people)) >= PEOPLE
    print(f"{len(attacked.records)} records of {len(set(attacked.people))} people")
    print(f"{'':24s} {'named by':>9s} {'share with':>11s} {'held by':>8s} {'min-':>8s} domain")
    print(f"{'key type':24s} {'rank':>9s} {'others':>11s} {'at most':>8s} {'entropy':>8s}")
    for name, values in FORBIDDEN.items():
        print(_line(attack(name, values, public, attacked)), "  forbidden")
    for key in policy.keys:
        found = attack(key, RECIPES[key].values, public, attacked)
        leakage = measured(key, attacked)
        broken = breaks_rules(key, RECIPES[key].reads, leakage if enough else None)
        print(_line(found), f"{leakage.min_entropy:8.1f} 2^{leakage.domain:.1f}", *broken, sep="  ")
    any_key = attack("any of these", lambda r: _all_values(policy, r), public, attacked)
    print(_line(any_key))


def default_quotas() -> Quotas:
    """The limits that a new charter takes."""
    charter = json.loads(TEMPLATE.read_text("utf-8"))
    return Quotas.model_validate(charter["quotas"])


def _all_values(policy: MatchPolicy, record: NormalRecord) -> list[str]:
    return [f"{key}={value}" for key in policy.keys for value in RECIPES[key].values(record)]


def _line(found: Attacked) -> str:
    return (
        f"{found.key:24s} {found.named_by_rank:9.2%} {found.share_with_others:11.1%} "
        f"{found.most_holders:8d}"
    )


def main() -> None:
    """Carry out the attacks and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with council-train and council-validate")
    folder = parser.parse_args().data
    if folder:
        public = population.read(folder / "council-train")
        attacked = population.read(folder / "council-validate")
    else:
        public, attacked = (population.invented(SAMPLE, seed) for seed in (1, 2))
    policy, quotas = pack(DEFAULT), default_quotas()
    report_ranks(policy, public, attacked)
    sample = random.Random(3)  # noqa: S311 - which invented people are searched for
    report_search(policy, quotas, attacked, sample)


if __name__ == "__main__":
    main()
