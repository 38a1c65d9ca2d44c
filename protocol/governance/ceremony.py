"""Files between operator and key holders in distributed key generation: specs/03-tokens.md §6.

Shapes only. The arithmetic is keys/, the files are written by keys/holder and by the hub's
operator. All of them are public: shares travel sealed inside deals.
"""

from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from protocol import canonical
from protocol.dsse import parse_envelope
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import Base64, Hex16, Hex32, Name, WireModel, refused_shape

TRANSCRIPT_KIND = "key-birth-transcript"
DEAL_KIND = "key-deal"
CEREMONY_LIMIT = 128 * 1024
DEAL_LIMIT = 64 * 1024


class HolderRecord(WireModel):
    """What a key holder tells everybody: who it is, its keys, where it answers."""

    holder_id: Hex16
    name: Name
    control_domain: Name
    sign: Hex32
    seal: Hex32
    url: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,200}$")]


class CeremonyTerms(WireModel):
    """What all holders agree on before they deal; their order gives their numbers, from 1."""

    charter_id: Hex16
    epoch: Annotated[int, Field(ge=1, le=65_535)]
    threshold: Annotated[int, Field(ge=2, le=16)]
    holders: Annotated[list[HolderRecord], Field(min_length=2, max_length=16)]


class DealFile(WireModel):
    """What one key holder deals: commitments and proof for all to see, and a share for each, sealed
    to it alone (DSSE, payload type of its own).
    """

    charter_id: Hex16
    epoch: Annotated[int, Field(ge=1, le=65_535)]
    threshold: Annotated[int, Field(ge=2, le=16)]
    holders: Annotated[list[Hex16], Field(min_length=2, max_length=16)]
    dealer: Hex16
    deal: dict[str, object]
    shares: dict[Hex16, Base64]


class SignedTranscript(WireModel):
    """The key-birth transcript as one holder signed it (DSSE, payload type of its own)."""

    holder_id: Hex16
    transcript: Base64
    sig: Base64


def holder_ids(terms: CeremonyTerms) -> list[str]:
    """The key holders of a ceremony in the order of their numbers, from 1."""
    return [holder.holder_id for holder in terms.holders]


def read_deal(terms: CeremonyTerms, data: bytes) -> DealFile:
    """A deal that one of these key holders signed on these terms; its arithmetic is for those who
    get a share. Raises RemoteError naming the key holder.
    """
    envelope = parse_envelope(data, limit=DEAL_LIMIT)
    try:
        file = DealFile.model_validate(canonical.parse(envelope.payload, limit=DEAL_LIMIT))
    except ValidationError as error:
        raise refused_shape(error, "deal") from None
    ids = holder_ids(terms)
    if file.dealer not in ids or envelope.kind != DEAL_KIND:
        raise RemoteError(ErrorCode.BAD_SHARE, "a deal comes from somebody outside the ceremony")
    number = ids.index(file.dealer) + 1
    envelope.verify(bytes.fromhex(terms.holders[number - 1].sign))
    agreed = (terms.charter_id, terms.epoch, terms.threshold, ids)
    if (file.charter_id, file.epoch, file.threshold, file.holders) != agreed:
        raise RemoteError(ErrorCode.BAD_SHARE, f"key holder {number} dealt on other terms")
    return file
