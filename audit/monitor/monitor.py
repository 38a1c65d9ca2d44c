"""Follow a log as an auditor and say what somebody should look at (specs/08-audit.md §9).

Each look fetches the checkpoint and what is new, computes the tree, and compares with what was
seen before. The hub is believed nothing: the folder's genesis and last view decide.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from audit.auditor.identity import AuditorFolder
from audit.findings import Finding, FindingCode, broken, missing, rule
from audit.monitor.changes import changes, own_keys
from audit.monitor.state import MonitorState
from protocol.counted import counted
from protocol.errors import ErrorCode, RemoteError
from protocol.governance.follow import (
    BadLeaf,
    LogView,
    log_key,
    verify_note_by_charter,
    witness_keys,
)
from protocol.governance.succession import SuccessorRefused
from protocol.log.checkpoint import (
    Checkpoint,
    parse_checkpoint,
    verify_cosigners,
    verify_log_signature,
)
from protocol.messages.statement import MAX_SKEW_SECONDS
from transport.client import HttpClient
from transport.logsync import UNFINISHED, Progress, read_on, read_successor


@dataclass(frozen=True)
class Expected:
    """What the auditor expects: how fresh a log is, and its own folder if it is a member."""

    max_age: int
    folder: AuditorFolder | None = None


@dataclass(frozen=True)
class Look:
    """What one look gave: the size seen, and what somebody should look at."""

    size: int
    findings: tuple[Finding, ...]


class Monitor:
    """Looks at one log. `look` raises LocalError alone; everything else is a finding."""

    def __init__(self, http: HttpClient, url: str, state: MonitorState, expected: Expected) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._state = state
        self._expected = expected

    async def look(self, now: int) -> Look:
        """One look at `now` (Unix seconds). Alarms are on the disk before it answers."""
        findings: list[Finding] = []
        view = await self._state.view()
        progress = await self._follow(view, findings)
        seen = progress.view if progress else view
        if progress is not None:
            findings += changes(view.directory, seen.directory) if view.size else ()
            findings += self._fresh(seen, now)
        if self._expected.folder is not None and seen.directory.charters:
            findings += own_keys(self._expected.folder, seen.directory)
        findings += self._kept(findings)
        self._state.record(findings, now)
        if progress is not None:
            await self._state.advance(progress)
        return Look(seen.size, tuple(findings))

    async def _follow(self, view: LogView, findings: list[Finding]) -> Progress | None:
        try:
            note = await self._http.get(f"{self._url}/checkpoint")
            _, checkpoint = parse_checkpoint(note)
        except RemoteError as error:
            findings.append(_no_checkpoint(error))
            return None
        if view.size and checkpoint.origin != view.directory.charter.log.origin:
            findings.append(await self._other_log(view, note))
            return None
        fault = self._compare(view, note, checkpoint)
        if fault is not None:
            findings.append(fault)
            return None
        self._state.keep_note(note)
        try:
            if view.directory.charters:
                # The quorum first: nobody makes us fetch a log that witnesses have not seen.
                verify_note_by_charter(note, view.directory.charter)
            return await read_on(self._http, self._url, view, note)
        except RemoteError as error:
            findings.append(self._not_extended(view, note, error))
            return None

    async def _other_log(self, view: LogView, note: bytes) -> Finding:
        """The hub shows a log of another name: the successor of a lost one, or none.

        Never moved on to: whoever watches it pins its genesis, from two agencies' agreements.
        """
        try:
            progress = await read_successor(self._http, self._url, view, note)
        except SuccessorRefused as error:
            detail = f"{error.detail}; proof {self._state.keep_proof(view.note, note)}"
            return _proven(FindingCode.SUCCESSOR_REFUSED, detail, view, note)
        except RemoteError as error:
            if error.code in UNFINISHED:
                return missing(FindingCode.HUB_UNREACHABLE, None, f"another log: {error.code}")
            if error.code is ErrorCode.NO_QUORUM:
                return missing(FindingCode.NO_QUORUM, None, error.detail)
            return broken(FindingCode.CHECKPOINT_SIGNATURE, None, f"{error.code}: {error.detail}")
        detail = (
            f"genesis {progress.view.genesis} follows from this log; compare it with two "
            "agencies' agreements and monitor it in a folder of its own"
        )
        return rule(FindingCode.SUCCESSOR, None, detail)

    def _compare(self, view: LogView, note: bytes, checkpoint: Checkpoint) -> Finding | None:
        """What the checkpoint alone proves against the log, if anything."""
        if not view.size:
            return None
        try:
            parsed, _ = parse_checkpoint(note)
            charter = view.directory.charter
            verify_log_signature(parsed, checkpoint, log_key(charter))
            verify_cosigners(parsed, witness_keys(charter))
        except RemoteError as error:
            detail = f"the checkpoint is not signed by this log's keys: {error.code}"
            return broken(FindingCode.CHECKPOINT_SIGNATURE, None, detail)
        if checkpoint.size < view.size:
            name = self._state.keep_proof(view.note, note)
            detail = (
                f"{counted(checkpoint.size, 'entry')} where there were {view.size}; proof {name}"
            )
            return _proven(FindingCode.ROLLED_BACK, detail, view, note)
        if checkpoint.size == view.size and checkpoint.root != view.frontier.root():
            name = self._state.keep_proof(view.note, note)
            detail = (
                f"two trees of {counted(view.size, 'entry')}; both notes are kept as proof {name}"
            )
            return _proven(FindingCode.OLD_DIFFERS, detail, view, note)
        return None

    def _not_extended(self, view: LogView, note: bytes, error: RemoteError) -> Finding:
        if error.code in UNFINISHED and not isinstance(error, BadLeaf):
            detail = f"the hub did not serve what its checkpoint covers: {error.code}"
            return missing(FindingCode.HUB_UNREACHABLE, None, detail)
        if error.code is ErrorCode.NO_QUORUM:
            return missing(FindingCode.NO_QUORUM, None, error.detail)
        detail = f"{error.code}: {error.detail}"
        if not view.size:
            first = error.code is ErrorCode.BAD_SIGNATURE
            code = FindingCode.CHECKPOINT_SIGNATURE if first else FindingCode.ROOT_DIFFERS
            return broken(code, None, detail)
        # The note itself was signed by those we know: what it covers is at fault.
        leaf = isinstance(error, BadLeaf)
        code = FindingCode.PUBLIC_LEAF if leaf else FindingCode.ROOT_DIFFERS
        detail += f"; both notes are kept as proof {self._state.keep_proof(view.note, note)}"
        return _proven(code, detail, view, note)

    def _fresh(self, view: LogView, now: int) -> Iterator[Finding]:
        seen = verify_note_by_charter(view.note, view.directory.charter).seen_at
        if seen > now + MAX_SKEW_SECONDS:
            detail = f"witnesses signed {counted((seen - now) // 60, 'minute')} ahead of our clock"
            yield rule(FindingCode.CHECKPOINT_FUTURE, None, detail)
        if seen < now - self._expected.max_age:
            detail = f"witnesses last signed {counted((now - seen) // 60, 'minute')} ago"
            yield missing(FindingCode.CHECKPOINT_STALE, None, detail)

    def _kept(self, findings: list[Finding]) -> Iterator[Finding]:
        """Proofs of earlier looks: an alarm until a person has moved them away."""
        for name in self._state.proofs():
            if not any(name in item.detail for item in findings):
                detail = f"two notes that contradict each other are in proof/{name}.*"
                yield broken(FindingCode.OLD_DIFFERS, None, detail)


def _no_checkpoint(error: RemoteError) -> Finding:
    if error.code in UNFINISHED:
        return missing(FindingCode.HUB_UNREACHABLE, None, f"no checkpoint: {error.code}")
    return broken(FindingCode.CHECKPOINT_MALFORMED, None, f"the checkpoint: {error.code}")


def _proven(code: FindingCode, detail: str, view: LogView, note: bytes) -> Finding:
    """The finding with the note that we hold and the one that was served."""
    return replace(broken(code, None, detail), notes=(view.note.decode(), note.decode()))
