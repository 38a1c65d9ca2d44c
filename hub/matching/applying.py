"""Apply a complete upload in small steps, whole or not at all (specs/07-transport.md §2).

Each step is a body of a transaction of its own, so that others go in between. First every row is
checked and staged, and its tokens are placed, where nobody counts them; then, in one small step,
the manifest is logged and what is staged is what the agency has published; then it takes the place
of what was before, slice after slice, while no round runs. Whoever runs the steps may stop between
any two: before the leaf nothing has happened, and after it the rest is done when the hub starts
again.
"""

import hmac
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from hub.log.ledger import HubSigner, Ledger
from hub.matching.limits import Limits
from hub.matching.publications import CHUNK_LIMIT, PepperedStub, check_limits, peppered_stubs
from hub.store.log import Logged
from hub.store.staging import StagedStub
from hub.store.stubs import PepperedTokens, Placed
from hub.store.tables import HubTables
from hub.store.uploads import Upload
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.charter import Charter
from protocol.messages.bodies import ChunkRef, PublicationBody, RowsChunk, StubRow
from protocol.messages.statement import Statement, parse_statement
from protocol.requests.enquiries import publishes_unfounded
from protocol.wire import parse_wire
from storage.engine import NotUniqueError, batches

ROWS_A_STEP = 100
ROWS_A_STEP_IN_FORCE = 400
"""More, since what is new costs little there: no token is moved."""
NOT_WAITING = "no upload with that name waits for chunks"

Step = Callable[[HubTables], Any]
Result = TypeVar("Result")
Steps = Generator[Step, Any, Result]
"""Bodies to be run in this order, each in a transaction; what each returns is sent back."""


class TurnLostError(LocalError):
    """Another call has begun to apply the same upload."""


@dataclass(frozen=True)
class Checked:
    """What a try to apply an upload has staged: under which number, and how many stubs are there
    for the first time.
    """

    number: int
    fresh: int


@dataclass(frozen=True)
class Applying:
    """One publication of which all chunks are here."""

    signer: HubSigner = field(repr=False)
    statement: Statement[PublicationBody]

    def check(self) -> Steps[Checked]:
        """Check and stage everything, as a new try: two calls, or two processes, that are given the
        last chunk at once must not stage into each other's rows.

        Raises RemoteError, or TurnLostError.
        """
        number, charter = yield self._begin_try
        fresh = yield from _guarded(
            self._stage(number, charter), partial(self._check_turn, number=number)
        )
        return Checked(number, fresh)

    def _begin_try(self, tables: HubTables) -> tuple[int, Charter]:
        # In one transaction: of an agency's publications the later one has the higher number.
        charter = self._begin(tables)
        return tables.staging.begin(self.statement.id), charter

    def _check_turn(self, tables: HubTables, number: int) -> None:
        if not tables.staging.has_turn(number):
            raise TurnLostError(ErrorCode.CONFLICT, "this publication is being applied elsewhere")
        if not tables.uploads.is_here(self.statement.id):
            raise RemoteError(ErrorCode.NOT_FOUND, NOT_WAITING)

    def log(self, tables: HubTables, checked: Checked) -> Logged:
        """Log what is staged; from here on the agency has published it. Raises RemoteError."""
        self._check_turn(tables, checked.number)
        self._begin(tables)
        self._limits(tables).count_new(checked.fresh)
        rows = (self._chunk(tables, ref) for ref in self.statement.body.rows)
        logged = Ledger(tables, self.signer).append(self.statement, evidence=rows)
        tables.staging.log(checked.number, logged.index)
        return logged

    def _stage(self, number: int, charter: Charter) -> Steps[int]:
        while (yield self._forget_old):
            pass
        sets: deque[PepperedStub] = deque()
        more, fresh = iter(self.statement.body.tokens), 0
        for ref in self.statement.body.rows:
            rows = _rows((yield partial(self._chunk, ref=ref)), ref)
            wanted = sum(not row.retired for row in rows)
            while len(sets) < wanted and (tokens := next(more, None)) is not None:
                sets += peppered_stubs((yield partial(self._chunk, ref=tokens)))
            for some in batches(rows, ROWS_A_STEP):
                checked = [(row, _checked(charter, row, sets)) for row in some]
                fresh += sum(row.revision == 1 for row in some)
                yield partial(self._put, checked=checked, done=Checked(number, fresh))
        if sets or next(more, None) is not None:
            raise RemoteError(ErrorCode.MALFORMED, "there are more token sets than rows")
        return fresh

    def _begin(self, tables: HubTables) -> Charter:
        """What may have come while it was uploaded, and comes again to be checked at the end: a new
        charter, a suspension, new keys, another publication.
        """
        directory, preamble = tables.directory.current(), self.statement.preamble
        if not tables.uploads.is_here(self.statement.id):
            raise RemoteError(ErrorCode.NOT_FOUND, NOT_WAITING)
        if preamble.charter_version != directory.charter.version:
            raise RemoteError(ErrorCode.WRONG_CHARTER, "a new charter came while it was uploaded")
        directory.verify(self.statement)
        done = tables.log.count_entries(preamble.sender, "publication", 0)
        if self.statement.body.sequence != done + 1:
            raise RemoteError(ErrorCode.CONFLICT, f"the next publication has sequence {done + 1}")
        return directory.charter

    def _chunk(self, tables: HubTables, ref: ChunkRef) -> bytes:
        data = tables.uploads.chunk(self.statement.id, ref.hash)
        if data is None:
            raise RemoteError(ErrorCode.NOT_READY, "a chunk is missing")
        return data

    def _put(
        self, tables: HubTables, checked: Sequence[tuple[StubRow, PepperedTokens]], done: Checked
    ) -> None:
        """Stage rows, if they are the agency's own and follow what it has published of them."""
        agency, iat = self.statement.preamble.sender, self.statement.preamble.iat
        stub_ids = [row.stub_id for row, _ in checked]
        known = tables.stubs.among(stub_ids)
        elsewhere = tables.staging.elsewhere(done.number, stub_ids)
        limits = self._limits(tables)
        limits.check_new(done.fresh)
        enquired = tables.enquiries.allowed_until(agency, stub_ids)
        changes, staged = limits.changes_of(stub_ids), []
        placing: dict[str, PepperedTokens] = {}
        for row, tokens in checked:
            last = known.get(row.stub_id)
            owner, revision = (last.agency, last.revision) if last else (agency, 0)
            follows = (owner, revision) == (agency, row.revision - 1)
            if not follows or row.stub_id in elsewhere:
                raise RemoteError(ErrorCode.CONFLICT, f"stub {row.stub_id}: owner or revision")
            if publishes_unfounded(row, enquired.get(row.stub_id)):
                raise RemoteError(ErrorCode.NOT_ALLOWED, f"stub {row.stub_id}: no such enquiry")
            new = changes.is_new(row)
            staged.append(StagedStub(row, new, counted=new and changes.is_counted(row)))
            if new or last is None or last.retired:
                placing[row.stub_id] = tokens
        try:
            tables.staging.put(done.number, agency, staged)
        except NotUniqueError:
            raise RemoteError(ErrorCode.MALFORMED, "a stub is in two rows") from None
        all_of = {row.stub_id: {*chain(*tokens.values())} for row, tokens in checked}
        had = tables.stubs.known_tokens(agency, {*chain(*all_of.values())}, iat, done.number)
        limits.check_spread(all_of, had)
        tables.stubs.place_tokens(done.number, agency, placing, had.since)

    def _forget_old(self, tables: HubTables) -> bool:
        return tables.stubs.forget_former(self.statement.preamble.iat)

    def _limits(self, tables: HubTables) -> Limits:
        preamble = self.statement.preamble
        return Limits(tables, tables.directory.current(), preamble.sender, preamble.iat)


