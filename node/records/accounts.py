"""Who of our own people may sign in to the pages, and as what.

An account belongs to a person of the register: whoever is closed there cannot sign in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count

from node.records.people import acting
from node.store.account_acts import AccountAct, By, DoneToAccount
from node.store.people import Person, PersonKind
from node.store.tables import NodeTables
from node.store.team_roles import TeamRole
from protocol.contact import read_name
from protocol.errors import ErrorCode, LocalError
from runtime.system_user import system_user
from storage.accounts import Account
from storage.engine import NotUniqueError

INVITED_SECONDS = 2 * 24 * 3600


class Role(StrEnum):
    """What somebody may do on the pages; each page names the roles that open it."""

    PRACTITIONER = "practitioner"
    DUTY = "duty"
    MANAGER = "manager"
    GOVERNANCE_LEAD = "governance_lead"
    ADMINISTRATOR = "administrator"


STAFF = frozenset({Role.PRACTITIONER, Role.DUTY, Role.MANAGER})
EVERYBODY = frozenset(Role)
WITH_SECOND_FACTOR: Mapping[str, frozenset[str]] = {
    "nobody": frozenset(),
    "leads": frozenset({Role.GOVERNANCE_LEAD, Role.ADMINISTRATOR}),
    "everybody": EVERYBODY,
}
"""Of whom a second factor is required, by the setting."""
OF_KIND: Mapping[PersonKind, frozenset[Role]] = {
    PersonKind.WORKER: frozenset({Role.PRACTITIONER}),
    PersonKind.DUTY_WORKER: frozenset({Role.PRACTITIONER, Role.DUTY}),
    PersonKind.MANAGER: frozenset({Role.PRACTITIONER, Role.MANAGER}),
    PersonKind.GOVERNANCE_LEAD: frozenset({Role.GOVERNANCE_LEAD}),
    PersonKind.ADMINISTRATOR: frozenset({Role.ADMINISTRATOR}),
}
OF_TEAM = {TeamRole.DUTY: Role.DUTY, TeamRole.MANAGER: Role.MANAGER}


@dataclass(frozen=True)
class NewAccount:
    """Whom to let in: a person's name as the register has it, what they type to sign in (empty:
    their name with dots), and whether they administer the node too.
    """

    person: str
    name: str = ""
    administrator: bool = False


def invite(
    tables: NodeTables, said: NewAccount, secret: str, now: int, by: By | None = None
) -> Account:
    """Let somebody choose a password by a one-time link, the first time or again.

    Raises LocalError: nobody has that name, or somebody else types the same to sign in.
    """
    person = acting(tables, said.person)
    account = tables.accounts.of_person(person.id)
    if account is None:
        typed = read_name(said.name) if said.name else _free_name(tables, person.name)
        if typed is None:
            raise LocalError(ErrorCode.MALFORMED, "a sign-in name has at most 80 plain characters")
        try:
            account = tables.accounts.add(
                typed.casefold(), person.id, now, administrator=said.administrator
            )
        except NotUniqueError:
            raise LocalError(
                ErrorCode.CONFLICT,
                "somebody else signs in by that name: say another with --sign-in",
            ) from None
    if account.closed_at is not None:
        tables.accounts.reopen(account.id)
    tables.accounts.invite(account.id, secret, now + INVITED_SECONDS)
    _done(tables, account, AccountAct.INVITED, (by, now))
    if said.administrator and not account.administrator:
        tables.accounts.set_administrator(account.id, administrator=True)
        _done(tables, account, AccountAct.MADE_ADMINISTRATOR, (by, now))
    return tables.accounts.get(account.id) or account


def _free_name(tables: NodeTables, name: str) -> str | None:
    """Somebody's name with dots, and a number behind it where somebody else signs in by that."""
    usual = ".".join(name.replace(".", " ").split())
    typed = (read_name(usual if n == 1 else f"{usual}.{n}") for n in count(1))
    return next(n for n in typed if n is None or not tables.accounts.named(n.casefold()))


def shut(tables: NodeTables, name: str, now: int, by: By | None = None) -> None:
    """Let somebody sign in no longer, and sign them out everywhere; nothing that they showed
    besides a password is kept. Raises LocalError.
    """
    account = _of(tables, name)
    tables.accounts.close(account.id, now)
    tables.identities.unpin(account.id)
    tables.factors.drop_all(account.id)
    _everywhere(tables, account)
    _done(tables, account, AccountAct.CLOSED, (by, now))


def sign_out(tables: NodeTables, name: str, now: int, by: By | None = None) -> int:
    """Sign somebody out everywhere; in how many browsers they were in. No browser counts as known
    after that. Raises LocalError.
    """
    account = _of(tables, name)
    found = tables.sessions.of_account(account.id)
    _everywhere(tables, account)
    _done(tables, account, AccountAct.SIGNED_OUT, (by, now))
    return len(found)


def set_administrator(
    tables: NodeTables, name: str, now: int, by: By | None = None, *, administrator: bool
) -> None:
    """Let somebody administer the node, or no longer. Raises LocalError."""
    account = _of(tables, name)
    tables.accounts.set_administrator(account.id, administrator=administrator)
    what = AccountAct.MADE_ADMINISTRATOR if administrator else AccountAct.NO_ADMINISTRATOR
    _done(tables, account, what, (by, now))


def take_factors(tables: NodeTables, name: str, now: int, by: By | None = None) -> None:
    """Somebody lost what they show besides a password: it counts no more. Raises LocalError."""
    account = _of(tables, name)
    tables.factors.drop_all(account.id)
    _everywhere(tables, account)
    _done(tables, account, AccountAct.FACTOR_TAKEN, (by, now))


def _everywhere(tables: NodeTables, account: Account) -> None:
    tables.sessions.end_all(account.id)
    tables.sign_in_steps.end_all(account.id)
    tables.sign_in_steps.forget_browsers(account.id)


def _done(
    tables: NodeTables, account: Account, what: AccountAct, by: tuple[By | None, int]
) -> None:
    """Write down who did it; nobody named: whoever sits at the node's own machine."""
    whom, now = by
    done = DoneToAccount(whom or By(system_user=system_user()), account.id, what, now)
    tables.account_acts.add(done)


def whose(tables: NodeTables, account: Account) -> Person | None:
    """The person who signs in with an account, if they may still act."""
    person = tables.people.get(account.person) if account.person is not None else None
    return person if person is not None and person.is_active else None


def roles_of(tables: NodeTables, account: Account, person: Person) -> frozenset[Role]:
    """What somebody may do: by what they are, the teams they answer for, and their account."""
    teams: Mapping[TeamRole, Sequence[str]] = tables.team_roles.all().get(person.id, {})
    found = set(OF_KIND[person.kind]) | {OF_TEAM[role] for role in teams}
    if account.administrator:
        found.add(Role.ADMINISTRATOR)
    return frozenset(found)


def _of(tables: NodeTables, name: str) -> Account:
    found = tables.accounts.named(name.casefold())
    if found is None:
        raise LocalError(
            ErrorCode.NOT_FOUND, "nobody signs in by that name: patchwork-node accounts list"
        )
    return found
