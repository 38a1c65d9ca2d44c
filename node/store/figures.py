"""Counts of own records, by service: how good what feeds bring is. Numbers only."""

from dataclasses import dataclass

from node.store.permissions import At, permitted
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


@dataclass(frozen=True)
class Totals:
    """Exact counts, for rounding: clients published at a hub, with number, full date of birth and
    postcode; clients with work going on, and with a permission; people who may act; the last feed.
    """

    published: tuple[int, int, int, int]
    permitted: tuple[int, int]
    practitioners: int
    last_feed: int | None


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
            "WHERE (i.ended_at IS NULL OR i.ended_at > ?) "
            "AND i.client NOT IN (SELECT client FROM enquiry) "
            "GROUP BY i.type, i.client) AS each_client "
            "GROUP BY type ORDER BY type",
            now, now,
        )  # fmt: skip
        return [ServiceFigures(**row) for row in rows]

    def totals(self, hub_id: str, now: int) -> Totals:
        """What an agency counts before it says how much it publishes at a hub."""
        published = self._tx.one(
            "SELECT COUNT(*) AS clients, COALESCE(SUM(c.nhs_number IS NOT NULL), 0) AS numbers, "
            "COALESCE(SUM(c.date_of_birth IS NOT NULL), 0) AS births, "
            "COALESCE(SUM(c.postcode IS NOT NULL), 0) AS postcodes "
            "FROM stub s JOIN client c ON c.id = s.client WHERE s.hub_id = ? AND s.retired = 0 "
            "AND s.revision > 0 AND s.client NOT IN (SELECT client FROM enquiry)",
            hub_id,
        )
        permits = permitted(At(hub_id, now))
        going_on = self._tx.one(
            "SELECT COUNT(*) AS clients, COALESCE(SUM(permitted), 0) AS permitted FROM "  # noqa: S608
            f"(SELECT MAX({permits.sql}) AS permitted FROM involvement i "
            "WHERE (i.ended_at IS NULL OR i.ended_at > ?) "
            "AND i.client NOT IN (SELECT client FROM enquiry) GROUP BY i.client) AS each_client",
            *permits.values, now,
        )  # fmt: skip
        people = self._tx.one("SELECT COUNT(*) AS n FROM practitioner WHERE closed_at IS NULL")
        feed = self._tx.one("SELECT MAX(at) AS at FROM imported")
        return Totals(
            tuple(int(value) for value in (published or {}).values()),  # type: ignore[arg-type]
            tuple(int(value) for value in (going_on or {}).values()),  # type: ignore[arg-type]
            int(people["n"]) if people else 0,
            feed["at"] if feed else None,
        )
