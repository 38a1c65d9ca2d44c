"""Who acts: one of this agency's own people, by name, and nobody else in that name.

An import brings workers into the register; managers and duty workers are added by hand. Whoever was
closed stays closed, whatever a feed says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from node.config import MailWish
from node.store.people import Person, PersonKind
from node.store.tables import NodeTables
from protocol.contact import read_email, read_name
from protocol.errors import ErrorCode, LocalError


def acting(tables: NodeTables, name: str) -> Person:
    """The one person of this name who may act now. Raises LocalError: nobody is ever guessed."""
    if not name:
        raise LocalError(
            ErrorCode.NOT_READY,
            "say who you are with --as NAME, or once and for all in PATCHWORK_NODE_AS; "
            "patchwork-node people list shows who is known here",
        )
    found = _called(tables, name)
    here = [person for person in found if person.is_active]
    if found and not here:
        raise LocalError(
            ErrorCode.NOT_ALLOWED, "whoever has this name was closed: patchwork-node people list"
        )
    return _only(here)


def register(tables: NodeTables, name: str, team: str | None, kind: PersonKind, now: int) -> Person:
    """Let somebody act from now on as what `kind` says: a new person, or one who is known.

    Without a team it is the one person of this name, if there is one. Raises LocalError.
    """
    known = _called(tables, name)
    if team is None and known:
        person = _only(known)
        key = (person.name, person.team)
    else:
        key = (_readable(name), _readable(team) if team else "")
    active = [one for one in known if (one.name, one.team) == key and one.is_active]
    since = active[0].since if active else now
    return tables.people.register(*key, kind, since)


@dataclass(frozen=True)
class Left:
    """Who left, how much work was handed over, how many requests were stopped, and how much work
    has nobody now.
    """

    person: Person
    handed_over: int
    stopped: int
    alone: int


def close(tables: NodeTables, name: str, hand_to: str, now: int) -> Left:
    """Let somebody act no longer, and hand their work over to somebody else (empty: to nobody);
    what they asked for is stopped. Whoever is closed can still hand over. Raises LocalError.
    """
    person = _only(_called(tables, name)) if hand_to else acting(tables, name)
    to = acting(tables, hand_to) if hand_to else None
    if to is not None and to.id == person.id:
        raise LocalError(ErrorCode.CONFLICT, "somebody else has to take the work over")
    if person.is_active:
        tables.people.close(person.id, now)
    handed = tables.people.hand_over(person.id, to.id, now) if to is not None else 0
    if to is not None:
        tables.news.hand_over(person.id, to.id)
    stopped = tables.sent_requests.stop_of(person.id)
    return Left(person, handed, stopped, tables.people.without_worker(person.id, now))


def set_mail(tables: NodeTables, name: str, wish: MailWish, to: str | None) -> Person:
    """Say how somebody hears by mail that there is news, and where, if not at the address on their
    card (None: as it was, empty: there). Who it is. Raises LocalError.
    """
    person = acting(tables, name)
    address = person.mail_to if to is None else read_email(to)
    if to and address is None:
        raise LocalError(ErrorCode.MALFORMED, "write an e-mail address alone")
    if wish is not MailWish.NEVER and not (address or person.email):
        raise LocalError(
            ErrorCode.NOT_READY, "no address of theirs is known here: say it with --to"
        )
    tables.people.set_mail(person.id, wish.value, address)
    return person


def _called(tables: NodeTables, name: str) -> list[Person]:
    return tables.people.called(read_name(name) or name)


def _readable(text: str) -> str:
    found = read_name(text)
    if found is None:
        raise LocalError(
            ErrorCode.MALFORMED,
            "a name or team has at most 80 characters, and no letters that look alike",
        )
    return found


def _only(found: Sequence[Person]) -> Person:
    if not found:
        raise LocalError(
            ErrorCode.NOT_FOUND,
            "nobody here has that name: see patchwork-node people list, or add them with "
            "patchwork-node people add",
        )
    if len(found) > 1:
        raise LocalError(
            ErrorCode.CONFLICT,
            "several people here have that name: say the team too, as patchwork-node people list "
            "shows it, and close who has left",
        )
    return found[0]
