"""Publications and matching rounds against their evidence (specs/08-audit.md §3.3).

Evidence is what a statement commits to by hash. What does not match its hash is not taken in. The
scores behind a link cannot be judged here: tokens are never logged.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from audit.findings import Finding, FindingCode, broken, missing, rule
from audit.rules.facts import LoggedFacts
from audit.rules.limits import LimitCheck
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel
from protocol.governance.charter import Charter
from protocol.governance.directory import Directory
from protocol.log.merkle import leaf_hash, root
from protocol.messages.bodies import (
    LinkItem,
    MatchRoundBody,
    PublicationBody,
    RowsChunk,
    StubRow,
)
from protocol.messages.statement import Statement
from protocol.requests.enquiries import publishes_unfounded
from protocol.wire import parse_wire

CHUNK_LIMIT = 1024 * 1024
ITEM_LIMIT = 4096
# What both sides agreed on, and what a round must not make of the link then.
IGNORED = {("not_same", "match"), ("not_same", "possible"), ("same", "possible")}

EvidenceReader = Callable[[int], bytes]
Wire = TypeVar("Wire", bound=WireModel)


@dataclass(frozen=True)
class Evidence:
    """The evidence of one entry: how many parts there are said to be, and a reader of each."""

    count: int
    read: EvidenceReader


class EvidenceCheck:
    """Checks publications and rounds in log order and takes them into the facts."""

    def __init__(self, facts: LoggedFacts, directory: Directory) -> None:
        self._facts = facts
        self._directory = directory
        self._limits = LimitCheck(directory)
        self._new = 0
        self.rows = 0
        self.items = 0

    @property
    def token_sets(self) -> Mapping[str, int]:
        """How many sets of tokens each agency has published."""
        return self._limits.token_sets

    def publication(
        self, index: int, statement: Statement[PublicationBody], evidence: Evidence
    ) -> Iterator[Finding]:
        """Sequence, chunks and rows of one publication."""
        agency, body = statement.preamble.sender, statement.body
        self._new = 0
        charter = self._directory.charter_at(index).charter
        expected = self._facts.publications[agency] + 1
        self._facts.publications[agency] = max(expected, body.sequence)
        if self._breaks(body.sequence, expected):
            detail = f"sequence {body.sequence} where {expected} was next"
            yield rule(FindingCode.PUBLICATION_SEQUENCE, index, detail)
        if body.epoch != charter.token_key.epoch:
            detail = "tokens are from another epoch than the charter's"
            yield rule(FindingCode.PUBLICATION_ROW, index, detail)
        if evidence.count != len(body.rows):
            detail = f"{evidence.count} chunks of rows are here, {len(body.rows)} are named"
            yield missing(FindingCode.EVIDENCE_MISSING, index, detail)
        for part, ref in enumerate(body.rows[: evidence.count]):
            try:
                data = evidence.read(part)
            except RemoteError as error:
                yield _unreadable(index, part, error)
                continue
            if hashlib.sha256(data).hexdigest() != ref.hash or len(data) != ref.length:
                detail = f"chunk {part} is not the one that the signed manifest names"
                yield broken(FindingCode.CHUNK_DIFFERS, index, detail)
                continue
            yield from self._chunk(index, statement, charter, (data, ref.count))
        yield from self._limits.new_stubs(index, statement, self._new)

    def match_round(
        self, index: int, statement: Statement[MatchRoundBody], evidence: Evidence
    ) -> Iterator[Finding]:
        """Number, root, count and items of one round."""
        body = statement.body
        expected = self._facts.rounds + 1
        self._facts.rounds = max(expected, body.round)
        if self._breaks(body.round, expected):
            detail = f"round {body.round} where {expected} was next"
            yield rule(FindingCode.ROUND_NUMBER, index, detail)
        lines: list[bytes] = []
        for part in range(evidence.count):
            try:
                data = evidence.read(part)
            except RemoteError as error:
                yield _unreadable(index, part, error)
                return
            lines += data.split(b"\n")
        if root([leaf_hash(line) for line in lines]).hex() != body.items_root:
            if len(lines) < body.count:
                detail = f"{len(lines)} of {body.count} items are here"
                yield missing(FindingCode.EVIDENCE_MISSING, index, detail)
            else:
                detail = "the items do not give the root that the round signed"
                yield broken(FindingCode.ROUND_ROOT_DIFFERS, index, detail)
            return
        if len(lines) != body.count:
            detail = f"{len(lines)} items, but the round says {body.count}"
            yield rule(FindingCode.ROUND_COUNT, index, detail)
        for line in lines:
            yield from self._item(index, statement.id, line)

    def number_only(self, statement: Statement[Any]) -> None:
        """Take in the number of a publication or round whose evidence was erased."""
        body, facts = statement.body, self._facts
        if isinstance(body, PublicationBody):
            agency = statement.preamble.sender
            facts.publications[agency] = max(facts.publications[agency] + 1, body.sequence)
        elif isinstance(body, MatchRoundBody):
            facts.rounds = max(facts.rounds + 1, body.round)

    def _breaks(self, number: int, expected: int) -> bool:
        return number < expected or (number > expected and not self._facts.erased)

    def _chunk(
        self,
        index: int,
        statement: Statement[PublicationBody],
        charter: Charter,
        chunk: tuple[bytes, int],
    ) -> Iterator[Finding]:
        data, count = chunk
        parsed = _parse(RowsChunk, data, CHUNK_LIMIT)
        if parsed is None or len(parsed.rows) != count:
            detail = "a chunk cannot be read, or its count is not the manifest's"
            yield rule(FindingCode.PUBLICATION_ROW, index, detail)
        for row in parsed.rows if parsed else ():
            yield from self._row(index, statement, charter, row)

    def _row(
        self, index: int, statement: Statement[PublicationBody], charter: Charter, row: StubRow
    ) -> Iterator[Finding]:
        self.rows += 1
        agency, name = statement.preamble.sender, f"stub {row.stub_id}"
        before = self._facts.stubs.get(row.stub_id)
        if before is not None and before.agency != agency:
            yield rule(FindingCode.STUB_OWNER, index, f"{name} belongs to another agency")
            return
        if before is not None and row.revision != before.revision + 1:
            detail = f"{name}: revision {row.revision} after {before.revision}"
            yield rule(FindingCode.STUB_REVISION, index, detail)
        self._new += before is None
        yield from self._limits.row(index, statement, row)
        if row.retired and row.involvements:
            yield rule(FindingCode.PUBLICATION_ROW, index, f"{name}: retired, but has involvements")
        for involvement in row.involvements:
            kind = charter.involvement_type(involvement.type)
            if kind is None or involvement.label not in kind.labels:
                detail = f"{name}: a type or label is not in the charter"
                yield rule(FindingCode.PUBLICATION_ROW, index, detail)
        if publishes_unfounded(row, self._facts.enquired_until(agency, row.stub_id)):
            detail = f"{name}: an enquiry that was not allowed, for longer, or beside other work"
            yield rule(FindingCode.ENQUIRY_UNFOUNDED, index, detail)
        self._facts.put_row(row, agency, statement.id)

    def _item(self, index: int, round_id: str, line: bytes) -> Iterator[Finding]:
        self.items += 1
        item = _parse(LinkItem, line, ITEM_LIMIT)
        if item is None:
            yield rule(FindingCode.ROUND_ITEM, index, "an item cannot be read")
            return
        name = f"link {item.link_id}"
        for agency, stub_id, publication in (
            (item.agency_a, item.stub_a, item.publication_a),
            (item.agency_b, item.stub_b, item.publication_b),
        ):
            stub = self._facts.stubs.get(stub_id)
            if stub is None or (stub.agency, stub.publication) != (agency, publication):
                detail = f"{name}: one end is not a stub as last published"
                yield rule(FindingCode.ROUND_ITEM, index, detail)
        before = self._facts.links.get(item.link_id)
        ends = ((item.agency_a, item.stub_a), (item.agency_b, item.stub_b))
        if ends[0][0] == ends[1][0] or (before is not None and before.ends != ends):
            detail = f"{name}: its ends changed, or are both in one agency"
            yield rule(FindingCode.ROUND_ITEM, index, detail)
        agreed = self._facts.agreed(item.link_id)
        if (agreed, item.state) in IGNORED:
            detail = f"{name}: {item.state}, though both sides said otherwise and nothing changed"
            yield rule(FindingCode.VERDICT_IGNORED, index, detail)
        self._facts.put_item(item, round_id)


def _unreadable(index: int, part: int, error: RemoteError) -> Finding:
    if error.code is ErrorCode.NOT_FOUND:
        return missing(FindingCode.EVIDENCE_MISSING, index, f"evidence {part} is not in the case")
    detail = f"evidence {part} cannot be read: {error.code}"
    return broken(FindingCode.CHUNK_DIFFERS, index, detail)


def _parse(model: type[Wire], data: bytes, limit: int) -> Wire | None:
    try:
        return parse_wire(model, data, limit=limit)
    except RemoteError:
        return None
