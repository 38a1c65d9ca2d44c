"""Who is who, replayed from the log's public leaves: specs/02-charter.md §5.

The directory is the only source of anybody's key: node, hub, holder and auditor build it from the
same leaves in the same order, and ask it for the key that held *at that index*.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from protocol.dsse import PUBLIC_LEAF_LIMIT, parse_envelope
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import WireModel, from_base64
from protocol.governance.amendments import amended, check_name, renewed
from protocol.governance.charter import Charter, parse_charter
from protocol.governance.figures import SaidFigures, said_next
from protocol.governance.rotation import check_next_member, check_restated, verify_enrolment
from protocol.messages.bodies import (
    CharterAcceptBody,
    CharterBody,
    EndorsementBody,
    EnrolmentBody,
    MemberBody,
)
from protocol.messages.kinds import KINDS, Leaf, SigningKey
from protocol.messages.log import RotationBody, SuccessionBody
from protocol.messages.members import DetailsBody, FiguresBody, RenameBody, SealRenewalBody
from protocol.messages.statement import (
    Preamble,
    Statement,
    check_addressed,
    open_envelope,
    parse_statement,
    sender_of,
)

DAY = 86_400
MOST_FOUNDING_DAYS = 60


@dataclass(frozen=True)
class Member:
    """A member as it is from the public leaf at `index` on.

    `statement_id` and `leaf` are those of the `member` leaf that this rests on, `issued_at` is when
    the hub signed that one; `details` is the sequence of the member's last own details.
    """

    statement_id: str
    index: int
    body: MemberBody
    leaf: int
    issued_at: int
    details: int = 0


@dataclass(frozen=True)
class Endorsement:
    """What a member answers for, and under whose control that member was."""

    party_id: str
    control_domain: str
    body: EndorsementBody


@dataclass(frozen=True)
class CharterVersion:
    """A charter and the leaf that put it in force; `issued_at` is when the hub signed that."""

    statement_id: str
    index: int
    charter: Charter
    issued_at: int


@dataclass(frozen=True)
class Directory:
    """Charters, members, acceptances, endorsements (by fingerprint) and last figures, in log order.
    Start from `Directory()`.

    `succession` is entry 0 of a log that takes the place of a lost one (specs/05-log.md §15).
    """

    charters: tuple[CharterVersion, ...] = ()
    members: Mapping[str, tuple[Member, ...]] = field(default_factory=dict)
    accepted: Mapping[str, int] = field(default_factory=dict)
    endorsements: Mapping[str, tuple[Endorsement, ...]] = field(default_factory=dict)
    succession: Statement[SuccessionBody] | None = None
    figures: Mapping[str, SaidFigures] = field(default_factory=dict)

    @property
    def charter(self) -> Charter:
        """The charter in force now. Raises RemoteError(BAD_TREE) when the log holds none."""
        return self.charter_at(None).charter

    def charter_at(self, index: int | None) -> CharterVersion:
        """The charter in force just before the entry at `index` (None: now)."""
        for version in reversed(self.charters):
            if index is None or version.index < index:
                return version
        raise RemoteError(ErrorCode.BAD_TREE, "no charter is in force at that index")

    def charter_of(self, version: int) -> Charter | None:
        """The charter of a version, if it was ever in force."""
        known = (item.charter for item in self.charters if item.charter.version == version)
        return next(known, None)

    def accepted_charter(self, party_id: str) -> Charter | None:
        """The charter that a party signed last, or None if it signed none."""
        return self.charter_of(self.accepted.get(party_id, 0))

    def member(self, party_id: str, index: int | None = None) -> Member | None:
        """The member's state just before the entry at `index` (None: now)."""
        for member in reversed(self.members.get(party_id, ())):
            if index is None or member.index < index:
                return member
        return None

    def active(self, party_id: str, index: int | None = None) -> Member | None:
        """The member's state if active, else None."""
        member = self.member(party_id, index)
        return member if member is not None and member.body.status == "active" else None

    def clients_of(self, party_id: str, index: int | None = None) -> int:
        """How many clients an agency has declared, just before the entry at `index` (None: now).

        0 if it has declared none: what follows its size is then the least there is.
        """
        member = self.member(party_id, index)
        return member.body.clients or 0 if member else 0

    def bodies(self) -> Iterator[MemberBody]:
        """What every member, of whatever status, is now."""
        return (states[-1].body for states in self.members.values())

    def key_for(self, sender: str, kind: str, index: int | None = None) -> bytes:
        """The key that must have signed a statement of `kind` by `sender` before `index`.

        Raises RemoteError(UNKNOWN_MEMBER).
        """
        charter = self.charter_at(index).charter
        if sender == charter.charter_id:
            return bytes.fromhex(charter.hub.sign)
        for holder in charter.token_key.holders:
            if sender == holder.holder_id:
                return bytes.fromhex(holder.sign)
        member = self.active(sender, index)
        if member is None:
            raise RemoteError(ErrorCode.UNKNOWN_MEMBER, "sender is not an active member")
        keys = member.body.keys
        return bytes.fromhex(keys.auth if KINDS[kind].signing_key is SigningKey.AUTH else keys.sign)

    def open(self, data: bytes) -> Statement[WireModel]:
        """Parse envelope bytes of a party of now, its signature first. Raises RemoteError.

        Nobody who has not signed makes us read more than the envelope.
        """
        envelope = parse_envelope(data)
        envelope.verify(self.key_for(sender_of(envelope), envelope.kind))
        statement = open_envelope(envelope)
        self._check_federation(statement.preamble, self.charter)
        return statement

    def verify(self, statement: Statement[WireModel], index: int | None = None) -> None:
        """Check addressing to this federation and the signature by the key at `index`."""
        charter = self.charter_at(index).charter
        preamble = statement.preamble
        self._check_federation(preamble, charter)
        statement.envelope.verify(self.key_for(preamble.sender, preamble.kind, index))

    @staticmethod
    def _check_federation(preamble: Preamble, charter: Charter) -> None:
        if (preamble.charter_id, preamble.log_origin) != (charter.charter_id, charter.log.origin):
            raise RemoteError(ErrorCode.WRONG_CHARTER, "charter_id or log_origin is another's")


