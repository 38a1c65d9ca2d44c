"""Consents that somebody has begun to record: what they answered so far, one a client and person.

It is not a consent: nothing rests on it. What nobody went on with for a month goes.
"""

import json
from collections.abc import Mapping

from storage.engine import Transaction

KEPT_SECONDS = 30 * 86_400


class ConsentDrafts:
    """Answers by question, of a client (a row's id) and whoever records (likewise)."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, client: int, person: int) -> dict[str, str] | None:
        """What was answered; None: nothing was begun."""
        sql = "SELECT said FROM consent_draft WHERE client = ? AND person = ?"
        row = self._tx.one(sql, client, person)
        return json.loads(row["said"]) if row else None

    def keep(self, client: int, person: int, said: Mapping[str, str], now: int) -> None:
        """Keep what was answered so far; what is old goes."""
        self._tx.run("DELETE FROM consent_draft WHERE saved_at < ?", now - KEPT_SECONDS)
        row = {"client": client, "person": person, "said": json.dumps(dict(said)), "saved_at": now}
        self._tx.put("consent_draft", row, ("client", "person"))

    def drop(self, client: int, person: int) -> None:
        """Delete one."""
        self._tx.run("DELETE FROM consent_draft WHERE client = ? AND person = ?", client, person)

    def drop_of(self, person: int) -> None:
        """Delete those of somebody."""
        self._tx.run("DELETE FROM consent_draft WHERE person = ?", person)
