"""Publications: a signed manifest over chunks, applied whole or not at all.

specs/07-transport.md §2. An upload may be interrupted and resumed: the hub says which chunks it
lacks. Nothing is visible to matching before every chunk is there and every check has passed.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from hub.log.ledger import Ledger
from hub.matching.limits import Limits
from hub.matching.pepper import Pepper
from hub.store.log import Logged
from hub.store.stubs import PepperedTokens, Placed
from hub.store.tables import HubTables
from hub.store.uploads import Upload
from protocol import canonical
from protocol.commitments import commit
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.recipes import names_somebody
from protocol.messages.bodies import (
    ChunkRef,
    PublicationBody,
    RowsChunk,
    StubRow,
    StubTokens,
    TokensChunk,
)
from protocol.messages.statement import Statement, parse_statement
from protocol.wire import parse_wire

CHUNK_LIMIT = 1024 * 1024
MAX_UPLOADS_AN_AGENCY = 4
TOKEN_BYTES = 16


@dataclass(frozen=True)
class PepperedStub:
    """One stub's token set as it is kept: the commitment it opens, and peppered tokens."""

    stub_id: str
    commitment: str
    tokens: PepperedTokens


@dataclass(frozen=True)
class Publications:
    """The publication part of the hub. Holds the pepper; sees tokens only on their way in."""

    ledger: Ledger
    pepper: Pepper

    def begin(self, tables: HubTables, statement: Statement[PublicationBody]) -> None:
        """Keep a verified manifest until its chunks are here; drops the agency's oldest uploads."""
        body = statement.body
        if body.epoch != self.ledger.charter.token_key.epoch:
            raise RemoteError(ErrorCode.WRONG_CHARTER, "tokens are of another epoch")
        if tables.uploads.is_here(statement.id):
            return
        agency, envelope = statement.preamble.sender, statement.envelope.encode()
        upload = Upload(statement.id, agency, envelope, self.ledger.env.clock())
        tables.uploads.begin(upload, MAX_UPLOADS_AN_AGENCY)

    def pending(self, tables: HubTables, statement_id: str) -> Statement[PublicationBody]:
        """The manifest of an upload. Raises RemoteError(NOT_FOUND)."""
        upload = tables.uploads.upload(statement_id)
        if upload is None:
            raise RemoteError(ErrorCode.NOT_FOUND, "no upload with that name waits for chunks")
        return parse_statement(upload.envelope).expect(PublicationBody)

    def missing(self, tables: HubTables, statement: Statement[PublicationBody]) -> list[str]:
        """Hashes of the chunks that are not here yet."""
        here = tables.uploads.chunk_hashes(statement.id)
        wanted = [ref.hash for ref in (*statement.body.rows, *statement.body.tokens)]
        return [digest for digest in dict.fromkeys(wanted) if digest not in here]

    def add_chunk(
        self, tables: HubTables, statement: Statement[PublicationBody], data: bytes
    ) -> None:
        """Keep one chunk that the manifest names. Raises RemoteError(NOT_FOUND) for any other.

        A chunk of tokens is peppered before it is kept: no token is ever on the hub's disk.
        """
        digest = hashlib.sha256(data).hexdigest()
        rows = [ref for ref in statement.body.rows if ref.hash == digest]
        tokens = [ref for ref in statement.body.tokens if ref.hash == digest]
        if not any(ref.length == len(data) for ref in (*rows, *tokens)):
            raise RemoteError(ErrorCode.NOT_FOUND, "the manifest names no such chunk")
        if tokens:
            data = self._peppered(data, tokens[0])
        tables.uploads.add_chunk(statement.id, digest, data)

    def apply(self, tables: HubTables, statement: Statement[PublicationBody]) -> Logged:
        """Check and apply a complete upload, and log it. Raises RemoteError, changing nothing."""
        directory, preamble = self.ledger.directory, statement.preamble
        if preamble.charter_version != directory.charter.version:
            raise RemoteError(ErrorCode.WRONG_CHARTER, "a new charter came while it was uploaded")
        directory.verify(statement)  # suspended, or new keys, while it was uploaded
        self._check_sequence(tables, statement)
        limits = Limits(tables, directory, preamble.sender, preamble.iat)
        limits.forget_old()
        rows_data = [self._chunk(tables, statement.id, ref) for ref in statement.body.rows]
        tokens = self._token_rows(tables, statement)
        place = Placed(preamble.sender, statement.id, tables.log.next_index(), limits.former_until)
        applying = _Applying(tables, limits, place)
        for data, ref in zip(rows_data, statement.body.rows, strict=True):
            applying.chunk(_rows(data, ref), tokens)
        limits.count_new(applying.fresh)
        limits.check_spread(applying.published)  # over the state after all rows
        if next(tokens, None) is not None:
            raise RemoteError(ErrorCode.MALFORMED, "there are more token sets than rows")
        self.drop(tables, statement.id)
        return self.ledger.append(statement, evidence=rows_data)

    def drop(self, tables: HubTables, statement_id: str) -> None:
        """Forget an upload and its chunks: applied, or refused for good."""
        tables.uploads.drop(statement_id)

    def _check_sequence(self, tables: HubTables, statement: Statement[PublicationBody]) -> None:
        agency = statement.preamble.sender
        done = tables.log.count_entries(agency, "publication", 0)
        if statement.body.sequence != done + 1:
            raise RemoteError(ErrorCode.CONFLICT, f"the next publication has sequence {done + 1}")

    def _token_rows(
        self, tables: HubTables, statement: Statement[PublicationBody]
    ) -> Iterator[PepperedStub]:
        for ref in statement.body.tokens:
            for item in json.loads(self._chunk(tables, statement.id, ref)):
                tokens = {
                    key: [bytes.fromhex(text) for text in texts]
                    for key, texts in item["tokens"].items()
                }
                yield PepperedStub(item["stub_id"], item["commitment"], tokens)

    def _chunk(self, tables: HubTables, statement_id: str, ref: ChunkRef) -> bytes:
        data = tables.uploads.chunk(statement_id, ref.hash)
        if data is None:
            raise RemoteError(ErrorCode.NOT_READY, "a chunk is missing")
        return data

    def _peppered(self, data: bytes, ref: ChunkRef) -> bytes:
        """A chunk of tokens as it is kept: the commitment each set opens, and peppered tokens."""
        chunk = parse_wire(TokensChunk, data, limit=CHUNK_LIMIT)
        if len(chunk.tokens) != ref.count:
            raise RemoteError(ErrorCode.MALFORMED, "a chunk's count is not the manifest's")
        kept = [
            {
                "stub_id": entry.stub_id,
                "commitment": commit(bytes.fromhex(entry.salt), _json(entry)),
                "tokens": {
                    key: [self.pepper(token).hex() for token in _raw_tokens(entry, texts)]
                    for key, texts in entry.tokens.items()
                },
            }
            for entry in chunk.tokens
        ]
        return json.dumps(kept).encode()


