"""Publications: a signed manifest over chunks, applied whole or not at all (specs/04-matching.md).

An upload may be interrupted and resumed: the hub says which chunks it lacks. Nothing is visible
to matching before every chunk is there and every check has passed.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from hub.ledger import Ledger
from hub.linkstore import LinkTables, PepperedTokens
from hub.pepper import Pepper
from hub.store import HubTables, Logged
from protocol import canonical
from protocol.charter import Charter
from protocol.commitments import verify_commitment
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64
from protocol.matchkeys.policy import MatchPolicy
from protocol.messages import (
    ChunkRef,
    PublicationBody,
    RowsChunk,
    StubRow,
    StubTokens,
    TokensChunk,
)
from protocol.statement import Statement, parse_statement
from protocol.wire import parse_wire

CHUNK_LIMIT = 1024 * 1024
MAX_UPLOADS_AN_AGENCY = 4
TOKEN_BYTES = 16


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
        if tables.one("SELECT 1 FROM upload WHERE statement_id = ?", statement.id):
            return
        agency = statement.preamble.sender
        tables.run(
            "DELETE FROM upload WHERE statement_id IN (SELECT statement_id FROM upload "
            "WHERE agency = ? ORDER BY received_at DESC LIMIT -1 OFFSET ?)",
            agency, MAX_UPLOADS_AN_AGENCY - 1,
        )  # fmt: skip
        now = self.ledger.surroundings.clock()
        envelope = statement.envelope.encode()
        tables.run("INSERT INTO upload VALUES (?, ?, ?, ?)", statement.id, agency, envelope, now)

    def pending(self, tables: HubTables, statement_id: str) -> Statement[PublicationBody]:
        """The manifest of an upload. Raises RemoteError(NOT_FOUND)."""
        row = tables.one("SELECT envelope FROM upload WHERE statement_id = ?", statement_id)
        if row is None:
            raise RemoteError(ErrorCode.NOT_FOUND, "no upload of that name waits for chunks")
        return parse_statement(row["envelope"]).expect(PublicationBody)

    def missing(self, tables: HubTables, statement: Statement[PublicationBody]) -> list[str]:
        """Hashes of the chunks that are not here yet."""
        sql = "SELECT hash FROM upload_chunk WHERE statement_id = ?"
        here = {row["hash"] for row in tables.rows(sql, statement.id)}
        wanted = [ref.hash for ref in (*statement.body.rows, *statement.body.tokens)]
        return [digest for digest in dict.fromkeys(wanted) if digest not in here]

    def add_chunk(
        self, tables: HubTables, statement: Statement[PublicationBody], data: bytes
    ) -> None:
        """Keep one chunk that the manifest names. Raises RemoteError(NOT_FOUND) for any other."""
        digest = hashlib.sha256(data).hexdigest()
        refs = (*statement.body.rows, *statement.body.tokens)
        if not any(ref.hash == digest and ref.length == len(data) for ref in refs):
            raise RemoteError(ErrorCode.NOT_FOUND, "the manifest names no such chunk")
        tables.run(
            "INSERT OR IGNORE INTO upload_chunk VALUES (?, ?, ?)", statement.id, digest, data
        )

    def apply(self, tables: HubTables, statement: Statement[PublicationBody]) -> Logged:
        """Check and apply a complete upload, and log it. Raises RemoteError, changing nothing."""
        agency = statement.preamble.sender
        self._check_sequence(tables, statement)
        links = LinkTables(tables)
        rows_data = [self._chunk(tables, statement.id, ref) for ref in statement.body.rows]
        tokens = self._token_rows(tables, statement)
        check = _Checker(self.ledger.charter, links, agency)
        for data, ref in zip(rows_data, statement.body.rows, strict=True):
            for row in _rows(data, ref):
                peppered = self._peppered(check.row(row, None if row.retired else tokens))
                check.spread(row.stub_id, peppered)
                links.put_stub(row, agency, statement.id, peppered)
        if next(tokens, None) is not None:
            raise RemoteError(ErrorCode.MALFORMED, "there are more token sets than rows")
        self.drop(tables, statement.id)
        return self.ledger.append(tables, statement, evidence=rows_data)

    def drop(self, tables: HubTables, statement_id: str) -> None:
        """Forget an upload and its chunks: applied, or refused for good."""
        tables.run("DELETE FROM upload_chunk WHERE statement_id = ?", statement_id)
        tables.run("DELETE FROM upload WHERE statement_id = ?", statement_id)

    def _check_sequence(self, tables: HubTables, statement: Statement[PublicationBody]) -> None:
        agency = statement.preamble.sender
        done = tables.count_entries(agency, "publication", 0)
        if statement.body.sequence != done + 1:
            raise RemoteError(ErrorCode.CONFLICT, f"the next publication has sequence {done + 1}")

    def _token_rows(
        self, tables: HubTables, statement: Statement[PublicationBody]
    ) -> Iterator[StubTokens]:
        for ref in statement.body.tokens:
            data = self._chunk(tables, statement.id, ref)
            chunk = parse_wire(TokensChunk, data, limit=CHUNK_LIMIT)
            if len(chunk.tokens) != ref.count:
                raise RemoteError(ErrorCode.MALFORMED, "a chunk's count is not the manifest's")
            yield from chunk.tokens

    def _chunk(self, tables: HubTables, statement_id: str, ref: ChunkRef) -> bytes:
        row = tables.one(
            "SELECT data FROM upload_chunk WHERE statement_id = ? AND hash = ?",
            statement_id, ref.hash,
        )  # fmt: skip
        if row is None:
            raise RemoteError(ErrorCode.NOT_READY, "a chunk is missing")
        data: bytes = row["data"]
        return data

    def _peppered(self, tokens: dict[str, list[bytes]]) -> PepperedTokens:
        return {key: [self.pepper(token) for token in values] for key, values in tokens.items()}


@dataclass(frozen=True)
class _Checker:
    """The checks of a publication, each naming the stub (an opaque id) that fails it."""

    charter: Charter
    links: LinkTables
    agency: str

    def row(self, row: StubRow, tokens: Iterator[StubTokens] | None) -> dict[str, list[bytes]]:
        """Check one row against charter, present state and its token set; the raw tokens."""
        stub = self.links.stub(row.stub_id)
        if stub is not None and (stub.agency != self.agency or row.revision != stub.revision + 1):
            raise RemoteError(ErrorCode.CONFLICT, f"stub {row.stub_id}: owner or revision")
        if row.retired and row.involvements:
            raise RemoteError(ErrorCode.MALFORMED, f"stub {row.stub_id}: retired, yet involved")
        for involvement in row.involvements:
            kind = self.charter.involvement_type(involvement.type)
            if kind is None or involvement.label not in kind.labels:
                raise RemoteError(
                    ErrorCode.NOT_ALLOWED, f"stub {row.stub_id}: type or label not in the charter"
                )
        return self._tokens(row, tokens) if tokens is not None else {}

    def _tokens(self, row: StubRow, tokens: Iterator[StubTokens]) -> dict[str, list[bytes]]:
        entry = next(tokens, None)
        if entry is None or entry.stub_id != row.stub_id:
            raise RemoteError(ErrorCode.MALFORMED, f"stub {row.stub_id}: its tokens are missing")
        verify_commitment(row.token_commitment, bytes.fromhex(entry.salt), _json(entry))
        values = {key: [from_base64(text) for text in texts] for key, texts in entry.tokens.items()}
        check_limits(self.charter.policy, row.stub_id, values)
        return values

    def spread(self, stub_id: str, peppered: PepperedTokens) -> None:
        """No token in more stubs of one agency than the charter allows (address search)."""
        pairs = [(key, token) for key, values in peppered.items() for token in values]
        others = self.links.other_holders(pairs, self.agency, [stub_id])
        if others >= self.charter.quotas.stubs_per_token:
            raise RemoteError(ErrorCode.OVER_LIMIT, f"stub {stub_id}: a token is in too many stubs")


def check_limits(policy: MatchPolicy, stub_id: str, tokens: dict[str, list[bytes]]) -> None:
    """The anti-enumeration limits on one stub's tokens. Raises RemoteError."""
    for key, values in tokens.items():
        weights = policy.keys.get(key)
        if weights is None:
            raise RemoteError(ErrorCode.NOT_ALLOWED, f"stub {stub_id}: unknown match key")
        if any(len(token) != TOKEN_BYTES for token in values) or len(set(values)) != len(values):
            raise RemoteError(ErrorCode.MALFORMED, f"stub {stub_id}: a token is not 16 bytes, once")
        if len(values) > weights.cap:
            raise RemoteError(ErrorCode.OVER_LIMIT, f"stub {stub_id}: too many tokens of {key}")
    if all(policy.keys[key].place for key in tokens):
        raise RemoteError(
            ErrorCode.OVER_LIMIT, f"stub {stub_id}: needs a name and birth date, or the strong id"
        )


def _rows(data: bytes, ref: ChunkRef) -> list[StubRow]:
    chunk = parse_wire(RowsChunk, data, limit=CHUNK_LIMIT)
    if len(chunk.rows) != ref.count:
        raise RemoteError(ErrorCode.MALFORMED, "a chunk's count is not the manifest's")
    return chunk.rows


def _json(entry: StubTokens) -> canonical.JsonValue:
    tokens: canonical.JsonValue = dict(entry.tokens)
    return {"stub_id": entry.stub_id, "tokens": tokens}
