"""Which entries name an agency, for its daily statement: specs/05-log.md §14. Pure.

The same for the hub that states it, the agency that compares it with its own journal, and the
auditor who counts again.
"""

import hashlib
from collections.abc import Iterable, Iterator

from protocol.fields import WireModel
from protocol.messages.statement import Statement

DAY = 86_400


def indexes_hash(indexes: Iterable[int]) -> str:
    """The hash over rising log indexes, in hex."""
    text = "".join(f"{index}\n" for index in indexes)
    return hashlib.sha256(b"patchwork.daily.v1\n" + text.encode()).hexdigest()


def named(statement: Statement[WireModel], *, refused: bool = False) -> Iterator[str]:
    """The parties in whose journals a logged statement stands. `refused`: a request by the hub."""
    preamble, kind = statement.preamble, statement.kind
    if kind.in_senders_journal:
        yield preamble.sender
    told = kind.in_recipients_journal and not refused
    if told and preamble.aud != preamble.sender:
        yield preamble.aud
