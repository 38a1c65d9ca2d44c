"""Publications and rounds cost a fixed number of statements a batch, however many rows it has.

The batch of a publication is a chunk of rows (a node sends 400 in one); of its last check, over
the state after all rows, a thousand stubs; of a round, all that it looks at.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.statements import counted_statements
from tests.synthetic import AGENCIES, CARE, HEALTH, SCHOOL, SyntheticHub, stubs


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


def test_a_chunk_of_a_thousand_rows_costs_no_more_statements_than_one_of_a_hundred(
    hub: SyntheticHub,
) -> None:
    few, many = range(100), range(100, 1_100)
    for agency in (HEALTH, SCHOOL):  # others who share the tokens that come and go
        hub.publish(agency, range(1_100))
    assert applied(hub, many, 1) <= applied(hub, few, 1)
    hub.pass_days(1)
    assert applied(hub, many, 2) <= applied(hub, few, 2), "tokens leave as others come"
    assert cost(lambda: hub.retire(CARE, many, 3)) <= cost(lambda: hub.retire(CARE, few, 3))


def test_ten_chunks_cost_no_more_than_ten_times_one(hub: SyntheticHub) -> None:
    one = applied(hub, range(100), 1, 100)
    assert applied(hub, range(100, 1_100), 1, 100) <= 10 * one


def rounds(hub: SyntheticHub, people: range) -> list[int]:
    """What rounds over all stubs of these people cost: new, moved, half of them retired, back."""
    half = people[::2]
    costs = []
    for revision in (1, 2):
        for agency in AGENCIES:
            hub.publish(agency, people, revision=revision)
        costs.append(cost(hub.round))
    for agency in AGENCIES:
        hub.retire(agency, half, 3)
    costs.append(cost(hub.round))
    for agency in AGENCIES:
        hub.publish(agency, half, revision=4)
    costs.append(cost(hub.round))
    return costs


def test_a_round_over_a_thousand_stubs_costs_no_more_statements_than_one_over_a_hundred(
    hub: SyntheticHub, tmp_path: Path
) -> None:
    other = SyntheticHub(tmp_path / "other.sqlite")
    few, many = rounds(hub, range(33)), rounds(other, range(333))
    other.close()
    origins = hub.write(lambda tables: tables.tx.rows("SELECT DISTINCT state, origin FROM link"))
    assert {"state": "match", "origin": "supported"} in origins, "every step of a round was taken"
    assert all(much <= little for much, little in zip(many, few, strict=True)), (few, many)
