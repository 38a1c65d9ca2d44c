"""Files between operator and key holders in distributed key generation: specs/03-tokens.md §6.

Shapes only. The arithmetic is keys/, the files are written by keys/holder and by the hub's
operator. All of them are public: shares travel sealed inside deals.
"""

from typing import Annotated

from pydantic import Field, StringConstraints

from protocol.fields import Base64, Hex16, Hex32, Name, WireModel

TRANSCRIPT_KIND = "key-birth-transcript"
CEREMONY_LIMIT = 128 * 1024


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


class SignedTranscript(WireModel):
    """The key-birth transcript as one holder signed it (DSSE, payload type of its own)."""

    holder_id: Hex16
    transcript: Base64
    sig: Base64
