"""Two full given names that differ: whatever else agrees, a person looks (specs/04-matching.md §7).

Every combination of what two records can have in common beside the given name, at both operating
points, for twins as they are really named.
"""

from dataclasses import replace
from itertools import product

import pytest

from hub.policies.packs import pack
from protocol.matchkeys.policy import OperatingPoint
from protocol.matchkeys.recipes import match_keys
from protocol.matchkeys.records import ClientRecord
from protocol.matchkeys.score import Outcome, score_pair

ENGLAND = pack("england")
PAIRS = (
    ("Erin", "Holly"),  # nothing in common
    ("Aaron", "Erin"),  # one skeleton
    ("Diana", "Dawn"),
    ("Shannon", "Susan"),
    ("Ka Yan", "Ka Wing"),  # the first part is the family's
    ("Mst. Fatema", "Mst. Ayesha"),  # a style of address
    ("Layan Khaled", "Sidra Khaled"),  # the father's name
    ("Muhammad Faisal", "Muhammad Adnan"),
    # One close skeleton and two names.
    ("Hassan", "Hussein"),
    ("Hasan", "Hossain"),
    ("Maria", "Marie"),
    ("Mia", "Maya"),
    ("John", "Jean"),
    ("Jan", "Jane"),
    ("Joan", "June"),
    ("Lily", "Layla"),
    ("Sean", "Sian"),
    ("Sara", "Zara"),
    ("Ryan", "Rowan"),
    ("Theo", "Thea"),
    ("Daniel", "Danielle"),  # twins of both sexes
    ("Amir", "Amira"),
    ("Ameer", "Ameera"),
    ("Alexander", "Alexandra"),
    ("Christian", "Christine"),
    ("Karim", "Karima"),
    ("Lily-Mae", "Layla-Mae"),
    ("Zorvan", "Zarven"),  # nobody has listed either
)
# Field: equal, or another value there; None is missing on one side.
OTHERS = {
    "nhs_number": ("9993001015", "9993004049"),
    "middle": ("Rose", "Grace"),
    "family": ("Platt", "Okell"),
    "date_of_birth": ("2015-09-17", "2013-02-03"),
    "sex": ("F", "M"),
    "address": ("27 Quayside Row", "8 Spindle Court"),
    "postcode": ("LX4 2BD", "LX6 3TT"),
}
WHOLE = {field: equal for field, (equal, _) in OTHERS.items()}


@pytest.mark.parametrize(("given", "other"), PAIRS)
def test_no_combination_of_agreements_makes_them_one(given: str, other: str) -> None:
    one = match_keys(ClientRecord(given=given, **WHOLE), ENGLAND.keys)
    policies = [replace(ENGLAND, operating_point=_point(point)) for point in ("guarded", "open")]
    linked = []
    for values in product(*((*both, None) for both in OTHERS.values())):
        fields = dict(zip(OTHERS, values, strict=True))
        record = match_keys(ClientRecord(given=other, **fields), ENGLAND.keys)
        for policy in policies:
            if score_pair(policy, one, record).outcome is Outcome.MATCH:
                linked.append((policy.operating_point, fields))
    assert linked == []


@pytest.mark.parametrize(
    ("given", "other"),
    [
        ("Fatima", "Fathima"),  # two spellings
        ("Ameera", "Amira"),
        ("Hassan", "Hasan"),
        ("Hussein", "Hossain"),
        ("Hassan", "Hasssan"),  # a slip leads to the name that it is nearest to
        ("Danielle", "Danyelle"),
        ("Christine", "Chrisitne"),
        ("Zorvan", "Zorrvan"),  # and nobody has listed this one
    ],
)
def test_two_spellings_of_one_name_still_meet(given: str, other: str) -> None:
    one, two = (
        match_keys(ClientRecord(given=name, **WHOLE), ENGLAND.keys) for name in (given, other)
    )
    for key_id in ("nid_given.2", "given_dob.3", "name_pc_dob.3", "name_addr_dob.3"):
        assert one[key_id] == two[key_id]
    moved = {**WHOLE, "nhs_number": None, "middle": None, "address": None}
    copy = match_keys(ClientRecord(given=other, **moved), ENGLAND.keys)
    assert score_pair(ENGLAND, one, copy).outcome is Outcome.MATCH


def test_given_and_family_name_swapped_still_meet() -> None:
    for given, family in (("Amira", "Hasan"), ("Amir", "Platt"), ("Zorvan", "Orrellby")):
        fields = {**WHOLE, "nhs_number": None, "middle": None}
        one, swapped = (
            match_keys(ClientRecord(given=a, **{**fields, "family": b}), ENGLAND.keys)
            for a, b in ((given, family), (family, given))
        )
        assert score_pair(ENGLAND, one, swapped).outcome is Outcome.MATCH


def test_the_same_given_name_is_found_among_the_same_combinations() -> None:
    """So the test above does not pass because nothing is ever linked."""
    one = match_keys(ClientRecord(given="Erin", **WHOLE), ENGLAND.keys)
    moved = ClientRecord(given="Erin", **{**WHOLE, "address": None, "postcode": None})
    assert score_pair(ENGLAND, one, match_keys(moved, ENGLAND.keys)).outcome is Outcome.MATCH


def test_who_is_known_by_the_middle_name_is_still_found() -> None:
    one = ClientRecord(given="Erin", **{**WHOLE, "nhs_number": None})
    other = ClientRecord(given="Rose", **{**WHOLE, "nhs_number": None, "middle": None})
    score = score_pair(ENGLAND, *(match_keys(each, ENGLAND.keys) for each in (one, other)))
    assert "alias_dob_pc.4" in score.agree
    assert score.outcome is Outcome.POSSIBLE


@pytest.mark.parametrize("point", ["guarded", "open"])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        # An unnamed newborn under the mother's number, without an address.
        (
            {"given": "Baby", "family": "Platt", "date_of_birth": "2026-06-23", "sex": "F"},
            {"given": "Erin", "family": "Platt", "date_of_birth": "1995-04-03", "sex": "F"},
        ),
        # Somebody else's number on a record without a birth date.
        (
            {"given": "Gwen", "family": "Orr", "address": "2 Mill Row", "postcode": "LX9 2BD"},
            {"given": "Erin", "family": "Platt", "date_of_birth": "1995-04-03"},
        ),
        # The number and the birth date, and nothing else.
        ({"date_of_birth": "1995-04-03"}, {"date_of_birth": "1995-04-03"}),
    ],
)
def test_a_number_alone_is_never_enough(
    point: str, one: dict[str, str], other: dict[str, str]
) -> None:
    policy = replace(ENGLAND, operating_point=_point(point))
    a, b = (
        match_keys(ClientRecord(nhs_number="9990123454", **fields), policy.keys)
        for fields in (one, other)
    )
    assert score_pair(policy, a, b).outcome is not Outcome.MATCH


def _point(name: str) -> OperatingPoint:
    return "open" if name == "open" else "guarded"
