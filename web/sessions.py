"""Sessions of a site: signing in by password, staying signed in, and the token of a form.

A session is a row of the program's own database; the browser has its id and nothing else. Whoever
has not been seen for `idle_seconds` is signed out.
"""

import asyncio
import hmac
import secrets
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Protocol, TypeVar

from nacl import exceptions, pwhash

from runtime.environment import Environment
from storage.accounts import Account, Accounts, Session, Sessions, hashed
from storage.engine import Engine
from storage.factors import Factors, KnownBrowser, SignInSteps, Step
from storage.identities import Identities

LONGEST_SECONDS = 12 * 3600
SEEN_SECONDS = 60
FREE_FAILURES = 5
LOCK_SECONDS = 60
LONGEST_LOCK_SECONDS = 15 * 60
STEP_SECONDS = 10 * 60
KNOWN_SECONDS = 180 * 24 * 3600
LEAST_PASSWORD = 12
MOST_PASSWORD = 200
AT_ONCE = 2  # 64 MiB each

Result = TypeVar("Result")


class HasAccounts(Protocol):
    """Stores of a program that people sign in to."""

    accounts: Accounts
    sessions: Sessions


class HasFactors(HasAccounts, Protocol):
    """Stores of a program whose people show more than a password."""

    factors: Factors
    sign_in_steps: SignInSteps


class HasIdentities(HasFactors, Protocol):
    """Stores of a program whose people come in by their organisation's own sign-in, too."""

    identities: Identities


@dataclass(frozen=True)
class SignedIn:
    """Somebody signed in: whose account, and the id that their browser gets; what it is known by
    the next time. `waits`: they are to show more first, and the id is of that step.
    """

    account: Account
    session: str
    browser: str = ""
    waits: bool = False


@dataclass(frozen=True)
class FactorRules:
    """Who must show more than a password, by their roles; for how many seconds it is enough on
    pages that ask again; the name under which an app lists us; and whether people can come in by
    their organisation's own sign-in, whose stores the program then has.
    """

    required_of: frozenset[str] = frozenset()
    again_seconds: int = 15 * 60
    called: str = "Patchwork"
    has_organisation: bool = False


