"""Publications: a signed manifest over chunks, applied whole or not at all.

specs/07-transport.md §2. An upload may be interrupted and resumed: the hub says which chunks it
lacks. How a complete one is applied: hub/matching/applying.py.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from hub.log.ledger import Ledger
from hub.matching.pepper import STORED_TOKEN_BYTES, Pepper
from hub.store.stubs import PepperedTokens
from hub.store.tables import HubTables
from hub.store.uploads import Upload
from protocol.commitments import commit_encoded
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64
from protocol.matchkeys.policy import MatchPolicy
from protocol.matchkeys.recipes import names_somebody
from protocol.messages.bodies import (
    ChunkRef,
    PublicationBody,
    TokensChunk,
)
from protocol.messages.statement import Statement, parse_statement
from protocol.wire import parse_wire

CHUNK_LIMIT = 1024 * 1024
MAX_UPLOADS_AN_AGENCY = 4
_BEHIND_SALT = re.compile(rb'"stub_id":[^}]*}')


@dataclass(frozen=True)
class PepperedStub:
    """One stub's token set as it is kept: the commitment it opens, and peppered tokens."""

    stub_id: str
    commitment: str
    tokens: PepperedTokens


@dataclass(frozen=True)
class Publications:
    """Uploads within one open transaction."""

    ledger: Ledger

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

    def drop(self, tables: HubTables, statement_id: str) -> None:
        """Be done with an upload: it was refused for good."""
        tables.uploads.drop(statement_id)


def kept_chunk(pepper: Pepper, statement: Statement[PublicationBody], data: bytes) -> bytes:
    """A chunk that the manifest names, as it is kept. RemoteError(NOT_FOUND) for any other.

    A chunk of tokens is peppered before it is kept: no token is ever on the hub's disk.
    """
    digest = hashlib.sha256(data).hexdigest()
    rows = [ref for ref in statement.body.rows if ref.hash == digest]
    tokens = [ref for ref in statement.body.tokens if ref.hash == digest]
    if not any(ref.length == len(data) for ref in (*rows, *tokens)):
        raise RemoteError(ErrorCode.NOT_FOUND, "the manifest names no such chunk")
    return _peppered(pepper, data, tokens[0]) if tokens else data


def _peppered(pepper: Pepper, data: bytes, ref: ChunkRef) -> bytes:
    """A chunk of tokens as it is kept: a line of JSON with each stub's id, the commitment that its
    set opens and the match key of each of its tokens; then all tokens, peppered.
    """
    chunk = parse_wire(TokensChunk, data, limit=CHUNK_LIMIT)
    if len(chunk.tokens) != ref.count:
        raise RemoteError(ErrorCode.MALFORMED, "a chunk's count is not the manifest's")
    stubs = [
        (
            entry.stub_id,
            commit_encoded(bytes.fromhex(entry.salt), committed),
            " ".join([key for key, texts in entry.tokens.items() for _ in texts]),
        )
        for entry, committed in zip(chunk.tokens, _committed(data), strict=True)
    ]
    texts = chain.from_iterable(
        chain.from_iterable(entry.tokens.values()) for entry in chunk.tokens
    )
    return json.dumps(stubs).encode() + b"\n" + b"".join(pepper(map(from_base64, texts)))


def _committed(data: bytes) -> list[bytes]:
    """What each salt in a chunk of tokens commits to (specs/07-transport.md §2). It stands there
    behind the salt as it was encoded, for the chunk is canonical and no string in it has a brace.
    """
    return [b"{%b}" % text for text in _BEHIND_SALT.findall(data)]


def peppered_stubs(kept: bytes) -> list[PepperedStub]:
    """The token sets in a chunk as it is kept."""
    stubs, _, packed = kept.partition(b"\n")
    size = STORED_TOKEN_BYTES
    tokens = iter([packed[start : start + size] for start in range(0, len(packed), size)])
    return [
        PepperedStub(stub_id, commitment, _by_key(keys.split(), tokens))
        for stub_id, commitment, keys in json.loads(stubs)
    ]


def _by_key(keys: list[str], tokens: Iterator[bytes]) -> PepperedTokens:
    found: dict[str, list[bytes]] = {}
    for key, token in zip(keys, tokens, strict=False):  # takes the next tokens, as many as keys
        if key in found:
            found[key].append(token)
        else:
            found[key] = [token]
    return found


def check_limits(policy: MatchPolicy, stub_id: str, tokens: PepperedTokens) -> None:
    """The anti-enumeration limits on one stub's tokens. Raises RemoteError."""
    if not tokens.keys() <= policy.keys.keys():
        raise RemoteError(ErrorCode.NOT_ALLOWED, f"stub {stub_id}: unknown match key")
    for key, values in tokens.items():
        if len(values) == 1:
            continue  # as most types have it: every cap allows one
        if len(set(values)) != len(values):
            raise RemoteError(ErrorCode.MALFORMED, f"stub {stub_id}: a token is there twice")
        if len(values) > policy.keys[key].cap:
            raise RemoteError(ErrorCode.OVER_LIMIT, f"stub {stub_id}: too many tokens of {key}")
    if not names_somebody(tokens):
        raise RemoteError(
            ErrorCode.OVER_LIMIT,
            f"stub {stub_id}: needs a name beside a birth date or a place, or the strong id",
        )