def _guarded(steps: Steps[Result], check: Callable[[HubTables], None]) -> Steps[Result]:
    """The same steps, each after a check in its own transaction."""

    def checked(tables: HubTables, step: Step) -> object:
        check(tables)
        return step(tables)

    answer: object = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        answer = yield partial(checked, step=step)


def put_in_force(upload: Upload) -> Steps[None]:
    """Put a logged publication in force. Rounds wait until it is done."""
    statement = parse_statement(upload.envelope).expect(PublicationBody)
    while (yield partial(_put_some, upload=upload, statement=statement)):
        pass
    rows = sum(ref.count for ref in statement.body.rows)

    def done(tables: HubTables) -> None:
        if tables.uploads.is_logged(upload.statement_id):  # else another process was quicker
            tables.uploads.drop(upload.statement_id)
            tables.ends.owe(rows)

    yield done


def sweep() -> Steps[None]:
    """Forget what uploads that are done with have left."""
    while (yield _sweep_some):
        pass


def _put_some(tables: HubTables, upload: Upload, statement: Statement[Any]) -> bool:
    preamble = statement.preamble
    until = Limits(tables, tables.directory.current(), preamble.sender, preamble.iat).former_until
    placed = Placed(
        preamble.sender,
        upload.statement_id,
        upload.number or 0,
        preamble.iat,
        preamble.charter_version,
        until,
    )
    return tables.staging.put_in_force(placed, ROWS_A_STEP_IN_FORCE)


def _sweep_some(tables: HubTables) -> bool:
    number, statement_id = tables.staging.given_up(), tables.uploads.dropped()
    if number is not None:
        tables.staging.clear(number, ROWS_A_STEP)
    elif statement_id is not None:
        tables.uploads.sweep(statement_id)
    return number is not None or statement_id is not None


def _rows(data: bytes, ref: ChunkRef) -> list[StubRow]:
    chunk = parse_wire(RowsChunk, data, limit=CHUNK_LIMIT)
    if len(chunk.rows) != ref.count:
        raise RemoteError(ErrorCode.MALFORMED, "a chunk's count is not the manifest's")
    return chunk.rows


def _checked(charter: Charter, row: StubRow, sets: deque[PepperedStub]) -> PepperedTokens:
    """A row's tokens, if row and tokens are what the charter allows. Raises RemoteError."""
    if row.retired and row.involvements:
        raise RemoteError(ErrorCode.MALFORMED, f"stub {row.stub_id}: retired, yet involved")
    for involvement in row.involvements:
        kind = charter.involvement_type(involvement.type)
        if kind is None or involvement.label not in kind.labels:
            raise RemoteError(
                ErrorCode.NOT_ALLOWED, f"stub {row.stub_id}: type or label not in the charter"
            )
    if row.retired:
        return {}
    entry = sets.popleft() if sets else None
    if entry is None or entry.stub_id != row.stub_id:
        raise RemoteError(ErrorCode.MALFORMED, f"stub {row.stub_id}: its tokens are missing")
    if not hmac.compare_digest(entry.commitment, row.token_commitment):
        raise RemoteError(ErrorCode.BAD_PROOF, f"stub {row.stub_id}: not the tokens committed")
    check_limits(charter.policy, row.stub_id, entry.tokens)
    return entry.tokens
