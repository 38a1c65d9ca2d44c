"""References in a client's team: short, of one entry alone, and the same whoever comes or goes."""

import itertools

import pytest

from node.links.references import Entry, entries_of, entry_named
from node.store.links import Link, LinkedInvolvement, LinkState
from protocol.errors import ErrorCode, LocalError

AGENCY, LINK = "a1" * 16, "b2" * 16


def link(link_id: str, *involvements: str, agency: str | None = AGENCY) -> Link:
    shown = tuple(LinkedInvolvement(item, "health_visiting", "Work") for item in involvements)
    return Link("hub", link_id, "stub", LinkState.MATCH, agency, shown, None, "round")


def references(*links: Link) -> list[str]:
    return [entry.reference for entry in entries_of(links)]


def alike() -> tuple[str, str]:
    """Two involvements of one link whose references would be the same four letters."""
    seen: dict[str, str] = {}
    for number in itertools.count():
        involvement = f"{number:032x}"
        (reference,) = references(link(LINK, involvement))
        if reference in seen:
            return seen[reference], involvement
        seen[reference] = involvement
    raise AssertionError


def refused(entries: list[Entry], typed: str) -> ErrorCode:
    with pytest.raises(LocalError) as caught:
        entry_named(entries, typed)
    return caught.value.code


def test_a_reference_is_four_letters_that_nobody_mistakes_and_stays_whoever_else_there_is() -> None:
    (alone,) = references(link(LINK, "11" * 16))
    assert len(alone) == 4
    assert set(alone) <= set("23456789BCDFGHJKMNPQRSTVWXZ")
    others = [link(f"{number:032x}", "22" * 16) for number in range(20)]
    assert references(*others, link(LINK, "11" * 16))[-1] == alone
    assert len(set(references(*others))) == 20


def test_another_agency_or_another_link_behind_the_same_ids_has_another_reference() -> None:
    (one,) = references(link(LINK, "11" * 16))
    assert references(link(LINK, "11" * 16, agency="a2" * 16)) != [one]
    assert references(link("b3" * 16, "11" * 16)) != [one]
    assert references(link(LINK, "11" * 16, agency=None)) == [], "a possible link names nobody"


def test_it_is_found_as_people_type_it_and_nothing_else_is() -> None:
    entries = entries_of([link(LINK, "11" * 16, "22" * 16)])
    for entry in entries:
        assert entry_named(entries, entry.reference) is entry
        assert entry_named(entries, f" {entry.reference.lower()} ") is entry
        assert entry_named(entries, entry.name) is entry
    for typed in ("1", "", entries[0].reference[:3], "0000", "K7QF" * 9):
        assert refused(entries, typed) is ErrorCode.NOT_FOUND


def test_two_that_begin_alike_are_shown_longer_and_the_short_form_names_neither() -> None:
    first, second = alike()
    (short,) = references(link(LINK, first))
    both = entries_of([link(LINK, first, second)])
    assert all(len(item.reference) > 4 and item.reference.startswith(short) for item in both)
    assert [entry_named(both, item.reference).involvement.id for item in both] == [first, second]
    assert refused(both, short) is ErrorCode.CONFLICT
