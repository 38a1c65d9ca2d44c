"""What the monitor keeps: the log as last seen, every checkpoint, alarms, and proof of a fork.

specs/08-audit.md §9. All of it survives restarts. Notes and proofs are plain files that other
tools read; a proof stays an alarm until a person has moved it away.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from audit.case.files import write_file
from audit.findings import Finding
from protocol.errors import ErrorCode, LocalError
from protocol.governance.follow import LogView
from protocol.log.checkpoint import parse_checkpoint
from storage.engine import Engine, Transaction
from storage.logview import SCHEMA, load_view, save_view
from storage.sqlite import SqliteEngine
from transport.logsync import Progress


class MonitorState:
    """One monitor's folder, for one log. Raises LocalError if it is another log's or unusable."""

    def __init__(self, folder: Path, genesis: str) -> None:
        self._genesis = genesis
        try:
            for name in ("notes", "proof"):
                (folder / name).mkdir(parents=True, exist_ok=True)
            pinned = folder / "genesis"
            if not pinned.exists():
                write_file(pinned, f"{genesis}\n".encode())
            if pinned.read_text("ascii").strip() != genesis:
                raise LocalError(ErrorCode.CONFLICT, "this folder monitors another log")
        except (OSError, ValueError) as error:
            raise LocalError(ErrorCode.STORAGE, "the monitor's folder is not usable") from error
        self.folder = folder
        self._engine: Engine[Transaction] = SqliteEngine(
            folder / "monitor.sqlite3", SCHEMA, lambda tx: tx
        )

    async def view(self) -> LogView:
        """The log as it was last seen."""
        return await self._engine.read(lambda tx: load_view(tx, self._genesis))

    async def advance(self, progress: Progress) -> None:
        """Keep a newer view; never an older one."""
        await self._engine.write(
            lambda tx: save_view(tx, progress.view, progress.public_leaves, progress.documents)
        )

    async def close(self) -> None:
        """Close the database."""
        await self._engine.close()

    def keep_note(self, note: bytes) -> None:
        """Keep a checkpoint as it was served; the same one once."""
        _, checkpoint = parse_checkpoint(note)
        digest = hashlib.sha256(note).hexdigest()[:16]
        path = self.folder / "notes" / f"{checkpoint.size:012d}-{digest}"
        if not path.exists():
            write_file(path, note)

    def keep_proof(self, held: bytes, served: bytes) -> str:
        """Keep two notes that contradict each other; the name under which they lie."""
        name = hashlib.sha256(held + served).hexdigest()[:16]
        write_file(self.folder / "proof" / f"{name}.held", held)
        write_file(self.folder / "proof" / f"{name}.served", served)
        return name

    def proofs(self) -> list[str]:
        """Names of the proofs that are kept."""
        return sorted(path.stem for path in (self.folder / "proof").glob("*.held"))

    def record(self, findings: Sequence[Finding], now: int) -> None:
        """Write alarms down before the view moves on: a change is told even after a crash."""
        lines = [
            json.dumps({"time": now, "severity": item.severity, "code": item.code,
                        "index": item.index, "detail": item.detail})
            for item in findings
        ]  # fmt: skip
        if not lines:
            return
        try:
            with (self.folder / "alarms.jsonl").open("a", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in lines))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise LocalError(ErrorCode.STORAGE, "alarms cannot be written") from error
