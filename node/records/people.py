"""Who acts: one of this agency's own people, by name, and nobody else in that name.

An import brings workers into the register; managers and duty workers are added by hand. Whoever was
closed stays closed, whatever a feed says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from node.config import MailWish
from node.store.people import Person, PersonKind
from node.store.tables import NodeTables
from node.store.team_roles import ALL_TEAMS, Absence, TeamRole
from protocol.contact import read_email, read_name
from protocol.errors import ErrorCode, LocalError

Roles = Mapping[TeamRole, Sequence[str]]


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


def register(
    tables: NodeTables, name: str, team: str | None, kind: PersonKind | None, now: int
) -> Person:
    """Let somebody act from now on as what `kind` says (None: what they are, or else a worker): a
    new person, or one who is known.

    Without a team it is the one person of this name, if there is one. Who is said to be a manager
    is one of all teams; who is said to be on duty, of their own team. Raises LocalError.
    """
    known = _called(tables, name)
    if team is None and known:
        person = _only(known)
        key = (person.name, person.team)
    else:
        key = (_readable(name), _readable(team) if team else "")
    same = [one for one in known if (one.name, one.team) == key]
    since = same[0].since if same and same[0].is_active else now
    kind_now = kind or (same[0].kind if same else PersonKind.WORKER)
    found = tables.people.register(*key, kind_now, since)
    if same and not same[0].is_active:
        _begin_anew(tables, found.id)
    if kind is not None:
        is_manager, has_duty = kind is PersonKind.MANAGER, kind is PersonKind.DUTY_WORKER
        tables.team_roles.put(found.id, TeamRole.MANAGER, [ALL_TEAMS] if is_manager else [])
        tables.team_roles.put(found.id, TeamRole.DUTY, [found.team] if has_duty else [])
    return found


def _begin_anew(tables: NodeTables, person: int) -> None:
    """Whoever was gone and is here again has nothing of what they signed in with."""
    account = tables.accounts.of_person(person)
    if account is None:
        return
    tables.accounts.reset(account.id)
    tables.sessions.end_all(account.id)
    tables.sign_in_steps.end_all(account.id)
    tables.sign_in_steps.forget_browsers(account.id)
    tables.factors.drop_all(account.id)
    tables.identities.unpin(account.id)


@dataclass(frozen=True)
class Appointment:
    """Who may act: name, team and kind as `register` takes them, and roles as `answer_for` does."""

    name: str
    team: str | None
    kind: PersonKind | None
    roles: Roles


def appoint(tables: NodeTables, said: Appointment, now: int) -> Person:
    """Let somebody act from now on, and say for which teams they answer. Raises LocalError."""
    person = register(tables, said.name, said.team, said.kind, now)
    answer_for(tables, person, said.roles)
    return person


def answer_for(tables: NodeTables, person: Person, roles: Roles) -> None:
    """Say for which teams (by name, or ALL_TEAMS) somebody has duty or is a manager, in place of
    what was said of that role before. Raises LocalError for a team that nobody is in.
    """
    known = {one.team for one in tables.people.all()} | {ALL_TEAMS}
    for role, teams in roles.items():
        read = [_readable(team) if team else team for team in teams]
        if not known.issuperset(read):
            raise LocalError(
                ErrorCode.NOT_FOUND,
                "nobody here is in a team of that name: patchwork-node people list shows teams in "
                "brackets",
            )
        tables.team_roles.put(person.id, role, read)


@dataclass(frozen=True)
class Away:
    """An absence as somebody says it: from the first day (None: today) to the last, and who covers
    (a name; empty: nobody).
    """

    name: str
    first: date | None
    last: date
    cover: str


def away(tables: NodeTables, said: Away, zone: ZoneInfo, now: int) -> Absence:
    """Take down that somebody is away on whole days of a time zone, from today on: what was before
    changes nothing any more. Raises LocalError.
    """
    return absent(tables, acting(tables, said.name), said, zone, now)


def absent(tables: NodeTables, person: Person, said: Away, zone: ZoneInfo, now: int) -> Absence:
    """As `away`, of somebody who is known without their name."""
    cover = acting(tables, said.cover) if said.cover else None
    today = datetime.fromtimestamp(now, zone).date()
    first = max(said.first or today, today)
    try:
        starts, ends = (
            int(datetime.combine(day, time(), zone).timestamp())
            for day in (first, said.last + timedelta(days=1))
        )
    except OverflowError:  # the calendar has no day after the last one
        raise LocalError(
            ErrorCode.MALFORMED, "--until is the last day, and no calendar has a day after that one"
        ) from None
    if ends <= starts or ends <= now:
        raise LocalError(
            ErrorCode.MALFORMED, "--until is the last day: today or later, and not before --from"
        )
    if cover is not None and cover.id == person.id:
        raise LocalError(ErrorCode.CONFLICT, "somebody else has to cover")
    kept = Absence(person.id, starts, ends, cover.id if cover is not None else None)
    for other in tables.absences.from_on(now):
        if other.person == person.id and other.starts_at < ends and starts < other.ends_at:
            raise LocalError(
                ErrorCode.CONFLICT, "they are away then already: patchwork-node people back first"
            )
    tables.absences.add(kept)
    return kept


def back(tables: NodeTables, name: str, now: int) -> int:
    """Somebody is here again, and away on no day to come; how many absences that ends. Raises
    LocalError.
    """
    return tables.absences.end(acting(tables, name).id, now)


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
    what they asked for is stopped, and their drafts go. Whoever is closed can still hand over.
    Raises LocalError.
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
    tables.drafts.drop_of(person.id)
    tables.consent_drafts.drop_of(person.id)
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
