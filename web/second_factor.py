"""What somebody shows besides a password: codes of an app (RFC 6238) and recovery codes.

A code is taken once: an app's by its step, a recovery code by being used up. Wrong ones count as
wrong passwords do.
"""

import base64
import hmac
import re
import secrets
from dataclasses import dataclass

import pyotp

from storage.accounts import Account, Session, hashed
from web.sessions import (
    STEP_SECONDS,
    FactorRules,
    HasFactors,
    HasIdentities,
    SessionKeeper,
    SignedIn,
)

SECONDS_A_STEP = 30
RECOVERY_CODES = 8
RECOVERY_BYTES = 10  # 80 bits, 16 letters and digits


@dataclass(frozen=True)
class Standing:
    """What of it somebody has: an app since when (Unix seconds, None: none), recovery codes that
    are left, and whether there is a password.
    """

    app_since: int | None
    codes_left: int
    has_password: bool
    has_passkeys: bool

    @property
    def has_any(self) -> bool:
        """Whether they show more than a password."""
        return self.app_since is not None or self.has_passkeys


class SecondFactors:
    """Second factors of the people of a program. Needs a keeper with rules."""

    def __init__(self, keeper: SessionKeeper) -> None:
        self._keeper, self._engine = keeper, keeper.engine

    @property
    def rules(self) -> FactorRules:
        """Who must have one, and for how long it is enough."""
        return self._keeper.rules or FactorRules()

    async def standing(self, account: int) -> Standing:
        """What somebody has."""

        def look(tables: HasFactors) -> Standing:
            app, found = tables.factors.app(account), tables.accounts.get(account)
            return Standing(
                app.since if app and app.secret else None,
                tables.factors.codes_left(account),
                found is not None and found.password is not None,
                bool(tables.factors.passkeys(account)),
            )

        return await self._engine.read(look)

    async def must_begin(self, account: Account, roles: frozenset[str]) -> bool:
        """Whether somebody is to set one up before anything else."""
        if not self.rules.required_of & roles:
            return False

        def look(tables: HasIdentities) -> bool:
            if tables.factors.has_any(account.id):
                return False
            elsewhere = self.rules.has_organisation and account.password is None
            return not elsewhere or not tables.identities.of_account(account.id)

        return await self._engine.read(look)

    async def is_fresh(self, session: Session) -> bool:
        """Whether somebody showed lately that it is them."""
        since = self._keeper.env.clock() - self.rules.again_seconds
        if session.started_at > since:
            return True
        at = await self._engine.read(
            lambda tables: tables.sign_in_steps.checked_at(session.id_hash)
        )
        return bool(at > since)

    async def check_again(self, session: Session, shown: str, known: str) -> bool:
        """Whether somebody who is signed in showed that it is them: by a code where they have a
        second factor, else by their password.
        """
        now = self._keeper.env.clock()
        stands = await self.standing(session.account)
        if stands.has_any:
            right = await self._engine.write(
                lambda tables: self._takes(tables, session.account, shown, known)
            )
        else:
            right = await self._keeper.is_password(session, shown, known)
        if right:
            await self._engine.write(
                lambda tables: tables.sign_in_steps.checked(session.id_hash, now)
            )
        return bool(right)

    async def waiting(self, cookie: str) -> Account | None:
        """Who showed their password in a browser and is to show more, if they still may."""
        return await self._engine.read(lambda tables: self.on_the_way(tables, cookie))

    async def finish(self, cookie: str, code: str, browser: str, known: str) -> SignedIn | None:
        """Sign in who showed their password before, if the code is right."""

        def work(tables: HasFactors) -> SignedIn | None:
            account = self.on_the_way(tables, cookie)
            if account is None or not self._takes(tables, account.id, code, known):
                return None
            tables.sign_in_steps.end(hashed(cookie))
            now = self._keeper.env.clock()
            return self._keeper.start(tables, account, (browser, known), now)

        return await self._engine.write(work)

    async def begin_app(self, account: int) -> None:
        """Make a secret for an app; it counts once a code of it was typed."""
        secret = pyotp.random_base32()
        await self._engine.write(lambda tables: tables.factors.begin_app(account, secret))

    async def begun_app(self, account: Account) -> tuple[str, str] | None:
        """The secret of the app that is being set up, and the same as an app reads it: a URI."""
        app = await self._engine.read(lambda tables: tables.factors.app(account.id))
        if app is None or app.pending is None:
            return None
        made = pyotp.TOTP(app.pending, name=account.name, issuer=self.rules.called)
        return app.pending, made.provisioning_uri()

    async def confirm_app(self, account: int, code: str) -> list[str] | None:
        """The app that was begun is the one from now on, if the code is its; recovery codes to be
        shown once (none where there are some already). None: the code is another.
        """
        now = self._keeper.env.clock()

        def work(tables: HasFactors) -> list[str] | None:
            app = tables.factors.app(account)
            if app is None or app.pending is None:
                return None
            step = _step_of(app.pending, _plain(code), now, 0)
            if step is None:
                return None
            tables.factors.confirm_app(account, app.pending, step, now)
            return _renewed(tables, account) if not tables.factors.codes_left(account) else []

        return await self._engine.write(work)

    async def renew_codes(self, account: int) -> list[str]:
        """Other recovery codes, instead of all that were there; to be shown once."""
        return await self._engine.write(lambda tables: _renewed(tables, account))

    async def drop_app(self, account: int) -> None:
        """Somebody uses no app any more."""
        await self._engine.write(lambda tables: tables.factors.drop_app(account))

    def on_the_way(self, tables: HasFactors, cookie: str) -> Account | None:
        """Who showed their password and is to show more, by what their browser carries."""
        step = tables.sign_in_steps.get(hashed(cookie)) if cookie else None
        if step is None or step.started_at + STEP_SECONDS <= self._keeper.env.clock():
            return None
        account = tables.accounts.get(step.account)
        return account if account is not None and account.closed_at is None else None

    def _takes(self, tables: HasFactors, account: int, shown: str, known: str) -> bool:
        """Whether a code is somebody's, once."""
        now, found = self._keeper.env.clock(), tables.accounts.get(account)
        if found is None or self._keeper.is_locked(tables, found, known, now):
            return False
        code, app = _plain(shown), tables.factors.app(account)
        if app is not None and app.secret is not None:
            step = _step_of(app.secret, code, now, app.last_step)
            if step is not None:
                tables.factors.use_step(account, step)
                return True
        if tables.factors.use_code(account, code):
            return True
        self._keeper.failed(tables, found, known, now)
        return False


def _plain(code: str) -> str:
    """A code as it is compared: without the spaces and hyphens that make it easy to read."""
    return re.sub(r"[\s-]", "", code).lower()[:40]


def _step_of(secret: str, code: str, now: int, used: int) -> int | None:
    """The step of a code, one before and after now at most, and none up to the one used last."""
    app, here = pyotp.TOTP(secret), now // SECONDS_A_STEP
    for step in (here - 1, here, here + 1):
        right = hmac.compare_digest(app.generate_otp(step).encode(), code.encode())
        if step > used and right:
            return step
    return None


def _renewed(tables: HasFactors, account: int) -> list[str]:
    made = [
        base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
        for _ in range(RECOVERY_CODES)
    ]
    tables.factors.put_codes(account, made)
    return ["-".join(re.findall("....", code)) for code in made]
