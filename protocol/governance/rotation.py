"""What may follow in the log of a member that is known: specs/02-charter.md §8. Pure.

A later `member` leaf changes the status alone, or holds a rotation: new keys, signed by the offline
recovery key whose hash the leaf before it holds. The hub has no part in it, and so cannot swap a
member's keys; nor can a thief of the old ones.
"""

import hashlib

from protocol import canonical
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.governance.charter import Charter
from protocol.messages.bodies import EnrolmentBody, MemberBody
from protocol.messages.key_record import KeyRecord
from protocol.messages.log import RotationBody
from protocol.messages.statement import Statement, check_addressed, parse_statement
from protocol.signing import (
    SecretSeed,
    check_public_key,
    check_seal_key,
    public_key,
    sign_ed25519,
    verify_ed25519,
)

CHANGEABLE = {"status", "clients", "keys", "enrolment"}
_HEADER = b"patchwork.rotation.v1\n"


def check_key_record(keys: KeyRecord, iat: int) -> None:
    """Refuse keys that are shared, weak or expired. Raises RemoteError: WEAK_KEY or EXPIRED."""
    if len({keys.auth, keys.sign, keys.seal}) != 3:
        raise RemoteError(ErrorCode.WEAK_KEY, "auth, sign and seal must be three different keys")
    check_public_key(bytes.fromhex(keys.sign))
    check_public_key(bytes.fromhex(keys.auth))
    check_seal_key(bytes.fromhex(keys.seal))
    if keys.seal_expires <= iat:
        raise RemoteError(ErrorCode.EXPIRED, "seal_expires is not after the application")


def check_next_member(
    replaces: str, before: MemberBody, after: MemberBody, charter: Charter
) -> None:
    """Check a `member` leaf against the one in force, whose statement id is `replaces`.

    Raises RemoteError: NOT_ALLOWED, or what is wrong with the rotation.
    """
    if before.status == "revoked":
        raise RemoteError(ErrorCode.NOT_ALLOWED, "a revoked member has another leaf")
    fields = MemberBody.model_fields.keys() - CHANGEABLE
    if any(getattr(before, name) != getattr(after, name) for name in fields):
        raise RemoteError(
            ErrorCode.NOT_ALLOWED, "more than status, size and keys of a member change"
        )
    if after.enrolment == before.enrolment:
        if after.keys != before.keys:
            raise RemoteError(ErrorCode.NOT_ALLOWED, "a member's keys change without a rotation")
        return
    statement = parse_statement(from_base64(after.enrolment))
    if not isinstance(statement.body, RotationBody):
        raise RemoteError(ErrorCode.NOT_ALLOWED, "a member is enrolled once")
    rotation = statement.expect(RotationBody)
    verify_rotation(rotation, replaces, before, charter)
    if rotation.body.keys != after.keys:
        raise RemoteError(ErrorCode.BAD_SIGNATURE, "the keys are not those of the rotation")


def verify_rotation(
    rotation: Statement[RotationBody], replaces: str, before: MemberBody, charter: Charter
) -> None:
    """Check a rotation against the member as it is. Raises RemoteError."""
    body, preamble = rotation.body, rotation.preamble
    check_addressed(
        preamble,
        charter_id=charter.charter_id,
        log_origin=charter.log.origin,
        aud=charter.charter_id,
    )
    if not preamble.sender == body.party_id == before.party_id:
        raise RemoteError(ErrorCode.WRONG_RECIPIENT, "sender, party_id and member differ")
    if body.replaces != replaces:
        raise RemoteError(ErrorCode.CONFLICT, "replaces is not the membership in force")
    recovery = bytes.fromhex(body.recovery_key)
    if hashlib.sha256(recovery).hexdigest() != before.keys.recovery_hash:
        raise RemoteError(ErrorCode.BAD_SIGNATURE, "recovery_key is not the one the log names")
    rotation.envelope.verify(recovery)
    check_key_record(body.keys, preamble.iat)
    old, new = before.keys, body.keys
    if {old.auth, old.sign, old.seal} & {new.auth, new.sign, new.seal}:
        raise RemoteError(ErrorCode.WEAK_KEY, "a new key is one of the old ones")
    if new.recovery_hash == old.recovery_hash:
        raise RemoteError(ErrorCode.WEAK_KEY, "a recovery key is used once: make a new one")
    verify_ed25519(bytes.fromhex(new.sign), _possession(body), from_base64(body.possession))


def check_restated(rotation: Statement[RotationBody], member: MemberBody) -> None:
    """Check a rotation that a lost log's successor states again: what it replaced is not there.

    Whether the recovery key was the member's, those know who followed the old log. Raises
    RemoteError.
    """
    body = rotation.body
    if not rotation.preamble.sender == body.party_id == member.party_id:
        raise RemoteError(ErrorCode.WRONG_RECIPIENT, "sender, party_id and member differ")
    if body.keys != member.keys:
        raise RemoteError(ErrorCode.BAD_SIGNATURE, "the keys are not those of the rotation")
    rotation.envelope.verify(bytes.fromhex(body.recovery_key))
    check_key_record(body.keys, rotation.preamble.iat)
    verify_ed25519(bytes.fromhex(body.keys.sign), _possession(body), from_base64(body.possession))


def rotation_body(
    party_id: str, replaces: str, keys: KeyRecord, seeds: tuple[SecretSeed, SecretSeed]
) -> RotationBody:
    """A rotation's body; `seeds` are the recovery key's and the new `sign` key's."""
    recovery, sign = seeds
    body = RotationBody(
        party_id=party_id,
        replaces=replaces,
        keys=keys,
        recovery_key=public_key(recovery).hex(),
        possession="",
    )
    signature = sign_ed25519(sign, _possession(body))
    return body.model_copy(update={"possession": to_base64(signature)})


def _possession(body: RotationBody) -> bytes:
    return _HEADER + canonical.encode(body.model_dump(mode="json", exclude={"possession"}))


def verify_enrolment(statement: Statement[EnrolmentBody]) -> None:
    """Check an application's own keys and self-signature. Raises RemoteError."""
    keys = statement.body.keys
    check_key_record(keys, statement.preamble.iat)
    if statement.preamble.sender != statement.body.party_id:
        raise RemoteError(ErrorCode.WRONG_RECIPIENT, "sender and party_id differ")
    statement.envelope.verify(bytes.fromhex(keys.sign))
