"""What a publication brings, between its first slice and its last (specs/07-transport.md §2).

Each try to apply an upload has a number. Checked rows are staged under it and tokens are placed
under it (hub/store/stubs.py), and nobody sees either. Once the manifest is in the log, all of it
counts at once: staged rows are the stubs as published. Slice after slice they then take the place
of those of before, and what went with these is remembered.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hub.store.limits import PublicationLimits
from hub.store.stubs import STUB_COLUMNS, Placed, Stubs, stub_values
from protocol.messages.bodies import StubRow
from storage.engine import Transaction

_COLUMNS = ("put_by", *STUB_COLUMNS, "token_commitment", "new_tokens", "counted")
_SLICE = "FROM staged_stub n WHERE n.put_by = ? AND n.stub_id <= ?"
_BEFORE = (
    "FROM staged_stub n JOIN stub s ON s.stub_id = n.stub_id WHERE n.put_by = ? AND n.stub_id <= ?"
)


@dataclass(frozen=True)
class StagedStub:
    """A row that was checked. `new_tokens`: they are others than the stub's last ones; `counted`:
    and that is a change which the charter limits.
    """

    row: StubRow
    new_tokens: bool
    counted: bool


class Staging:
    """Tries and what they stage, within one open transaction."""

    def __init__(self, tx: Transaction, stubs: Stubs, limits: PublicationLimits) -> None:
        self._tx = tx
        self._stubs = stubs
        self._limits = limits

    def begin(self, statement_id: str) -> int:
        """Begin to apply an upload that waits: the number of this try, above those of before. It
        takes the upload's turn.
        """
        last = self._tx.one("SELECT MAX(number) AS number FROM publication")
        number = int((last and last["number"]) or 0) + 1
        self._tx.insert("publication", {"number": number, "statement_id": statement_id})
        self._tx.update("upload", {"number": number}, {"statement_id": statement_id})
        return number

    def has_turn(self, number: int) -> bool:
        """Whether nobody has begun to apply an upload since this try began."""
        return self._tx.one("SELECT 1 FROM upload WHERE number = ?", number) is not None

    def log(self, number: int, index: int) -> None:
        """It stands in the log at this index: from now on all of it counts."""
        self._tx.update("publication", {"idx": index}, {"number": number})
        self._tx.update("upload", {"state": "logged", "idx": index}, {"number": number})

    def put(self, number: int, agency: str, staged: Sequence[StagedStub]) -> None:
        """Stage rows. Raises NotUniqueError for a stub that this try has staged before."""
        rows = [
            (
                number,
                *stub_values(item.row, agency),
                item.row.token_commitment,
                int(item.new_tokens),
                int(item.counted),
            )
            for item in staged
        ]
        self._tx.insert_rows("staged_stub", _COLUMNS, rows)

    def elsewhere(self, number: int, stub_ids: Collection[str]) -> set[str]:
        """Those of these stubs that another publication is bringing at the moment."""
        rows = self._tx.rows_among(
            "SELECT s.stub_id FROM staged_stub s JOIN upload u ON u.number = s.put_by "
            "WHERE s.put_by <> ? AND u.state <> 'dropped' AND s.stub_id IN (:among)",
            number,
            among=stub_ids,
        )
        return {row["stub_id"] for row in rows}

    def put_in_force(self, placed: Placed, most: int) -> bool:
        """Put the next rows of a logged publication in force; False if all are.

        The next ends pass looks at those that may have lost something by it, the next round at all
        of them. What they published last is remembered.
        """
        last = self._last(placed.number, most)
        if last is None:
            return False
        self._put_in_force(placed, last)
        return True

    def given_up(self) -> int | None:
        """The number of a try that nobody goes on with, if there is one."""
        row = self._tx.one(
            "SELECT p.number FROM publication p WHERE p.idx IS NULL AND NOT EXISTS "
            "(SELECT 1 FROM upload u WHERE u.number = p.number AND u.state = 'waiting')"
        )
        return int(row["number"]) if row else None

    def clear(self, number: int, most: int) -> None:
        """Forget rows of a try that was given up, and their tokens, at most `most` stubs; with the
        last the try itself.
        """
        last = self._last(number, most)
        if last is None:
            self._tx.run("DELETE FROM publication WHERE number = ?", number)
            return
        rows = self._tx.rows(f"SELECT n.stub_id {_SLICE}", number, last)
        self._stubs.take_back(number, [row["stub_id"] for row in rows])
        self._forget(number, last)

    def _last(self, number: int, most: int) -> str | None:
        """The stub that the next so many staged rows end with."""
        sql = "SELECT stub_id FROM staged_stub WHERE put_by = ? ORDER BY stub_id LIMIT ?"
        rows = self._tx.rows(sql, number, most)
        return rows[-1]["stub_id"] if rows else None

    def _put_in_force(self, placed: Placed, last: str) -> None:
        """All rows up to a stub's; those before it are in force."""
        up_to = placed.number, last
        self._tx.run(
            f"INSERT INTO lost_stub SELECT n.stub_id {_BEFORE} "
            "AND (n.retired = 1 OR n.involvements <> s.involvements) "
            "ON CONFLICT (stub_id) DO NOTHING",
            *up_to,
        )
        before = self._tx.rows(f"SELECT n.stub_id, n.retired {_BEFORE}", *up_to)
        retired = {row["stub_id"]: bool(row["retired"]) for row in before}
        self._stubs.replace_tokens(retired, placed)
        self._tx.run(
            "INSERT INTO stub (stub_id, agency, revision, retired, involvements, next_expiry, "
            "publication) SELECT n.stub_id, n.agency, n.revision, n.retired, n.involvements, "
            f"n.next_expiry, ? {_SLICE} ON CONFLICT (stub_id) DO UPDATE SET "
            "agency = excluded.agency, revision = excluded.revision, retired = excluded.retired, "
            "involvements = excluded.involvements, next_expiry = excluded.next_expiry, "
            "publication = excluded.publication",
            placed.statement_id, *up_to,
        )  # fmt: skip
        self._tx.run(
            f"INSERT INTO dirty_stub SELECT n.stub_id {_SLICE} ON CONFLICT (stub_id) DO NOTHING",
            *up_to,
        )
        self._limits.take_staged(*up_to, placed.charter_version, placed.signed_at)
        self._forget(*up_to)

    def _forget(self, number: int, last: str) -> None:
        self._tx.run("DELETE FROM staged_stub WHERE put_by = ? AND stub_id <= ?", number, last)
