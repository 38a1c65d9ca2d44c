"""Splink on the clear text of a folder: the peer we are measured against, tuned as well as we can.

It is shown every field of every record. `link` learns without labels (expectation maximisation) or
takes m, the chance of each kind of agreement among true pairs, from the truth of a training folder.
"""

import logging
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.matching.measure import Pair
from bench.matching.people import Cells, Folder

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from splink import Linker, SettingsCreator
    from splink.comparison_library import CustomComparison

FIELDS = (
    "given", "middle", "family", "born", "sex", "house", "street", "locality", "suburb", "state",
    "postcode", "nid",
)  # fmt: skip
SEED = 1
U_PAIRS = 2e6

# What finds a pair at all: each rule survives errors that another does not.
BLOCKS = (
    ("nid",),
    ("born",),
    ("given_sound", "family_sound"),
    ("given_sound", "born_md"),
    ("given_sound", "born_ym"),
    ("given_sound", "born_yd"),
    ("family_sound", "born_md"),
    ("family_sound", "born_ym"),
    ("family_sound", "born_yd"),
    ("postcode",),
    ("house", "street"),
    ("house", "given_sound"),
    ("house", "family_sound"),
    ("house", "born_md"),
    ("house", "born_ym"),
    ("house", "born_yd"),
    ("street", "given_sound"),
    ("street", "family_sound"),
    ("suburb",),
    ("locality",),
)
# Expectation maximisation learns from pairs that a rule proposes. Between them the sessions leave
# every comparison free to be learnt; pairs with one identifier are nearly all true and teach most.
SESSIONS = (("nid",), ("given", "born"), ("family", "postcode"), ("given", "family"))
STREETS = "jaro_winkler_similarity(street_l, street_r)"
LEVELS: dict[str, tuple[str, ...]] = {
    "given": (
        "given_l = family_r and family_l = given_r",
        "given_l = middle_r or middle_l = given_r",
        "jaro_winkler_similarity(given_l, given_r) >= 0.92",
        "given_sound_l = given_sound_r",
        "jaro_winkler_similarity(given_l, given_r) >= 0.8",
        "given_l = family_r or family_l = given_r",
        "substr(given_l, 1, 1) = substr(given_r, 1, 1)",
    ),
    "family": (
        "given_l = family_r and family_l = given_r",
        "len(list_intersect(family_parts_l, family_parts_r)) > 0",
        "jaro_winkler_similarity(family_l, family_r) >= 0.92",
        "family_sound_l = family_sound_r",
        "jaro_winkler_similarity(family_l, family_r) >= 0.8",
        "given_l = family_r or family_l = given_r",
    ),
    "middle": (
        "middle_l = substr(middle_r, 1, 1) or middle_r = substr(middle_l, 1, 1)",
        "jaro_winkler_similarity(middle_l, middle_r) >= 0.88",
        "substr(middle_l, 1, 1) = substr(middle_r, 1, 1)",
    ),
    "born": (
        "born_l = born_swapped_r",
        "damerau_levenshtein(born_l, born_r) <= 1",
        "born_md_l = born_md_r",
        "born_ym_l = born_ym_r",
        "born_yd_l = born_yd_r",
        "damerau_levenshtein(born_l, born_r) <= 2",
        "substr(born_l, 1, 4) = substr(born_r, 1, 4)",
    ),
    "sex": (),
    "locality": ("jaro_winkler_similarity(locality_l, locality_r) >= 0.88",),
    "suburb": ("jaro_winkler_similarity(suburb_l, suburb_r) >= 0.88",),
    "state": (),
    # Parts of one address agree together, so they are one comparison and counted once.
    "place": (
        "postcode_l = postcode_r and house_l = house_r",
        "postcode_l = postcode_r and (house_l is null or house_r is null)",
        f"house_l = house_r and {STREETS} >= 0.85",
        "postcode_l = postcode_r",
        f"{STREETS} >= 0.92",
        "damerau_levenshtein(postcode_l, postcode_r) <= 1",
        "outward_l = outward_r",
    ),
    "nid": ("damerau_levenshtein(nid_l, nid_r) <= 2",),
}
FREQUENCIES_MATTER = frozenset({"given", "family", "middle", "born", "suburb", "locality"})


