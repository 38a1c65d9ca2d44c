"""What was refused over quota: counted for daily statements, once each (specs/05-log.md §14)."""

from storage.engine import NotUniqueError, Transaction

_CAME_BACK = "over_quota_from"


class OverQuota:
    """Refusals over quota within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def count(self, agency: str, statement_id: str, iat: int, final: int) -> bool:
        """Count a refused statement; False if it was counted before.

        What was signed before `final` cannot come again, and is kept as a number alone.
        """
        self._settle(final)
        row = {"statement_id": statement_id, "agency": agency, "iat": iat}
        try:
            self._tx.insert("over_quota", row)
        except NotUniqueError:
            return False
        return True

    def is_first(self, agency: str, kind: str, day: int) -> bool:
        """Whether this refusal is the day's first of its kind: the next one is not."""
        row = {"agency": agency, "kind": kind, "day": day}
        try:
            self._tx.insert("over_quota_leaf", row)
        except NotUniqueError:
            return False
        return True

    def take(self, agency: str, final: int) -> int:
        """How many statements of an agency were refused that were signed before `final` and not
        taken yet.
        """
        self._settle(final)
        sql = "DELETE FROM over_quota_count WHERE agency = ? RETURNING count"
        return sum(row["count"] for row in self._tx.rows(sql, agency))

    def came_back(self, now: int) -> None:
        """This database came back from a backup: refusals since then are not in it."""
        self._tx.put("meta", {"key": _CAME_BACK, "value": str(now)}, ("key",))

    def is_known_since(self, iat: int) -> bool:
        """Whether all refusals of what was signed from then on are counted here."""
        row = self._tx.one("SELECT value FROM meta WHERE key = ?", _CAME_BACK)
        return row is None or int(row["value"]) < iat

    def _settle(self, final: int) -> None:
        rows = self._tx.rows(
            "SELECT agency, COUNT(*) AS n FROM over_quota WHERE iat < ? GROUP BY agency", final
        )
        for row in rows:
            self._tx.run(
                "INSERT INTO over_quota_count (agency, count) VALUES (?, ?) ON CONFLICT (agency) "
                "DO UPDATE SET count = over_quota_count.count + excluded.count",
                row["agency"], row["n"],
            )  # fmt: skip
        if rows:
            self._tx.run("DELETE FROM over_quota WHERE iat < ?", final)
