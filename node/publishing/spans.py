"""Whose stubs are looked at, a page at a time."""

from dataclasses import dataclass
from enum import StrEnum

from node.store.tables import NodeTables


class Whom(StrEnum):
    """Of whom a span is: our clients, everybody with a stub at the hub that is not retired, or
    those whom somebody enquires about.
    """

    CLIENTS = "clients"
    PUBLISHED = "published"
    ENQUIRED = "enquired"


@dataclass(frozen=True)
class Span:
    """The next `size` of these after a row id."""

    after: int
    size: int
    whom: Whom = Whom.CLIENTS

    def clients(self, tables: NodeTables, hub_id: str) -> list[int]:
        """Their row ids, in order."""
        if self.whom is Whom.PUBLISHED:
            return tables.stubs.clients_after(hub_id, self.after, self.size)
        if self.whom is Whom.ENQUIRED:
            return tables.enquiries.clients_after(hub_id, self.after, self.size)
        return tables.records.ids_after(self.after, self.size)
