"""Short references to what stands in a client's team, for people to type.

A reference is made of the agency, the link and the involvement, never of a place in a list: whoever
joins or leaves, it names what it named, or nothing. Like the short name of a commit it is the
beginning of a longer one, as long as it takes to be the only one at this client.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from node.store.links import Link, LinkedInvolvement
from protocol.errors import ErrorCode, LocalError

# Neither vowels, which make words, nor what is mistaken for another: 0 O, 1 I L.
_LETTERS = "23456789BCDFGHJKMNPQRSTVWXZ"
_LEAST, _MOST = 4, 26


@dataclass(frozen=True)
class Entry:
    """An involvement behind a link, and the agency whose it is: `name` is all of what people may
    type, `reference` as much of it as they need.
    """

    name: str
    reference: str
    link: Link
    agency_id: str
    involvement: LinkedInvolvement


def entries_of(links: Sequence[Link]) -> list[Entry]:
    """What is shown of a client's links, and what was shown of those that ended, in their order."""
    found = {
        _name(link.agency_id, link.link_id, item.id): (link, link.agency_id, item)
        for link in links
        if link.agency_id is not None
        for item in link.involvements
    }
    return [Entry(name, shortest(name, found), *what) for name, what in found.items()]


def entry_named(entries: Collection[Entry], reference: str) -> Entry:
    """The one entry that a reference names. Raises LocalError; nothing is ever guessed."""
    typed = reference.strip().upper()
    found = [item for item in entries if item.name.startswith(typed)]
    if len(typed) < _LEAST or not found:
        raise LocalError(
            ErrorCode.NOT_FOUND,
            "nobody in this client's team has that reference, or nobody has it any more: see "
            "patchwork-node team",
        )
    if len(found) > 1:
        raise LocalError(
            ErrorCode.CONFLICT,
            "two references of this client begin so: see patchwork-node team for longer ones",
        )
    return found[0]


def _name(agency_id: str, link_id: str, involvement_id: str) -> str:
    text = f"patchwork.reference.v1\n{agency_id}\n{link_id}\n{involvement_id}"
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    letters = []
    for _ in range(_MOST):
        number, letter = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[letter])
    return "".join(letters)


def shortest(name: str, names: Collection[str]) -> str:
    """The shortest beginning of a name that no other of these has."""
    for length in range(_LEAST, _MOST):
        if sum(other.startswith(name[:length]) for other in names) == 1:
            return name[:length]
    return name
