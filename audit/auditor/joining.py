"""Joining a federation as its auditor: invitation, words, approval (specs/02-charter.md §6).

The same enrolment as an agency's: the log is followed from the invited genesis before anything is
sent, and the hub is believed nothing. An auditor never accepts a charter and never publishes.
"""

import asyncio
import hashlib
from dataclasses import dataclass

from audit.auditor.identity import AuditorFolder, Membership, Profile
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import from_base64, to_base64
from protocol.governance.charter import Charter
from protocol.governance.fingerprint import fingerprint_words
from protocol.governance.follow import LogView
from protocol.messages.bodies import EnrolmentBody
from protocol.messages.statement import Context, Stamp, Statement, make_statement, parse_statement
from protocol.wire import Invitation, Message, encode_wire
from runtime.environment import Environment
from transport.client import HttpClient
from transport.logsync import sync

AUDITOR_CLASS = "auditor"
WAIT_SECONDS = 1.0


@dataclass(frozen=True)
class Applied:
    """An application at the hub: where, under which id, and the words to read to the operator."""

    url: str
    party_id: str
    words: str
    view: LogView


class Joining:
    """The steps of joining; safe to repeat with the same invitation."""

    def __init__(self, folder: AuditorFolder, http: HttpClient, env: Environment) -> None:
        self._folder = folder
        self._http = http
        self._env = env

    async def apply(self, invitation: Invitation) -> Applied:
        """Follow the log from the invited genesis and apply. Raises RemoteError, LocalError."""
        url = invitation.hub.rstrip("/")
        progress = await sync(self._http, url, LogView(invitation.genesis))
        charter = progress.view.directory.charter
        membership = self._membership(invitation, charter)
        envelope = from_base64(membership.enrolment)
        message = Message(envelope=membership.enrolment, sealed=None, proof=None)
        try:
            await self._http.post(f"{url}/v1/enrolments", encode_wire(message))
        except RemoteError as error:
            if error.code is not ErrorCode.UNREACHABLE:
                self._folder.forget_membership()
            raise
        enrolment = parse_statement(envelope).expect(EnrolmentBody).body
        words = fingerprint_words(membership.party_id, enrolment.keys)
        return Applied(url, membership.party_id, words, progress.view)

    async def wait_for_approval(self, applied: Applied) -> None:
        """Follow the log until it names us as a member."""
        view = applied.view
        while view.directory.active(applied.party_id) is None:
            await asyncio.sleep(WAIT_SECONDS)
            try:
                view = (await sync(self._http, applied.url, view)).view
            except RemoteError as error:
                if error.code not in {ErrorCode.NO_QUORUM, ErrorCode.UNREACHABLE}:
                    raise

    def _membership(self, invitation: Invitation, charter: Charter) -> Membership:
        """The application kept from an earlier try with this invitation, or a new one."""
        code_hash = hashlib.sha256(bytes.fromhex(invitation.code)).hexdigest()
        earlier = self._folder.membership()
        if earlier is not None:
            if earlier.invitation_hash != code_hash:
                raise LocalError(
                    ErrorCode.CONFLICT, "this folder has already applied with another invitation"
                )
            return earlier
        if AUDITOR_CLASS not in {item.code for item in charter.classes}:
            raise LocalError(ErrorCode.NOT_READY, "the charter has no class for an auditor")
        party_id = self._env.new_id()
        statement = self._enrolment(self._folder.profile(), charter, party_id, code_hash)
        membership = Membership(
            genesis=invitation.genesis,
            charter_id=charter.charter_id,
            party_id=party_id,
            invitation_hash=code_hash,
            enrolment=to_base64(statement.envelope.encode()),
        )
        self._folder.save_membership(membership)
        return membership

    def _enrolment(
        self, profile: Profile, charter: Charter, party_id: str, code_hash: str
    ) -> Statement[EnrolmentBody]:
        keys, now = self._folder.keys(), self._env.clock()
        body = EnrolmentBody(
            invitation_hash=code_hash,
            party_id=party_id,
            member_class=AUDITOR_CLASS,
            keys=keys.record(now, profile.recovery_hash),
            name=profile.name,
            control_domain=profile.control_domain,
            duty_line=profile.duty_line,
            duty_hours=profile.duty_hours,
            clients=0,
        )
        context = Context(charter.charter_id, charter.version, charter.log.origin, party_id)
        stamp = Stamp(charter.charter_id, self._env.new_id(), now)
        return make_statement(context, stamp, body, keys.sign)
