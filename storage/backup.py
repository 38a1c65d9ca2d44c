"""A program's folder as one file that only the keeper of an age key can open.

The format is age-encryption.org/v1 over a tar of a few named files: encrypted by a library as it is
written, and opened whole or not at all. Nothing here is cryptography of our own. What a backup must
not hold is the caller's to say.
"""

import json
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

import pyrage

from protocol.errors import ErrorCode, LocalError

LABEL = "backup.json"
PIECE = 64 * 1024
BLOCK = 512
STAGING = ".restoring"


@dataclass(frozen=True)
class Label:
    """What a backup is of, and when it was made."""

    of: str
    made_at: int


def write_backup(
    target: Path, recipients: Sequence[str], label: Label, files: Mapping[str, Path]
) -> None:
    """Encrypt files, by the names they are to have, to age recipients; readable by its owner alone.

    Raises LocalError: CONFLICT if there is such a file, CONFIGURATION for what is no recipient.
    """
    keys = [_recipient(text) for text in recipients]
    if not keys:
        raise LocalError(ErrorCode.CONFIGURATION, "say for whom with --to and an age recipient")
    if target.exists():
        raise LocalError(ErrorCode.CONFLICT, f"{target.name} is there already")
    half = target.with_name(target.name + ".part")
    try:
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            pyrage.encrypt_io(_Reader(_tar(label, files)), file, keys)
            file.flush()
            os.fsync(file.fileno())
        half.rename(target)
    except (OSError, pyrage.EncryptError) as error:
        half.unlink(missing_ok=True)
        raise LocalError(ErrorCode.STORAGE, f"cannot write {target.name}") from error


@contextmanager
def opened_backup(source: Path, identities: Sequence[Path], of: str, into: Path) -> Iterator[Path]:
    """A folder with a backup's files, checked to the last byte. It lies in `into` and is deleted
    afterwards: what is to stay is moved out of it.

    Raises LocalError: BAD_FILE for what these identities do not open, or is of another program.
    """
    keys = [key for path in identities for key in _identities(path)]
    staging = into / STAGING
    shutil.rmtree(staging, ignore_errors=True)  # of a restoring that was cut off
    staging.mkdir(mode=0o700, parents=True)
    try:
        _unpack(source, keys, staging)
        label = _label(staging / LABEL)
        if label.of != of:
            said = f"{source.name} is a backup of {label.of}, and one of {of} is wanted here"
            raise LocalError(ErrorCode.BAD_FILE, said)
        (staging / LABEL).unlink()
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def put_in_place(staging: Path, folder: Path, last: str) -> None:
    """Move what was opened into a folder; `last` what makes it whole. Raises LocalError(CONFLICT)
    where any of it is there: it may be newer.
    """
    names = sorted((path.name for path in staging.iterdir()), key=lambda name: name == last)
    for name in names:
        if (folder / name).exists():
            detail = f"{name} is there already: restore into an empty folder"
            raise LocalError(ErrorCode.CONFLICT, detail)
    for name in names:
        (staging / name).replace(folder / name)


class _Reader:
    """Pieces of bytes as something to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; none at the end."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece
        taken = self._rest if size < 0 else self._rest[:size]
        self._rest = self._rest[len(taken) :]
        return taken


def _tar(label: Label, files: Mapping[str, Path]) -> Iterator[bytes]:
    said = json.dumps(vars(label)).encode()
    yield from _member(LABEL, len(said), iter([said]))
    for name, path in files.items():
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            yield from _member(name, size, iter(lambda file=file: file.read(PIECE), b""))  # type: ignore[misc]
    yield bytes(2 * BLOCK)


def _member(name: str, size: int, data: Iterator[bytes]) -> Iterator[bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    yield info.tobuf(tarfile.PAX_FORMAT)
    left = size
    for piece in data:
        left -= len(piece)
        yield piece
    if left:
        raise OSError(f"{name} changed while it was read")
    yield bytes(-size % BLOCK)


def _unpack(source: Path, keys: Sequence[pyrage.x25519.Identity], staging: Path) -> None:
    packed = staging / "packed.tar"
    descriptor = os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out, source.open("rb") as file:
        try:
            pyrage.decrypt_io(file, out, keys)
        except (pyrage.DecryptError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            detail = f"{source.name} is damaged or cut short, or is for another identity"
            raise LocalError(ErrorCode.BAD_FILE, detail) from None
    try:
        with tarfile.open(packed, "r:") as archive:
            for member in archive:
                _extract(archive, member, staging)
    except tarfile.TarError as error:
        raise LocalError(ErrorCode.BAD_FILE, f"{source.name} holds no backup") from error
    packed.unlink()


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, staging: Path) -> None:
    name, data = PurePath(member.name), archive.extractfile(member)
    if data is None or len(name.parts) != 1 or name.name.startswith("."):
        raise LocalError(ErrorCode.BAD_FILE, "a backup holds files, and no folders")
    descriptor = os.open(staging / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(data, file, PIECE)
        file.flush()
        os.fsync(file.fileno())


def _label(path: Path) -> Label:
    try:
        return Label(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise LocalError(ErrorCode.BAD_FILE, "that is no backup of a Patchwork program") from error


def _recipient(text: str) -> pyrage.x25519.Recipient:
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        detail = "--to takes an age recipient: age1 and 58 letters and digits"
        raise LocalError(ErrorCode.CONFIGURATION, detail) from None


def _identities(path: Path) -> list[pyrage.x25519.Identity]:
    """The identities in a file as age-keygen writes it. No message quotes it."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise LocalError(ErrorCode.CONFIGURATION, f"{path.name}: run chmod 600 on it first")
    try:
        lines = [line.strip() for line in path.read_text("ascii").splitlines()]
        keys = [
            pyrage.x25519.Identity.from_str(line)
            for line in lines
            if line and not line.startswith("#")
        ]
    except (pyrage.IdentityError, UnicodeDecodeError):
        keys = []
    if not keys:
        raise LocalError(ErrorCode.CONFIGURATION, f"{path.name} holds no age identity")
    return keys
