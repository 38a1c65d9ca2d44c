"""How much a key holder evaluates for an agency, by the size it has declared."""

from typing import Any

from keys.holder.meter import Budget, budget_of
from protocol.governance.charter import Charter
from protocol.governance.directory import CharterVersion, Directory, apply_public_leaf
from protocol.governance.limits import DAY
from tests.conftest import Council, party_id

LARGE, SMALL, OLD = 0x30, 0x40, 0x50
BY_SIZE = {
    "evaluations_at_once": {"least": 450, "per_thousand": 15_000},
    "evaluations_per_day": {"least": 150, "per_thousand": 300},
}


def with_members(council: Council, charter: Charter, *parties: tuple[int, int | None]) -> Directory:
    directory = Directory()
    leaves = [council.charter_leaf(charter)]
    leaves += [council.member_leaf(party, clients=clients) for party, clients in parties]
    for index, leaf in enumerate(leaves):
        directory = apply_public_leaf(directory, index, leaf, council.documents)
    return directory


def by_size(council: Council, **more: Any) -> Charter:
    quotas = {**council.charter_value["quotas"], **BY_SIZE}
    return council.charter(quotas=quotas, **more)


def test_a_whole_trust_loads_in_one_go_and_a_charity_cannot_try_a_town(council: Council) -> None:
    members = ((LARGE, 100_000), (SMALL, 20), (OLD, None))
    directory = with_members(council, by_size(council), *members)
    large, small, old = (budget_of(directory, party_id(party), 0) for party, _ in members)
    assert (large.capacity, large.refill) == (1_500_000, 30_000)
    assert (small.capacity, small.refill) == (450, 150)
    assert old == small, "who has declared no size has the least"


def test_a_charter_from_before_sizes_gives_everybody_a_day(council: Council) -> None:
    quotas = {**council.charter_value["quotas"], "evaluations_per_day": 200_000}
    directory = with_members(council, council.charter(quotas=quotas), (SMALL, 20))
    assert budget_of(directory, party_id(SMALL), 0) == Budget(200_000, 200_000)


def test_what_is_used_comes_back_day_by_day_and_never_beyond_the_whole() -> None:
    budget = Budget(capacity=450, refill=150)
    assert budget.left({}, 20_000) == 450
    assert budget.left({20_000: 450}, 20_000) == 0
    assert budget.left({20_000: 450}, 20_001) == 150
    assert budget.left({20_000: 450, 20_001: 150}, 20_002) == 150
    assert budget.left({20_000: 450}, 20_003) == 450
    assert budget.left({20_000: 450}, 20_900) == 450, "what was not used is not saved up"
    assert budget.left({20_000: 450, 20_001: 100}, 20_001) == 50


def test_it_is_said_when_so_much_will_be_there() -> None:
    budget, noon = Budget(capacity=450, refill=150), 20_000 * DAY + 43_200
    assert budget.seconds_until(100, 0, noon) == 43_200, "at midnight"
    assert budget.seconds_until(151, 0, noon) == 43_200 + DAY
    assert budget.seconds_until(450, 400, noon) == 43_200
    assert budget.seconds_until(451, 400, noon) is None
    assert Budget(capacity=450, refill=0).seconds_until(1, 0, noon) is None, "it never comes back"


def test_a_budget_that_became_smaller_than_what_was_used_is_spent_and_not_owed() -> None:
    assert Budget(capacity=450, refill=150).left({20_000: 90_000}, 20_000) == 0


def test_charters_fill_a_budget_no_oftener_than_it_fills_itself(council: Council) -> None:
    """A hub could write a charter a day that asks for other tokens, and take them back."""
    directory = with_members(council, by_size(council), (SMALL, 20))
    day = 1_790_000_000 // DAY
    versions = [directory.charters[0]]
    for number in range(1, 6):
        tables = dict.fromkeys(versions[0].charter.tables, f"{number % 2:02x}" * 32)
        charter = by_size(council, tables=tables)
        versions.append(CharterVersion("00" * 32, 9, charter, (day + number) * DAY))
    changed = Directory(tuple(versions), directory.members)
    used = {day + number: 450 for number in range(6)}
    left = [
        budget_of(changed, party_id(SMALL), on).left({d: n for d, n in used.items() if d < on}, on)
        for on in range(day + 1, day + 6)
    ]
    assert left == [450, 150, 150, 450, 150], "450 at once, 150 a day: every third day"


def test_a_charter_that_asks_for_other_tokens_fills_every_budget_once(council: Council) -> None:
    directory = with_members(council, by_size(council), (SMALL, 20))
    day = 1_790_000_000 // DAY
    first = directory.charters[0]
    tables = dict.fromkeys(first.charter.tables, "ab" * 32)
    other = CharterVersion("00" * 32, 9, by_size(council, tables=tables), (day + 3) * DAY + 60)
    changed = Directory((first, other), directory.members)
    used = {day: 450, day + 3: 20}
    left = [budget_of(changed, party_id(SMALL), on).left(used, on) for on in (day, day + 3)]
    assert left == [0, 430], "filled on the day of the charter; what was used that day counts"
    same = CharterVersion("00" * 32, 9, first.charter, (day + 3) * DAY)
    unchanged = Directory((first, same), directory.members)
    assert budget_of(unchanged, party_id(SMALL), day + 1).left({day: 450}, day + 1) == 150
    assert budget_of(unchanged, party_id(SMALL), day + 3).left({day + 2: 450}, day + 3) == 150


def test_a_charter_dated_ahead_fills_nothing_before_its_day(council: Council) -> None:
    directory = with_members(council, by_size(council), (SMALL, 20))
    first = directory.charters[0]
    day = 1_790_000_000 // DAY
    tables = dict.fromkeys(first.charter.tables, "ab" * 32)
    ahead = CharterVersion("00" * 32, 9, by_size(council, tables=tables), (day + 400) * DAY)
    changed = Directory((first, ahead), directory.members)
    budget = budget_of(changed, party_id(SMALL), day + 1)
    assert budget.left({day: 450}, day + 1) == 150
    assert budget.left({day: 450, day + 1: 150}, day + 1) == 0
