"""What was done to accounts, by whom: an administrator takes nobody's account over unseen."""

from dataclasses import dataclass
from enum import StrEnum

from storage.engine import Transaction


class AccountAct(StrEnum):
    """What was done to an account."""

    INVITED = "invited"
    CLOSED = "closed"
    SIGNED_OUT = "signed_out"
    MADE_ADMINISTRATOR = "made_administrator"
    NO_ADMINISTRATOR = "no_administrator"
    FACTOR_TAKEN = "factor_taken"
    DATES = "dates"


@dataclass(frozen=True)
class By:
    """Who does it: one of our people (a row's id), or whoever sits at the node's own machine, by
    the operating system's name for them.
    """

    person: int | None = None
    system_user: str | None = None


@dataclass(frozen=True, repr=False)
class DoneToAccount:
    """One such act. `account`: a row's id; `at`: Unix seconds; `id` 0: not written down yet."""

    by: By
    account: int
    what: AccountAct
    at: int
    id: int = 0


class AccountActs:
    """Acts upon accounts, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, done: DoneToAccount) -> None:
        """Write one down."""
        row = {
            "at": done.at, "by_person": done.by.person, "system_user": done.by.system_user,
            "account": done.account, "what": done.what.value,
        }  # fmt: skip
        self._tx.insert("account_act", row)

    def newest(self, before: int, most: int) -> list[DoneToAccount]:
        """The newest of all, before one (its row's id)."""
        sql = "SELECT * FROM account_act WHERE id < ? ORDER BY id DESC LIMIT ?"
        return [
            DoneToAccount(
                By(row["by_person"], row["system_user"]),
                row["account"],
                AccountAct(row["what"]),
                row["at"],
                row["id"],
            )
            for row in self._tx.rows(sql, before, most)
        ]
