"""The store of enquiries about people who are no clients: what was asked, and what came of it.

specs/06-requests.md §11. Who it is about is a client that is nothing else, and is in no list of
clients. Nothing here decides.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from node.store.permissions import At, in_force
from node.store.records import Client, client_of
from protocol.requests.sealing import Opening
from storage.engine import Row, Transaction
from storage.states import Moves, check_move

EVERY = 2**62


class EnquiryState(StrEnum):
    """How far an enquiry has come."""

    SENDING = "sending"
    ALLOWED = "allowed"
    REFUSED = "refused"
    FAILED = "failed"
    STOPPED = "stopped"
    LOG_LOST = "log_lost"


_E = EnquiryState
# The hub decides, or does not take it; a backup that was put back does not know how it decided.
ENQUIRY_MOVES: Moves[EnquiryState] = {
    _E.SENDING: (_E.ALLOWED, _E.REFUSED, _E.FAILED, _E.STOPPED, _E.LOG_LOST),
    _E.ALLOWED: (_E.LOG_LOST,),
}


@dataclass(frozen=True, kw_only=True)
class Enquiry:
    """An enquiry at a hub: about whom and by whom (row ids), in which role, for what, on what
    basis, until when the stub may say so (Unix seconds), and the hub's decision.
    """

    hub_id: str
    enquiry_id: str
    client: int
    practitioner: int
    role: str
    purpose: str
    basis: str
    openings: Mapping[str, Opening]
    made_at: int
    until: int
    state: EnquiryState = EnquiryState.SENDING
    code: str | None = None
    field: str | None = None


class Enquiries:
    """Enquiries within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, enquiry: Enquiry) -> None:
        """Store an enquiry that is about to be sent."""
        openings = {name: item.model_dump(mode="json") for name, item in enquiry.openings.items()}
        row = {**vars(enquiry), "openings": json.dumps(openings), "state": enquiry.state.value}
        self._tx.insert("enquiry", row)

    def get(self, hub_id: str, enquiry_id: str) -> Enquiry | None:
        """An enquiry by its id."""
        sql = "SELECT * FROM enquiry WHERE hub_id = ? AND enquiry_id = ?"
        row = self._tx.one(sql, hub_id, enquiry_id)
        return _enquiry(row) if row else None

    def decide(
        self,
        enquiry: Enquiry,
        state: EnquiryState,
        code: str | None = None,
        field: str | None = None,
    ) -> Enquiry:
        """Take down what came of an enquiry; as it is now. Raises LocalError(CONFLICT)."""
        check_move(ENQUIRY_MOVES, enquiry.state, state)
        said = {"state": state.value, "code": code, "field": field}
        key = {"hub_id": enquiry.hub_id, "enquiry_id": enquiry.enquiry_id}
        self._tx.update("enquiry", said, key)
        return replace(enquiry, state=state, code=code, field=field)

    def between(self, hub_id: str, since: int, until: int) -> list[Enquiry]:
        """Those that were made at a hub from one time to before another."""
        sql = "SELECT * FROM enquiry WHERE hub_id = ? AND made_at >= ? AND made_at < ?"
        return [_enquiry(row) for row in self._tx.rows(sql, hub_id, since, until)]

    def of_client(self, client: int) -> list[Enquiry]:
        """All enquiries about somebody, the newest last; of a client who is one, none."""
        sql = "SELECT * FROM enquiry WHERE client = ? ORDER BY made_at, enquiry_id"
        return [_enquiry(row) for row in self._tx.rows(sql, client)]

    def about(self, hub_id: str) -> list[Client]:
        """Everybody whom somebody has enquired about at a hub, by row id."""
        sql = (
            "SELECT * FROM client WHERE id IN (SELECT client FROM enquiry WHERE hub_id = ?) "
            "ORDER BY id"
        )
        return [client_of(row) for row in self._tx.rows(sql, hub_id)]

    def everybody(self) -> list[Client]:
        """The same at all hubs."""
        sql = "SELECT * FROM client WHERE id IN (SELECT client FROM enquiry) ORDER BY id"
        return [client_of(row) for row in self._tx.rows(sql)]

    def clients_after(self, hub_id: str, after: int, size: int) -> list[int]:
        """The next `size` of these after a row id."""
        rows = self._tx.tuples(
            "SELECT id FROM client WHERE id > ? AND id IN "
            "(SELECT client FROM enquiry WHERE hub_id = ?) ORDER BY id LIMIT ?",
            after, hub_id, size,
        )  # fmt: skip
        return [client for (client,) in rows]

    def made_since(self, hub_id: str, practitioner: int, since: int) -> tuple[int, int]:
        """How many a person, and how many all of us have made at a hub since a time; those that
        the hub never took do not count.
        """
        row = self._tx.one(
            "SELECT COUNT(CASE WHEN practitioner = ? THEN 1 END) AS own, COUNT(*) AS of_all "
            "FROM enquiry WHERE hub_id = ? AND made_at >= ? AND state <> 'failed'",
            practitioner, hub_id, since,
        )  # fmt: skip
        return (int(row["own"]), int(row["of_all"])) if row else (0, 0)

    def is_any_to_tell(self, at: At) -> bool:
        """Whether a hub has yet to be told that an enquiry began, or that it is over."""
        goes_on = in_force(at)
        live = (
            "EXISTS (SELECT 1 FROM involvement i "  # noqa: S608 - our own names
            f"WHERE i.client = s.client AND {goes_on.sql})"
        )
        row = self._tx.one(
            "SELECT 1 FROM stub s WHERE s.hub_id = ? "  # noqa: S608 - our own names
            "AND s.client IN (SELECT client FROM enquiry) "
            f"AND ((s.retired = 0 AND s.revision > 0 AND NOT {live}) "
            f"OR ((s.retired = 1 OR s.published_hash = '') AND {live}))",
            at.hub_id, *goes_on.values, *goes_on.values,
        )  # fmt: skip
        return row is not None

    def over(self, now: int, today: int) -> list[int]:
        """Those (row ids) of whom no enquiry is under way or allowed still, and none was made since
        `today` began: till then they count in its budgets.
        """
        rows = self._tx.rows(
            "SELECT e.client FROM enquiry e WHERE e.made_at < ? AND NOT EXISTS "
            "(SELECT 1 FROM enquiry o WHERE o.client = e.client AND (o.made_at >= ? "
            "OR o.state = 'sending' OR (o.state = 'allowed' AND o.until > ?)))",
            today, today, now,
        )  # fmt: skip
        return sorted({int(row["client"]) for row in rows})

    def ids_of(self, clients: Collection[int]) -> dict[str, dict[str, int]]:
        """The enquiries about these by hub, each with whom it is about."""
        sql = "SELECT hub_id, enquiry_id, client FROM enquiry WHERE client IN (:among)"
        found: dict[str, dict[str, int]] = {}
        for row in self._tx.rows_among(sql, among=clients):
            found.setdefault(row["hub_id"], {})[row["enquiry_id"]] = row["client"]
        return found

    def end_with_log(self, hub_id: str) -> None:
        """A hub's new log knows of none."""
        self._tx.run(
            "UPDATE enquiry SET state = ? WHERE hub_id = ? AND state IN (?, ?)",
            _E.LOG_LOST.value, hub_id, _E.SENDING.value, _E.ALLOWED.value,
        )  # fmt: skip


def _enquiry(row: Row) -> Enquiry:
    openings = json.loads(row["openings"])
    values = {
        **row,
        "openings": {name: Opening.model_validate(item) for name, item in openings.items()},
        "state": EnquiryState(row["state"]),
    }
    return Enquiry(**values)