def needed_document(envelope_bytes: bytes) -> str | None:
    """The hash of the charter document that a public leaf calls for, or None."""
    body = parse_statement(envelope_bytes, limit=PUBLIC_LEAF_LIMIT).body
    return body.document_hash if isinstance(body, CharterBody) else None


def apply_public_leaf(
    directory: Directory, index: int, envelope_bytes: bytes, documents: Mapping[str, bytes]
) -> Directory:
    """The directory after the public leaf at `index`. Raises RemoteError for a leaf that lies."""
    statement = open_envelope(parse_envelope(envelope_bytes, limit=PUBLIC_LEAF_LIMIT))
    body = statement.body
    if statement.kind.leaf is not Leaf.PUBLIC:
        raise RemoteError(ErrorCode.BAD_TREE, f"entry {index} is a kind that is never public")
    if isinstance(body, CharterBody):
        return _apply_charter(directory, index, statement.expect(CharterBody), documents)
    if isinstance(body, SuccessionBody):
        if index != 0:
            raise RemoteError(ErrorCode.BAD_TREE, f"entry {index}: a log begins once")
        # Signed by the key of the charter that follows, and checked with it.
        return replace(directory, succession=statement.expect(SuccessionBody))
    if isinstance(body, SealRenewalBody | DetailsBody):
        return _apply_own_change(directory, index, statement)
    directory.verify(statement, index)
    by_member = _BY_MEMBERS.get(type(body))
    if by_member is not None:
        return by_member(directory, index, statement)
    return _apply_word_of_hub(directory, index, statement)


def _apply_word_of_hub(
    directory: Directory, index: int, statement: Statement[WireModel]
) -> Directory:
    body = statement.body
    if statement.preamble.sender != directory.charter_at(index).charter.charter_id:
        raise RemoteError(ErrorCode.NOT_ALLOWED, f"entry {index}: only the hub writes this kind")
    if isinstance(body, MemberBody):
        return _apply_member(directory, index, statement.expect(MemberBody))
    if isinstance(body, RenameBody):
        return _apply_rename(directory, index, body)
    return directory


