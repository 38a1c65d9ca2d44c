"""CLK and anonlink on a folder: each record one keyed Bloom filter, compared by Dice similarity.

Whoever compares sees the filters and the similarity graph; whoever makes filters shares one secret
key. Each pair of agencies is solved 1:1, greedily, as the anonlink service does by default.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING

from bench.matching.measure import Pair
from bench.matching.people import Folder

if TYPE_CHECKING:
    from clkhash.schema import Schema

FILTER_BITS = 1024
SECRET = "an example secret"  # noqa: S105 - of a benchmark on invented people
LOWEST_SIMILARITY = 0.65
CANDIDATES_A_RECORD = 10
# Field: (n-gram length, bits a value): names and birth date weigh most, as its own guide advises.
FIELDS: Mapping[str, tuple[int, int]] = {
    "given": (2, 160),
    "middle": (2, 30),
    "family": (2, 160),
    "born": (2, 220),
    "sex": (1, 20),
    "house": (1, 60),
    "street": (2, 100),
    "locality": (2, 60),
    "suburb": (2, 100),
    "state": (2, 30),
    "postcode": (2, 120),
    "nid": (2, 200),
}


def link(folder: Folder) -> list[tuple[float, Pair]]:
    """Similarity of each pair of the greedy 1:1 solution, for every two agencies."""
    from anonlink import candidate_generation, similarities, solving
    from clkhash import clk

    truth = folder.truth
    present = [name for name in FIELDS if any(name in cells for cells in folder.records.values())]
    schema = _schema(present)
    held: dict[str, list[str]] = {}
    for record in folder.records:
        held.setdefault(truth.agency[record], []).append(record)
    filters = {
        agency: clk.generate_clks(
            [[folder.records[record].get(name, "") for name in present] for record in records],
            schema,
            SECRET,
            validate=False,
            max_workers=1,
        )
        for agency, records in held.items()
    }
    scored: list[tuple[float, Pair]] = []
    for one, other in combinations(sorted(held), 2):
        found = candidate_generation.find_candidate_pairs(
            [filters[one], filters[other]],
            similarities.dice_coefficient_accelerated,
            LOWEST_SIMILARITY,
            k=CANDIDATES_A_RECORD,
        )
        pairs = solving.pairs_from_groups(solving.greedy_solve(found))
        similar = {
            (left, right): value
            for value, left, right in zip(found[0], found[2][0], found[2][1], strict=True)
        }
        scored.extend(
            (similar[left, right], (held[one][left], held[other][right])) for left, right in pairs
        )
    return scored


def _schema(present: list[str]) -> "Schema":
    from clkhash.comparators import NgramComparison
    from clkhash.field_formats import BitsPerFeatureStrategy, FieldHashingProperties, StringSpec
    from clkhash.schema import Schema

    return Schema(
        [
            StringSpec(
                name,
                FieldHashingProperties(
                    NgramComparison(FIELDS[name][0]), BitsPerFeatureStrategy(FIELDS[name][1])
                ),
            )
            for name in present
        ],
        FILTER_BITS,
    )