def link(folder: Folder, trained_on: Folder | None = None) -> list[tuple[float, Pair]]:
    """Score candidate pairs of `folder` across agencies; m from the labels of `trained_on`."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    fields = present_fields(folder)
    learnt = None if trained_on is None else _m_from_labels(trained_on)
    linker, _ = linker_of(folder, learnt)
    if trained_on is None:
        learn(linker, fields)
    else:
        linker.training.estimate_u_using_random_sampling(max_pairs=U_PAIRS, seed=SEED)
    rows = linker.inference.predict().as_record_list()
    return [(row["match_weight"], (row["unique_id_l"], row["unique_id_r"])) for row in rows]


def present_fields(folder: Folder) -> frozenset[str]:
    """The fields that any record of the folder has."""
    return frozenset(name for cells in folder.records.values() for name in cells)


def table_row(record: str, person: str, cells: Cells) -> dict[str, Any]:
    """A record with the derived columns that blocking and comparisons use; missing is None."""
    from jellyfish import metaphone

    born, family, postcode = cells.get("born"), cells.get("family"), cells.get("postcode")
    return {
        "unique_id": record,
        "person": person,
        **{name: cells.get(name) for name in FIELDS},
        "born_md": born and born[5:],
        "born_ym": born and born[:7],
        "born_yd": born and born[:5] + born[8:],
        "born_swapped": born and f"{born[:4]}-{born[8:]}-{born[5:7]}",
        "outward": postcode and postcode[: max(2, len(postcode) - 3)],
        "given_sound": metaphone(cells.get("given", "")) or None,
        "family_sound": metaphone(family or "") or None,
        "family_parts": family and family.split(),
    }


def learn(linker: "Linker", fields: frozenset[str]) -> None:
    """Learn u from random pairs, m by expectation maximisation."""
    linker.training.estimate_u_using_random_sampling(max_pairs=U_PAIRS, seed=SEED)
    for columns in SESSIONS:
        if set(columns) <= fields:
            _learn(linker, columns)


def linker_of(
    folder: Folder,
    learnt: dict[str, Any] | None = None,
    blocks: Sequence[Sequence[str]] = BLOCKS,
) -> "tuple[Linker, DuckDBPyConnection]":
    """A linker over all records, each agency a table, and the database that it works in."""
    import duckdb
    import pandas
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    connection = duckdb.connect()
    connection.execute("set enable_progress_bar = false")
    database = DuckDBAPI(connection)
    rows: dict[str, list[dict[str, Any]]] = {}
    truth = folder.truth
    for record, cells in folder.records.items():
        row = table_row(record, truth.person[record], cells)
        rows.setdefault(truth.agency[record], []).append(row)
    tables = [
        database.register(pandas.DataFrame(held), dataset_display_name=f"agency_{name}")
        for name, held in rows.items()
    ]
    settings = learnt or _settings(present_fields(folder), blocks)
    return Linker(tables, settings, log_level=logging.ERROR), connection


def _settings(fields: frozenset[str], blocks: Sequence[Sequence[str]]) -> "SettingsCreator":
    from splink import SettingsCreator, block_on

    known = fields | {"born_md", "born_ym", "born_yd", "given_sound", "family_sound"}
    return SettingsCreator(
        link_type="link_only",
        comparisons=[_comparison(name) for name in LEVELS if name in fields | {"place"}],
        blocking_rules_to_generate_predictions=[
            block_on(*columns) for columns in blocks if known.issuperset(columns)
        ],
        retain_matching_columns=False,
        additional_columns_to_retain=["person"],
    )


def _comparison(name: str) -> "CustomComparison":
    from splink import comparison_level_library as level
    from splink import comparison_library

    first = (
        [
            level.CustomLevel(
                "(postcode_l is null or postcode_r is null) "
                "and (street_l is null or street_r is null)"
            ).configure(is_null_level=True)
        ]
        if name == "place"
        else [
            level.NullLevel(name),
            level.ExactMatchLevel(name, term_frequency_adjustments=name in FREQUENCIES_MATTER),
        ]
    )
    return comparison_library.CustomComparison(
        output_column_name=name,
        comparison_levels=[
            *first,
            *(level.CustomLevel(condition) for condition in LEVELS[name]),
            level.ElseLevel(),
        ],
    )


def _learn(linker: "Linker", columns: Sequence[str]) -> None:
    from splink import block_on

    linker.training.estimate_parameters_using_expectation_maximisation(block_on(*columns))


def _m_from_labels(folder: Folder) -> dict[str, Any]:
    linker, _ = linker_of(folder)
    linker.training.estimate_u_using_random_sampling(max_pairs=U_PAIRS, seed=SEED)
    linker.training.estimate_m_from_label_column("person")
    model: dict[str, Any] = linker.misc.save_model_to_json()
    return model
