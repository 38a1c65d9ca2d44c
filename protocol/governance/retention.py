"""What may be erased when, and the statement that says it was: specs/05-log.md §7.

Two stages. First the disclosures: rows of publications and items of rounds, which name stubs and
are kept beside the envelope that commits to them. Then the payload itself: envelope and salt. The
leaf stays in the tree, and with it every proof. Pure: what is held comes in as values.

And until when a card may be kept by the agency that asked for it: specs/06-requests.md §7.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from protocol.governance.charter import Charter
from protocol.messages.log import Decider, ErasureBody, Rule, Stage

DAY = 86_400
RULES: dict[Stage, Rule] = {"disclosures": "disclosure_days", "payload": "retention_days"}
"""The number of the charter that each stage goes by."""


@dataclass(frozen=True)
class Holding:
    """What a hub still holds of one sealed entry.

    `settled_at` is when the last entry of the same request was logged. `in_use`: a decision that is
    still to come may rest on it.
    """

    index: int
    logged_at: int
    settled_at: int
    disclosures: bool
    payload: bool
    in_use: bool


@dataclass(frozen=True)
class Due:
    """One erasure that the charter asks for now."""

    index: int
    stage: Stage
    logged_at: int


def plan_erasures(charter: Charter, holdings: Iterable[Holding], now: int) -> Iterator[Due]:
    """What is to be erased at `now`, in the order of the holdings."""
    for held in holdings:
        stage = due_stage(charter, held, now)
        if stage is not None:
            yield Due(held.index, stage, held.logged_at)


def due_stage(charter: Charter, held: Holding, now: int) -> Stage | None:
    """The stage that is due for one holding, the later one if both are."""
    if held.in_use:
        return None
    if held.payload and now >= held.settled_at + charter.retention_days * DAY:
        return "payload"
    days = min(charter.disclosure_days, charter.retention_days)
    if held.disclosures and now >= held.settled_at + days * DAY:
        return "disclosures"
    return None


def earliest(charter: Charter, stage: Stage, logged_at: int) -> int:
    """Before this time, nothing logged at `logged_at` may reach `stage` under this charter."""
    days = charter.retention_days
    if stage == "disclosures":
        days = min(days, charter.disclosure_days)
    return logged_at + days * DAY


def keep_until(charter: Charter, permission_ends: int, now: int) -> int:
    """Until when a card that leaves at `now` may be kept: no longer than the permission that it is
    released over, and no longer than the log keeps what its release says.
    """
    return min(permission_ends, now + charter.retention_days * DAY)


def may_be_kept(charter: Charter, until: int | None, released_at: int) -> bool:
    """Whether a card of a release says until when it may be kept, and that is not over nor longer
    than this charter lets anybody keep one.
    """
    longest = released_at + charter.retention_days * DAY
    return until is not None and released_at < until <= longest


def erasure_body(due: Due, decided_by: Decider) -> ErasureBody:
    """The statement of an erasure."""
    return ErasureBody(
        index=due.index,
        stage=due.stage,
        rule=RULES[due.stage],
        logged_at=due.logged_at,
        decided_by=decided_by,
    )
