"""Which of a hub's processes leads, by an epoch that only rises.

No clock is compared with another: whoever sees for long enough that the beat stands still takes the
lead from the one it saw.
"""

from dataclasses import dataclass

from protocol.errors import ErrorCode, LocalError
from storage.engine import NotUniqueError, Transaction

NOBODY = ""


@dataclass(frozen=True)
class Lead:
    """Who leads, since which epoch, and how often it said so. NOBODY: it has ended by itself."""

    epoch: int
    holder: str
    beat: int


class Leads:
    """The lead within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def lead(self) -> Lead | None:
        """Who leads; None before the first."""
        row = self._tx.one("SELECT epoch, holder, beat FROM lead")
        return Lead(**row) if row else None

    def take(self, holder: str, seen: Lead | None) -> int | None:
        """Take the lead from who was seen to have it; the new epoch, None if that has changed."""
        if seen is None:
            try:
                self._tx.insert("lead", {"id": 1, "epoch": 1, "holder": holder, "beat": 0})
            except NotUniqueError:
                return None
            return 1
        values = {"epoch": seen.epoch + 1, "holder": holder, "beat": 0}
        taken = self._tx.update("lead", values, {"id": 1, **vars(seen)})
        return seen.epoch + 1 if taken else None

    def beat(self, epoch: int) -> bool:
        """The leader of this epoch lives; False if it leads no longer."""
        return self._tx.run("UPDATE lead SET beat = beat + 1 WHERE epoch = ?", epoch) == 1

    def resign(self, epoch: int) -> None:
        """The leader of this epoch ends by itself: nobody need wait."""
        self._tx.update("lead", {"holder": NOBODY}, {"epoch": epoch})

    def check(self, epoch: int) -> None:
        """Raise LocalError(CONFLICT) unless this epoch's leader leads still."""
        if self._tx.one("SELECT 1 FROM lead WHERE epoch = ?", epoch) is None:
            raise LocalError(ErrorCode.CONFLICT, "another process of this hub leads now")
