"""Who may sign in to the pages, as values."""

from node.records.accounts import roles_of, whose
from node.store.tables import NodeTables
from storage.accounts import Account


def accounts_value(tables: NodeTables, now: int) -> list[dict[str, object]]:
    """Every account: what is typed, whose it is, as what they come, and where it stands."""
    return [_account(tables, account, now) for account in tables.accounts.all()]


def _account(tables: NodeTables, account: Account, now: int) -> dict[str, object]:
    person = whose(tables, account)
    roles = roles_of(tables, account, person) if person is not None else frozenset()
    return {
        "id": account.id,
        "name": account.name,
        "person": person.title if person is not None else None,
        "row": account.person,
        "roles": sorted(role.value for role in roles),
        "state": _state(account, person is not None, now),
        "administrator": account.administrator,
        "has_factors": tables.factors.has_any(account.id),
        "browsers": len(tables.sessions.of_account(account.id)),
    }


def _state(account: Account, is_here: bool, now: int) -> str:
    if account.closed_at is not None or not is_here:
        return "closed"
    if (account.invited_until or 0) > now:
        return "invited"
    return "open" if account.password is not None else "link_over"
