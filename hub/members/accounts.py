"""Who may sign in to the operator's pages. Within the caller's transaction."""

from enum import StrEnum

from hub.store.tables import HubTables
from protocol.contact import read_name
from protocol.errors import ErrorCode, LocalError
from storage.accounts import Account

INVITED_SECONDS = 2 * 24 * 3600
OPERATOR = frozenset({"operator"})
"""The role of everybody who signs in here."""


class AccountState(StrEnum):
    """Where an account stands."""

    OPEN = "open"
    INVITED = "invited"
    LINK_OVER = "link_over"
    CLOSED = "closed"


def invite(tables: HubTables, name: str, secret: str, now: int) -> Account:
    """Let somebody choose a password by a one-time link, the first time or again. Raises
    LocalError for what can be no name.
    """
    typed = read_name(name)
    if typed is None:
        raise LocalError(ErrorCode.MALFORMED, "a sign-in name has at most 80 plain characters")
    typed = typed.casefold()
    account = tables.accounts.named(typed)
    if account is None:
        account = tables.accounts.add(typed, None, now, administrator=False)
    if account.closed_at is not None:
        tables.accounts.reopen(account.id)
    tables.accounts.invite(account.id, secret, now + INVITED_SECONDS)
    return account


def shut(tables: HubTables, name: str, now: int) -> None:
    """Let somebody sign in no longer, and sign them out everywhere; nothing that they showed
    besides a password is kept. Raises LocalError.
    """
    account = _of(tables, name)
    tables.accounts.close(account.id, now)
    tables.factors.drop_all(account.id)
    _everywhere(tables, account)


def sign_out(tables: HubTables, name: str) -> int:
    """Sign somebody out everywhere; in how many browsers they were in. No browser counts as known
    after that. Raises LocalError.
    """
    account = _of(tables, name)
    found = tables.sessions.of_account(account.id)
    _everywhere(tables, account)
    return len(found)


def take_factors(tables: HubTables, name: str) -> None:
    """Somebody lost what they show besides a password: it counts no more, and they are signed out
    everywhere. Raises LocalError.
    """
    account = _of(tables, name)
    tables.factors.drop_all(account.id)
    _everywhere(tables, account)


def listed(tables: HubTables, now: int) -> list[tuple[str, AccountState]]:
    """Everybody who may sign in or could once, by what they type."""
    return [(account.name, _state(account, now)) for account in tables.accounts.all()]


def _everywhere(tables: HubTables, account: Account) -> None:
    tables.sessions.end_all(account.id)
    tables.sign_in_steps.end_all(account.id)
    tables.sign_in_steps.forget_browsers(account.id)


def _state(account: Account, now: int) -> AccountState:
    if account.closed_at is not None:
        return AccountState.CLOSED
    if (account.invited_until or 0) > now:
        return AccountState.INVITED
    return AccountState.OPEN if account.password is not None else AccountState.LINK_OVER


def _of(tables: HubTables, name: str) -> Account:
    found = tables.accounts.named(name.casefold())
    if found is None:
        raise LocalError(
            ErrorCode.NOT_FOUND, "nobody signs in by that name: patchwork-hub accounts list"
        )
    return found
