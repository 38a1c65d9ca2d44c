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
from audit.rules.clocks import ClockCheck
from audit.rules.history import DAY, Alerted, Asked, History, Names, lines
from audit.rules.open import open_case
from audit.rules.times import Seen, TimeCheck, read_notes, see
from audit.verify.verify import Verified, verify_case
from protocol.errors import RemoteError
from protocol.requests.disclosure import Disclosure
from protocol.requests.quotas import quota_of
from runtime.progress import Told, nobody, told_of

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
    told: Told = nobody,
) -> Audited:
    """Verify, open, and go through the lines once more for times and numbers.

    `notes` are files or folders of checkpoints kept over time, `disclosures` what agencies went by;
    `told` hears how far it is.
    Raises what verify_case raises.
    """
    verified = verify_case(case, old_note, told=told)
    opened = open_case(case, verified, disclosures=disclosures, told=told)
    seen = kept_notes(case, verified, notes)
    times, history = TimeCheck(seen, verified.size), History()
    clocks = ClockCheck(verified.directory, times.bounds)
    findings: list[Finding] = [*verified.findings, *opened.findings]
    for line in told_of(lines(case, verified), "Times and numbers", verified.size, told):
        findings += times.line(line)
        findings += clocks.line(line)
        history.take(line)
    findings += times.finish()
    findings += clocks.finish()
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


@dataclass(frozen=True)
class Checks:
    """One agency's identity checks, or its introductions: how many it asked for, in how many the
    hub named another agency, to how many of those it sent nothing, how many were answered "same"
    and otherwise, the most in one day, and on how many days that was over the charter's quota.
    """

    asked: int
    named: int
    nothing_sent: int
    same: int
    otherwise: int
    most_a_day: int
    days_over: int


def identity_checks(audited: Audited, kind: str = "identity_request") -> dict[str, Checks]:
    """Asking agency, by id, to its identity checks, or what it asked for by another kind."""
    by_agency: dict[str, list[Asked]] = {}
    for item in audited.history.asked.values():
        if item.kind == kind:
            by_agency.setdefault(item.requester, []).append(item)
    return {agency: _checks(audited, items) for agency, items in sorted(by_agency.items())}


@dataclass(frozen=True)
class Alerts:
    """What one agency said to teams and asked of the council: how often it raised attention and for
    how many organisations it asked, the most attention in one day, and on how many days it was over
    the charter's quota.
    """

    raised: int
    invites: int
    most_a_day: int
    days_over: int


def alerts(audited: Audited) -> dict[str, Alerts]:
    """Agency, by id, to what it raised and asked for; never to how many."""
    found: dict[str, Alerts] = {}
    for sender in sorted({item.sender for item in audited.history.alerts}):
        own = [item for item in audited.history.alerts if item.sender == sender]
        raised = [item for item in own if item.kind == "attention"]
        days = Counter(item.at // DAY for item in raised)
        most = {item.at // DAY: _quota(audited, item) for item in raised}
        found[sender] = Alerts(
            raised=len(raised),
            invites=len(own) - len(raised),
            most_a_day=max(days.values(), default=0),
            days_over=sum(count > most[day] for day, count in days.items()),
        )
    return found


def _quota(audited: Audited, item: Alerted) -> int:
    charter = audited.verified.directory.charter_at(item.index).charter
    return quota_of(charter, item.kind) or 0


def _checks(audited: Audited, items: Sequence[Asked]) -> Checks:
    days = Counter(item.asked_at // DAY for item in items)
    quotas = {
        item.asked_at // DAY: audited.verified.directory.charter_at(
            item.index
        ).charter.quotas.identity_checks_per_day
        for item in items
    }
    named = [item for item in items if item.answerer is not None]
    answers = Counter(item.outcome for item in named if item.outcome)
    return Checks(
        asked=len(items),
        named=len(named),
        nothing_sent=sum(not item.details_sent for item in named),
        same=answers["same"],
        otherwise=answers.total() - answers["same"],
        most_a_day=max(days.values()),
        days_over=sum(count > quotas[day] for day, count in days.items()),
    )


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
