"""Clients whose records two people together keep unpublished: specs/09-imports.md §12.

Where publishing and requests ask whether one is, node/store/permissions.py answers. Nothing here
decides.
"""

from collections.abc import Collection
from dataclasses import dataclass

from node.store.permissions import withheld
from storage.engine import Row, Transaction

AFTER_RESTORE = "a backup was put back; whether it was withheld meanwhile is not known"


@dataclass(frozen=True, repr=False)
class Withheld:
    """That a client is to be withheld, by its number. `proposed_by`, `agreed_by`, `ending_by` and
    `ended_by` are row ids of people; after a restore nobody proposed or agreed, and there is no
    `expires_at`. Times are Unix seconds, `review_on` is a day.
    """

    id: int
    client: int
    local_id: str
    reason: str
    review_on: str | None
    expires_at: int | None
    proposed_by: int | None
    proposed_at: int
    agreed_by: int | None
    agreed_at: int | None
    ending_by: int | None
    ended_by: int | None
    ended_at: int | None

    def stands(self, now: int) -> bool:
        """Whether it is proposed or in force, and not over."""
        expired = self.expires_at is not None and self.expires_at <= now
        return self.ended_at is None and not expired

    def __repr__(self) -> str:
        """Say which, never of whom or why."""
        return f"Withheld(id={self.id})"


class WithheldClients:
    """Withheld clients within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def propose(self, client: int, said: tuple[str, str, int], person: int, now: int) -> int:
        """Take down that somebody wants a client withheld: why, review day and end. Its number."""
        reason, review_on, expires_at = said
        row = {
            "client": client,
            "reason": reason,
            "review_on": review_on,
            "expires_at": expires_at,
            "proposed_by": person,
            "proposed_at": now,
        }
        return self._tx.insert_for_id("withheld", row)

    def agree(self, one: Withheld, person: int, now: int) -> None:
        """From now on it is in force; in the place of one that was."""
        self._tx.run(
            "UPDATE withheld SET ended_at = ? WHERE client = ? AND agreed_at IS NOT NULL "
            "AND ended_at IS NULL",
            now, one.client,
        )  # fmt: skip
        self._tx.update("withheld", {"agreed_by": person, "agreed_at": now}, {"id": one.id})

    def want_end(self, number: int, person: int | None) -> None:
        """Take down who says first that it is to end."""
        self._tx.update("withheld", {"ending_by": person}, {"id": number})

    def end(self, number: int, person: int, now: int) -> None:
        """It is over."""
        self._tx.update("withheld", {"ended_by": person, "ended_at": now}, {"id": number})

    def put_back(self, client: int, now: int) -> None:
        """Withhold a client until people say that it ends: a backup was put back."""
        if not self.is_withheld(client, now):
            row = {"client": client, "reason": AFTER_RESTORE, "proposed_at": now, "agreed_at": now}
            self._tx.insert("withheld", row)

    def move(self, client: int, to: int) -> None:
        """What was said of a client is said of another one, who they are."""
        self._tx.run("UPDATE withheld SET client = ? WHERE client = ?", to, client)

    def copy(self, pairs: Collection[tuple[int, int]], now: int) -> None:
        """What stands of the first of each two clients stands of the second too."""
        standing = [one for one in self.all() if one.stands(now)] if pairs else []
        rows = [
            {**vars(one), "client": to}
            for one in standing
            for client, to in pairs
            if one.client == client
        ]
        own = {"id", "local_id"}
        self._tx.insert_many("withheld", [{k: r[k] for k in r if k not in own} for r in rows])

    def get(self, number: int) -> Withheld | None:
        """One by its number."""
        return next(iter(self._all("WHERE w.id = ?", number)), None)

    def all(self) -> list[Withheld]:
        """All that were ever proposed, the oldest first."""
        return self._all("")

    def is_withheld(self, client: int, now: int) -> bool:
        """Whether a client (a row id) is withheld."""
        held = withheld("c.id", now)
        sql = f"SELECT 1 FROM client c WHERE c.id = ? AND {held.sql}"  # noqa: S608 - our own names
        return self._tx.one(sql, client, *held.values) is not None

    def _all(self, where: str, *values: object) -> list[Withheld]:
        rows = self._tx.rows(
            "SELECT w.*, c.local_id FROM withheld w JOIN client c ON c.id = w.client "  # noqa: S608
            f"{where} ORDER BY w.id",
            *values,
        )
        return [_withheld(row) for row in rows]


def _withheld(row: Row) -> Withheld:
    return Withheld(**row)
