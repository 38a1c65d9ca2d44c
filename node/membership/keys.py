"""The secret keys of a node at one hub, in a file of their own.

Each hub gets keys of its own, so that two hubs cannot tell that they share a member.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from protocol.errors import ErrorCode, LocalError
from protocol.messages.key_record import KeyRecord
from protocol.signing import SecretSeed, public_key
from runtime.environment import Environment
from runtime.secrets import read_secrets, replace_secrets, write_secrets
from transport.seal import seal_public_key

SEAL_KEY_SECONDS = 366 * 86_400
KEY_NAMES = ("auth", "sign", "seal", "cache")
OLDER = "seal "  # and the public half: seal keys that open what was sealed to them before


@dataclass(frozen=True)
class Keys:
    """A node's secret keys at one hub; nothing of them shows in a repr."""

    auth: SecretSeed
    sign: SecretSeed
    seal: SecretSeed
    cache: SecretSeed
    older: tuple[SecretSeed, ...] = ()

    def seals(self) -> dict[str, SecretSeed]:
        """Every seal key that is kept, by its public half, the newest first."""
        return {seal_public_key(key.value): key for key in (self.seal, *self.older)}

    def record(self, seal_expires: int, recovery_hash: str) -> KeyRecord:
        """The public record of these keys."""
        return KeyRecord(
            auth=public_key(self.auth).hex(),
            sign=public_key(self.sign).hex(),
            seal=seal_public_key(self.seal.value),
            seal_expires=seal_expires,
            recovery_hash=recovery_hash,
        )


def make_keys(folder: Path, hub_id: str, env: Environment) -> Keys:
    """Draw keys for a hub and keep them in their own file. Raises LocalError(CONFLICT)."""
    values = {name: env.random(32) for name in KEY_NAMES}
    write_secrets(keys_path(folder, hub_id), values)
    return keys_of(values)


def load_keys(folder: Path, hub_id: str) -> Keys:
    """The keys for a hub. Raises LocalError."""
    return keys_of(read_secrets(keys_path(folder, hub_id)))


def has_keys(folder: Path, hub_id: str) -> bool:
    """Whether keys for a hub were drawn before (a join that did not get through)."""
    return keys_path(folder, hub_id).exists()


def keys_of(values: dict[str, bytes]) -> Keys:
    """The keys in a keys file. Raises LocalError(CONFIGURATION)."""
    older = [name for name in values if name.startswith(OLDER)]
    if values.keys() - set(older) != set(KEY_NAMES):
        raise LocalError(ErrorCode.CONFIGURATION, "the keys file does not hold the node's keys")
    named = {name: SecretSeed(values[name]) for name in KEY_NAMES}
    return Keys(**named, older=tuple(SecretSeed(values[name]) for name in older))


def add_seal(folder: Path, hub_id: str, env: Environment) -> Keys:
    """Draw a new seal key beside the others, which stay to open what comes; all keys. On disk
    when this ends. Raises LocalError.
    """
    values = read_secrets(keys_path(folder, hub_id))
    held = values.pop("seal")
    order = {"seal": env.random(32), OLDER + seal_public_key(held): held}
    replace_secrets(keys_path(folder, hub_id), order | values)
    return keys_of(order | values)


def forget_seals(folder: Path, hub_id: str, gone: Collection[str]) -> Keys:
    """Delete older seal keys, by their public halves; the keys that stay. Raises LocalError."""
    values = read_secrets(keys_path(folder, hub_id))
    names = {OLDER + public for public in gone}
    kept = {name: value for name, value in values.items() if name not in names}
    replace_secrets(keys_path(folder, hub_id), kept)
    return keys_of(kept)


def keys_path(folder: Path, hub_id: str) -> Path:
    """Where the keys for a hub lie."""
    return folder / f"keys-{hub_id}.json"
