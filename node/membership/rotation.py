"""New keys by the recovery key, when the old ones may be in other hands: specs/02-charter.md §8.

Nothing of the old keys is used. The new ones lie beside them until the log, under a quorum, names
them; so a rotation that was cut off goes on where it stopped.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from node.membership.hub import HubMembership
from node.membership.keys import (
    KEY_NAMES,
    SEAL_KEY_SECONDS,
    Keys,
    has_keys,
    keys_of,
    keys_path,
    load_keys,
)
from node.store.tables import NodeTables
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.governance.directory import Member
from protocol.governance.fingerprint import fingerprint_words
from protocol.governance.rotation import rotation_body
from protocol.messages.key_record import KeyRecord
from protocol.messages.log import RotationBody
from protocol.messages.statement import Context, Stamp, Statement, make_statement, parse_statement
from protocol.signing import SecretSeed, public_key
from runtime.secrets import read_secrets, write_secrets

WAIT_SECONDS = 1.0


@dataclass(frozen=True)
class Rotating:
    """The steps of a rotation at one hub. `recovery` is the file from the safe."""

    folder: Path
    membership: HubMembership
    recovery: Path

    async def apply(self) -> str:
        """Make new keys and send the rotation; the words to read to the operator.

        Safe to repeat. Raises LocalError or RemoteError.
        """
        await self.membership.follow()
        statement = await asyncio.to_thread(self._statement)
        if not self._is_named(statement.body.keys):
            statement = await self._send(statement)
        return fingerprint_words(statement.body.party_id, statement.body.keys)

    async def wait(self, still_waiting: Callable[[], None]) -> None:
        """Follow the log until it names the new keys, then use them."""
        membership = self.membership
        sent = parse_statement(self._sent.read_bytes()).expect(RotationBody).body
        while True:
            await membership.follow()
            if self._is_named(sent.keys):
                break
            if sent.replaces != self._member().statement_id:
                raise LocalError(
                    ErrorCode.CONFLICT,
                    "the council changed your membership meanwhile; run this command again",
                )
            still_waiting()
            await asyncio.sleep(WAIT_SECONDS)
        if not has_keys(self.folder, membership.hub.hub_id):
            await membership.engine.write(self._forget_tokens)
        self._switch_over()

    def _forget_tokens(self, tables: NodeTables) -> None:
        """The key of the cache is gone with the others: tokens are evaluated and published anew."""
        hub_id = self.membership.hub.hub_id
        tables.sealed_tokens.forget(hub_id)
        tables.stubs.forget_digests(hub_id)

    def _switch_over(self) -> None:
        """Put the new files in the place of the old ones; the sent rotation goes last.

        While that is there, a switch that was cut off is finished by the next run.
        """
        hub_id = self.membership.hub.hub_id
        pairs = (
            (self._fresh_recovery, self.folder / f"recovery-{hub_id}.json"),
            (self._fresh, keys_path(self.folder, hub_id)),
        )
        for new, place in pairs:
            if new.exists():
                new.replace(place)
        self.membership.keys = load_keys(self.folder, hub_id)
        self._sent.unlink()

    async def _send(self, statement: Statement[RotationBody]) -> Statement[RotationBody]:
        """Post a rotation; one that lay here for too long before the hub saw it is signed anew."""
        try:
            await self.membership.post("/v1/rotations", statement.envelope.encode())
        except RemoteError as error:
            if error.code is not ErrorCode.EXPIRED:
                raise
            self._sent.unlink()
            statement = await asyncio.to_thread(self._statement)
            await self.membership.post("/v1/rotations", statement.envelope.encode())
        return statement

    def _member(self) -> Member:
        member = self.membership.directory.member(self.membership.hub.party_id)
        if member is None:
            raise LocalError(ErrorCode.NOT_READY, "the log does not name this node a member")
        return member

    def _is_named(self, keys: KeyRecord) -> bool:
        return self._member().body.keys == keys

    @property
    def _fresh(self) -> Path:
        return self.folder / f"keys-{self.membership.hub.hub_id}.new.json"

    @property
    def _fresh_recovery(self) -> Path:
        return self.folder / f"recovery-{self.membership.hub.hub_id}.new.json"

    @property
    def _sent(self) -> Path:
        return self.folder / f"rotation-{self.membership.hub.hub_id}.json"

    def _statement(self) -> Statement[RotationBody]:
        membership = self.membership
        member = self._member()
        if self._sent.exists():
            sent = parse_statement(self._sent.read_bytes()).expect(RotationBody)
            if sent.body.replaces == member.statement_id or self._is_named(sent.body.keys):
                return sent
        keys, recovery = self._new_keys(), self._new_recovery()
        expires = membership.env.clock() + SEAL_KEY_SECONDS
        record = keys.record(expires, hashlib.sha256(public_key(recovery)).hexdigest())
        held = SecretSeed(read_secrets(self.recovery)["recovery"])
        body = rotation_body(
            membership.hub.party_id, member.statement_id, record, (held, keys.sign)
        )
        charter = membership.charter
        context = Context(
            charter.charter_id, charter.version, charter.log.origin, membership.hub.party_id
        )
        stamp = Stamp(charter.charter_id, membership.env.new_id(), membership.env.clock())
        statement = make_statement(context, stamp, body, held)
        half = self._sent.with_suffix(".part")
        half.write_bytes(statement.envelope.encode())
        half.replace(self._sent)
        return statement

    def _new_keys(self) -> Keys:
        if not self._fresh.exists():
            draw, hub_id = self.membership.env.random, self.membership.hub.hub_id
            values = {name: draw(32) for name in KEY_NAMES}
            if has_keys(self.folder, hub_id):  # what it seals is our own cache, on our own disk
                values["cache"] = load_keys(self.folder, hub_id).cache.value
            write_secrets(self._fresh, values)
        return keys_of(read_secrets(self._fresh))

    def _new_recovery(self) -> SecretSeed:
        path = self._fresh_recovery
        if not path.exists():
            write_secrets(path, {"recovery": self.membership.env.random(32)})
        return SecretSeed(read_secrets(path)["recovery"])
