"""Pieces of pages that no whole page shows: what was changed on its way, and hubs that differ."""

from typing import Any

import pytest

from node.views.hubs import Part, beside
from node.web.pages.grounds import kept_fact
from node.web.pages.team import _together
from protocol.governance.charter import FactRule
from protocol.governance.charter_words import Section
from web.forms import Form


@pytest.mark.parametrize(
    ("kind", "sent", "taken"),
    [
        ("committed", "Court order 7\r\nof March", "Court order 7\nof March"),
        ("committed", "\u202egnol", ""),
        ("committed", "\u0000", ""),
        ("committed", "x" * 20_000, ""),
        ("date", "2026-03-14", "2026-03-14"),
        ("date", "yesterday", ""),
        ("enum", "mother", "mother"),
        ("enum", "king", ""),
    ],
)
def test_a_fact_that_was_changed_on_its_way_is_asked_again(
    kind: Any, sent: str, taken: str
) -> None:
    rule = FactRule(field="fact", title="A fact", type=kind, choices=["mother", "father"])
    assert kept_fact(Form([("kept-fact", sent)]), "kept-fact", rule) == taken


def test_a_relative_whom_one_hub_was_asked_about_a_moment_earlier_is_shown_all_the_same() -> None:
    def one(row: int, *others: str) -> dict[str, Any]:
        return {"row": row, "relation": "sibling", "of_them": False, "others": list(others)}

    together = _together([[one(1, "housing")], [one(1, "school"), one(2, "police")]])
    assert [(item["row"], item["others"]) for item in together] == [
        (1, ["housing", "school"]),
        (2, ["police"]),
    ]
    assert _together([]) == []


def test_two_agreements_beside_each_other_show_what_differs_and_no_more() -> None:
    before = (Section("Quotas", ("requests: 5", "checks: 1")), Section("Gone", ("a",)))
    now = (Section("Quotas", ("requests: 7", "checks: 1")), Section("New", ("b",)))
    assert beside(before, now) == (
        Part("Quotas", ("requests: 5",), ("requests: 7",)),
        Part("New", (), ("b",)),
        Part("Gone", ("a",), ()),
    )
    assert beside(now, now) == ()
