"""The limits on publications at the hub: specs/04-matching.md §10.

Works inside the transaction that applies a publication: it counts, and raises before anything of
the publication stays. Sees peppered tokens and opaque ids, never who they are about.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hub.store.limits import LastTokens, TokenChange
from hub.store.tables import HubTables
from protocol.errors import ErrorCode, RemoteError
from protocol.governance.directory import Directory
from protocol.governance.limits import DAY, TOKEN_DAYS, may_change, room_for_new, same_token_terms
from protocol.messages.bodies import StubRow
from storage.engine import batches

STUBS_AT_ONCE = 1_000


@dataclass(frozen=True)
class Limits:
    """One publication's limits: whose it is, when it was signed, and the charters there were."""

    tables: HubTables
    directory: Directory
    agency: str
    iat: int

    @property
    def former_until(self) -> int:
        """Until when a token that leaves a stub now is counted there."""
        return self.iat + TOKEN_DAYS * DAY

    def count_new(self, rows: int) -> None:
        """Count stubs that are there for the first time. Raises RemoteError(OVER_LIMIT)."""
        limits, day = self.tables.limits, self.iat // DAY
        counts = limits.new_stubs(self.agency)
        clients = self.directory.clients_of(self.agency)
        if rows > room_for_new(self.directory.charter.quotas, clients, counts, day):
            raise RemoteError(
                ErrorCode.OVER_LIMIT,
                f"more new records than the charter allows an agency of {clients} clients in a "
                "day; publish the rest tomorrow, or have the council state its size",
            )
        limits.add_new_stubs(self.agency, day, rows)

    def changes_of(self, stub_ids: Collection[str]) -> "TokenChanges":
        """What was counted of these stubs until now."""
        limits = self.tables.limits
        return TokenChanges(self, limits.last_tokens(stub_ids), limits.changes_of(stub_ids))

    def forget_old(self) -> None:
        """Forget tokens that left their stubs long ago."""
        self.tables.stubs.forget_former(self.iat)

    def check_spread(self, published: Mapping[str, Collection[bytes]]) -> None:
        """No token in more stubs of one agency than the charter allows. RemoteError(OVER_LIMIT).

        `published` is the tokens by stub; the error names the first stub that has one too many.
        """
        most = self.directory.charter.quotas.stubs_per_token
        for some in batches(published.items(), STUBS_AT_ONCE):
            asked = {token for _, tokens in some for token in tokens}
            spread = self.tables.stubs.spread(self.agency, asked, self.iat)
            for stub_id, tokens in some:
                if any(spread[token] > most for token in tokens):
                    raise RemoteError(
                        ErrorCode.OVER_LIMIT,
                        f"stub {stub_id}: one of its tokens was in more than {most} of your "
                        "records within 90 days; leave that token out",
                    )


class TokenChanges:
    """Counts revisions that change a stub's tokens, for the stubs of some rows.

    A stub's tokens are the same where their commitment is; what a new charter asks of every stub
    is not counted, nor is retiring.
    """

    def __init__(
        self, limits: Limits, last: Mapping[str, LastTokens], changes: Mapping[str, list[int]]
    ) -> None:
        self._limits = limits
        self._last = dict(last)
        self._times = {stub_id: list(times) for stub_id, times in changes.items()}
        self._put: dict[str, LastTokens] = {}
        self._counted: list[TokenChange] = []

    def count(self, row: StubRow) -> None:
        """Count a row, if it changes tokens. Raises RemoteError(OVER_LIMIT)."""
        last, charter = self._last.get(row.stub_id), self._limits.directory.charter
        if row.retired or (last is not None and last.commitment == row.token_commitment):
            return
        new = LastTokens(row.token_commitment, charter.version)
        self._last[row.stub_id] = self._put[row.stub_id] = new
        before = self._limits.directory.charter_of(last.charter_version) if last else None
        if not same_token_terms(before, charter):
            return
        times = self._times.setdefault(row.stub_id, [])
        if not may_change(charter.quotas, times, self._limits.iat):
            raise RemoteError(
                ErrorCode.OVER_LIMIT,
                f"stub {row.stub_id}: its identifying fields changed "
                f"{charter.quotas.token_changes_per_stub} times in 30 days; wait, or ask the "
                "council to look at this record",
            )
        times.append(self._limits.iat)
        self._counted.append(TokenChange(row.stub_id, self._limits.iat))

    def keep(self) -> None:
        """Write down what was counted."""
        self._limits.tables.limits.put_tokens(self._put, self._counted)
