"""Whether a party is bound by the charter in force: specs/02-charter.md §7.2. Pure."""

from dataclasses import dataclass, field
from functools import lru_cache

from protocol.governance.changes import loosens
from protocol.governance.charter import Charter
from protocol.governance.directory import Directory

NOT_ACCEPTED_YET = "This agency has not accepted any charter yet."


def unaccepted(directory: Directory, party_id: str) -> list[str]:
    """What the charter in force loosens beyond what a party has signed. Empty: it is bound."""
    accepted = directory.accepted_charter(party_id)
    if accepted is None:
        return [NOT_ACCEPTED_YET]
    if accepted.version == directory.charter.version:
        return []
    before, now = (
        _Document(charter.document_hash, charter) for charter in (accepted, directory.charter)
    )
    return list(_loosened(before, now))


@dataclass(frozen=True)
class _Document:
    """A charter by its hash."""

    document_hash: str
    charter: Charter = field(compare=False)


@lru_cache(maxsize=8)  # a node that runs asks several times a second, of the same two
def _loosened(before: _Document, now: _Document) -> tuple[str, ...]:
    return tuple(loosens(before.charter, now.charter))
