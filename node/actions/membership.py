"""Setting a node up, joining a hub, signing its agreement, and new keys for lost ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from node.actions.session import open_service
from node.config import load_settings
from node.membership.charter import accept_charter
from node.membership.hub import HubMembership
from node.membership.joining import Joining, init_folder, read_invitation
from node.membership.rotation import Rotating
from node.service import NodeService
from node.store.people import Act, Deed
from node.store.tables import open_engine
from protocol.governance.charter import Charter
from runtime.environment import Environment
from runtime.secrets import read_secrets, write_secrets
from transport.client import HttpClient

BEARER_FILE = "api-token.json"


@dataclass(frozen=True)
class Agency:
    """What an agency says of itself before it joins."""

    name: str
    member_class: str
    duty_line: str
    duty_hours: str


@dataclass(frozen=True)
class Applied:
    """Who applied, and the words that the operator compares before approving."""

    party_id: str
    words: str


def set_up(folder: Path, agency: Agency) -> None:
    """Make a node's folder: settings for a person to edit, and the token of the local interface.

    Raises LocalError(CONFLICT) if there is one.
    """
    line, hours = agency.duty_line, agency.duty_hours
    init_folder(folder, agency.name, agency.member_class, line, hours)
    api_token(folder, Environment())


def api_token(folder: Path, env: Environment) -> str:
    """The bearer token of a node's folder, drawn the first time. Raises LocalError."""
    path = folder / BEARER_FILE
    if not path.exists():
        write_secrets(path, {"token": env.random(32)})
    return read_secrets(path)["token"].hex()


class Joiner:
    """A node that has applied to a hub: what is left is to wait, and to sign."""

    def __init__(self, joining: Joining, membership: HubMembership, words: str) -> None:
        self.applied = Applied(membership.hub.party_id, words)
        self._joining = joining
        self._membership = membership

    async def approved(self) -> Charter:
        """Wait until the log names us a member; the agreement to sign. Raises RemoteError."""
        await self._joining.wait_for_approval(self._membership, lambda: None)
        return self._membership.charter

    async def sign(self) -> None:
        """Sign the agreement in the agency's name. Raises RemoteError."""
        await self._joining.accept_charter(self._membership)


@asynccontextmanager
async def joined(folder: Path, invitation: str) -> AsyncIterator[Joiner]:
    """Apply to the hub of an invitation. Raises LocalError or RemoteError; safe to repeat."""
    settings = load_settings(folder)
    asked = read_invitation(invitation)
    engine = open_engine(folder)
    try:
        async with HttpClient(allow_private=settings.allow_private_addresses) as http:
            joining = Joining(folder, settings, http, Environment())
            yield Joiner(joining, *await joining.apply(engine, asked))
    finally:
        await engine.close()


class Rotator:
    """A node that has sent its new keys: what is left is to wait for the council."""

    def __init__(self, rotating: Rotating, applied: Applied) -> None:
        self.applied = applied
        self._rotating = rotating

    async def approved(self) -> None:
        """Wait until the log names the new keys, and use them. Raises LocalError, RemoteError."""
        await self._rotating.wait(lambda: None)


@asynccontextmanager
async def rotated(folder: Path, hub: str, recovery: Path) -> AsyncIterator[Rotator]:
    """Make new keys by the recovery file and send them. Raises LocalError or RemoteError."""
    async with open_service(folder, hub, keyless=True) as service:
        rotating = Rotating(folder, service.membership, recovery)
        words = await rotating.apply()
        yield Rotator(rotating, Applied(service.membership.hub.party_id, words))


async def newest_agreement(service: NodeService) -> Charter:
    """The agreement in force, as witnesses have signed it last. Raises RemoteError."""
    await service.membership.sync()
    return service.membership.charter


async def sign_agreement(service: NodeService, person: int) -> int:
    """Sign the agreement in force in the agency's name; its version. `person` (a row's id) does.

    Raises RemoteError.
    """
    membership = service.membership
    await accept_charter(membership)
    version, now = membership.charter.version, membership.env.clock()
    signed = Act(person, Deed.SIGNED_CHARTER, str(version), now)
    await membership.engine.write(lambda tables: tables.people.acted(signed))
    return version
