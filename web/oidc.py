"""An organisation's own sign-in: OpenID Connect, authorization code with PKCE and a nonce.

Everything that a provider says is checked against what is pinned in the settings: issuer, audience,
tenant, and where asked for the level of assurance. It says who somebody is, never what they may.

What is to be known when somebody comes back travels in a sealed cookie of their own browser (Lax:
they come from another site), so nothing is kept here for people who never come back.
"""

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import quote_plus, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from protocol.errors import PatchworkError
from runtime.environment import Environment
from storage.identities import Identity

AWAY_SECONDS = 10 * 60
KEPT_SECONDS = 3600
AGAIN_SECONDS = 60  # between two looks for a key that is not in the set
SKEW_SECONDS = 60
SHOWN_LATELY_SECONDS = 5 * 60
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"]
ANY_TENANT = "{tenantid}"  # as Entra writes it


class Http(Protocol):
    """What fetches a provider's documents: transport's client."""

    async def get(self, url: str) -> bytes:
        """The body of a 200 answer. Raises RemoteError."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
        """The body of a 200 answer to a POST. Raises RemoteError."""


class NotSignedInError(Exception):
    """What a provider or a browser brought is refused; `why` is a key of the words' oidc.wrong."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not signed in by the provider: {why}")
        self.why = why


@dataclass(frozen=True, repr=False)
class ProviderRules:
    """What is pinned of a provider. `issuer` as its tokens name it; `tenant`: the claim tid that
    they must have ("": none is looked at); `acr`: the level of assurance that is asked for and
    must be there ("": any); `called`: its name on our pages.
    """

    issuer: str
    client: str
    secret: str
    called: str
    tenant: str = ""
    acr: str = ""


@dataclass(frozen=True, repr=False)
class Away:
    """Somebody who was sent to their provider: where they want to be afterwards, with whose
    one-time link they come, or in which session (by its hash) they show again that it is them.
    """

    secret: str
    until: int
    then: str = "/"
    invite: str = ""
    session: str = ""

    def derived(self, what: str) -> str:
        """State, nonce or PKCE's verifier of this one time."""
        made = hmac.digest(self.secret.encode(), what.encode(), "sha256")
        return base64.urlsafe_b64encode(made).decode().rstrip("=")


