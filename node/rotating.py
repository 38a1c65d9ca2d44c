"""New keys by the recovery key, when the old ones may be in other hands: specs/02-charter.md §8.

Nothing of the old keys is used. The new ones lie beside them until the log, under a quorum, names
them; so a rotation that was cut off goes on where it stopped.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from node.federation import (
    KEY_NAMES,
    SEAL_KEY_SECONDS,
    Federation,
    Keys,
    has_keys,
    keys_of,
    keys_path,
    load_keys,
)
from protocol.errors import ErrorCode, LocalError
from protocol.fingerprint import fingerprint_words
from protocol.log_messages import RotationBody
from protocol.rotation import rotation_body
from protocol.signing import SecretSeed, public_key
from protocol.statement import Context, Stamp, Statement, make_statement, parse_statement
from storage.secrets import read_secrets, write_secrets

WAIT_SECONDS = 1.0


@dataclass(frozen=True)
class Rotating:
    """The steps of a rotation at one hub. `recovery` is the file from the safe."""

    folder: Path
    federation: Federation
    recovery: Path

    async def apply(self) -> str:
        """Make new keys and send the rotation; the words to read to the operator.

        Safe to repeat. Raises LocalError or RemoteError.
        """
        await self.federation.follow()
        statement = await asyncio.to_thread(self._statement)
        await self.federation.post("/v1/rotations", statement.envelope.encode())
        return fingerprint_words(statement.body.party_id, statement.body.keys)

    async def wait(self, still_waiting: Callable[[], None]) -> None:
        """Follow the log until it names the new keys, then use them."""
        federation = self.federation
        wanted = parse_statement(self._sent.read_bytes()).expect(RotationBody).body.keys
        while True:
            await federation.follow()
            member = federation.directory.member(federation.hub.party_id)
            if member is not None and member.body.keys == wanted:
                break
            still_waiting()
            await asyncio.sleep(WAIT_SECONDS)
        federation.keys = self._new_keys()
        hub_id = federation.hub.hub_id
        (self.folder / f"recovery-{hub_id}.new.json").replace(
            self.folder / f"recovery-{hub_id}.json"
        )
        self._fresh.replace(keys_path(self.folder, hub_id))
        self._sent.unlink()

    @property
    def _fresh(self) -> Path:
        return self.folder / f"keys-{self.federation.hub.hub_id}.new.json"

    @property
    def _sent(self) -> Path:
        return self.folder / f"rotation-{self.federation.hub.hub_id}.json"

    def _statement(self) -> Statement[RotationBody]:
        federation = self.federation
        member = federation.directory.member(federation.hub.party_id)
        if member is None:
            raise LocalError(ErrorCode.NOT_READY, "the log does not name this node a member")
        if self._sent.exists():
            sent = parse_statement(self._sent.read_bytes()).expect(RotationBody)
            if sent.body.replaces == member.statement_id:
                return sent
        keys, recovery = self._new_keys(), self._new_recovery()
        expires = federation.outside.clock() + SEAL_KEY_SECONDS
        record = keys.record(expires, hashlib.sha256(public_key(recovery)).hexdigest())
        held = SecretSeed(read_secrets(self.recovery)["recovery"])
        body = rotation_body(
            federation.hub.party_id, member.statement_id, record, (held, keys.sign)
        )
        charter = federation.charter
        context = Context(
            charter.charter_id, charter.version, charter.log.origin, federation.hub.party_id
        )
        stamp = Stamp(charter.charter_id, federation.outside.new_id(), federation.outside.clock())
        statement = make_statement(context, stamp, body, held)
        self._sent.write_bytes(statement.envelope.encode())
        return statement

    def _new_keys(self) -> Keys:
        if not self._fresh.exists():
            draw, hub_id = self.federation.outside.random, self.federation.hub.hub_id
            values = {name: draw(32) for name in KEY_NAMES}
            if has_keys(self.folder, hub_id):  # what it seals is our own cache, on our own disk
                values["cache"] = load_keys(self.folder, hub_id).cache.value
            write_secrets(self._fresh, values)
        return keys_of(read_secrets(self._fresh))

    def _new_recovery(self) -> SecretSeed:
        path = self.folder / f"recovery-{self.federation.hub.hub_id}.new.json"
        if not path.exists():
            write_secrets(path, {"recovery": self.federation.outside.random(32)})
        return SecretSeed(read_secrets(path)["recovery"])
