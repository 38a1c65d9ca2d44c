"""States of what a store keeps: each an enum, with a table of the moves that are allowed."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import TypeVar

from protocol.errors import ErrorCode, LocalError

State = TypeVar("State", bound=StrEnum)
Moves = Mapping[State, Collection[State]]
"""From each state, the states that may follow it. A state that is not named is an end."""


def check_move(moves: Moves[State], before: State, after: State) -> None:
    """Raise LocalError(CONFLICT) unless `after` may follow `before`."""
    if after not in moves.get(before, ()):
        raise LocalError(ErrorCode.CONFLICT, f"what is {before} cannot become {after}")


def sources(moves: Moves[State], after: State) -> list[State]:
    """The states that `after` may follow: for an UPDATE that moves many rows at once."""
    return [before for before, following in moves.items() if after in following]
