"""Marks for the next rounds: what has to be matched anew though nothing of it was published."""

from storage.engine import Transaction


class Marks:
    """Marks within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def everybody(self) -> None:
        """All stubs that are not retired."""
        self._mark("SELECT stub_id FROM stub WHERE retired = 0")

    def everybody_linked(self) -> None:
        """One end of each link: rounds look at pairs."""
        self._mark("SELECT DISTINCT stub_a FROM link")

    def agency(self, agency: str) -> None:
        """All of an agency's stubs: it is bound by another charter now, or came or went."""
        self._mark("SELECT stub_id FROM stub WHERE agency = ? AND retired = 0", agency)

    def _mark(self, stubs: str, *values: object) -> None:
        # SQLite reads "ON" after a bare SELECT as a join's: hence "WHERE true".
        sql = f"INSERT INTO dirty_stub (stub_id) SELECT * FROM ({stubs}) AS s "  # noqa: S608
        self._tx.run(f"{sql} WHERE true ON CONFLICT (stub_id) DO NOTHING", *values)
