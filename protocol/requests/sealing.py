"""What a sealed part is bound to: specs/06-requests.md §4 and §6 (HPKE `info`, RFC 9180).

Kind, charter, sender, recipient, signing key id, request id and seal key id, all length-prefixed:
a ciphertext moved to another request, party or kind does not open. Sealing itself draws
randomness and therefore lives with the parties.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
)

from protocol.contact import Email, Hours, Phone
from protocol.fields import Base64, Code, Hex16, Hex32, Name, Seconds, WireModel

SEALED_LIMIT = 16 * 1024
FACT_LIMIT = 2000
"""Characters of a committed fact."""


@dataclass(frozen=True)
class SealBinding:
    """The parties and the request that a sealed part belongs to (ids and keys in hex)."""

    kind: str
    charter_id: str
    sender: str
    recipient: str
    sign_key: str
    request_id: str
    seal_key: str

    def info(self) -> bytes:
        """The HPKE `info` bytes."""
        parts = (
            "patchwork.seal.v1",
            self.kind,
            self.charter_id,
            self.sender,
            self.recipient,
            fingerprint(self.sign_key),
            self.request_id,
            fingerprint(self.seal_key),
        )
        encoded = [part.encode("utf-8") for part in parts]
        return b"".join(len(part).to_bytes(2, "big") + part for part in encoded)


def fingerprint(key: str) -> str:
    """Hex SHA-256 of a public key given in hex."""
    return hashlib.sha256(bytes.fromhex(key)).hexdigest()


def sealed_hash(ciphertext: bytes) -> str:
    """The hash by which a statement names the sealed part beside it."""
    return hashlib.sha256(ciphertext).hexdigest()


class Opening(WireModel):
    """What opens one committed fact of a request, or a reason in writing beside a decision."""

    salt: Hex32
    value: Annotated[str, StringConstraints(min_length=1, max_length=FACT_LIMIT)]


class SealedRequest(WireModel):
    """What a request seals to the holder: who asks, and the openings of committed facts."""

    practitioner: Name
    openings: Annotated[dict[Code, Opening], Field(max_length=12)]


class SealedCheck(WireModel):
    """What an identity check seals: who asks, openings, and the details, boxed once more."""

    practitioner: Name
    openings: Annotated[dict[Code, Opening], Field(max_length=12)]
    details: Base64


RecordText = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class IdentityDetails(WireModel):
    """Name, birth date and postcode as one record has them; nothing else is ever compared."""

    check_id: Hex16
    given: RecordText | None
    family: RecordText | None
    date_of_birth: RecordText | None
    postcode: RecordText | None


def details_key(link_key: bytes, check_id: str) -> bytes:
    """The 32-byte key of the inner box: only who holds the agreeing value can make it.

    So a hub that invents a link learns no name, though it has an agency's help.
    """
    return hmac.digest(link_key, b"patchwork.identity.v1" + bytes.fromhex(check_id), "sha256")


class ContactCard(WireModel):
    """What a release seals to the asker: whom to contact. No case notes, ever.

    Without `since`, as on earlier cards, it stands nowhere.
    """

    practitioner: Name | None
    role: Name | None
    phone: Phone | None
    email: Email | None
    team: Name | None
    duty_line: Phone
    duty_hours: Hours
    last_contact: Seconds | None
    next_visit: Seconds | None
    since: Seconds | None = None

    @model_serializer(mode="wrap")
    def _as_before(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Only a card that says since when has the field: a program of before reads any other."""
        left_out = {"since"} if self.since is None else set()
        return {name: value for name, value in whole(self).items() if name not in left_out}
