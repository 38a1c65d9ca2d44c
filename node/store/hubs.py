"""The hubs that this node belongs to, and what was received from each."""

from dataclasses import dataclass

from storage.engine import Transaction


@dataclass(frozen=True)
class HubRow:
    """A hub this node belongs to (or is joining), and where its mail was read up to."""

    hub_id: str
    url: str
    name: str
    genesis: str
    party_id: str
    enrolment: bytes
    generation: str | None
    cursor: int


class Hubs:
    """Hubs, by their id."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def all(self) -> list[HubRow]:
        """The hubs this node has joined, in the order of their ids."""
        return [HubRow(**row) for row in self._tx.rows("SELECT * FROM hub ORDER BY hub_id")]

    def save(self, hub: HubRow) -> None:
        """Remember a hub, or what has changed of it."""
        self._tx.put("hub", vars(hub), ("hub_id",))

    def read_up_to(self, hub: HubRow, generation: str, cursor: int) -> None:
        """The mail of a hub was dealt with up to here, unless its log has a successor by now."""
        key = {"hub_id": hub.hub_id, "genesis": hub.genesis}
        self._tx.update("hub", {"generation": generation, "cursor": cursor}, key)

    def follow_successor(self, hub: HubRow, genesis: str) -> bool:
        """Follow another log in the place of the one in `hub`; False if that was done before."""
        values = {"genesis": genesis, "generation": None, "cursor": 0}
        key = {"hub_id": hub.hub_id, "genesis": hub.genesis}
        return self._tx.update("hub", values, key) == 1

    def mark_handled(self, hub_id: str, statement_id: str) -> bool:
        """Mark a statement as handled; whether it was not before."""
        sql = "INSERT INTO handled (hub_id, statement_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
        return self._tx.run(sql, hub_id, statement_id) == 1
