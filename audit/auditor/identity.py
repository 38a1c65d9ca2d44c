"""The auditor's own folder: who it is, its keys, its membership (specs/08-audit.md §5).

Keys are made here and go to their files only (mode 0600). They sign an application and exports;
no verdict of an audit depends on them.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from protocol.contact import Hours, Phone, require_hours, require_name, require_phone
from protocol.errors import ErrorCode, LocalError, RemoteError
from protocol.fields import Base64, Hex16, Hex32, Name, WireModel
from protocol.messages.key_record import KeyRecord
from protocol.signing import SecretSeed, public_key
from protocol.wire import encode_wire, parse_wire
from runtime.environment import RandomBytes
from runtime.folders import AUDITOR, require
from runtime.secrets import make_own_folder, read_secrets, write_secrets
from transport.seal import seal_public_key

Loaded = TypeVar("Loaded", bound=WireModel)
SEAL_KEY_SECONDS = 366 * 86_400
_KEYS, _RECOVERY = "keys.json", "recovery.json"
_PROFILE, _MEMBERSHIP = "auditor.json", "membership.json"
_KEY_NAMES = ("auth", "sign", "seal")


class Profile(WireModel):
    """What a membership says of the auditor, and the hash of its offline recovery key."""

    name: Name
    control_domain: Name
    duty_line: Phone
    duty_hours: Hours
    recovery_hash: Hex32


class Membership(WireModel):
    """The federation that was applied to; `enrolment` is the application as it was signed."""

    genesis: Hex32
    charter_id: Hex16
    party_id: Hex16
    invitation_hash: Hex32
    enrolment: Base64


@dataclass(frozen=True)
class Keys:
    """The auditor's secret keys."""

    auth: SecretSeed = field(repr=False)
    sign: SecretSeed = field(repr=False)
    seal: SecretSeed = field(repr=False)

    def record(self, now: int, recovery_hash: str) -> KeyRecord:
        """The public record of these keys."""
        return KeyRecord(
            auth=public_key(self.auth).hex(),
            sign=public_key(self.sign).hex(),
            seal=seal_public_key(self.seal.value),
            seal_expires=now + SEAL_KEY_SECONDS,
            recovery_hash=recovery_hash,
        )


class AuditorFolder:
    """The files of one auditor."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, said: dict[str, str], random: RandomBytes) -> None:
        """Draw keys and write the folder; `said` is the profile without its recovery hash.

        Raises LocalError: CONFIGURATION naming a field, CONFLICT if there are keys already.
        """
        recovery = SecretSeed(random(32))
        profile = _profile(said, hashlib.sha256(public_key(recovery)).hexdigest())
        make_own_folder(self._folder)
        write_secrets(self._folder / _KEYS, {name: random(32) for name in _KEY_NAMES})
        write_secrets(self._folder / _RECOVERY, {"recovery": recovery.value})
        (self._folder / _PROFILE).write_bytes(encode_wire(profile))

    def profile(self) -> Profile:
        """Who this auditor is. Raises LocalError."""
        require(self._folder, AUDITOR)
        return self._load(Profile, _PROFILE, "run init first")

    def keys(self) -> Keys:
        """The keys. Raises LocalError."""
        values = read_secrets(self._folder / _KEYS)
        if set(values) != set(_KEY_NAMES):
            raise LocalError(ErrorCode.CONFIGURATION, f"{_KEYS} does not hold an auditor's keys")
        return Keys(**{name: SecretSeed(value) for name, value in values.items()})

    def membership(self) -> Membership | None:
        """What was applied for, or None before `join`. Raises LocalError."""
        require(self._folder, AUDITOR)
        if not (self._folder / _MEMBERSHIP).exists():
            return None
        return self._load(Membership, _MEMBERSHIP, "run join first")

    def save_membership(self, membership: Membership) -> None:
        """Keep an application, before it is sent: sent again, it is the same."""
        temporary = self._folder / f".{_MEMBERSHIP}.new"
        temporary.write_bytes(encode_wire(membership))
        temporary.replace(self._folder / _MEMBERSHIP)

    def forget_membership(self) -> None:
        """Drop an application that the hub refused."""
        (self._folder / _MEMBERSHIP).unlink(missing_ok=True)

    def _load(self, model: type[Loaded], name: str, advice: str) -> Loaded:
        try:
            return parse_wire(model, (self._folder / name).read_bytes())
        except FileNotFoundError as error:
            raise LocalError(ErrorCode.NOT_READY, f"{name} does not exist; {advice}") from error
        except (OSError, RemoteError) as error:
            raise LocalError(ErrorCode.CONFIGURATION, f"{name} cannot be read") from error


def _profile(said: dict[str, str], recovery_hash: str) -> Profile:
    require = {"duty_line": require_phone, "duty_hours": require_hours}
    values = {"recovery_hash": recovery_hash}
    for field_name, value in said.items():
        try:
            values[field_name] = require.get(field_name, require_name)(value)
        except ValueError as error:
            raise LocalError(ErrorCode.CONFIGURATION, f"{field_name}: {error}") from None
    return Profile.model_validate(values)
