"""Logged decisions, as columns of whatever table: of requests and of identity checks."""

from dataclasses import dataclass
from typing import Any

from storage.engine import Row


@dataclass(frozen=True)
class LoggedDecision:
    """A decision, to the byte, with its place in the log: what a proof is checked against."""

    id: str
    index: int
    salt: str | None
    envelope: bytes


def decision_columns(decision: LoggedDecision | None) -> dict[str, Any]:
    """The columns of a logged decision, in whichever table."""
    return {
        "decision_id": decision.id if decision else None,
        "decision_index": decision.index if decision else None,
        "decision_salt": decision.salt if decision else None,
        "decision_envelope": decision.envelope if decision else None,
    }


def decision_of(row: Row) -> LoggedDecision | None:
    """The logged decision in a row, if there is one."""
    if row["decision_id"] is None:
        return None
    return LoggedDecision(
        row["decision_id"], row["decision_index"], row["decision_salt"], row["decision_envelope"]
    )