class _Applying:
    """Applies a publication chunk by chunk: as many statements for a chunk of any number of rows.

    `fresh`: stubs that were not there before; `published`: the tokens of each stub. Each check
    names the stub (an opaque id) that fails it.
    """

    def __init__(self, tables: HubTables, limits: Limits, place: Placed) -> None:
        self._tables = tables
        self._limits = limits
        self._place = place
        self._charter = limits.directory.charter
        self.fresh = 0
        self.published: dict[str, Collection[bytes]] = {}

    def chunk(self, rows: Sequence[StubRow], tokens: Iterator[PepperedStub]) -> None:
        """Check rows one after the other, then put them all. Raises RemoteError."""
        stub_ids = {row.stub_id for row in rows}
        versions = {
            stub_id: (stub.agency, stub.revision)
            for stub_id, stub in self._tables.stubs.among(stub_ids).items()
        }
        changes = self._limits.changes_of(stub_ids)
        checked: list[tuple[StubRow, PepperedTokens]] = []
        for row in rows:
            self._check(row, versions.get(row.stub_id, (self._place.agency, 0)))
            own = {} if row.retired else self._tokens(row, tokens)
            changes.count(row)
            versions[row.stub_id] = (self._place.agency, row.revision)
            checked.append((row, own))
            self.published[row.stub_id] = tuple(_all(own))
            self.fresh += row.revision == 1
        changes.keep()
        self._tables.stubs.put_all(checked, self._place)

    def _check(self, row: StubRow, last: tuple[str, int]) -> None:
        """Check a row against the charter, and against the owner and revision of the last one."""
        if last != (self._place.agency, row.revision - 1):
            raise RemoteError(ErrorCode.CONFLICT, f"stub {row.stub_id}: owner or revision")
        if row.retired and row.involvements:
            raise RemoteError(ErrorCode.MALFORMED, f"stub {row.stub_id}: retired, yet involved")
        for involvement in row.involvements:
            kind = self._charter.involvement_type(involvement.type)
            if kind is None or involvement.label not in kind.labels:
                raise RemoteError(
                    ErrorCode.NOT_ALLOWED, f"stub {row.stub_id}: type or label not in the charter"
                )

    def _tokens(self, row: StubRow, tokens: Iterator[PepperedStub]) -> PepperedTokens:
        entry = next(tokens, None)
        if entry is None or entry.stub_id != row.stub_id:
            raise RemoteError(ErrorCode.MALFORMED, f"stub {row.stub_id}: its tokens are missing")
        if not hmac.compare_digest(entry.commitment, row.token_commitment):
            raise RemoteError(ErrorCode.BAD_PROOF, f"stub {row.stub_id}: not the tokens committed")
        check_limits(self._charter.policy, row.stub_id, entry.tokens)
        return entry.tokens


