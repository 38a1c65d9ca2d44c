"""Hypothesis profiles, and a made-up federation that tests sign in the name of.

`dev` is the default, `ci` draws the same examples every time (used where CI is set), `soak` looks
long and hard: HYPOTHESIS_PROFILE=soak.
"""

import copy
import gc
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from protocol import canonical
from protocol.dsse import Envelope, sign
from protocol.fields import WireModel, to_base64
from protocol.governance.charter import Charter, parse_charter
from protocol.messages.bodies import CharterBody
from protocol.messages.kinds import KINDS, kind_of
from protocol.signing import SecretSeed, public_key
from storage.sqlite import SqliteDatabase
from tests import postgres, ready_made

VECTORS = Path(__file__).parents[1] / "specs" / "vectors"

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile(
    "soak", deadline=None, max_examples=20_000, suppress_health_check=[HealthCheck.too_slow]
)
SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
collect_ignore = [] if SOAK else ["soak"]  # long runs: `make soak`
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


def _holds_files(folder: Path) -> bool:
    """Whether a folder in memory is there, large enough, and lets programs run from it."""
    return (
        os.access(folder, os.W_OK | os.X_OK)
        and shutil.disk_usage(folder).free > MEMORY_BYTES
        and not os.statvfs(folder).f_flag & os.ST_NOEXEC
    )


# Tests put their files into memory where they can. A disk that is slow to sync takes half of the
# time; what is synced, and when, tests see by the calls, and no test cuts the power.
MEMORY, MEMORY_BYTES = Path("/dev/shm"), 2**31  # noqa: S108 - pytest's own folder within it
if _holds_files(MEMORY):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

SqliteDatabase._migrate = ready_made.made_once(SqliteDatabase._migrate)  # type: ignore[assignment,method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What the tests' modules make while they load stays: to look for waste in it, then and with
    every test, is a tenth of the time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        gc.enable()


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: the long stories wait for programs of their own."""
    return (os.cpu_count() or 1) + 1


def seed(number: int) -> SecretSeed:
    """A seed of one byte, 32 times."""
    return SecretSeed(bytes([number]) * 32)


def key(number: int) -> str:
    """The public key of `seed(number)`, in hex."""
    return public_key(seed(number)).hex()


@dataclass
class Council:
    """A hub with the charter of specs/vectors/decisions.json, and parties whose seeds are known.

    The hub signs with seed 7. A party numbered n has the id n n n ..., signs with seed n and
    authenticates with seed n + 1.
    """

    charter_value: dict[str, Any]
    documents: dict[str, bytes] = field(default_factory=dict)
    hub_id: str = "000102030405060708090a0b0c0d0e0f"
    hub_seed: int = 7

    def charter(self, **changes: object) -> Charter:
        """The charter with some fields replaced; its document is kept."""
        value: dict[str, Any] = {**self.charter_value, **changes}
        document = canonical.encode(value)
        charter = parse_charter(document)
        self.documents[charter.document_hash] = document
        return charter

    def statement(
        self, body: WireModel, sender: str, by: int, **preamble: object
    ) -> tuple[bytes, Envelope]:
        """Envelope bytes of a statement by anybody, however wrong: nothing is checked here."""
        kind = kind_of(type(body))
        payload: Any = {
            "protocol": 1,
            "kind": kind,
            "charter_id": self.hub_id,
            "charter_version": 1,
            "log_origin": "hub.example/log",
            "aud": self.hub_id,
            "sender": sender,
            "nonce": "0e" * 16,
            "iat": 1_790_000_000,
            **preamble,
            "body": body.model_dump(mode="json"),
        }
        envelope = sign(kind, canonical.encode(payload), seed(by))
        return envelope.encode(), envelope

    def by_hub(self, body: WireModel, **preamble: object) -> bytes:
        """Envelope bytes of a statement by the hub."""
        return self.statement(body, self.hub_id, self.hub_seed, **preamble)[0]

    def charter_leaf(self, charter: Charter, **changes: object) -> bytes:
        """The public leaf's envelope that puts a charter in force."""
        value: dict[str, object] = {
            "version": charter.version,
            "predecessor": charter.predecessor,
            "document_hash": charter.document_hash,
            "document_length": len(charter.encode()),
            **changes,
        }
        return self.by_hub(CharterBody.model_validate(value))

    def enrolment_value(self, party: int, **changes: object) -> dict[str, Any]:
        """What a party says of itself when it applies."""
        return {
            "invitation_hash": "1a" * 32,
            "party_id": party_id(party),
            "name": f"Agency {party}",
            "member_class": "health_provider",
            "control_domain": f"Domain {party}",
            "duty_line": "01632 960001",
            "duty_hours": "Weekdays 9 to 5",
            "keys": {
                "auth": key(party + 1),
                "sign": key(party),
                "seal": "5e" * 32,
                "seal_expires": 1_800_000_000,
                "recovery_hash": "4e" * 32,
            },
            **changes,
        }

    def member_leaf(
        self,
        party: int,
        status: str = "active",
        *,
        signed_by: int | None = None,
        clients: int | None = None,
        **lies: object,
    ) -> bytes:
        """A membership leaf by the hub; `lies` are fields that the party did not apply with.

        Without `clients` it is one from before sizes were declared.
        """
        applied = self.enrolment_value(party)
        if clients is not None:
            applied["clients"] = clients
        enrolment = KINDS["enrolment"].body.model_validate(applied)
        signer = party if signed_by is None else signed_by
        envelope, _ = self.statement(enrolment, party_id(party), signer)
        del applied["invitation_hash"]
        value = {**applied, "status": status, "enrolment": to_base64(envelope), **lies}
        return self.by_hub(KINDS["member"].body.model_validate(value))


def make_hub_database(address: str) -> None:
    """Make a hub's tables at an address."""
    from hub.store.tables import SCHEMA
    from storage.postgres import PostgresDatabase

    database = PostgresDatabase(address, SCHEMA, lambda tx: tx)
    database.check()
    database.close()


def party_id(party: int) -> str:
    """The id of the party that signs with `seed(party)`."""
    return f"{party:02x}" * 16


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    """Undo a command line's log set-up: it writes to a stream that closes with its test."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server; where there is none, and none can be made, the test fails."""
    with postgres.running_server() as server:
        yield server


@pytest.fixture
def empty_database(postgres_server: postgres.Server) -> Iterator[str]:
    """The address of a database on PostgreSQL in which nothing is."""
    address = postgres_server.database("empty", lambda _: None)
    yield address
    postgres_server.drop(address)


@pytest.fixture
def hub_database(postgres_server: postgres.Server) -> Iterator[str]:
    """The address of a hub's database on PostgreSQL, empty and of the newest version."""
    address = postgres_server.database("hub", make_hub_database)
    yield address
    postgres_server.drop(address)


@pytest.fixture
def council() -> Council:
    """A fresh made-up federation."""
    vectors = json.loads((VECTORS / "decisions.json").read_text("utf-8"))
    return Council(copy.deepcopy(vectors["charter"]))
