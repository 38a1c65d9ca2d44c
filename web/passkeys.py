"""Passkeys (WebAuthn): added, used to sign in and to show again that it is you.

A passkey is asked for with user verification, so it is two factors at once: the device, and whoever
can unlock it. A challenge is signed by this process, is for one purpose, holds for an hour and is
taken once; it needs no row until somebody is signed in.
"""

import hmac
import secrets
from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from storage.accounts import Account, Session
from storage.engine import NotUniqueError
from storage.factors import Passkey
from web.sessions import HasFactors, SessionKeeper, SignedIn

CHALLENGE_SECONDS = 3600
LONGEST = 8_192
MOST_PASSKEYS = 10
BAD = (WebAuthnException, ValueError, TypeError, KeyError)


class Purpose(StrEnum):
    """What a challenge is for."""

    ADD = "add"
    SHOW = "show"


class Passkeys:
    """Passkeys of the people of a program. Needs a keeper with rules."""

    def __init__(self, keeper: SessionKeeper) -> None:
        self._keeper, self._engine = keeper, keeper.engine
        self._key = secrets.token_bytes(32)
        self._used: dict[bytes, int] = {}

    def asking(self, domain: str) -> str:
        """What a browser is asked for at a domain, as JSON: whoever has a passkey here."""
        made = generate_authentication_options(
            rp_id=domain,
            challenge=self._challenge(Purpose.SHOW),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json(made)

    async def adding(self, account: Account, domain: str) -> str:
        """What a browser is asked for so that somebody has a new passkey, as JSON."""
        rules = self._keeper.rules
        made = generate_registration_options(
            rp_id=domain,
            rp_name=rules.called if rules else domain,
            user_name=account.name,
            user_id=sha256(f"account {account.id} since {account.since}".encode()).digest(),
            challenge=self._challenge(Purpose.ADD),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=one.credential)
                for one in await self.of_account(account.id)
            ],
        )
        return options_to_json(made)

    async def of_account(self, account: int) -> Sequence[Passkey]:
        """Somebody's passkeys, the oldest first."""
        return await self._engine.read(lambda tables: tables.factors.passkeys(account))

    async def add(self, account: int, given: str, origin: str, name: str) -> bool:
        """Keep a new passkey that a browser made at an origin; whether it is one."""
        try:
            credential = parse_registration_credential_json(given[:LONGEST])
            challenge = self._taken(Purpose.ADD, credential.response.client_data_json)
            made = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=_domain(origin),
                expected_origin=origin,
                require_user_verification=True,
            )
        except BAD:
            return False
        now = self._keeper.env.clock()
        kept = (made.credential_id, made.credential_public_key, made.sign_count)

        def work(tables: HasFactors) -> bool:
            if len(tables.factors.passkeys(account)) >= MOST_PASSKEYS:
                return False
            tables.factors.add_passkey(account, kept, name, now)
            return True

        try:
            return await self._engine.write(work)
        except NotUniqueError:
            return False

    async def drop(self, account: int, passkey: int) -> None:
        """One of somebody's passkeys is taken no more."""
        await self._engine.write(lambda tables: tables.factors.drop_passkey(account, passkey))

    async def sign_in(self, given: str, origin: str, where: tuple[str, str]) -> SignedIn | None:
        """Sign in whoever showed a passkey; None: it is none of ours, or they may not."""
        passkey = await self._shown(given, origin)
        if passkey is None:
            return None
        now = self._keeper.env.clock()

        def work(tables: HasFactors) -> SignedIn | None:
            account = tables.accounts.get(passkey.account)
            if account is None or account.closed_at is not None:
                return None
            return self._keeper.start(tables, account, where, now)

        return await self._engine.write(work)

    async def check_again(self, session: Session, given: str, origin: str) -> bool:
        """Whether somebody who is signed in showed a passkey of theirs."""
        passkey, now = await self._shown(given, origin), self._keeper.env.clock()
        if passkey is None or passkey.account != session.account:
            return False
        await self._engine.write(lambda tables: tables.sign_in_steps.checked(session.id_hash, now))
        return True

    async def _shown(self, given: str, origin: str) -> Passkey | None:
        """The passkey that was shown at an origin."""
        try:
            credential = parse_authentication_credential_json(given[:LONGEST])
            known: Passkey | None = await self._engine.read(
                lambda tables: tables.factors.passkey(credential.raw_id)
            )
            if known is None:
                return None
            challenge = self._taken(Purpose.SHOW, credential.response.client_data_json)
            found = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=_domain(origin),
                expected_origin=origin,
                credential_public_key=known.public_key,
                credential_current_sign_count=known.sign_count,
                require_user_verification=True,
            )
        except BAD:
            return None
        count, now = found.new_sign_count, self._keeper.env.clock()
        await self._engine.write(lambda t: t.factors.used_passkey(known.id, count, now))
        return known

    def _challenge(self, purpose: Purpose) -> bytes:
        until = self._keeper.env.clock() + CHALLENGE_SECONDS
        body = secrets.token_bytes(16) + until.to_bytes(8, "big")
        return body + self._mark(purpose, body)

    def _mark(self, purpose: Purpose, body: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + body, "sha256")

    def _taken(self, purpose: Purpose, client_data: bytes) -> bytes:
        """The challenge that a browser answers, which is over with that. Raises ValueError."""
        challenge, now = parse_client_data_json(client_data).challenge, self._keeper.env.clock()
        body, mark = challenge[:24], challenge[24:]
        until = int.from_bytes(body[16:], "big")
        self._used = {one: end for one, end in self._used.items() if end > now}
        ours = hmac.compare_digest(mark, self._mark(purpose, body))
        if not ours or until <= now or body in self._used:
            raise ValueError("not a challenge that is open")
        self._used[body] = until
        return challenge


def _domain(origin: str) -> str:
    return origin.partition("://")[2].partition(":")[0]
