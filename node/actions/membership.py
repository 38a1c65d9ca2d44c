"""Setting a node up, joining a hub, signing its agreement, and new keys for lost ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from node.actions.session import in_folder, open_service
from node.config import load_settings
from node.membership.charter import accept_charter
from node.membership.details import change_details
from node.membership.hub import HubMembership
from node.membership.joining import (
    WAIT_SECONDS,
    Joining,
    init_folder,
    unfinished,
)
from node.membership.rotation import Rotating
from node.service import NodeService
from node.store.hubs import HubRow
from node.store.people import Act, Deed
from node.store.tables import NodeTables, open_engine
from protocol.contact import require_hours, require_name, require_phone
from protocol.errors import ErrorCode, LocalError
from protocol.governance.charter import Charter
from protocol.governance.fingerprint import parse_words
from protocol.governance.follow import LogView
from protocol.messages.bodies import EndorsementBody
from protocol.wire import Invitation, read_invitation
from runtime.environment import Environment
from runtime.secrets import check_closed, read_secrets, write_secrets
from transport.client import HttpClient, require_url
from transport.logsync import sync

BEARER_FILE = "api-token.json"


@dataclass(frozen=True)
class Agency:
    """What an agency says of itself before it joins."""

    name: str
    member_class: str
    duty_line: str
    duty_hours: str
    clients: int


@dataclass(frozen=True)
class NewDetails:
    """What an agency says of itself from here on; None stays as it is."""

    name: str | None
    duty_line: str | None
    duty_hours: str | None

    @classmethod
    def of(cls, name: str, duty_line: str, duty_hours: str) -> "NewDetails | None":
        """As a person typed it; None if nothing changes. Raises LocalError naming the field."""
        typed = {
            "name": (require_name, name),
            "duty_line": (require_phone, duty_line),
            "duty_hours": (require_hours, duty_hours),
        }
        values: dict[str, str | None] = {}
        for field, (require, text) in typed.items():
            try:
                values[field] = require(text) if text else None
            except ValueError as error:
                raise LocalError(ErrorCode.CONFIGURATION, f"{field}: {error}") from None
        return cls(**values) if any(values.values()) else None


@dataclass(frozen=True)
class Applied:
    """Who applied, and the words that the operator compares before approving."""

    party_id: str
    words: str


def set_up(folder: Path, agency: Agency, *, trial: bool = False) -> None:
    """Make a node's folder: settings for a person to edit, and the token of the local interface.
    `trial` allows http and private addresses.

    Raises LocalError(CONFLICT) if there is one.
    """
    private = {"allow_private_addresses": True} if trial else {}
    init_folder(folder, {**asdict(agency), "control_domain": agency.name, **private})
    api_token(folder, Environment())


def api_token(folder: Path, env: Environment) -> str:
    """The bearer token of a node's folder, drawn the first time. Raises LocalError."""
    path = folder / BEARER_FILE
    if not path.exists():
        write_secrets(path, {"token": env.random(32)})
    return read_secrets(path)["token"].hex()


async def agreement_offered(invitation: str, *, trial: bool) -> Charter:
    """The sharing agreement that an invitation is to, as its hub has it; nothing is kept. `trial`
    allows http and private addresses. Raises RemoteError.
    """
    asked = read_invitation(invitation)
    async with HttpClient(allow_private=trial) as http:
        progress = await sync(http, asked.hub.rstrip("/"), LogView(asked.genesis))
    return progress.view.directory.charter


async def signed_at(folder: Path) -> list[str]:
    """The hubs whose agreement we have signed, as the log was seen last. Raises LocalError."""

    def read(tables: NodeTables) -> list[str]:
        return [
            hub.name
            for hub in tables.hubs.all()
            if hub.party_id in tables.log_views.load(hub.genesis).directory.accepted
        ]

    return await in_folder(folder, read)


