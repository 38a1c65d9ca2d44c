"""Whose folder is this? A command that was pointed at another program's folder says so and writes
nothing there.
"""

from dataclasses import dataclass
from pathlib import Path

from protocol.errors import ErrorCode, LocalError


@dataclass(frozen=True)
class Kind:
    """A program's own folder: how it is called, the file that tells it, and what makes one."""

    title: str
    file: str
    made_by: str


HUB = Kind("a hub's", "plan.json", "patchwork-hub set-up")
NODE = Kind("a node's", "node.toml", "patchwork-node set-up")
HOLDER = Kind("a key holder's", "public.json", "patchwork-keys set-up")
WITNESS = Kind("a witness's", "witness.key", "patchwork-audit witness set-up")
AUDITOR = Kind("an auditor's", "auditor.json", "patchwork-audit set-up")
KINDS = (HUB, NODE, HOLDER, WITNESS, AUDITOR)


def kind_of(folder: Path) -> Kind | None:
    """Which program's folder it is, as far as its files say."""
    return next((kind for kind in KINDS if (folder / kind.file).is_file()), None)


def require(folder: Path, kind: Kind) -> None:
    """Raise LocalError(NOT_READY) unless this is a folder of the kind; it says what it is."""
    if (folder / kind.file).is_file():
        return
    name, other = folder.resolve().name or "/", kind_of(folder)
    if not folder.is_dir():
        found = f"there is no folder {name}"
    else:
        found = f"{name} is {other.title} folder" if other else f"{name} holds no {kind.file}"
    advice = f"say where {kind.title} folder is, or run {kind.made_by}"
    raise LocalError(ErrorCode.NOT_READY, f"{found}: {advice}")
