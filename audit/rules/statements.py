"""What every logged statement must be, whatever its kind (specs/08-audit.md §3.2).

Who may send which kind to whom, under which charter version, once, signed by the key that the log
held at that index. The order of things is audit/rules/chain.py's business.
"""

import hashlib
from collections.abc import Iterator

from audit.findings import Finding, FindingCode, rule
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel
from protocol.governance.changes import loosens
from protocol.governance.charter import Charter
from protocol.governance.directory import Directory
from protocol.log.leaf import LeafKind
from protocol.messages.bodies import CharterAcceptBody, CharterBody
from protocol.messages.kinds import KINDS, Kind, Leaf, Party
from protocol.messages.statement import Statement

LEAVES = {
    Leaf.PUBLIC: LeafKind.PUBLIC,
    Leaf.SEALED: LeafKind.SEALED,
    Leaf.ERASURE: LeafKind.ERASURE,
}
_NONCE_BYTES = 16


class StatementCheck:
    """Checks statements one by one. Keeps 16 bytes of each for the search for repeats."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._seen: dict[bytes, int] = {}
        self._accepted: dict[str, Charter] = {}
        self._loosened: dict[tuple[int, int], bool] = {}
        self.signatures = 0

    def check(
        self, index: int, statement: Statement[WireModel], leaf: LeafKind, *, signed: bool
    ) -> Iterator[Finding]:
        """Everything that holds for any statement at `index`; `signed` says its signature fits."""
        yield from self._kind(index, statement.preamble.kind, leaf)
        yield from self._repeat(index, statement)
        self.signatures += leaf is not LeafKind.PUBLIC
        if not signed:
            yield from check_signature(self._directory, index, statement)
        try:
            charter = self._directory.charter_at(index).charter
        except RemoteError:
            return
        yield from self._version(index, statement, charter)
        yield from self._parties(index, statement, charter)
        yield from self._agreement(index, statement, charter)

    def _kind(self, index: int, kind: str, leaf: LeafKind) -> Iterator[Finding]:
        if LEAVES.get(KINDS[kind].leaf) is not leaf:
            detail = f"a {kind} does not belong in a leaf of this kind"
            yield rule(FindingCode.WRONG_KIND, index, detail)

    def _repeat(self, index: int, statement: Statement[WireModel]) -> Iterator[Finding]:
        # A statement logged twice carries its nonce twice, so this finds repeats of both.
        preamble = statement.preamble
        pair = bytes.fromhex(preamble.sender) + bytes.fromhex(preamble.nonce)
        earlier = self._seen.setdefault(hashlib.sha256(pair).digest()[:_NONCE_BYTES], index)
        if earlier != index:
            detail = f"sender and nonce are those of entry {earlier}"
            yield rule(FindingCode.REUSED_NONCE, index, detail)

    def _version(
        self, index: int, statement: Statement[WireModel], charter: Charter
    ) -> Iterator[Finding]:
        if statement.preamble.log_origin != charter.log.origin:
            return  # a member's word from a lost log: the directory lets it stand in the open alone
        stated = statement.preamble.charter_version
        announces = isinstance(statement.body, CharterBody) and stated == statement.body.version
        if stated != charter.version and not announces:
            detail = f"signed under charter version {stated} while {charter.version} was in force"
            yield rule(FindingCode.CHARTER_VERSION, index, detail)

    def _parties(
        self, index: int, statement: Statement[WireModel], charter: Charter
    ) -> Iterator[Finding]:
        preamble = statement.preamble
        if not self._may_send(index, preamble.sender, statement.kind, charter):
            detail = f"this kind of party may not send a {preamble.kind}"
            yield rule(FindingCode.WRONG_SENDER, index, detail)
        if statement.kind.recipient is Party.HUB and preamble.aud != charter.charter_id:
            yield rule(FindingCode.WRONG_RECIPIENT, index, f"a {preamble.kind} must go to the hub")

    def _agreement(
        self, index: int, statement: Statement[WireModel], charter: Charter
    ) -> Iterator[Finding]:
        """An agency publishes and asks only while the charter in force binds it."""
        sender, body = statement.preamble.sender, statement.body
        if isinstance(body, CharterAcceptBody):
            if (body.version, body.document_hash) == (charter.version, charter.document_hash):
                self._accepted[sender] = charter
            else:
                detail = "accepts another charter than the one in force"
                yield rule(FindingCode.ACCEPTANCE_DIFFERS, index, detail)
        elif statement.kind.needs_agreement(body) and not self._is_bound(sender, charter):
            detail = f"a {statement.preamble.kind} from a sender who has not accepted this charter"
            yield rule(FindingCode.NOT_ACCEPTED, index, detail)

    def _is_bound(self, sender: str, charter: Charter) -> bool:
        signed = self._accepted.get(sender)
        if signed is None or signed.version == charter.version:
            return signed is not None
        pair = (signed.version, charter.version)
        if pair not in self._loosened:
            self._loosened[pair] = bool(loosens(signed, charter))
        return not self._loosened[pair]

    def _may_send(self, index: int, sender: str, kind: Kind, charter: Charter) -> bool:
        if kind.sender is Party.HUB:
            return sender == charter.charter_id
        holders = {holder.holder_id for holder in charter.token_key.holders}
        if kind.sender is Party.KEY_HOLDER or (kind.by_key_holders and sender in holders):
            return sender in holders
        if kind.by_hub and sender == charter.charter_id:
            return True
        member = self._directory.member(sender, index)
        if kind.sender is Party.AUDITOR:
            return member is not None and member.body.member_class == "auditor"
        return member is not None


def check_signature(
    directory: Directory, index: int, statement: Statement[WireModel]
) -> Iterator[Finding]:
    """Whether a statement is for this federation and signed by the key in the log at `index`."""
    try:
        directory.verify(statement, index)
    except RemoteError as error:
        foreign = error.code is ErrorCode.WRONG_CHARTER
        code = FindingCode.WRONG_CHARTER if foreign else FindingCode.BAD_SIGNATURE
        yield rule(code, index, f"{statement.preamble.kind}: {error.code}: {error.detail}")
