"""The limits on publications that need no tokens, counted again (specs/08-audit.md §3.3).

New stubs a day and changes of a stub's tokens are in the logged rows: tokens are the same where
their commitment is. How many stubs a token is in cannot be counted here: tokens are never logged.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from audit.findings import Finding, FindingCode, rule
from protocol.governance.directory import Directory
from protocol.governance.limits import DAY, may_change, room_for_new, same_token_terms
from protocol.messages.bodies import PublicationBody, StubRow
from protocol.messages.statement import Statement


class LimitCheck:
    """Counts in log order. Keeps a commitment and a version a stub, and times of changes.

    `token_sets` is how many sets of tokens each agency has published.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._tokens: dict[str, tuple[bytes, int]] = {}
        self._changes: defaultdict[str, list[int]] = defaultdict(list)
        self._new: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self.token_sets: Counter[str] = Counter()

    def new_stubs(
        self, index: int, statement: Statement[PublicationBody], count: int
    ) -> Iterator[Finding]:
        """Whether a publication's new stubs were within the day's limit."""
        counts, day = self._new[statement.preamble.sender], statement.preamble.iat // DAY
        charter = self._directory.charter_at(index).charter
        clients = self._directory.clients_of(statement.preamble.sender, index)
        if count > room_for_new(charter.quotas, clients, counts, day):
            detail = f"{count} new stubs are over the day's limit"
            yield rule(FindingCode.PUBLICATION_LIMIT, index, detail)
        if count:
            counts[day] += count

    def row(
        self, index: int, statement: Statement[PublicationBody], row: StubRow
    ) -> Iterator[Finding]:
        """Whether a stub's tokens changed more often than the charter in force allows."""
        if row.retired:
            return
        charter = self._directory.charter_at(index).charter
        commitment = bytes.fromhex(row.token_commitment)
        last = self._tokens.get(row.stub_id)
        if last is not None and last[0] == commitment:
            return
        self._tokens[row.stub_id] = (commitment, charter.version)
        self.token_sets[statement.preamble.sender] += 1
        if last is None or not same_token_terms(self._directory.charter_of(last[1]), charter):
            return
        times, iat = self._changes[row.stub_id], statement.preamble.iat
        if not may_change(charter.quotas, times, iat):
            detail = f"stub {row.stub_id}: its tokens changed too often in 30 days"
            yield rule(FindingCode.PUBLICATION_LIMIT, index, detail)
        times.append(iat)
