"""Accounts, sessions and sent forms of a program that people sign in to: the node's and the hub's.

Both keep them in tables of the same names. What is handed out (a session's id, a one-time link) is
kept as its SHA-256 alone: who reads the database cannot sign in with it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from storage.engine import NotUniqueError, Row, Transaction


def hashed(secret: str) -> str:
    """What is kept of something secret that has 128 bits of chance or more: its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, repr=False)
class Account:
    """Who may sign in: a name to type, and in a node the person (a row's id) it is.

    `password` None: not chosen yet; `locked_until`: after wrong passwords, nothing is compared
    before; `closed_at` None: may sign in.
    """

    id: int
    name: str
    person: int | None
    administrator: bool
    password: str | None
    invited_hash: str | None
    invited_until: int | None
    failures: int
    locked_until: int
    since: int
    closed_at: int | None

    def __repr__(self) -> str:
        """Say which row, never who."""
        return f"Account(id={self.id})"


@dataclass(frozen=True, repr=False)
class Session:
    """One browser that is signed in, by what it calls itself; since when, and when last seen."""

    id_hash: str
    account: int
    started_at: int
    seen_at: int
    browser: str

    def __repr__(self) -> str:
        """Say whose, not which."""
        return f"Session(account={self.account})"


class Accounts:
    """Who may sign in, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def add(self, name: str, person: int | None, now: int, *, administrator: bool) -> Account:
        """A new account, which has no password yet. Raises NotUniqueError."""
        row = {"name": name, "person": person, "administrator": int(administrator), "since": now}
        sql = "SELECT * FROM account WHERE id = ?"
        (made,) = self._tx.rows(sql, self._tx.insert_for_id("account", row))
        return _account(made)

    def get(self, account: int) -> Account | None:
        """An account by row id."""
        row = self._tx.one("SELECT * FROM account WHERE id = ?", account)
        return _account(row) if row else None

    def named(self, name: str) -> Account | None:
        """The account with this name to type."""
        row = self._tx.one("SELECT * FROM account WHERE name = ?", name)
        return _account(row) if row else None

    def of_person(self, person: int) -> Account | None:
        """The account of one of our people."""
        row = self._tx.one("SELECT * FROM account WHERE person = ?", person)
        return _account(row) if row else None

    def invited(self, secret: str) -> Account | None:
        """The account that a one-time link is for, also one that is over."""
        row = self._tx.one("SELECT * FROM account WHERE invited_hash = ?", hashed(secret))
        return _account(row) if row else None

    def all(self) -> list[Account]:
        """Every account, by name."""
        return [_account(row) for row in self._tx.rows("SELECT * FROM account ORDER BY name")]

    def invite(self, account: int, secret: str, until: int) -> None:
        """Let whoever has a one-time link choose a password, until then; an older link ends."""
        values = {"invited_hash": hashed(secret), "invited_until": until}
        self._tx.update("account", values, {"id": account})

    def set_password(self, account: int, password: str) -> None:
        """Keep the hash of a password; a one-time link, and what failed before, is over."""
        values = {
            "password": password, "invited_hash": None, "invited_until": None,
            "failures": 0, "locked_until": 0,
        }  # fmt: skip
        self._tx.update("account", values, {"id": account})

    def end_invitation(self, account: int) -> None:
        """A one-time link is over."""
        values = {"invited_hash": None, "invited_until": None}
        self._tx.update("account", values, {"id": account})

    def set_failures(self, account: int, failures: int, locked_until: int) -> None:
        """How often in a row a password was wrong, and until when none is compared."""
        values = {"failures": failures, "locked_until": locked_until}
        self._tx.update("account", values, {"id": account})

    def set_administrator(self, account: int, *, administrator: bool) -> None:
        """Whether somebody administers the program."""
        self._tx.update("account", {"administrator": int(administrator)}, {"id": account})

    def close(self, account: int, now: int) -> None:
        """Let somebody sign in no longer."""
        self._tx.update("account", {"closed_at": now}, {"id": account})

    def reopen(self, account: int) -> None:
        """Let somebody sign in again, with nothing of what they had: not their old password."""
        self.reset(account)
        self._tx.update("account", {"closed_at": None}, {"id": account})

    def reset(self, account: int) -> None:
        """Whose account it is chooses a password anew, by a link that is made from now on, and
        does not administer the program.
        """
        self._tx.update("account", {"password": None, "administrator": 0}, {"id": account})
        self.end_invitation(account)


class Sessions:
    """Who is signed in, within one transaction, and the forms that they sent."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def start(self, session: Session) -> None:
        """Somebody signed in."""
        self._tx.insert("session", vars(session))

    def get(self, id_hash: str) -> Session | None:
        """A session by the hash of its id."""
        row = self._tx.one("SELECT * FROM session WHERE id_hash = ?", id_hash)
        return Session(**row) if row else None

    def of_account(self, account: int) -> Sequence[Session]:
        """Where somebody is signed in, the newest first."""
        sql = "SELECT * FROM session WHERE account = ? ORDER BY started_at DESC, id_hash"
        return [Session(**row) for row in self._tx.rows(sql, account)]

    def seen(self, id_hash: str, now: int) -> None:
        """A session was used."""
        self._tx.update("session", {"seen_at": now}, {"id_hash": id_hash})

    def end(self, id_hash: str) -> None:
        """End a session."""
        self._tx.run("DELETE FROM sent_form WHERE id_hash = ?", id_hash)
        self._tx.run("DELETE FROM session WHERE id_hash = ?", id_hash)

    def end_all(self, account: int) -> None:
        """End all sessions of an account."""
        for session in self.of_account(account):
            self.end(session.id_hash)

    def end_before(self, started: int, seen: int) -> None:
        """End those that started or were seen last before these times."""
        sql = "SELECT id_hash FROM session WHERE started_at < ? OR seen_at < ?"
        for row in self._tx.rows(sql, started, seen):
            self.end(row["id_hash"])

    def begin_form(self, id_hash: str, token: str) -> str | None:
        """A form is being sent; if it was already, where that led ("": it is not done yet)."""
        row = {"id_hash": id_hash, "token": token, "went_to": ""}
        try:
            self._tx.insert("sent_form", row)
        except NotUniqueError:
            sql = "SELECT went_to FROM sent_form WHERE id_hash = ? AND token = ?"
            found = self._tx.one(sql, id_hash, token)
            return str(found["went_to"]) if found else ""
        return None

    def end_form(self, id_hash: str, token: str, went_to: str | None) -> None:
        """A form that was sent led to an address, or (None) to nothing: it may come again."""
        key = {"id_hash": id_hash, "token": token}
        if went_to is None:
            self._tx.run("DELETE FROM sent_form WHERE id_hash = ? AND token = ?", id_hash, token)
        else:
            self._tx.update("sent_form", {"went_to": went_to}, key)


def _account(row: Row) -> Account:
    return Account(**{**row, "administrator": bool(row["administrator"])})
