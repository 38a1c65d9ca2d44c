"""Joining a federation: invitation, keys, words, approval, acceptance (specs/02-charter.md §6)."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from keys.groups import default_group
from keys.transcript import parse_transcript
from node.config import HubTerms, NodeSettings
from node.membership.charter import accept_charter
from node.membership.hub import HubMembership, check_clock
from node.membership.keys import SEAL_KEY_SECONDS, has_keys, load_keys, make_keys
from node.store.hubs import HubRow
from node.store.tables import NodeEngine, NodeTables
from protocol import canonical
from protocol.dsse import pae, payload_type
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import from_base64
from protocol.governance.admission import Newcomer, needs_endorsement
from protocol.governance.ceremony import CEREMONY_LIMIT, TRANSCRIPT_KIND
from protocol.governance.charter import Charter
from protocol.governance.fingerprint import fingerprint_words
from protocol.governance.follow import LogView, PublicLeaf
from protocol.messages.bodies import EnrolmentBody, KeyBirthBody
from protocol.messages.key_record import KeyRecord
from protocol.messages.statement import Statement, parse_statement
from protocol.signing import SecretSeed, public_key, verify_ed25519
from protocol.wire import Invitation
from runtime.environment import Environment
from runtime.files import put_settings
from runtime.secrets import make_own_folder, read_secrets, write_secrets
from runtime.settings import check_settings
from transport.client import HttpClient
from transport.logsync import sync

WAIT_SECONDS = 1.0
# What the hub says of an application that it has not taken; anything else may have come after.
REFUSED = frozenset(
    {
        ErrorCode.INVITATION,
        ErrorCode.CONFLICT,
        ErrorCode.NOT_ALLOWED,
        ErrorCode.MALFORMED,
        ErrorCode.UNKNOWN_FIELD,
    }
)


def check_key_birth(leaves: tuple[PublicLeaf, ...], charter: Charter) -> None:
    """Check that the token key was generated as the charter says: signatures and arithmetic.

    Raises RemoteError: a node sends no point to holders whose key was not.
    """
    for leaf in leaves:
        body = parse_statement(leaf.envelope, limit=128 * 1024).body
        if not isinstance(body, KeyBirthBody):
            continue
        data = from_base64(body.transcript)
        message = pae(payload_type(TRANSCRIPT_KIND), data)
        signatures = {item.holder_id: from_base64(item.sig) for item in body.signatures}
        value = canonical.parse(data, limit=CEREMONY_LIMIT)
        transcript = parse_transcript(default_group(), value)
        key = charter.token_key
        born = (transcript.ceremony.epoch, transcript.ceremony.charter_id)
        if born != (key.epoch, charter.charter_id):
            continue
        for holder in key.holders:
            signature = signatures.get(holder.holder_id, b"")
            verify_ed25519(bytes.fromhex(holder.sign), message, signature)
            if transcript.key.commitment(holder.index).hex() != holder.commitment:
                raise RemoteError(ErrorCode.BAD_SHARE, f"holder {holder.index}: commitment differs")
        if transcript.key.public_key.hex() == key.public_key:
            return
    raise RemoteError(
        ErrorCode.BAD_SHARE, "the log does not show how the charter's token key was generated"
    )


def init_folder(folder: Path, values: Mapping[str, str | int]) -> None:
    """Write a new node.toml. Raises LocalError: CONFLICT if there is one, or CONFIGURATION."""
    path = folder / "node.toml"
    if path.exists():
        raise LocalError(
            ErrorCode.CONFLICT, "node.toml is there already: edit it, or choose another folder"
        )
    check_settings(NodeSettings, values, "init")
    make_own_folder(folder)
    put_settings(path, values)


def unfinished(tables: NodeTables) -> list[HubRow]:
    """The hubs that were applied to and whose agreement is not signed yet, as last seen."""
    return [
        hub
        for hub in tables.hubs.all()
        if hub.enrolment
        and hub.party_id not in tables.log_views.load(hub.genesis).directory.accepted
    ]


class Joining:
    """The steps of joining one hub, from one invitation on."""

    def __init__(
        self, folder: Path, settings: NodeSettings, http: HttpClient, env: Environment
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._http = http
        self._env = env

    async def apply(
        self, engine: NodeEngine, asked: Invitation | HubRow
    ) -> tuple[HubMembership, str]:
        """Follow the log from the invited genesis, make keys and apply; or go on at a hub that was
        applied to, for which no invitation is needed.

        Answers the membership and the words to read to the operator. Safe to repeat: keys and
        party id stay what they were, and an application that the hub knows is sent again unchanged,
        under whichever invitation.
        Raises RemoteError or LocalError.
        """
        url = (asked.hub if isinstance(asked, Invitation) else asked.url).rstrip("/")
        await check_clock(self._http, url, self._env.clock())
        progress = await sync(self._http, url, LogView(asked.genesis))
        charter = progress.view.directory.charter
        check_key_birth(progress.public_leaves, charter)
        if self._settings.member_class not in {item.code for item in charter.classes}:
            known = ", ".join(item.code for item in charter.classes)
            raise LocalError(ErrorCode.CONFIGURATION, f"member_class must be one of: {known}")
        hubs = await engine.read(lambda tables: tables.hubs.all())
        earlier = next((hub for hub in hubs if hub.hub_id == charter.charter_id), None)
        membership = self._membership(engine, progress.view, url, earlier)
        await engine.write(
            lambda tables: tables.log_views.save(
                progress.view, progress.public_leaves, progress.documents
            )
        )
        statement = await self._apply(membership, asked)
        return membership, fingerprint_words(membership.hub.party_id, statement.body.keys)

    async def _apply(
        self, membership: HubMembership, asked: Invitation | HubRow
    ) -> Statement[EnrolmentBody]:
        """Send the application that was made before, if there is one, so that a second invitation
        does not undo the first; a new one where the hub refused that and it says another thing now.
        """
        kept = membership.hub.enrolment
        before = parse_statement(kept).expect(EnrolmentBody) if kept else None
        if isinstance(asked, Invitation):
            invited = _code_hash(asked.code)
        else:
            invited = before.body.invitation_hash if before else ""
        if before is None:
            return await self._send(membership, self._new_application(membership, invited))
        try:
            return await self._send(membership, before)
        except RemoteError as error:
            anew = self._new_application(membership, invited)
            lay_too_long = error.code is ErrorCode.EXPIRED
            if not lay_too_long and (error.code not in REFUSED or _same(anew, before)):
                raise
        return await self._send(membership, anew)

    async def _send(
        self, membership: HubMembership, statement: Statement[EnrolmentBody]
    ) -> Statement[EnrolmentBody]:
        """Keep an application and post it."""
        hub = replace(membership.hub, enrolment=statement.envelope.encode())
        await membership.engine.write(lambda tables: tables.hubs.save(hub))
        membership.hub = hub
        await membership.post("/v1/enrolments", hub.enrolment)
        return statement

    def _membership(
        self, engine: NodeEngine, view: LogView, url: str, earlier: HubRow | None
    ) -> HubMembership:
        charter = view.directory.charter
        known = has_keys(self._folder, charter.charter_id)
        draw = load_keys if known else partial(make_keys, env=self._env)
        keys = draw(self._folder, charter.charter_id)
        hub = earlier or HubRow(
            hub_id=charter.charter_id,
            url=url,
            name=charter.hub.name,
            genesis=view.genesis,
            party_id=self._env.new_id(),
            enrolment=b"",
            generation=None,
            cursor=0,
        )
        shared = self._settings.shared_places
        network = (engine, self._http, self._env)
        terms = self._settings.hubs.get(hub.name, HubTerms())
        return HubMembership(hub, keys, *network, view, shared, self._folder, terms)

    def _new_application(self, membership: HubMembership, invited: str) -> Statement[EnrolmentBody]:
        hub_id = membership.hub.hub_id
        expires = self._env.clock() + SEAL_KEY_SECONDS
        record = membership.keys.record(expires, self._recovery(hub_id))
        return membership.sign(self._enrolment(membership, invited, record), hub_id)

    def needs_endorsement(self, membership: HubMembership) -> bool:
        """Whether another organisation has to answer for us before the log names us a member, as
        the log stands.
        """
        body = parse_statement(membership.hub.enrolment).expect(EnrolmentBody).body
        return needs_endorsement(membership.directory, Newcomer.of(body), self._env.clock())

    async def wait_for_approval(
        self, membership: HubMembership, still_waiting: Callable[[], None]
    ) -> None:
        """Follow the log until it names us a member."""
        while True:
            await membership.follow()
            if membership.directory.active(membership.hub.party_id) is not None:
                return
            still_waiting()
            await asyncio.sleep(WAIT_SECONDS)

    async def accept_charter(self, membership: HubMembership) -> None:
        """Sign the agreement in the agency's name; a public leaf."""
        await accept_charter(membership)

    def _recovery(self, hub_id: str) -> str:
        """Draw the offline recovery key; the hash of its public half. To be moved to a safe."""
        path = self._folder / f"recovery-{hub_id}.json"
        if not path.exists():
            write_secrets(path, {"recovery": self._env.random(32)})
        seed = SecretSeed(read_secrets(path)["recovery"])
        return hashlib.sha256(public_key(seed)).hexdigest()

    def _enrolment(self, membership: HubMembership, invited: str, keys: KeyRecord) -> EnrolmentBody:
        settings = self._settings
        if settings.clients == 0:
            raise LocalError(
                ErrorCode.CONFIGURATION,
                "node.toml: clients is how many clients your agency has, about; write it first",
            )
        return EnrolmentBody(
            invitation_hash=invited,
            party_id=membership.hub.party_id,
            name=settings.name,
            member_class=settings.member_class,
            control_domain=settings.control_domain,
            duty_line=settings.duty_line,
            duty_hours=settings.duty_hours,
            keys=keys,
            clients=settings.clients,
        )


def _code_hash(code: str) -> str:
    return hashlib.sha256(bytes.fromhex(code)).hexdigest()


def _same(one: Statement[EnrolmentBody], other: Statement[EnrolmentBody]) -> bool:
    """Whether two applications say the same, but for when their keys end."""
    first, second = (item.body.model_dump(exclude={"keys"}) for item in (one, other))
    return first == second
