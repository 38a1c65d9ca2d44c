"""A key holder's folder: its keys and record, what it dealt, its share (specs/03-tokens.md §6).

Each function may be called again after it was cut off: what is there is kept, and the rest is made.
"""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keys.holder.ceremony import Identity, combine_deals, write_deal
from protocol.errors import ErrorCode, LocalError
from protocol.governance.ceremony import CEREMONY_LIMIT, CeremonyTerms, HolderRecord
from protocol.signing import SecretSeed, public_key
from protocol.wire import encode_wire, parse_wire
from runtime.files import put_file
from runtime.folders import HOLDER, require
from runtime.handed import read_handed
from runtime.secrets import make_own_folder, read_secrets, write_secrets
from transport.seal import seal_public_key


def make_holder(folder: Path, name: str, control_domain: str, url: str) -> HolderRecord:
    """Make a key holder's own keys and write public.json. Raises LocalError(CONFLICT) if there is a
    key holder.
    """
    blank = HolderRecord(  # what cannot be a record makes no folder
        holder_id="0" * 32,
        name=name,
        control_domain=control_domain,
        sign="0" * 64,
        seal="0" * 64,
        url=url,
    )
    make_own_folder(folder)
    if (folder / "public.json").exists():
        raise LocalError(ErrorCode.CONFLICT, "public.json is there already")
    path = folder / "keys.json"
    if not path.exists():
        write_secrets(path, {"sign": secrets.token_bytes(32), "seal": secrets.token_bytes(32)})
    keys = read_secrets(path)
    own = {
        "holder_id": secrets.token_hex(16),
        "sign": public_key(SecretSeed(keys["sign"])).hex(),
        "seal": seal_public_key(keys["seal"]),
    }
    record = blank.model_copy(update=own)
    put_file(folder / "public.json", encode_wire(record))
    return record


def read_identity(folder: Path) -> Identity:
    """The key holder of this folder. Raises LocalError, RemoteError, OSError."""
    require(folder, HOLDER)
    keys = read_secrets(folder / "keys.json")
    record = parse_wire(HolderRecord, (folder / "public.json").read_bytes())
    return Identity(record, SecretSeed(keys["sign"]), SecretSeed(keys["seal"]))


def read_terms(path: Path) -> CeremonyTerms:
    """The terms in a file. Raises LocalError(BAD_FILE), OSError."""
    return read_handed(CeremonyTerms, path, "the council's terms.json", limit=CEREMONY_LIMIT)


def deal_anew(folder: Path, terms: CeremonyTerms) -> None:
    """Deal on these terms, in the place of what was dealt before: deal.json."""
    put_file(folder / "deal.json", write_deal(terms, read_identity(folder), secrets.token_bytes))


def combine(folder: Path, terms: CeremonyTerms, deals: Sequence[bytes]) -> Mapping[str, Any]:
    """Check all deals, keep our share, sign: transcript.json. The transcript.

    Raises RemoteError naming the dealer at fault; LocalError(CONFLICT) if there is a share of other
    deals.
    """
    share, transcript, signed = combine_deals(terms, read_identity(folder), deals)
    path, kept = folder / f"share-{terms.epoch}.json", {"share": share.secret.to_bytes()}
    if not path.exists():
        write_secrets(path, kept)
    elif read_secrets(path) != kept:
        raise LocalError(ErrorCode.CONFLICT, f"{path.name} is there already, of other deals")
    put_file(folder / "transcript.json", signed)
    return transcript
