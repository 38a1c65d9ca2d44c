"""The figures that agencies give once a week: specs/02-charter.md §10. Pure.

From exact counts to what everybody may see: no number under five can be worked out from it.
"""

from dataclasses import dataclass

from protocol.errors import ErrorCode, RemoteError
from protocol.messages.members import FiguresBody, Practitioners, Shares
from protocol.messages.statement import Statement

DAY = 86_400
WEEK = 7 * DAY
LEAST_SECONDS = 6 * DAY
"""Between two of an agency: a week, less what clocks and nights may take."""
ENOUGH = 50
OLDEST_DAYS = 366
_BANDS: tuple[tuple[int, Practitioners], ...] = (
    (5, "under_5"),
    (10, "5_to_9"),
    (25, "10_to_24"),
    (50, "25_to_49"),
    (100, "50_to_99"),
    (250, "100_to_249"),
)


@dataclass(frozen=True)
class SaidFigures:
    """What an agency said last, and when it signed that (Unix seconds)."""

    body: FiguresBody
    iat: int


def in_tens(count: int) -> int:
    """A count, rounded down."""
    return count // 10 * 10


def tenths(part: int, whole: int) -> int:
    """How many in ten, from 1 to 9; `whole` is at least `ENOUGH`."""
    return min(9, max(1, (20 * part + whole) // (2 * whole)))


def shares(published: tuple[int, int, int, int], permitted: tuple[int, int]) -> Shares | None:
    """From counts: clients published, and of them with number, full date of birth and postcode;
    clients with work going on, and of them with a permission. None where there are too few.
    """
    clients, numbers, births, postcodes = published
    everybody, with_permission = permitted
    if min(clients, everybody) < ENOUGH:
        return None
    return Shares(
        nhs_number=tenths(numbers, clients),
        date_of_birth=tenths(births, clients),
        postcode=tenths(postcodes, clients),
        permission=tenths(with_permission, everybody),
    )


def band(count: int) -> Practitioners:
    """How many people, by band."""
    return next((name for end, name in _BANDS if count < end), "250_or_more")


def said_next(before: SaidFigures | None, statement: Statement[FiguresBody]) -> SaidFigures:
    """What an agency said last, once it has said this. Raises RemoteError(CONFLICT) if that is too
    soon after what it said before.
    """
    iat = statement.preamble.iat
    if before is not None and iat < before.iat + LEAST_SECONDS:
        raise RemoteError(ErrorCode.CONFLICT, "figures come once a week")
    return SaidFigures(statement.body, iat)