def _apply_acceptance(directory: Directory, index: int, statement: Statement[Any]) -> Directory:
    """Only an acceptance of the charter in force, addressed to the hub, counts."""
    charter, preamble = directory.charter_at(index).charter, statement.preamble
    body = statement.expect(CharterAcceptBody).body
    stated = (preamble.aud, body.version, body.document_hash)
    if stated != (charter.charter_id, charter.version, charter.document_hash):
        return directory
    return replace(directory, accepted={**directory.accepted, preamble.sender: body.version})


def _apply_endorsement(directory: Directory, index: int, statement: Statement[Any]) -> Directory:
    """Only what a member says that is not under the hub's own control counts."""
    body = statement.expect(EndorsementBody).body
    member = directory.active(statement.preamble.sender, index)
    hub = directory.charter_at(index).charter.hub.control_domain
    if member is None or member.body.control_domain == hub:
        return directory
    said = Endorsement(member.body.party_id, member.body.control_domain, body)
    held = (*directory.endorsements.get(body.fingerprint, ()), said)
    return replace(directory, endorsements={**directory.endorsements, body.fingerprint: held})


def _apply_figures(directory: Directory, index: int, statement: Statement[Any]) -> Directory:
    """Once a week, by an agency, to this hub."""
    sender, said = statement.preamble.sender, statement.expect(FiguresBody)
    member = directory.active(sender, index)
    if member is None or member.body.member_class == "auditor":
        raise RemoteError(ErrorCode.NOT_ALLOWED, f"entry {index}: only an agency gives figures")
    before = directory.figures
    return replace(directory, figures={**before, sender: said_next(before.get(sender), said)})


_BY_MEMBERS: Mapping[type, Callable[[Directory, int, Statement[Any]], Directory]] = {
    CharterAcceptBody: _apply_acceptance,
    EndorsementBody: _apply_endorsement,
    FiguresBody: _apply_figures,
}
"""What members write into the directory themselves; all else is the hub's to write."""


def _apply_charter(
    directory: Directory,
    index: int,
    statement: Statement[CharterBody],
    documents: Mapping[str, bytes],
) -> Directory:
    body = statement.body
    document = documents.get(body.document_hash)
    if document is None:
        raise RemoteError(ErrorCode.NOT_FOUND, f"the charter document of entry {index} is missing")
    charter = parse_charter(document)
    said = (body.document_hash, body.document_length, body.version, body.predecessor)
    held = (charter.document_hash, len(document), charter.version, charter.predecessor)
    if said != held:
        raise RemoteError(ErrorCode.BAD_TREE, f"entry {index}: charter differs from its leaf")
    previous = directory.charters[-1].charter if directory.charters else None
    succession = directory.succession
    if previous is not None:
        follows: tuple[int, str | None] = (previous.version + 1, previous.document_hash)
    elif succession is not None:
        follows = (succession.preamble.charter_version + 1, succession.body.charter)
        _check_succession(succession, index, charter)
    else:
        follows = (1, None)
    if all(item.charter.admission is None for item in directory.charters):
        _check_founding(charter, statement.preamble.iat)
    if (charter.version, charter.predecessor) != follows:
        raise RemoteError(ErrorCode.BAD_TREE, f"entry {index}: charter does not follow")
    signer = previous or charter
    if not charter.charter_id == signer.charter_id == statement.preamble.charter_id:
        raise RemoteError(ErrorCode.WRONG_CHARTER, f"entry {index}: another charter_id")
    statement.envelope.verify(bytes.fromhex(signer.hub.sign))
    version = CharterVersion(statement.id, index, charter, statement.preamble.iat)
    return replace(directory, charters=(*directory.charters, version))


def _check_founding(charter: Charter, now: int) -> None:
    """Founders need no other's word, so a hub cannot keep the founding days open for ever."""
    terms = charter.admission
    if terms is not None and terms.founding_until > now + MOST_FOUNDING_DAYS * DAY:
        raise RemoteError(
            ErrorCode.BAD_TREE, f"founding_until is over {MOST_FOUNDING_DAYS} days on"
        )


