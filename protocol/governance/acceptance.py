"""Whether a party is bound by the charter in force: specs/02-charter.md §7.2. Pure."""

from protocol.governance.changes import loosens
from protocol.governance.directory import Directory

NOT_ACCEPTED_YET = "This agency has not accepted any charter yet."


def unaccepted(directory: Directory, party_id: str) -> list[str]:
    """What the charter in force loosens beyond what a party has signed. Empty: it is bound."""
    accepted = directory.accepted_charter(party_id)
    if accepted is None:
        return [NOT_ACCEPTED_YET]
    if accepted.version == directory.charter.version:
        return []
    return loosens(accepted, directory.charter)
