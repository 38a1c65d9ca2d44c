"""Counts of own records, by service: how good what feeds bring is. Numbers only."""

from dataclasses import dataclass

from storage.engine import Transaction


@dataclass(frozen=True)
class ServiceFigures:
    """Of the clients with whom work of a type goes on: how many there are, and how many of them
    have an NHS number, a full date of birth, a postcode, and a permission in force.
    """

    type: str
    clients: int
    with_nhs_number: int
    with_date_of_birth: int
    with_postcode: int
    with_permission: int


class Figures:
    """Counts within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def by_service(self, now: int) -> list[ServiceFigures]:
        """Of each type of involvement that goes on, by its code."""
        rows = self._tx.rows(
            "SELECT type, COUNT(*) AS clients, SUM(number) AS with_nhs_number, "
            "SUM(born) AS with_date_of_birth, SUM(place) AS with_postcode, "
            "SUM(permitted) AS with_permission FROM (SELECT i.type AS type, "
            "MAX(c.nhs_number IS NOT NULL) AS number, MAX(c.date_of_birth IS NOT NULL) AS born, "
            "MAX(c.postcode IS NOT NULL) AS place, MAX((i.permission_basis IS NOT NULL "
            "AND i.valid_until > ? AND i.withdrawn_at IS NULL) "
            "OR i.type IN (SELECT type FROM always_findable)) AS permitted "
            "FROM involvement i JOIN client c ON c.id = i.client "
            "WHERE i.ended_at IS NULL OR i.ended_at > ? GROUP BY i.type, i.client) AS each_client "
            "GROUP BY type ORDER BY type",
            now, now,
        )  # fmt: skip
        return [ServiceFigures(**row) for row in rows]