class SessionKeeper:
    """Who is signed in to a program, over its database. `rules` None: a password is all there is,
    and the program has no stores for more.
    """

    def __init__(
        self,
        engine: Engine[Any],
        env: Environment,
        idle_seconds: int,
        rules: FactorRules | None = None,
    ) -> None:
        self.engine, self.env, self.rules = engine, env, rules
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

    async def sign_in(
        self, name: str, password: str, browser: str, known: str = ""
    ) -> SignedIn | None:
        """Sign somebody in, if the password is theirs and was not tried too often lately: by
        strangers, or in a browser that is `known`, where strangers' tries count for nothing.
        """
        now = self.env.clock()
        account = await self.engine.read(lambda tables: tables.accounts.named(name.casefold()))
        kept = account.password if account is not None and account.closed_at is None else None
        right = await self._matches(kept, password)  # as long for a name that nobody has
        if account is None or kept is None:
            return None

        def work(tables: HasFactors) -> SignedIn | None:
            fresh = tables.accounts.get(account.id)  # others may have been tried meanwhile
            if fresh is None or fresh.password != kept or fresh.closed_at is not None:
                return None
            if self.is_locked(tables, fresh, known, now):
                return None
            if right:
                return self.more_or_start(tables, fresh, (browser, known), now)
            self.failed(tables, fresh, known, now)
            return None

        return await self.engine.write(work)

    async def choose_password(
        self, secret: str, password: str, browser: str, known: str = ""
    ) -> SignedIn | None:
        """Take the password that somebody chose by a one-time link; None: the link is over."""
        now = self.env.clock()
        kept = await self._hash(password)

        def work(tables: HasFactors) -> SignedIn | None:
            account = tables.accounts.invited(secret)
            if account is None or not is_open(account, now):
                return None
            tables.accounts.set_password(account.id, kept)
            self._end_all(tables, account.id)
            return self.more_or_start(tables, account, (browser, known), now)

        return await self.engine.write(work)

    async def change_password(self, session: Session, old: str, new: str, known: str) -> bool:
        """Take another password of somebody who is signed in, and sign them out everywhere else;
        whether the old one was right, and not tried too often lately.
        """
        if not await self.is_password(session, old, known):
            return False
        kept = await self._hash(new)

        def work(tables: HasFactors) -> None:
            tables.accounts.set_password(session.account, kept)
            self._end_all(tables, session.account, but=session.id_hash)

        await self.engine.write(work)
        return True

    async def is_password(self, session: Session, password: str, known: str) -> bool:
        """Whether this is the password of somebody who is signed in; wrong ones are counted."""
        now = self.env.clock()
        account = await self.engine.read(lambda tables: tables.accounts.get(session.account))
        right = await self._matches(account.password if account else None, password)

        def work(tables: HasFactors) -> bool:
            fresh = tables.accounts.get(session.account)
            if fresh is None or self.is_locked(tables, fresh, known, now):
                return False
            if not right:
                self.failed(tables, fresh, known, now)
            return right

        return await self.engine.write(work)

    async def signed_in(self, account: int) -> list[Session]:
        """Where somebody is signed in now, the newest first."""
        now = self.env.clock()
        found = await self.engine.read(lambda tables: tables.sessions.of_account(account))
        return [session for session in found if self._holds(session, now)]

    async def end_others(self, session: Session, which: str = "") -> None:
        """Sign somebody out where they are beside here: everywhere, or (by the hash) somewhere."""

        def work(tables: HasAccounts) -> None:
            for other in tables.sessions.of_account(session.account):
                if other.id_hash != session.id_hash and which in {"", other.id_hash}:
                    tables.sessions.end(other.id_hash)

        await self.engine.write(work)

    async def invited(self, secret: str) -> Account | None:
        """Whose one-time link this is, if it still holds."""
        now = self.env.clock()
        account = await self.engine.read(lambda tables: tables.accounts.invited(secret))
        return account if account is not None and is_open(account, now) else None

    async def sign_out(self, session: Session) -> None:
        """End a session."""
        await self.engine.write(lambda tables: tables.sessions.end(session.id_hash))

    async def sign_out_by(self, secret: str) -> None:
        """End the session of an id."""
        await self.engine.write(lambda tables: tables.sessions.end(hashed(secret)))

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

    def start(
        self, tables: HasFactors, account: Account, where: tuple[str, str], now: int
    ) -> SignedIn:
        """Somebody is in, `where`: what their browser calls itself, and what it is known by."""
        browser, known = where
        secret = secrets.token_urlsafe(32)
        tables.sessions.end_before(now - LONGEST_SECONDS, now - self.idle_seconds)
        tables.sessions.start(Session(hashed(secret), account.id, now, now, browser[:200]))
        tables.accounts.set_failures(account.id, 0, 0)
        if self.rules is None:
            return SignedIn(account, secret)
        if not tables.sign_in_steps.is_known(known):
            known = secrets.token_urlsafe(32)
        seen = KnownBrowser(hashed(known), account.id, now)
        tables.sign_in_steps.put_browser(seen, now - KNOWN_SECONDS)
        return SignedIn(account, secret, known)

    def failed(self, tables: HasFactors, account: Account, known: str, now: int) -> None:
        """What somebody showed was wrong: after a few times they wait, each time longer."""
        found = self._known(tables, account, known)
        failures = (found or account).failures + 1
        over = failures - FREE_FAILURES
        wait = min(LONGEST_LOCK_SECONDS, LOCK_SECONDS * 2 ** min(over, 10)) if over >= 0 else 0
        if found is None:
            tables.accounts.set_failures(account.id, failures, now + wait)
        else:
            counted = replace(found, failures=failures, locked_until=now + wait)
            tables.sign_in_steps.put_browser(counted)

    def is_locked(self, tables: HasFactors, account: Account, known: str, now: int) -> bool:
        """Whether nothing is compared now that somebody shows."""
        return (self._known(tables, account, known) or account).locked_until > now

    def _known(self, tables: HasFactors, account: Account, known: str) -> KnownBrowser | None:
        if self.rules is None or not known:
            return None
        return tables.sign_in_steps.browser(known, account.id)

    def more_or_start(
        self, tables: HasFactors, account: Account, where: tuple[str, str], now: int
    ) -> SignedIn:
        """Somebody is in, or is to show a second factor first where they have one."""
        if self.rules is None or not tables.factors.has_any(account.id):
            return self.start(tables, account, where, now)
        secret = secrets.token_urlsafe(32)
        step = Step(hashed(secret), account.id, now)
        tables.sign_in_steps.begin(step, now - STEP_SECONDS)
        return SignedIn(account, secret, waits=True)

    def _end_all(self, tables: HasFactors, account: int, but: str = "") -> None:
        """End somebody's sessions, and what they began elsewhere."""
        for session in tables.sessions.of_account(account):
            if session.id_hash != but:
                tables.sessions.end(session.id_hash)
        if self.rules is not None:
            tables.sign_in_steps.end_all(account)

    async def _hash(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(_hash, password)

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
