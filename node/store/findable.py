"""What the charters that bind this agency make always findable, by hub: specs/09-imports.md §11."""

from collections.abc import Mapping

from storage.engine import Transaction


class FindableTypes:
    """Always findable types within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def put(self, hub_id: str, types: Mapping[str, str]) -> None:
        """What is always findable at a hub now: types of involvement, each with its basis."""
        if self.of(hub_id) == dict(types):
            return
        self._tx.run("DELETE FROM always_findable WHERE hub_id = ?", hub_id)
        rows = [{"hub_id": hub_id, "type": kind, "basis": types[kind]} for kind in types]
        self._tx.insert_many("always_findable", rows)

    def of(self, hub_id: str) -> dict[str, str]:
        """The types that are always findable at a hub, each with its basis."""
        rows = self._tx.rows("SELECT type, basis FROM always_findable WHERE hub_id = ?", hub_id)
        return {str(row["type"]): str(row["basis"]) for row in rows}

    def anywhere(self) -> set[str]:
        """The types that are always findable at some hub."""
        return {str(row["type"]) for row in self._tx.rows("SELECT type FROM always_findable")}
