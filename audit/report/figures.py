"""The numbers of a report: activity, who asks whom, bases, refusals, witnesses.

specs/08-audit.md §8. Counts of logged facts only; nothing here names or can name a client.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.case.case import Case
from audit.findings import Finding
from audit.outcome import Report
from audit.rules.history import History, Names, lines
from audit.rules.open import open_case
from audit.rules.times import Seen, TimeCheck, read_notes, see
from audit.verify.verify import Verified, verify_case
from protocol.errors import RemoteError
from protocol.requests.disclosure import Disclosure

OUTCOMES = ("allow", "refer", "refuse", "other")


@dataclass(frozen=True)
class Uptime:
    """One witness: how many of the kept checkpoints it signed, and its longest silence."""

    name: str
    signed: int
    kept: int
    longest_gap: int

    @property
    def percent(self) -> float:
        """Share of kept checkpoints that it signed."""
        return round(100 * self.signed / self.kept, 1) if self.kept else 0.0


@dataclass(frozen=True)
class Audited:
    """A case with everything that was checked of it."""

    report: Report
    verified: Verified
    history: History
    seen: Sequence[Seen]
    origin: str
    genesis: str
    name: Names


def audit_case(
    case: Case,
    old_note: bytes | None,
    notes: Sequence[Path],
    disclosures: Sequence[Disclosure] = (),
) -> Audited:
    """Verify, open, and go through the lines once more for times and numbers.

    `notes` are files or folders of checkpoints kept over time, `disclosures` what agencies went by.
    Raises what verify_case raises.
    """
    verified = verify_case(case, old_note)
    opened = open_case(case, verified, disclosures=disclosures)
    seen = kept_notes(case, verified, notes)
    times, history = TimeCheck(seen, verified.size), History()
    findings: list[Finding] = [*verified.findings, *opened.findings]
    for line in lines(case, verified):
        findings += times.line(line)
        history.take(line)
    findings += times.finish()
    checked = {
        **verified.checked,
        **opened.checked,
        "kept_checkpoints": len(seen),
        "times_between_checkpoints": times.bounded,
    }
    charters = verified.directory.charters
    origin = charters[0].charter.log.origin if charters else "unknown"
    report = Report("The log of this case, opened", checked, findings)
    names = Names(verified.directory)
    return Audited(report, verified, history, seen, origin, case.genesis(), names)


def kept_notes(case: Case, verified: Verified, more: Sequence[Path]) -> list[Seen]:
    """The checkpoint of the case, those its folder keeps, and others: by size and time."""
    found: dict[tuple[int, bytes, tuple[tuple[str, int], ...]], Seen] = {}
    folders = [case.folder / "log" / "checkpoint", case.folder / "notes", *more]
    for name, note in read_notes(folder for folder in folders if folder.exists()):
        item = see(name, note, verified.directory)
        if item is not None:
            times = tuple(sorted(item.cosigners.items()))
            found[item.checkpoint.size, item.checkpoint.root, times] = item
    return sorted(found.values(), key=lambda item: (item.checkpoint.size, item.time or 0))


def asks(audited: Audited) -> Counter[tuple[str, str]]:
    """(asker, asked) by id, to the number of requests."""
    asked = audited.history.asked.values()
    return Counter((item.requester, item.answerer or "nobody") for item in asked)


def outcomes_by_basis(history: History) -> dict[str, Counter[str]]:
    """Lawful basis to how many requests ended how."""
    found: dict[str, Counter[str]] = {}
    for item in history.asked.values():
        ended = item.ended if item.ended in OUTCOMES else "other"
        found.setdefault(item.basis, Counter())[ended] += 1
    return dict(sorted(found.items(), key=lambda pair: -pair[1].total()))


def code_mix(history: History) -> dict[str, Counter[str]]:
    """Asking agency, by id, to how often it relied on which basis."""
    found: dict[str, Counter[str]] = {}
    for item in history.asked.values():
        found.setdefault(item.requester, Counter())[item.basis] += 1
    return found


def uptime(audited: Audited) -> list[Uptime]:
    """Each witness of the charter in force, over the kept checkpoints since it was named."""
    try:
        charter = audited.verified.directory.charter
    except RemoteError:
        return []
    found = []
    for witness in charter.witnesses:
        times = sorted(
            item.cosigners[witness.name] for item in audited.seen if witness.name in item.cosigners
        )
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
        found.append(Uptime(witness.name, len(times), len(audited.seen), max(gaps, default=0)))
    return found
