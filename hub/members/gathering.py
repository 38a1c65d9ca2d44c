"""What key holders and witnesses hand to the council while it is founded: specs/12-founding.md §3.

Files come in any order, again and again, and some are not meant for this council: each is looked at
by itself, and what cannot be used is said by file, without stopping the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from protocol.errors import ErrorCode, PatchworkError, RemoteError
from protocol.fields import from_base64
from protocol.governance.bundles import HolderBundle, WitnessBundle, WitnessRecord, read_joined
from protocol.governance.ceremony import (
    CeremonyTerms,
    HolderRecord,
    SignedTranscript,
    holder_ids,
    read_deal,
)
from protocol.log.note import SignatureType, parse_vkey


@dataclass
class Gathered:
    """What the files say: the newest of each key holder and witness, by id and by name. Sentences:
    `faults` of what cannot be used, `doubts` of what a person must settle first.
    """

    holders: dict[str, HolderBundle] = field(default_factory=dict)
    witnesses: dict[str, WitnessRecord] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def records(self) -> list[HolderRecord]:
        """The key holders by name: their order gives their numbers."""
        return sorted((one.holder for one in self.holders.values()), key=lambda one: one.name)


def gather(files: Mapping[str, bytes], charter_id: str) -> Gathered:
    """What these files (by how a person names them) say, for the council of this charter."""
    found = Gathered()
    for name, data in files.items():
        try:
            bundle = read_joined(data)
            if isinstance(bundle, WitnessBundle):
                doubt = _take_witness(found, bundle.witness)
            elif bundle.charter_id in {None, charter_id}:
                doubt = _take_holder(found, bundle)
            else:
                found.faults.append(f"{name}: {bundle.holder.name} made this for another council.")
                continue
        except PatchworkError as error:
            found.faults.append(f"{name}: {error.detail}.")
            continue
        if doubt:
            found.doubts.append(f"{name}: another file of {doubt} differs: take the old one away.")
    return found


def deals_of(found: Gathered, terms: CeremonyTerms) -> dict[str, bytes]:
    """The deals that were made on these terms, by key holder; of any other a fault is told."""
    deals = {}
    for holder in terms.holders:
        bundle = found.holders.get(holder.holder_id)
        if bundle is None or bundle.deal is None:
            continue
        try:
            data = from_base64(bundle.deal)
            if read_deal(terms, data).dealer == holder.holder_id:
                deals[holder.holder_id] = data
                continue
            said = "what it deals is somebody else's"
        except RemoteError as error:
            said = error.detail
        found.faults.append(f"{holder.name}: {said}: have it run its set-up with the newest file.")
    return deals


def transcripts_of(found: Gathered, terms: CeremonyTerms) -> list[SignedTranscript]:
    """What the key holders have signed, in the order of their numbers."""
    bundles = [found.holders.get(one) for one in holder_ids(terms)]
    return [one.transcript for one in bundles if one is not None and one.transcript is not None]


def _take_holder(found: Gathered, bundle: HolderBundle) -> str | None:
    """Keep the newest of a key holder; its name if there are two."""
    before = found.holders.get(bundle.holder.holder_id)
    if before is not None and before.holder != bundle.holder:
        return bundle.holder.name
    if before is None or _progress(bundle) > _progress(before):
        found.holders[bundle.holder.holder_id] = bundle
    return None


def _take_witness(found: Gathered, witness: WitnessRecord) -> str | None:
    """Keep a witness; its name if there are two."""
    key = parse_vkey(witness.vkey)
    if key.type is not SignatureType.COSIGNATURE_V1:
        raise RemoteError(ErrorCode.BAD_FILE, "its key is not that of a witness")
    before = found.witnesses.get(key.name)
    if before is not None and before != witness:
        return key.name
    found.witnesses[key.name] = witness
    return None


def _progress(bundle: HolderBundle) -> int:
    return (bundle.deal is not None) + (bundle.transcript is not None)
