"""Drafts of requests: what somebody had chosen when it could not be sent, or was refused.

Nothing here leaves the node. Nothing here decides.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from protocol.errors import ErrorCode, LocalError
from storage.engine import Row, Transaction

ON_ITS_WAY = "this request is on its way to the hub: see patchwork-node inbox, and do not ask anew"
GONE = "this draft was sent or deleted meanwhile: see patchwork-node inbox and drafts"
_SENDING = (
    "EXISTS (SELECT 1 FROM sent_request s WHERE s.hub_id = d.hub_id "
    "AND s.request_id = d.request_id AND s.state = 'sending')"
)
_PLAIN = (
    "hub_id", "client", "practitioner", "link_id", "involvement_id", "holder", "role", "purpose",
    "basis", "needed_by", "saved_at", "id", "request_id",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Draft:
    """What was chosen so far: by whom, about whom (rows), to whom, and why; empty or None: not yet.

    `request_id` is of the last attempt to send it; `id` 0: not kept yet.
    """

    hub_id: str
    client: int
    practitioner: int
    link_id: str
    involvement_id: str
    holder: str
    role: str
    purpose: str
    basis: str
    facts: Mapping[str, str]
    needed_by: int | None
    saved_at: int
    id: int = 0
    request_id: str | None = None

    def __repr__(self) -> str:
        """Say which, never about whom."""
        return f"Draft(id={self.id})"


class Drafts:
    """Drafts within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, draft: int) -> Draft | None:
        """One by its number."""
        row = self._tx.one("SELECT * FROM request_draft WHERE id = ?", draft)
        return _draft_of(row) if row else None

    def is_on_its_way(self, draft: int) -> bool:
        """Whether one was sent, and the hub has not said yet whether it takes it."""
        sql = f"SELECT 1 FROM request_draft d WHERE d.id = ? AND {_SENDING}"  # noqa: S608 - ours
        return self._tx.one(sql, draft) is not None

    def of_hub(self, hub_id: str) -> list[tuple[str, Draft]]:
        """Those at a hub that are not on their way, oldest first, each with our own id of its
        client.
        """
        rows = self._tx.rows(
            "SELECT d.*, c.local_id FROM request_draft d JOIN client c ON c.id = d.client "  # noqa: S608 - ours
            f"WHERE d.hub_id = ? AND NOT {_SENDING} ORDER BY d.id",
            hub_id,
        )
        return [(str(row["local_id"]), _draft_of(row)) for row in rows]

    def keep(self, draft: Draft) -> int:
        """Keep one, new or as it is now; its number. Of which attempt it was says `sent` alone.
        Raises LocalError(CONFLICT): it has gone meanwhile.
        """
        values = {name: getattr(draft, name) for name in _PLAIN if name != "id"}
        values["facts"] = json.dumps(dict(draft.facts))
        if not draft.id:
            return self._tx.insert_for_id("request_draft", values)
        del values["request_id"]
        if not self._tx.update("request_draft", values, {"id": draft.id}):
            raise LocalError(ErrorCode.CONFLICT, GONE)
        return draft.id

    def sent(self, draft: int, request_id: str) -> None:
        """It goes out as this request. Raises LocalError(CONFLICT): it does already, or has."""
        if self.is_on_its_way(draft):
            raise LocalError(ErrorCode.CONFLICT, ON_ITS_WAY)
        if not self._tx.update("request_draft", {"request_id": request_id}, {"id": draft}):
            raise LocalError(ErrorCode.CONFLICT, GONE)

    def taken(self, hub_id: str, request_id: str) -> None:
        """The hub has let this request go on: its draft has done its work."""
        sql = "DELETE FROM request_draft WHERE hub_id = ? AND request_id = ?"
        self._tx.run(sql, hub_id, request_id)

    def drop(self, draft: int) -> int:
        """Delete one; whether it was there."""
        return self._tx.run("DELETE FROM request_draft WHERE id = ?", draft)

    def drop_of(self, practitioner: int) -> int:
        """Delete those of somebody (a row's id); how many."""
        return self._tx.run("DELETE FROM request_draft WHERE practitioner = ?", practitioner)


def _draft_of(row: Row) -> Draft:
    return Draft(**{name: row[name] for name in _PLAIN}, facts=json.loads(row["facts"]))
