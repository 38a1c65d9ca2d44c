"""What travels between a council and its key holders and witnesses before there is a log: one file
each way, read by people and programs alike (specs/12-founding.md).

A bundle says all that its writer has said so far, so the newest takes the place of any other.
Nothing in one is secret, and none is believed: a deal and a transcript are signed, and what is
founded is checked against the genesis fingerprint.
"""

import json
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from protocol import canonical
from protocol.errors import ErrorCode, RemoteError
from protocol.fields import Base64, Hex16, Hex32, Name, WireModel, refused_shape
from protocol.governance.ceremony import CeremonyTerms, HolderRecord, SignedTranscript

BUNDLE_LIMIT = 2 * 1024 * 1024
_NOT_ONE = "this is no file of a set-up: give the one that the other side's set-up wrote, unchanged"
_OTHER_VERSION = "another version of the program wrote it: both sides install the newest"

Url = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,200}$")]
Vkey = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,300}$")]


class WitnessRecord(WireModel):
    """What a witness tells the council: its key, who controls it, where it answers (None: it asks
    the hub, and listens to nobody).
    """

    vkey: Vkey
    control_domain: Name
    url: Url | None

    @property
    def name(self) -> str:
        """The name in its key."""
        return self.vkey.partition("+")[0]


class HolderBundle(WireModel):
    """From a key holder to the council; what it has not made yet is null."""

    bundle: Literal["patchwork-holder/1"] = "patchwork-holder/1"
    holder: HolderRecord
    charter_id: Hex16 | None
    deal: Base64 | None
    transcript: SignedTranscript | None


class WitnessBundle(WireModel):
    """From a witness to the council."""

    bundle: Literal["patchwork-witness/1"] = "patchwork-witness/1"
    witness: WitnessRecord


class CouncilBundle(WireModel):
    """From the council to all of them. `deals` are none until there is one of each key holder;
    `genesis` is null until the federation is founded.
    """

    bundle: Literal["patchwork-council/1"] = "patchwork-council/1"
    charter_id: Hex16
    name: Name
    control_domain: Name
    url: Url
    log: Vkey
    terms: CeremonyTerms
    witnesses: Annotated[list[WitnessRecord], Field(max_length=7)]
    deals: Annotated[list[Base64], Field(max_length=16)]
    genesis: Hex32 | None


Bundle = CouncilBundle | HolderBundle | WitnessBundle
_MODELS: dict[str, type[Bundle]] = {
    "patchwork-council/1": CouncilBundle,
    "patchwork-holder/1": HolderBundle,
    "patchwork-witness/1": WitnessBundle,
}


def encode_bundle(bundle: Bundle) -> bytes:
    """The file, laid out for people."""
    return json.dumps(bundle.model_dump(mode="json"), indent=1, ensure_ascii=False).encode() + b"\n"


def read_bundle(data: bytes) -> Bundle:
    """The bundle in a file, whatever its layout. Raises RemoteError(BAD_FILE) and others."""
    try:
        value = canonical.parse_loose(data, limit=BUNDLE_LIMIT)
    except RemoteError as error:
        raise RemoteError(ErrorCode.BAD_FILE, _NOT_ONE) from error
    kind = value.get("bundle") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        raise RemoteError(ErrorCode.BAD_FILE, _NOT_ONE)
    if (model := _MODELS.get(kind)) is None:
        known = {name.partition("/")[0] for name in _MODELS}
        said = _OTHER_VERSION if kind.partition("/")[0] in known else _NOT_ONE
        raise RemoteError(ErrorCode.BAD_FILE, said)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise refused_shape(error, kind.partition("/")[0]) from None


def read_council(data: bytes) -> CouncilBundle:
    """The council's bundle. Raises RemoteError(BAD_FILE) for one of anybody else."""
    bundle = read_bundle(data)
    if not isinstance(bundle, CouncilBundle):
        raise RemoteError(
            ErrorCode.BAD_FILE,
            "this is what goes to the council (to-council.json); the council's own is wanted "
            "(to-all.json)",
        )
    return bundle


def read_joined(data: bytes) -> HolderBundle | WitnessBundle:
    """A key holder's or a witness's bundle. Raises RemoteError(BAD_FILE) for a council's."""
    bundle = read_bundle(data)
    if isinstance(bundle, CouncilBundle):
        raise RemoteError(
            ErrorCode.BAD_FILE,
            "this is a council's own (to-all.json); those of key holders and witnesses are wanted "
            "(to-council.json)",
        )
    return bundle
