"""Which entries name an agency, for its daily statement: specs/05-log.md §14. Pure.

The same for the hub that states it, the agency that compares it with its own books, and the
auditor who counts again.
"""

import hashlib
from collections.abc import Iterable, Iterator

from protocol.fields import WireModel
from protocol.messages.statement import Statement

RECEIVED_KINDS = frozenset(
    {"request", "decision", "release", "provisional", "receipt", "wrong_person", "recall_done"}
    | {"identity_check", "identity_answer"}
)
SENT_KINDS = RECEIVED_KINDS | frozenset(
    {"publication", "verdict", "identity_request", "statement_answer"}
)
DAY = 86_400


def indexes_hash(indexes: Iterable[int]) -> str:
    """The hash over rising log indexes, in hex."""
    text = "".join(f"{index}\n" for index in indexes)
    return hashlib.sha256(b"patchwork.daily.v1\n" + text.encode()).hexdigest()


def named(statement: Statement[WireModel], *, refused: bool = False) -> Iterator[str]:
    """The parties in whose books a logged statement stands. `refused`: a request by the hub."""
    preamble = statement.preamble
    if preamble.kind in SENT_KINDS:
        yield preamble.sender
    told = preamble.kind in RECEIVED_KINDS and not refused
    if told and preamble.aud != preamble.sender:
        yield preamble.aud
