"""A data folder read for the comparison systems: one plain standardisation, the same for all.

It is not the product's normalisation: what the peers get is what a careful analyst would do before
linking in the clear, so that our own rules neither help nor hinder them.
"""

import csv
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.matching.measure import Truth

COLUMNS: Mapping[str, str] = {
    column: name
    for name, columns in {
        "nid": "nhsid nhsnumber nhs socsecid",
        "given": "firstname forename given givenname childforenames",
        "middle": "middlename middlenames middle",
        "family": "lastname surname family childsurname",
        "born": "dateofbirth dob",
        "sex": "sex gender",
        "address": "address addressline1 homeaddress property address1",
        "house": "streetnumber",
        "locality": "address2",
        "suburb": "suburb",
        "state": "state",
        "postcode": "postcode homepostcode",
    }.items()
    for column in columns.split()
}
TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev"})
NOT_A_NAME = frozenset({"baby", "infant", "unborn", "twin", "unknown", "nk", "tbc"})
NO_ADDRESS = ("no fixed", "nfa", "homeless", "unknown")
PLACEHOLDER_DATES = frozenset({"1900-01-01", "1899-12-30", "1899-12-31"})

Cells = dict[str, str]


@dataclass(frozen=True)
class Folder:
    """Every agency's records as fields (a missing one is absent), and the truth."""

    records: Mapping[str, Cells]
    truth: Truth


def read_folder(folder: Path) -> Folder:
    """Read a folder as `policy evaluate` does. Raises OSError or KeyError if it is not one."""
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    truth = Truth(
        {row["local_id"]: row["person"] for row in rows},
        {row["local_id"]: row["agency"] for row in rows},
        {row["local_id"]: row["hard_case"] for row in rows},
    )
    records: dict[str, Cells] = {}
    for agency in sorted(set(truth.agency.values())):
        with (folder / f"{agency}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                records[row["Local ID"]] = standardise(row)
    return Folder(records, truth)


def standardise(row: Mapping[str, str]) -> Cells:
    """One export line as clean fields: given, middle, family, born, sex, address parts, id."""
    named = {
        COLUMNS[key]: plain(cell)
        for key, cell in ((re.sub("[^a-z0-9]", "", key.lower()), cell) for key, cell in row.items())
        if key in COLUMNS
    }
    given = [word for word in words(named.get("given", "")) if word not in TITLES]
    middle = words(named.get("middle", "")) or given[1:]
    family = [word for word in words(named.get("family", "")) if word not in TITLES]
    house, street = address_parts(named.get("address", ""), named.get("house", ""))
    cells = {
        "given": given[0] if given and given[0] not in NOT_A_NAME else "",
        "middle": middle[0] if middle else "",
        "family": " ".join(family),
        "born": birth_date(named.get("born", "")),
        "sex": named.get("sex", "")[:1],
        "house": house,
        "street": street,
        "locality": named.get("locality", ""),
        "suburb": named.get("suburb", ""),
        "state": named.get("state", ""),
        "postcode": postcode(named.get("postcode", "")),
        "nid": re.sub(r"\D", "", named.get("nid", "")),
    }
    return {name: cell for name, cell in cells.items() if cell}


def plain(text: str) -> str:
    """Lower case without accents, apostrophes and full stops."""
    letters = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in letters if not unicodedata.combining(c) and c not in "'’`.").strip()


def words(text: str) -> list[str]:
    """The runs of letters."""
    return re.findall(r"[^\W\d_]+", text)


def birth_date(text: str) -> str:
    """yyyy-mm-dd from ISO, day-first or yyyymmdd text, checked by shape only; else nothing."""
    shapes: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
        (r"(\d{4})[-/]?(\d\d)[-/]?(\d\d)", lambda m: f"{m[1]}-{m[2]}-{m[3]}"),
        (r"(\d\d?)[-/ ]?(\d\d?)[-/ ]?(\d{4})", lambda m: f"{m[3]}-{m[2]:0>2}-{m[1]:0>2}"),
    )
    for shape, write in shapes:
        found = re.fullmatch(shape, text)
        if found:
            written = write(found)
            return "" if written in PLACEHOLDER_DATES else written
    return ""


def address_parts(address: str, house: str) -> tuple[str, str]:
    """House number (the last number before the street; `14a` counts, `145th` not) and street."""
    if address.startswith(NO_ADDRESS):
        return "", ""
    parts = re.findall(r"[^\W_]+", address)
    numbers = [at for at, part in enumerate(parts) if re.fullmatch(r"\d+[a-z]?", part)]
    if not numbers:
        return house, " ".join(parts)
    return house or parts[numbers[-1]], " ".join(parts[numbers[-1] + 1 :])


def postcode(text: str) -> str:
    """Capitals without spaces; the code for no fixed abode is missing."""
    squeezed = re.sub(r"\s", "", text).upper()
    return "" if squeezed.startswith("ZZ99") else squeezed
