"""What is new for our own people, line by line: specs/11-news.md.

A line holds ids and nothing else; what it shows is looked up when it is read
(node/news/reading.py). Calls that take many cost a few statements, however many.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from storage.engine import Row, Transaction


class NewsKind(StrEnum):
    """What happened."""

    FOUND_BY = "found_by"
    JOINED = "joined"
    LEFT = "left"
    ASKED = "asked"
    ANSWERED = "answered"
    RECALLED = "recalled"
    REVIEW_DUE = "review_due"
    OVERDUE = "overdue"
    PASSED_ON = "passed_on"
    ATTENTION = "attention"
    HANDED_OVER = "handed_over"


class NewsLevel(StrEnum):
    """How people are told: `quiet` stands on the list, `digest` is a number a day, `notice` is a
    line, and mail, of its own.
    """

    QUIET = "quiet"
    DIGEST = "digest"
    NOTICE = "notice"


IN_TEAM = (NewsKind.FOUND_BY, NewsKind.JOINED)
"""That somebody is in a team; `left` takes their place."""
OF_TEAMS = (*IN_TEAM, NewsKind.LEFT)
ON_PAGES = (*OF_TEAMS, NewsKind.RECALLED)
"""What a client's own page shows of news; the rest has its place with requests."""


@dataclass(frozen=True)
class NewsRow:
    """A line for one person (a row id) about one client (likewise). `subject`: a link, a request or
    work; `item`: which of it, or nothing. `at`: Unix seconds.
    """

    hub_id: str
    person: int
    client: int
    kind: NewsKind
    subject: str
    item: str
    level: NewsLevel
    at: int


@dataclass(frozen=True)
class NewsLine(NewsRow):
    """A line as it lies on disk; `seen_at`, `mailed_at`: None before."""

    id: int
    seen_at: int | None
    mailed_at: int | None


@dataclass(frozen=True)
class NewsMail:
    """Mail to a person that is on its way since `since`, and is tried again at `next_at`."""

    person: int
    message_id: str
    since: int
    attempts: int
    next_at: int


