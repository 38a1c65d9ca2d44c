"""What was done to accounts and in whose name, as values for the information-governance lead."""

from typing import Any

from node.store.tables import NodeTables


def account_acts_value(tables: NodeTables, before: int, most: int) -> list[dict[str, Any]]:
    """The newest before one (its row's id): who did what to whose account, and when. `by` None:
    whoever was at the node's own machine, under `system_user`.
    """
    names = {person.id: person.title for person in tables.people.all()}
    accounts = {account.id: account for account in tables.accounts.all()}
    return [
        {
            "number": one.id,
            "at": one.at,
            "by": names.get(one.by.person) if one.by.person is not None else None,
            "system_user": one.by.system_user,
            "account": accounts[one.account].name,
            "person": names.get(accounts[one.account].person or 0),
            "what": one.what.value,
        }
        for one in tables.account_acts.newest(before, most)
    ]


def acts_value(tables: NodeTables, before: int, most: int) -> list[dict[str, Any]]:
    """The newest before one (its row's id): who did what, to which client or what else, and when.
    `by` None: somebody who has left.
    """
    names = {person.id: person.title for person in tables.people.all()}
    return [
        {
            "number": number,
            "at": act.at,
            "by": names.get(act.person),
            "what": act.what.value,
            "subject": act.subject,
        }
        for number, act in tables.people.acts_before(before, most)
    ]
