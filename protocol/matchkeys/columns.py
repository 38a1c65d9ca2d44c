"""Column names under which agencies export identifying fields, specs/04-matching.md §9.

For drafting a mapping and for reading evaluation folders; a person confirms a node's mapping.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

_NAMES = {
    "nhs_number": "nhsnumber nhsno nhsid nhs",
    "other_id": "socsecid ssn otherid",
    "given": "forename forenames firstname givenname given childforenames firstnames",
    "middle": "middlenames middlename middle middleinitial",
    "family": "surname lastname familyname family childsurname",
    "date_of_birth": "dateofbirth dob birthdate",
    "sex": "sex gender",
    "house": "streetnumber housenumber house",
    "address": "address addressline1 address1 homeaddress property street streetname",
    "locality": "suburb town city locality",
    "postcode": "postcode homepostcode zipcode",
}
COLUMNS: Mapping[str, frozenset[str]] = MappingProxyType(
    {field: frozenset(names.split()) for field, names in _NAMES.items()}
)


def squashed(column: str) -> str:
    """A column's name in lower case, letters and digits only."""
    return re.sub("[^a-z0-9]", "", column.lower())


def identifying_columns(header: Iterable[str]) -> dict[str, str]:
    """Field -> the first column of the header that fits it; `house` goes before `address`."""
    found: dict[str, str] = {}
    for column in header:
        for field, names in COLUMNS.items():
            if squashed(column) in names:
                found.setdefault(field, column)
    return found
