"""The involvements that a batch of rows is about, while the rows are taken one after another.

Later rows see what earlier ones did, as if each were written at once; what came of it all is
written in the end. Nothing here touches the database.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from node.store.records import Involvement, InvolvementRow

Kept = Mapping[int, InvolvementRow]
"""Involvements by their place: the row id, or below zero for one that is to be inserted."""


class Workload:
    """Involvements of some clients and of some children not yet born: all that there are."""

    def __init__(self, held: Iterable[Involvement]) -> None:
        self._held: dict[int, InvolvementRow] = {}
        self._of_client: dict[int, list[int]] = defaultdict(list)
        self._of_unborn: dict[str, list[int]] = defaultdict(list)
        self._last = 0
        self.removed: list[int] = []
        for item in held:
            values = {name: vars(item)[name] for name in InvolvementRow.__dataclass_fields__}
            self._place(item.id, InvolvementRow(**values))
        self._before = dict(self._held)

    def of_client(self, client: int, child: str | None) -> Kept:
        """A client's own involvements, or those for one child of hers who is not yet born."""
        found = self._kept(self._of_client[client])
        return {place: item for place, item in found.items() if item.for_unborn == child}

    def of_unborn(self, child: str) -> Kept:
        """What is kept for a child not yet born, whoever is said to be the mother."""
        return self._kept(self._of_unborn[child])

    def withdrawn_at(self, client: int, child: str) -> int | None:
        """When a permission was withdrawn last, of anything with a client or a child not born."""
        found = self._kept([*self._of_client[client], *self._of_unborn[child]])
        times = [item.withdrawn_at for item in found.values() if item.withdrawn_at is not None]
        return max(times, default=None)

    def remove(self, places: Iterable[int]) -> None:
        """Take involvements out."""
        for place in places:
            del self._held[place]
            if place > 0:
                self.removed.append(place)

    def put(self, values: InvolvementRow) -> None:
        """Put one in, or in the place of that of the same client, type and child."""
        for place, item in self.of_client(values.client, values.for_unborn).items():
            if item.type == values.type:
                self._held[place] = values
                return
        self._last -= 1
        self._place(self._last, values)

    def changed(self) -> list[Involvement]:
        """Those that are in the database and say something else now."""
        return [
            Involvement(**vars(item), id=place)
            for place, item in self._held.items()
            if place > 0 and item != self._before[place]
        ]

    def added(self) -> list[InvolvementRow]:
        """Those that are not in the database, in the order in which they came."""
        return [item for place, item in self._held.items() if place < 0]

    def _place(self, place: int, values: InvolvementRow) -> None:
        self._held[place] = values
        self._of_client[values.client].append(place)
        if values.for_unborn is not None:
            self._of_unborn[values.for_unborn].append(place)

    def _kept(self, places: Iterable[int]) -> Kept:
        return {place: self._held[place] for place in places if place in self._held}
