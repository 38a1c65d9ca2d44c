"""Publications and rounds cost a fixed number of statements a batch, however many rows it has.

The batch of a publication is what one step takes of it; of a round, all that it looks at.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.matching import applying
from hub.matching import rounds as rounds_
from tests.statements import counted_statements
from tests.synthetic import AGENCIES, CARE, HEALTH, HOUSING, SCHOOL, SyntheticHub, stubs


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[SyntheticHub]:
    made = SyntheticHub(tmp_path / "hub.sqlite")
    yield made
    made.close()


def cost(work: Callable[[], object]) -> int:
    """Statements beside those that put signed notices into mailboxes: one a message, not a row."""
    with counted_statements() as said:
        work()
    return sum("mailbox" not in sql for sql in said)


def applied(hub: SyntheticHub, people: range, revision: int, size: int = 1_000) -> int:
    """What it costs to apply one publication of these people."""
    upload = hub.upload(CARE, *stubs(CARE, people, revision), size)
    return cost(lambda: hub.apply(upload))


def test_a_step_of_three_hundred_rows_costs_no_more_statements_than_one_of_thirty(
    hub: SyntheticHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ROWS_A_STEP", "ROWS_A_STEP_IN_FORCE"):
        monkeypatch.setattr(applying, name, 300)
    few, many = range(30), range(30, 330)
    for agency in (HEALTH, SCHOOL):  # others who share the tokens that come and go
        hub.publish(agency, range(330))
    assert applied(hub, many, 1) <= applied(hub, few, 1)
    hub.pass_days(1)
    assert applied(hub, many, 2) <= applied(hub, few, 2), "tokens leave as others come"
    assert cost(lambda: hub.retire(CARE, many, 3)) <= cost(lambda: hub.retire(CARE, few, 3))


def test_ten_chunks_cost_no_more_than_ten_times_one(hub: SyntheticHub) -> None:
    one = applied(hub, range(30), 1, 30)
    assert applied(hub, range(30, 330), 1, 30) <= 10 * one


def rounds(hub: SyntheticHub, people: range) -> list[int]:
    """What rounds over all stubs of these people cost: new, moved, half of them retired."""
    costs = []
    for revision in (1, 2):
        for agency in AGENCIES:
            hub.publish(agency, people, revision=revision)
        costs.append(cost(hub.round))
    for agency in AGENCIES:
        hub.retire(agency, people[::2], 3)
    return [*costs, cost(hub.round)]


def one_in_ten(hub: SyntheticHub, people: range) -> list[int]:
    """What a round costs over stubs whose neighbours, and theirs again, did not change: they are
    new, they move, they are retired; and last, others get rivals.
    """
    for agency in (HEALTH, CARE, HOUSING):
        hub.publish(agency, people)
    for person in range(1, 10):
        hub.publish(SCHOOL, people[person::10])
    hub.round()
    costs = []
    for revision in (1, 2):
        hub.publish(SCHOOL, people[::10], revision=revision)
        costs.append(cost(hub.round))
    hub.retire(SCHOOL, people[::10], 3)
    costs.append(cost(hub.round))
    hub.publish(CARE, people[1::10], copy=" again")
    return [*costs, cost(hub.round)]


@pytest.mark.parametrize(
    ("course", "few", "many"), [(rounds, 20, 200), (one_in_ten, 200, 400)], ids=["all", "some"]
)
def test_a_round_over_many_more_stubs_costs_no_more_statements(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    course: Callable[[SyntheticHub, range], list[int]],
    few: int,
    many: int,
) -> None:
    """Of 60 and 600 stubs that changed, and of a few that changed among many. In fewer than 200
    people everybody is near somebody who changed; over 500 a statement is split.
    """
    monkeypatch.setattr(rounds_, "ROUND_LIMIT", 2_000)
    costs = []
    for number in (few, many):
        hub = SyntheticHub(tmp_path / f"{number}.sqlite")
        costs.append(course(hub, range(number)))
        links = hub.write(lambda t: t.tx.rows("SELECT DISTINCT origin FROM link"))
        hub.close()
        assert {"origin": "supported"} in links, "every step of a round was taken"
    assert all(much <= little for little, much in zip(*costs, strict=True)), costs
