"""What peers saw of us: an old copy of a witness's folder must not sign (specs/05-log.md §13).

Peers are trusted with nothing: only our own signature, with the log's, counts against us.
"""

from hashlib import sha256

from audit.witness.store import WitnessStore, is_older, own_sighting
from protocol.errors import ErrorCode, LocalError, RemoteError
from transport.client import HttpClient

ENOUGH = 2


async def ask_peers(http: HttpClient, store: WitnessStore) -> int:
    """Ask every peer for the largest checkpoint with our line; how many answered.

    Raises LocalError(STORAGE) if one shows more than our folder holds.
    """
    answered, own = 0, store.key
    for _, url in store.peers():
        for log in store.logs():
            digest = sha256(log.key.name.encode()).hexdigest()
            where = f"{url.rstrip('/')}/{digest}/peers/{own.key_id.hex()}"
            try:
                note = await http.get(where)
            except RemoteError as error:
                answered += error.code is ErrorCode.NOT_FOUND
                continue
            try:
                seen = own_sighting(note, log, own)
            except RemoteError:
                continue  # not our line: it says nothing of us
            answered += 1
            if is_older(log.head, seen):
                raise LocalError(
                    ErrorCode.STORAGE,
                    "a peer holds something newer that this witness signed: "
                    "this folder is an old copy, and must not sign again",
                )
    return answered
