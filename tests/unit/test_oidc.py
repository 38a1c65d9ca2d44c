"""What an organisation's sign-in may bring, in the shape of Entra's and of NHS CIS2's: who it is is
taken, and everything else is refused, each with a sentence of its own.
"""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from runtime.environment import Environment
from storage.identities import Identity
from web.oidc import Away, NotSignedInError, Provider, ProviderRules
from web.words import Words

HERE = Path(__file__).parent / "oidc"
NOW = 1_800_000_000
BACK = "https://pages.example/sign-in/organisation/back"
TENANT = "11111111-2222-4333-8444-555555555555"
ENTRA = ProviderRules(
    "https://login.microsoftonline.com/{tenantid}/v2.0", "our-client", "s", "Entra", TENANT
)
CIS2_ISSUER = json.loads((HERE / "cis2.json").read_text())["issuer"]
CIS2 = ProviderRules(CIS2_ISSUER, "999.apps.national", "s", "CIS2", acr="AAL3_ANY")
KEY, OTHER = (RSAKey.generate_key(2048, {"kid": name}) for name in ("one", "two"))


class Desk:
    """A provider's documents and its token endpoint, as bytes; what was posted to it."""

    def __init__(self, name: str, rules: ProviderRules) -> None:
        self.document = json.loads((HERE / f"{name}.json").read_text())
        public = {**KEY.as_dict(private=False), "use": "sig", "x5t": "odd", "x5c": ["MIIC"]}
        public |= {"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}
        self.keys: dict[str, Any] = {"keys": [public]}
        issuer = rules.issuer.replace("{tenantid}", rules.tenant)
        self.address = f"{issuer}/.well-known/openid-configuration"
        self.token = ""
        self.posted: list[dict[str, list[str]]] = []

    async def get(self, url: str) -> bytes:
        said = {self.address: self.document, self.document["jwks_uri"]: self.keys}
        return json.dumps(said[url]).encode()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
        assert url == self.document["token_endpoint"]
        self.posted.append(parse_qs(body.decode()))
        return json.dumps({"id_token": self.token, "access_token": "unused"}).encode()


class Case:
    """Somebody on the way to a provider, and what it will say of them."""

    def __init__(self, name: str, rules: ProviderRules) -> None:
        self.now = NOW
        self.desk = Desk(name, rules)
        self.provider = Provider(rules, self.desk, Environment(clock=lambda: self.now))
        self.away = self.provider.leave("/clients")
        self.query = {"code": "a-code", "state": self.away.derived("state")}
        self.claims: dict[str, Any] = {
            "iss": self.provider.rules.issuer, "aud": rules.client, "sub": "AAAA-subject",
            "iat": NOW - 2, "nbf": NOW - 2, "exp": NOW + 3600, "nonce": self.away.derived("nonce"),
            "tid": TENANT, "acr": "AAL3_ANY", "roles": ["administrator"], "ver": "2.0",
            "auth_time": NOW - 5, "preferred_username": "somebody@agency.example",
        }  # fmt: skip
        self.header = {"alg": "RS256", "kid": "one", "typ": "JWT"}
        self.key: Any = KEY

    async def back(self) -> tuple[Away, Identity]:
        if not self.desk.token:
            self.desk.token = jwt.encode(self.header, self.claims, self.key)
        return await self.provider.came_back(self.provider.sealed(self.away), self.query, BACK)


@pytest.fixture(params=["entra", "cis2"])
def case(request: pytest.FixtureRequest) -> Case:
    return Case(request.param, ENTRA if request.param == "entra" else CIS2)


async def test_who_it_is_is_taken_and_nothing_else(case: Case) -> None:
    away, who = await case.back()
    assert away.then == "/clients"
    tenant = case.provider.rules.tenant
    assert who == Identity(case.provider.rules.issuer, tenant, "AAAA-subject")
    (posted,) = case.desk.posted
    assert posted["redirect_uri"] == [BACK]
    assert posted["code_verifier"] == [case.away.derived("verifier")]


async def test_what_is_asked_for_is_bound_to_one_browser_and_one_time(case: Case) -> None:
    address = await case.provider.address(case.away, BACK)
    asked = {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(case.desk.document["authorization_endpoint"])
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"] == "openid"
    assert asked.get("acr_values", "") == case.provider.rules.acr
    assert case.away.derived("verifier") not in address
    other = case.provider.leave("/")
    assert other.derived("state") != asked["state"]
    assert other.derived("nonce") != asked["nonce"]


def unsigned(case: Case) -> None:
    claims = jwt.encode(case.header, case.claims, KEY).split(".")[1]
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    case.desk.token = f"{head}.{claims}."


def with_their_key_as_secret(case: Case) -> None:
    """The classic: their public key, which everybody has, taken for a shared secret."""
    claims = jwt.encode(case.header, case.claims, KEY).split(".")[1]
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"one"}').decode().rstrip("=")
    made = hmac.digest(KEY.as_pem(private=False), f"{head}.{claims}".encode(), "sha256")
    case.desk.token = f"{head}.{claims}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"


def said(**claims: Any) -> Callable[[Case], None]:
    return lambda case: case.claims.update(claims)


WRONG: list[tuple[str, Callable[[Case], object]]] = [
    ("issuer", said(iss="https://evil.example")),
    ("issuer", said(iss="https://login.microsoftonline.com/{tenantid}/v2.0")),
    ("issuer", lambda case: case.query.update(iss="https://evil.example")),
    ("issuer", lambda case: case.desk.document.update(issuer="https://evil.example")),
    ("audience", said(aud="another-client")),
    ("audience", said(aud=["999.apps.national", "our-client", "another"])),
    ("audience", said(azp="another-client")),
    ("audience", said(aud=None)),
    ("expired", said(exp=NOW - 61)),
    ("expired", said(iat=NOW + 120)),
    ("expired", said(nbf=NOW + 120)),
    ("token", said(exp="soon")),
    ("token", said(sub="")),
    ("token", said(sub=["a"])),
    ("nonce", said(nonce="another")),
    ("nonce", said(nonce=None)),
    ("state", lambda case: case.query.update(state="another")),
    ("state", lambda case: case.query.pop("state")),
    ("refused", lambda case: (case.query.pop("code"), case.query.update(error="access_denied"))),
    ("late", lambda case: setattr(case, "now", NOW + 601)),
    ("signature", unsigned),
    ("signature", with_their_key_as_secret),
    ("signature", lambda case: setattr(case, "key", OTHER)),
    ("signature", lambda case: case.header.update(kid="two")),
    ("code", lambda case: case.desk.document.update(token_endpoint="https://nobody.example")),
    ("provider", lambda case: case.desk.document.pop("jwks_uri")),
]  # fmt: skip


@pytest.mark.parametrize(("why", "wrong"), WRONG)
async def test_what_is_not_right_is_refused(
    case: Case, why: str, wrong: Callable[[Case], object]
) -> None:
    if why == "code":
        case.desk.post = _refusing  # type: ignore[method-assign]
    else:
        wrong(case)
    with pytest.raises(NotSignedInError) as caught:
        await case.back()
    assert caught.value.why == why


async def _refusing(url: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    return b'{"error": "invalid_grant"}'


async def test_people_of_another_tenant_are_not_ours() -> None:
    for tid in ("99999999-2222-4333-8444-555555555555", None, TENANT.upper() + " "):
        case = Case("entra", ENTRA)
        case.claims["tid"] = tid
        with pytest.raises(NotSignedInError) as caught:
            await case.back()
        assert caught.value.why == "tenant"


async def test_a_password_where_a_smartcard_is_asked_for() -> None:
    case = Case("cis2", CIS2)
    case.claims["acr"] = "AAL1_USERPASS"
    with pytest.raises(NotSignedInError) as caught:
        await case.back()
    assert caught.value.why == "level"


async def test_nobody_comes_back_twice_or_with_a_seal_of_their_own(case: Case) -> None:
    await case.back()
    with pytest.raises(NotSignedInError) as caught:
        await case.back()
    assert caught.value.why == "twice"
    fresh = case.provider.leave("/")
    forged = case.provider.sealed(fresh).rpartition(".")[0]
    for seal in ("", ".", "a.b", f"{forged}.{'0' * 64}", f"é.{forged}"):
        with pytest.raises(NotSignedInError) as caught:
            await case.provider.came_back(seal, {"code": "c", "state": "s"}, BACK)
        assert caught.value.why == "state"


async def test_a_key_that_they_changed_is_found_and_asked_for_once_a_minute(case: Case) -> None:
    await case.provider.address(case.away, BACK)
    case.desk.keys = {"keys": [OTHER.as_dict(private=False)]}
    case.header, case.key = {"alg": "RS256", "kid": "two"}, OTHER
    case.now += 61
    _, who = await case.back()
    assert who.subject == "AAAA-subject"


def test_every_refusal_has_a_sentence() -> None:
    words = Words([Path(__file__).parents[2] / "web" / "words"], {"agency": "An agency"})
    kinds = {why for why, _ in WRONG} | {"tenant", "level", "twice", "unknown", "another", "link"}
    told = {words(f"oidc.wrong.{why}", provider="Entra") for why in kinds}
    assert len(told) == len(kinds)
