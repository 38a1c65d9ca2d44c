"""The limits on publications at the hub: specs/04-matching.md §10.

Works inside the transaction that applies a publication: it counts, and raises before anything of
the publication stays. Sees peppered tokens and opaque ids, never who they are about.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hub.store.tables import HubTables
from protocol.errors import ErrorCode, RemoteError
from protocol.governance.directory import Directory
from protocol.governance.limits import DAY, TOKEN_DAYS, may_change, room_for_new, same_token_terms
from protocol.messages.bodies import StubRow


@dataclass(frozen=True)
class Limits:
    """One publication's limits: whose it is, when it was signed, and the charters there were."""

    tables: HubTables
    directory: Directory
    agency: str
    iat: int

    def count_new(self, rows: int) -> None:
        """Count stubs that are there for the first time. Raises RemoteError(OVER_LIMIT)."""
        tables, day = self.tables, self.iat // DAY
        sql = "SELECT day, count FROM new_stubs WHERE agency = ?"
        counts = {row["day"]: row["count"] for row in tables.tx.rows(sql, self.agency)}
        if rows > room_for_new(self.directory.charter.quotas, counts, day):
            raise RemoteError(
                ErrorCode.OVER_LIMIT,
                "more new records than the charter allows in a day; publish the rest tomorrow",
            )
        tables.tx.run("INSERT OR IGNORE INTO new_stubs VALUES (?, ?, 0)", self.agency, day)
        tables.tx.run(
            "UPDATE new_stubs SET count = count + ? WHERE agency = ? AND day = ?",
            rows, self.agency, day,
        )  # fmt: skip

    def count_change(self, row: StubRow) -> None:
        """Count a revision that changes tokens. Raises RemoteError(OVER_LIMIT).

        A stub's tokens are the same where their commitment is; what a new charter asks of every
        stub is not counted, nor is retiring.
        """
        if row.retired:
            return
        tables, charter = self.tables, self.directory.charter
        last = tables.tx.one("SELECT * FROM stub_tokens WHERE stub_id = ?", row.stub_id)
        if last is not None and last["token_commitment"] == row.token_commitment:
            return
        tables.tx.run(
            "INSERT OR REPLACE INTO stub_tokens VALUES (?, ?, ?)",
            row.stub_id, row.token_commitment, charter.version,
        )  # fmt: skip
        before = self.directory.charter_of(last["charter_version"]) if last is not None else None
        if not same_token_terms(before, charter):
            return
        times = [
            change["at"]
            for change in tables.tx.rows(
                "SELECT at FROM stub_change WHERE stub_id = ?", row.stub_id
            )
        ]
        if not may_change(charter.quotas, times, self.iat):
            raise RemoteError(
                ErrorCode.OVER_LIMIT,
                f"stub {row.stub_id}: its identifying fields changed "
                f"{charter.quotas.token_changes_per_stub} times in 30 days; wait, or ask the "
                "council to look at this record",
            )
        tables.tx.run("INSERT INTO stub_change VALUES (?, ?)", row.stub_id, self.iat)

    def forget_old(self) -> None:
        """Forget tokens that left their stubs long ago, unless another agency holds them still:
        then it matters who came first (04-matching.md §7.3).
        """
        self.tables.tx.run(
            "DELETE FROM former_token WHERE until <= ? AND NOT EXISTS (SELECT 1 FROM token t "
            "WHERE t.token = former_token.token AND t.agency <> former_token.agency)",
            self.iat,
        )

    def keep_leaving(self, stub_id: str, tokens: Iterable[bytes]) -> None:
        """Go on counting tokens that leave a stub, be it retired or revised."""
        until = self.iat + TOKEN_DAYS * DAY
        held = "SELECT min(since) AS first FROM token WHERE token = ? AND agency = ?"
        for token in tokens:
            row = self.tables.tx.one(held, token, self.agency)
            self.tables.tx.run(
                "INSERT OR REPLACE INTO former_token VALUES (?, ?, ?, ?, ?)",
                token, stub_id, self.agency, until, row["first"] if row else 0,
            )  # fmt: skip

    def check_spread(self, stub_id: str, tokens: Iterable[bytes]) -> None:
        """No token in more stubs of one agency than the charter allows. RemoteError(OVER_LIMIT)."""
        most = self.directory.charter.quotas.stubs_per_token
        sql = (
            "SELECT stub_id FROM token WHERE token = ? AND agency = ? "
            "UNION SELECT stub_id FROM former_token WHERE token = ? AND agency = ? AND until > ? "
            "LIMIT ?"
        )
        for token in tokens:
            if (
                len(
                    self.tables.tx.rows(
                        sql, token, self.agency, token, self.agency, self.iat, most + 1
                    )
                )
                > most
            ):
                raise RemoteError(
                    ErrorCode.OVER_LIMIT,
                    f"stub {stub_id}: one of its tokens was in more than {most} of your records "
                    "within 90 days; leave that token out",
                )
