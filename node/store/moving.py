"""One row that moves from state to state: written only as it was read, and only along its moves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from protocol.errors import ErrorCode, LocalError
from storage.engine import Transaction
from storage.states import Moves, State, check_move

Columns = Mapping[str, object]
State_co = TypeVar("State_co", covariant=True)


class Item(Protocol[State_co]):
    """What a store answers of a row that has a state. The fields of its key are its columns."""

    @property
    def state(self) -> State_co:
        """How far it has come."""
        ...

    def columns(self) -> Columns:
        """The row, its key among it."""
        ...

    def columns_beside(self, before: Any) -> Columns:  # noqa: ANN401 - one of its own class
        """Those columns in which it differs from a former version."""
        ...


class Kept:
    """A row of which all is written out to find what differs."""

    def columns(self) -> Columns:
        """See Item."""
        raise NotImplementedError

    def columns_beside(self, before: "Kept") -> Columns:
        """See Item."""
        held = before.columns()
        return {name: value for name, value in self.columns().items() if value != held[name]}


@dataclass(frozen=True)
class Moving(Generic[State]):
    """A table with a column `state`, and the moves that are allowed in it."""

    table: str
    key: tuple[str, ...]
    moves: Moves[State]

    def change(self, tx: Transaction, before: Item[State], after: Item[State]) -> None:
        """Write what differs between two versions of a row.

        Raises LocalError(CONFLICT) for a move that is not allowed, or where the row is no longer in
        the state in which it was read.
        """
        if after.state is not before.state:
            check_move(self.moves, before.state, after.state)
        values = after.columns_beside(before)
        key = {name: getattr(before, name) for name in self.key}
        found = {**key, "state": before.state.value}
        if values and not tx.update(self.table, values, found):
            raise LocalError(ErrorCode.CONFLICT, f"what was {before.state} has moved meanwhile")
