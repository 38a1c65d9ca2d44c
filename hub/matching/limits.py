"""The limits on publications at the hub: specs/04-matching.md §10.

Works inside the transaction that applies a publication: it counts, and raises before anything of
the publication stays. Sees peppered tokens and opaque ids, never who they are about.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain

from hub.store.limits import LastTokens
from hub.store.stubs import KnownTokens
from hub.store.tables import HubTables
from protocol.counted import counted
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

    @property
    def former_until(self) -> int:
        """Until when a token that leaves a stub now is counted there."""
        return self.iat + TOKEN_DAYS * DAY

    def count_new(self, rows: int) -> None:
        """Count stubs that are there for the first time, once `check_new` has allowed them."""
        self.tables.limits.add_new_stubs(self.agency, self.iat // DAY, rows)

    def check_new(self, rows: int) -> None:
        """Whether so many new stubs are allowed. Raises RemoteError(OVER_LIMIT)."""
        counts, day = self.tables.limits.new_stubs(self.agency), self.iat // DAY
        clients = self.directory.clients_of(self.agency)
        if rows > room_for_new(self.directory.charter.quotas, clients, counts, day):
            raise RemoteError(
                ErrorCode.OVER_LIMIT,
                "more new records than the charter allows an agency of "
                f"{counted(clients, 'client')} in a day; publish the rest tomorrow, or have the "
                "council state its size",
            )

    def changes_of(self, stub_ids: Collection[str]) -> "TokenChanges":
        """What was counted of these stubs until now."""
        limits = self.tables.limits
        return TokenChanges(self, limits.last_tokens(stub_ids), limits.changes_of(stub_ids))

    def check_spread(self, tokens: Mapping[str, Collection[bytes]], known: KnownTokens) -> None:
        """No token in more stubs of one agency than the charter allows. RemoteError(OVER_LIMIT).

        `tokens` by stub, `known` of all of them: what is over the limit when all rows are there is
        over it when the last of them comes, whose stub the error names.
        """
        most = self.directory.charter.quotas.stubs_per_token
        counts = Counter(chain.from_iterable(tokens.values()))
        often = {token for token, count in counts.items() if count > most}
        held = {
            token: {*known.stub_ids.get(token, ())}
            for token in often | known.stub_ids.keys()
            if counts[token] + len(known.stub_ids.get(token, ())) > most  # few need a closer look
        }
        for stub_id, own in tokens.items():
            for token in held.keys() & own:
                held[token].add(stub_id)
                if len(held[token]) > most:
                    raise RemoteError(
                        ErrorCode.OVER_LIMIT,
                        f"stub {stub_id}: one of its tokens was in more than {most} of your "
                        "records within 90 days; leave that token out",
                    )


class TokenChanges:
    """Judges rows that change a stub's tokens, by what was counted of these stubs until now.

    A stub's tokens are the same where their commitment is; what a new charter asks of every stub
    is not counted, nor is retiring.
    """

    def __init__(
        self, limits: Limits, last: Mapping[str, LastTokens], changes: Mapping[str, list[int]]
    ) -> None:
        self._limits = limits
        self._last = last
        self._times = changes

    def is_new(self, row: StubRow) -> bool:
        """Whether a row brings other tokens than the stub's last ones."""
        last = self._last.get(row.stub_id)
        return not row.retired and (last is None or last.commitment != row.token_commitment)

    def is_counted(self, row: StubRow) -> bool:
        """Whether new tokens are a change that is limited. Raises RemoteError(OVER_LIMIT)."""
        last, charter = self._last.get(row.stub_id), self._limits.directory.charter
        before = self._limits.directory.charter_of(last.charter_version) if last else None
        if not same_token_terms(before, charter):
            return False
        if not may_change(charter.quotas, self._times.get(row.stub_id, ()), self._limits.iat):
            raise RemoteError(
                ErrorCode.OVER_LIMIT,
                f"stub {row.stub_id}: its identifying fields changed "
                f"{charter.quotas.token_changes_per_stub} times in 30 days; wait, or ask the "
                "council to look at this record",
            )
        return True
