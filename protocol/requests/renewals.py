"""Whether a card may leave once more for a decision: specs/06-requests.md §7, Renewed cards.

Pure, and the same for the hub that refuses and the auditor who finds.
"""

from dataclasses import dataclass
from enum import StrEnum

from protocol.governance.retention import DAY


class NotRenewed(StrEnum):
    """Why a card does not leave once more."""

    WRONG_PERSON = "wrong_person"
    NOT_GONE = "not_gone"
    KEPT_TOO_LONG = "kept_too_long"
    TWICE_A_DAY = "twice_a_day"


@dataclass(frozen=True)
class CardBefore:
    """The card that left last. `recalled`: its holder itself recalled it; `gone`: the asker stated
    that it deleted it; `wrong_person`: anybody ever said so; `keep_until`: None from a program that
    did not say; `renewed_at`: when it left (the statement's `iat`) if it was not the first.
    """

    recalled: bool
    gone: bool
    wrong_person: bool
    keep_until: int | None
    renewed_at: int | None


def may_follow(before: CardBefore, keep_until: int | None, iat: int) -> NotRenewed | None:
    """Why no card that may be kept until then may leave at `iat`; None if it may."""
    if before.wrong_person:
        return NotRenewed.WRONG_PERSON
    if not (before.recalled and before.gone):
        return NotRenewed.NOT_GONE
    if before.keep_until is None or keep_until is None or keep_until > before.keep_until:
        return NotRenewed.KEPT_TOO_LONG
    return None if may_renew_on(before.renewed_at, iat) else NotRenewed.TWICE_A_DAY


def may_renew_on(renewed_at: int | None, now: int) -> bool:
    """Whether a card may be renewed on this day (UTC), seen when it was renewed last."""
    return renewed_at is None or renewed_at // DAY != now // DAY