def check_limits(policy: MatchPolicy, stub_id: str, tokens: PepperedTokens) -> None:
    """The anti-enumeration limits on one stub's tokens. Raises RemoteError."""
    for key, values in tokens.items():
        weights = policy.keys.get(key)
        if weights is None:
            raise RemoteError(ErrorCode.NOT_ALLOWED, f"stub {stub_id}: unknown match key")
        if len(set(values)) != len(values):
            raise RemoteError(ErrorCode.MALFORMED, f"stub {stub_id}: a token is there twice")
        if len(values) > weights.cap:
            raise RemoteError(ErrorCode.OVER_LIMIT, f"stub {stub_id}: too many tokens of {key}")
    if not names_somebody(tokens):
        raise RemoteError(
            ErrorCode.OVER_LIMIT,
            f"stub {stub_id}: needs a name beside a birth date or a place, or the strong id",
        )


def _rows(data: bytes, ref: ChunkRef) -> list[StubRow]:
    chunk = parse_wire(RowsChunk, data, limit=CHUNK_LIMIT)
    if len(chunk.rows) != ref.count:
        raise RemoteError(ErrorCode.MALFORMED, "a chunk's count is not the manifest's")
    return chunk.rows


def _all(tokens: PepperedTokens) -> set[bytes]:
    return {token for values in tokens.values() for token in values}


def _raw_tokens(entry: StubTokens, texts: list[str]) -> list[bytes]:
    tokens = [from_base64(text) for text in texts]
    if any(len(token) != TOKEN_BYTES for token in tokens):
        raise RemoteError(ErrorCode.MALFORMED, f"stub {entry.stub_id}: a token is not 16 bytes")
    return tokens


def _json(entry: StubTokens) -> canonical.JsonValue:
    tokens: canonical.JsonValue = dict(entry.tokens)
    return {"stub_id": entry.stub_id, "tokens": tokens}