class News:
    """Lines of news, and the mail that says that there are some, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def unseen_of(self, person: int, clients: Collection[int]) -> dict[int, int]:
        """How many lines on each of these clients' pages a person has not seen, where there are
        any.
        """
        kinds = ", ".join(f"'{kind.value}'" for kind in ON_PAGES)
        sql = (
            "SELECT client, COUNT(*) AS n FROM news WHERE person = ? AND seen_at IS NULL "  # noqa: S608 - our own words
            f"AND kind IN ({kinds}) AND client IN (:among) GROUP BY client"
        )
        rows = self._tx.rows_among(sql, person, among=clients)
        return {int(row["client"]): int(row["n"]) for row in rows}

    def put(self, rows: Iterable[NewsRow]) -> None:
        """Write lines; one that is there already stays as it is."""
        sql = (
            "INSERT INTO news (hub_id, person, client, kind, subject, item, level, at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        )
        values = [tuple(vars(row).values()) for row in rows]
        if values:
            self._tx.run_many(sql, [tuple(map(_plain, row)) for row in values])

    def remove(
        self, hub_id: str, kinds: Sequence[NewsKind], items: Collection[tuple[str, str]]
    ) -> None:
        """Delete the lines of these kinds of these items, each by its subject."""
        among = ", ".join(f"'{kind.value}'" for kind in kinds)
        sql = (
            f"DELETE FROM news WHERE hub_id = ? AND subject = ? AND item = ? AND kind IN ({among})"  # noqa: S608 - our own words
        )
        if items:
            self._tx.run_many(sql, [(hub_id, subject, item) for subject, item in items])

    def of_person(self, person: int, *, unseen: bool) -> list[NewsLine]:
        """A person's lines at every hub, the newest first; or only those not seen yet."""
        where = "AND seen_at IS NULL" if unseen else ""
        sql = f"SELECT * FROM news WHERE person = ? {where} ORDER BY at DESC, id DESC"  # noqa: S608
        return [_line(row) for row in self._tx.rows(sql, person)]

    def mark_seen(self, numbers: Collection[int], now: int) -> None:
        """These were seen."""
        sql = "UPDATE news SET seen_at = ? WHERE seen_at IS NULL AND id IN (:among)"
        self._tx.run_among(sql, now, among=numbers)

    def hand_over(self, person: int, to: int) -> None:
        """Let somebody else read what a person has not seen: no mail has told them of it."""
        self._tx.run(
            "UPDATE news SET person = ?, mailed_at = NULL WHERE person = ? AND seen_at IS NULL "
            "AND NOT EXISTS (SELECT 1 FROM news o WHERE o.person = ? AND o.hub_id = news.hub_id "
            "AND o.subject = news.subject AND o.kind = news.kind AND o.item = news.item)",
            to, person, to,
        )  # fmt: skip

    def unmailed(self, people: Collection[int]) -> dict[int, dict[NewsLevel, int]]:
        """Since when each of these people has lines that are neither seen nor mailed, by level."""
        sql = (
            "SELECT person, level, MIN(at) AS since FROM news WHERE mailed_at IS NULL "
            "AND seen_at IS NULL AND level <> 'quiet' AND person IN (:among) "
            "GROUP BY person, level"
        )
        found: dict[int, dict[NewsLevel, int]] = {}
        for row in self._tx.rows_among(sql, among=people):
            found.setdefault(row["person"], {})[NewsLevel(row["level"])] = int(row["since"])
        return found

    def mails(self) -> dict[int, NewsMail]:
        """The mail that is on its way, by person."""
        return {row["person"]: NewsMail(**row) for row in self._tx.rows("SELECT * FROM news_mail")}

    def put_mail(self, mail: NewsMail) -> None:
        """Keep a mail that is on its way."""
        self._tx.put("news_mail", vars(mail), ("person",))

    def drop_mails(self, people: Collection[int]) -> None:
        """There is no mail to these on its way any more."""
        self._tx.run_among("DELETE FROM news_mail WHERE person IN (:among)", among=people)

    def mailed(self, person: int, numbers: Collection[int], now: int) -> None:
        """A mail that tells of these lines was taken."""
        self.drop_mails([person])
        sql = "UPDATE news SET mailed_at = ? WHERE mailed_at IS NULL AND id IN (:among)"
        self._tx.run_among(sql, now, among=numbers)

    def remember_shown(self, hub_id: str) -> None:
        """Remember which agencies links show of which clients: all links will be told anew."""
        self._tx.run(
            "INSERT INTO shown_before (hub_id, client, agency_id) "
            "SELECT DISTINCT l.hub_id, s.client, l.agency_id FROM link l "
            "JOIN stub s ON s.hub_id = l.hub_id AND s.stub_id = l.stub_id "
            "WHERE l.hub_id = ? AND l.state <> 'ended' AND l.agency_id IS NOT NULL "
            "ON CONFLICT DO NOTHING",
            hub_id,
        )  # fmt: skip

    def shown_before(self, hub_id: str, clients: Collection[int]) -> set[tuple[int, str]]:
        """Which agencies were shown of these clients before links were told anew."""
        sql = "SELECT client, agency_id FROM shown_before WHERE hub_id = ? AND client IN (:among)"
        rows = self._tx.rows_among(sql, hub_id, among=clients)
        return {(int(row["client"]), str(row["agency_id"])) for row in rows}

    def forget_shown(self, hub_id: str, pairs: Iterable[tuple[int, str]]) -> None:
        """These were told anew."""
        sql = "DELETE FROM shown_before WHERE hub_id = ? AND client = ? AND agency_id = ?"
        values = [(hub_id, *pair) for pair in pairs]
        if values:
            self._tx.run_many(sql, values)


def _plain(value: object) -> object:
    return value.value if isinstance(value, StrEnum) else value


def _line(row: Row) -> NewsLine:
    values = {"kind": NewsKind(row["kind"]), "level": NewsLevel(row["level"])}
    return NewsLine(**{**row, **values})