def _check_succession(succession: Statement[SuccessionBody], index: int, charter: Charter) -> None:
    """Entry 0 is for the charter of entry 1, by its hub key, and names another log."""
    if index != 1:
        raise RemoteError(ErrorCode.BAD_TREE, f"entry {index}: the charter must be entry 1")
    check_addressed(
        succession.preamble,
        charter_id=charter.charter_id,
        log_origin=charter.log.origin,
        aud=charter.charter_id,
    )
    if succession.body.old_origin == charter.log.origin:
        raise RemoteError(ErrorCode.BAD_TREE, "a log cannot succeed itself")
    succession.envelope.verify(bytes.fromhex(charter.hub.sign))


def enrolled_origin(directory: Directory, preamble: Preamble) -> str:
    """The log that a member's own word in a `member` leaf must name.

    In a successor it may be any earlier one: the followers of that log compare the keys.
    """
    return preamble.log_origin if directory.succession else directory.charter.log.origin


def _apply_member(directory: Directory, index: int, statement: Statement[MemberBody]) -> Directory:
    body = statement.body
    charter = directory.charter_at(index).charter
    reserved = {charter.charter_id, *(item.holder_id for item in charter.token_key.holders)}
    if body.party_id in reserved:
        raise RemoteError(ErrorCode.CONFLICT, f"entry {index}: that id is another party's")
    before = directory.member(body.party_id)
    if before is None:
        check_enrolment(body, directory)
    else:
        check_next_member(before.statement_id, before.body, body, charter)
    details = before.details if before is not None else 0
    member = Member(statement.id, index, body, index, statement.preamble.iat, details)
    return _with(directory, member)


def _apply_own_change(
    directory: Directory, index: int, statement: Statement[WireModel]
) -> Directory:
    """A member's own word on its seal key or its details: nobody else's key makes one."""
    preamble, body = statement.preamble, statement.body
    charter = directory.charter_at(index).charter
    check_addressed(
        preamble,
        charter_id=charter.charter_id,
        log_origin=enrolled_origin(directory, preamble),
        aud=charter.charter_id,
    )
    statement.envelope.verify(directory.key_for(preamble.sender, preamble.kind, index))
    member = directory.active(preamble.sender)
    if member is None:
        raise RemoteError(ErrorCode.NOT_ALLOWED, f"entry {index}: the sender is not a member")
    if isinstance(body, SealRenewalBody):
        changed = renewed(member.body, body, preamble.iat)
        return _with(directory, replace(member, index=index, body=changed))
    details = statement.expect(DetailsBody).body
    changed = amended(member.body, details, member.details, directory.bodies())
    after = replace(member, index=index, body=changed, details=details.sequence)
    return _with(directory, after)


def _apply_rename(directory: Directory, index: int, body: RenameBody) -> Directory:
    member = directory.member(body.party_id)
    if member is None or member.body.status == "revoked":
        raise RemoteError(ErrorCode.NOT_ALLOWED, f"entry {index}: no member with that id")
    check_name(member.body, body.name, directory.bodies())
    changed = member.body.model_copy(update={"name": body.name})
    return _with(directory, replace(member, index=index, body=changed))


def _with(directory: Directory, member: Member) -> Directory:
    """The directory with one more state of a member."""
    history = (*directory.members.get(member.body.party_id, ()), member)
    return replace(directory, members={**directory.members, member.body.party_id: history})


def check_enrolment(member: MemberBody, directory: Directory) -> None:
    """Check that a member leaf says what the member itself signed. Raises RemoteError."""
    own = parse_statement(from_base64(member.enrolment))
    check_addressed(
        own.preamble,
        charter_id=directory.charter.charter_id,
        log_origin=enrolled_origin(directory, own.preamble),
        aud=directory.charter.charter_id,
    )
    if directory.succession is not None and isinstance(own.body, RotationBody):
        check_restated(own.expect(RotationBody), member)
        return
    statement = own.expect(EnrolmentBody)
    shared = EnrolmentBody.model_fields.keys() - {"invitation_hash"}
    if any(getattr(statement.body, name) != getattr(member, name) for name in shared):
        raise RemoteError(ErrorCode.BAD_SIGNATURE, "membership differs from what was applied for")
    verify_enrolment(statement)
