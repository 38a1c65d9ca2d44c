"""Every byte flipped and every length cut of a small log as an auditor copied it.

A quorum of witnesses and no more has signed it, so that losing one signature is not harmless.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from audit.case.case import Case
from audit.findings import EXIT_BROKEN, EXIT_INCOMPLETE, Finding, exit_code
from audit.rules.open import open_case
from audit.verify.verify import verify_case
from tests.unit.audit_log import QUORUM, brokered, council


@dataclass(frozen=True)
class Damage:
    """One file of the case, with one change."""

    name: str
    place: int
    data: bytes


@dataclass(frozen=True)
class Subject:
    """A clean case, and which part of it is to be damaged."""

    folder: Path
    part: str

    def names(self) -> list[str]:
        """Every file of that part."""
        paths = sorted(path for path in (self.folder / self.part).rglob("*") if path.is_file())
        return [path.relative_to(self.folder).as_posix() for path in paths]


def subjects(folder: Path) -> list[Subject]:
    """A log over the edge of a bundle for its tiles, and a short one for what opening reads."""
    tall = brokered(council())
    tall.pad(260 - len(tall.entries))
    tall.write(folder / "tall", cosigners=QUORUM)
    brokered(council()).write(folder / "short", cosigners=QUORUM)
    made = [
        Subject(folder / "tall", "log"),
        Subject(folder / "short", "payloads"),
        Subject(folder / "short", "charters"),
    ]
    assert all(found(subject) == [] for subject in made)
    return made


def found(subject: Subject) -> list[Finding]:
    """What the auditor finds."""
    case = Case(subject.folder)
    verified = verify_case(case)
    opened = open_case(case, verified, 1).findings if subject.part == "payloads" else ()
    return [*verified.findings, *opened]


def damages(subject: Subject, name: str, step: int) -> Iterator[Damage]:
    """Each `step`th flip and cut of a file, and a byte too many."""
    data = (subject.folder / name).read_bytes()
    for place in range(0, len(data), step):
        bit = 1 << (place // step) % 8
        yield Damage(name, place, data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :])
        yield Damage(name, place, data[:place])
    yield Damage(name, len(data), data + b"\0")


def is_caught(subject: Subject, damage: Damage) -> bool:
    """Whether the auditor finds the case broken or incomplete with this change."""
    path = subject.folder / damage.name
    honest = path.read_bytes()
    path.write_bytes(damage.data)
    try:
        return exit_code(found(subject)) in {EXIT_BROKEN, EXIT_INCOMPLETE}
    finally:
        path.write_bytes(honest)


def accepted(subject: Subject, steps: Callable[[str], int]) -> list[tuple[str, int]]:
    """The changes that nobody noticed: file and place."""
    return [
        (damage.name, damage.place)
        for name in subject.names()
        for damage in damages(subject, name, steps(name))
        if not is_caught(subject, damage)
    ]
