"""The tool that takes out conditions: what it takes out, how, and the list of what it may leave."""

import pytest

from protocol.errors import RemoteError
from protocol.messages.statement import check_clocks
from scripts.mutants.__main__ import equivalents
from scripts.mutants.making import mutants_in, mutants_of, names_of
from scripts.mutants.worker import put_in

SOURCE = b"""
def take(card, sender, known):
    if sender is None or (
        sender not in known
    ):
        raise ValueError("unknown")
    if (card.aud, card.request) != (sender, known[sender]):
        raise ValueError("another")
    check_sealed(card)
    try:
        opened = card.open() if card.sealed and card.proof else None
    except KeyError as error:
        raise ValueError("closed") from error
    return [item for item in opened if item.shown]
"""


def test_each_thing_is_taken_out_alone_and_every_line_stays_where_it_is() -> None:
    made = mutants_in("take.py", SOURCE)
    assert [(mutant.where, mutant.what) for mutant in made] == [
        ("take", "never: if sender is None or ( sender not in known )"),
        ("take", "without sender is None in sender is None or ( sender not in known )"),
        ("take", "without sender not in known in sender is None or ( sender not in known )"),
        ("take", "never: if (card.aud, card.request) != (sender, known[sender])"),
        (
            "take",
            "without card.aud in (card.aud, card.request) != (sender, known[sender])",
        ),
        (
            "take",
            "without card.request in (card.aud, card.request) != (sender, known[sender])",
        ),
        ("take", "check_sealed(card)"),
        ("take", "always the first: card.open() if card.sealed and card.proof else None"),
        ("take", "always the last: card.open() if card.sealed and card.proof else None"),
        ("take", "without card.sealed in card.sealed and card.proof"),
        ("take", "without card.proof in card.sealed and card.proof"),
        ("take", 'raise ValueError("closed") from error'),
        ("take", "all of: if item.shown"),
    ]
    assert {mutant.source.count(b"\n") for mutant in made} == {SOURCE.count(b"\n")}
    refusal = made[0]
    assert refusal.lines == (6, 6), "only who is refused can notice that nobody is"
    assert b"if (False" in refusal.source


def test_the_mutant_runs_in_the_place_of_the_code() -> None:
    path = "protocol/messages/statement.py"
    (mutant,) = [m for m in mutants_of(path) if m.where == "check_clocks"]
    code = check_clocks.__code__
    with pytest.raises(RemoteError):
        check_clocks(0, 1000)
    try:
        put_in(mutant.path, mutant.where, mutant.source.decode())
        check_clocks(0, 1000)
    finally:
        check_clocks.__code__ = code


def test_what_is_argued_away_is_still_there() -> None:
    argued = equivalents()
    there = {name for path in {said.split()[0] for said in argued} for name in names_of(path)}
    assert argued.keys() - there == set()