class Provider:
    """One organisation's sign-in."""

    def __init__(self, rules: ProviderRules, http: Http, env: Environment) -> None:
        self._given, self._http, self._env = rules, http, env
        issuer = rules.issuer.replace(ANY_TENANT, rules.tenant)
        self.rules = replace(rules, issuer=issuer)
        self._key = secrets.token_bytes(32)
        self._used: dict[str, int] = {}
        self._known: tuple[int, dict[str, Any], KeySet] | None = None

    def leave(self, then: str, *, invite: str = "", session: str = "") -> Away:
        """Somebody is to be sent there."""
        until = self._env.clock() + AWAY_SECONDS
        return Away(secrets.token_urlsafe(32), until, then, invite, session)

    def sealed(self, away: Away) -> str:
        """What their browser carries meanwhile."""
        body = base64.urlsafe_b64encode(json.dumps(vars(away)).encode()).decode()
        return f"{body}.{self._mark(body)}"

    async def address(self, away: Away, back: str) -> str:
        """Where to send them; they come `back` to this address of ours. Raises NotSignedInError."""
        found, _ = await self._documents()
        challenge = sha256(away.derived("verifier").encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.rules.client,
            "redirect_uri": back,
            "scope": "openid",
            "state": away.derived("state"),
            "nonce": away.derived("nonce"),
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        if self.rules.acr:
            asked["acr_values"] = self.rules.acr
        if away.session:
            asked |= {"prompt": "login", "max_age": "0"}
        address = str(found["authorization_endpoint"])
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"

    async def came_back(
        self, sealed: str, query: Mapping[str, str], back: str
    ) -> tuple[Away, Identity]:
        """Who somebody is who came back, and what they were away for. Raises NotSignedInError."""
        away = self._opened(sealed)
        state = query.get("state", "")
        if not hmac.compare_digest(state.encode(), away.derived("state").encode()):
            raise NotSignedInError("state")
        if query.get("iss", self.rules.issuer) != self.rules.issuer:
            raise NotSignedInError("issuer")
        self._use(away)
        if "code" not in query:
            raise NotSignedInError("refused")
        token = await self._exchanged(query["code"], away, back)
        claims = await self._read(token)
        return away, self.identity(claims, away)

    def identity(self, claims: Mapping[str, Any], away: Away) -> Identity:
        """Who a signed token names, if it is for us and of now. Raises NotSignedInError."""
        now, rules = self._env.clock(), self.rules
        self._check_parties(claims)
        _check_times(claims, now)
        nonce = str(claims.get("nonce", ""))
        if not hmac.compare_digest(nonce.encode(), away.derived("nonce").encode()):
            raise NotSignedInError("nonce")
        if away.session and _seconds(claims, "auth_time") + SHOWN_LATELY_SECONDS <= now:
            raise NotSignedInError("expired")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise NotSignedInError("token")
        return Identity(rules.issuer, rules.tenant, subject)

    def _check_parties(self, claims: Mapping[str, Any]) -> None:
        """From whom a token is, and for whom."""
        rules = self.rules
        if claims.get("iss") != rules.issuer:
            raise NotSignedInError("issuer")
        audience = claims.get("aud")
        parties = [audience] if isinstance(audience, str) else audience
        if parties != [rules.client] or claims.get("azp", rules.client) != rules.client:
            raise NotSignedInError("audience")
        if rules.tenant and claims.get("tid") != rules.tenant:
            raise NotSignedInError("tenant")
        if rules.acr and claims.get("acr") != rules.acr:
            raise NotSignedInError("level")

    def _opened(self, sealed: str) -> Away:
        body, _, mark = sealed.rpartition(".")
        if not body or not hmac.compare_digest(mark.encode(), self._mark(body).encode()):
            raise NotSignedInError("state")
        away = Away(**json.loads(base64.urlsafe_b64decode(body)))
        if away.until <= self._env.clock():
            raise NotSignedInError("late")
        return away

    def _use(self, away: Away) -> None:
        """Nobody comes back twice from one time away."""
        now, mark = self._env.clock(), away.derived("state")
        self._used = {one: until for one, until in self._used.items() if until > now}
        if mark in self._used:
            raise NotSignedInError("twice")
        self._used[mark] = away.until

    def _mark(self, body: str) -> str:
        return hmac.digest(self._key, body.encode(), "sha256").hex()

    async def _exchanged(self, code: str, away: Away, back: str) -> str:
        """The token that a code is good for, once."""
        found, _ = await self._documents()
        rules = self.rules
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": rules.client,
            "code_verifier": away.derived("verifier"),
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if "client_secret_post" in found.get("token_endpoint_auth_methods_supported", ()):
            fields["client_secret"] = rules.secret
        else:
            pair = f"{quote_plus(rules.client)}:{quote_plus(rules.secret)}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        try:
            address = str(found["token_endpoint"])
            answer = await self._http.post(address, urlencode(fields).encode(), headers)
            token = json.loads(answer)["id_token"]
        except (PatchworkError, ValueError, KeyError, TypeError):
            raise NotSignedInError("code") from None
        return str(token)

    async def _read(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that the provider signed."""
        for again in (False, True):
            _, keys = await self._documents(again=again)
            try:
                return jwt.decode(token, keys, algorithms=ALGORITHMS).claims
            except (JoseError, ValueError, TypeError, KeyError):
                continue  # it may have another key since
        raise NotSignedInError("signature")

    async def _documents(self, *, again: bool = False) -> tuple[dict[str, Any], KeySet]:
        """What the provider says of itself, and its keys; kept for an hour."""
        now = self._env.clock()
        kept = AGAIN_SECONDS if again else KEPT_SECONDS
        if self._known is None or self._known[0] + kept <= now:
            self._known = (now, *await self._fetched())
        return self._known[1], self._known[2]

    async def _fetched(self) -> tuple[dict[str, Any], KeySet]:
        address = f"{self.rules.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            found = json.loads(await self._http.get(address))
            issuer = str(found["issuer"])
            keys = json.loads(await self._http.get(str(found["jwks_uri"])))
            read = KeySet.import_key_set({"keys": [_key(one) for one in keys["keys"]]})
            str(found["authorization_endpoint"]), str(found["token_endpoint"])
        except (PatchworkError, JoseError, ValueError, KeyError, TypeError):
            raise NotSignedInError("provider") from None
        if issuer.replace(ANY_TENANT, self.rules.tenant) != self.rules.issuer:
            raise NotSignedInError("issuer")
        return found, read


def _key(said: Mapping[str, Any]) -> dict[str, Any]:
    """A key without what others add to it, such as certificates."""
    parts = ("kty", "kid", "use", "alg", "n", "e", "crv", "x", "y")
    return {name: said[name] for name in parts if name in said}


def _check_times(claims: Mapping[str, Any], now: int) -> None:
    if _seconds(claims, "exp") + SKEW_SECONDS <= now:
        raise NotSignedInError("expired")
    if max(_seconds(claims, "iat"), int(_or_zero(claims, "nbf"))) > now + SKEW_SECONDS:
        raise NotSignedInError("expired")


def _or_zero(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name, 0)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = _or_zero(claims, name)
    if not value:
        raise NotSignedInError("token")
    return int(value)
