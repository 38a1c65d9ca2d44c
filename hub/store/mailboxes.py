"""Mailboxes: messages that wait for an agency to fetch them.

Numbered for each agency by itself, or the numbers would tell how much others got in between.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hub.store.log import Logged
from storage.engine import Transaction

_GENERATION = "generation"
_BEFORE = ""  # in place of an agency: the last number of all, from when they had one in common


@dataclass(frozen=True)
class Post:
    """A message for one agency's mailbox."""

    agency: str
    envelope: bytes
    logged: Logged | None = None
    sealed: bytes | None = None
    proof: bytes | None = None


@dataclass(frozen=True)
class Mail:
    """A message in a mailbox, by its number there; `index` and `salt` where it is logged."""

    seq: int
    index: int | None
    salt: bytes | None
    envelope: bytes
    sealed: bytes | None
    proof: bytes | None


class Mailboxes:
    """All mailboxes within one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def post(self, posts: Sequence[Post]) -> None:
        """Put messages into mailboxes, in order."""
        last = self._last_numbers({post.agency for post in posts})
        rows = []
        for post in posts:
            last[post.agency] += 1
            rows.append(
                {
                    "agency": post.agency,
                    "seq": last[post.agency],
                    "idx": post.logged.index if post.logged else None,
                    "salt": post.logged.salt if post.logged else None,
                    "envelope": post.envelope,
                    "sealed": post.sealed,
                    "proof": post.proof,
                }
            )
        self._tx.insert_many("mailbox", rows)
        numbers = [{"agency": agency, "seq": seq} for agency, seq in last.items()]
        self._tx.put_many("mailbox_last", numbers, ("agency",))

    def acknowledge(self, agency: str, cursor: int) -> int:
        """Delete what was delivered up to `cursor`, ciphertexts included; nothing undelivered.

        Answers up to where the agency has acknowledged its mail: further than `cursor` if an old
        copy of it asks.
        """
        rows = self._tx.rows(
            "DELETE FROM mailbox WHERE agency = ? AND seq <= ? AND delivered = 1 RETURNING seq",
            agency, cursor,
        )  # fmt: skip
        if not rows:
            held = self._tx.one("SELECT cursor FROM acknowledged WHERE agency = ?", agency)
            if held is not None:
                return int(held["cursor"])
        # Never beyond what was delivered; of an agency that is not known yet, its own word.
        newest = max((row["seq"] for row in rows), default=cursor)
        self._tx.put("acknowledged", {"agency": agency, "cursor": newest}, ("agency",))
        return int(newest)

    def forget_acknowledged(self, agency: str) -> None:
        """Let an agency go on from an earlier place: what it had acknowledged stays deleted."""
        self._tx.run("DELETE FROM acknowledged WHERE agency = ?", agency)

    def has_mail(self, agency: str, cursor: int) -> bool:
        """Whether anything waits after `cursor`."""
        sql = "SELECT 1 FROM mailbox WHERE agency = ? AND seq > ? LIMIT 1"
        return self._tx.one(sql, agency, cursor) is not None

    def waiting(self) -> int:
        """How many messages nobody has fetched yet, of all agencies together."""
        row = self._tx.one("SELECT count(*) AS many FROM mailbox WHERE delivered = 0")
        return int(row["many"]) if row else 0

    def deliver(self, agency: str, cursor: int, limit: int) -> list[Mail]:
        """The next messages after `cursor`, in order, and marked as delivered."""
        rows = self._tx.rows(
            "UPDATE mailbox SET delivered = 1 WHERE agency = ? AND seq IN "
            "(SELECT seq FROM mailbox WHERE agency = ? AND seq > ? ORDER BY seq LIMIT ?) "
            "RETURNING seq, idx, salt, envelope, sealed, proof",
            agency, agency, cursor, limit,
        )  # fmt: skip
        return sorted((Mail(*row.values()) for row in rows), key=lambda mail: mail.seq)

    def withhold(self, agency: str, index: int) -> None:
        """Take the sealed part away from an agency's copies of an entry: it is not delivered."""
        sql = "UPDATE mailbox SET sealed = NULL WHERE agency = ? AND idx = ?"
        self._tx.run(sql, agency, index)

    def erase(self, indexes: Collection[int]) -> None:
        """Delete every copy of these entries: one may wait for an agency that went away."""
        self._tx.run_among("DELETE FROM mailbox WHERE idx IN (:among)", among=indexes)

    def generation(self) -> str:
        """The mailboxes' generation: changes when the hub's database is made anew."""
        row = self._tx.one("SELECT value FROM meta WHERE key = ?", _GENERATION)
        return str(row["value"]) if row else ""

    def begin(self, generation: str) -> None:
        """Begin a generation, in a database that is new or made anew: every agency reads from
        the beginning."""
        self._tx.put("meta", {"key": _GENERATION, "value": generation}, ("key",))
        self._tx.run("DELETE FROM acknowledged")

    def _last_numbers(self, agencies: Collection[str]) -> dict[str, int]:
        """The number of the newest message that each of these agencies ever had."""
        sql = "SELECT agency, seq FROM mailbox_last WHERE agency IN (:among)"
        rows = self._tx.rows_among(sql, among=[*agencies, _BEFORE])
        last = {row["agency"]: int(row["seq"]) for row in rows}
        return {agency: last.get(agency, last.get(_BEFORE, 0)) for agency in agencies}