class Joiner:
    """A node that has applied to a hub: what is left is to wait, and to sign."""

    def __init__(self, joining: Joining, membership: HubMembership, words: str) -> None:
        self.applied = Applied(membership.hub.party_id, words)
        self.is_member = membership.directory.active(membership.hub.party_id) is not None
        self._joining = joining
        self._membership = membership

    @property
    def hub_id(self) -> str:
        """The hub, as files of its are named."""
        return self._membership.hub.hub_id

    @property
    def clients(self) -> int:
        """How many clients the council has approved."""
        return self._membership.directory.clients_of(self.applied.party_id)

    @property
    def needs_endorsement(self) -> bool:
        """Whether another organisation has to answer for this one, as it comes late or is large."""
        return self._joining.needs_endorsement(self._membership)

    async def approved(self) -> Charter:
        """Wait until the log names us a member; the agreement to sign. Raises RemoteError."""
        await self._joining.wait_for_approval(self._membership, lambda: None)
        return self._membership.charter

    async def sign(self) -> None:
        """Sign the agreement in the agency's name. Raises RemoteError."""
        await self._joining.accept_charter(self._membership)

    async def in_log(self) -> None:
        """Wait until the log has it: nothing is published before. Raises RemoteError."""
        while self.applied.party_id not in self._membership.directory.accepted:
            await asyncio.sleep(WAIT_SECONDS)
            await self._membership.follow()


async def begun(folder: Path) -> list[HubRow]:
    """The hubs that this node has applied to without having signed their agreement yet. Raises
    LocalError.
    """
    load_settings(folder)
    check_closed(folder)
    return await in_folder(folder, unfinished)


@asynccontextmanager
async def joined(folder: Path, asked: str | HubRow) -> AsyncIterator[Joiner]:
    """Apply to the hub of an invitation, or go on at one that was applied to. Raises LocalError or
    RemoteError; safe to repeat.
    """
    settings = load_settings(folder)
    check_closed(folder)
    to = read_invitation(asked) if isinstance(asked, str) else asked
    allowed = settings.allow_private_addresses
    if isinstance(to, Invitation):
        require_url(to.hub, "the invitation's address", allow_private=allowed)
    engine = open_engine(folder)
    try:
        async with HttpClient(allow_private=allowed) as http:
            joining = Joining(folder, settings, http, Environment())
            yield Joiner(joining, *await joining.apply(engine, to))
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
    read_secrets(recovery)  # before anything is asked of the hub
    async with open_service(folder, hub, keyless=True) as service:
        rotating = Rotating(folder, service.membership, recovery)
        words = await rotating.apply()
        yield Rotator(rotating, Applied(service.membership.hub.party_id, words))


@dataclass(frozen=True)
class Answering:
    """For whom an agency answers: the words that it read out, its name, how many clients it has."""

    words: str
    name: str
    clients: int


async def endorse(service: NodeService, newcomer: Answering, person: int) -> None:
    """Answer for an organisation that is to join late, or is large. Raises as `parse_words`, and
    RemoteError.
    """
    membership = service.membership
    known_by, hub_id = parse_words(newcomer.words), membership.hub.hub_id
    person_id = await membership.engine.write(
        lambda tables: tables.people.id_at(hub_id, person, membership.env.new_id())
    )
    await membership.sync()
    await membership.say(
        EndorsementBody(
            fingerprint=known_by,
            name=newcomer.name,
            clients=newcomer.clients,
            endorsed_by=person_id,
        )
    )


async def say_details(service: NodeService, said: NewDetails, person: int) -> None:
    """Change what everybody sees of the agency, in its name. `person` (a row's id) does.

    Raises RemoteError, LocalError.
    """
    membership = service.membership
    await change_details(membership, said.name, said.duty_line, said.duty_hours)
    did = Act(person, Deed.CHANGED_DETAILS, "", membership.env.clock())
    await membership.engine.write(lambda tables: tables.people.acted(did))


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
