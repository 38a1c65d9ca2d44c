"""Sessions of a site: signing in by password, staying signed in, and the token of a form.

A session is a row of the program's own database; the browser has its id and nothing else. Whoever
has not been seen for `idle_seconds` is signed out.
"""

import asyncio
import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol, TypeVar

from nacl import exceptions, pwhash

from runtime.environment import Environment
from storage.accounts import Account, Accounts, Session, Sessions, hashed
from storage.engine import Engine

LONGEST_SECONDS = 12 * 3600
SEEN_SECONDS = 60
FREE_FAILURES = 5
LOCK_SECONDS = 60
LONGEST_LOCK_SECONDS = 3600
LEAST_PASSWORD = 12
MOST_PASSWORD = 200
AT_ONCE = 2  # 64 MiB each

Result = TypeVar("Result")


class HasAccounts(Protocol):
    """Stores of a program that people sign in to."""

    accounts: Accounts
    sessions: Sessions


@dataclass(frozen=True)
class SignedIn:
    """Somebody signed in: whose account, and the id that their browser gets."""

    account: Account
    session: str


class SessionKeeper:
    """Who is signed in to a program, over its database."""

    def __init__(self, engine: Engine[Any], env: Environment, idle_seconds: int) -> None:
        self.engine, self.env = engine, env
        self.idle_seconds = idle_seconds
        self._hashing = asyncio.Semaphore(AT_ONCE)
        self._nobodys = ""

    def form_token(self, session: str) -> str:
        """What a form carries to show that a page of ours was open in the same browser."""
        return hmac.new(session.encode(), b"form", sha256).hexdigest()

    async def find(self, session: str, *, click: bool = True) -> tuple[Account, Session] | None:
        """Who is signed in by an id, if anybody still is. A click keeps them signed in."""
        if not session:
            return None
        now = self.env.clock()

        def look(tables: HasAccounts) -> tuple[Account, Session] | None:
            found = tables.sessions.get(hashed(session))
            if found is None or not self._holds(found, now):
                return None
            account = tables.accounts.get(found.account)
            return (account, found) if account and account.closed_at is None else None

        found = await self.engine.read(look)
        if click and found is not None and found[1].seen_at + SEEN_SECONDS <= now:
            await self.engine.write(lambda tables: tables.sessions.seen(found[1].id_hash, now))
        return found

    async def sign_in(self, name: str, password: str, browser: str) -> SignedIn | None:
        """Sign somebody in, if the password is theirs and was not tried too often lately."""
        now = self.env.clock()
        account = await self.engine.read(lambda tables: tables.accounts.named(name.casefold()))
        known = account.password if account is not None and account.closed_at is None else None
        right = await self._matches(known, password)  # as long for a name that nobody has
        if account is None or known is None:
            return None

        def work(tables: HasAccounts) -> SignedIn | None:
            fresh = tables.accounts.get(account.id)  # others may have been tried meanwhile
            if fresh is None or fresh.password != known or fresh.closed_at is not None:
                return None
            if fresh.locked_until > now:
                return None
            if right:
                return self._start(tables, fresh, browser, now)
            self._failed(tables, fresh, now)
            return None

        return await self.engine.write(work)

    async def choose_password(self, secret: str, password: str, browser: str) -> SignedIn | None:
        """Take the password that somebody chose by a one-time link; None: the link is over."""
        now = self.env.clock()
        async with self._hashing:
            kept = await asyncio.to_thread(_hash, password)

        def work(tables: HasAccounts) -> SignedIn | None:
            account = tables.accounts.invited(secret)
            if account is None or not is_open(account, now):
                return None
            tables.accounts.set_password(account.id, kept)
            tables.sessions.end_all(account.id)
            return self._start(tables, account, browser, now)

        return await self.engine.write(work)

    async def invited(self, secret: str) -> Account | None:
        """Whose one-time link this is, if it still holds."""
        now = self.env.clock()
        account = await self.engine.read(lambda tables: tables.accounts.invited(secret))
        return account if account is not None and is_open(account, now) else None

    async def sign_out(self, session: Session) -> None:
        """End a session."""
        await self.engine.write(lambda tables: tables.sessions.end(session.id_hash))

    async def begin_form(self, session: Session, token: str) -> str | None:
        """A form is being sent; if it was already, where that led ("": it is not done yet)."""
        return await self.engine.write(
            lambda tables: tables.sessions.begin_form(session.id_hash, token[:64])
        )

    async def end_form(self, session: Session, token: str, went_to: str | None) -> None:
        """What was sent led there, or (None) to nothing."""
        await self.engine.write(
            lambda tables: tables.sessions.end_form(session.id_hash, token[:64], went_to)
        )

    def _holds(self, session: Session, now: int) -> bool:
        seen, started = session.seen_at + self.idle_seconds, session.started_at + LONGEST_SECONDS
        return now < seen and now < started

    def _start(self, tables: HasAccounts, account: Account, browser: str, now: int) -> SignedIn:
        secret = secrets.token_urlsafe(32)
        tables.sessions.end_before(now - LONGEST_SECONDS, now - self.idle_seconds)
        tables.sessions.start(Session(hashed(secret), account.id, now, now, browser[:200]))
        tables.accounts.set_failures(account.id, 0, 0)
        return SignedIn(account, secret)

    def _failed(self, tables: HasAccounts, account: Account, now: int) -> None:
        failures = account.failures + 1
        over = failures - FREE_FAILURES
        wait = min(LONGEST_LOCK_SECONDS, LOCK_SECONDS * 2 ** min(over, 10)) if over >= 0 else 0
        tables.accounts.set_failures(account.id, failures, now + wait)

    async def _matches(self, known: str | None, password: str) -> bool:
        async with self._hashing:
            if known is None and not self._nobodys:
                self._nobodys = await asyncio.to_thread(_hash, secrets.token_hex(16))
            right = await asyncio.to_thread(_verify, known or self._nobodys, password)
        return right and known is not None


def is_open(account: Account, now: int) -> bool:
    """Whether a one-time link of an account still holds."""
    return account.closed_at is None and (account.invited_until or 0) > now


def _hash(password: str) -> str:
    kept: bytes = pwhash.argon2id.str(
        password.encode(),
        opslimit=pwhash.argon2id.OPSLIMIT_INTERACTIVE,
        memlimit=pwhash.argon2id.MEMLIMIT_INTERACTIVE,
    )
    return kept.decode("ascii")


def _verify(kept: str, password: str) -> bool:
    try:
        return bool(pwhash.verify(kept.encode("ascii"), password.encode()[: MOST_PASSWORD * 4]))
    except exceptions.InvalidkeyError:
        return False
